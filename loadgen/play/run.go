package play

import (
	"bytes"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/draw"
)

// A workload is a phase's mix of operations.
type workload struct {
	p     *Player
	epoch uint64
	cum   []float64 // weights, summed up to 1
}

// Phase returns phase i of the scenario, which is no fill, as a workload.
func (p *Player) Phase(i int) loadgen.Workload { return p.Mix(p.s.Phases[i].Mix) }

// Mix returns a workload of the operations by their weights, one for each.
func (p *Player) Mix(weights []float64) loadgen.Workload {
	w := &workload{p: p, epoch: p.began.Add(1), cum: make([]float64, len(weights))}
	sum := 0.0
	for _, x := range weights {
		sum += x
	}
	at := 0.0
	for i, x := range weights {
		at += x / sum
		w.cum[i] = at
	}
	return w
}

// Operations implements loadgen.Workload.
func (w *workload) Operations() []string { return w.p.names }

// Begin implements loadgen.Workload.
func (w *workload) Begin(t *loadgen.Task) {
	u := float64(t.Rand.Uint64()>>11) / (1 << 53)
	op := 0
	for op < len(w.cum)-1 && u >= w.cum[op] {
		op++
	}
	w.p.start(t, op, w.epoch)
	w.p.run(t, t.State.(*state), 0)
}

// start makes t a task of the operation: its fields are drawn once.
func (p *Player) start(t *loadgen.Task, op int, epoch uint64) {
	st, ok := t.State.(*state)
	if !ok || len(st.ids) != len(p.fields) {
		st = &state{ids: make([]int64, len(p.fields))}
		t.State = st
	}
	st.op, st.try, st.entry, st.flag, st.sent, st.reply, st.phase = op, 0, nil, false, 0, st.reply[:0], 0
	st.epoch = epoch
	t.Class, t.Ops, t.Wait = op, nil, 0
	g := &p.ops[op]
	for _, i := range g.fields {
		f := &p.fields[i]
		if !g.op.Insert || !p.grows(i) {
			st.ids[i] = f.chooser.Choose(&t.Rand)
			continue
		}
		if c, growing := f.chooser.(*draw.Growing); growing {
			st.ids[i] = c.Grow()
		} else {
			st.ids[i] = f.n + (f.added.Add(1)-1)*int64(max(p.opt.Parts, 1)) + int64(p.opt.Part) // each part has keys of its own
		}
	}
}

// grows reports whether inserts make new values of a field: of those that are declared with a cardinality.
func (p *Player) grows(i int) bool {
	f := p.s.Schema.Field(p.fields[i].name)
	return f != nil && f.Cardinality > 0 && f.Type.Kind != schema.TypeEnum
}

// Next implements loadgen.Workload.
func (w *workload) Next(t *loadgen.Task, replies []kv.Result) {
	p, st := w.p, t.State.(*state)
	t.Ops, t.Wait = nil, 0
	if st.pc == end {
		p.finish(st)
		return
	}
	in := &p.ops[st.op].code[st.pc]
	if len(replies) == 0 { // a wait is over
		p.run(t, st, st.pc)
		return
	}
	r := &replies[0]
	if in.tx {
		r = &replies[len(in.cmds)+1]
	}
	if in.atomic != "" {
		if p.atomic(t, st, in, replies) {
			return
		}
	} else if r.Status == kv.Failed {
		p.finish(st)
		return
	} else if in.is != "" {
		p.observe(t, st, in, r)
	}
	if p.unseen(t, st, in, r) {
		return
	}
	if in.keep && len(r.Values) > 0 {
		st.reply = append(st.reply[:0], r.Values[0]...)
	}
	next := in.next
	if r.Status == kv.Miss && in.atomic == "" {
		if next = in.onNil; next != end && next != in.next && p.waits(t, st, in) {
			return
		}
	}
	p.run(t, st, next)
}

// run goes on at pc until something is sent or the task is done.
func (p *Player) run(t *loadgen.Task, st *state, pc int) {
	for pc != end {
		in := &p.ops[st.op].code[pc]
		if len(in.cmds) > 0 {
			if t.Wait > 0 { // what is sent then is made then: it has the time in it, and a lock is held until it is
				st.pc = pc
				return
			}
			st.pc, st.try, st.phase = pc, 0, 0
			if in.atomic != "" {
				p.beginAtomic(t, st, in)
			} else {
				p.encode(t, st, in)
				p.sending(t, st, in)
			}
			if p.opt.Watch != nil && t.N%WatchOne == 0 {
				p.tell(t, st)
			}
			return
		}
		t.Wait += draw.Wait(in.wait.Mean, in.wait.Fixed, &t.Rand)
		pc = in.next
	}
	st.pc = end
	if t.Wait == 0 {
		p.finish(st)
	}
}

// tell tells who watches which keys a step touches: what begins with the prefix is one.
func (p *Player) tell(t *loadgen.Task, st *state) {
	for i := range st.ops {
		args := st.ops[i].Args
		kind := kv.OpWrite
		if p.reads[string(args[0])] {
			kind = kv.OpRead
		}
		for _, a := range args[1:] {
			if key, ok := bytes.CutPrefix(a, p.prefix); ok {
				p.opt.Watch(t.Worker, t.Now, key, kind)
			}
		}
	}
}

// finish lets go of what a task holds for others.
func (p *Player) finish(st *state) {
	if e := st.entry; e != nil && st.flag {
		e.mu.Lock()
		e.busy = 0
		e.mu.Unlock()
	}
	st.entry, st.flag, st.pc = nil, false, end
}

// waits is for what is missing: it reports whether another task computes it already, for which this one waits. It counts what the
// origin is asked.
func (p *Player) waits(t *loadgen.Task, st *state, in *instr) bool {
	branch := &p.ops[st.op].code[in.onNil]
	if !branch.wait.Think || len(branch.cmds) > 0 {
		return false
	}
	e := p.keys.of(st.ops[0].Args[1])
	if e == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if busy := e.busy > t.Now; busy {
		if p.ops[st.op].op.SingleFlight {
			t.Wait = max(branch.wait.Mean/4, time.Millisecond)
			p.encode(t, st, in)
			return true
		}
		p.counts[stampedes].Add(1)
	}
	p.counts[originCalls].Add(1)
	e.busy = t.Now + 20*branch.wait.Mean
	st.entry, st.flag = e, true
	return false
}
