package keydesign_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

var update = flag.Bool("update", false, "write the table of docs/accuracy.md")

// The families that thresholds and faults were made with, and the one that was written when these were frozen.
var (
	seenFamilies   = []string{"shop", "saas", "iot", "jobs", "pages"}
	unseenFamilies = []string{"games"}
)

const (
	seeds  = 13 // keyspaces of each family with faults, and as many without
	faulty = 4  // faults in each
)

// A score counts findings against what was planted.
type score struct{ planted, found, wrong int }

func (s *score) add(o score) {
	s.planted += o.planted
	s.found += o.found
	s.wrong += o.wrong
}

func (s score) recall() float64 { return share(s.found, s.planted) }

func (s score) precision() float64 { return share(s.found, s.found+s.wrong) }

func share(part, whole int) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

// An evaluation is the scores of some families.
type evaluation struct {
	cases, clean int
	rules        map[string]*score // by rule and, where that makes a difference, mode
}

func (e *evaluation) of(rule string, m mode) *score {
	name := rule
	if rule == "KD061" && m == bySchema {
		name = "KD061 declared"
	}
	return e.named(name)
}

func (e *evaluation) named(name string) *score {
	if e.rules[name] == nil {
		e.rules[name] = &score{}
	}
	return e.rules[name]
}

func isStatistical(name string) bool { return statistical(name, byNames) }

// class adds up the exact rules, or the statistical ones.
func (e *evaluation) class(stat bool) (sum score) {
	for name, s := range e.rules {
		if isStatistical(name) == stat {
			sum.add(*s)
		}
	}
	return sum
}

// evaluate holds families, side by side.
func evaluate(t *testing.T, families []string) *evaluation {
	each := make([]*evaluation, len(families))
	t.Run("families", func(t *testing.T) {
		for f, name := range families {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				each[f] = evaluateOne(t, f, name)
			})
		}
	})
	all := &evaluation{rules: map[string]*score{}}
	for _, e := range each {
		if e == nil {
			t.FailNow()
		}
		all.cases += e.cases
		all.clean += e.clean
		for name, s := range e.rules {
			all.named(name).add(*s)
		}
	}
	return all
}

func evaluateOne(t *testing.T, f int, name string) *evaluation {
	e := &evaluation{rules: map[string]*score{}}
	s := family(t, name)
	for seed := range uint64(seeds) {
		w := newWorld(s, seed)
		var draw []fault
		all := faults()
		for i := range faulty {
			draw = append(draw, all[(f*7+int(seed)*faulty+i*(1+f))%len(all)])
		}
		e.hold(t, fmt.Sprintf("%s %d", name, seed), w, plants(w, draw))
		w = newWorld(s, 100+seed)
		decoys(w)
		e.hold(t, fmt.Sprintf("%s %d, clean", name, seed), w, nil)
	}
	for i, l := range largeFaults() {
		w := newWorld(s, 200+uint64(i))
		e.hold(t, fmt.Sprintf("%s, large %d", name, i), w, plants(w, []fault{l}))
		w = newWorld(scaled(t, name, 3), 300+uint64(i))
		e.hold(t, fmt.Sprintf("%s, large %d, clean", name, i), w, nil)
	}
	return e
}

// scaled returns a family with so many times the keys.
func scaled(t testing.TB, name string, times int64) *schema.Schema {
	s := family(t, name)
	for i := range s.Templates {
		if c := &s.Templates[i].Cardinality; c.Max == 0 && s.Templates[i].Key[len(s.Templates[i].Key)-1].Type != nil {
			c.Live *= times
		}
	}
	return s
}

// largeValues are the faults that make so many bytes that those on shares of all bytes would be others.
var largeValues = []string{"KD040", "KD041", "KD044"}

// plants plants faults, each at most once.
func plants(w *world, fs []fault) []plant {
	var out []plant
	done := map[string]bool{}
	for _, f := range fs {
		large := slices.Contains(largeValues, f.rule) && (done["KD084"] || done["KD026"])
		shares := (f.rule == "KD084" || f.rule == "KD026") && slices.ContainsFunc(largeValues, func(r string) bool { return done[r] })
		if done[f.rule] || large || shares {
			continue
		}
		if p, ok := f.plant(w); ok {
			done[f.rule] = true
			out = append(out, p)
		}
	}
	if slices.ContainsFunc(largeValues, func(r string) bool { return done[r] }) { // one can be half of a node: no cluster
		for _, rs := range w.keys {
			for i := range rs {
				rs[i].Known &^= kv.FieldPlace
			}
		}
		for i := range w.extra {
			w.extra[i].Known &^= kv.FieldPlace
		}
	}
	return out
}

// decoys adds what is next to a fault and is none.
func decoys(w *world) {
	w.stray("", 5+w.rng.IntN(40), "tmp:x%d")
	large, long, text := w.plain("note:1"), w.plain("pile:1"), w.plain("block-list:1")
	large.Size = 10 << 10
	long.Type, long.Len, long.Encoding = kv.TypeList, 5000, kv.EncodingQuicklist
	w.extra = append(w.extra, large, long, text)
	for range 3 { // a few keys that happen to expire in the same second
		if t, ok := w.pick(func(t *schema.Template, rs []kv.Record) bool { return expires(t) && len(rs) >= 1000 }); ok {
			rs := w.keys[t]
			for i := range 20 {
				rs[i].ExpireAt = rs[0].ExpireAt
			}
		}
	}
}

