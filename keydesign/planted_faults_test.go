package keydesign_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// A mode says what a keyspace is audited with.
type mode uint8

const (
	byNames  mode = 1 << iota // no schema
	bySchema                  // that of the family
	byBoth   = byNames | bySchema
)

// A plant is a fault that was planted: a finding of the rule on the template of one of the keys, or on the subject if one is
// named.
type plant struct {
	rule    string
	subject string
	keys    []string
	modes   mode
}

// A fault plants itself; ok is false if the world has no place for it.
type fault struct {
	rule  string
	plant func(w *world) (p plant, ok bool)
}

// The rules whose judgement is of chance: shares with an interval, distributions, groups. Those of a declared TTL are exact.
func statistical(rule string, m mode) bool {
	switch rule {
	case "KD010", "KD025", "KD063", "KD065":
		return true
	case "KD061":
		return m == byNames
	}
	return false
}

// faults lists those that fit into a keyspace of some thousand keys.
func faults() []fault {
	return []fault{
		{"KD001", func(w *world) (plant, bool) { return w.stray("KD001", 200, "%d") }},
		{"KD002", func(w *world) (plant, bool) {
			w.stray("", 400, "audit:%d:log")
			return w.stray("KD002", 100, "audit/%d/log")
		}},
		{"KD006", func(w *world) (plant, bool) {
			w.strays("", 300, func(int) string { return "search:" + w.word() })
			return w.strays("KD006", 60, func(int) string { return "search:" + w.word() + " " + w.word() })
		}},
		{"KD007", func(w *world) (plant, bool) {
			length := 150 + w.rng.IntN(1200)
			return w.strays("KD007", 100, func(int) string { return "query:" + strings.Repeat(w.word(), length/7+1) })
		}},
		{"KD009", func(w *world) (plant, bool) {
			form := []string{"login:user%d@example.com", "sms:+4915%08d", "visitor:10.20.%d.7"}[w.rng.IntN(3)]
			return w.strays("KD009", 100, func(i int) string {
				if strings.Contains(form, "10.20") {
					return fmt.Sprintf(form, i)
				}
				return fmt.Sprintf(form, 10_000+i)
			})
		}},
		{"KD010", func(w *world) (plant, bool) {
			p, _ := w.stray("KD010", 500, "asset:%d")
			q, ok := w.strays("", 20+w.rng.IntN(400), func(int) string { return "asset:" + w.uuid() })
			p.keys = append(p.keys, q.keys...)
			return p, ok
		}},
		{"KD012", func(w *world) (plant, bool) {
			return w.strays("KD012", 50, func(i int) string { return fmt.Sprintf("tok:\xff%c\x80%d", 'a'+i%26, i) })
		}},
		{"KD013", func(w *world) (plant, bool) { return w.stray("", 300+w.rng.IntN(1500), "tmp2:x%d") }},
		{"KD020", func(w *world) (plant, bool) {
			return w.strays("KD020", 240, func(i int) string {
				return fmt.Sprintf("evt:{%s}:%d", time.Date(2026, 1, 1+i%80, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), i)
			})
		}},
		{"KD026", plantNodes},
		{"KD027", func(w *world) (plant, bool) {
			p, _ := w.stray("KD027", 1000+w.rng.IntN(600), "{app}:u:%d")
			p.subject = "{app}"
			return p, true
		}},
		{"KD040", plantLargeString},
		{"KD041", plantLargeCollection},
		{"KD044", plantSpill},
		{"KD049", plantType},
		{"KD050", plantMany},
		{"KD061", plantLost},
		{"KD061", plantNoTTL},
		{"KD062", plantLock},
		{"KD063", plantUnit},
		{"KD063", plantEpoch},
		{"KD065", plantBurst},
		{"KD071", plantLonger},
		{"KD071", plantExpiring},
		{"KD084", plantIdle},
	}
}

// largeFaults lists those that need a hundred thousand keys.
func largeFaults() []fault {
	return []fault{
		{"KD008", func(w *world) (plant, bool) {
			p, ok := w.stray("KD008", 100_100, "app:prod:counter:clicks:page:%d")
			for i := range w.extra {
				w.extra[i].Size = 100
			}
			return p, ok
		}},
		{"KD014", func(w *world) (plant, bool) {
			p, ok := w.strays("KD014", 5000, func(i int) string { return w.shape(i / 2) })
			p.subject = "keyspace"
			return p, ok
		}},
		{"KD025", func(w *world) (plant, bool) {
			w.stray("", 90_000, "item:%d")
			p, ok := w.stray("KD025", 120+w.rng.IntN(400), "{hot}:stock:%d")
			p.subject = "{hot}"
			return p, ok
		}},
	}
}

