package learn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/adapters/reference"
	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/draw"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// factsOf audits a target of the reference engine.
func factsOf(t *testing.T, target string) *keydesign.Facts {
	t.Helper()
	u, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	s, err := reference.Adapter().Open(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	r, err := audit.Run(t.Context(), s, keydesign.Inference(), audit.Options{Save: true})
	if err != nil {
		t.Fatal(err)
	}
	f, err := keydesign.FactsOf(r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// learnt returns what is learnt from a source, as it is read back.
func learnt(t *testing.T, src *Source) *scenario.Scenario {
	t.Helper()
	d, err := From(src)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := d.Write(&b); err != nil {
		t.Fatal(err)
	}
	s, err := scenario.Parse("x.yaml", []byte(b.String()), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, b.String())
	}
	return s
}

// TestFrom: a keyspace of many templates becomes a scenario with as many keys of each, and what nobody knows is marked.
func TestFrom(t *testing.T) {
	f := factsOf(t, "ref:?preset=shop&keys=5000")
	s := learnt(t, &Source{Name: "shop", Of: "ref:", Facts: f, MinShare: 0.001})
	all := int64(0)
	for i := range s.Schema.Templates {
		all += scenario.Keys(s.Schema, i)
	}
	if apart(float64(all), float64(f.Keys), 0.1) {
		t.Errorf("%d keys, want %d", all, f.Keys)
	}
	text := string(s.Text)
	for _, want := range []string{"weight: assumed", "dist: assumed", "rate: assumed", "ttls: ", "sizes: ", "the mix is assumed"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
	if _, err := From(&Source{Facts: factsOf(t, "ref:?preset=empty")}); err == nil {
		t.Error("learnt something from nothing")
	}
}

func apart(a, b, share float64) bool { return math.Abs(a-b) > share*max(a, b) }

// TestMix: the calls of a command go to the templates of its type, as these are used where that was seen, and all of them are there.
func TestMix(t *testing.T) {
	f := factsOf(t, "ref:?preset=shop&keys=5000")
	mix := &Mix{Took: 2 * time.Second, Calls: []kv.Calls{{Command: "get", N: 6000}, {Command: "hgetall", N: 3000}, {Command: "evalsha", N: 1000}}}
	s := learnt(t, &Source{Name: "shop", Of: "ref:", Facts: f, MinShare: 0.001, Mix: mix})
	sums := map[string]float64{}
	for i := range s.Ops {
		sums[s.Ops[i].Steps[0].Cmds[0].Name()] += s.Ops[i].Weight
	}
	if apart(sums["GET"], 6000, 0.01) || apart(sums["HGETALL"], 3000, 0.01) || len(sums) != 2 {
		t.Errorf("operations %v", sums)
	}
	if rate := s.Phases[len(s.Phases)-1].Rate.Values[0]; apart(rate, 4500, 0.01) {
		t.Errorf("%g operations a second", rate)
	}
	if !strings.Contains(string(s.Text), "left out: 1000 of 10000 calls, of evalsha") || !strings.Contains(string(s.Text), "assumed by its keys") {
		t.Errorf("%s", s.Text)
	}

	uses := NewUses(f.Match)
	var busy string
	for i := range f.Templates {
		if len(f.Templates[i].Types) > 0 && f.Templates[i].Types[0].Type == kv.TypeString {
			busy = f.Templates[i].Samples[0]
			break
		}
	}
	for range 500 {
		uses.Add(&kv.Access{Key: busy, Kind: kv.OpRead})
	}
	s = learnt(t, &Source{Name: "shop", Of: "ref:", Facts: f, MinShare: 0.001, Mix: mix, Uses: uses})
	gets := 0
	for i := range s.Ops {
		if s.Ops[i].Steps[0].Cmds[0].Name() == "GET" {
			gets++
		}
	}
	if gets != 1 {
		t.Errorf("one template is read, and %d have an operation", gets)
	}
}

// TestDifference: what grew between two readings is the load, but for what administers servers; counters that began anew tell nothing.
func TestDifference(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	reading := func(place string, after time.Duration, calls ...kv.Calls) kv.Stats {
		return kv.Stats{Place: place, At: at.Add(after), Calls: calls}
	}
	m := Difference(
		[]kv.Stats{reading("a", 0, kv.Calls{Command: "get", N: 10}), reading("b", 0, kv.Calls{Command: "get", N: 1}, kv.Calls{Command: "info", N: 1})},
		[]kv.Stats{
			reading("a", 2*time.Second, kv.Calls{Command: "get", N: 15}, kv.Calls{Command: "config|get", N: 20}),
			reading("b", 4*time.Second, kv.Calls{Command: "get", N: 3}, kv.Calls{Command: "set", N: 9}, kv.Calls{Command: "info", N: 3}),
			reading("c", time.Second, kv.Calls{Command: "get", N: 99}),
		})
	if m.Took != 3*time.Second || fmt.Sprint(m.Calls) != "[{set 9} {get 7}]" {
		t.Errorf("%+v", m)
	}
	m = Difference([]kv.Stats{reading("a", 0, kv.Calls{Command: "get", N: 10})}, []kv.Stats{reading("a", 1, kv.Calls{Command: "get", N: 3})})
	if !m.Reset || m.Calls != nil {
		t.Errorf("%+v", m)
	}
	if m := Difference(nil, nil); m.total() != 0 {
		t.Errorf("%+v", m)
	}
}

// TestPopularity: the exponent by which keys are used is found, and use that is even is called that.
func TestPopularity(t *testing.T) {
	for _, want := range []float64{0.8, 1.0, 1.3} {
		u := newUse()
		src := draw.NewSource(uint64(want*100), 1)
		for range 100_000 {
			u.keys.Add(fmt.Sprint(draw.Zipf{A: want}.Rank(src, 5000)), 1, [4]int64{})
		}
		if got, distance, _, _, ok := u.zipf(); !ok || math.Abs(got-want) > 0.06 || distance > 0.05 {
			t.Errorf("%g: found %g, off by %g", want, got, distance)
		}
	}
	u := newUse()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		u.keys.Add(fmt.Sprint(rng.IntN(500)), 1, [4]int64{})
	}
	if got, _, _, _, ok := u.zipf(); !ok || got > evenExponent {
		t.Errorf("even use is found to be %g", got)
	}
}

// TestMemoryBackwards: what is learnt of a size takes that size, is near to what it was, and is learnt again.
func TestMemoryBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := model{memory.New(memory.Profile{Allocator: memory.Jemalloc16, State: memory.Live}), rapid.Int64Range(1, 100).Draw(t, "key")}
		n := rapid.Int64Range(1, 100_000).Draw(t, "bytes")
		size := m.Key(m.key) + m.String(n, false)
		got := m.text(size)
		if math.Abs(float64(got-n)) > 0.13*float64(n)+30 || m.Key(m.key)+m.String(got, false) != size || m.text(m.Key(m.key)+m.String(got, false)) != got {
			t.Fatalf("%d bytes take %d, from which %d are learnt", n, size, got)
		}
		kind := rapid.SampledFrom([]string{"hash", "set", "zset", "list"}).Draw(t, "kind")
		elements, each := rapid.Int64Range(1, 2000).Draw(t, "elements"), rapid.Int64Range(1, 200).Draw(t, "each")
		size = m.collection(kind, elements, each)
		if got := m.elements(kind, size, each); float64(got) < 0.5*float64(elements)-2 || float64(got) > 2.5*float64(elements)+10 {
			t.Fatalf("a %s of %d elements of %d bytes takes %d, from which %d are learnt", kind, elements, each, size, got)
		}
	})
}

