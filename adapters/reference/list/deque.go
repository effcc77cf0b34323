package list

import "github.com/kvtool/kvtool/adapters/reference/arena"

// A node is one chunk: a listpack in a block of the arena. 16 bytes.
type node struct {
	ref   arena.Ref
	size  uint32 // of the block, as asked for
	used  uint32
	count uint32
}

// A deque holds the nodes in order, with room at both ends: a list that is pushed and popped at either has short moves only.
type deque struct {
	all  []node
	head int // nodes before this are room
}

func (d *deque) len() int       { return len(d.all) - d.head }
func (d *deque) at(i int) *node { return &d.all[d.head+i] }

// insert makes n the i-th.
func (d *deque) insert(i int, n node) {
	if i > d.len()/2 || d.len() == 0 {
		d.all = append(d.all, node{})
		i += d.head
		copy(d.all[i+1:], d.all[i:])
		d.all[i] = n
		return
	}
	if d.head == 0 {
		room := d.len()/2 + 2
		all := make([]node, room+d.len(), room+d.len()+2)
		copy(all[room:], d.all)
		d.all, d.head = all, room
	}
	d.head--
	copy(d.all[d.head:], d.all[d.head+1:d.head+1+i])
	d.all[d.head+i] = n
}

// remove takes out n nodes from the i-th on.
func (d *deque) remove(i, n int) {
	if i < d.len()-n-i { // less before than behind
		copy(d.all[d.head+n:], d.all[d.head:d.head+i])
		d.head += n
	} else {
		i += d.head
		d.all = d.all[:i+copy(d.all[i:], d.all[i+n:])]
	}
	d.shrink()
}

// shrink gives room back that is more than three times what is used.
func (d *deque) shrink() {
	if n := d.len(); cap(d.all) > 4*n+16 {
		d.all, d.head = append(make([]node, 0, n+2), d.all[d.head:]...), 0
	}
}

// sweep drops the nodes without elements.
func (d *deque) sweep() {
	kept := d.all[:d.head]
	for _, n := range d.all[d.head:] {
		if n.count > 0 {
			kept = append(kept, n)
		}
	}
	d.all = kept
	d.shrink()
}
