package infer

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lines is what must be equal in equal results.
func lines(r Result[*count]) []string {
	var out []string
	for _, t := range r.Templates {
		out = append(out, fmt.Sprintf("%s %d %d %s %+v", t.Text, t.Keys, t.Stats.keys, t.Confidence, t.Segments))
	}
	return out
}

func shuffled(keys []string, seed uint64) []string {
	keys = slices.Clone(keys)
	rand.New(rand.NewPCG(seed, 1)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys
}

func sharded(keys []string, shards int, o Options) *Tree[*count] {
	trees := make([]*Tree[*count], shards)
	for i := range trees {
		trees[i] = New(newCount, o)
	}
	for i, k := range keys {
		trees[i%shards].Add(k).keys++
	}
	for _, o := range trees[1:] {
		trees[0].Merge(o)
	}
	return trees[0]
}

func TestOrderAndShards(t *testing.T) {
	n := 20_000
	if os.Getenv("KVTOOL_SOAK") != "" {
		n = 100_000
	}
	for _, set := range []keySet{saasSet(n), frameworkSet(n)} {
		want := lines(treeOf(set.keys).Templates())
		for seed := range uint64(4) {
			if d := cmp.Diff(want, lines(treeOf(shuffled(set.keys, seed)).Templates())); d != "" {
				t.Errorf("%s, shuffle %d: %s", set.name, seed, d)
			}
		}
		sorted := slices.Sorted(slices.Values(set.keys))
		if d := cmp.Diff(want, lines(treeOf(sorted).Templates())); d != "" {
			t.Errorf("%s, sorted: %s", set.name, d)
		}
		if d := cmp.Diff(want, lines(sharded(set.keys, 8, Options{}).Templates())); d != "" {
			t.Errorf("%s, 8 shards: %s", set.name, d)
		}
		if d := cmp.Diff(want, lines(sharded(sorted, 3, Options{}).Templates())); d != "" {
			t.Errorf("%s, 3 shards: %s", set.name, d)
		}
	}
}

func TestMergeCommutesAndAssociates(t *testing.T) {
	set := frameworkSet(9000)
	part := func(i int) *Tree[*count] { return treeOf(set.keys[i*3000 : min((i+1)*3000, len(set.keys))]) }
	a, b, c := part(0), part(1), part(2)
	a.Merge(b)
	a.Merge(c)
	d, e, f := part(0), part(1), part(2)
	f.Merge(e)
	f.Merge(d)
	if d := cmp.Diff(lines(a.Templates()), lines(f.Templates())); d != "" {
		t.Error(d)
	}
	if a.Keys() != f.Keys() {
		t.Errorf("keys: %d, %d", a.Keys(), f.Keys())
	}
}

func TestTemplatesChangesNothing(t *testing.T) {
	set := saasSet(20_000)
	tree := New(newCount, Options{})
	half := len(set.keys) / 2
	for _, k := range set.keys[:half] {
		tree.Add(k).keys++
	}
	first := lines(tree.Templates())
	if d := cmp.Diff(first, lines(tree.Templates())); d != "" {
		t.Errorf("second call: %s", d)
	}
	for _, k := range set.keys[half:] {
		tree.Add(k).keys++
	}
	if d := cmp.Diff(lines(treeOf(set.keys).Templates()), lines(tree.Templates())); d != "" {
		t.Errorf("after more keys: %s", d)
	}
}

func TestResultInvariants(t *testing.T) {
	for _, set := range []keySet{saasSet(20_000), frameworkSet(20_000), hostileSet(20_000)} {
		tree := treeOf(set.keys)
		r := tree.Templates()
		got := make([]int64, len(r.Templates))
		for _, k := range set.keys {
			i, ok := r.Match(k)
			if !ok {
				t.Fatalf("%s: %q was added and does not match", set.name, k)
			}
			got[i]++
		}
		var sum int64
		for i, x := range r.Templates {
			sum += x.Keys
			if x.Keys != x.Stats.keys || x.Keys != got[i] {
				t.Errorf("%s: %s has %d keys, %d in its statistics, %d matched", set.name, x.Text, x.Keys, x.Stats.keys, got[i])
			}
			if i > 0 && (x.Keys > r.Templates[i-1].Keys || x.Text == r.Templates[i-1].Text) {
				t.Errorf("%s: %s out of order", set.name, x.Text)
			}
		}
		if sum != tree.Keys() {
			t.Errorf("%s: %d keys in templates, %d added", set.name, sum, tree.Keys())
		}
	}
}

// hostileSet is random text that no recogniser knows, in wide and deep places,
// among a few ordinary keys.
func hostileSet(n int) keySet {
	return makeSet("hostile", 99, n, `
20 n:<name>-<slug>
15 s:<slug>:<slug>:<name>
15 doc:<slug>
10 x:<b9>:x:<b9>
10 p:<path>/<slug>/<path>
10 a:<str7>:b:<str7>:c:<str7>
8 u:<UP9>_<UP9>
8 <slug>
5 user:<int>:profile
5 session:<hex32>
2 order:<uuid>
`)
}

// Random text that spends the budget of a small tree, as a million keys do that of the default one.
var (
	hostileOptions = Options{MaxNodes: 50_000}
	hostileKeys    = sync.OnceValue(func() keySet { return hostileSet(110_000) })
)

// TestHostileMemory holds much random text within the bound.
func TestHostileMemory(t *testing.T) {
	set := hostileKeys()
	before := heap()
	start := time.Now()
	tree := sharded(set.keys, 1, hostileOptions)
	took := time.Since(start)
	held := heap() - before
	t.Logf("%d keys, %d leaves, %.1f MiB held, %.2f M keys/s, pruned %v, full %v", len(set.keys), len(tree.table.leaves),
		float64(held)/(1<<20), float64(len(set.keys))/took.Seconds()/1e6, tree.pruned, tree.full)
	if bound := hostileOptions.bound(); held > bound {
		t.Errorf("holds %d bytes, want at most %d", held, bound)
	}
	r := tree.Templates()
	s := evaluate(set.truth, groupsBy(set.keys, r))
	t.Logf("%v", s)
	if !r.Pruned || r.Degraded || s.purity < .99 || s.cover > 1.2 {
		t.Errorf("pruned %v, degraded %v, %v", r.Pruned, r.Degraded, s)
	}
	runtime.KeepAlive(set)
}

// TestPrunedAgreement compares orders and shards when the budget was spent.
func TestPrunedAgreement(t *testing.T) {
	o, set := hostileOptions, hostileKeys()
	grow := func(keys []string) *Tree[*count] { return sharded(keys, 1, o) }
	base := grow(set.keys)
	want := groupsBy(set.keys, base.Templates())
	if !base.pruned {
		t.Fatal("nothing was pruned")
	}
	others := map[string]*Tree[*count]{
		"sorted":   grow(slices.Sorted(slices.Values(set.keys))),
		"8 shards": sharded(set.keys, 8, o),
	}
	for seed := range uint64(2) {
		others[fmt.Sprint("shuffle ", seed)] = grow(shuffled(set.keys, seed))
	}
	for _, name := range slices.Sorted(maps.Keys(others)) {
		got := evaluate(want, groupsBy(set.keys, others[name].Templates())).pairF1
		t.Logf("%s: agreement %.5f", name, got)
		if got < .999 {
			t.Errorf("%s: agreement %.5f, want .999", name, got)
		}
	}
}
