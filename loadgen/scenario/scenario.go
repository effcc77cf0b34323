// Package scenario reads what a load test does: `kvscenario: 1`, a YAML file of keys, operations, their mix and phases. It owns the
// format and the scenarios that come with kvtool, each one file of it. It runs nothing: loadgen/play does.
//
// The one idea is that a scenario is checked before anything is sent. A word of a command is read here (Word), so that a template,
// a field or a command that there is not is a mistake with its line, and not an error of the store.
//
//	scenario.yaml ──Parse──▶ Scenario ──▶ play
//	keys.yaml ───────┘ fields and templates, in the words of keydesign/schema
package scenario

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// Version is the only value of `kvscenario`.
const Version = 1

// MaxSize is how long a file may be, in bytes.
const MaxSize = 1 << 20

// A Scenario is a file that was read and found sound.
type Scenario struct {
	Name, About string
	Text        []byte // of the file
	Seed        uint64
	Prefix      string        // with {run}, which stands for the run
	MaxTTL      time.Duration // of keys whose template has none
	Load        Load
	Schema      *schema.Schema
	Ops         []Op
	Phases      []Phase // at least one that is no fill
	Thresholds  []string
	Sets        []string // what was set otherwise than the file says, as path=value
	design      []byte   // of the keys.yaml that it names
}

// A Load is how connections are used.
type Load struct {
	Conns    int
	Pipeline int
	Timeout  time.Duration
}

// An Op is one operation of the application.
type Op struct {
	Name         string
	Steps        []Step
	Weight       float64 // in the mix of phases that have none of their own
	Check        string  // one of Checks, or ""
	Limit        int64   // of a check that has one
	Window       time.Duration
	SingleFlight bool // one caller computes what is missing, the others wait
	Insert       bool // the keys are new ones
}

// A Step is what is sent at once, or a time in which nothing is.
type Step struct {
	Cmds   []Cmd
	Tx     bool          // between MULTI and EXEC
	Atomic string        // one of Atomics: Cmds has its arguments as one command
	Again  time.Duration // asked again after that long, until it shows what the operation has written
	Is     string        // what the step is to the operation's check: one of Roles
	OnNil  []Step        // instead of what follows, if the first reply is nothing
	End    bool          // with OnNil empty: nothing follows then
	Wait   Wait          // with no Cmds
	Line   int
}

// A Wait is a time by its mean.
type Wait struct {
	Mean  time.Duration
	Fixed bool // always that long; otherwise exponential
	Think bool // the origin's cost or a user's pause; otherwise a hold
}

// A Cmd is the words of a command.
type Cmd struct {
	Words   []Word
	Replica bool // asked of a replica
}

// A Phase is a time of the run.
type Phase struct {
	Name   string
	Fill   []string // templates whose keys are written, each once; no operations
	For    time.Duration
	Rate   Rate
	Record bool
	Mix    []float64 // a weight for each of Ops
	Events []Event
	// Stable ends the phase, which is not recorded, before For is over: when the hit rate changes by no more than this share.
	// 0 is not asked for.
	Stable float64
}

// A Rate is when operations come. Kind is max, constant, poisson, ramp, steps, burst or sine.
type Rate struct {
	Kind   string
	Values []float64 // a second: one, from and to, each step, on and off, middle and amplitude
	Every  time.Duration
}

// An Event is what happens to the keys at a moment of a phase.
type Event struct {
	At   time.Duration
	Kind string // popularity_shift, flash_crowd, ttl_herd, size_shift, or one of Faults
	Name string // field or template

	Dist   schema.Dist   // the new law, if any
	Moved  int64         // by how many ranks the popular ones move
	Share  float64       // of the draws, or of the keys
	During time.Duration // for how long, or within which time keys expire
	Size   schema.Dim    // of values from then on
	By     time.Duration // of an added delay
}

// Fault reports whether an event is done to the server, or to the way to it: such are done only where somebody allows it.
func (e *Event) Fault() bool { return slices.Contains(Faults(), e.Kind) }

// Faults are the kinds of events that are faults.
func Faults() []string {
	return []string{"server_sleep", "server_pause", "conn_reset", "added_delay", "failover"}
}

// HasReplica reports whether a command is for a replica.
func (s *Scenario) HasReplica() bool {
	var asks func(Step) bool
	asks = func(step Step) bool {
		return slices.ContainsFunc(step.OnNil, asks) || slices.ContainsFunc(step.Cmds, func(c Cmd) bool { return c.Replica })
	}
	return slices.ContainsFunc(s.Ops, func(op Op) bool { return slices.ContainsFunc(op.Steps, asks) })
}

// Checks are what an operation can be held against.
func Checks() []string {
	return []string{
		"value_of_key", "last_write_wins", "ttl_within", "sum", "fixed_window", "sliding_window", "token_bucket", "one_version",
		"mutual_exclusion", "exactly_once", "nothing_lost", "read_your_writes", "acknowledged",
	}
}

// Roles are what a step can be to a check.
func Roles() []string {
	return []string{"read", "write", "add", "take", "count", "admit", "acquire", "release", "ttl", "origin"}
}

// Atomics are the actions that are done as one, by a script or by WATCH and MULTI.
func Atomics() []string { return []string{"compare_delete", "token_bucket", "sliding_window"} }

// Hash stands for all that decides what is done: the file, the design that it names, and what was set otherwise.
func (s *Scenario) Hash() string {
	h := sha256.New()
	_, _ = h.Write(s.Text)
	_, _ = h.Write(s.design)
	for _, set := range s.Sets {
		_, _ = h.Write([]byte("\x00" + set))
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
