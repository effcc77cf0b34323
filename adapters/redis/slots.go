package redis

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/slot"
)

// A node is one server of a cluster, as the cluster names it.
type node struct{ id, addr string }

// A group is a primary with its replicas and the slots that they serve.
type group struct {
	primary  node
	replicas []node
	slots    slot.Set
}

// String names the group for the user.
func (g *group) String() string { return fmt.Sprintf("%s (slots %s)", g.primary.addr, short(&g.slots)) }

// short returns the ranges of s, cut where they are many.
func short(s *slot.Set) string {
	const most = 60
	text := s.String()
	if len(text) <= most {
		return text
	}
	cut := strings.LastIndexByte(text[:most], ',')
	return fmt.Sprintf("%s,… (%d in all)", text[:max(cut, 0)], s.Len())
}

// A slotMap says who serves what, and which slots are on their way to another node.
type slotMap struct {
	groups []group           // by their lowest slot
	owner  [slot.Count]int16 // an index into groups, or -1
	moving map[uint16]string // to the node with this id
}

// ownerOf returns the group that serves n, or nil.
func (m *slotMap) ownerOf(n uint16) *group {
	if i := m.owner[n]; i >= 0 {
		return &m.groups[i]
	}
	return nil
}

// byID returns the group whose primary has the id, or nil.
func (m *slotMap) byID(id string) *group {
	for i := range m.groups {
		if m.groups[i].primary.id == id {
			return &m.groups[i]
		}
	}
	return nil
}

// move notes that slots of a group are on their way. A node that has no slots yet is in no slot map; now it is.
func (m *slotMap) move(g *group, t nodeTable) {
	for n, id := range t.moving {
		if !g.slots.Has(n) {
			continue
		}
		m.moving[n] = id
		if to := t.groups[id]; m.byID(id) == nil && to != nil && to.primary.id != "" {
			m.groups = append(m.groups, *to)
		}
	}
}

// leaving returns the slots that are on their way to another node.
func (m *slotMap) leaving() (set slot.Set) {
	for n := range m.moving {
		set.Add(int(n), int(n))
	}
	return set
}

// served returns all slots that somebody serves.
func (m *slotMap) served() slot.Set {
	var all slot.Set
	for i := range m.groups {
		all = all.Or(m.groups[i].slots)
	}
	return all
}

func newSlotMap(groups []group) *slotMap {
	slices.SortFunc(groups, func(a, b group) int { return cmp.Compare(lowest(&a.slots), lowest(&b.slots)) })
	m := &slotMap{groups: groups, moving: map[uint16]string{}}
	for n := range m.owner {
		m.owner[n] = -1
	}
	for i := range groups {
		groups[i].slots.Each(func(n uint16) { m.owner[n] = int16(i) })
	}
	return m
}

func lowest(s *slot.Set) (low int) {
	low = slot.Count
	s.Each(func(n uint16) { low = min(low, int(n)) })
	return low
}

// maxReplicas bounds how many replicas a primary is believed to have.
const maxReplicas = 500

// readSlots reads the answer to CLUSTER SLOTS, whose beginning is rep: of each range of slots the first, the last, the
// primary and its replicas, each of them an address, a port, an id (not before Redis 4) and, since Redis 7, more names. An
// empty address is asked, the one by which the answering node was reached.
//
// Source: https://redis.io/docs/latest/commands/cluster-slots/
func readSlots(in *resp.Reader, rep resp.Reply, asked string) ([]group, error) {
	if rep.Kind != resp.Array || rep.N > slot.Count {
		return nil, fmt.Errorf("%w: CLUSTER SLOTS was answered otherwise", resp.ErrProtocol)
	}
	var groups []group
	var taken slot.Set
	index := map[string]int{}
	for range rep.N {
		g, err := readRange(in, asked)
		if err != nil {
			return nil, fmt.Errorf("CLUSTER SLOTS: %w", unexpected(err))
		}
		if both := taken.And(g.slots); !both.Empty() {
			return nil, fmt.Errorf("CLUSTER SLOTS: %w: two nodes serve slot %s", resp.ErrProtocol, short(&both))
		}
		taken = taken.Or(g.slots)
		if i, ok := index[g.primary.id]; ok {
			groups[i].slots = groups[i].slots.Or(g.slots)
			continue
		}
		index[g.primary.id] = len(groups)
		groups = append(groups, g)
	}
	return groups, nil
}

// readRange reads one range of slots with its nodes.
func readRange(in *resp.Reader, asked string) (g group, err error) {
	head, err := in.Next()
	if err != nil {
		return g, err
	}
	if head.Kind != resp.Array || head.N < 3 || head.N > maxReplicas {
		return g, fmt.Errorf("%w: a range of %d parts", resp.ErrProtocol, head.N)
	}
	var ends [2]int64
	for i := range ends {
		rep, err := in.Next()
		if err != nil {
			return g, err
		}
		if rep.Kind != resp.Int || rep.N < 0 || rep.N >= slot.Count {
			return g, fmt.Errorf("%w: %d is no slot", resp.ErrProtocol, rep.N)
		}
		ends[i] = rep.N
	}
	if ends[0] > ends[1] {
		return g, fmt.Errorf("%w: slots %d to %d", resp.ErrProtocol, ends[0], ends[1])
	}
	g.slots.Add(int(ends[0]), int(ends[1]))
	for i := range head.N - 2 {
		n, err := readNode(in, asked)
		switch {
		case err != nil:
			return g, err
		case i == 0:
			g.primary = n
		default:
			g.replicas = append(g.replicas, n)
		}
	}
	return g, nil
}