// shape returns a key whose parts are of kinds in an order of its own.
func (w *world) shape(n int) string {
	key := "ev"
	for k := n; k > 0; k /= 5 {
		switch k % 5 {
		case 0:
			key += fmt.Sprintf("/2026-01-%02d", 1+w.rng.IntN(28))
		case 1:
			key += fmt.Sprintf("/2026-W%02d", 1+w.rng.IntN(52))
		case 2:
			key += fmt.Sprintf("/00:1b:44:11:3a:%02x", w.rng.IntN(256))
		case 3:
			key += "/" + w.uuid()
		case 4:
			key += fmt.Sprintf("/%d.%02d", w.rng.IntN(9), 10+w.rng.IntN(90))
		}
	}
	return key
}

func (w *world) word() string {
	b := make([]byte, 0, 8)
	for range 3 + w.rng.IntN(2) {
		b = append(b, "bdfgklmnprst"[w.rng.IntN(12)], "aeiou"[w.rng.IntN(5)])
	}
	return string(b)
}

func (w *world) uuid() string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", w.rng.Uint32(), w.rng.IntN(1<<16), w.rng.IntN(1<<12), w.rng.IntN(1<<12), w.rng.Int64N(1<<48))
}

// stray adds n keys of numbers that no template takes.
func (w *world) stray(rule string, n int, form string) (plant, bool) {
	from := 1000 + w.rng.IntN(100_000)
	return w.strays(rule, n, func(i int) string { return fmt.Sprintf(form, from+7*i) })
}

func (w *world) strays(rule string, n int, key func(i int) string) (plant, bool) {
	p := plant{rule: rule, modes: byBoth, keys: make([]string, 0, n)}
	w.extra = slices.Grow(w.extra, n)
	for i := range n {
		r := w.plain(key(i))
		w.extra = append(w.extra, r)
		p.keys = append(p.keys, r.Key)
	}
	return p, true
}

// pick returns the number of a template that fits and has no fault yet, and marks it.
func (w *world) pick(fits func(t *schema.Template, rs []kv.Record) bool) (template int, ok bool) {
	var all []int
	for i := range w.Templates {
		if !w.taken[i] && fits(&w.Templates[i], w.keys[i]) {
			all = append(all, i)
		}
	}
	if all == nil {
		return 0, false
	}
	i := all[w.rng.IntN(len(all))]
	w.taken[i] = true
	return i, true
}

// some changes n records of a template, at random, and returns a plant on it.
func (w *world) some(template, n int, rule string, modes mode, change func(r *kv.Record)) (plant, bool) {
	rs := w.keys[template]
	p := plant{rule: rule, modes: modes}
	for _, i := range w.rng.Perm(len(rs))[:max(1, min(n, len(rs)))] {
		change(&rs[i])
		p.keys = append(p.keys, rs[i].Key)
	}
	for i := range rs { // any key tells the template
		if len(p.keys) < 200 {
			p.keys = append(p.keys, rs[i].Key)
		}
	}
	return p, true
}

// share returns a number of keys between two shares of a template's.
func (w *world) share(template int, low, high float64) int {
	return int((low + w.rng.Float64()*(high-low)) * float64(len(w.keys[template])))
}

func many(n int) func(*schema.Template, []kv.Record) bool {
	return func(_ *schema.Template, rs []kv.Record) bool { return len(rs) >= n }
}

func expires(t *schema.Template) bool {
	return t.TTL.Policy == schema.TTLFixed || t.TTL.Policy == schema.TTLSliding
}

func plantNodes(w *world) (plant, bool) {
	for i := range w.keys {
		for j := range w.keys[i] {
			if r := &w.keys[i][j]; r.Place != "node-a" && w.rng.IntN(2) == 0 {
				r.Place = "node-a"
			}
		}
	}
	return plant{rule: "KD026", subject: "node-a", modes: byBoth}, true
}

