package play

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
)

// A keyState is what is known of a key that an operation with a check has touched.
type keyState struct {
	mu  sync.Mutex
	key []byte
	op  int

	busy time.Duration // until when the origin is believed to be asked

	sum     int64 // of what was acknowledged
	pending int64 // what was sent and not answered: it may have been done or not
	taken   int64
	fuzzy   bool // something was taken whose reply did not come

	ones     int64   // how often a window began
	one      reading // when the last one did
	admitted int64
	passed   []passed // what was admitted last
	first    time.Duration
	last     time.Duration
	late     time.Duration // by how much more than a window requests were answered late, all together

	holder uint64
	held   reading
	writes [8]written // the last ones, in a ring
	n      int
}

// A reading is when something was sent and answered: it was done between the two.
type reading struct{ sent, done time.Duration }

// A written is a value that was acknowledged. Everywhere is when all replicas had it for certain, or 0.
type written struct {
	writer uint64
	reading
	everywhere time.Duration
}

// A passed is a request that a limiter has admitted: the time that it was told, and when it was answered.
type passed struct{ stamp, done time.Duration }

// keyStates are the states of keys, by their hash. What comes when there are too many is not followed.
type keyStates struct {
	shards [64]struct {
		mu sync.Mutex
		m  map[uint64]*keyState
	}
}

// mostKeys is how many keys of a shard are followed.
const mostKeys = 1 << 14

func (k *keyStates) init() {
	for i := range k.shards {
		k.shards[i].m = map[uint64]*keyState{}
	}
}

// of returns the state of a key, or nil if it is not followed.
func (k *keyStates) of(key []byte) *keyState {
	h := hash(key)
	s := &k.shards[h>>58]
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.m[h]
	if e == nil && len(s.m) < mostKeys {
		e = &keyState{key: bytes.Clone(key)}
		s.m[h] = e
	}
	if e != nil && !bytes.Equal(e.key, key) {
		return nil
	}
	return e
}

// each calls fn with every state.
func (k *keyStates) each(fn func(*keyState)) {
	for i := range k.shards {
		for _, e := range k.shards[i].m {
			fn(e)
		}
	}
}

// keyOf returns the key that a step is about, that of its first command that is no MULTI; nil if it has none, as WAIT.
func keyOf(st *state, in *instr) []byte {
	switch {
	case !in.keyed:
		return nil
	case in.tx:
		return st.ops[1].Args[1]
	}
	return st.ops[0].Args[1]
}

// sending notes what a step may do before anybody knows whether it has.
func (p *Player) sending(t *loadgen.Task, st *state, in *instr) {
	if in.is == "" {
		return
	}
	check := p.ops[st.op].op.Check
	switch {
	case in.is == "add" && (check == "sum" || check == "nothing_lost"):
		if e := p.entry(st, in); e != nil {
			st.delta = deltaOf(st.ops[0].Args)
			e.mu.Lock()
			e.pending += st.delta
			e.mu.Unlock()
		}
	case in.is == "take" && check == "nothing_lost":
		if e := p.entry(st, in); e != nil {
			e.mu.Lock()
			e.pending++
			e.fuzzy = true
			e.mu.Unlock()
		}
	case in.is == "count":
		if e := p.entry(st, in); e != nil {
			e.mu.Lock()
			e.pending++
			e.mu.Unlock()
		}
	case in.is == "release":
		if e := p.entry(st, in); e != nil {
			e.release(id(t))
		}
	}
}

func (p *Player) entry(st *state, in *instr) *keyState {
	key := keyOf(st, in)
	if key == nil {
		return nil
	}
	e := p.keys.of(key)
	if e != nil {
		e.mu.Lock()
		e.op = st.op
		e.mu.Unlock()
	}
	return e
}

// deltaOf returns by how much a command adds.
func deltaOf(args [][]byte) int64 {
	at := map[int]int{2: -1, 3: 2, 4: 3}[len(args)]
	if bytes.EqualFold(args[0], []byte("ZINCRBY")) {
		at = 2
	}
	if at < 1 {
		return 1
	}
	n, _ := strconv.ParseInt(string(args[at]), 10, 64)
	return n
}

