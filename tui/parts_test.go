package tui

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/report"
)

// withSlots is the sample with the fullest slot in a list of its own.
func withSlots() *report.Report {
	r := sample()
	s := r.Section("skew")
	s.Tables = append(s.Tables, report.Table{
		Name: "by_slot", Title: "slot", Columns: []report.Column{{Name: "slot", Unit: report.UnitText}, count("keys")},
		Rows: [][]report.Value{{text("7785"), num(47_882)}, {text("12"), num(300)}},
	})
	return r
}

// A cell of the map says how much of all it has, and which of the fullest slots are in it; a row of a list all that it has.
func TestCell(t *testing.T) {
	u := sit(t, options(withSlots()))
	u.press("5", "n", "enter")
	u.sees("slots 7744-7807", "of all", "x the mean", "slot 7785", "keys 47.9k")
	u.misses("slot 12")
	u.press("h")
	u.sees("slots 7680-7743")
	u.misses("slot 7785")
	u.press("esc")
	u.sees("[Heat map]")
	u.press("tab", "down", "enter")
	u.sees("node n2", "of all")
	u.misses("the mean")
}

func TestGroup(t *testing.T) {
	u := sit(t, options(withSlots()))
	u.m.resize(80, 24)
	u.press("5")
	u.sees("Nodes")
	u.press("g")
	u.sees("[Slot]", "7785")
	u.misses("Nodes")
	u.press("g")
	u.sees("[Nodes]")
	u = sit(t, options(sample()))
	u.press("5", "g")
	u.sees("one group only")
}

func TestTraffic(t *testing.T) {
	u := sit(t, options(sample()))
	u.press("3", "r")
	u.sees("sort: reads")
	if !strings.Contains(u.under(), "feed:front") {
		t.Errorf("most reads: %q", u.under())
	}
	u.press("r")
	u.sees("sort: writes")
	if strings.Contains(u.under(), "feed:front") {
		t.Errorf("most writes: %q", u.under())
	}
	u.press("r")
	u.misses("sort:")
	r := sample()
	for _, c := range []int{2, 3} {
		r.Section("hotkeys").Tables[0].Columns[c].Name = "rate"
	}
	u = sit(t, options(r))
	u.press("3", "r")
	u.sees("not told apart")
}

func TestOperation(t *testing.T) {
	u := sit(t, options(sample()))
	u.press("6", "o")
	u.sees("no percentiles in this report", "Latency heat map")
	r := sample()
	s := r.Section("seconds")
	column := func(name string) report.Column { return report.Column{Name: name, Unit: report.UnitDuration} }
	s.Tables = append(s.Tables, report.Table{
		Name: "spectrum", Columns: []report.Column{{Name: "percentile", Unit: report.UnitRatio}, column("session_read"), column("session_write")},
		Rows: [][]report.Value{{num(0), num(0.0001), num(0)}, {num(0.5), num(0.0003), num(0.0004)}, {num(0.999), num(0.0061), report.Null}},
	})
	u = sit(t, options(r))
	u.press("6", "o")
	u.sees("Response time of session_read", "50%", "99.9%", "6.10 ms")
	u.misses("Latency heat map")
	u.press("o")
	u.sees("Response time of session_write", "400 µs")
	u.misses("99.9%")
	u.press("o")
	u.sees("Latency heat map")
}

// Names that begin alike are told apart where there is no room for them.
func TestNamesAlike(t *testing.T) {
	r := sample()
	rows := r.Section("latency").Tables[0].Rows
	rows[0][0], rows[1][0] = text("session_read"), text("session_write")
	u := sit(t, options(r))
	u.m.resize(60, 15)
	u.press("6")
	u.sees("ad ", "te ")
	u.misses("sessi…")
}

func TestAnnotate(t *testing.T) {
	noted := ""
	s := &Snapshot{Report: sample(), Busy: "the run"}
	o := options(nil)
	o.Live, o.Source = true, func() *Snapshot { return s }
	o.Annotate = func(text string) error {
		if text == "early" {
			return errors.New("nothing is recorded yet")
		}
		noted = text
		return nil
	}
	u := sit(t, o)
	u.press("6", "a")
	u.sees("what happens now:")
	u.write(" deploy of api 2 ")
	u.press("enter")
	u.sees("noted: deploy of api 2")
	if noted != "deploy of api 2" {
		t.Errorf("noted %q", noted)
	}
	u.press("a")
	u.write("early")
	u.press("enter")
	u.sees("error: nothing is recorded yet")
	s = &Snapshot{Report: s.Report}
	u.m.Update(tickMsg{})
	u.press("a")
	u.sees("no run goes on")
}

// Who has scrolled past the end of the help is at its end.
func TestHelpScroll(t *testing.T) {
	u := sit(t, options(sample()))
	u.m.resize(80, 24)
	u.press("5", "?")
	for range 200 {
		u.press("j")
	}
	u.sees("leave now; what runs is stopped")
	end := u.screen()
	u.press("k")
	if u.screen() == end {
		t.Error("one line up shows the same")
	}
}

// Every key can be pressed while there is no report yet.
func TestKeysBeforeReport(t *testing.T) {
	for i, s := range screens() {
		o := options(nil)
		o.Live, o.Source = true, func() *Snapshot { return &Snapshot{State: "scan", Busy: "the scan"} }
		u := sit(t, o)
		for _, b := range u.m.all[i].bound {
			u.m.open(i)
			if b.do != nil {
				b.do(u.m)
			}
			u.m.asking = prompt{}
			u.m.dirty, u.m.left = true, false
			checkFrame(t, fmt.Sprintf("%s after %s", s.name, b.keys), u.screen(), [2]int{100, 30})
		}
	}
}
