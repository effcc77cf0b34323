package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A fakeStore has shards of generated keys; each record takes pace, and a shard may end in an error.
type fakeStore struct {
	info   kv.Info
	shards map[string]fakeShard
	pace   time.Duration
	wanted kv.Field // of the last scan
	infos  int
	moves  atomic.Int64 // how often a shard has moved so far
}

type fakeShard struct {
	keys  int
	err   error
	moves int64 // the first so many scans end in ErrRestart, behind half of the keys
	hangs time.Duration
}

func (s *fakeStore) Info(context.Context) (*kv.Info, error) {
	s.infos++
	info := s.info
	info.Notes = []string{fmt.Sprintf("asked %d times", s.infos)}
	return &info, nil
}

func (s *fakeStore) Close() error { return nil }

func (s *fakeStore) Shards(context.Context, int) ([]kv.Shard, error) {
	var out []kv.Shard
	for name := range s.shards {
		out = append(out, kv.Shard{Name: name})
	}
	return out, nil
}

func (s *fakeStore) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		shard := s.shards[opt.Shard.Name]
		if len(s.shards) == 1 {
			s.wanted = opt.Want
		}
		r := kv.Record{Known: kv.FieldName | kv.FieldType, Type: kv.TypeString}
		time.Sleep(shard.hangs)
		for i := range shard.keys {
			if ctx.Err() != nil {
				yield(nil, ctx.Err())
				return
			}
			if i == shard.keys/2 && s.moves.Load() < shard.moves {
				s.moves.Add(1)
				yield(nil, fmt.Errorf("node 7 is no primary any more: %w", kv.ErrRestart))
				return
			}
			time.Sleep(s.pace)
			r.Key = fmt.Sprintf("%s:%d", opt.Shard.Name, i)
			if !yield(&r, nil) {
				return
			}
		}
		if shard.err != nil {
			yield(nil, shard.err)
		}
	}
}

func store(shards map[string]fakeShard) *fakeStore {
	return &fakeStore{shards: shards, info: kv.Info{
		Adapter: "fake", Target: "fake:", Keys: 10, KeysKnown: true,
		Facts: []kv.Fact{
			{Name: "names", Field: kv.FieldName, How: kv.Measured},
			{Name: "types", Field: kv.FieldType, How: kv.Measured},
			{Name: "sizes", Field: kv.FieldSize, How: kv.Missing, Why: "NOPERM"},
		},
	}}
}

// counter is an analysis that counts keys and raises one finding.
type counter struct{ n int64 }

func (c *counter) Observe(*kv.Record) { c.n++ }
func (c *counter) Merge(o Collector)  { c.n += o.(*counter).n }
func (c *counter) Report(out *Output) {
	out.Metrics = []report.Metric{{Name: "keys", Value: report.Number(c.n), Unit: report.UnitCount}}
	out.Findings = []report.Finding{{Rule: "KD000", Severity: report.Info, Subject: "x"}}
}

func (c *counter) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, 1, func(f *saved.Form) { saved.Count(f, &c.n) })
}

func (c *counter) UnmarshalBinary(b []byte) error {
	return saved.Read(b, 1, func(f *saved.Form) { saved.Count(f, &c.n) })
}

func counting(needs, uses kv.Field) *Analyzer {
	return &Analyzer{
		Name: "count", Title: "COUNT", Needs: needs, Uses: uses, Version: 1,
		New: func(time.Time) Collector { return &counter{} },
	}
}

func keysCounted(r *report.Report) int64 {
	v, _ := r.Section("count").Metrics[0].Value.Number()
	return int64(v)
}

func TestRunAsksForTheUnionOfNeeds(t *testing.T) {
	s := store(map[string]fakeShard{"": {keys: 1}})
	as := []*Analyzer{counting(kv.FieldName, kv.FieldSize), counting(kv.FieldType, 0)}
	if _, err := Run(t.Context(), s, as, Options{Parallel: 2}); err != nil {
		t.Fatal(err)
	}
	if want := kv.FieldName | kv.FieldType; s.wanted != want {
		t.Errorf("asked for %s, want %s: what is used but missing is not asked for", s.wanted, want)
	}
}

