package loadgen

import (
	"cmp"
	"slices"
	"time"

	"github.com/kvtool/kvtool/loadgen/recording"
)

// A flight is a step whose replies arrive at a time.
type flight struct {
	at time.Duration
	n  uint64 // flights that end together end in the order in which they began
	c  *conn
	t  *task
}

// flights are a heap, the first one first. (container/heap would take memory for each.)
type flights []flight

func (f flights) less(i, j int) bool {
	return cmp.Or(cmp.Compare(f[i].at, f[j].at), cmp.Compare(f[i].n, f[j].n)) < 0
}

func (f *flights) push(x flight) {
	*f = append(*f, x)
	h := *f
	for i := len(h) - 1; i > 0 && h.less(i, (i-1)/2); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

func (f *flights) pop() flight {
	h := *f
	x, last := h[0], len(h)-1
	h[0] = h[last]
	h[last] = flight{}
	*f = h[:last]
	h = *f
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			return x
		}
		if child+1 < len(h) && h.less(child+1, child) {
			child++
		}
		if !h.less(child, i) {
			return x
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}

// A simulation is a stretch in virtual time: what happens next happens now. Sessions answer at once, and Options.Virtual says when
// the replies are there. A pipeline is not simulated: sessions of a closed loop do one task at a time.
type simulation struct {
	*runner
	plan    *plan
	clock   time.Duration
	flights flights
	n       uint64
	second  int
	events  []timed
}

func (r *runner) virtual(p *plan) {
	m := &simulation{runner: r, plan: p, clock: p.from[0], events: r.events(p)}
	r.now = func() time.Duration { return m.clock }
	for _, w := range r.workers {
		for _, c := range w.conns {
			c.free = m.clock
			w.idle = append(w.idle, c)
		}
		slices.Reverse(w.idle)
	}
	for {
		for _, w := range r.workers {
			m.dispatch(w)
		}
		at := m.next()
		if at == never || r.ctx.Err() != nil {
			return
		}
		m.advance(at)
	}
}

// next is when something happens; never if all is done.
func (m *simulation) next() time.Duration {
	at := never
	if len(m.flights) > 0 {
		at = m.flights[0].at
	}
	for _, w := range m.workers {
		if w.closing(m.clock) {
			if w.active > 0 && len(w.parked) > 0 && len(w.idle) > 0 {
				at = min(at, w.parked[0].ready)
			}
			continue
		}
		if len(w.idle) > 0 {
			at = min(at, w.next)
			if len(w.parked) > 0 {
				at = min(at, w.parked[0].ready)
			}
		}
	}
	if at != never && at > m.plan.last(m.opt.Timeout) {
		return never
	}
	return at
}

// advance goes to a time, and ends what ends then.
func (m *simulation) advance(at time.Duration) {
	for len(m.events) > 0 && m.events[0].at <= at {
		m.clock = max(m.clock, m.events[0].at)
		m.events[0].do(m.runner)
		m.events = m.events[1:]
	}
	m.clock = max(m.clock, at)
	if s := int((m.clock - m.origin) / time.Second); m.build != nil && s > m.second {
		m.ask(s - 1)
		m.second = s
		if m.opt.Update != nil {
			m.opt.Update(m.build.Snapshot())
		}
	}
	for len(m.flights) > 0 && m.flights[0].at <= m.clock {
		f := m.flights.pop()
		if f.c.w.after(f.t, f.c.out[:len(f.t.Ops)], f.c.free, m.clock) {
			f.c.free = m.clock
			f.c.w.idle = append(f.c.w.idle, f.c)
			continue
		}
		f.c.free = m.clock
		m.send(f.c, f.t)
	}
}

// ask has the server say what it says of itself at the end of a second.
func (m *simulation) ask(second int) {
	if m.opt.Server == nil {
		return
	}
	if figures := m.opt.Server(m.ctx); len(figures) > 0 {
		m.build.Add(second, &recording.Second{Server: figures})
	}
}

// dispatch gives sessions what is due.
func (m *simulation) dispatch(w *worker) {
	for len(w.idle) > 0 {
		t := w.take(m.clock)
		if t == nil && w.plan.phases[0].Arrivals == nil {
			t = w.closedTask(m.clock)
		}
		if t == nil {
			return
		}
		c := w.idle[len(w.idle)-1]
		w.idle = w.idle[:len(w.idle)-1]
		t.begin(m.clock)
		m.send(c, t)
	}
}

// send runs a step; its replies are there later.
func (m *simulation) send(c *conn, t *task) {
	took := time.Duration(0)
	if len(t.Ops) > 0 {
		out, err := c.do(t.Ops)
		if err != nil {
			c.w.lose(t, err, c.free, m.clock)
			c.free = m.clock
			c.w.idle = append(c.w.idle, c)
			return
		}
		took = m.opt.Virtual(m.clock, t.Ops)
		for i := range out {
			out[i].Sent, out[i].Done = m.clock, m.clock+took
		}
	}
	m.n++
	m.flights.push(flight{m.clock + took, m.n, c, t})
}
