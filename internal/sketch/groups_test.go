package sketch

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// However values are split and ordered, the groups are those of a map that throws nothing out, cut to the smallest hashes.
func TestGroupsAreThoseOfAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(2, 12).Draw(t, "limit")
		names := rapid.SliceOf(rapid.IntRange(0, 40)).Draw(t, "names")
		model := map[string]*Group{}
		parts := make([]*Groups, rapid.IntRange(1, 4).Draw(t, "parts"))
		for i := range parts {
			parts[i] = NewGroups(limit)
		}
		for i, n := range rapid.Permutation(names).Draw(t, "order") {
			name := fmt.Sprint("n", n)
			if model[name] == nil {
				model[name] = &Group{Name: name, hash: Hash(name)}
			}
			model[name].N++
			model[name].Sum += int64(n)
			parts[i%len(parts)].Add(Hash(name), name, 1, int64(n))
		}
		for _, p := range parts[1:] {
			parts[0].Merge(p)
		}
		want := slices.SortedFunc(maps.Values(model), func(a, b *Group) int { return cmp.Compare(a.hash, b.hash) })
		got, all := parts[0].All()
		if all != (len(want) <= limit) || len(got) != min(limit, len(want)) {
			t.Fatalf("%d groups of %d, limit %d, all %v", len(got), len(want), limit, all)
		}
		for i := range got {
			if got[i] != *want[i] {
				t.Fatalf("%+v, want %+v", got[i], *want[i])
			}
		}
	})
}

func TestGroupsEstimateNames(t *testing.T) {
	g := NewGroups(1024)
	for i := range 300_000 {
		name := fmt.Sprint("tag", i%100_000)
		g.Add(Hash(name), name, 1, 1)
	}
	n, exact := g.Names()
	if exact || math.Abs(n-100_000)/100_000 > 4/math.Sqrt(1022) {
		t.Errorf("%.0f names, exact %v", n, exact)
	}
	groups, _ := g.All()
	for _, x := range groups {
		if x.N != 3 {
			t.Fatalf("%+v is short", x)
		}
	}
}

func BenchmarkGroupsAdd(b *testing.B) {
	g := NewGroups(4096)
	names := make([]string, 1<<16)
	for i := range names {
		names[i] = fmt.Sprint("tag", i)
	}
	for i := 0; b.Loop(); i++ {
		name := names[i&(1<<16-1)]
		g.Add(Hash(name), name, 1, 100)
	}
}
