package keydesign

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/internal/keygen"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// namesOf learns the names of the records of a scan, as two shards.
func namesOf(t testing.TB, s kv.Store) (*Names, []string) {
	t.Helper()
	halves := [2]*Names{NewNames(nil), NewNames(nil)}
	var keys []string
	for r, err := range s.Scan(t.Context(), kv.ScanOptions{Want: kv.FieldName}) {
		if err != nil {
			t.Fatal(err)
		}
		halves[len(keys)%2].Add(r.Key)
		keys = append(keys, r.Key)
	}
	halves[0].Merge(halves[1])
	return halves[0], keys
}

// TestClassifierAgreesWithTheReport counts the keys of each template, key by key, and compares with the section templates of
// an audit: the same templates, with the same number of keys.
func TestClassifierAgreesWithTheReport(t *testing.T) {
	for name, s := range map[string]kv.Store{"demo": demo(t), "generated": keygen.New(50_000).Store()} {
		t.Run(name, func(t *testing.T) {
			names, keys := namesOf(t, s)
			c := names.Classifier()
			counts := countTemplates(t, c.Matcher(), c.Texts, keys)
			r := run(t, s, 2)
			for _, row := range r.Section("templates").Tables[0].Rows {
				text, _ := row[0].Text()
				if n := row[2]; n != report.Number(counts[text]) {
					t.Errorf("%s has %d keys, and %v in the report", text, counts[text], n)
				}
				delete(counts, text)
			}
			for text, n := range counts {
				t.Errorf("%s, of %d keys, is not in the report", text, n)
			}
		})
	}
}

func countTemplates(t *testing.T, match func(string) (int, bool), texts, keys []string) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	for _, k := range keys {
		i, ok := match(k)
		if !ok {
			t.Fatalf("%q has no template", k)
		}
		counts[texts[i]]++
	}
	return counts
}

// Hostile keys are classified, too, and from several goroutines alike.
func TestClassifierIsShared(t *testing.T) {
	names := NewNames(nil)
	records := hard()
	for i := range records {
		names.Add(records[i].Key)
	}
	c := names.Classifier()
	first := c.Matcher()
	var wg sync.WaitGroup
	for range 4 {
		match := c.Matcher()
		wg.Go(func() {
			for i := range records {
				if _, ok := match(records[i].Key); !ok {
					t.Errorf("%q has no template", records[i].Key)
				}
			}
		})
	}
	wg.Wait()
	if _, ok := first("nothing:like:it:anywhere"); ok {
		t.Error("a key of no known shape has a template")
	}
}

// A saved audit classifies as what it was made from does, from the parts of all its shards.
func TestSavedClassifier(t *testing.T) {
	records := hard()
	names := NewNames(nil)
	shards := [2]*templates{newTemplates(audittest.Now), newTemplates(audittest.Now)}
	for i := range records {
		shards[i%2].Observe(&records[i])
		if records[i].Has(kv.FieldName) {
			names.Add(records[i].Key)
		}
	}
	parts := []report.Part{{Analyzer: "names", Data: []byte("another's")}}
	for i, s := range shards {
		data, err := s.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, report.Part{Analyzer: templatesName, Shard: i, Version: templatesVersion, Data: data})
	}
	c, err := SavedClassifier(nil, parts)
	if err != nil {
		t.Fatal(err)
	}
	want := names.Classifier()
	if !slices.Equal(c.Texts, want.Texts) {
		t.Fatalf("templates\n%q\nwant\n%q", c.Texts, want.Texts)
	}
	got, expected := c.Matcher(), want.Matcher()
	for i := range records {
		a, _ := got(records[i].Key)
		b, _ := expected(records[i].Key)
		if a != b {
			t.Errorf("%q is of %q, want %q", records[i].Key, c.Texts[a], c.Texts[b])
		}
	}
	if c, err := SavedClassifier(nil, parts[:1]); c != nil || err != nil {
		t.Errorf("of no templates: %v, %v", c, err)
	}
	parts[1].Data = parts[1].Data[:len(parts[1].Data)/2]
	if _, err := SavedClassifier(nil, parts); !errors.Is(err, kv.ErrCorrupt) {
		t.Errorf("of a part that is cut: %v", err)
	}
}

// BenchmarkClassify measures one key.
func BenchmarkClassify(b *testing.B) {
	names, keys := namesOf(b, keygen.New(100_000).Store())
	match := names.Classifier().Matcher()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		match(keys[i])
		if i++; i == len(keys) {
			i = 0
		}
	}
}
