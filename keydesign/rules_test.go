package keydesign

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// An option changes the i-th record of a family.
type option func(r *kv.Record, i int)

// family returns n records: persistent strings of 100 bytes, unless the options say otherwise.
func family(n int, key func(i int) string, opts ...option) []kv.Record {
	rs := make([]kv.Record, n)
	for i := range rs {
		r := &rs[i]
		*r = kv.Record{Key: key(i), Type: kv.TypeString, Size: 100, Len: 1, TTL: kv.TTLNone, Known: kv.Universal | kv.FieldSlot}
		for _, o := range opts {
			o(r, i)
		}
		r.Slot = slot.Of(r.Key)
	}
	return rs
}

func format(f string) func(int) string { return func(i int) string { return fmt.Sprintf(f, 1000+7*i) } }

func uuids(f string) func(int) string {
	return func(i int) string {
		return fmt.Sprintf(f, fmt.Sprintf("%08x-1c2d-4e3f-8a9b-%012x", uint32(i)*2654435761, i))
	}
}

// left sets what the i-th key has left.
func left(d func(i int) time.Duration) option {
	return func(r *kv.Record, i int) { r.TTL, r.ExpireAt = kv.TTLAt, audittest.Now.Add(d(i)) }
}

// spreadOver is what is left of one TTL with steady writes.
func spreadOver(ttl time.Duration) option {
	rng := rand.New(rand.NewPCG(1, uint64(ttl)))
	return left(func(int) time.Duration { return 1 + time.Duration(rng.Int64N(int64(ttl))) })
}

func sized(bytes int64) option { return func(r *kv.Record, _ int) { r.Size = bytes } }

func of(t kv.Type, elements int64) option {
	return func(r *kv.Record, _ int) { r.Type, r.Len = t, elements }
}

// among changes only the first n records.
func among(n int, o option) option {
	return func(r *kv.Record, i int) {
		if i < n {
			o(r, i)
		}
	}
}

// idleFor says how long a key has not been used.
func idleFor(d time.Duration) option {
	return func(r *kv.Record, _ int) { r.Idle, r.Known = d, r.Known|kv.FieldIdle }
}

// home says that clients look for the first of a hundred records on the first node, and else on the second.
func home(first string, share int) option {
	return func(r *kv.Record, i int) {
		r.Home, r.Known = "10.0.0.2:6379", r.Known|kv.FieldHome
		if i%100 < share {
			r.Home = first
		}
	}
}

// apart says that the nodes do not know of each other.
func apart(r *kv.Record, _ int) { r.Known |= kv.FieldApart }

// readers says whether a key was ever read.
func readers(read bool) option {
	return func(r *kv.Record, _ int) { r.Read, r.Known = read, r.Known|kv.FieldRead }
}

// from changes only the records from the n-th on.
func from(n int, o option) option {
	return func(r *kv.Record, i int) {
		if i >= n {
			o(r, i)
		}
	}
}

// used is what is left of a TTL that each use sets anew, or that none does, beside the time since the last use.
func used(ttl time.Duration, anew bool) option {
	rng := rand.New(rand.NewPCG(2, uint64(ttl)))
	return func(r *kv.Record, i int) {
		idle := time.Duration(rng.Int64N(int64(ttl)))
		rest := ttl - idle
		if !anew {
			rest = 1 + time.Duration(rng.Int64N(int64(ttl)))
		}
		idleFor(idle)(r, i)
		left(func(int) time.Duration { return rest })(r, i)
	}
}

// block makes a collection of n elements one block, each string of it so many bytes long.
func block(typ kv.Type, n, length int64) option {
	m := memory.New(memory.Profile{State: memory.Live})
	return func(r *kv.Record, _ int) {
		*r = kv.Record{
			Key: r.Key, Type: typ, Encoding: kv.EncodingListpack, Len: n, Largest: length, TTL: kv.TTLNone,
			Size: m.Key(int64(len(r.Key))) + m.Blob(7+n*parts(typ)*(length+2)), Known: r.Known | kv.FieldLargest,
		}
	}
}

