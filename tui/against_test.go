package tui

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/report"
)

// earlier is the sample as it was a week ago: sessions were fewer and had a TTL, one template has gone since and one has come.
func earlier() *report.Report {
	r := sample()
	t := &r.Sections[0].Tables[0]
	t.Omitted = 0
	rows := t.Rows[:0:0]
	for _, row := range t.Rows {
		switch name, _ := row[0].Text(); name {
		case "session:{uid}":
			row[2], row[3] = num(3_500_000), num(3_187_593_113)
		case "feed:{id}":
			row[0] = text("feeds:{id}")
		}
		rows = append(rows, row)
	}
	t.Rows = rows
	r.Findings = r.Findings[1:]
	return r
}

func TestAgainst(t *testing.T) {
	o := options(sample())
	o.Baseline = earlier()
	u := sit(t, o)
	u.m.snap.Report.Sections[0].Tables[0].Omitted = 0
	u.press("2", "d")
	u.m.resize(120, 40)
	u.press("l")
	u.sees("+1.10M", "+954 MiB", "-61.3k")
	u.m.resize(220, 40)
	u.press("1", "G")
	u.sees("gone", "-61.3k")
	u.press("2", "d")
	u.misses("+1.10M")
	u.press("d", "m", "m") // by how much keys have changed
	u.sees("by change of keys")
}

// A base is picked by its file; one that cannot be read is told.
func TestPickBase(t *testing.T) {
	o := options(sample())
	o.Base = func(path string) (*report.Report, error) {
		if path != "old.kvr" {
			return nil, errors.New("no such file")
		}
		return earlier(), nil
	}
	u := sit(t, o)
	u.press("d") // there is none yet: it is asked for
	u.write("new.kvr")
	u.m.Update(u.press("enter")())
	u.sees("error: no such file")
	u.press("b")
	u.write("old.kvr")
	u.m.Update(u.press("enter")())
	u.sees("compared with old.kvr", "+1.10M")
	u = sit(t, options(sample()))
	u.press("b")
	u.sees("nothing to compare with")
}

// Whatever two tables hold: what is now less what was then is what has changed, and nothing that was left out has come or gone.
func TestChangesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) *report.Table {
			tab := &report.Table{Name: "x"}
			tab.Columns = []report.Column{{Name: "template", Unit: report.UnitKey}, count("keys"), {Name: "law", Unit: report.UnitText}}
			for k, n := range rapid.MapOf(rapid.IntRange(0, 9), rapid.IntRange(0, 99)).Draw(t, name) {
				tab.Rows = append(tab.Rows, []report.Value{text(fmt.Sprint("t", k)), num(float64(n)), report.Null})
			}
			tab.Omitted = int64(rapid.IntRange(0, 1).Draw(t, name+" omits"))
			return tab
		}
		now, was := draw("now"), draw("was")
		got := changes(now, was)
		if len(got.Columns) != 5 {
			t.Fatalf("%d columns", len(got.Columns))
		}
		sum := func(tab *report.Table, c int) (n float64) {
			for _, r := range tab.Rows {
				v, _ := r[c].Number()
				n += v
			}
			return n
		}
		if sum(&got, 1) != sum(now, 1) {
			t.Errorf("%g keys, want %g", sum(&got, 1), sum(now, 1))
		}
		if now.Omitted+was.Omitted == 0 && sum(&got, 2) != sum(now, 1)-sum(was, 1) {
			t.Errorf("changed by %g, want %g", sum(&got, 2), sum(now, 1)-sum(was, 1))
		}
		for _, r := range got.Rows {
			if word, _ := r[4].Text(); word == "new" && was.Omitted > 0 || word == "gone" && now.Omitted > 0 {
				t.Errorf("%v is %s though rows were left out", r[0], word)
			}
		}
	})
}
