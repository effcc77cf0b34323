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
func (p *Player) observeRegister(e *keyState, t *loadgen.Task, st *state, in *instr, r *kv.Result, check string) string {
	switch in.is {
	case "write":
		st.entry, st.flag = e, false
		e.wrote(written{id(t), reading{r.Sent, r.Done}})
	case "admit": // WAIT
		if n := value(r); n >= 1 {
			st.try = 1
			e.confirmed = id(t)
		}
	case "read":
		newer, ok := e.stale(r)
		if !ok {
			return ""
		}
		text := fmt.Sprintf("%s: %q was read %s after a newer value was acknowledged", p.names[st.op], e.key, r.Sent-newer.done)
		if check == "read_your_writes" && e.confirmed != newer.writer {
			p.counts[staleReads].Add(1)
			return ""
		}
		return text
	}
	return ""
}

func value(r *kv.Result) int64 {
	if len(r.Values) != 1 {
		return 0
	}
	n, _ := strconv.ParseInt(string(r.Values[0]), 10, 64)
	return n
}

// wrote notes an acknowledged write.
func (e *keyState) wrote(w written) {
	slot := &e.writes[e.n%len(e.writes)]
	if e.n >= len(e.writes) {
		e.dropped = max(e.dropped, slot.done)
	}
	*slot = w
	e.n++
}

// stale reports whether a value was read that a newer one had replaced for certain: one that was sent when the older one had been
// acknowledged, and was acknowledged itself before the read was sent.
func (e *keyState) stale(r *kv.Result) (newer written, is bool) {
	if r.Status == kv.Failed || len(r.Values) != 1 {
		return newer, false
	}
	known := e.writes[:min(e.n, len(e.writes))]
	old := time.Duration(-1) // when what was read had been acknowledged; nothing is older than all
	if r.Values[0] != nil {
		_, writer, ok := parseHeader(r.Values[0])
		if !ok {
			return newer, false
		}
		old = e.dropped
		found := false
		for i := range known {
			if known[i].writer == writer {
				old, found = known[i].done, true
			}
		}
		if !found && e.n <= len(e.writes) {
			return newer, false // of the fill, or not yet acknowledged: nobody knows
		}
		if !found {
			return newer, false
		}
	}
	for _, w := range known {
		if w.sent > old && w.done < r.Sent && w.done > newer.done {
			newer, is = w, true
		}
	}
	return newer, is
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
