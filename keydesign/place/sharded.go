package place

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
)

// What follows is how clients of Redis spread keys over servers that do not know of each other. The names of the servers are those
// that the clients know them by, HOST:PORT where they have no others.

// Twemproxy returns the placement of twemproxy (nutcracker) with distribution ketama and its default hash, fnv1a_64: the ring of
// Ketama, on which a key lies by another hash (src/hashkit/nc_ketama.c, nc_fnv.c of 0.5).
func Twemproxy(servers []string) *Layout {
	ring := Ketama(servers).Model.(*ketama).ring
	return clients(&twemproxy{ring, len(servers)})
}

type twemproxy struct {
	ring    []point
	servers int
}

func (p *twemproxy) Parts() int           { return p.servers }
func (p *twemproxy) Place(key []byte) int { return p.ring[locate(p.ring, int64(fnv1a(key)))].node }

// fnv1a is the lower half of FNV-1a of 64 bits. Characters are signed in it, as on x86.
func fnv1a(key []byte) uint32 {
	const offset, prime = 0x84222325, 0x1b3
	h := uint32(offset)
	for _, c := range key {
		h = (h ^ uint32(int32(int8(c)))) * prime
	}
	return h
}

// jedisPoints is how many points a server has on Jedis's ring.
const jedisPoints = 160

// Jedis returns the placement of ShardedJedis of Jedis 2 and 3 with its default hash: a ring of signed MurmurHash64A, on which the
// points of a server go by its number, or by its name where the servers were given names (redis.clients.jedis.util.Sharded).
func Jedis(servers []string, named bool) *Layout {
	points := make([]point, 0, len(servers)*jedisPoints)
	for n, name := range servers {
		for i := range jedisPoints {
			text := fmt.Appendf(nil, "SHARD-%d-NODE-%d", n, i)
			if named {
				text = fmt.Appendf(nil, "%s*%d", name, i)
			}
			points = append(points, point{murmur64A(text), n})
		}
	}
	return clients(&jedis{sortRing(points), len(servers)})
}

type jedis struct {
	ring    []point
	servers int
}

func (j *jedis) Parts() int           { return j.servers }
func (j *jedis) Place(key []byte) int { return j.ring[locate(j.ring, murmur64A(key))].node }

// murmur64A is MurmurHash64A of little-endian words, with Jedis's seed.
func murmur64A(key []byte) int64 {
	const m, r, seed = 0xc6a4a7935bd1e995, 47, 0x1234abcd
	h := uint64(seed) ^ uint64(len(key))*m
	for ; len(key) >= 8; key = key[8:] {
		k := binary.LittleEndian.Uint64(key) * m
		k = (k ^ k>>r) * m
		h = (h ^ k) * m
	}
	if len(key) > 0 {
		var tail [8]byte
		copy(tail[:], key)
		h = (h ^ binary.LittleEndian.Uint64(tail[:])) * m
	}
	h = (h ^ h>>r) * m
	return int64(h ^ h>>r)
}

// predisPoints is how many points a server has on the ring of Predis.
const predisPoints = 128

// Predis returns the placement of Predis's own sharding (cluster predis, Predis\Cluster\Distributor\HashRing): a ring of CRC-32,
// on which a key is with the last point before it. Of a key with braces only what is within them counts.
func Predis(servers []string) *Layout {
	var points []point
	for n, name := range servers {
		for i := range predisPoints {
			points = append(points, point{int64(crc32.ChecksumIEEE(fmt.Appendf(nil, "%s:%d", name, i))), n})
		}
	}
	return clients(Tagged(&predis{sortRing(points), len(servers)}, '{', '}'))
}

type predis struct {
	ring    []point
	servers int
}

func (p *predis) Parts() int { return p.servers }

func (p *predis) Place(key []byte) int {
	h := int64(crc32.ChecksumIEEE(key))
	i, found := slices.BinarySearchFunc(p.ring, h, func(a point, h int64) int { return int(max(-1, min(1, a.token-h))) })
	if !found {
		i = (i + len(p.ring) - 1) % len(p.ring)
	}
	return p.ring[i].node
}

// PHPRedis returns the placement of RedisArray of phpredis with its defaults: CRC-32 as a share of its range (redis_array_impl.c).
// Of a key with braces only what is within them counts.
func PHPRedis(servers int) *Layout { return clients(phpredis(servers)) }

type phpredis int

func (p phpredis) Parts() int { return int(p) }

func (p phpredis) Place(key []byte) int {
	if inner, ok := between(key, '{', '}'); ok {
		key = inner
	}
	return int(min(uint64(p)-1, uint64(crc32.ChecksumIEEE(key))*uint64(p)/math.MaxUint32))
}

// Tagged returns m for keys of which only what is between two bytes counts, where there is something between them.
func Tagged(m Model, open, end byte) Model { return tagged{m, open, end} }

type tagged struct {
	Model
	open, end byte
}

func (t tagged) Place(key []byte) int {
	if inner, ok := between(key, t.open, t.end); ok && len(inner) > 0 {
		key = inner
	}
	return t.Model.Place(key)
}

// between returns what is between the first open and the first end behind it.
func between(key []byte, open, end byte) (inner []byte, ok bool) {
	_, rest, ok := bytes.Cut(key, []byte{open})
	if !ok {
		return nil, false
	}
	inner, _, ok = bytes.Cut(rest, []byte{end})
	return inner, ok
}
