package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A paged store has shards of pages of keys. Its scans mark the end of a page, can begin at a mark, and break off where they
// are told to. Like a table that is rehashed it may yield the keys of a page in another order each time.
type paged struct {
	shards []string
	pages  int
	keys   int                  // of a page
	breaks map[string]chan stop // by shard; one for each scan that is to break off
	marks  bool
}

// A stop is where a scan breaks off, and how.
type stop struct {
	after int
	err   error
}

var errReset = errors.New("connection reset")

func (s *paged) Info(context.Context) (*kv.Info, error) {
	return &kv.Info{
		Adapter: "paged", Target: "paged:", Keys: int64(len(s.shards) * s.pages * s.keys), KeysKnown: true,
		Facts: []kv.Fact{
			{Name: "names", Field: kv.FieldName, How: kv.Measured},
			{Name: "types", Field: kv.FieldType, How: kv.Measured},
			{Name: "sizes", Field: kv.FieldSize, How: kv.Measured},
			{Name: "lengths", Field: kv.FieldLen, How: kv.Measured},
			{Name: "ttl", Field: kv.FieldTTL, How: kv.Measured},
		},
	}, nil
}

func (s *paged) Close() error { return nil }

func (s *paged) Shards(context.Context, int) (out []kv.Shard, _ error) {
	for _, name := range s.shards {
		out = append(out, kv.Shard{Name: name})
	}
	return out, nil
}

func (s *paged) Scan(_ context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		page, _ := strconv.Atoi(string(opt.Shard.From))
		end := stop{after: -1}
		select {
		case end = <-s.breaks[opt.Shard.Name]:
		default:
		}
		for n := 0; page < s.pages; page++ {
			for _, i := range rand.Perm(s.keys) {
				if n == end.after {
					yield(nil, end.err)
					return
				}
				n++
				id := int64(page*s.keys + i)
				r := kv.Record{
					Key: fmt.Sprintf("%s:%d", opt.Shard.Name, id), Type: kv.TypeHash, Size: 50 + id*id%977, Len: id % 7, TTL: kv.TTLNone,
					Known: kv.FieldName | kv.FieldType | kv.FieldSize | kv.FieldLen | kv.FieldTTL,
				}
				if !yield(&r, nil) {
					return
				}
			}
			if opt.Mark != nil && s.marks {
				opt.Mark(kv.Shard{Name: opt.Shard.Name, From: []byte(strconv.Itoa(page + 1))})
			}
		}
	}
}

func newPaged(shards ...string) *paged {
	s := &paged{shards: shards, pages: 20, keys: 50, marks: true, breaks: map[string]chan stop{}}
	for _, name := range shards {
		s.breaks[name] = make(chan stop, 10)
	}
	return s
}

var frozen = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func saving(resume *report.Report) Options {
	return Options{Parallel: 2, Save: true, Resume: resume, Now: func() time.Time { return frozen }}
}

// text is the whole of a report, and its parts.
func text(t *testing.T, r *report.Report) string {
	t.Helper()
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	all.Write(b)
	for _, p := range r.Parts {
		fmt.Fprintf(&all, "\n%s %d %d %x", p.Analyzer, p.Version, p.Config, p.Data)
	}
	return all.String()
}

// However often a scan breaks off, between two pages or within one, gone on with it says what one scan says.
func TestResumedRunEqualsTheWhole(t *testing.T) {
	as := Analyzers(Config{Top: 9})
	whole, err := Run(t.Context(), newPaged("a", "b", "c"), as, saving(nil))
	if err != nil || whole.Resume != nil {
		t.Fatalf("%v, %+v", err, whole.Resume)
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 3))
		s := newPaged("a", "b", "c")
		for _, name := range s.shards {
			for range rng.IntN(4) {
				s.breaks[name] <- stop{rng.IntN(500), errReset}
			}
		}
		var r *report.Report
		for tries := 0; ; tries++ {
			next, err := Run(t.Context(), s, as, saving(r))
			if next == nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if err != nil && next.Coverage.Complete || err != nil && !errors.Is(err, errReset) || tries > 10 {
				t.Fatalf("seed %d: %v, %+v", seed, err, next.Coverage)
			}
			if next.Resume != nil {
				checkParts(t, as, next)
			}
			if err == nil {
				r = next
				break
			}
			if next.Resume != nil {
				r = next
			}
		}
		if got, want := text(t, r), text(t, whole); got != want {
			t.Fatalf("seed %d: resumed it says\n%s\nand whole\n%s", seed, got[:2000], want[:2000])
		}
	}
}

// checkParts holds that the parts of an interrupted run say what its report says.
func checkParts(t *testing.T, as []*Analyzer, r *report.Report) {
	t.Helper()
	var keys int64
	for _, m := range r.Resume.Marks {
		keys += m.Keys
	}
	if keys != r.Coverage.Keys {
		t.Fatalf("marks of %d keys, a report of %d", keys, r.Coverage.Keys)
	}
	merged, err := Merge(as, Saved{Name: "a", Report: r})
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(r.Sections)
	b, _ := json.Marshal(merged.Sections)
	if !bytes.Equal(a, b) {
		t.Fatalf("the report says\n%s\nits parts\n%s", a, b)
	}
}