func TestRunSkipsWhatTheStoreCannotTell(t *testing.T) {
	s := store(map[string]fakeShard{"": {keys: 1}})
	r, err := Run(t.Context(), s, []*Analyzer{counting(kv.FieldSize, 0)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := report.Skip{Name: "count", Why: "needs size: NOPERM"}
	if len(r.Skipped) != 1 || r.Skipped[0] != want || len(r.Sections) != 0 {
		t.Errorf("skipped %v and made sections %v", r.Skipped, r.Sections)
	}
}

func TestRunReportsWhatWasReadBeforeAnError(t *testing.T) {
	boom := errors.New("connection reset")
	s := store(map[string]fakeShard{"a": {keys: 3, err: boom}, "b": {keys: 4}})
	for _, every := range []time.Duration{0, time.Hour} {
		r, err := Run(t.Context(), s, []*Analyzer{counting(0, 0)}, Options{Parallel: 2, Every: every})
		if !errors.Is(err, boom) {
			t.Fatalf("error %v", err)
		}
		if r.Coverage.Complete || r.Coverage.Keys != 7 || keysCounted(r) != 7 {
			t.Errorf("coverage %+v: the healthy shard is read to its end", r.Coverage)
		}
		if len(r.Coverage.Why) != 1 || !strings.Contains(r.Coverage.Why[0], "connection reset") {
			t.Errorf("why %q", r.Coverage.Why)
		}
	}
}

func TestRunTakesWhatTheStoreLearned(t *testing.T) {
	s := store(map[string]fakeShard{"": {keys: 3}})
	r, err := Run(t.Context(), s, []*Analyzer{counting(0, 0)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Coverage.Complete || *r.Coverage.Of != 10 || r.Target.Notes[0] != "asked 2 times" {
		t.Errorf("coverage %+v, notes %v", r.Coverage, r.Target.Notes)
	}
}

func TestRunReportsWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(map[string]fakeShard{"a": {keys: 1000}, "b": {keys: 1000}})
		s.pace = 10 * time.Millisecond
		var seen []int64
		r, err := Run(t.Context(), s, []*Analyzer{counting(0, 0)}, Options{
			Parallel: 2, Every: time.Second,
			Update: func(r *report.Report) {
				if r.Coverage.Complete || len(r.Findings) != 1 || keysCounted(r) != r.Coverage.Keys {
					t.Errorf("partial report: %+v", r.Coverage)
				}
				seen = append(seen, r.Coverage.Keys)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if keysCounted(r) != 2000 || !r.Coverage.Complete {
			t.Errorf("coverage %+v", r.Coverage)
		}
		if len(seen) < 5 {
			t.Errorf("%d partial reports in 10 s, one a second was asked for", len(seen))
		}
		for i := 1; i < len(seen); i++ {
			if seen[i] <= seen[i-1] {
				t.Errorf("partial reports do not grow: %v", seen)
			}
		}
	})
}

func TestRunStopsWhenCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(map[string]fakeShard{"": {keys: 1 << 40}})
		s.pace = time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := Run(ctx, s, []*Analyzer{counting(0, 0)}, Options{})
		if !errors.Is(err, context.DeadlineExceeded) || r.Coverage.Complete || r.Coverage.Keys == 0 {
			t.Errorf("error %v, coverage %+v", err, r.Coverage)
		}
	})
}

func TestRunGivesLiveStoresATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(map[string]fakeShard{"": {keys: 10}})
		s.pace = time.Second
		s.info.Live = true
		r, err := Run(t.Context(), s, nil, Options{})
		if err != nil || time.Duration(r.Coverage.Elapsed) != 10*time.Second {
			t.Errorf("elapsed %v, error %v", time.Duration(r.Coverage.Elapsed), err)
		}
		s.info.Live, s.info.Clock = false, time.Unix(1e9, 0)
		r, _ = Run(t.Context(), s, nil, Options{})
		if r.Coverage.Elapsed != 0 || !r.Taken.Equal(s.info.Clock) {
			t.Errorf("a frozen store: taken %v, elapsed %v", r.Taken, time.Duration(r.Coverage.Elapsed))
		}
	})
}

// What a shard has yielded before it must begin anew is void, whether it has been handed over or not.
func TestRunBeginsAShardAnew(t *testing.T) {
	for _, every := range []time.Duration{0, time.Nanosecond} {
		s := store(map[string]fakeShard{"a": {keys: 1000, moves: 2}, "b": {keys: 500}})
		most := int64(0)
		r, err := Run(t.Context(), s, []*Analyzer{counting(0, 0)}, Options{
			Parallel: 2, Every: every, Update: func(r *report.Report) { most = max(most, r.Coverage.Keys) },
		})
		if err != nil || !r.Coverage.Complete || r.Coverage.Keys != 1500 || keysCounted(r) != 1500 || s.moves.Load() != 2 {
			t.Errorf("every %v: %d keys, coverage %+v, error %v", every, keysCounted(r), r.Coverage, err)
		}
		if most > 1500 {
			t.Errorf("%d keys on the way", most)
		}
	}
}

func TestRunGivesUpBeginningAnew(t *testing.T) {
	s := store(map[string]fakeShard{"a": {keys: 1000, moves: 100}, "b": {keys: 500}})
	r, err := Run(t.Context(), s, []*Analyzer{counting(0, 0)}, Options{Parallel: 2})
	if !errors.Is(err, kv.ErrRestart) || !strings.Contains(err.Error(), "begun anew 3 times") || kv.Hint(err) == "" {
		t.Errorf("error %v", err)
	}
	if r.Coverage.Complete || r.Coverage.Keys != 1000 || keysCounted(r) != 1000 {
		t.Errorf("coverage %+v: what the last scan has read stands", r.Coverage)
	}
}

