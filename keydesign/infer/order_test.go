package infer

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
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
	n := 100_000
	if testing.Short() {
		n = 20_000
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

func TestHostileMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	const bound = 64 << 20
	set := hostileSet(1_100_000)
	before := heap()
	start := time.Now()
	tree := treeOf(set.keys)
	took := time.Since(start)
	held := heap() - before
	t.Logf("%d keys, %d leaves, %.1f MiB held, %.2f M keys/s, pruned %v, degraded %v", len(set.keys), len(tree.table.leaves), float64(held)/(1<<20),
		float64(len(set.keys))/took.Seconds()/1e6, tree.pruned, tree.full)
	if held > bound {
		t.Errorf("holds %d bytes", held)
	}
	start = time.Now()
	r := tree.Templates()
	t.Logf("%d templates in %v, with them %.1f MiB held", len(r.Templates), time.Since(start), float64(heap()-before)/(1<<20))
	for _, x := range r.Templates[:min(25, len(r.Templates))] {
		t.Logf("%8d %s", x.Keys, x.Text)
	}
	got := groupsBy(set.keys, r)
	t.Logf("%v", evaluate(set.truth, got))
	for i, other := range []*Tree[*count]{treeOf(shuffled(set.keys, 5)), treeOf(slices.Sorted(slices.Values(set.keys))), sharded(set.keys, 8, Options{})} {
		s := other.Templates()
		t.Logf("agreement %d: %.5f (%d templates)", i, evaluate(got, groupsBy(set.keys, s)).pairF1, len(s.Templates))
		for _, x := range s.Templates[:min(12, len(s.Templates))] {
			t.Logf("    %8d %s", x.Keys, x.Text)
		}
	}
	runtime.KeepAlive(tree)
}