// A shard that must begin anew after it was gone on with counts nothing twice.
func TestResumedShardBeginsAnew(t *testing.T) {
	s := newPaged("a", "b")
	s.breaks["a"] <- stop{730, errReset}
	s.breaks["a"] <- stop{120, kv.ErrRestart}
	as := []*Analyzer{counting(0, 0)}
	first, err := Run(t.Context(), s, as, saving(nil))
	if !errors.Is(err, errReset) || first.Resume == nil || first.Coverage.Keys != 1730 {
		t.Fatalf("%v, %+v", err, first)
	}
	second, err := Run(t.Context(), s, as, saving(first))
	if err != nil || second.Coverage.Keys != 2000 || keysCounted(second) != 2000 || second.Resume != nil {
		t.Errorf("%v, %d keys, %+v", err, keysCounted(second), second.Coverage)
	}
}

// Where nothing can be gone on with, the file says so and is of use all the same.
func TestRunWithoutMarks(t *testing.T) {
	as := []*Analyzer{counting(0, 0)}
	s := newPaged("a", "b")
	s.marks = false
	s.breaks["a"] <- stop{730, errReset}
	s.breaks["b"] <- stop{10, errReset}
	r, err := Run(t.Context(), s, as, saving(nil))
	if !errors.Is(err, errReset) || r.Resume == nil {
		t.Fatalf("%v, %+v: what came before the first mark is remembered", err, r.Resume)
	}
	s.keys = maxSince
	s.breaks["a"] <- stop{maxSince + 10, errReset}
	s.breaks["b"] <- stop{maxSince + 10, errReset}
	r, err = Run(t.Context(), s, as, saving(nil))
	if !errors.Is(err, errReset) || r.Resume != nil || len(r.Parts) == 0 || keysCounted(r) != 2*(maxSince+10) {
		t.Fatalf("%v, %+v", err, r.Coverage)
	}
	if _, err := Run(t.Context(), s, as, saving(r)); !errors.Is(err, kv.ErrUsage) {
		t.Errorf("%v", err)
	}
}

func TestRunRefusesToGoOn(t *testing.T) {
	as := Analyzers(Config{})
	interrupted := func() *report.Report {
		s := newPaged("a", "b")
		s.breaks["a"] <- stop{730, errReset}
		r, _ := Run(t.Context(), s, as, saving(nil))
		return r
	}
	complete, err := Run(t.Context(), newPaged("a", "b"), as, saving(nil))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := interrupted()
	elsewhere.Target.URL = "paged:other"
	less := interrupted()
	less.Parts = less.Parts[1:]
	newer := interrupted()
	newer.Parts[0].Version = 9
	deeper := interrupted()
	deeper.Resume.Depth = "adaptive"
	damaged := interrupted()
	damaged.Parts[0].Data = damaged.Parts[0].Data[:1]
	match := saving(interrupted())
	match.Match = "u*"
	for want, c := range map[string]struct {
		store *paged
		as    []*Analyzer
		opt   Options
	}{
		"complete":                      {newPaged("a", "b"), as, saving(complete)},
		"of paged:other, not of paged:": {newPaged("a", "b"), as, saving(elsewhere)},
		"has 3 now":                     {newPaged("a", "b", "c"), as, saving(interrupted())},
		`was "b" and is "z"`:            {newPaged("a", "z"), as, saving(interrupted())},
		"did not run count":             {newPaged("a", "b"), append([]*Analyzer{counting(0, 0)}, as...), saving(interrupted())},
		"ran totals, and this one":      {newPaged("a", "b"), as[1:], saving(interrupted())},
		"biggest was configured":        {newPaged("a", "b"), Analyzers(Config{Top: 3}), saving(interrupted())},
		"no part totals of shard":       {newPaged("a", "b"), as, saving(less)},
		"another version of kvtool":     {newPaged("a", "b"), as, saving(newer)},
		"of depth adaptive, not full":   {newPaged("a", "b"), as, saving(deeper)},
		`keys that match "", not "u*"`:  {newPaged("a", "b"), as, match},
		"reading the part totals: ends": {newPaged("a", "b"), as, saving(damaged)},
	} {
		r, err := Run(t.Context(), c.store, c.as, c.opt)
		kind := kv.ErrUsage
		if strings.Contains(want, "reading") {
			kind = kv.ErrCorrupt
		}
		if r != nil || !errors.Is(err, kind) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if kind == kv.ErrUsage && kv.Hint(err) == "" && !strings.Contains(want, "no part") {
			t.Errorf("%v: no hint", err)
		}
	}
}

// A run that asks some keys only is read anew, shard by shard: one key stands for many.
func TestAdaptiveRunGoesOnWithWholeShards(t *testing.T) {
	s := newPaged("a", "b")
	s.breaks["a"] <- stop{730, errReset}
	opt := saving(nil)
	opt.Depth = DepthAdaptive
	r, err := Run(t.Context(), s, []*Analyzer{counting(0, 0)}, opt)
	if !errors.Is(err, errReset) || r.Resume == nil {
		t.Fatalf("%v, %+v", err, r.Resume)
	}
	if a, b := r.Resume.Marks[0].State, r.Resume.Marks[1].State; a != report.MarkAnew || b != report.MarkDone {
		t.Errorf("states %d and %d", a, b)
	}
	opt.Resume = r
	r, err = Run(t.Context(), s, []*Analyzer{counting(0, 0)}, opt)
	if err != nil || keysCounted(r) != 2000 {
		t.Errorf("%v, %d keys", err, keysCounted(r))
	}
}
