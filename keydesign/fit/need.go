package fit

import (
	"fmt"
	"slices"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
)

// A need is what the schema or the report asks of a store.
type need struct {
	name     string
	evidence string
	judge    func(s *store) (grade, property)
}

// needs lists those that are known. What nobody has said is no need, and is not evaluated.
func (f *facts) needs() []need {
	var ns []need
	for _, find := range []func(*facts) (need, bool){
		durability, consistency, latency, memory, value, ranges, together,
	} {
		if n, ok := find(f); ok {
			ns = append(ns, n)
		}
	}
	return ns
}

func durability(f *facts) (need, bool) {
	return need{"durability", "store.durable" + at(f.schema.Store.Pos), func(s *store) (grade, property) {
		return s.durable.grade, s.durable
	}}, f.schema.Store.Durable
}

// consistency is the strictest that an access asks for.
func consistency(f *facts) (need, bool) {
	strict := func(u use) bool { return u.Consistency != "" && u.Consistency != "eventual" }
	found := f.where(strict, func(u use) string { return "consistency " + u.Consistency })
	serial := slices.ContainsFunc(f.uses, func(u use) bool { return u.Consistency == serializable })
	return need{"consistency", join(found), func(s *store) (grade, property) {
		if serial {
			return s.serial.grade, s.serial
		}
		return s.strong.grade, s.strong
	}}, found != nil
}

// roomy is how many times what a store promises must fit into what is asked for it to be met without care: a promise is of a
// small value, of a network nearby and of a node that is not busy.
const roomy = 5

func latency(f *facts) (need, bool) {
	want := f.schema.Store.P99
	return need{"p99", "store.p99 " + want.String() + at(f.schema.Store.Pos), func(s *store) (grade, property) {
		p := property{meets, fmt.Sprintf("about %s: %s", s.p99, s.p99Why), s.p99Source}
		switch {
		case want < s.p99:
			p.grade = failsIt
		case want < roomy*s.p99:
			p.grade = withCare
		}
		return p.grade, p
	}}, want > 0
}

// memory is what the keys take, against the memory that there is to be.
func memory(f *facts) (need, bool) {
	bytes, whole := f.workingSet()
	evidence := fmt.Sprintf("templates declare %s", humanize.Bytes(bytes))
	if !whole {
		evidence = fmt.Sprintf("templates declare %s, and not all say how much", humanize.Bytes(bytes))
	}
	if seen, ok := f.metric("totals", "bytes"); ok && seen > bytes {
		bytes, whole, evidence = seen, true, fmt.Sprintf("the report has %s of keys", humanize.Bytes(seen))
	}
	limit := float64(f.schema.Store.MaxMemory)
	if limit > 0 {
		evidence += fmt.Sprintf(", store.maxmemory %s%s", humanize.Bytes(limit), at(f.schema.Store.Pos))
	}
	return need{"working set", evidence, func(s *store) (grade, property) {
		g := s.holds(bytes, limit, whole)
		return g, property{g, s.memoryWhy, s.memorySource}
	}}, bytes > 0
}

// headroom is the share of the memory that data may take: the rest is for buffers, copies and growth.
const headroom = 0.75

// holds grades a store by whether the keys fit. With part of them known it can only fail.
func (s *store) holds(bytes, limit float64, whole bool) grade {
	switch {
	case !s.inMemory:
		return meets
	case limit > 0 && bytes > limit:
		return failsIt
	case !whole:
		return unknown
	case limit == 0 || bytes > headroom*limit:
		return withCare
	}
	return meets
}

// value is the largest that is declared or was seen.
func value(f *facts) (need, bool) {
	most, evidence := int64(0), ""
	for i := range f.schema.Templates {
		t := &f.schema.Templates[i]
		if n := t.Value.Size.Largest(); n > most {
			most, evidence = n, fmt.Sprintf("%s: values of up to %s%s", t.Name, humanize.Bytes(float64(n)), at(t.Value.Pos))
		}
	}
	if seen, ok := f.metric("sizes", "max"); ok && int64(seen) > most {
		most, evidence = int64(seen), "the report has a key of "+humanize.Bytes(seen)
	}
	return need{"value size", evidence, func(s *store) (grade, property) {
		g := meets
		switch {
		case most > s.mostValue:
			g = failsIt
		case most > s.goodValue:
			g = withCare
		}
		return g, property{g, fmt.Sprintf("at most %s, well up to %s: %s", humanize.Bytes(float64(s.mostValue)),
			humanize.Bytes(float64(s.goodValue)), s.valueWhy), s.valueSource}
	}}, most > 0
}

// ranges are queries for a range, of keys or of what one key holds.
func ranges(f *facts) (need, bool) {
	asks := func(u use) bool { return u.Query == "range" || u.Query == "prefix_scan" }
	found := f.where(asks, func(u use) string { return u.Query })
	across := slices.ContainsFunc(f.uses, func(u use) bool { return asks(u) && overKeys(u) })
	return need{"range", join(found), func(s *store) (grade, property) {
		if across {
			return s.rangeKeys.grade, s.rangeKeys
		}
		return s.rangeWithin.grade, s.rangeWithin
	}}, found != nil
}

// together are transactions, within one partition or over several.
func together(f *facts) (need, bool) {
	asks := func(u use) bool { return u.Query == "tx" || u.Consistency == serializable }
	found := f.where(asks, func(u use) string { return "transaction" })
	spread := slices.ContainsFunc(f.uses, f.spreadTransaction)
	return need{"transaction", join(found), func(s *store) (grade, property) {
		if spread {
			return s.txAcross.grade, s.txAcross
		}
		return s.txWithin.grade, s.txWithin
	}}, found != nil
}

// A grade says how a store stands to a need.
type grade uint8

const (
	unknown grade = iota
	meets
	withCare
	failsIt
)

func (g grade) String() string { return [...]string{notEvaluated, "meets", "with care", "fails"}[g] }

// short is the grade in a narrow column.
func (g grade) short() string { return [...]string{"-", "meets", "care", "fails"}[g] }

// A property is what is known of a store in one respect.
type property struct {
	grade  grade
	why    string
	source string
}

// A store is one that kvtool supports, with its properties.
type store struct {
	name string
	kind string // of the schema; empty if keys.yaml knows no such kind

	durable, strong, serial property
	rangeKeys, rangeWithin  property
	txWithin, txAcross      property

	p99               time.Duration // order of magnitude of what it holds, in one zone, at moderate load
	p99Why, p99Source string

	inMemory                bool // all keys and values must be in memory
	memoryWhy, memorySource string

	mostValue, goodValue  int64 // bytes it takes, and that it is made for
	valueWhy, valueSource string
}
