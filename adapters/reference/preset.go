package reference

import (
	"cmp"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// DemoKeys is the number of keys of demo:.
const DemoKeys = 120_000

// maxKeys keeps a slip of the finger from taking all memory of the machine.
const maxKeys = 100_000_000

// A Preset says what to fill an engine with.
type Preset struct {
	Name string // shop, uniform, skewed, ttl-storm, bigkeys or empty
	Keys int
	Seed uint64
}

// DemoPreset returns what demo: holds.
func DemoPreset() Preset { return Preset{Name: "shop", Keys: DemoKeys, Seed: 1} }

// A preset is a generator of contents.
type preset struct {
	name, doc string
	fill      func(g *generator, keys int) error
}

func presets() []preset {
	return []preset{
		{"shop", "the shop of demo:, with its planted faults", fillShop},
		{"uniform", "strings of one template, half of them with a TTL", fillUniform},
		{"skewed", "tenants of very different sizes", fillSkewed},
		{"ttl-storm", "pages that expire in a few bursts", fillStorm},
		{"bigkeys", "a few very large values among small ones", fillBig},
		{"empty", "nothing", func(*generator, int) error { return nil }},
	}
}

func presetNames() string {
	var names []string
	for _, p := range presets() {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

// Fill puts the contents of p into database 0 of empty shards, which are locked: the same ones, relative to their time, for the
// same p.
func Fill(shards []*keyspace.Shard, p Preset) error {
	for _, known := range presets() {
		if known.name != p.Name {
			continue
		}
		g := &generator{shards: shards, limits: *shards[0].Limits(), now: shards[0].Now(), seed: p.Seed}
		return cmp.Or(known.fill(g, p.Keys), g.full)
	}
	return kv.WithHint(kv.Usagef("there is no preset %q", p.Name), "there are: "+presetNames())
}

// A generator writes contents into shards. All its numbers are integers: floating point may be fused differently on another
// platform, and the contents must not differ.
type generator struct {
	shards  []*keyspace.Shard
	limits  keyspace.Limits
	now     int64 // ms
	seed    uint64
	pcg     *rand.PCG
	buf     []byte
	name    []byte
	pack    []byte
	fields  []string
	members []value.Scored
	full    error // ErrMemory, once something found no room
}

// stream begins the random numbers of one part of the contents, so that a change to one part leaves the others alone.
func (g *generator) stream(part string) {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(part) {
		h = (h ^ uint64(part[i])) * 1099511628211
	}
	g.pcg = rand.NewPCG(g.seed, h)
}

// below returns a number from 0 to n-1.
func (g *generator) below(n int64) int64 {
	hi, _ := bits.Mul64(g.pcg.Uint64(), uint64(n))
	return int64(hi)
}

// perm returns the numbers from 0 to n-1 in random order.
func (g *generator) perm(n int) []int32 {
	p := make([]int32, n)
	for i := range p {
		j := g.below(int64(i) + 1)
		p[i], p[j] = p[j], int32(i)
	}
	return p
}

// hex returns n hexadecimal digits, n <= 32.
func (g *generator) hex(n int) string {
	const digits = "0123456789abcdef"
	var b [32]byte
	for i := 0; i < n; i += 16 {
		x := g.pcg.Uint64()
		for j := i; j < min(i+16, n); j++ {
			b[j] = digits[x&15]
			x >>= 4
		}
	}
	return string(b[:n])
}

// uuid returns a random UUID (version 4).
func (g *generator) uuid() string {
	h := g.hex(32)
	variant := "89ab"[g.below(4)]
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-" + string(variant) + h[17:20] + "-" + h[20:]
}

// text returns s with each # replaced by the next of the numbers: a format without fmt, whose cost would be most of a build.
func (g *generator) text(s string, numbers ...int64) string { return string(g.raw(s, numbers...)) }

// raw is text that is valid until the next.
func (g *generator) raw(s string, numbers ...int64) []byte {
	g.buf = g.buf[:0]
	for i := range len(s) {
		if s[i] == '#' {
			g.buf = strconv.AppendInt(g.buf, numbers[0], 10)
			numbers = numbers[1:]
			continue
		}
		g.buf = append(g.buf, s[i])
	}
	return g.buf
}

// in returns the expiry of a key that has ms milliseconds left.
func (g *generator) in(ms int64) int64 { return g.now + max(ms, 1) }

// fixed returns the expiry of a key written with a fixed TTL some time within that TTL.
func (g *generator) fixed(ttl time.Duration) int64 { return g.in(1 + g.below(ttl.Milliseconds())) }

// sliding returns the expiry of a key whose TTL is set anew at each access: more have much time left than little.
func (g *generator) sliding(ttl time.Duration) int64 {
	return max(g.fixed(ttl), g.fixed(ttl))
}

// A spot is where a key that is not there yet is to be.
type spot struct {
	*keyspace.Shard
	key  []byte
	hash uint64
}

func (g *generator) spot(key string) spot {
	g.name = append(g.name[:0], key...)
	hash := keyspace.Hash(g.name)
	return spot{g.shards[keyspace.ShardOf(hash, len(g.shards))], g.name, hash}
}

// made gives a key that was put an expiry, if at is not 0. ok says that there was room for it.
func (g *generator) made(p spot, it keyspace.Item, ok bool, at int64) {
	if ok && at != 0 {
		_, ok = p.SetExpiry(it, at)
	}
	if !ok {
		g.full = ErrMemory
	}
}

func (g *generator) str(key, s string, at int64) {
	p := g.spot(key)
	g.pack = append(g.pack[:0], s...)
	kind := keyspace.KindRaw
	switch {
	case memory.IsInt(g.pack):
		kind = keyspace.KindInt
	case len(s) <= memory.EmbstrMax:
		kind = keyspace.KindEmbstr
	}
	it, ok := p.PutBytes(0, p.key, p.hash, keyspace.Item{}, kind, g.pack)
	g.made(p, it, ok, at)
}

// hash adds a hash of distinct fields.
func (g *generator) hash(key string, at int64, fieldValues ...string) {
	p := g.spot(key)
	v := value.OpenHash(p.Shard, keyspace.Item{})
	long := len(fieldValues)/2 > g.limits.HashEntries
	for _, s := range fieldValues {
		long = long || len(s) > g.limits.HashValue
	}
	if long {
		for i := 0; i < len(fieldValues); i += 2 {
			v.Set([]byte(fieldValues[i]), []byte(fieldValues[i+1]))
		}
	} else {
		v.Adopt(g.listpack(fieldValues))
	}
	it, ok := v.Put(0, p.key, p.hash)
	g.made(p, it, ok, at)
}

// listpack returns one that is valid until the next.
func (g *generator) listpack(elems []string) packed.Listpack {
	l := packed.FromEntries(g.pack[:0], nil, 0)
	for _, s := range elems {
		g.buf = append(g.buf[:0], s...)
		l = l.Append(g.buf)
	}
	g.pack = l
	return l
}

// ascending adds a sorted set of n members in the order of their scores.
func (g *generator) ascending(key string, n int, next func(i int) (score int64, member string)) {
	g.members = g.members[:0]
	for i := range n {
		score, member := next(i)
		g.members = append(g.members, value.Scored{Member: []byte(member), Score: float64(score)})
	}
	p := g.spot(key)
	v := value.NewZSet(p.Shard)
	if !v.Fill(g.members) {
		g.full = ErrMemory
		return
	}
	it, ok := v.Put(0, p.key, p.hash)
	g.made(p, it, ok, 0)
}

// list adds a list of n elements, each of which is valid until the next.
func (g *generator) list(key string, n int, next func(i int) []byte) {
	p := g.spot(key)
	v := value.OpenList(p.Shard, keyspace.Item{})
	for i := range n {
		v.Push(next(i), false)
	}
	it, ok := v.Put(0, p.key, p.hash)
	g.made(p, it, ok, 0)
}

// set adds a set.
func (g *generator) set(key string, members []string) {
	p := g.spot(key)
	v := value.NewSet(p.Shard)
	for _, m := range members {
		if _, ok := v.Add([]byte(m)); !ok {
			g.full = ErrMemory
		}
	}
	it, ok := v.Put(0, p.key, p.hash)
	g.made(p, it, ok, 0)
}
