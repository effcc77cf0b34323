package keydesign

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/kv"
)

// apartRecords returns a record for each key and place.
func apartRecords(n int, at func(i int) []string) []kv.Record {
	var rs []kv.Record
	for i := range n {
		for _, p := range at(i) {
			rs = append(rs, kv.Record{Key: fmt.Sprintf("user:%d", i), Place: p, Known: kv.FieldName | kv.FieldPlace | kv.FieldApart})
		}
	}
	return rs
}

// TestCopiesLaws: with all keys compared, and with a sample.
func TestCopiesLaws(t *testing.T) {
	names := []string{"c:1", "a:1", "b:1", "d:1"}
	at := func(i int) []string {
		if i%10 == 0 {
			return []string{names[i%4], names[(i/10)%4], names[i%4]} // SCAN may tell of a key twice
		}
		return names[i%4 : i%4+1]
	}
	audittest.Test(t, copies(), apartRecords(3000, at))
}

// TestCopiesModel holds the counts against sets.
func TestCopiesModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.IntRange(1, 4).Draw(t, "collectors")
		whole := copies().New(audittest.Now)
		on := map[string]map[string]bool{}
		for range parts {
			c := copies().New(audittest.Now)
			for range rapid.IntRange(0, 30).Draw(t, "records") {
				r := kv.Record{DB: rapid.IntRange(0, 1).Draw(t, "db"), Key: rapid.StringMatching("[ab]{0,3}").Draw(t, "key"), Place: rapid.StringMatching("[xyz]").Draw(t, "place"), Known: kv.FieldName | kv.FieldPlace | kv.FieldApart}
				c.Observe(&r)
				id := fmt.Sprint(r.DB, " ", r.Key)
				if on[id] == nil {
					on[id] = map[string]bool{}
				}
				on[id][r.Place] = true
			}
			whole.Merge(c)
		}
		want := 0
		for _, places := range on {
			if len(places) > 1 {
				want++
			}
		}
		keys, copied, _ := whole.(*copiesOf).canonical().groups()
		if keys != int64(len(on)) || copied != int64(want) {
			t.Fatalf("%d of %d keys, want %d of %d", copied, keys, want, len(on))
		}
	})
}

// TestCopiesSampled: of more keys than are kept a sample is compared, which is told, and the interval holds the truth.
func TestCopiesSampled(t *testing.T) {
	const n, both = 900_000, 45_000
	one, two := copies().New(audittest.Now).(*copiesOf), copies().New(audittest.Now).(*copiesOf)
	for i := range n {
		r := kv.Record{Key: fmt.Sprintf("user:%d:cart", i), Place: "a:1", Known: kv.FieldName | kv.FieldPlace | kv.FieldApart}
		if i%2 == 0 {
			one.Observe(&r)
		}
		if r.Place = "b:1"; i%2 == 1 || i < 2*both && i%2 == 0 {
			two.Observe(&r)
		}
	}
	if most := cap(one.kept) + cap(one.fresh); most > 4*copyBudget {
		t.Errorf("%d fingerprints are held", most)
	}
	one.Merge(two)
	if one.level == 0 || len(one.kept) > copyBudget {
		t.Fatalf("level %d, %d kept", one.level, len(one.kept))
	}
	_, copied, _ := one.groups()
	m := one.estimate("keys", copied)
	if v, _ := m.Value.Number(); m.How != "sampled" || m.Interval.Low > both || m.Interval.High < both || v < both*0.9 || v > both*1.1 {
		t.Errorf("%+v, %+v", m, m.Interval)
	}
}