func plantLargeString(w *world) (plant, bool) {
	t, ok := w.pick(func(t *schema.Template, rs []kv.Record) bool { return t.Type == "string" && len(rs) >= 30 })
	if !ok {
		return plant{}, false
	}
	return w.some(t, 1+w.rng.IntN(10), "KD040", byBoth, func(r *kv.Record) { r.Size = 20<<10 + w.rng.Int64N(4<<20) })
}

func plantLargeCollection(w *world) (plant, bool) {
	t, ok := w.pick(func(t *schema.Template, rs []kv.Record) bool { return t.Type != "string" && len(rs) >= 30 })
	if !ok {
		return plant{}, false
	}
	return w.some(t, 1+w.rng.IntN(10), "KD041", byBoth, func(r *kv.Record) {
		r.Len, r.Encoding = 5001+w.rng.Int64N(1<<20), kv.EncodingHashtable
		r.Size = 100 * r.Len
	})
}

// plantSpill adds hashes of a few more fields than a block may have.
func plantSpill(w *world) (plant, bool) {
	m := memory.New(memory.Profile{State: memory.Live})
	p := plant{rule: "KD044", modes: byBoth}
	for i := range 500 {
		r := w.plain(fmt.Sprintf("basket:%d", 5000+i))
		const n, length = 560, 20
		r.Type, r.Len, r.Largest, r.Encoding = kv.TypeHash, n, length, kv.EncodingHashtable
		r.Size = m.Key(int64(len(r.Key))) + m.Hash(n, 2*n*m.SDS(length))
		r.Known |= kv.FieldLargest
		w.extra = append(w.extra, r)
		r.Key, r.Len, r.Encoding = fmt.Sprintf("bag:%d", 5000+i), 500, kv.EncodingListpack
		r.Slot = slot.Of(r.Key)
		r.Size = m.Key(int64(len(r.Key))) + m.Blob(7+500*2*(length+2))
		w.extra = append(w.extra, r)
		p.keys = append(p.keys, fmt.Sprintf("basket:%d", 5000+i))
	}
	return p, true
}

func plantType(w *world) (plant, bool) {
	t, ok := w.pick(many(400))
	if !ok {
		return plant{}, false
	}
	other := kv.TypeString
	if w.Templates[t].Type == "string" {
		other = kv.TypeSet
	}
	return w.some(t, w.share(t, 0.002, 0.05), "KD049", byBoth, func(r *kv.Record) {
		r.Type, r.Len, r.Size, r.Known = other, 1, 200, r.Known&^kv.FieldLargest
	})
}

func plantMany(w *world) (plant, bool) {
	t, ok := w.pick(func(t *schema.Template, _ []kv.Record) bool {
		return t.Cardinality.Max > 0 && t.Key[len(t.Key)-1].Type != nil && t.Key[len(t.Key)-1].Type.Kind == schema.TypeInt
	})
	if !ok {
		return plant{}, false
	}
	most := int(w.Templates[t].Cardinality.Max)
	w.keys[t] = append(w.keys[t], w.make(t, 10_000, 1+most+w.rng.IntN(2*most)-len(w.keys[t]))...)
	return w.some(t, 1, "KD050", bySchema, func(*kv.Record) {})
}

func persist(r *kv.Record) { r.TTL, r.ExpireAt = kv.TTLNone, time.Time{} }

func plantLost(w *world) (plant, bool) {
	t, ok := w.pick(func(t *schema.Template, rs []kv.Record) bool {
		return expires(t) && t.Kind != schema.Lock && len(rs) >= 1000
	})
	if !ok {
		return plant{}, false
	}
	return w.some(t, w.share(t, 0.006, 0.08), "KD061", byBoth, persist)
}

// plantNoTTL takes the TTL from all keys, which only a schema can tell.
func plantNoTTL(w *world) (plant, bool) {
	t, ok := w.pick(func(t *schema.Template, rs []kv.Record) bool {
		return expires(t) && t.Kind != schema.Lock && len(rs) > 0
	})
	if !ok {
		return plant{}, false
	}
	return w.some(t, len(w.keys[t]), "KD061", bySchema, persist)
}

func plantLock(w *world) (plant, bool) {
	t, ok := w.pick(func(t *schema.Template, _ []kv.Record) bool { return t.Kind == schema.Lock })
	if !ok {
		return plant{}, false
	}
	modes := bySchema
	if key := w.Templates[t].Key.String(); strings.Contains(key, "lock:") || strings.Contains(key, "lock/") || strings.Contains(key, "mutex") {
		modes = byBoth
	}
	return w.some(t, 1+w.rng.IntN(9), "KD062", modes, persist)
}