// hold audits a keyspace without its schema and with it, and scores the findings.
func (e *evaluation) hold(t *testing.T, name string, w *world, ps []plant) {
	e.cases++
	if ps == nil {
		e.clean++
	}
	records := w.records()
	for _, m := range []mode{byNames, bySchema} {
		s := w.Schema
		if m == byNames {
			s = nil
		}
		r, err := audit.Run(t.Context(), records, keydesign.Analyzers(s), audit.Options{})
		if err != nil {
			t.Fatal(err)
		}
		e.score(t, name, m, r.Findings, expected(w, s, m, ps, records))
	}
}

// A wanted is a finding of a rule on one of the subjects.
type wanted struct {
	rule     string
	subjects map[string]bool
	found    bool
}

// expected returns the findings that plants are to raise.
func expected(w *world, s *schema.Schema, m mode, ps []plant, records store) []*wanted {
	var all []*wanted
	if unknown := len(w.extra); m == bySchema && (unknown > 1000 || 100*unknown > len(records)) {
		all = append(all, &wanted{rule: "KD013", subjects: map[string]bool{"keyspace": true}})
	}
	classify := sync.OnceValues(func() ([]string, func(string) (int, bool)) {
		names := keydesign.NewNames(s)
		for i := range records {
			names.Add(records[i].Key)
		}
		c := names.Classifier()
		return c.Texts, c.Matcher()
	})
	for _, p := range ps {
		if p.rule == "" || p.modes&m == 0 {
			continue
		}
		x := &wanted{rule: p.rule, subjects: map[string]bool{}}
		if p.subject != "" {
			x.subjects[p.subject] = true
			p.keys = nil
		}
		for _, k := range p.keys {
			texts, match := classify()
			if i, ok := match(k); ok {
				x.subjects[texts[i]] = true
			}
		}
		all = append(all, x)
	}
	return all
}

func (e *evaluation) score(t *testing.T, name string, m mode, fs []report.Finding, want []*wanted) {
	for _, f := range fs {
		known := false
		for _, x := range want {
			if x.rule == f.Rule && x.subjects[f.Subject] {
				x.found, known = true, true
			}
		}
		if !known {
			e.of(f.Rule, m).wrong++
			t.Logf("%s, mode %d: not planted: %s on %s: %s", name, m, f.Rule, f.Subject, f.Message)
		}
	}
	for _, x := range want {
		s := e.of(x.rule, m)
		if s.planted++; x.found {
			s.found++
		} else {
			t.Logf("%s, mode %d: not found: %s on %v", name, m, x.rule, x.subjects)
		}
	}
}

func (e *evaluation) rows(title string) string {
	var b strings.Builder
	for _, stat := range []bool{false, true} {
		class := "exact"
		if stat {
			class = "statistical"
		}
		s := e.class(stat)
		fmt.Fprintf(&b, "| %s | %s | %d (%d) | %d | %d | %d | %.3f | %.3f |\n",
			title, class, e.cases, e.clean, s.planted, s.found, s.wrong, s.precision(), s.recall())
	}
	return b.String()
}

const tableHead = `| families | rules | keyspaces (without faults) | planted | found | false | precision | recall |
|---|---|---|---|---|---|---|---|
`

// TestPlanted finds what was planted, and nothing else. Each keyspace is audited without its schema and with it.
func TestPlanted(t *testing.T) {
	seen, unseen := evaluate(t, seenFamilies), evaluate(t, unseenFamilies)
	// What these are about no family has: braces of a cluster, references, a server, uses that set a TTL anew, a cache whose clients
	// place keys and that tells what was read. TestRules has them.
	apart := []string{"KD028", "KD031", "KD032", "KD066", "KD067", "KD068", "KD070", "KD092"}
	for _, r := range keydesign.Rules() {
		if slices.Contains(apart, r.ID) {
			continue
		}
		if s := seen.rules[r.ID]; s == nil || s.planted < 5 {
			t.Errorf("%s was planted less than five times", r.ID)
		}
	}
	for _, c := range []struct {
		stat  bool
		least float64
	}{{false, 1}, {true, 0.98}} {
		if s := seen.class(c.stat); s.precision() < c.least || s.recall() < c.least {
			t.Errorf("precision %.3f and recall %.3f, want %g", s.precision(), s.recall(), c.least)
		}
	}
	table := tableHead + seen.rows(strings.Join(seenFamilies, ", ")) + unseen.rows(strings.Join(unseenFamilies, ", ")+", not seen before")
	for name, s := range seen.rules {
		t.Logf("%-15s planted %3d  found %3d  false %3d", name, s.planted, s.found, s.wrong)
	}
	t.Log("\n" + table)
	checkTable(t, table)
}

// checkTable holds the table against that of the document.
func checkTable(t *testing.T, table string) {
	t.Helper()
	const path, begin, end = "../docs/accuracy.md", "<!-- planted:begin -->\n", "<!-- planted:end -->"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	old, tail, ended := strings.Cut(rest, end)
	switch {
	case !ok || !ended:
		t.Errorf("%s has no place for the table", path)
	case *update:
		if err := os.WriteFile(path, []byte(head+begin+table+end+tail), 0o600); err != nil {
			t.Error(err)
		}
	case old != table:
		t.Errorf("%s has another table; write it with go test ./keydesign -run TestPlanted -update", path)
	}
}
