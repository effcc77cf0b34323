// Package threshold judges a recording by what people write of it: p99 < 5ms, errors < 0.1%, hit_rate >= 95%.
//
// The one idea is that a number which the recording cannot tell decides nothing: a percentile with fewer than a hundred samples
// beyond it, a latency that the generator has spoiled and a figure that the server does not give are inconclusive, never passed.
package threshold

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/spell"
	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/report"
)

// A Threshold is one limit.
type Threshold struct {
	Text   string // as it was written, blanks apart
	Metric string // p99, service.p99.9, lag.max, errors, achieved, hit_rate …
	Op     string // the operation that it is of; empty is all
	Sign   string // < <= > >= ==
	Value  float64
	unit   report.Unit
}

// Name is what is limited: p99, or p99(lock) of one operation.
func (t *Threshold) Name() string {
	if t.Op == "" {
		return t.Metric
	}
	return t.Metric + "(" + t.Op + ")"
}

// BuiltIn holds for every open loop: what was asked for was done.
const BuiltIn = "achieved >= 99%"

// NoErrors holds for every run of whose errors nobody says otherwise.
const NoErrors = "errors <= 0%"

// enough is how many samples beyond a percentile are needed to judge it.
const enough = 100

// shares and amounts are the metrics that are no latencies.
func shares() []string { return []string{"errors", "achieved", "hit_rate"} }

func amounts() []string {
	return []string{"unsent", "evicted", "expired", "used_memory", "violations", "throttled", "read_units", "write_units"}
}

func known() []string {
	return append(append(shares(), amounts()...), "p50", "p90", "p99", "p99.9", "max", "service.p99", "lag.p99")
}

var (
	form = regexp.MustCompile(`^([a-z_]+[a-z0-9_.]*)(?:\(([^()]+)\))?\s*(<=|>=|==|<|>)\s*(\S+)$`)
	tail = regexp.MustCompile(`^(?:(service|lag)\.)?(?:p([0-9]{1,2}(?:\.[0-9]{1,4})?)|max)$`)
)

// Parse reads a threshold. Errors are of usage.
func Parse(text string) (Threshold, error) {
	m := form.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return Threshold{}, kv.WithHint(kv.Usagef("threshold %q", text), "METRIC OP VALUE, such as 'p99 < 5ms', 'errors < 0.1%' or 'p99(lock) < 40ms'")
	}
	t := Threshold{Metric: m[1], Op: m[2], Sign: m[3]}
	t.Text = t.Name() + " " + t.Sign + " " + m[4]
	ok := false
	switch {
	case tail.MatchString(t.Metric):
		var d time.Duration
		d, ok = yamlfile.ParseDuration(m[4])
		t.Value, t.unit = d.Seconds(), report.UnitDuration
	case slices.Contains(shares(), t.Metric):
		t.Value, ok = yamlfile.ParsePercent(m[4])
		t.unit = report.UnitRatio
	case slices.Contains(amounts(), t.Metric):
		t.Value, ok = yamlfile.ParseNumber(m[4])
		t.unit = report.UnitCount
		if t.Metric == "used_memory" {
			var n int64
			n, ok = yamlfile.ParseSize(m[4])
			t.Value, t.unit = float64(n), report.UnitBytes
		}
	default:
		hint := "metrics: " + strings.Join(known(), ", ")
		if meant := spell.Nearest(t.Metric, known()); meant != "" {
			hint = "did you mean " + meant + "?"
		}
		return t, kv.WithHint(kv.Usagef("threshold %q: %s is no metric", text, t.Metric), hint)
	}
	if !ok {
		return t, kv.WithHint(kv.Usagef("threshold %q: %s is no %s", text, m[4], map[report.Unit]string{
			report.UnitDuration: "duration", report.UnitRatio: "share", report.UnitCount: "number", report.UnitBytes: "size",
		}[t.unit]), "durations are written 5ms, shares 0.1%, sizes 2GiB")
	}
	if t.Op != "" && t.unit != report.UnitDuration {
		return t, kv.WithHint(kv.Usagef("threshold %q: only latencies are known of one operation", text), "leave ("+t.Op+") out")
	}
	return t, nil
}

// Latency returns the limit, if it is one of response time, and 0 otherwise.
func (t *Threshold) Latency() time.Duration {
	if t.unit != report.UnitDuration || strings.Contains(t.Metric, "lag.") || t.Sign == ">" || t.Sign == ">=" {
		return 0
	}
	return time.Duration(t.Value * float64(time.Second))
}

// A Tail is a limit on a percentile, told as what it allows: p99 < 5ms is that of a hundred at most one takes longer than 5 ms.
type Tail struct {
	Kind    recording.Kind
	Allowed float64 // the share that may take longer
	Limit   time.Duration
}

