package value_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/value"
)

// A listModel is a list at the key, and the naive model of it.
type listModel struct {
	*rapid.T
	s     *keyspace.Shard
	r     *rand.Rand
	elems []string
}

// TestList runs random histories of a list against a slice: short ones of bytes, longer ones of nodes, and the way between.
func TestList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &listModel{T: t, s: newShard(), r: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))}
		m.s.Limits().ListSize = rapid.SampledFrom([]int{-2, -1, 0, 1, 3, 6, 100}).Draw(t, "size")
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			l := value.OpenList(m.s, m.s.Find(0, theKey, theHash))
			for range 1 + m.r.IntN(3) {
				m.step(&l)
			}
			it, ok := l.Put(0, theKey, theHash)
			if !ok || it.OK() != (len(m.elems) > 0) {
				t.Fatalf("put: %v, there is %v", ok, it.OK())
			}
			m.check()
		}
	})
}

func (m *listModel) elem() string {
	if m.r.IntN(30) == 0 {
		return strings.Repeat("long", m.r.IntN(800))
	}
	return text(m.r, 5)
}

func (m *listModel) step(l *value.List) {
	n, s := len(m.elems), m.elem()
	switch op := m.r.IntN(10); {
	case op < 2:
		l.Push([]byte(s), true)
		m.elems = slices.Insert(m.elems, 0, s)
	case op < 4:
		l.Push([]byte(s), false)
		m.elems = append(m.elems, s)
	case n == 0:
	case op == 4:
		i, front := n-1, m.r.IntN(2) == 0
		if front {
			i = 0
		}
		if got := string(l.Pop(nil, front)); got != m.elems[i] {
			m.Fatalf("popped %.40q, want %.40q", got, m.elems[i])
		}
		m.elems = slices.Delete(m.elems, i, i+1)
	case op == 5:
		i := m.r.IntN(n)
		l.Set(i, []byte(s))
		m.elems[i] = s
	case op == 6:
		i, after := slices.Index(m.elems, s), m.r.IntN(2)
		if l.Insert([]byte(s), []byte("new"), after == 1) != (i >= 0) {
			m.Fatalf("insert next to %.40q, which is at %d", s, i)
		}
		if i >= 0 {
			m.elems = slices.Insert(m.elems, i+after, "new")
		}
	case op == 7:
		was := len(m.elems)
		m.elems = slices.DeleteFunc(m.elems, func(e string) bool { return e == s })
		if got := l.Remove([]byte(s), 0); got != was-len(m.elems) {
			m.Fatalf("removed %d %.40q of %d", got, s, was-len(m.elems))
		}
	default:
		i := m.r.IntN(n)
		k := m.r.IntN(min(n-i, 1+n/3) + 1)
		l.Delete(i, k)
		m.elems = slices.Delete(m.elems, i, i+k)
	}
}

func (m *listModel) check() {
	checkSize(m.T, m.s)
	it := m.s.Find(0, theKey, theHash)
	l := value.OpenList(m.s, it)
	n := len(m.elems)
	if got := texts(l.Range(0, l.Len(), false)); !slices.Equal(got, m.elems) || l.Len() != n {
		m.Fatalf("%d elements %.200q, want %d %.200q", l.Len(), got, n, m.elems)
	}
	if n == 0 {
		return
	}
	lo := m.r.IntN(n)
	hi := lo + m.r.IntN(n-lo+1)
	back := slices.Clone(m.elems[lo:hi])
	slices.Reverse(back)
	var buf [packed.IntBytes]byte
	if got := texts(l.Range(lo, hi, true)); !slices.Equal(got, back) || string(l.Index(lo, buf[:])) != m.elems[lo] {
		m.Fatalf("%d to %d from the end: %.200q, want %.200q", lo, hi, got, back)
	}
	var at []int
	for i := range hi {
		if m.elems[i] == m.elems[lo] {
			at = append(at, i)
		}
	}
	if got := slices.Collect(l.Matches([]byte(m.elems[lo]), hi, false)); !slices.Equal(got, at) {
		m.Fatalf("%.40q is at %v, want %v", m.elems[lo], got, at)
	}
	nodes := 0
	for p := range l.Nodes() {
		nodes += p.Len()
	}
	if nodes != n || it.Kind() == keyspace.KindListPacked && len(it.Bytes()) > 5000 {
		m.Fatalf("%d elements in nodes, %d bytes", nodes, len(it.Bytes()))
	}
}

func texts(elems func(func([]byte) bool)) []string {
	all := []string{}
	for e := range elems {
		all = append(all, string(e))
	}
	return all
}

// TestAppendNode: a list that is built of nodes has those nodes, and one node is bytes.
func TestAppendNode(t *testing.T) {
	s := newShard()
	l := value.OpenList(s, keyspace.Item{})
	l.AppendNode(packed.New().Append([]byte("a")).Append([]byte("1")))
	it, _ := l.Put(0, theKey, theHash)
	if it.Kind() != keyspace.KindListPacked || l.Len() != 2 {
		t.Errorf("one node: kind %d, %d elements", it.Kind(), l.Len())
	}
	l = value.OpenList(s, it)
	l.AppendNode(packed.New().Append([]byte("b")))
	it, ok := l.Put(0, theKey, theHash)
	var sizes []int
	for p := range l.Nodes() {
		sizes = append(sizes, p.Len())
	}
	if !ok || it.Kind() != keyspace.KindListNodes || !slices.Equal(sizes, []int{2, 1}) {
		t.Errorf("two nodes: kind %d, %v", it.Kind(), sizes)
	}
}
