package ttl

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

var now = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

// records is a store of records.
type records []kv.Record

func (rs records) Scan(context.Context, kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		for i := range rs {
			if !yield(&rs[i], nil) {
				return
			}
		}
	}
}

func (rs records) Info(context.Context) (*kv.Info, error) {
	i := &kv.Info{Clock: now}
	for _, f := range []kv.Field{kv.FieldName, kv.FieldTTL, kv.FieldSize, kv.FieldIdle} {
		i.Facts = append(i.Facts, kv.Fact{Name: f.String(), Field: f, How: kv.Measured})
	}
	return i, nil
}

func (records) Close() error { return nil }

// with adds n keys of a prefix, of which left says what they have left; 0 is no TTL.
func (rs records) with(prefix string, n int, left func(i int) time.Duration) records {
	for i := range n {
		r := kv.Record{
			Key: fmt.Sprintf("%s:%d", prefix, i), Size: 100, TTL: kv.TTLNone,
			Known: kv.FieldName | kv.FieldTTL | kv.FieldSize,
		}
		if d := left(i); d > 0 {
			r.TTL, r.ExpireAt = kv.TTLAt, now.Add(d)
		}
		rs = append(rs, r)
	}
	return rs
}

// reportOf audits records and says how they expire.
func reportOf(t *testing.T, rs records, s *schema.Schema) (report.Section, map[string]report.Finding) {
	t.Helper()
	r, err := audit.Run(t.Context(), rs, keydesign.Binding(s), audit.Options{Save: true, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	f, err := keydesign.FactsBound(s, r)
	if err != nil {
		t.Fatal(err)
	}
	sec, found := Report(f, r.Findings, Options{})
	byID := map[string]report.Finding{}
	for _, x := range found {
		byID[x.Rule+" "+x.Subject] = x
	}
	return sec, byID
}

func uniform(ttl time.Duration) func(int) time.Duration {
	rng := rand.New(rand.NewPCG(1, uint64(ttl)))
	return func(int) time.Duration { return time.Duration(1 + rng.Int64N(int64(ttl))) }
}

func parse(t *testing.T, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAgainstSchema(t *testing.T) {
	s := parse(t, `
kvschema: 1
defaults: {owner: shop}
templates:
  short: {key: "short:{n:int}", type: string, ttl: {policy: fixed, value: 2h}}
  right: {key: "right:{n:int}", type: string, ttl: {policy: fixed, value: 1h}}
  slide: {key: "slide:{n:int}", type: string, ttl: {policy: sliding, idle: 1h}}
  two:   {key: "two:{n:int}", type: string, ttl: {policy: fixed, value: 6h}}
  few:   {key: "few:{n:int}", type: string, ttl: {policy: fixed, value: 2h}}
`)
	hour, day := uniform(time.Hour), uniform(6*time.Hour)
	rs := records{}.with("short", 1000, hour).with("right", 1000, hour).with("slide", 1000, hour).with("few", 20,
		hour).with("two", 2000,
		func(i int) time.Duration {
			if i%2 == 0 {
				return hour(i)
			}
			return day(i)
		})
	_, found := reportOf(t, rs, s)
	for id, want := range map[string]string{
		"KD071 short:{n:int}": "the TTL seems to be 1h; 2h is declared",
		"KD071 slide:{n:int}": "no use sets the TTL anew; a sliding one is declared",
		"KD071 two:{n:int}":   "the keys have several TTLs; 6h is declared",
	} {
		f, ok := found[id]
		if delete(found, id); !ok || f.Message != want {
			t.Errorf("%s: %q, want %q", id, f.Message, want)
		}
	}
	if len(found) != 0 {
		t.Errorf("%v", found)
	}
}

// Twenty keys are too few to be accused of anything.
func TestInsufficient(t *testing.T) {
	sec, found := reportOf(t, records{}.with("few", 20, uniform(time.Minute)).with("some", 199, uniform(time.Hour)), nil)
	for _, row := range sec.Tables[0].Rows {
		if law, _ := row[2].Text(); law != string(Insufficient) || !row[3].IsNull() {
			t.Errorf("%v", row)
		}
	}
	if len(found) != 0 || len(sec.Tables[0].Rows) != 2 {
		t.Errorf("%v, %v", found, sec.Tables[0].Rows)
	}
}

// What expires when, and what is in no forecast: keys without TTL, and those that live longer.
func TestForecast(t *testing.T) {
	rs := records{}.with("a", 2400, func(i int) time.Duration { return time.Duration(i+1) * time.Minute / 4 }). // ten hours, evenly
															with("b", 500, func(int) time.Duration { return 5*time.Hour + 30*time.Minute }).
															with("c", 100, func(int) time.Duration { return 0 }).
															with("d", 100, func(int) time.Duration { return 100 * time.Hour })
	sec, _ := reportOf(t, rs, nil)
	forecast := sec.Tables[1]
	total, at6 := 0.0, 0.0
	for i, row := range forecast.Rows {
		n, _ := row[1].Number()
		if total += n; i == 5 {
			at6 = n
		}
		if want := 240.0; i < 10 && i != 5 && (n < want-12 || n > want+12) {
			t.Errorf("hour %d: %v keys, want about %v", i+1, n, want)
		}
	}
	if len(forecast.Rows) != forecastParts || total < 2890 || total > 2910 || at6 < 730 || at6 > 750 {
		t.Errorf("%v in all, %v in the sixth hour", total, at6)
	}
	if most, _ := forecast.Rows[5][3].Text(); most != "b:{int}" {
		t.Errorf("most of the sixth hour is %q", most)
	}
}

// Keys that were written at once hide no law, and a few that are far beyond are counted.
func TestBurstAndOutliers(t *testing.T) {
	hour := uniform(time.Hour)
	rs := records{}.with("burst", 5000, func(i int) time.Duration {
		if i%4 == 0 {
			return 40*time.Minute + time.Duration(i)*100*time.Microsecond
		}
		return hour(i)
	}).with("out", 5000, func(i int) time.Duration {
		if i%500 == 0 {
			return 30 * time.Hour
		}
		return hour(i)
	})
	sec, _ := reportOf(t, rs, nil)
	if n := len(sec.Tables[0].Rows); n != 2 {
		t.Fatalf("%d rows", n)
	}
	for _, row := range sec.Tables[0].Rows {
		name, _ := row[0].Text()
		law, _ := row[2].Text()
		ttl, _ := row[3].Number()
		outliers, _ := row[11].Number()
		want := 0.0
		if name == "out:{int}" {
			want = 10
		}
		if law != string(Fixed) || ttl < 3580 || ttl > 3640 || outliers != want || (name == "burst:{int}") == row[13].IsNull() {
			t.Errorf("%v", row)
		}
	}
}

// Keys that were all written at once say nothing of a law: only that they expire together.
func TestAllInOneBurst(t *testing.T) {
	span := keydesign.TTLSpan{Low: 3599, High: 3600, Keys: 1000}
	law := LawOf(&keydesign.TTLFacts{Keys: 1000, Expiring: 1000, Most: 3600, Left: []keydesign.TTLSpan{span}, Burst: span}, 0)
	if law.Kind != Insufficient || law.Keys != 1000 {
		t.Errorf("%+v", law)
	}
}
