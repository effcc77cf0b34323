// Package recording is what a load run leaves: second by second, how long everything took, and what else there is to know of it.
// It measures nothing, and knows no workloads and no stores.
//
// The one idea is that a recording merges: those of four machines that ran a part each are, count for count, that of one machine
// which ran all of it. So there are counts and histograms by second, and never an average; whatever a report says is computed from
// the whole at the end.
package recording

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/loadgen/latency"
)

// A Verdict says what a run is worth.
type Verdict string

// The verdicts, the best one first: of several the last counts.
const (
	Valid          Verdict = "valid"
	RateMissed     Verdict = "rate-missed"     // the store was full: what was asked is not what was done
	GeneratorBound Verdict = "generator-bound" // kvtool was the limit: latencies are not judged
	Unstable       Verdict = "unstable"        // connections were lost, the process slept: nothing is judged
	Incomplete     Verdict = "incomplete"      // parts are missing
)

func verdicts() []Verdict { return []Verdict{Valid, RateMissed, GeneratorBound, Unstable, Incomplete} }

// worse returns the one that says less.
func worse(a, b Verdict) Verdict {
	if slices.Index(verdicts(), a) >= slices.Index(verdicts(), b) {
		return a
	}
	return b
}

// A Meta says what was run, where and against what. Recordings merge if Hash, Seed, Version, Parts and Classes agree; they compare if
// Hash, Seed, CPU, Server and Classes do.
type Meta struct {
	Scenario string // its name
	Hash     string // of the scenario with all that was set on the command line
	Seed     uint64
	Version  string   // of kvtool
	Parts    int      // into which the load was divided; at least 1
	Classes  []string // names of the operations
	Closed   bool     // closed loop: response times understate waiting
	CPU      string   // of the generator: system, architecture and processors
	Server   string   // product and version
	Target   string   // redacted
	Text     string   // the scenario itself, as YAML
}

// A Recording is what one run has left, or several parts of one.
type Recording struct {
	Meta    Meta
	Began   time.Time // of the schedule; second 0 begins there
	Parts   []Part    // by number, each once
	Seconds []Second  // that were recorded; those that were not have no counts
	Events  []Event   // by time
}

// A Part is one process of a run.
type Part struct {
	Number   int // from 0
	Due      uint64
	Done     uint64
	Unsent   uint64
	Workers  int
	Verdict  Verdict
	Why      string        // of a verdict that is not valid
	CPUShare float64       // of the processors that it may use, the mean
	Clock    time.Duration // how far its clock may be off that of the store
	Took     time.Duration
}

// An Event is something that was done to the load, or to the store, on purpose.
type Event struct {
	At   time.Duration
	Name string
}

// A Second is what was due within one, and what was done within it: in a second in which the store stood still much was due and
// nothing done, and the next one has the long response times.
type Second struct {
	Due        uint64 // tasks
	Done       uint64 // those that failed too
	Unsent     uint64 // at the end: those that were due then and not done; their response times are in it, of at least what they had waited
	Violations uint64
	Classes    []Class           // as Meta.Classes; shorter if those at the end have nothing
	Errors     map[string]uint64 // by class of error: OOM, timeout …
	Server     map[string]float64
}

// A Class is what came of one operation in one second.
type Class struct {
	Errors                 uint64
	Response, Service, Lag latency.Packed
}

// A Kind is one of three latencies.
type Kind int

// The kinds: from when it was due, from when it was sent, and how late it was sent.
const (
	Response Kind = iota
	Service
	Lag
)

func (c *Class) of(k Kind) latency.Packed {
	return [...]latency.Packed{c.Response, c.Service, c.Lag}[k]
}

// Histogram adds up one kind of latency of a class, of all classes with -1, over the seconds from and before to; to is at most the
// number of seconds.
func (r *Recording) Histogram(class int, k Kind, from, to int) (*latency.Histogram, error) {
	h := &latency.Histogram{}
	for i := max(from, 0); i < min(to, len(r.Seconds)); i++ {
		for c := range r.Seconds[i].Classes {
			if class >= 0 && c != class {
				continue
			}
			if err := h.AddPacked(r.Seconds[i].Classes[c].of(k)); err != nil {
				return nil, err
			}
		}
	}
	return h, nil
}

// Responses returns the response times of each second that was recorded, of all operations or of one: the input of a comparison. A
// second in which the store stood still has none, and is there: it is a part of the rate.
func (r *Recording) Responses(class int) ([]*latency.Histogram, error) {
	var hs []*latency.Histogram
	for i := range r.Seconds {
		if s := &r.Seconds[i]; s.Due == 0 && s.Done == 0 && s.Unsent == 0 {
			continue
		}
		h, err := r.Histogram(class, Response, i, i+1)
		if err != nil {
			return nil, err
		}
		hs = append(hs, h)
	}
	return hs, nil
}

// Rate is how many operations a second were done of a class, of all with -1.
func (r *Recording) Rate(class int) (float64, error) {
	h, err := r.Histogram(class, Service, 0, len(r.Seconds)) // response times have the unsent, too
	if err != nil {
		return 0, err
	}
	return float64(h.Count()) / r.length(r.Sum()), nil
}

// A Sum is what all seconds have together.
type Sum struct {
	Due, Done, Unsent, Violations uint64
	Errors                        map[string]uint64
	Recorded                      int // seconds that have anything
}

// ErrorCount is how many have failed.
func (s *Sum) ErrorCount() uint64 {
	n := uint64(0)
	for v := range maps.Values(s.Errors) {
		n += v
	}
	return n
}

// Sum adds up the seconds.
func (r *Recording) Sum() *Sum {
	s := &Sum{Errors: map[string]uint64{}}
	for i := range r.Seconds {
		x := &r.Seconds[i]
		s.Due, s.Done, s.Unsent, s.Violations = s.Due+x.Due, s.Done+x.Done, s.Unsent+x.Unsent, s.Violations+x.Violations
		for k, n := range x.Errors {
			s.Errors[k] += n
		}
		if x.Due > 0 || x.Done > 0 {
			s.Recorded++
		}
	}
	return s
}

// Achieved is the share of what was due that was done; 1 where nothing was due.
func (s *Sum) Achieved() float64 {
	if s.Due == 0 {
		return 1
	}
	return float64(s.Done) / float64(s.Due)
}

// Verdict is the worst of the parts', and incomplete where several are there and one is missing; a part by itself has its own. Why
// names the part, if the load was divided.
func (r *Recording) Verdict() (v Verdict, why string) {
	if missing := r.Missing(); len(missing) > 0 && len(r.Parts) > 1 {
		return Incomplete, "missing: part " + strings.Join(missing, ", ")
	}
	v = Valid
	for i := range r.Parts {
		p := &r.Parts[i]
		if w := worse(p.Verdict, v); w != v {
			if v, why = w, p.Why; r.Meta.Parts > 1 {
				why = strings.TrimSuffix("part "+r.PartName(p.Number)+": "+why, ": ")
			}
		}
	}
	return v, why
}

// Missing names the parts that are not there.
func (r *Recording) Missing() []string {
	var missing []string
	for n := range r.Meta.Parts {
		if !slices.ContainsFunc(r.Parts, func(p Part) bool { return p.Number == n }) {
			missing = append(missing, r.PartName(n))
		}
	}
	return missing
}

// PartName is how people name a part: 0/4.
func (r *Recording) PartName(number int) string {
	return strconv.Itoa(number) + "/" + strconv.Itoa(r.Meta.Parts)
}