// A shard that should begin anew when the run has been stopped was stopped, and by nothing else.
func TestRunStoppedIsNotBegunAnew(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	now := func() time.Time { cancel(); return time.Unix(0, 0) } // the run has looked at the store, and has scanned nothing
	s := stopped{store(nil)}
	r, err := Run(ctx, s, []*Analyzer{counting(0, 0)}, Options{Now: now})
	if !errors.Is(err, context.Canceled) || errors.Is(err, kv.ErrRestart) || r.Coverage.Complete {
		t.Errorf("%v, %+v", err, r.Coverage)
	}
}

// A stopped store says that its servers have changed, whatever is asked of it.
type stopped struct{ kv.Store }

func (stopped) Scan(context.Context, kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) { yield(nil, kv.ErrRestart) }
}

// Partial reports of several shards are made of copies: looking does not change what comes after.
func TestRunIsNotChangedByLooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(map[string]fakeShard{"a": {keys: 700}, "b": {keys: 300}, "c": {}})
		s.pace = time.Millisecond
		updates := 0
		r, err := Run(t.Context(), s, []*Analyzer{counting(0, 0)}, Options{
			Parallel: 3, Every: 10 * time.Millisecond, Update: func(*report.Report) { updates++ },
		})
		if err != nil || keysCounted(r) != 1000 || updates < 30 {
			t.Errorf("%d keys, %d partial reports, error %v", keysCounted(r), updates, err)
		}
	})
}

// What a look costs decides when the next one is: all of them together take a fiftieth of the run at most.
func TestRunIsLookedAtByWhatThatCosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(map[string]fakeShard{"a": {keys: 100_000}, "b": {keys: 50_000}})
		s.pace = time.Millisecond
		const cost = 100 * time.Millisecond
		looks, began := 0, time.Now()
		r, err := Run(t.Context(), s, []*Analyzer{counting(0, 0)}, Options{
			Parallel: 2, Every: time.Second, Update: func(*report.Report) { looks++; time.Sleep(cost) },
		})
		took := time.Since(began)
		if err != nil || keysCounted(r) != 150_000 {
			t.Errorf("%d keys, error %v", keysCounted(r), err)
		}
		if most := 1 + int(took/(spacing*cost)); looks < 2 || looks > most {
			t.Errorf("%d looks of %v each at a run of %v, want at most %d", looks, cost, took, most)
		}
	})
}

// A shard that is held up by its server holds up nobody's numbers.
func TestRunIsLookedAtWithoutASlowShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(map[string]fakeShard{"quick": {keys: 5000}, "slow": {keys: 1, hangs: time.Minute}})
		s.pace = time.Millisecond
		var first int64
		r, err := Run(t.Context(), s, []*Analyzer{counting(0, 0)}, Options{Parallel: 2, Every: time.Second, Update: func(r *report.Report) {
			if first == 0 {
				first = keysCounted(r)
			}
		}})
		if err != nil || keysCounted(r) != 5001 || first < 900 || first > 1500 {
			t.Errorf("%d keys after a second, %d in the end, error %v", first, keysCounted(r), err)
		}
	})
}

// A record without a fact that the store can measure was refused to this user: the report is not of all there is.
func TestRunIsIncompleteWhereKeysAreRefused(t *testing.T) {
	s := store(map[string]fakeShard{"": {keys: 3}})
	s.info.Facts[2] = kv.Fact{Name: "sizes", Field: kv.FieldSize, How: kv.Measured}
	r, err := Run(t.Context(), s, []*Analyzer{counting(0, kv.FieldSize)}, Options{})
	if err != nil || r.Coverage.Complete || len(r.Coverage.Why) != 1 || r.Coverage.Keys != 3 {
		t.Errorf("coverage %+v, error %v", r.Coverage, err)
	}
	r, err = Run(t.Context(), s, []*Analyzer{counting(kv.FieldType, 0)}, Options{})
	if err != nil || !r.Coverage.Complete {
		t.Errorf("nobody asked for sizes: coverage %+v, error %v", r.Coverage, err)
	}
}

// A bug in one shard is met by the caller, who can still end in order.
func TestRunHandsPanicsToItsCaller(t *testing.T) {
	defer func() {
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "boom") {
			t.Errorf("recovered %v", p)
		}
	}()
	a := &Analyzer{Name: "bad", New: func(time.Time) Collector { return &bomb{} }}
	_, _ = Run(t.Context(), store(map[string]fakeShard{"a": {keys: 3}, "b": {keys: 3}}), []*Analyzer{a}, Options{Parallel: 2})
}

type bomb struct{ counter }

func (*bomb) Observe(*kv.Record) { panic("boom") }