// observe holds the reply to commands that went well against the operation's check.
func (p *Player) observe(t *loadgen.Task, st *state, in *instr, r *kv.Result) {
	op := p.ops[st.op].op
	key := keyOf(st, in)
	text := ""
	switch op.Check {
	case "value_of_key":
		if in.is == "read" && r.Status == kv.OK && len(r.Values) == 1 {
			if sum, _, ok := parseHeader(r.Values[0]); !ok || sum != keySum(key) {
				text = fmt.Sprintf("%s: %q holds the value of another key, or none of ours: %.40q", op.Name, key, r.Values[0])
			}
		}
	case "ttl_within":
		text = p.ttlWithin(st, in, r, key)
	case "one_version":
		text = oneVersion(op.Name, in, r, key, int(op.Limit))
	case "exactly_once":
		text = p.items.observe(op.Name, t, in, r)
	default:
		if e := p.entryOf(st, key); e != nil {
			e.mu.Lock()
			text = p.ofKey(t, st, e, in, r, true)
			e.mu.Unlock()
		}
	}
	if text != "" {
		t.Violation = p.violate(text)
	}
}

func (p *Player) entryOf(st *state, key []byte) *keyState {
	if key == nil {
		return st.entry // a step without a key is about what the step before it was
	}
	if e := p.keys.of(key); e != nil {
		e.mu.Lock()
		e.op = st.op
		e.mu.Unlock()
		return e
	}
	return st.entry
}

// ofKey is observe for the checks that follow keys, of which e is locked. done is what an atomic action has come to, or that a
// command went well.
func (p *Player) ofKey(t *loadgen.Task, st *state, e *keyState, in *instr, r *kv.Result, done bool) string {
	op := p.ops[st.op].op
	switch op.Check {
	case "sum", "nothing_lost":
		e.observeSum(in, st, r)
	case "fixed_window":
		return p.fixedWindow(e, in, r, op.Limit, op.Window)
	case "sliding_window", "token_bucket":
		if in.is == "admit" {
			return p.admit(e, st, r, done, op.Check == "token_bucket", op.Limit, op.Window)
		}
	case "mutual_exclusion":
		life := p.templates[p.ops[st.op].code[0].cmds[0].words[1].template].t.TTL.Value
		if in.is == "release" {
			return p.released(e, st, r, done, life)
		}
		if in.is == "acquire" && r.Status == kv.OK {
			st.sent = r.Sent
			return e.acquire(id(t), reading{r.Sent, r.Done}, life)
		}
	case "last_write_wins", "read_your_writes", "acknowledged":
		return p.observeRegister(e, t, st, in, r)
	}
	return ""
}

// ttlWithin holds the reply of PTTL against the template's law.
func (p *Player) ttlWithin(st *state, in *instr, r *kv.Result, key []byte) string {
	if in.is != "ttl" || len(r.Values) != 1 {
		return ""
	}
	ms, err := strconv.ParseInt(string(r.Values[0]), 10, 64)
	most := p.templates[in.cmds[0].words[1].template].life
	switch {
	case err != nil || ms == -2:
		return ""
	case ms == -1:
		return fmt.Sprintf("%s: %q has no TTL", p.names[st.op], key)
	case ms > most.Milliseconds():
		return fmt.Sprintf("%s: %q lives for %d ms, its law says %d at most", p.names[st.op], key, ms, most.Milliseconds())
	}
	return ""
}

// oneVersion wants all values of a reply to be of one writer, and as many as the view has, or none.
func oneVersion(name string, in *instr, r *kv.Result, key []byte, whole int) string {
	if in.is != "read" || r.Status == kv.Failed {
		return ""
	}
	var first []byte
	n := 0
	for _, v := range r.Values {
		if v == nil {
			continue
		}
		v = v[:min(len(v), header)]
		if n++; n == 1 {
			first = v
		} else if !bytes.Equal(first, v) {
			return fmt.Sprintf("%s: %q and others read together are of two versions, %q and %q", name, key, first, v)
		}
	}
	if whole > 0 && n > 0 && n != whole {
		return fmt.Sprintf("%s: %q was read with %d of its %d parts", name, key, n, whole)
	}
	return ""
}

func (e *keyState) observeSum(in *instr, st *state, r *kv.Result) {
	switch in.is {
	case "add":
		e.sum += st.delta
		e.pending -= st.delta
	case "take":
		if e.pending--; len(r.Values) == 0 {
			return
		}
		for _, v := range r.Values[:len(r.Values)-1] { // the last one is what DEL says
			n, _ := strconv.ParseInt(string(v), 10, 64)
			e.taken += n
		}
	}
}

