package keydesign

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
)

// What a higher limit would save, and what growing over it would lose, is near what the model says of the very collections.
func TestSavingsAreNearTheModel(t *testing.T) {
	m := memory.New(memory.Profile{State: memory.Live})
	rng := rand.New(rand.NewPCG(8, 9))
	for _, typ := range []kv.Type{kv.TypeHash, kv.TypeZSet, kv.TypeSet} {
		var tables, blocks elements
		var now, then float64
		for i := range 500 {
			n := 130 + rng.Int64N(100)
			var sds, raw int64
			for range n * parts(typ) {
				l := 4 + rng.Int64N(30)
				sds, raw = sds+m.SDS(l), raw+l+2
			}
			if typ == kv.TypeZSet {
				raw += n * 6
			}
			name := int64(len(fmt.Sprint("x:", i)))
			spread := m.Key(name) + table(m, typ, n) + sds
			packed := m.Key(name) + m.Blob(7+raw)
			now, then = now+float64(spread), then+float64(packed)
			for e, size := range map[*elements]int64{&tables: spread, &blocks: packed} {
				e.observe(&observation{
					size: size, length: n, name: int32(name), known: kv.FieldLen | kv.FieldSize, deep: &facts{largest: 33},
				})
			}
		}
		want := now - then
		keys, saves := tables.packed(typ, 256)
		if math.Abs(saves-want) > 0.1*want || keys != 500 {
			t.Errorf("%s: %d would save %.0f, really %.0f", typ, keys, saves, want)
		}
		if keys, loses := blocks.unpacked(typ, 64); math.Abs(loses-want) > 0.1*want || keys != 500 {
			t.Errorf("%s: %d would lose %.0f, really %.0f", typ, keys, loses, want)
		}
	}
}

// strings16 returns n keys, each with the value that value says, of which one in sixteen is told.
func strings16(n int, value func(i int) uint64) []kv.Record {
	rs := make([]kv.Record, n)
	for i := range rs {
		r := &rs[i]
		*r = kv.Record{
			Key: fmt.Sprintf("page:%d", i), Type: kv.TypeString, Size: 160, Logical: 100, Stored: 60, Digest: value(i) * 0x9e3779b97f4a7c15,
			Known: kv.FieldName | kv.FieldType | kv.FieldSize | kv.FieldStored,
		}
		if sketch.Hash("sample"+r.Key)%16 == 0 {
			r.Known |= kv.FieldDigest
		}
	}
	return rs
}

// However values repeat, the interval of the share of repetitions holds the truth, and where they repeat a lot it is narrow.
func TestDuplicates(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	const n = 60_000
	for _, c := range []struct {
		name  string
		value func(i int) uint64
		truth float64
		width float64
	}{
		{"all different", func(i int) uint64 { return uint64(i) }, 0, 0.25},
		{"all the same", func(int) uint64 { return 7 }, 1, 0.05},
		{"pairs", func(i int) uint64 { return uint64(i / 2) }, 0.5, 0.25},
		{"tens", func(i int) uint64 { return uint64(i / 10) }, 0.9, 0.1},
		{"half one value, half different", func(i int) uint64 { return uint64(i * (i % 2)) }, 0.5, 0.25},
		{"half in threes, half in hundreds", func(i int) uint64 {
			if i < n/2 {
				return uint64(i / 3)
			}
			return n + uint64(i/100)
		}, (2./3 + .99) / 2, 0.2},
	} {
		held, runs := 0, 9
		rs := strings16(n, c.value)
		for range runs {
			offset := fmt.Sprint(rng.Uint64())
			s := newStats()
			for _, r := range rs {
				r.Key = offset + r.Key
				r.Known &^= kv.FieldDigest
				if sketch.Hash(r.Key)%16 == 0 {
					r.Known |= kv.FieldDigest
				}
				var f facts
				o := observe(&r, 0)
				o.deep = factsOf(&r, &f)
				s.observe(&o)
			}
			e, ok := s.deep.duplicates()
			if !ok {
				t.Fatal("no estimate")
			}
			if e.low <= c.truth+1e-3 && c.truth-1e-3 <= e.high {
				held++
			}
			if e.high-e.low > c.width {
				t.Errorf("%s: from %.3f to %.3f", c.name, e.low, e.high)
			}
			if math.Abs(e.bytes-e.share*n*100) > 1e-6*n*100 {
				t.Errorf("%s: %.0f bytes of %.3f", c.name, e.bytes, e.share)
			}
		}
		if held < runs-1 {
			t.Errorf("%s: the interval holds the truth in %d of %d runs", c.name, held, runs)
		}
	}
}

// Each facet lists the templates that it is about, the weightiest first, and no others; without facts there are none.
func TestFacets(t *testing.T) {
	rs := join(
		strings16(4000, func(i int) uint64 { return uint64(i % 5) }),
		family(300, format("cart:%d"), spilled(kv.TypeHash, 200, 20)),
		family(300, format("old:%d"), idleFor(8*day*1e9), sized(1000)),
		family(300, format("doc:%d"), block(kv.TypeHash, 3, 2000)),
		family(300, format("plain:%d")),
		family(20, format("gone:%d"), func(r *kv.Record, _ int) { r.TTL, r.ExpireAt = kv.TTLExpired, audittest.Now }),
		family(300, format("used:%d"), func(r *kv.Record, _ int) { r.Freq, r.Known = 9, r.Known|kv.FieldFreq }),
	)
	out := observeAll(byTemplate(nil), rs)
	got := map[string][]string{}
	for _, table := range out.Tables[1:] {
		for _, row := range table.Rows {
			name, _ := row[0].Text()
			got[table.Name] = append(got[table.Name], name)
			if len(row) != len(table.Columns) {
				t.Errorf("%s has rows of %d values", table.Name, len(row))
			}
		}
	}
	want := map[string][]string{
		"expired": {"gone:{int}"}, "idle": {"old:{int}"}, "lfu": {"used:{int}"}, "largest": {"doc:{int}"},
		"compression": {"page:{int}"}, "duplicates": {"page:{int}"}, "limits": {"cart:{int}"},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v\nwant %v", got, want)
	}
	if out := observeAll(byTemplate(nil), background()); len(out.Tables) != 1 {
		t.Errorf("%d tables of a keyspace that tells nothing", len(out.Tables))
	}
}

// The limits of encodings are those that the keys show.
func TestLimitsFollowFromKeys(t *testing.T) {
	for _, c := range []struct {
		name string
		rs   []kv.Record
		want packing
	}{
		{"nothing to see", family(20, format("a:%d"), block(kv.TypeHash, 5, 9)), packing{512, 64, false}},
		{"a table of 200", family(20, format("a:%d"), spilled(kv.TypeHash, 200, 9)), packing{128, 64, false}},
		{"a table of 600", family(20, format("a:%d"), spilled(kv.TypeHash, 600, 9)), packing{512, 64, false}},
		{"a block of 200", join(family(20, format("a:%d"), spilled(kv.TypeHash, 400, 9)), family(20, format("b:%d"), block(kv.TypeHash, 200, 9))), packing{512, 64, false}},
		{"a block of 1,000", family(20, format("a:%d"), block(kv.TypeHash, 1000, 9)), packing{1000, 64, true}},
		{"values of 100", family(20, format("a:%d"), block(kv.TypeHash, 10, 100)), packing{512, 100, true}},
	} {
		col := newTemplates(audittest.Now)
		for i := range c.rs {
			col.Observe(&c.rs[i])
		}
		ks := newKeyspace(col.tree.Templates(), nil, audittest.Now)
		if got := ks.limits[kv.TypeHash]; got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