// spilled makes a collection of n elements a table.
func spilled(typ kv.Type, n, length int64) option {
	m := memory.New(memory.Profile{State: memory.Live})
	return func(r *kv.Record, _ int) {
		*r = kv.Record{
			Key: r.Key, Type: typ, Encoding: kv.EncodingHashtable, Len: n, Largest: length, TTL: kv.TTLNone,
			Size: m.Key(int64(len(r.Key))) + table(m, typ, n) + n*parts(typ)*m.SDS(length), Known: r.Known | kv.FieldLargest,
		}
	}
}

// at puts the i-th record on a node.
func at(node func(i int) string) option {
	return func(r *kv.Record, i int) { r.Place, r.Known = node(i), r.Known|kv.FieldPlace }
}

// onNodes puts the shares of a hundred records on as many nodes.
func onNodes(shares ...int) option {
	return at(func(i int) string {
		for n, share := range shares {
			if i%100 < share {
				return fmt.Sprintf("10.0.0.%d:6379", n+1)
			}
			i -= share
		}
		panic("the shares are less than a hundred")
	})
}

func persistent(r *kv.Record, _ int) { r.TTL, r.ExpireAt = kv.TTLNone, time.Time{} }

func findings(s *schema.Schema, families ...[]kv.Record) (fs []report.Finding) {
	for _, a := range Analyzers(s) {
		c := a.New(audittest.Now)
		for _, f := range families {
			for i := range f {
				c.Observe(&f[i])
			}
		}
		out := audit.Output{Store: &kv.Info{Server: kv.Server{Policy: "noeviction", MaxMemory: 1 << 30}}}
		c.Report(&out)
		fs = append(fs, out.Findings...)
	}
	return fs
}

func join(fs ...[]kv.Record) []kv.Record { return slices.Concat(fs...) }

// background is a keyspace that nothing is wrong with, so that shares mean something.
func background() []kv.Record {
	return join(
		family(3000, format("user:%d:profile"), of(kv.TypeHash, 6)),
		family(3000, format("session:%032x"), of(kv.TypeHash, 4), spreadOver(30*time.Minute)),
	)
}

