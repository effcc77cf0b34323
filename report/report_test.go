package report

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestValueJSON(t *testing.T) {
	for _, c := range []struct {
		v    Value
		want string
	}{
		{Null, "null"},
		{Number(0), "0"},
		{Number(int64(1 << 52)), "4503599627370496"},
		{Number(1.0 / 3), "0.333333"},
		{Number(math.NaN()), "null"},
		{Number(math.Inf(1)), "null"},
		{Text("café\n"), `"café\n"`},
		{Text("\xff\x00"), `{"b64":"/wA="}`},
		{Seconds(1500 * time.Millisecond), "1.5"},
		{Time(time.Time{}), "null"},
		{Time(time.Unix(1795741234, 567_000_000)), "1795741234"}, // to the second
	} {
		b, err := json.Marshal(c.v)
		if err != nil || string(b) != c.want {
			t.Errorf("%+v: %s, %v; want %s", c.v, b, err, c.want)
		}
		var back Value
		if err := json.Unmarshal(b, &back); err != nil {
			t.Errorf("%s does not read back: %v", b, err)
		}
		again, _ := json.Marshal(back)
		if string(again) != c.want {
			t.Errorf("%s reads back as %s", b, again)
		}
	}
}

func TestFindingJSONKeepsEverything(t *testing.T) {
	f := Finding{
		Rule: "KD061", Severity: Error, Scope: "db0", Subject: "a\xff:{int}", Message: "m", Fix: "f",
		Measure:  &Metric{Name: "share", Value: Number(0.25), Unit: UnitRatio, Interval: &Interval{0.2, 1.0 / 3}},
		Evidence: []Metric{{Name: "keys", Value: Number(7), Unit: UnitCount}}, Samples: []Value{Text("k")},
	}
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var back Finding
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(back)
	if string(again) != string(b) || back.Fingerprint() != f.Fingerprint() {
		t.Errorf("%s\nreads back as\n%s", b, again)
	}
}

// A fingerprint is stored in baselines for years: it may never change.
func TestFingerprintIsPinned(t *testing.T) {
	f := Finding{Rule: "KD061", Subject: "session:{uid}", Message: "any"}
	if got := f.Fingerprint(); got != "0a340d7d0f9b4b88" {
		t.Errorf("fingerprint %s", got)
	}
	g := f
	g.Scope = "db1"
	if g.Fingerprint() == f.Fingerprint() {
		t.Error("the scope is part of the identity")
	}
}

func TestJudge(t *testing.T) {
	findings := func(s ...Severity) []Finding {
		var fs []Finding
		for _, x := range s {
			fs = append(fs, Finding{Severity: x})
		}
		return fs
	}
	for _, c := range []struct {
		findings []Finding
		complete bool
		failOn   Severity
		want     Verdict
	}{
		{findings(Error), true, "", ""},
		{findings(Error), true, Error, Fail},
		{findings(Warning), true, Error, Pass},
		{findings(Warning), true, Warning, Fail},
		{findings(Warning), true, Info, Fail},
		{findings(Info), true, Warning, Pass},
		{findings(Error), false, Error, Fail},
		{nil, false, Error, Inconclusive},
		{nil, true, Error, Pass},
	} {
		r := Report{Findings: c.findings, Coverage: Coverage{Complete: c.complete}}
		judged, _ := Judge(&r, nil, Policy{FailOn: c.failOn})
		got := Verdict("")
		if judged.Gate != nil {
			got = judged.Gate.Verdict
		}
		if got != c.want {
			t.Errorf("%v, complete %v, fail on %q: %q, want %q", c.findings, c.complete, c.failOn, got, c.want)
		}
	}
}

func TestSeverityFlag(t *testing.T) {
	var s Severity
	for _, ok := range []string{"error", "warning", "info", "never"} {
		if err := s.Set(ok); err != nil || s.String() != ok {
			t.Errorf("%s: %q, %v", ok, s, err)
		}
	}
	if s.Set("fatal") == nil {
		t.Error("fatal is no severity")
	}
}
