package place

import (
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"
)

// Vnodes is how many token ranges a node of Cassandra has where nobody says (num_tokens, since 4.0).
const Vnodes = 16

// Cassandra returns the token ranges of a cluster of Cassandra or Scylla with so many nodes and ranges a node. Which tokens a
// node takes is its own choice at random, of which seed makes one. A node also has copies of the ranges of others, as many as
// the replication factor says; here each range is with the first.
func Cassandra(nodes, vnodes int, seed uint64) *Layout {
	rng := rand.New(rand.NewPCG(seed, 0x746f6b656e))
	points := make([]point, 0, nodes*vnodes)
	for n := range nodes {
		for range vnodes {
			points = append(points, point{int64(rng.Uint64()), n})
		}
	}
	t := tokens(sortRing(points))
	l := &Layout{Model: t, Part: "token range", Node: "node", Nodes: nodes, Unequal: true, Note: "the tokens of the nodes are drawn at random; replicas are not counted"}
	for _, p := range t {
		l.Owner = append(l.Owner, p.node)
	}
	return l
}

type tokens []point

func (t tokens) Parts() int           { return len(t) }
func (t tokens) Place(key []byte) int { return locate(t, Token(key)) }

// Token returns the token of a partition key in Cassandra's Murmur3Partitioner: the first half of MurmurHash3 x64 128 with the
// seed 0, in which the bytes of the tail count as signed, and the lowest number as the highest.
//
// Source: org.apache.cassandra.utils.MurmurHash, hash3_x64_128.
func Token(key []byte) int64 {
	const c1, c2 = 0x87c37b91114253d5, 0x4cf5ad432745937f
	h1, h2 := uint64(0), uint64(0)
	tail := key
	for ; len(tail) >= 16; tail = tail[16:] {
		k1, k2 := binary.LittleEndian.Uint64(tail), binary.LittleEndian.Uint64(tail[8:])
		h1 ^= bits.RotateLeft64(k1*c1, 31) * c2
		h1 = (bits.RotateLeft64(h1, 27)+h2)*5 + 0x52dce729
		h2 ^= bits.RotateLeft64(k2*c2, 33) * c1
		h2 = (bits.RotateLeft64(h2, 31)+h1)*5 + 0x38495ab5
	}
	if len(tail) > 8 {
		h2 ^= bits.RotateLeft64(signed(tail[8:])*c2, 33) * c1
	}
	if len(tail) > 0 {
		h1 ^= bits.RotateLeft64(signed(tail[:min(8, len(tail))])*c1, 31) * c2
	}
	n := uint64(len(key))
	h1, h2 = h1^n, h2^n
	h1 += h2
	h2 += h1
	if t := int64(fmix(h1) + fmix(h2)); t != math.MinInt64 {
		return t
	}
	return math.MaxInt64
}

// signed puts up to eight bytes together, the first lowest, each extended by its sign.
func signed(b []byte) (k uint64) {
	for i, c := range b {
		k ^= uint64(int64(int8(c))) << (8 * i)
	}
	return k
}

func fmix(k uint64) uint64 {
	k ^= k >> 33
	k *= 0xff51afd7ed558ccd
	k ^= k >> 33
	k *= 0xc4ceb9fe1a85ec53
	return k ^ k>>33
}