// fixedWindow holds a counter of a window against the limit: a window begins with 1, and no two of them within the time of one.
// Verify counts what was admitted in all of them.
func (p *Player) fixedWindow(e *keyState, in *instr, r *kv.Result, limit int64, window time.Duration) string {
	if in.is != "count" || len(r.Values) == 0 {
		return ""
	}
	e.pending--
	n, err := strconv.ParseInt(string(r.Values[len(r.Values)-1]), 10, 64)
	switch {
	case err != nil:
		return fmt.Sprintf("%q counts %.40q", e.key, r.Values[len(r.Values)-1])
	case n > limit:
		p.counts[refused].Add(1)
		return ""
	}
	p.counts[admitted].Add(1)
	if e.admitted++; n != 1 {
		return ""
	}
	last, at := e.one, reading{r.Sent, r.Done}
	if e.ones++; e.ones == 1 || at.sent > last.sent {
		e.one = at
	}
	if between := max(at.done, last.done) - min(at.sent, last.sent); e.ones > 1 && between < window-clockStep {
		return fmt.Sprintf("%q began two windows within %s, and one lasts %s", e.key, between, window)
	}
	return ""
}

// clockStep is how much a server's clock of whole milliseconds may add to, or take from, a time between two of its readings.
const clockStep = 2 * time.Millisecond

// admit holds what an atomic limiter admits against its limit. A limiter goes by the times that its callers tell it (state.stamp),
// and a call may come long after its time on a busy machine, and after others that were made later. Of what it has admitted it may
// have forgotten, when it decides on a call, what is older than a window before the latest time that it has heard of or, where the
// server let the key expire, before now. Both are before the reply to that call.
func (p *Player) admit(e *keyState, st *state, r *kv.Result, done, bucket bool, limit int64, window time.Duration) string {
	if !done {
		p.counts[refused].Add(1)
		return ""
	}
	p.counts[admitted].Add(1)
	a := passed{st.stamp, r.Done}
	e.admitted++
	if bucket {
		return e.overflow(a, limit, window)
	}
	return e.crowd(a, limit, window)
}

// overflow holds a bucket against what can have been in it: its content, and what flowed in between the first time that it was told
// and now.
func (e *keyState) overflow(a passed, limit int64, window time.Duration) string {
	if e.admitted == 1 || a.stamp < e.first {
		e.first = a.stamp
	}
	e.last = max(e.last, a.done)
	e.late += max(0, a.done-a.stamp-window) // a bucket that expired begins full at a time that is past
	open := e.last - e.first + e.late
	if most := limit + 1 + int64(float64(limit)*open.Seconds()/window.Seconds()); e.admitted > most {
		return fmt.Sprintf("%q admitted %d in %s, its bucket %d at most", e.key, e.admitted, open, most)
	}
	return ""
}

// crowd holds the last requests that were admitted against the limit: of one more than it has, whichever was decided last has been
// admitted although none of the others can have been forgotten.
func (e *keyState) crowd(a passed, limit int64, window time.Duration) string {
	if int64(len(e.passed)) <= limit {
		e.passed = append(e.passed, a)
	} else {
		copy(e.passed, e.passed[1:])
		e.passed[limit] = a
	}
	if int64(len(e.passed)) <= limit {
		return ""
	}
	first, last := a.stamp, a.done
	for _, b := range e.passed {
		first, last = min(first, b.stamp), max(last, b.done)
	}
	if within := last - first; within < window-clockStep {
		return fmt.Sprintf("%q admitted %d within %s, the limit is %d in %s", e.key, limit+1, within, limit, window)
	}
	return ""
}

// acquire notes a lock that was got. Two hold it for certain if both got it within one life of it, and the first has not begun to
// release it.
func (e *keyState) acquire(by uint64, at reading, life time.Duration) string {
	other, was := e.holder, e.held
	e.holder, e.held = by, at
	if other == 0 || max(at.done, was.done) >= min(at.sent, was.sent)+life {
		return ""
	}
	return fmt.Sprintf("%q is held by t%x since %s and by t%x since %s: its life is %s", e.key, other, was.done, by, at.done, life)
}

func (e *keyState) release(by uint64) {
	e.mu.Lock()
	if e.holder == by {
		e.holder = 0
	}
	e.mu.Unlock()
}

// released is told whether the lock was still there: a lock that is gone before its time was taken by somebody.
func (p *Player) released(e *keyState, st *state, r *kv.Result, done bool, life time.Duration) string {
	if done {
		return ""
	}
	p.counts[lostLocks].Add(1)
	if r.Done < st.sent+life {
		return fmt.Sprintf("%q was gone %s after it was got, its life is %s", e.key, r.Done-st.sent, life)
	}
	return ""
}
