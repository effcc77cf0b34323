package evict

// A node is a record in one of a policy's queues. Its index is the record's state. 24 bytes, without a pointer.
type node struct {
	id         uint64
	ref        Ref
	prev, next uint32 // towards the head, towards the tail; 0 is the end
	queue      uint8
	count      uint8
}

// queues are the lists of a policy, over one slice of nodes:
//
//	queue 0   head ⇄ node ⇄ node ⇄ tail
//	queue 1   head ⇄ tail
//	free      node → node
//
// Node 0 is nobody's, so that 0 is the state of a record that is in none.
type queues struct {
	nodes []node
	free  uint32
	ends  []ends
}

type ends struct {
	head, tail uint32
	n          int
}

func newQueues(n int) queues { return queues{nodes: make([]node, 1), ends: make([]ends, n)} }

// len returns the number of records in all queues.
func (q *queues) len() int {
	n := 0
	for i := range q.ends {
		n += q.ends[i].n
	}
	return n
}

// add makes a node of r at the head of a queue. It returns 0 if there are StateMax nodes.
func (q *queues) add(r Record, queue uint8) uint32 {
	i := q.free
	switch {
	case i != 0:
		q.free = q.nodes[i].next
	case len(q.nodes) > StateMax:
		return 0
	default:
		i = uint32(len(q.nodes))
		q.nodes = append(q.nodes, node{})
	}
	q.nodes[i] = node{id: r.ID, ref: r.Ref}
	q.push(i, queue)
	return i
}

// find returns the node of r, or 0 if it has none.
func (q *queues) find(r Record) uint32 {
	if r.State >= uint32(len(q.nodes)) || q.nodes[r.State].ref != r.Ref {
		return 0
	}
	return r.State
}

// remove gives the node of r back and reports whether it had one.
func (q *queues) remove(r Record) bool {
	i := q.find(r)
	if i == 0 {
		return false
	}
	q.cut(i)
	q.nodes[i] = node{next: q.free}
	q.free = i
	return true
}

// move calls the record of a node by another ref.
func (q *queues) move(r Record, to Ref) {
	if i := q.find(r); i != 0 {
		q.nodes[i].ref = to
	}
}

// shift takes node i out of its queue and puts it at the head of another, or the same.
func (q *queues) shift(i uint32, queue uint8) {
	q.cut(i)
	q.push(i, queue)
}

func (q *queues) push(i uint32, queue uint8) {
	n, e := &q.nodes[i], &q.ends[queue]
	n.queue, n.prev, n.next = queue, 0, e.head
	if e.head != 0 {
		q.nodes[e.head].prev = i
	} else {
		e.tail = i
	}
	e.head = i
	e.n++
}

func (q *queues) cut(i uint32) {
	n := &q.nodes[i]
	e := &q.ends[n.queue]
	if n.prev != 0 {
		q.nodes[n.prev].next = n.next
	} else {
		e.head = n.next
	}
	if n.next != 0 {
		q.nodes[n.next].prev = n.prev
	} else {
		e.tail = n.prev
	}
	e.n--
}
