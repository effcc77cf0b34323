package memory

// A Stream adds up what a stream costs. The zero value is an empty stream. Add its listpacks in the order of their first
// IDs, then its groups, then take the Size.
//
// The nodes of the radix tree over the IDs follow from the IDs alone: IDs are 16 bytes and come sorted, so a node ends
// wherever two neighbours part, and a run of bytes between two such places is one more node.
//
//	IDs 0001.…, 0002.…       "000" ── "1" ── "…" ── leaf
//	                             └─── "2" ── "…" ── leaf       nodes: 000, branch, two runs, two leaves
type Stream struct {
	listpacks int64 // count
	bytes     int64 // their blocks
	last      int64 // bytes of the last one
	extra     int64 // groups and consumers without their trees
	tree      Rax
	keys      int64 // of the trees of pending entries
	nodes     int64
	trees     int64 // their bytes
}

// Add counts one listpack of n bytes whose first entry has the ID id, in the big-endian form of the file.
func (s *Stream) Add(m *Model, id *[16]byte, n int64) {
	s.listpacks++
	s.last = n
	s.bytes += m.blob(n)
	s.tree.Add(m, id)
}

// Group counts one consumer group with pending entries that tree holds.
func (s *Stream) Group(m *Model, pending *Rax) {
	s.extra += m.fixed(m.shape.group) + m.fixed(streamNAK)*pending.keys
	s.count(m, pending)
}

// Consumer counts one consumer whose name has n bytes and its own pending entries.
func (s *Stream) Consumer(m *Model, n int64, pending *Rax) {
	s.extra += m.fixed(m.shape.consumer) + n
	s.count(m, pending)
}

func (s *Stream) count(m *Model, r *Rax) {
	s.keys += r.keys
	s.nodes += r.count()
	s.trees += r.size(m)
}

// streamReserve is what a live server allocates at once for a listpack that entries are being added to.
const streamReserve = 4096

// Size returns the cost of the stream.
func (s *Stream) Size(m *Model) int64 {
	size := m.robj + m.fixed(m.shape.stream) + s.bytes + s.extra
	if m.p.Allocated || m.shape.raxExact {
		size += s.tree.size(m) + s.trees
	} else {
		size += s.guess()
	}
	if m.p.State == Live && s.listpacks > 0 && s.last < streamReserve && !m.exact() {
		size += m.Class(streamReserve) - m.Class(s.last)
	}
	return size
}

// guess is what a server takes its trees for.
func (s *Stream) guess() int64 {
	keys, nodes := s.tree.keys+s.keys, s.tree.count()+s.nodes
	return streamID*keys + raxNode*nodes
}

// A Rax counts the nodes of a radix tree over sorted IDs of 16 bytes. The zero value is an empty tree.
type Rax struct {
	skip        int // bytes at the beginning that keys do not have
	keys, nodes int64
	bytes       int64 // of the nodes
	last        [16]byte
	branches    [16]uint16 // children of the path to last, at the depths at which it branches
	holes       holes      // where it leavesHoles
}

// AddPending is Add for the tree of a group, whose pending entries are allocated as it grows.
func (r *Rax) AddPending(m *Model, id *[16]byte) {
	if m.leavesHoles() {
		r.holes.cut(m.Class(streamNAK)) // an entry counts as it is
	}
	r.Add(m, id)
}

// node counts one node of so many bytes, 0 for none.
func (r *Rax) node(m *Model, bytes int64) {
	if bytes == 0 {
		return
	}
	r.nodes++
	r.bytes += bytes
	if m.leavesHoles() {
		r.bytes += r.holes.cut(bytes)
	}
}

// widen counts one more child of the branch at depth d of the path.
func (r *Rax) widen(m *Model, d int) {
	from, to := m.branch(r.branches[d]), m.branch(r.branches[d]+1)
	r.branches[d]++
	r.bytes += to - from
	if m.leavesHoles() {
		r.holes.grow(d, from, to)
	}
}

// Add counts one more ID. IDs must ascend; one that does not is counted as if it shared nothing new.
func (r *Rax) Add(m *Model, id *[16]byte) {
	r.keys++
	if r.keys == 1 {
		r.node(m, m.run(16-r.skip))
		r.node(m, m.leaf())
		r.last = *id
		return
	}
	d := 0
	for d < 16 && id[d] == r.last[d] {
		d++
	}
	if d == 16 {
		return
	}
	if r.branches[d] == 0 {
		r.split(m, d)
	} else {
		r.widen(m, d)
	}
	for i := d + 1; i < 16; i++ {
		r.branches[i] = 0
	}
	r.node(m, m.leaf())
	r.node(m, m.run(15-d)) // that leads to it
	r.last = *id
}

// split makes depth d of the path to the last ID a branch. The run that held depth d becomes what is left of it before d,
// the branch, and what is left of it after.
func (r *Rax) split(m *Model, d int) {
	before, after := 0, 0
	for i := d - 1; i >= r.skip && r.branches[i] == 0; i-- {
		before++
	}
	for i := d + 1; i < 16 && r.branches[i] == 0; i++ {
		after++
	}
	r.nodes--
	r.bytes -= m.run(before + 1 + after)
	r.node(m, m.run(before))
	r.node(m, m.branch(2))
	r.node(m, m.run(after))
	r.branches[d] = 2
}

// count returns the number of nodes: an empty tree has its root.
func (r *Rax) count() int64 { return max(r.nodes, 1) }

// size returns what the tree takes: its struct and its nodes.
func (r *Rax) size(m *Model) int64 {
	if r.keys == 0 {
		return m.Class(m.shape.raxStruct) + m.Class(8)
	}
	return m.Class(m.shape.raxStruct) + r.bytes
}

// Nodes of a rax (rax.h): four bytes, the characters, padding to eight bytes, pointers.

// run is a node of n characters in a row and a pointer to what follows; 0 for none.
func (m *Model) run(n int) int64 {
	if n == 0 {
		return 0
	}
	return m.Class((4+int64(n)+7)&^7 + pointer)
}

// branch is a node of n characters with a pointer each.
func (m *Model) branch(n uint16) int64 { return m.Class((4+int64(n)+7)&^7 + pointer*int64(n)) }

// leaf is a node without characters and with the pointer of its key.
func (m *Model) leaf() int64 { return m.Class(8 + pointer) }
