package zset

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/arena"
)

// A skiplist is Redis's sorted set in Go: a skiplist with spans and a map. The B+tree is measured against it in the same run.
type skiplist struct {
	head   *skipNode
	levels int
	n      int
	nodes  map[string]*skipNode
	r      *rand.Rand
}

type skipNode struct {
	score  float64
	member string
	next   []skipLink
}

type skipLink struct {
	to   *skipNode
	span int
}

const skipMost = 32

func newSkiplist() *skiplist {
	head := &skipNode{next: make([]skipLink, skipMost)}
	return &skiplist{head: head, levels: 1, nodes: map[string]*skipNode{}, r: rand.New(rand.NewPCG(1, 1))}
}

func (x *skipNode) less(score float64, member string) bool {
	return x.score < score || x.score == score && x.member < member
}

// walk finds the last node before an item on each level, and its rank.
func (s *skiplist) walk(score float64, member string) (at [skipMost]*skipNode, rank [skipMost]int) {
	x, n := s.head, 0
	for l := s.levels - 1; l >= 0; l-- {
		for x.next[l].to != nil && x.next[l].to.less(score, member) {
			n += x.next[l].span
			x = x.next[l].to
		}
		at[l], rank[l] = x, n
	}
	return at, rank
}

func (s *skiplist) add(member string, score float64) {
	if old := s.nodes[member]; old != nil {
		s.cut(old)
	}
	at, rank := s.walk(score, member)
	level := 1
	for level < skipMost && s.r.IntN(4) == 0 {
		level++
	}
	for l := s.levels; l < level; l++ {
		at[l], rank[l] = s.head, 0
		s.head.next[l].span = s.n
	}
	s.levels = max(s.levels, level)
	x := &skipNode{score, member, make([]skipLink, level)}
	for l := range s.levels {
		if l >= level {
			at[l].next[l].span++
			continue
		}
		gone := rank[0] - rank[l]
		x.next[l] = skipLink{at[l].next[l].to, at[l].next[l].span - gone}
		at[l].next[l] = skipLink{x, gone + 1}
	}
	s.nodes[member] = x
	s.n++
}

func (s *skiplist) cut(x *skipNode) {
	at, _ := s.walk(x.score, x.member)
	for l := range s.levels {
		if at[l].next[l].to == x {
			at[l].next[l] = skipLink{x.next[l].to, at[l].next[l].span + x.next[l].span - 1}
		} else {
			at[l].next[l].span--
		}
	}
	delete(s.nodes, x.member)
	s.n--
}

func (s *skiplist) increment(member string, by float64) { s.add(member, s.nodes[member].score+by) }

func (s *skiplist) rank(member string) int {
	x := s.nodes[member]
	_, rank := s.walk(x.score, x.member)
	return rank[0]
}

// seek returns the node of a rank.
func (s *skiplist) seek(rank int) *skipNode {
	x, n := s.head, -1
	for l := s.levels - 1; l >= 0; l-- {
		for x.next[l].to != nil && n+x.next[l].span <= rank {
			n += x.next[l].span
			x = x.next[l].to
		}
	}
	return x
}

const benchMembers = 1_000_000

func heapBytes() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func increment(s *Set, member []byte, by float64) {
	p := s.Find(member)
	s.Rescore(p, s.ScoreAt(p)+by)
}

// BenchmarkMillion compares a set of 1M members of 20 bytes with a skiplist of the same.
func BenchmarkMillion(b *testing.B) {
	members := make([]string, benchMembers)
	for i := range members {
		members[i] = fmt.Sprintf("member:%013d", i) // 20 bytes
	}
	r := rand.New(rand.NewPCG(3, 3))
	before := heapBytes()
	set := New(arena.New(arena.Limit))
	for _, m := range members {
		set.Add([]byte(m), r.Float64()*benchMembers)
	}
	ours := heapBytes() - before
	before = heapBytes()
	list := newSkiplist()
	for _, m := range members {
		list.add(m, r.Float64()*benchMembers)
	}
	theirs := heapBytes() - before
	live := float64(set.heap.Live()) / benchMembers
	var sink float64
	for _, c := range []struct {
		name         string
		tree, skipto func(i int)
	}{
		{
			"increment far",
			func(i int) { increment(set, []byte(members[i]), r.Float64()*1e6-5e5) },
			func(i int) { list.increment(members[i], r.Float64()*1e6-5e5) },
		},
		{"increment 1", func(i int) { increment(set, []byte(members[i]), 1) }, func(i int) { list.increment(members[i], 1) }},
		{"rank", func(i int) { set.Rank([]byte(members[i])) }, func(i int) { list.rank(members[i]) }},
		{"first 100", func(int) {
			n := 0
			for _, x := range set.From(0) {
				if sink += x; n == 99 {
					break
				}
				n++
			}
		}, func(int) {
			for x, n := list.head.next[0].to, 0; n < 100; x, n = x.next[0].to, n+1 {
				sink += x.score + float64(len(x.member))
			}
		}},
		{"100 from a rank", func(i int) {
			n := 0
			for _, x := range set.From(i) {
				if sink += x; n == 99 {
					break
				}
				n++
			}
		}, func(i int) {
			for x, n := list.seek(i), 0; n < 100 && x != nil; x, n = x.next[0].to, n+1 {
				sink += x.score + float64(len(x.member))
			}
		}},
	} {
		b.Run(c.name+"/tree", func(b *testing.B) {
			for b.Loop() {
				c.tree(r.IntN(benchMembers))
			}
			b.ReportMetric(float64(ours)/benchMembers, "heap-B/member")
			b.ReportMetric(live, "record-B/member")
		})
		b.Run(c.name+"/skiplist", func(b *testing.B) {
			for b.Loop() {
				c.skipto(r.IntN(benchMembers))
			}
			b.ReportMetric(float64(theirs)/benchMembers, "heap-B/member")
		})
	}
	runtime.KeepAlive(list)
}
