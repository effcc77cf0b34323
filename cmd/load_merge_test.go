package cmd

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/kvr"
)

// A savedPart is what a part of a run has left: three seconds at 400/s, of which each operation takes slower times 1 to 2 ms.
type savedPart struct {
	number, of int
	slower     float64
	limits     []string
	counts     map[string]float64
	workers    int
	verdict    recording.Verdict
	late       uint64 // of its 1,200 operations, those that were due before it was there
}

func (p savedPart) write(t *testing.T, path string) string {
	t.Helper()
	b := recording.NewBuilder(recording.Meta{
		Scenario: "s", Hash: "h", Seed: 1, Version: "v", Parts: p.of, Classes: []string{"get"}, CPU: "c", Server: "redis 7.0.15", Target: "redis://x",
	}, time.Unix(1_700_000_000, 0))
	r, rng := b.Recorder(), rand.New(rand.NewPCG(uint64(p.number), 9))
	for i := range 1200 {
		due := time.Duration(i) * 2500 * time.Microsecond
		r.Due(due)
		if uint64(i) < p.late {
			r.Unsent(3*time.Second, 0, 3*time.Second-due)
			continue
		}
		took := time.Duration(p.slower * float64(time.Millisecond+time.Duration(rng.Int64N(int64(time.Millisecond)))))
		r.Done(due+took, 0, took, took, 0)
	}
	r.Flush()
	rec, err := b.Finish(recording.Part{Number: p.number, Workers: max(p.workers, 1), Verdict: p.verdict, Took: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	doc, err := loadReport(rec)
	if err != nil {
		t.Fatal(err)
	}
	thresholds, err := thresholdsOf(p.limits, true)
	if err != nil {
		t.Fatal(err)
	}
	doc.Sections = append(doc.Sections, checksSection(map[string]float64{"violations": p.counts["violations"]}, nil))
	if err := judgeRun(doc, rec, thresholds, p.counts); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write := func() error { return kvr.Write(f, doc) }
	if strings.HasSuffix(path, ".log") {
		if _, err := f.WriteString("what else is in a log\n"); err != nil {
			t.Fatal(err)
		}
		write = func() error { return writeArmoured(f, doc) }
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	return path
}

// The limits of the parts are judged on the whole, which may break one that each part alone has kept, or keep one that a part has
// broken; what the store says of itself counts as the worst of what it has said.
func TestMergeJudgesTheWhole(t *testing.T) {
	for name, c := range map[string]struct {
		parts []savedPart
		args  []string
		want  []string
		code  int
	}{
		"kept by all": {
			[]savedPart{{slower: 1, limits: []string{"p50 < 3ms"}}, {slower: 1, limits: []string{"p50 < 3ms"}}}, nil, []string{"2.40k", "p50 < 3ms"}, exitOK,
		},
		"broken by one part, kept by the whole": {
			[]savedPart{{slower: 1, limits: []string{"p90 < 2ms"}}, {slower: 1, limits: []string{"p90 < 2ms"}}, {slower: 1.1, limits: []string{"p90 < 2ms"}}},
			nil,
			[]string{"p90 < 2ms"},
			exitOK,
		},
		"broken by the whole": {
			[]savedPart{{slower: 1, limits: []string{"p90 < 4ms"}}, {slower: 3, limits: []string{"p90 < 4ms"}}}, nil, []string{"FAIL", "p90 < 4ms"}, exitGate,
		},
		"decided by all together": { // each has 12 samples beyond it, which decide nothing; the ten have 120
			repeated(10, savedPart{slower: 1, limits: []string{"p99 < 3ms"}}), nil, []string{"p99 < 3ms"}, exitOK,
		},
		"a limit of the whole": {
			[]savedPart{{slower: 1}, {slower: 1}}, []string{"--threshold", "p50 < 1ms"}, []string{"FAIL", "p50 < 1ms"}, exitGate,
		},
		"what the store has said to one": {
			[]savedPart{
				{slower: 1, limits: []string{"hit_rate >= 95%"}, counts: map[string]float64{"hit_rate": 0.97}},
				{slower: 1, limits: []string{"hit_rate >= 95%"}, counts: map[string]float64{"hit_rate": 0.90}},
			}, nil, []string{"FAIL", "hit_rate >= 95%"}, exitGate,
		},
		"violations of one": {
			[]savedPart{{slower: 1, limits: []string{"violations == 0"}}, {slower: 1, limits: []string{"violations == 0"}, counts: map[string]float64{"violations": 2}}},
			nil,
			[]string{"FAIL", "violations == 0"},
			exitGate,
		},
		"one that came late": {
			[]savedPart{{slower: 1}, {slower: 1, late: 120, verdict: recording.RateMissed}},
			nil,
			[]string{"rate-missed", "part 1/2: rate-missed", "0/2", "1/2"},
			exitGate,
		},
		"one that was the limit": {
			[]savedPart{{slower: 1, limits: []string{"p50 < 3ms"}}, {slower: 1, limits: []string{"p50 < 3ms"}, verdict: recording.GeneratorBound}},
			nil,
			[]string{"generator-bound", "part 1/2"},
			exitIncomplete,
		},
		"of other workers": {
			[]savedPart{{slower: 1, workers: 2}, {slower: 1, workers: 4}}, nil, []string{"part 1/2 has 4 workers, part 0/2 has 2"}, exitOK,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			args := append([]string{"load", "merge", "--width", "140"}, c.args...)
			for i, p := range c.parts {
				p.number, p.of = i, len(c.parts)
				args = append(args, p.write(t, filepath.Join(dir, string(rune('a'+i))+".kvr")))
			}
			stdout, stderr, code := in(t, args...)
			for _, want := range c.want {
				if !strings.Contains(stdout+stderr, want) {
					t.Errorf("no %q", want)
				}
			}
			if code != c.code || t.Failed() {
				t.Errorf("exit %d, want %d\n%s%s", code, c.code, stdout, stderr)
			}
		})
	}
}

func repeated(n int, p savedPart) []savedPart {
	var all []savedPart
	for range n {
		all = append(all, p)
	}
	return all
}

// Without a part nothing is said of latencies, what has gone wrong stays wrong; and the file that is saved says that it is not whole.
func TestMergeWithoutAPart(t *testing.T) {
	dir := t.TempDir()
	part := func(n int, name string, p savedPart) string {
		p.number, p.of = n, 3
		return p.write(t, filepath.Join(dir, name))
	}
	slow := savedPart{slower: 9, limits: []string{"p50 < 3ms", "violations == 0"}}
	bad := slow
	bad.counts = map[string]float64{"violations": 1}
	a, b, c, wrong := part(0, "a.kvr", slow), part(1, "b.log", slow), part(2, "c.log", slow), part(1, "wrong.kvr", bad)
	out := filepath.Join(dir, "sum.kvr")
	for _, x := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{a, b}, "1 of 3 parts are missing: 2/3", exitUsage},
		{[]string{a, b, "--allow-missing", "--out", out}, "missing: part 2/3", exitIncomplete},
		{[]string{a, "--allow-missing"}, "missing: part 1/3, 2/3", exitIncomplete},
		{[]string{a, wrong, "--allow-missing"}, "violations == 0", exitGate},
		{[]string{a, b, c}, "FAIL", exitGate},
	} {
		stdout, stderr, code := in(t, append([]string{"load", "merge", "--width", "140"}, x.args...)...)
		if code != x.code || !strings.Contains(stdout+stderr, x.want) {
			t.Errorf("%v: exit %d, want %d and %q\n%s%s", x.args, code, x.code, x.want, stdout, stderr)
		}
	}
	r, err := OS().readReport(t.Context(), out)
	if err != nil || r.Coverage.Complete || r.Gate.Verdict != report.Inconclusive {
		t.Errorf("%v: %+v %+v", err, r.Coverage, r.Gate)
	}

	// A log that was cut off.
	log, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	both := filepath.Join(dir, "both.log")
	whole, err := os.ReadFile(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(both, append(log[:len(log)/2], whole...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := in(t, "load", "merge", a, both); code != exitIncomplete || !strings.Contains(stderr, "1 runs in it are cut off") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if stdout, stderr, code := in(t, "load", "merge", a, both, "--allow-missing"); code != exitIncomplete || !strings.Contains(stdout+stderr, "missing: part 1/3") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}