// readNode reads one node of a range.
func readNode(in *resp.Reader, asked string) (n node, err error) {
	head, err := in.Next()
	if err != nil {
		return n, err
	}
	if head.Kind != resp.Array || head.N < 2 || head.N > 100 {
		return n, fmt.Errorf("%w: a node of %d parts", resp.ErrProtocol, head.N)
	}
	host, port := "", int64(0)
	for i := range head.N {
		rep, err := in.Next()
		if err != nil {
			return n, err
		}
		switch {
		case i == 0 && (rep.Kind == resp.Bulk || rep.Kind == resp.Null):
			host = string(rep.Data)
		case i == 1 && rep.Kind == resp.Int:
			port = rep.N
		case i == 2 && rep.Kind == resp.Bulk && len(rep.Data) <= 255:
			n.id = string(rep.Data)
		case i == 3 && rep.Kind == resp.Array && host == "?":
			if host, err = readIP(in, rep.N); err != nil {
				return n, err
			}
		case i > 2:
			if err := in.Skip(rep); err != nil {
				return n, err
			}
		default:
			return n, fmt.Errorf("%w: a node whose part %d is none", resp.ErrProtocol, i+1)
		}
	}
	if n.addr, err = endpoint(host, port, asked); err != nil {
		return n, err
	}
	if n.id == "" {
		n.id = n.addr
	}
	return n, nil
}

// readIP reads the other names of a node, n of them in turn with what they are, and returns its IP address: a cluster that
// would rather announce host names answers with "?" for a node that has none.
func readIP(in *resp.Reader, n int64) (ip string, err error) {
	name := ""
	for i := range n {
		rep, err := in.Next()
		if err != nil {
			return "", err
		}
		if i%2 == 1 && name == "ip" {
			ip = string(rep.Data)
		}
		name = string(rep.Data)
		if err := in.Skip(rep); err != nil {
			return "", err
		}
	}
	return ip, nil
}

// A nodeTable is what CLUSTER NODES tells besides CLUSTER SLOTS.
type nodeTable struct {
	groups map[string]*group // by id of the primary, those without slots too
	moving map[uint16]string // slots that the node which was asked is giving away, to the node with this id
}

// parseNodes reads an answer to CLUSTER NODES. Each line has an id, IP:PORT@BUSPORT,HOSTNAME, flags, the primary's id, four
// more parts, and slots; on the line of the node that was asked, [93->-ID] stands for a slot that is on its way to another.
//
// Source: https://redis.io/docs/latest/commands/cluster-nodes/
func parseNodes(text, asked string) nodeTable {
	t := nodeTable{groups: map[string]*group{}, moving: map[uint16]string{}}
	for line := range strings.Lines(text) {
		parts := strings.Fields(line)
		if len(parts) < 8 {
			continue
		}
		address, _, _ := strings.Cut(parts[1], "@")
		i := strings.LastIndexByte(address, ':')
		if i < 0 {
			continue
		}
		port, _ := strconv.ParseInt(address[i+1:], 10, 32)
		addr, err := endpoint(address[:i], port, asked)
		if err != nil {
			continue
		}
		flags := strings.Split(parts[2], ",")
		switch primary := parts[3]; {
		case slices.Contains(flags, "master"):
			t.group(parts[0]).primary = node{parts[0], addr}
		case slices.Contains(flags, "slave") && !slices.Contains(flags, "fail"):
			g := t.group(primary)
			g.replicas = append(g.replicas, node{parts[0], addr})
		}
		if slices.Contains(flags, "myself") {
			t.readMoving(parts[8:])
		}
	}
	return t
}

func (t *nodeTable) group(id string) *group {
	g := t.groups[id]
	if g == nil {
		g = &group{}
		t.groups[id] = g
	}
	return g
}

func (t *nodeTable) readMoving(parts []string) {
	for _, part := range parts {
		inner, open := strings.CutPrefix(part, "[")
		inner, closed := strings.CutSuffix(inner, "]")
		number, id, moves := strings.Cut(inner, "->-")
		n, err := strconv.ParseUint(number, 10, 16)
		if open && closed && moves && err == nil && n < slot.Count {
			t.moving[uint16(n)] = id
		}
	}
}

// errNoCluster says that the node is in no cluster, or in one that has no slots.
var errNoCluster = errors.New("it serves no slots")

// slotsOf asks one node who serves what.
func (l *link) slotsOf(asked string) ([]group, error) {
	rep, err := l.ask(nil, "CLUSTER", "SLOTS")
	if err != nil {
		return nil, err
	}
	groups, err := readSlots(l.in, rep, asked)
	if err == nil && len(groups) == 0 {
		err = errNoCluster
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return groups, err
}