// plantUnit gives some keys a TTL of the right number in a wrong unit: so many, and so far off, that the two groups part.
func plantUnit(w *world) (plant, bool) {
	t, ok := w.pick(func(t *schema.Template, rs []kv.Record) bool {
		return t.TTL.Policy == schema.TTLFixed && len(rs) >= 1000 && t.TTL.Value < 3*24*time.Hour
	})
	if !ok {
		return plant{}, false
	}
	factor := []float64{60, 1000, 3600}[w.rng.IntN(3)]
	if w.rng.IntN(3) == 0 && w.Templates[t].TTL.Value > time.Hour {
		factor = 1. / 1000
	}
	return w.some(t, w.share(t, 0.05, 0.2), "KD063", byBoth, func(r *kv.Record) {
		w.live(r, &w.Templates[t].TTL)
		w.expire(r, time.Duration(factor*float64(r.ExpireAt.Sub(audittest.Now))))
	})
}

func plantEpoch(w *world) (plant, bool) {
	t, ok := w.pick(func(t *schema.Template, rs []kv.Record) bool { return expires(t) && len(rs) >= 30 })
	if !ok {
		return plant{}, false
	}
	return w.some(t, 1+w.rng.IntN(5), "KD063", byBoth, func(r *kv.Record) { w.expire(r, 1_767_225_600*time.Second) })
}

func plantBurst(w *world) (plant, bool) {
	t, ok := w.pick(func(t *schema.Template, rs []kv.Record) bool {
		return t.TTL.Policy == schema.TTLFixed && len(rs) >= 1500 && t.TTL.Value >= 10*time.Minute
	})
	if !ok {
		return plant{}, false
	}
	ttl := w.Templates[t].TTL.Value
	at := time.Duration((0.2 + 0.7*w.rng.Float64()) * float64(ttl))
	return w.some(t, w.share(t, 0.15, 0.5), "KD065", byBoth, func(r *kv.Record) {
		w.expire(r, at+time.Duration(w.rng.Float64()*0.003*float64(ttl)))
	})
}

// plantLonger gives keys more TTL than is declared, by no factor that looks like a unit.
func plantLonger(w *world) (plant, bool) {
	t, ok := w.pick(func(t *schema.Template, rs []kv.Record) bool { return expires(t) && len(rs) >= 200 })
	if !ok {
		return plant{}, false
	}
	ttl := max(w.Templates[t].TTL.Value, w.Templates[t].TTL.Idle)
	times := 1.5 + 6*w.rng.Float64()
	return w.some(t, len(w.keys[t]), "KD071", bySchema, func(r *kv.Record) {
		w.expire(r, time.Duration(w.rng.Float64()*times*float64(ttl)))
	})
}

// plantExpiring gives a TTL to keys that are to stay.
func plantExpiring(w *world) (plant, bool) {
	t, ok := w.pick(func(t *schema.Template, rs []kv.Record) bool { return t.TTL.Policy == schema.TTLNone && len(rs) >= 300 })
	if !ok {
		return plant{}, false
	}
	return w.some(t, 1+w.rng.IntN(50), "KD071", bySchema, func(r *kv.Record) {
		w.expire(r, time.Duration(w.rng.Float64()*float64(time.Hour)))
	})
}

// plantIdle leaves the template with the most bytes unused, if these are a fifth of all.
func plantIdle(w *world) (plant, bool) {
	bytes := make([]int64, len(w.keys))
	var all int64
	for i := range w.keys {
		for j := range w.keys[i] {
			bytes[i] += w.keys[i][j].Size
		}
		all += bytes[i]
	}
	heaviest := slices.Index(bytes, slices.Max(bytes))
	if w.taken[heaviest] || len(w.keys[heaviest]) < 100 || 5*bytes[heaviest] < all {
		return plant{}, false
	}
	w.taken[heaviest] = true
	return w.some(heaviest, len(w.keys[heaviest]), "KD084", byBoth, func(r *kv.Record) {
		r.Idle = 31*24*time.Hour + time.Duration(w.rng.Int64N(int64(60*24*time.Hour)))
	})
}