// cases holds for each rule a keyspace that breaks it, with the subject of the finding, and one that does not although it
// comes near.
var cases = map[string]struct {
	severity  report.Severity
	subject   string
	bad, good []kv.Record
}{
	"KD001": {
		report.Warning, "{int}",
		family(300, format("%d")),
		join(family(300, format("job:%d")), family(3, format("%d"))),
	},
	"KD002": {
		report.Warning, "user:{int}/prefs",
		family(300, format("user:%d/prefs")),
		join(family(300, format("user:%d:prefs")), family(300, format("img/%d/large"))),
	},
	"KD006": {
		report.Warning, "search:{str}",
		join(words(200, "search:", ""), typed(60, "search:")),
		words(200, "search:", ""),
	},
	"KD007": {
		report.Error, "page:{str}",
		words(200, "page:", strings.Repeat("x", 1100)),
		words(200, "page:", strings.Repeat("x", 100)),
	},
	"KD008": {
		report.Info, "app:prod:counter:clicks:page:{int}",
		family(100_001, format("app:prod:counter:clicks:page:%d"), sized(100)),
		family(100_001, format("app:prod:counter:clicks:page:%d"), sized(300)),
	},
	"KD009": {
		report.Warning, "login:{email}",
		family(100, format("login:u%d@example.com")),
		family(100, format("login:%032x")),
	},
	"KD010": {
		report.Warning, "order:{int}",
		join(family(900, format("order:%d")), family(100, uuids("order:%s"))),
		join(family(900, format("order:%d")), family(100, uuids("invoice:%s")), family(100, dates("order:%s"))),
	},
	"KD012": {
		report.Info, "tok:{bin}",
		family(50, func(i int) string { return fmt.Sprintf("tok:\xff%c\x80", rune('a'+i%26)) + fmt.Sprint(i) }),
		family(50, func(i int) string { return fmt.Sprintf("tok:ü%d", i) }),
	},
	"KD013": {
		report.Warning, keyspaceSubject,
		family(1001, format("tmp2:x%d")),
		family(30, format("tmp2:x%d")),
	},
	"KD050": {
		report.Warning, "flag:{uid}",
		family(201, format("flag:%d")),
		family(200, format("flag:%d")),
	},
	"KD071": {
		report.Warning, "cart:{uid}",
		family(500, format("cart:%d"), spreadOver(24*time.Hour)),
		family(500, format("cart:%d"), spreadOver(61*time.Minute)),
	},
	"KD028": {
		report.Warning, keyspaceSubject,
		family(50, format("cart:{}:%d")),
		family(50, format("cart:{%d}:items")),
	},
	"KD066": {
		report.Warning, "cart:{sid}:items",
		family(500, format("cart:%032x:items"), spreadOver(14*24*time.Hour)),
		family(500, format("cart:%032x:items"), spreadOver(30*time.Minute)),
	},
	"KD067": {
		report.Warning, "idx:{uid}",
		family(500, format("idx:%d")),
		family(500, format("idx:%d"), spreadOver(30*time.Minute)),
	},
	"KD068": {
		report.Error, serverSubject,
		family(50, format("page:%d"), spreadOver(time.Hour)),
		family(50, format("feed:%d"), spreadOver(time.Hour)),
	},
	"KD070": {
		report.Info, "cart:{uid}",
		family(500, format("cart:%d"), used(time.Hour, true)),
		family(500, format("cart:%d"), used(time.Hour, false)),
	},
	"KD014": {
		report.Info, keyspaceSubject,
		stray(30_000, 2500),
		stray(30_000, 100),
	},
	"KD020": {
		report.Info, "evt:{{{date}}}:{int}",
		family(300, func(i int) string { return fmt.Sprintf("evt:{2026-01-%02d}:%d", 1+i%28, i) }),
		family(300, func(i int) string { return fmt.Sprintf("evt:{%d}:2026-01-%02d", 1+i%28, 1+i%27) }),
	},
	"KD025": {
		report.Warning, "{shop}",
		join(family(100_000, format("user:%d")), family(200, format("{shop}:stock:%d"))),
		join(family(100_000, format("user:%d")), family(20_000, func(i int) string { return fmt.Sprintf("{u:%d}:%d", i/10, i) })),
	},
	"KD026": {
		report.Error, "10.0.0.1:6379",
		family(9000, format("user:%d"), onNodes(60, 20, 20)),
		family(9000, format("user:%d"), onNodes(40, 30, 30)),
	},
	"KD031": {
		report.Warning, "10.0.0.2:6379",
		family(9000, format("user:%d"), onNodes(50, 50), home("10.0.0.1:6379", 55)),
		family(9000, format("user:%d"), onNodes(50, 50), home("10.0.0.1:6379", 50)),
	},
	"KD032": {
		report.Warning, "10.0.0.1:6379 10.0.0.2:6379",
		join(family(9000, format("user:%d"), onNodes(50, 50), apart), family(30, format("user:%d"), onNodes(0, 100), apart)),
		join(family(9000, format("user:%d"), onNodes(50, 50), apart), family(9, format("user:%d"), onNodes(0, 100), apart)),
	},
	"KD027": {
		report.Error, "{app}",
		join(family(9000, format("user:%d")), family(1500, format("{app}:u:%d"))),
		join(family(9000, format("user:%d")), family(900, format("{app}:u:%d")), family(15000, func(i int) string { return fmt.Sprintf("{u:%d}:%d", i/10, i) })),
	},
	"KD040": {
		report.Error, "report:{int}",
		family(30, format("report:%d"), among(2, sized(3<<20))),
		family(30, format("report:%d"), sized(10<<10), among(5, of(kv.TypeHash, 3)), among(5, sized(3<<20))),
	},
	"KD041": {
		report.Error, "followers:{int}",
		family(30, format("followers:%d"), of(kv.TypeSet, 20), among(1, of(kv.TypeSet, 4_000_000))),
		family(30, format("followers:%d"), of(kv.TypeSet, 5000), sized(50<<20)),
	},
	"KD044": {
		report.Info, "basket:{int}",
		join(family(500, format("basket:%d"), spilled(kv.TypeHash, 600, 20)), family(500, format("cart:%d"), block(kv.TypeHash, 500, 20))),
		join(family(500, format("basket:%d"), block(kv.TypeHash, 512, 64)), family(50, format("cart:%d"), spilled(kv.TypeHash, 5000, 20))),
	},
	"KD049": {
		report.Error, "acct:{int}",
		family(100, format("acct:%d"), of(kv.TypeHash, 3), among(1, of(kv.TypeString, 1))),
		family(100, format("acct:%d"), of(kv.TypeHash, 3)),
	},
	"KD061": {
		report.Error, "rl:{int}",
		family(1000, format("rl:%d"), spreadOver(time.Hour), among(80, persistent)),
		family(1000, format("rl:%d"), spreadOver(time.Hour), among(200, persistent)),
	},
	"KD062": {
		report.Error, "pay-lock:{int}",
		family(100, format("pay-lock:%d"), spreadOver(time.Minute), among(5, persistent)),
		join(family(100, format("pay-lock:%d"), spreadOver(time.Minute)), family(100, format("clock:%d"))),
	},
	"KD063": {
		report.Error, "promo:{int}",
		family(1000, format("promo:%d"), spreadOver(time.Hour), among(30, left(func(i int) time.Duration {
			return 3_600_000*time.Second - time.Duration(i)*time.Minute
		}))),
		family(1000, format("promo:%d"), spreadOver(time.Hour), among(30, left(func(i int) time.Duration {
			return 20*24*time.Hour - time.Duration(i)*time.Minute
		}))),
	},
	"KD084": {
		report.Info, "report:{int}",
		join(family(300, format("report:%d"), sized(4000), idleFor(40*24*time.Hour)), family(300, format("job:%d"), idleFor(time.Hour))),
		join(family(300, format("report:%d"), sized(4000), idleFor(29*24*time.Hour)), family(300, format("job:%d"), idleFor(40*24*time.Hour))),
	},
	"KD092": {
		report.Warning, "page:v{int}",
		family(300, format("page:v%d"), sized(4000), idleFor(2*time.Hour), among(200, readers(false)), from(200, readers(true))),
		family(300, format("page:v%d"), sized(4000), idleFor(2*time.Hour), among(100, readers(false)), from(100, readers(true))),
	},
	"KD065": {
		report.Warning, "cache:{int}",
		family(5000, format("cache:%d"), spreadOver(time.Hour), among(1000, left(func(i int) time.Duration {
			return 20*time.Minute + time.Duration(i)*time.Millisecond
		}))),
		family(5000, format("cache:%d"), spreadOver(time.Hour)),
	},
}

