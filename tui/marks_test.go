package tui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/report"
)

func TestMarks(t *testing.T) {
	u := sit(t, options(sample()))
	u.press("3", "space", "space")
	u.sees("2 marked: 13.5k reads, 10 writes")
	if got := fmt.Sprint(u.press("y")()); got != "feed:front\ncfg:flags" {
		t.Errorf("copied %q", got)
	}
	u.press("up", "space") // no longer
	u.sees("1 marked: 9.00k reads")
	u.press("s", "s", "s") // the marks stay with their rows
	u.sees("1 marked: 9.00k reads")
	u.press("esc")
	u.misses("marked")
	u.press("5", "space")
	u.sees("cells of a map cannot be marked")
}

// What is marked is copied once, though several findings are about it.
func TestMarkedAlike(t *testing.T) {
	r := sample()
	r.Findings = []report.Finding{
		{Rule: "KD040", Severity: report.Error, Subject: "a", Message: "x"},
		{Rule: "KD041", Severity: report.Error, Subject: "b", Message: "x"},
		{Rule: "KD061", Severity: report.Error, Subject: "a", Message: "x"},
	}
	u := sit(t, options(r))
	u.press("7", "space", "space", "space")
	if got := fmt.Sprint(u.press("y")()); got != "a\nb" {
		t.Errorf("copied %q", got)
	}
}

func TestUnits(t *testing.T) {
	u := sit(t, options(sample()))
	u.press("2", "l")
	u.sees("3.90 GiB")
	u.press("u")
	u.sees("4,187,593,113", "4,601,233")
	u.press("u")
	u.sees("52%") // of the memory of what is listed
	u.press("u")
	u.sees("3.90 GiB")
}

func TestListMetric(t *testing.T) {
	u := sit(t, options(sample()))
	u.press("3", "m")
	u.sees("by reads")
	if got := u.under(); !strings.Contains(got, "feed:front") {
		t.Errorf("most reads: %q", got)
	}
	u.press("m")
	u.sees("by writes")
	if got := u.under(); strings.Contains(got, "feed:front") {
		t.Errorf("most writes: %q", got)
	}
	u.press("m")
	u.misses("by writes")
}

func TestWindow(t *testing.T) {
	watched := time.Duration(0)
	o := options(sample())
	o.Live, o.Window = true, func(d time.Duration) error {
		if d > time.Hour {
			return errors.New("an hour at most")
		}
		watched = d
		return nil
	}
	u := sit(t, o)
	u.press("3", "w")
	u.write("45s")
	u.press("enter")
	if watched != 45*time.Second {
		t.Errorf("watched for %v", watched)
	}
	u.press("w")
	u.write("soon")
	u.press("enter")
	u.sees(`error: "soon" is no time such as 30s`)
	u.press("w")
	u.write("2h")
	u.press("enter")
	u.sees("error: an hour at most")
	u = sit(t, options(sample()))
	u.press("3", "w")
	u.sees("nothing to watch: this is a saved report")
}
