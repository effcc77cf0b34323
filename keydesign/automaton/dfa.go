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
// Nearly all steps are within a literal or within a value of one template: from a set of one state to another of one. Such a run
// is one state, which takes its bytes one after the other, and only the others have a row of states, one for each class of
// bytes. With a row a byte, those of 500 templates would not fit into a processor's cache, and a step would be ten times as slow.
type DFA struct {
	a     *Automaton
	limit int // bytes that the states may take

	class  [256]uint8 // bytes that no set tells apart are of one class
	sample []byte     // one byte of each class

	states []place
	rows   []int32          // states: unknown, dead or another
	accept []int32          // by state: the lowest number of a template that ends here, or -1
	keys   []string         // by state: the states of a, four bytes each, in order
	index  map[string]int32 // key to state
	start  int32            // or unknown
	bytes  int              // that all of this takes, about
	drops  int              // how often all was dropped

	marks []uint32 // of states of a: the mark of the set that it was last added to
	mark  uint32
	set   []int32
	stack []int32
	key   []byte
}

// A place says where a state leads to: with bytes of the sets of so many states of a, from at down, to next; or, where run is 0,
// to what stands in rows at next and the class of the byte.
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
	d.rows = d.rows[:0]
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
		if p.run == 0 {
			row := d.rows[n : int(n)+len(d.sample)]
			n = row[d.class[key[i]]]
			for n == s && i < len(key)-1 { // within a value of any length
				i++
				n = row[d.class[key[i]]]
			}
		} else {
			if !d.takes(p, key[i:]) {
				return -1
			}
			i += int(p.run) - 1
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

// takes reports whether a key goes on with a run.
func (d *DFA) takes(p place, key string) bool {
	if len(key) < int(p.run) {
		return false
	}
	run := d.a.states[p.at+1-p.run : p.at+1]
	for i := range run {
		if !d.a.sets[run[len(run)-1-i].set].has(key[i]) {
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
	d.fresh()
	if p := &d.states[s]; p.run > 1 {
		d.reach(d.a.states[p.at+1-p.run].out)
		return d.note(s, c)
	}
	for key := d.keys[s]; key != ""; key = key[4:] {
		from := &d.a.states[uint32(key[0])|uint32(key[1])<<8|uint32(key[2])<<16|uint32(key[3])<<24]
		if from.op == opByte && d.a.sets[from.set].has(c) {
			d.reach(from.out)
		}
	}
	return d.note(s, c)
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
	run := d.run()
	cost := stateCost + len(d.key)
	if run == 0 {
		cost += 4 * len(d.sample)
	}
	if d.bytes+cost > d.limit && d.bytes > 0 {
		d.drop()
		d.drops++
	}
	d.bytes += cost
	return d.add(run)
}

// stateCost is what a state takes besides its key and its row: its entries in states, accept, keys and index.
const stateCost = 80

// add makes a state of the set, which is not there yet.
func (d *DFA) add(run int32) int32 {
	s, key := int32(len(d.states)), string(d.key)
	p := place{run, d.set[0], unknown}
	if run == 0 {
		p.next = int32(len(d.rows))
		d.rows = append(d.rows, make([]int32, len(d.sample))...)
	}
	d.states = append(d.states, p)
	d.accept = append(d.accept, d.accepted())
	d.keys = append(d.keys, key)
	d.index[key] = s
	return s
}

// run returns how many bytes the set takes before its ways part: of one state those up to the next split, of several that take
// the same bytes one. It is 0 where they part at once.
func (d *DFA) run() int32 {
	first := &d.a.states[d.set[0]]
	for _, at := range d.set {
		if x := &d.a.states[at]; x.op != opByte || x.set != first.set {
			return 0
		}
	}
	n := int32(1)
	if len(d.set) > 1 {
		return n
	}
	for at := d.set[0]; d.a.states[at].out == at-1 && d.a.states[at-1].op == opByte; at-- {
		n++
	}
	return n
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
