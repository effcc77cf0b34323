// Package play is a scenario as a workload: it draws keys and values, sends steps, follows branches, and holds what a store answers
// against what it must not do. It knows no clocks and no connections: loadgen runs it.
//
// The one idea is that a key is only ever written by one function (appendKey), which begins with the run's prefix, and that what
// the encoder sends after a write that gives a key no life is one (expire): so no scenario can leave anything behind.
//
//	Scenario ──New──▶ Player ──Phase, Fill──▶ loadgen.Workload ──▶ Metrics, Verify
package play

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/internal/random"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/draw"
	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// Options are what a scenario does not say.
type Options struct {
	Run         string // the run's name, for {run} in the prefix
	Part, Parts int    // of several machines, which fill a share each; 0 of 0 is all
	Scripts     bool   // the store runs scripts: atomic actions are one command; otherwise they are WATCH, MULTI and EXEC
	Replicas    int    // from how many a read may be answered; 0 is 1
	// Watch is told one access in WatchOne to a key, without the prefix; nil is nobody. It is called by many goroutines, and keeps
	// nothing of key.
	Watch func(worker int, now time.Duration, key []byte, kind kv.OpKind)
}

// WatchOne is which share of the tasks Options.Watch is told of: so few that it costs a load nothing.
const WatchOne = 256

// A Player plays one scenario. It is safe for concurrent use.
type Player struct {
	s         *scenario.Scenario
	opt       Options
	prefix    []byte
	fields    []field
	templates []template
	ops       []program
	names     []string
	reads     map[string]bool // commands of the scenario that change nothing
	block     []byte          // what values are cut from
	renewed   renewals
	keys      keyStates
	items     items

	began  atomic.Uint64 // workloads
	counts [lastCount]atomic.Int64

	mu        sync.Mutex
	evidence  []string
	notes     []string
	staleness latency.Histogram
}

// A field is a population from which a key has a value.
type field struct {
	name    string
	own     string // token, seq, now, reply
	gen     *schema.Generator
	n       int64
	chooser draw.Chooser
	added   *atomic.Int64 // by inserts
}

// A piece is a part of a key or a word.
type piece struct {
	literal []byte
	field   int // or -1
}

type template struct {
	t      *schema.Template
	pieces []piece
	size   *atomic.Pointer[draw.Size] // an event may change it
	fields []valueField
	// members are what the elements of its value are, of which there are so many; none where the file does not say it.
	members  []piece
	elements int64
	life     time.Duration // the longest that its TTL can be
	gone     bool          // an operation takes its keys away, or all that is in them: whoever writes one may have made it anew
}

type valueField struct {
	name  []byte
	field int
}

// New returns a player of s, which has been parsed.
func New(s *scenario.Scenario, opt Options) *Player {
	p := &Player{s: s, opt: opt, prefix: []byte(strings.ReplaceAll(s.Prefix, "{run}", opt.Run))}
	p.block = make([]byte, 1<<20)
	src := draw.NewSource(s.Seed, 99)
	for i := range p.block {
		p.block[i] = 'a' + byte(src.Uint64()%26)
	}
	for i := range s.Schema.Templates {
		t := &s.Schema.Templates[i]
		c := template{
			t: t, pieces: p.pieces(t.Key), size: sizeOf(t.Value.Size), life: longest(&t.TTL, s.MaxTTL), members: p.pieces(t.Value.Members),
		}
		if c.elements = scenario.Members(s.Schema, i); len(c.members) > 0 && t.Value.Elements.Largest() > 0 {
			c.elements = t.Value.Elements.Largest()
		}
		for j := range t.Value.Fields {
			f := &t.Value.Fields[j]
			c.fields = append(c.fields, valueField{[]byte(f.Name), p.field(&schema.Piece{Field: f.Field, Shared: f.Field != "", Type: &f.Type})})
		}
		p.templates = append(p.templates, c)
	}
	for i := range s.Ops {
		p.findGone(s.Ops[i].Steps)
	}
	p.keys.init()
	p.reads = map[string]bool{}
	for i := range s.Ops {
		p.ops = append(p.ops, p.compile(&s.Ops[i]))
		p.names = append(p.names, s.Ops[i].Name)
	}
	return p
}

func sizeOf(d schema.Dim) *atomic.Pointer[draw.Size] {
	p := new(atomic.Pointer[draw.Size])
	size := draw.NewSize(d, usualSize)
	p.Store(&size)
	return p
}

// findGone notes the templates whose keys the steps take away.
func (p *Player) findGone(steps []scenario.Step) {
	for i := range steps {
		p.findGone(steps[i].OnNil)
		for j := range steps[i].Cmds {
			c := &steps[i].Cmds[j]
			name := strings.ToUpper(c.Name())
			c.Places(func(k int, kind kv.OpKind) {
				moved := k == 1 && (name == "LMOVE" || name == "RPOPLPUSH" || name == "RENAME" || name == "SMOVE" || name == "BLMOVE")
				if kind == kv.OpWrite && c.Words[k].Template >= 0 && (moved || removes(name) && !strings.Contains(name, "EX")) {
					p.templates[c.Words[k].Template].gone = true
				}
			})
		}
	}
}

// usualSize is how large values are of which nobody says it, in bytes.
const usualSize = 100

