package figures_test

import (
	"context"
	"math"
	"testing"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/figures"
)

// A fake answers INFO with the texts it is given, in turn.
type fake struct{ texts []string }

func (f *fake) Session(context.Context, kv.SessionOptions) (kv.Session, error) { return f, nil }
func (f *fake) Close() error                                                   { return nil }

func (f *fake) Do(_ []kv.Op, out []kv.Result) error {
	out[0] = kv.Result{Values: [][]byte{[]byte(f.texts[0])}}
	f.texts = f.texts[1:]
	return nil
}

func TestRead(t *testing.T) {
	const first = "# Stats\r\nused_memory:100\r\nevicted_keys:5\r\nkeyspace_hits:10\r\nkeyspace_misses:0\r\ntotal_commands_processed:7\r\n"
	const second = "used_memory:200\r\nevicted_keys:8\r\nkeyspace_hits:13\r\nkeyspace_misses:1\r\ntotal_commands_processed:20\r\n"
	const restarted = "used_memory:50\r\nevicted_keys:0\r\nkeyspace_hits:0\r\nkeyspace_misses:0\r\ntotal_commands_processed:1\r\n"
	r, err := figures.New(t.Context(), &fake{texts: []string{first, second, restarted}}, kv.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Read()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"used_memory": 200, "evicted": 3, "hit_rate": 0.75, "ops": 13} {
		if got[name] != want {
			t.Errorf("%s is %g, want %g", name, got[name], want)
		}
	}
	if _, ok := got["expired"]; ok {
		t.Error("keys that expired, of a server that does not tell them")
	}
	if got, err = r.Read(); err != nil || got["ops"] != 0 || got["evicted"] != 0 {
		t.Errorf("after a restart: %v, %v", got, err)
	}
	if _, ok := got["hit_rate"]; ok {
		t.Error("a hit rate of nothing that was read")
	}
}

// TestHitRate: counters that began anew are less than they were, and no rate is negative for that.
func TestHitRate(t *testing.T) {
	texts := []string{"keyspace_hits:10\nkeyspace_misses:4\n", "keyspace_hits:19\nkeyspace_misses:5\n", "keyspace_hits:3\nkeyspace_misses:24\n"}
	r, err := figures.New(t.Context(), &fake{texts: texts}, kv.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []float64{0.9, 0} {
		if _, err := r.Read(); err != nil {
			t.Fatal(err)
		}
		if rate, ok := r.HitRate(); !ok || rate != want {
			t.Errorf("%g, %t, want %g", rate, ok, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("used_memory:100\r\nrole:master\r\n"))
	f.Add([]byte("used_memory:nan\nmaxmemory:-inf\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for name, x := range figures.Parse(text) {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				t.Errorf("%q is %v", name, x)
			}
		}
	})
}

// TestStable: a rate that still moves is not stable, nor one of which there are few readings; one that varies by chance alone is.
func TestStable(t *testing.T) {
	at := func(rate float64) map[string]float64 { return map[string]float64{"hit_rate": rate} }
	stable := figures.Stable(0.01)
	for i := range 30 {
		if stable(at(float64(i) / 100)) {
			t.Fatalf("stable after %d readings of a rate that climbs", i)
		}
		if stable(nil) {
			t.Fatal("stable without a reading")
		}
	}
	if stable(at(0.3)) {
		t.Error("stable as soon as a climb ends")
	}
	for i := range 9 {
		stable(at(0.3 + float64(i%2)/100))
	}
	if !stable(at(0.3)) {
		t.Error("ten readings about 30 % are not stable")
	}
}
