package play

import (
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/draw"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// A fill writes each key of some templates once; a key whose elements are many takes several tasks. Its tasks take the next one,
// whichever of them begins first.
type fill struct {
	p         *Player
	epoch     uint64
	templates []int
	ends      []int64 // of each, in tasks, all before it counted
	next      atomic.Int64
	part      int64
	parts     int64
}

// Fill returns phase i of the scenario, which is a fill, as a workload, and how many tasks it takes.
func (p *Player) Fill(i int) (loadgen.Workload, uint64) {
	f := &fill{p: p, epoch: p.began.Add(1), part: int64(p.opt.Part), parts: max(1, int64(p.opt.Parts))}
	sum := int64(0)
	for _, name := range p.s.Phases[i].Fill {
		for j := range p.templates {
			if p.templates[j].t.Name == name {
				sum += scenario.Keys(p.s.Schema, j) * p.templates[j].chunks()
				f.templates, f.ends = append(f.templates, j), append(f.ends, sum)
			}
		}
	}
	return f, uint64((sum - f.part + f.parts - 1) / f.parts)
}

// Bytes returns about how large all fills of the scenario are, keys and values without what the store adds.
func (p *Player) Bytes() int64 {
	sum := int64(0)
	for i := range p.s.Phases {
		for _, name := range p.s.Phases[i].Fill {
			for j := range p.templates {
				if t := &p.templates[j]; t.t.Name == name {
					each := max(t.t.Value.Size.Typical(), usualSize) * max(1, min(t.t.Value.Elements.Typical(), mostElements))
					if t.elements > 0 {
						each = t.elements * usualMember
					}
					sum += scenario.Keys(p.s.Schema, j) * (each + int64(len(p.prefix)) + 32)
				}
			}
		}
	}
	return sum
}

// Operations implements loadgen.Workload.
func (f *fill) Operations() []string { return []string{"fill"} }

// Next implements loadgen.Workload: a fill has one step.
func (f *fill) Next(t *loadgen.Task, _ []kv.Result) { t.Ops, t.Wait = nil, 0 }

// Begin implements loadgen.Workload.
func (f *fill) Begin(t *loadgen.Task) {
	st, ok := t.State.(*state)
	if !ok || len(st.ids) != len(f.p.fields) {
		st = &state{ids: make([]int64, len(f.p.fields))}
		t.State = st
	}
	st.op, st.epoch = 0, f.epoch
	t.Class, t.Ops, t.Wait = 0, nil, 0
	n := (f.next.Add(1)-1)*f.parts + f.part
	first := int64(0)
	for i, last := range f.ends {
		if n < last {
			f.write(t, st, &f.p.templates[f.templates[i]], n-first)
			return
		}
		first = last
	}
}

// writer is the command that writes a value of a type.
func writer(kind string) string {
	switch kind {
	case "hash":
		return "HSET"
	case "zset":
		return "ZADD"
	case "set":
		return "SADD"
	case "list":
		return "RPUSH"
	}
	return "SET"
}

// mostElements is how many elements a fill gives a collection at once.
const mostElements = 1000

// usualMember is about how long an element is that the file gives a form, in bytes.
const usualMember = 32

// chunks is how many tasks write one key: elements that the file gives a form are all there, a portion a task.
func (tm *template) chunks() int64 {
	return max(1, (tm.elements+mostElements-1)/mostElements)
}

// write sends key n of a template with a value of its type.
func (f *fill) write(t *loadgen.Task, st *state, tm *template, n int64) {
	chunk := n % tm.chunks()
	n /= tm.chunks()
	for i := range tm.pieces { // the values are those of key n
		if j := tm.pieces[i].field; j >= 0 {
			st.ids[j], n = n%f.p.fields[j].n, n/f.p.fields[j].n
		}
	}
	for i := range tm.fields {
		fd := &f.p.fields[tm.fields[i].field]
		st.ids[tm.fields[i].field] = fd.chooser.Choose(&t.Rand)
	}
	st.begin()
	kind := kindOf(tm.t)
	st.text(writer(kind))
	from := len(st.buf)
	st.buf = f.p.appendKey(st.buf, t, st, tm, -1)
	st.add(from)
	f.elements(t, st, tm, kind, chunk)
	if kind == "" || kind == "string" || kind == "json" {
		st.text("PX")
		st.number(draw.TTL(&tm.t.TTL, f.p.s.MaxTTL, &t.Rand).Milliseconds())
		st.end(0, false)
	} else {
		key := st.args[1]
		st.end(0, false)
		at := len(st.args)
		st.text("PEXPIRE")
		st.args = append(st.args, key)
		st.number(draw.TTL(&tm.t.TTL, f.p.s.MaxTTL, &t.Rand).Milliseconds())
		st.end(at, false)
	}
	t.Ops = st.ops
}

// elements appends the value.
func (f *fill) elements(t *loadgen.Task, st *state, tm *template, kind string, chunk int64) {
	isText := kind == "" || kind == "string" || kind == "json"
	switch {
	case kind == "hash" && len(tm.fields) > 0:
		f.p.appendFields(t, st, tm)
		return
	case isText && tm.t.Kind == schema.Counter:
		st.number(0)
		return
	case isText:
		from := len(st.buf)
		st.buf = f.p.appendValue(st.buf, t, st, tm)
		st.add(from)
		return
	case tm.elements > 0 && kind != "hash":
		f.members(t, st, tm, kind, chunk)
		return
	}
	size := draw.NewSize(tm.t.Value.Elements, 10)
	for i := range min(size.Draw(&t.Rand), mostElements) {
		switch kind {
		case "zset":
			st.text("0")
			st.number(i)
		case "hash":
			st.number(i)
			st.bytes(f.p.block[:max(1, min(tm.t.Value.ElementSize, 1<<16))])
		default:
			st.number(i)
		}
	}
}

// members appends a portion of the elements that the file gives a form.
func (f *fill) members(t *loadgen.Task, st *state, tm *template, kind string, chunk int64) {
	for i := chunk * mostElements; i < min(tm.elements, (chunk+1)*mostElements); i++ {
		if kind == "zset" {
			st.text("0")
		}
		from := len(st.buf)
		st.buf = f.p.append(st.buf, t, st, tm.members, i)
		st.add(from)
	}
}

// An Event is what happens at a moment of a phase.
type Event struct {
	At    time.Duration
	Name  string
	Fault bool          // it is done to the server, or to the way to it, and not to the load
	Takes time.Duration // how long the server may keep waiting whoever asks it
	Do    func(Subject) error
}

// Events returns the events of phase i, in the order in which they are written; the end of a crowd is one of its own.
func (p *Player) Events(i int) []Event {
	var all []Event
	for _, e := range p.s.Phases[i].Events {
		name := e.Kind + " " + e.Name
		switch e.Kind {
		case "popularity_shift":
			all = append(all, Event{At: e.At, Name: name, Do: func(Subject) error {
				if c, ok := p.chooser(e.Name).(*draw.Scattered); ok {
					var r draw.Ranking
					if e.Dist.Kind != "" {
						r = ranking(e.Dist)
					}
					c.Shift(r, e.Moved)
				}
				return nil
			}})
		case "flash_crowd":
			crowd := func(share float64) func(Subject) error {
				return func(Subject) error {
					if c, ok := p.chooser(e.Name).(*draw.Scattered); ok {
						c.Crowd(share)
					}
					return nil
				}
			}
			all = append(all, Event{At: e.At, Name: name, Do: crowd(e.Share)}, Event{At: e.At + e.During, Name: name + " ends", Do: crowd(0)})
		case "size_shift":
			all = append(all, Event{At: e.At, Name: name, Do: func(Subject) error {
				for j := range p.templates {
					if p.templates[j].t.Name == e.Name {
						size := draw.NewSize(e.Size, usualSize)
						p.templates[j].size.Store(&size)
					}
				}
				return nil
			}})
		case "ttl_herd":
			all = append(all, Event{At: e.At, Name: name, Do: func(s Subject) error { return p.herd(s.Session, e) }})
		default:
			all = append(all, p.fault(e)...)
		}
	}
	return all
}

func (p *Player) chooser(name string) draw.Chooser {
	for i := range p.fields {
		if p.fields[i].name == name {
			return p.fields[i].chooser
		}
	}
	return nil
}

// herd makes a share of the keys of a template expire within a time.
func (p *Player) herd(s kv.Session, e scenario.Event) error {
	const batch = 100
	var tm *template
	number := int64(0)
	for i := range p.templates {
		if p.templates[i].t.Name == e.Name {
			tm, number = &p.templates[i], min(scenario.Keys(p.s.Schema, i), 1<<20)
		}
	}
	t := &loadgen.Task{Rand: *draw.NewSource(p.s.Seed, 77)}
	st := &state{ids: make([]int64, len(p.fields))}
	t.State = st
	out := make([]kv.Result, batch)
	flush := func() error {
		defer st.begin()
		return s.Do(st.ops, out[:len(st.ops)])
	}
	for n := range number {
		if draw.Uniform.Rank(draw.Uniform{}, &t.Rand, 1e6) >= int64(e.Share*1e6) {
			continue
		}
		at, from := len(st.args), 0
		st.text("PEXPIRE")
		from = len(st.buf)
		st.buf = p.appendKey(st.buf, t, st, tm, n)
		st.add(from)
		st.number(1 + draw.Uniform.Rank(draw.Uniform{}, &t.Rand, e.During.Milliseconds()))
		st.end(at, false)
		if len(st.ops) == batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// kindOf returns the type of a template's values.
func kindOf(t *schema.Template) string {
	if t.Type == "" && len(t.Value.Fields) > 0 {
		return "hash"
	}
	return t.Type
}
