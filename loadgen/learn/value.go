package learn

import (
	"sort"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// An audit knows what keys take in memory; a load needs to know what to write. The way back is the model of package memory, read from
// right to left: of the values that take as much, the one in the middle. The classes of an allocator lie 12 to 25 % apart, so that it is
// off by half of that at most; and what is learnt takes what it was learnt from, so that it is learnt again.

// value learns how large the values of a template are.
func (l *learner) value(t *schema.Template, f *keydesign.TemplateFacts, learnt *scenario.Learnt) {
	t.Value.Size, t.Value.Elements, t.Value.ElementSize = schema.Dim{}, schema.Dim{}, 0
	if !f.Size.Known {
		learnt.Say("size", "assumed")
		return
	}
	learnt.Add("sizes", float64(f.Sized))
	m := model{memory.New(memory.Profile{Allocator: memory.Jemalloc16, State: memory.Live}), keyLength(f.Samples)}
	switch t.Type {
	case "", "string", "json":
		learnt.Say("size", "from memory")
		t.Value.Size = ordered(m.text(f.Size.P50), m.text(f.Size.P99), m.text(f.Size.Max))
		return
	}
	if f.Longest > 0 && f.Size.Max > 0 {
		learnt.Add("longest", float64(f.Longest))
		t.Value.ElementSize = m.element(t.Type, f.Size.Max, f.Longest)
	} else {
		learnt.Say("element_size", "assumed")
		t.Value.ElementSize = usualElement
	}
	learnt.Say("elements", "from memory")
	n := func(size int64) int64 { return m.elements(t.Type, size, t.Value.ElementSize) }
	t.Value.Elements = ordered(n(f.Size.P50), n(f.Size.P99), max(n(f.Size.Max), f.Longest))
}

// usualElement is how long an element is of which nobody knows it, in bytes.
const usualElement = 16

func ordered(p50, p99, most int64) schema.Dim {
	p99 = max(p50, p99)
	return schema.Dim{P50: p50, P99: p99, Max: max(p99, most)}
}

// keyLength is about how long keys are.
func keyLength(samples []string) int64 {
	if len(samples) == 0 {
		return 0
	}
	sum := 0
	for _, k := range samples {
		sum += len(k)
	}
	return int64(sum / len(samples))
}

// A model reads the model of memory backwards, for keys of one length.
type model struct {
	*memory.Model
	key int64
}

// most returns the greatest n up to limit for which cost is at most size; at least 1. The cost must not fall as n grows.
func most(limit int64, size int64, cost func(n int64) int64) int64 {
	n := sort.Search(int(limit), func(i int) bool { return cost(int64(i)+1) > size })
	return max(1, int64(n))
}

// text returns the length of a string whose key takes size bytes: the middle of those that it may have.
func (m model) text(size int64) int64 {
	cost := func(n int64) int64 { return m.Key(m.key) + m.String(n, false) }
	longest := most(max(size, 1), size, cost)
	if cost(1) >= cost(longest) {
		return max(1, (1+longest)/2)
	}
	return (most(longest, cost(longest)-1, cost) + 1 + longest) / 2
}

// collection returns what a collection of n elements of so many bytes takes.
func (m model) collection(kind string, n, each int64) int64 {
	// listpack: a byte or two before each entry, one behind it, and the entry of a score or a value beside that of the name
	packed := 7 + n*(each+2)
	switch kind {
	case "hash":
		packed += n * 4
		if n > 128 || each > 64 {
			return m.Key(m.key) + m.Hash(n, n*(m.SDS(4)+m.SDS(each)))
		}
	case "zset":
		packed += n * 3
		if n > 128 || each > 64 {
			return m.Key(m.key) + m.ZSet(n, n*m.SDS(each))
		}
	case "set":
		if n > 128 || each > 64 {
			return m.Key(m.key) + m.Set(n, n*m.SDS(each))
		}
	case "list":
		return m.Key(m.key) + m.List(0) + packed + (packed/8192+1)*32
	}
	return m.Key(m.key) + m.Blob(packed)
}

// element returns how long each of n elements is if all take size bytes.
func (m model) element(kind string, size, n int64) int64 {
	return most(1<<16, size, func(each int64) int64 { return m.collection(kind, n, each) })
}

// elements returns how many elements of so many bytes take size bytes.
func (m model) elements(kind string, size, each int64) int64 {
	limit := size/max(each, 1) + 1
	// a table of hashes costs more than a block at once: the search wants what does not fall
	return most(limit, size, func(n int64) int64 { return m.collection(kind, n, each) })
}