// Tail returns what the threshold allows, if it is an upper limit on a percentile of response or service times.
func (t *Threshold) Tail() (Tail, bool) {
	m := tail.FindStringSubmatch(t.Metric)
	if m == nil || m[2] == "" || t.Latency() == 0 || t.Sign == "==" {
		return Tail{}, false
	}
	percent, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return Tail{}, false
	}
	return Tail{kindOf(m[1]), 1 - percent/100, t.Latency()}, true
}

func kindOf(name string) recording.Kind {
	return map[string]recording.Kind{"service": recording.Service, "lag": recording.Lag}[name]
}

// OfStore reports whether the number is one that a store says of itself, and no part of a recording has of its own.
func (t *Threshold) OfStore() bool {
	return slices.Contains([]string{"hit_rate", "evicted", "expired", "used_memory", "throttled", "read_units", "write_units"}, t.Metric)
}

// Worse returns the one of two numbers that is nearer to breaking the limit.
func (t *Threshold) Worse(a, b float64) float64 {
	if strings.HasPrefix(t.Sign, ">") {
		return min(a, b)
	}
	return max(a, b)
}

// Judge holds a recording against the thresholds. Counts holds what the recording does not have, or not of the whole run:
// violations, hit_rate.
func Judge(all []Threshold, r *recording.Recording, counts map[string]float64) ([]report.Check, error) {
	checks := make([]report.Check, 0, len(all))
	verdict, _ := r.Verdict()
	for i := range all {
		t := &all[i]
		c := report.Check{Name: t.Text, Unit: t.unit, Sign: t.Sign, Limit: report.Number(t.Value), Level: report.Error}
		head, why, err := t.head(r, counts)
		if err != nil {
			return nil, err
		}
		if t.unit == report.UnitDuration && (verdict == recording.GeneratorBound || verdict == recording.Unstable) {
			why = cmp.Or(why, "the run is "+string(verdict))
		}
		if c.Head = head; why != "" {
			c.Verdict, c.Why = report.Inconclusive, why
		} else {
			c.Verdict = t.verdict(head)
		}
		checks = append(checks, c)
	}
	return checks, nil
}

func (t *Threshold) verdict(head report.Value) report.Verdict {
	x, _ := head.Number()
	holds := map[string]bool{"<": x < t.Value, "<=": x <= t.Value, ">": x > t.Value, ">=": x >= t.Value, "==": x == t.Value}
	if holds[t.Sign] {
		return report.Pass
	}
	return report.Fail
}

// head returns the number that is judged, and why it cannot be.
func (t *Threshold) head(r *recording.Recording, counts map[string]float64) (head report.Value, why string, err error) {
	sum := r.Sum()
	if t.unit == report.UnitDuration {
		return t.latency(r)
	}
	switch t.Metric {
	case "errors":
		if sum.Done == 0 {
			return report.Null, "nothing was done", nil
		}
		return report.Number(float64(sum.ErrorCount()) / float64(sum.Done)), "", nil
	case "achieved":
		return report.Number(sum.Achieved()), "", nil
	case "unsent":
		return report.Number(float64(sum.Unsent)), "", nil
	case "violations":
		return report.Number(max(counts["violations"], float64(sum.Violations))), "", nil
	}
	if x, ok := counts[t.Metric]; ok {
		return report.Number(x), "", nil
	}
	for i := len(r.Seconds) - 1; i >= 0; i-- {
		if x, ok := r.Seconds[i].Server[t.Metric]; ok {
			return report.Number(x), "", nil
		}
	}
	return report.Null, "the store does not tell it", nil
}

func (t *Threshold) latency(r *recording.Recording) (head report.Value, why string, err error) {
	class := -1
	if t.Op != "" {
		if class = slices.Index(r.Meta.Classes, t.Op); class < 0 {
			return report.Null, "no operation " + t.Op + " was done", nil
		}
	}
	m := tail.FindStringSubmatch(t.Metric)
	h, err := r.Histogram(class, kindOf(m[1]), 0, len(r.Seconds))
	if err != nil || h.Count() == 0 {
		return report.Null, "no samples", err
	}
	if m[2] == "" {
		return report.Number(h.Max().Seconds()), "", nil
	}
	percent, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return report.Null, "", err
	}
	q := percent / 100
	if beyond := float64(h.Count()) * (1 - q); beyond < enough-1e-6 {
		why = fmt.Sprintf("only %.0f samples beyond it, %d are needed", beyond, enough)
	}
	return report.Number(quantile(h, q)), why, nil
}

func quantile(h *latency.Histogram, q float64) float64 { return h.Quantile(q).Seconds() }