func dates(f string) func(int) string {
	return func(i int) string {
		return fmt.Sprintf(f, time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
	}
}

// words returns keys of a prefix, a word made of letters, and a suffix.
func words(n int, prefix, suffix string) []kv.Record {
	return family(n, func(i int) string {
		word := ""
		for x := i*7919 + 12345; x > 0; x /= 9 {
			word += string("bdfgklmnr"[x%9]) + string("aeiou"[x%5])
		}
		return prefix + word + suffix
	})
}

// typed returns keys of a prefix and what people type.
func typed(n int, prefix string) []kv.Record {
	a, b := words(n, prefix, ""), words(2*n, "", "")[n:]
	for i := range a {
		a[i].Key += " " + b[i].Key
		if i%3 == 0 {
			a[i].Key += " {" + a[n-1-i].Key + "}"
		}
	}
	return a
}

// stray returns n keys of one template, and two keys each of many others that nothing but the order of their parts tells
// apart.
func stray(n, templates int) []kv.Record {
	part := func(kind, x int) string {
		switch kind {
		case 0:
			return fmt.Sprintf("2026-01-%02d", 1+x%28)
		case 1:
			return fmt.Sprintf("2026-W%02d", 1+x%52)
		case 2:
			return fmt.Sprintf("00:1b:44:11:3a:%02x", x%256)
		case 3:
			return uuids("%s")(x)
		}
		return fmt.Sprintf("%d.%02d", x, x%90+10)
	}
	return join(family(n, format("user:%d")), family(2*templates, func(i int) string {
		key := "ev"
		for k := i / 2; k > 0; k /= 5 {
			key += "/" + part(k%5, i)
		}
		return key
	}))
}

func TestEveryRuleHasCases(t *testing.T) {
	for _, r := range Rules() {
		c, ok := cases[r.ID]
		if !ok || len(c.bad) == 0 || len(c.good) == 0 {
			t.Errorf("%s has no bad or no good keyspace", r.ID)
		}
	}
	if len(cases) != len(Rules()) {
		t.Errorf("%d cases for %d rules", len(cases), len(Rules()))
	}
}

// Each rule is broken by the one keyspace and not by the other, and what it finds is fit to be compared with another run: it has a
// measure.
func TestRules(t *testing.T) {
	for _, r := range Rules() {
		t.Run(r.ID, func(t *testing.T) {
			c := cases[r.ID]
			fs := findings(schemaOf(t, r.ID), background(), c.bad)
			fired := 0
			for _, f := range fs {
				switch {
				case f.Rule == r.ID && f.Severity == c.severity && f.Subject == c.subject:
					fired++
				case f.Rule == r.ID || f.Severity.AtLeast(report.Warning):
					t.Errorf("bad: unexpected %s %s on %s: %s", f.Rule, f.Severity, f.Subject, f.Message)
				}
				if f.Message == "" || f.Measure == nil || f.Measure.Value.IsNull() || len(f.Samples) > maxSamples {
					t.Errorf("bad: %+v lacks a message or a measure, or has too many samples", f)
				}
			}
			if fired != 1 {
				t.Errorf("bad: fired %d times on %s", fired, c.subject)
			}
			for _, f := range findings(schemaOf(t, r.ID), background(), c.good) {
				if f.Rule == r.ID {
					t.Errorf("good: %s %s on %s: %s", f.Rule, f.Severity, f.Subject, f.Message)
				}
			}
		})
	}
}

func TestRulesAreDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if r.Doc == "" || r.Fix == "" || r.Title == "" || len(r.Bad) == 0 || len(r.Good) == 0 || len(r.Limits) == 0 {
			t.Errorf("%s lacks documentation", r.ID)
		}
		if seen[r.ID] || seen[r.Name] {
			t.Errorf("%s or %s is taken", r.ID, r.Name)
		}
		seen[r.ID], seen[r.Name] = true, true
		for _, l := range r.Limits {
			if l.Source == "" || l.Unit == "" {
				t.Errorf("%s: limit %s has no source or unit", r.ID, l.Name)
			}
		}
	}
}