// longest returns the longest life that a TTL can draw.
func longest(t *schema.TTL, most time.Duration) time.Duration {
	base := t.Value
	if t.Policy == schema.TTLSliding {
		if base = t.Idle; base == 0 {
			base = t.MaxAge
		}
	}
	if base == 0 {
		return most
	}
	return min(base+t.Jitter.High+time.Duration(t.Jitter.HighShare*float64(base))+time.Millisecond, most)
}

// epoch is when times in keys go back from.
func epoch() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// field returns the index of the field of a placeholder, which it adds if it is new. One without a name is one of its own.
func (p *Player) field(pc *schema.Piece) int {
	for i := range p.fields {
		if pc.Field != "" && p.fields[i].name == pc.Field {
			return i
		}
	}
	f := field{name: pc.Field, gen: schema.NewGenerator(*pc.Type, epoch()), added: new(atomic.Int64)}
	if scenario.IsOwn(pc) {
		f.own = pc.Field
	}
	if f.n = scenario.Count(p.s.Schema, pc); f.n == 0 {
		f.n = unbounded
	}
	seed := random.Hash(p.s.Seed, random.Text(f.name), uint64(len(p.fields)))
	dist := schema.Dist{}
	if shared := p.s.Schema.Field(pc.Field); shared != nil {
		dist = shared.Dist
	}
	switch dist.Kind {
	case schema.Latest:
		f.chooser = draw.NewGrowing(draw.Zipf{A: dist.A}, f.n)
	case schema.Sequential:
		f.chooser = draw.NewSequence(f.n)
	default:
		f.chooser = draw.NewScattered(ranking(dist), f.n, seed)
	}
	p.fields = append(p.fields, f)
	return len(p.fields) - 1
}

// unbounded is how many values are drawn of a type that has more.
const unbounded = 1 << 30

func ranking(d schema.Dist) draw.Ranking {
	switch d.Kind {
	case schema.Zipf:
		return draw.Zipf{A: d.A}
	case schema.Hot:
		return draw.Hotspot{Share: d.Share, Keys: d.Keys}
	case schema.Exponential:
		return draw.Exponential{Share: d.Share, Within: d.Within}
	}
	return draw.Uniform{}
}

func (p *Player) pieces(k schema.Key) []piece {
	out := make([]piece, len(k))
	for i := range k {
		if k[i].Type == nil {
			out[i] = piece{[]byte(k[i].Literal), -1}
			continue
		}
		out[i] = piece{nil, p.field(&k[i])}
	}
	return out
}

// A count is one of what a run counts beside its operations.
type count int

// The counts.
const (
	violations count = iota
	originCalls
	stampedes
	staleReads
	lostLocks
	contended
	renewalsSent
	admitted
	refused
	lostWrites
	lostConfirmed
	acknowledged
	confirmed
	replicaReads
	neverSeen
	lastCount
)

func (c count) String() string {
	return [...]string{
		"violations", "origin_calls", "stampedes", "stale_reads", "lost_locks", "contended", "ttl_renewals", "admitted",
		"refused", "lost_acknowledged", "lost_confirmed", "acknowledged", "confirmed", "replica_reads", "never_seen",
	}[c]
}

// Metrics returns what was counted, by name; what is 0 is left out, but for violations and what a scenario is about.
func (p *Player) Metrics() map[string]int64 {
	m := map[string]int64{}
	for c := range lastCount {
		n, told := p.counts[c].Load(), c == violations
		switch c {
		case staleReads:
			told = p.counts[replicaReads].Load() > 0
		case lostWrites:
			told = p.counts[acknowledged].Load() > 0
		case lostConfirmed:
			told = p.counts[acknowledged].Load() > 0 && p.counts[confirmed].Load() > 0
		}
		if n != 0 || told {
			m[c.String()] = n
		}
	}
	return m
}

// Evidence returns the first violations, in words.
func (p *Player) Evidence() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.evidence...)
}

// Staleness returns how long it took until what was written was seen, of the operations that wait for it.
func (p *Player) Staleness() *latency.Histogram {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &latency.Histogram{}
	h.Merge(&p.staleness)
	return h
}

// Prefix returns what every key of the run begins with.
func (p *Player) Prefix() string { return string(p.prefix) }

// Form names the way in which atomic actions are done, or "" if there are none.
func (p *Player) Form() string {
	for i := range p.ops {
		for j := range p.ops[i].code {
			if p.ops[i].code[j].atomic != "" {
				return map[bool]string{true: "script", false: "WATCH/MULTI"}[p.opt.Scripts]
			}
		}
	}
	return ""
}

// enough is how many violations are kept in words.
const enough = 20

func (p *Player) violate(text string) string {
	p.counts[violations].Add(1)
	p.mu.Lock()
	if len(p.evidence) < enough {
		p.evidence = append(p.evidence, text)
	}
	p.mu.Unlock()
	return text
}

// HasScripts asks whether the store of a session runs scripts.
func HasScripts(s kv.Session) bool {
	out := make([]kv.Result, 1)
	err := s.Do([]kv.Op{{Args: [][]byte{[]byte("EVAL"), []byte("return 1"), []byte("0")}}}, out)
	return err == nil && out[0].Status == kv.OK
}
