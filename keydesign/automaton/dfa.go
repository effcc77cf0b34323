package automaton

import (
	"encoding/binary"
	"math"
	"slices"
)

// A DFA tells which template of an Automaton takes a key, with one step a byte. It is for one goroutine.
//
// Its states are sets of states of the Automaton, and are made when a key first leads to them: of all that there could be, a
// keyspace needs some tens of thousands. They are kept until they take more than they may; then all are dropped and made anew
// as they are needed. So memory is bounded and the answer is right in any case, and only the speed depends on how many there
// are.
//
// Nearly all steps are within a literal or within a value, where all that is left of the templates goes the same way. Such a run
// is one state: of a literal its text, which is compared as a whole, else a set for each byte. Only the other states have a row,
// with a place for each class of bytes. With a row a byte, those of 500 templates would not fit into a processor's cache, and a
// step would be ten times as slow.
type DFA struct {
	a     *Automaton
	limit int // bytes that the states may take

	class  [256]uint8 // bytes that no set tells apart are of one class
	sample []byte     // one byte of each class

	states []place
	rows   []int32          // states: unknown, dead or another
	text   []byte           // of runs
	chain  []int32          // of runs: sets
	accept []int32          // by state: the lowest number of a template that ends here, or -1
	keys   []string         // by state: the states of a, four bytes each, in order
	index  map[string]int32 // key to state
	start  int32            // or unknown
	bytes  int              // that all of this takes, about
	drops  int              // how often all was dropped

	marks []uint32 // of states of a: the mark of the set that it was last added to
	mark  uint32
	set   []int32
	from  []int32 // the set before
	stack []int32
	key   []byte
}

// A place says where a state leads to: behind a run of so many bytes to next; or, where run is 0, to what stands in rows at next
// and the class of the byte. The run is in text at at or, where it is negative, in chain.
type place struct{ run, at, next int32 }

// The first two states are none.
const (
	unknown = 0
	dead    = 1
)

// NewDFA returns a DFA whose states may take so many bytes, about.
func NewDFA(a *Automaton, limit int) *DFA {
	d := &DFA{a: a, limit: limit, marks: make([]uint32, len(a.states))}
	d.classify()
	d.drop()
	return d
}

// classify divides the bytes into classes, by the sets that they are in.
func (d *DFA) classify() {
	n := 1
	for i := range d.a.sets {
		inside := map[uint8]uint8{} // class to that of its bytes in the set
		var whole [256]bool         // classes that have bytes outside
		for c := range 256 {
			if !d.a.sets[i].has(byte(c)) {
				whole[d.class[c]] = true
			}
		}
		for c := range 256 {
			old := d.class[c]
			if !d.a.sets[i].has(byte(c)) || !whole[old] {
				continue
			}
			if _, ok := inside[old]; !ok {
				inside[old] = uint8(n)
				n++
			}
			d.class[c] = inside[old]
		}
	}
	d.sample = make([]byte, n)
	for c := range 256 {
		d.sample[d.class[c]] = byte(c)
	}
}

// drop forgets all states.
func (d *DFA) drop() {
	d.states = append(d.states[:0], place{}, place{})
	d.rows, d.text, d.chain = d.rows[:0], d.text[:0], d.chain[:0]
	d.accept = append(d.accept[:0], -1, -1)
	d.keys = append(d.keys[:0], "", "")
	d.index = map[string]int32{}
	d.start, d.bytes = unknown, 0
}

// Match returns the lowest number of a template that takes the key, or -1.
func (d *DFA) Match(key string) int {
	if d.start == unknown {
		d.start = d.begin()
	}
	s := d.start
	for i := 0; i < len(key); i++ {
		p := d.states[s]
		n := p.next
		switch end := i + int(p.run); {
		case p.run == 0:
			row := d.rows[n : int(n)+len(d.sample)]
			n = row[d.class[key[i]]]
			for n == s && i < len(key)-1 { // within a value of any length
				i++
				n = row[d.class[key[i]]]
			}
		case p.run < 0:
			if !d.takes(p, key[i:]) {
				return -1
			}
			i -= int(p.run) + 1
		case end > len(key) || key[i:end] != string(d.text[p.at:p.at+p.run]):
			return -1
		default:
			i = end - 1
		}
		if n <= dead {
			if n == unknown {
				n = d.step(s, key[i])
			}
			if n == dead {
				return -1
			}
		}
		s = n
	}
	return int(d.accept[s])
}

// takes reports whether a key goes on with a run of sets.
func (d *DFA) takes(p place, key string) bool {
	run := d.chain[p.at : p.at-p.run]
	if len(key) < len(run) {
		return false
	}
	for i, set := range run {
		if !d.a.sets[set].has(key[i]) {
			return false
		}
	}
	return true
}

// begin returns the state before the first byte.
func (d *DFA) begin() int32 {
	d.fresh()
	d.reach(d.a.start)
	return d.intern()
}

