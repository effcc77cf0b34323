package play

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
)

// observeRegister holds a value that is written and read against the writes that were acknowledged.
func (p *Player) observeRegister(e *keyState, t *loadgen.Task, st *state, in *instr, r *kv.Result) string {
	switch in.is {
	case "write":
		st.entry, st.flag = e, false
		st.mine = written{id(t), reading{r.Sent, r.Done}, 0}
		e.wrote(st.mine)
		if p.ops[st.op].op.Check == "acknowledged" {
			p.counts[acknowledged].Add(1)
		}
	case "admit": // WAIT, which says how many replicas have it
		if value(r) < int64(max(p.opt.Replicas, 1)) {
			return ""
		}
		p.counts[confirmed].Add(1)
		for i := range e.writes {
			if e.writes[i].writer == id(t) {
				e.writes[i].everywhere = r.Done
			}
		}
	case "read":
		return p.read(e, st, in, r)
	}
	return ""
}

// read holds what was read against what had been acknowledged before. A replica may be behind, unless it has said that it is not.
func (p *Player) read(e *keyState, st *state, in *instr, r *kv.Result) string {
	replica := in.cmds[0].replica
	if replica {
		p.counts[replicaReads].Add(1)
	}
	newer, ok := e.stale(r)
	if !ok {
		return ""
	}
	after := newer.done
	if replica {
		p.counts[staleReads].Add(1)
		if newer.everywhere == 0 || newer.everywhere >= r.Sent {
			return ""
		}
		after = newer.everywhere
	}
	return fmt.Sprintf("%s: %q was read %s after a newer value was acknowledged", p.names[st.op], e.key, r.Sent-after)
}

// unseen asks again for what this task has written, as long as the reply is older. How long it took to be seen is measured: from when
// it was acknowledged to the reply that shows it, so that it is at most one reply and an eighth too long.
func (p *Player) unseen(t *loadgen.Task, st *state, in *instr, r *kv.Result) (again bool) {
	e := st.entry
	if in.again == 0 || e == nil || r.Status == kv.Failed {
		return false
	}
	e.mu.Lock()
	older := e.older(r, st.mine)
	e.mu.Unlock()
	waited := max(0, r.Done-st.mine.done)
	switch {
	case !older:
		p.mu.Lock()
		p.staleness.Record(waited)
		p.mu.Unlock()
		return false
	case waited > mostStale:
		p.counts[neverSeen].Add(1)
		return false
	}
	p.encode(t, st, in)
	t.Wait = max(in.again, waited/8)
	return true
}

// mostStale is how long a value is asked for.
const mostStale = 5 * time.Second

func value(r *kv.Result) int64 {
	if len(r.Values) != 1 {
		return 0
	}
	n, _ := strconv.ParseInt(string(r.Values[0]), 10, 64)
	return n
}

// wrote notes an acknowledged write.
func (e *keyState) wrote(w written) {
	e.writes[e.n%len(e.writes)] = w
	e.n++
}

// stale reports whether a value was read that a newer one had replaced for certain: one that was sent when the older one had been
// acknowledged, and was acknowledged itself before the read was sent. Of several it returns one that replicas had, if there is one,
// or the last.
func (e *keyState) stale(r *kv.Result) (newer written, is bool) {
	old, known := e.acknowledged(r)
	if !known {
		return newer, false
	}
	for _, w := range e.writes[:min(e.n, len(e.writes))] {
		if w.sent <= old || w.done >= r.Sent {
			continue
		}
		if better := w.everywhere > 0 && w.everywhere < r.Sent; !is || better || newer.everywhere == 0 && w.done > newer.done {
			newer, is = w, true
		}
	}
	return newer, is
}

// older reports whether what was read had been replaced when mine was sent.
func (e *keyState) older(r *kv.Result, mine written) bool {
	old, known := e.acknowledged(r)
	return known && old < mine.sent
}

// acknowledged returns when what was read had been acknowledged: nothing is older than all. What is of the fill, has dropped out of
// the ring or is not acknowledged yet, nobody knows.
func (e *keyState) acknowledged(r *kv.Result) (at time.Duration, known bool) {
	if r.Status == kv.Failed || len(r.Values) != 1 {
		return 0, false
	}
	if r.Values[0] == nil {
		return -1, true
	}
	_, writer, ok := parseHeader(r.Values[0])
	if !ok {
		return 0, false
	}
	for _, w := range e.writes[:min(e.n, len(e.writes))] {
		if w.writer == writer {
			return w.done, true
		}
	}
	return 0, false
}

// items are the tasks that have put something into a queue: each a byte, in pages by worker.
type items struct {
	mu    sync.Mutex
	pages map[uint64]*[1 << 14]byte
}

const (
	pushed    = 1 << iota // acknowledged
	delivered             // once
)

// at returns the byte of an item; items.mu is locked.
func (q *items) at(id uint64) *byte {
	page := q.pages[id>>14]
	if page == nil {
		if q.pages == nil {
			q.pages = map[uint64]*[1 << 14]byte{}
		}
		page = new([1 << 14]byte)
		q.pages[id>>14] = page
	}
	return &page[id&(1<<14-1)]
}

// observe notes what was put and what was taken.
func (q *items) observe(name string, t *loadgen.Task, in *instr, r *kv.Result) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch in.is {
	case "add":
		*q.at(id(t)) |= pushed
	case "take":
		if r.Status == kv.Miss || len(r.Values) != 1 || r.Values[0] == nil {
			return ""
		}
		n, err := strconv.ParseUint(string(r.Values[0]), 10, 64)
		if err != nil {
			return fmt.Sprintf("%s: %.40q is nothing that was put there", name, r.Values[0])
		}
		b := q.at(n)
		if *b&delivered != 0 {
			return fmt.Sprintf("%s: item %d was delivered twice", name, n)
		}
		*b |= delivered
	}
	return ""
}
