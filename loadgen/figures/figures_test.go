package figures_test

import (
	"context"
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
	for name, want := range map[string]float64{"used_memory": 200, "evicted": 3, "expired": 0, "hit_rate": 0.75, "ops": 13} {
		if got[name] != want {
			t.Errorf("%s is %g, want %g", name, got[name], want)
		}
	}
	if got, err = r.Read(); err != nil || got["ops"] != 0 || got["evicted"] != 0 {
		t.Errorf("after a restart: %v, %v", got, err)
	}
	if _, ok := got["hit_rate"]; ok {
		t.Error("a hit rate of nothing that was read")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("used_memory:100\r\nrole:master\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if n := len(figures.Parse(text)); n > len(text) {
			t.Errorf("%d numbers in %d bytes", n, len(text))
		}
	})
}
