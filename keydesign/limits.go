package keydesign

import (
	"fmt"
	"math"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A packing is up to where a collection of some type is one block: so many elements, none of them larger than so many bytes.
type packing struct {
	elements, value int64
	open            bool // no server is shipped with these: the keys show that the limits are higher, and not by how much
}

// shipped are the limits that servers are shipped with: those of redis.conf, or of a server without one.
func shipped(t kv.Type) (least, most packing, ok bool) {
	switch t {
	case kv.TypeHash:
		return packing{elements: 128, value: 64}, packing{elements: 512, value: 64}, true
	case kv.TypeZSet, kv.TypeSet:
		return packing{elements: 128, value: 64}, packing{elements: 128, value: 64}, true
	}
	return least, most, false
}

// packings returns the limits of the types that have some.
func (ks *keyspace) packings() map[kv.Type]packing {
	ps := map[kv.Type]packing{}
	for _, typ := range []kv.Type{kv.TypeHash, kv.TypeZSet, kv.TypeSet} {
		if p, ok := ks.packing(typ); ok {
			ps[typ] = p
		}
	}
	return ps
}

// packing returns the limits of a type, as the keys show them: nothing that is one block can be over them. Where servers are
// shipped with several, a table of a size in between decides. Sets have such a limit only where one is seen at work: before
// Redis 7.2 they are one block of numbers or a table.
func (ks *keyspace) packing(typ kv.Type) (p packing, ok bool) {
	least, most, ok := shipped(typ)
	if !ok {
		return p, false
	}
	var seen packing
	var between uint64
	for _, t := range ks.templates {
		if t.deep == nil || t.typeName() != string(typ) {
			continue
		}
		if e := t.deep.packed; e != nil {
			seen.elements = max(seen.elements, e.lengths.Max())
			seen.value = max(seen.value, e.largest.Max())
		}
		if e := t.deep.spilled; e != nil && e.largest.Max() <= least.value {
			between += count(&e.lengths, least.elements, most.elements)
		}
	}
	if typ == kv.TypeSet && seen.value <= longestInt {
		return p, false
	}
	p = most
	if between > 0 && seen.elements <= least.elements {
		p = least
	}
	higher := seen.elements > p.elements || seen.value > p.value
	return packing{max(p.elements, seen.elements), max(p.value, seen.value), higher}, true
}

// longestInt is how long a member of a set of numbers can be.
const longestInt = 20

// count returns how many numbers are above low and up to high.
func count(q *sketch.Quantiles, low, high int64) (n uint64) {
	for b, c := range q.All() {
		if b[0] > float64(low) && b[0] <= float64(high) {
			n += c
		}
	}
	return n
}

// A nearness says how the collections of a template lie to the limits of their type.
type nearness struct {
	limit    packing
	p99      packing
	keys     int64   // that a little more or less would change
	saves    float64 // bytes, if a limit were so much higher that they fit
	loses    float64 // bytes, if they grew over it
	raised   packing // the limits that they would fit
	elements bool    // it is their number that is near the limit; else their size
}

const (
	nearTimes  = 2    // so many times a limit is near it
	nearKeys   = 10   // fewer are no template
	nearMost   = 1024 // elements: a block of more is slow to search
	nearBytes  = 1 << 20
	stepValue  = 16 // limits are raised by round numbers
	stepLength = 64
)

// near returns how the collections of t lie to their limits; ok is false if they are not near.
func (ks *keyspace) near(t *template) (n nearness, ok bool) {
	if t.deep == nil {
		return n, false
	}
	n.limit, ok = ks.limits[kv.Type(t.typeName())]
	if !ok {
		return n, false
	}
	all := t.deep.collections()
	n.p99.elements, _ = all.lengths.At(0.99)
	n.p99.value, _ = all.largest.At(0.99)
	n.elements = float64(n.p99.elements)/float64(n.limit.elements) >= float64(n.p99.value)/float64(n.limit.value)
	if n.p99.elements > nearTimes*n.limit.elements || n.p99.value > nearTimes*n.limit.value {
		return n, false
	}
	over := n.p99.elements > n.limit.elements || n.p99.value > n.limit.value
	sized := func(e *elements) bool { return e != nil && e.keys >= nearKeys }
	switch typ := kv.Type(t.typeName()); {
	case over && sized(t.deep.spilled):
		n.raised.elements = up(n.p99.elements, n.limit.elements, stepLength)
		n.raised.value = up(n.p99.value, n.limit.value, stepValue)
		if n.raised.elements > nearMost {
			return n, false
		}
		n.keys, n.saves = t.deep.spilled.packed(typ, n.raised.elements)
	case !over && !n.limit.open && sized(t.deep.packed):
		if n.p99.elements*nearTimes <= n.limit.elements && n.p99.value*nearTimes <= n.limit.value {
			return n, false
		}
		from := int64(0)
		if n.elements {
			from = n.limit.elements / nearTimes
		}
		n.keys, n.loses = t.deep.packed.unpacked(typ, from)
	}
	return n, n.saves > 0 || n.loses > 0
}

// up returns a limit that x fits, by round numbers, or the one there is.
func up(x, limit, step int64) int64 {
	if x <= limit {
		return limit
	}
	return (x + step - 1) / step * step
}

// parts is how many strings an element of a collection is.
func parts(typ kv.Type) int64 {
	if typ == kv.TypeHash {
		return 2
	}
	return 1
}

// Bytes of an element in a listpack besides its strings: the header and the length behind each (two for short ones), and what
// a score takes.
const (
	listpackHeader = 7
	listpackEntry  = 2
	listpackScore  = 6
)

// sdsOverhead is what a string of a table takes besides its bytes: header, NUL and half a step of the allocator.
const sdsOverhead = 2 + 3.5

// table returns what a table of n elements takes without its strings.
func table(m *memory.Model, typ kv.Type, n int64) int64 {
	switch typ {
	case kv.TypeHash:
		return m.Hash(n, 0)
	case kv.TypeZSet:
		return m.ZSet(n, 0)
	}
	return m.Set(n, 0)
}

// packed returns how many collections, which are tables now, have at most limit elements, and what they would save as one block
// each. The mean length of their strings follows from the bytes that are left when the table is taken off.
func (e *elements) packed(typ kv.Type, limit int64) (keys int64, saves float64) {
	m := memory.New(memory.Profile{State: memory.Live})
	key := float64(m.Key(e.names / e.keys))
	frames := key * float64(e.keys)
	for b, c := range e.lengths.All() {
		frames += float64(c) * float64(table(m, typ, int64(b[0])))
	}
	each := max(0, float64(e.bytes)-frames) / float64(max(1, e.sum*parts(typ))) // bytes of a string with its overhead
	length := max(1, each-sdsOverhead)
	for b, c := range e.lengths.All() {
		n := math.Ceil(b[0])
		if n > float64(limit) {
			break
		}
		keys += int64(c)
		now := float64(table(m, typ, int64(n))) + n*float64(parts(typ))*each
		saves += float64(c) * (now - float64(m.Blob(listpackBytes(typ, n, length))))
	}
	return keys, max(0, saves)
}

// listpackBytes returns the bytes of a listpack of n elements whose strings have the given mean length.
func listpackBytes(typ kv.Type, n, length float64) int64 {
	size := length + listpackEntry
	if length >= 64 {
		size++
	}
	size *= float64(parts(typ))
	if typ == kv.TypeZSet {
		size += listpackScore
	}
	return listpackHeader + int64(n*size)
}

// unpacked returns how many collections of more than so many elements are one block, and what they would cost more as tables.
func (e *elements) unpacked(typ kv.Type, from int64) (keys int64, loses float64) {
	m := memory.New(memory.Profile{State: memory.Live})
	blocks := float64(e.bytes) - float64(m.Key(e.names/e.keys)+m.Blob(1)+listpackHeader)*float64(e.keys)
	length := max(0, blocks) / float64(max(1, e.sum))
	if typ == kv.TypeZSet {
		length -= listpackScore
	}
	length = max(1, length/float64(parts(typ))-listpackEntry)
	each := (length + sdsOverhead) * float64(parts(typ))
	for b, c := range e.lengths.All() {
		n := math.Ceil(b[0])
		if n <= float64(from) {
			continue
		}
		keys += int64(c)
		loses += float64(c) * (float64(table(m, typ, int64(n))) + n*each - float64(m.Blob(listpackBytes(typ, n, length))))
	}
	return keys, max(0, loses)
}

func limitsFacet() facet {
	return facet{
		report.Table{Name: "limits", Title: "Near encoding limits", Columns: []report.Column{
			{Name: "template", Unit: report.UnitKey},
			{Name: "type", Unit: report.UnitText, Rank: 3},
			{Name: "p99_elements", Title: "p99 n", Unit: report.UnitCount},
			{Name: "limit_elements", Title: "limit", Unit: report.UnitCount},
			{Name: "p99_largest", Title: "p99 size", Unit: report.UnitBytes, Rank: 1},
			{Name: "limit_largest", Title: "limit", Unit: report.UnitBytes, Rank: 2},
			{Name: "keys", Unit: report.UnitCount, Sum: true},
			{Name: "saves", Title: "saves", Unit: report.UnitBytes, Sum: true},
			{Name: "loses", Title: "loses", Unit: report.UnitBytes, Sum: true},
		}},
		func(ks *keyspace, t *template) ([]report.Value, float64) {
			n, ok := ks.near(t)
			if !ok || !ks.matters(n.saves+n.loses) {
				return nil, 0
			}
			bytes := func(x float64) report.Value {
				if x == 0 {
					return report.Null
				}
				return report.Number(math.Round(x))
			}
			return []report.Value{
				report.Text(t.text), textOrNull(t.typeName()), report.Number(n.p99.elements), report.Number(n.limit.elements),
				report.Number(n.p99.value), report.Number(n.limit.value), report.Number(n.keys), bytes(n.saves), bytes(n.loses),
			}, 2*n.saves + n.loses // what can be had comes before what could be lost
		},
	}
}

func encodingSpill() rule {
	return rule{&report.Rule{
		ID: "KD044", Name: "encoding-spill", Title: "Collections a little over the limit of the compact encoding", Severity: report.Info, Stores: redisFamily(),
		Doc: `Small hashes, sorted sets and sets are one block of memory; over a limit on the number of elements, or on the size of one of
them, they become tables that take three to ten times as much. Nearly all collections of this template are a little over a limit: a
limit that is a little higher, or values that are a little smaller, would make them small again. The price is that finding an
element in a block means reading through it: with more than about a thousand elements that is felt.

The limits are those that the keys themselves show. What would be saved is modelled.`,
		Fix:  "raise hash-max-listpack-entries, -value (zset-…, set-…) to what the message says, or split the collections",
		Bad:  []string{"hashes of 600 fields where the limit is 512"},
		Good: []string{"hashes of 500 fields", "hashes of 5,000 fields, which no limit should make one block"},
		Limits: []report.Limit{
			{Name: "times_limit", Value: nearTimes, Unit: report.UnitFactor, Source: report.OwnDefault + ": up to here p99 is near the limit"},
			{Name: "keys", Value: nearKeys, Unit: report.UnitCount, Source: report.OwnDefault},
			{Name: "most_elements", Value: nearMost, Unit: report.UnitCount, Source: report.OwnDefault + ": a block of more is slow"},
			{Name: "bytes", Value: nearBytes, Unit: report.UnitBytes, Source: report.OwnDefault + ": less is not worth a setting"},
		},
	}, kv.FieldType | kv.FieldSize | kv.FieldLargest, checkSpill}
}

func checkSpill(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		n, ok := ks.near(t)
		if !ok || n.saves < nearBytes || !ks.matters(n.saves) {
			continue
		}
		message := fmt.Sprintf("elements of up to %d bytes, over the limit of %d: one of %d would save", n.p99.value, n.limit.value, n.raised.value)
		if n.elements {
			message = fmt.Sprintf("up to %d elements, over the limit of %d: one of %d would save", n.p99.elements, n.limit.elements, n.raised.elements)
		}
		saves := bytesMetric("bytes_saved", int64(math.Round(n.saves)))
		saves.How = "modelled"
		f := t.finding(report.Info, saves, "%s", message)
		f.Evidence = []report.Metric{
			countMetric("p99_elements", n.p99.elements), countMetric("limit_elements", n.limit.elements),
			bytesMetric("p99_largest", n.p99.value), bytesMetric("limit_largest", n.limit.value), countMetric("keys", n.keys),
		}
		emit(f)
	}
}