// step returns the state that s leads to with c, the last byte of its run if it is one, and notes it.
func (d *DFA) step(s int32, c byte) int32 {
	d.load(d.keys[s])
	if run := d.states[s].run; run != 0 {
		for range max(run, -run) {
			d.advance()
		}
		return d.note(s, c)
	}
	d.from, d.set = d.set, d.from
	d.fresh()
	for _, at := range d.from {
		if x := &d.a.states[at]; x.op == opByte && d.a.sets[x.set].has(c) {
			d.reach(x.out)
		}
	}
	return d.note(s, c)
}

// load makes the set that of a state.
func (d *DFA) load(key string) {
	for d.set = d.set[:0]; key != ""; key = key[4:] {
		d.set = append(d.set, int32(uint32(key[0])|uint32(key[1])<<8|uint32(key[2])<<16|uint32(key[3])<<24))
	}
}

// advance makes the set what all of it leads to with a byte that all of it takes.
func (d *DFA) advance() {
	d.from, d.set = d.set, d.from
	d.fresh()
	for _, at := range d.from {
		d.reach(d.a.states[at].out)
	}
}

// note makes the set the state that s leads to with c.
func (d *DFA) note(s int32, c byte) int32 {
	drops := d.drops
	n := d.intern()
	if drops != d.drops {
		return n
	}
	if p := &d.states[s]; p.run == 0 {
		d.rows[p.next+int32(d.class[c])] = n
	} else {
		p.next = n
	}
	return n
}

// fresh begins a set.
func (d *DFA) fresh() {
	d.set = d.set[:0]
	if d.mark++; d.mark == math.MaxUint32 {
		clear(d.marks)
		d.mark = 1
	}
}

// reach adds to the set what a state leads to without another byte.
func (d *DFA) reach(at int32) {
	d.stack = append(d.stack[:0], at)
	for len(d.stack) > 0 {
		at := d.stack[len(d.stack)-1]
		d.stack = d.stack[:len(d.stack)-1]
		if d.marks[at] == d.mark {
			continue
		}
		d.marks[at] = d.mark
		if x := &d.a.states[at]; x.op == opSplit {
			d.stack = append(d.stack, x.alt, x.out)
		} else {
			d.set = append(d.set, at)
		}
	}
}

// intern returns the state that is the set.
func (d *DFA) intern() int32 {
	if len(d.set) == 0 {
		return dead
	}
	slices.Sort(d.set)
	d.key = d.key[:0]
	for _, at := range d.set {
		d.key = binary.LittleEndian.AppendUint32(d.key, uint32(at))
	}
	if s, ok := d.index[string(d.key)]; ok {
		return s
	}
	cost := stateCost + len(d.key) + 4*len(d.sample)
	if d.bytes+cost > d.limit && d.bytes > 0 {
		d.drop()
		d.drops++
	}
	return d.add()
}

// stateCost is what a state takes besides its key and its row: its entries in states, accept, keys and index.
const stateCost = 80

// add makes a state of the set, which is not there yet.
func (d *DFA) add() int32 {
	s, key := int32(len(d.states)), string(d.key)
	d.accept = append(d.accept, d.accepted())
	p := place{next: unknown}
	if p.run, p.at = d.run(); p.run == 0 {
		p.next = int32(len(d.rows))
		d.rows = append(d.rows, make([]int32, len(d.sample))...)
		d.bytes += 4 * len(d.sample)
	}
	d.states = append(d.states, p)
	d.keys = append(d.keys, key)
	d.index[key] = s
	d.bytes += stateCost + len(key) + 4*int(max(p.run, -p.run))
	return s
}

// longestRun bounds a run, so that what a key shares with the beginning of a long one only does not cost all of it.
const longestRun = 64

// run adds the run that begins with the set, if it is one, and leaves the set behind it.
func (d *DFA) run() (length, at int32) {
	set, ok := d.uniform()
	if !ok {
		return 0, 0
	}
	c, literal := d.a.sets[set].only()
	if !literal {
		at = int32(len(d.chain))
	} else {
		at = int32(len(d.text))
	}
	for length < longestRun {
		length++
		if literal {
			d.text = append(d.text, c)
		} else {
			d.chain = append(d.chain, set)
		}
		d.advance()
		var one bool
		if set, ok = d.uniform(); !ok {
			break
		}
		if c, one = d.a.sets[set].only(); one != literal {
			break
		}
	}
	if !literal {
		length = -length
	}
	return length, at
}

// uniform returns the number of the bytes that all of the set takes; ok is false where not all of it takes the same.
func (d *DFA) uniform() (set int32, ok bool) {
	if len(d.set) == 0 {
		return 0, false
	}
	first := &d.a.states[d.set[0]]
	for _, at := range d.set {
		if x := &d.a.states[at]; x.op != opByte || x.set != first.set {
			return 0, false
		}
	}
	return first.set, true
}

// accepted returns the lowest number of a template that is whole in the set, or -1.
func (d *DFA) accepted() int32 {
	lowest := int32(-1)
	for _, at := range d.set {
		if x := &d.a.states[at]; x.op == opAccept && (lowest < 0 || x.set < lowest) {
			lowest = x.set
		}
	}
	return lowest
}