// TestOwnRun: the prefix of a run of kvtool is none of the keys, since the scenario has one again.
func TestOwnRun(t *testing.T) {
	for key, want := range map[string]string{
		"kvtool:0a1b2c3d:session:{uid}": "session:{uid}", "kvtool:{hex(8)}:session:{uid}": "session:{uid}", "kvtool:0a1b2c3d:{uid}": "{uid}",
		"session:{uid}": "session:{uid}", "kvtool:other:{uid}": "kvtool:other:{uid}",
	} {
		s, err := scenario.Parse("x.yaml", []byte("kvscenario: 1\nfields: {uid: {type: int, cardinality: 9}}\ntemplates: {kvtool_0a1b2c3d_t: {key: '"+key+
			"'}}\nops: {kvtool_0a1b2c3d_t_get: {steps: [{cmd: [GET, '@kvtool_0a1b2c3d_t']}]}}\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		l := &learner{draft: &scenario.Draft{Schema: s.Schema, Comments: []string{"kvtool_0a1b2c3d_t: a note"}}}
		l.unprefix()
		t0 := &l.draft.Schema.Templates[0]
		if t0.Key.String() != want || want != key && (t0.Name != "t" || l.draft.Comments[0] != "t: a note") {
			t.Errorf("%s: %s, %s, %q, want %s", key, t0.Key, t0.Name, l.draft.Comments, want)
		}
	}
}