// A rule without its facts is named as one that did not look; a keyspace of names alone still has templates.
func TestNamesAlone(t *testing.T) {
	rs := background()
	for i := range rs {
		rs[i] = kv.Record{Key: rs[i].Key, Known: kv.FieldName}
	}
	c := byTemplate(nil).New(audittest.Now)
	for i := range rs {
		c.Observe(&rs[i])
	}
	var out audit.Output
	c.Report(&out)
	var idle []string
	for _, u := range out.NotEvaluated {
		idle = append(idle, u.Rule)
		if u.Why == "" || out.Evaluated(u.Rule) {
			t.Errorf("%s: %q, evaluated %t", u.Rule, u.Why, out.Evaluated(u.Rule))
		}
	}
	if got := strings.Join(idle, " "); got != "KD008 KD040 KD041 KD044 KD049 KD061 KD062 KD063 KD065 KD068 KD084" {
		t.Errorf("not evaluated: %q", got)
	}
	row := out.Tables[0].Rows[0]
	for i, known := range []bool{true, false, true, false, true, false, false, false} {
		if row[i].IsNull() == known {
			t.Errorf("column %s: %+v", out.Tables[0].Columns[i].Name, row[i])
		}
	}
}

func TestThresholds(t *testing.T) {
	noTTL := func(n, lost int) []kv.Record {
		return family(n, format("rl:%d"), spreadOver(time.Hour), among(lost, persistent))
	}
	for _, c := range []struct {
		name, rule string
		want       report.Severity
		rs         []kv.Record
	}{
		{"exactly 10 KiB", "KD040", "", family(20, format("a:%d"), sized(10<<10))},
		{"one byte more", "KD040", report.Warning, family(20, format("a:%d"), among(1, sized(10<<10+1)))},
		{"exactly 256 KiB", "KD040", report.Warning, family(20, format("a:%d"), sized(256<<10))},
		{"256 KiB and a byte", "KD040", report.Error, family(20, format("a:%d"), among(1, sized(256<<10+1)))},
		{"5,000 elements", "KD041", "", family(20, format("a:%d"), of(kv.TypeList, 5000))},
		{"5,001 elements", "KD041", report.Warning, family(20, format("a:%d"), of(kv.TypeList, 5001))},
		{"a million elements", "KD041", report.Warning, family(20, format("a:%d"), of(kv.TypeList, 1e6))},
		{"a million and one", "KD041", report.Error, family(20, format("a:%d"), of(kv.TypeList, 1e6+1))},
		{"50 MiB and a byte", "KD041", report.Error, family(20, format("a:%d"), of(kv.TypeSet, 50), sized(50<<20+1))},
		{"all have a TTL", "KD061", "", noTTL(1000, 0)},
		{"one of 1,000 lost", "KD061", "", noTTL(1000, 1)},
		{"ten of 1,000 lost", "KD061", report.Warning, noTTL(1000, 10)},
		{"five in a hundred, not sure", "KD061", report.Warning, noTTL(1000, 55)},
		{"seven in a hundred", "KD061", report.Error, noTTL(1000, 70)},
		{"one in ten", "KD061", report.Error, noTTL(1000, 100)},
		{"more than one in ten", "KD061", "", noTTL(1000, 101)},
		{"19 keys", "KD061", "", noTTL(19, 1)},
		{"a lock", "KD061", "", family(1000, format("lock:%d"), spreadOver(time.Hour), among(80, persistent))},
		{"names of 128 bytes", "KD007", "", words(50, strings.Repeat("p", 100)+":", "")},
		{"names of 129 to 1,024 bytes", "KD007", report.Warning, words(50, strings.Repeat("p", 130)+":", "")},
		{"10 years less a day", "KD063", "", family(9, format("a:%d"), left(func(int) time.Duration { return longestTTL - 24*time.Hour }))},
		{"10 years and a day", "KD063", report.Error, family(9, format("a:%d"), left(func(int) time.Duration { return longestTTL + 24*time.Hour }))},
		{"19 keys of one type, one of another", "KD049", report.Error, family(20, format("a:%d"), among(1, of(kv.TypeSet, 1)))},
		{"18 and one", "KD049", "", family(19, format("a:%d"), among(1, of(kv.TypeSet, 1)))},
		{"words, nine in ten alike", "KD049", report.Error, of2(words(100, "w:", ""), 10)},
		{"words of all kinds", "KD049", "", of2(words(100, "w:", ""), 11)},
		{"9 numbers", "KD001", "", family(9, format("%d"))},
		{"10 numbers", "KD001", report.Warning, family(10, format("%d"))},
		{"1 % of UUIDs", "KD010", report.Warning, join(family(990, format("o:%d")), family(10, uuids("o:%s")))},
		{"less", "KD010", "", join(family(1000, format("o:%d")), family(10, uuids("o:%s")))},
		{"100,000 keys", "KD008", "", family(100_000, format("app:prod:counter:clicks:page:%d"), sized(100))},
	} {
		t.Run(c.rule+" "+c.name, func(t *testing.T) {
			got := report.Severity("")
			for _, f := range findings(nil, background(), c.rs) {
				if f.Rule == c.rule {
					got = f.Severity
				}
			}
			if got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
