package place

import (
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Points of a server on the ring of ketama: 40 digests of its name with a number, four points of each.
const (
	ketamaDigests = 40
	ketamaPoints  = 4
)

// Ketama returns the consistent hashing that clients of Memcached do, for servers of these names (host:port) and equal weights:
// a point is four bytes of the MD5 of "name-i", little-endian, and a key belongs to the first point at the first four bytes of
// its own MD5 or behind them.
func Ketama(servers []string) *Layout {
	points := make([]point, 0, len(servers)*ketamaDigests*ketamaPoints)
	for n, name := range servers {
		for i := range ketamaDigests {
			d := md5.Sum(fmt.Appendf(nil, "%s-%d", name, i))
			for j := range ketamaPoints {
				points = append(points, point{int64(binary.LittleEndian.Uint32(d[4*j:])), n})
			}
		}
	}
	return clients(&ketama{sortRing(points), len(servers)})
}

type ketama struct {
	ring    []point
	servers int
}

func (k *ketama) Parts() int { return k.servers }

func (k *ketama) Place(key []byte) int {
	d := md5.Sum(key)
	return k.ring[locate(k.ring, int64(binary.LittleEndian.Uint32(d[:])))].node
}

// Modulo returns the plain hashing of Memcached clients for so many servers: the CRC-32 of the key modulo their number.
func Modulo(servers int) *Layout { return clients(modulo(servers)) }

type modulo int

func (m modulo) Parts() int           { return int(m) }
func (m modulo) Place(key []byte) int { return int(crc32.ChecksumIEEE(key) % uint32(m)) }

// clients is the layout of a model whose parts are the servers.
func clients(m Model) *Layout {
	return &Layout{Model: m, Part: "server", Node: "server", Nodes: m.Parts(), Owner: even(m.Parts(), m.Parts())}
}

// Servers returns names for n servers of Memcached of which nobody has said how they are called.
func Servers(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("cache-%d:11211", i+1)
	}
	return names
}

// Moved returns the share of keys that other servers have under b than under a.
func Moved(a, b *Layout, keys [][]byte) float64 {
	if len(keys) == 0 {
		return 0
	}
	n := 0
	for _, k := range keys {
		if a.Owner[a.Place(k)] != b.Owner[b.Place(k)] {
			n++
		}
	}
	return float64(n) / float64(len(keys))
}
