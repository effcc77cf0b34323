package compare

import (
	"fmt"
	"math"
	"time"

	"github.com/kvtool/kvtool/drift/ttl"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// compare judges one template, and returns its row.
func (c *comparison) compare(p *pair) []report.Value {
	row := row{p: p}
	if c.Normalise {
		for i, t := range []*keydesign.TemplateFacts{p.base, p.head} {
			if all := []int64{c.base.facts.Keys, c.head.facts.Keys}[i]; t != nil && all > 0 {
				row.shares[i] = float64(t.Keys) / float64(all)
			}
		}
	}
	switch {
	case p.base == nil:
		c.appeared(p)
		row.verdict = "new"
	case p.head == nil:
		c.gone(p)
		row.verdict = "gone"
	default:
		before := len(c.findings)
		if p.moved != "" {
			c.find(report.Finding{
				Rule: gone().ID, Severity: report.Warning, Subject: p.text, Measure: count("keys", p.head.Keys),
				Message: "was called " + p.moved, Samples: samples(p.head),
			})
		}
		c.counts(p)
		if p.base.Keys < fewest || p.head.Keys < fewest {
			c.few++
			row.verdict = "insufficient"
			break
		}
		c.law(p, &row)
		c.sizes(p)
		c.types(p)
		if row.verdict = "same"; len(c.findings) > before {
			row.verdict = "drift"
		}
	}
	return row.values()
}

func samples(t *keydesign.TemplateFacts) (vs []report.Value) {
	for _, k := range t.Samples[:min(2, len(t.Samples))] {
		vs = append(vs, report.Text(k))
	}
	return vs
}

func count(name string, n int64) *report.Metric {
	return &report.Metric{Name: name, Value: report.Number(n), Unit: report.UnitCount}
}

func metric(name string, v float64, u report.Unit) report.Metric {
	return report.Metric{Name: name, Value: report.Number(v), Unit: u}
}

func (c *comparison) appeared(p *pair) {
	if beneath(float64(p.head.Keys) / max(1, c.scale())) {
		c.strays++
		return
	}
	if _, elsewhere := c.home(c.base.facts, p.head); elsewhere {
		c.otherwise++
		return
	}
	c.find(report.Finding{
		Rule: gone().ID, Severity: report.Warning, Subject: p.text, Measure: count("keys", p.head.Keys),
		Message: fmt.Sprintf("%d keys, and none before", p.head.Keys), Samples: samples(p.head),
	})
}

func (c *comparison) gone(p *pair) {
	if beneath(float64(p.base.Keys) * min(1, c.scale())) {
		c.strays++
		return
	}
	if _, elsewhere := c.home(c.head.facts, p.base); elsewhere {
		c.otherwise++
		return
	}
	c.find(report.Finding{
		Rule: gone().ID, Severity: report.Warning, Subject: p.text, Measure: count("keys_before", p.base.Keys),
		Message: fmt.Sprintf("none left of %d keys", p.base.Keys), Samples: samples(p.base),
	})
}

// beneath reports whether so many keys, which one side has, may be missing on the other by chance.
func beneath(keys float64) bool { return keys < fewestNew }

// counts compares keys and bytes.
func (c *comparison) counts(p *pair) {
	times := c.scale()
	a, b := float64(p.base.Keys), float64(p.head.Keys)
	ratio := b / (a * times)
	if max(a, b) < fewestNew || max(ratio, 1/ratio) < countInfo || !many(a, b, times) {
		return
	}
	severity, what := report.Info, "keys"
	if max(ratio, 1/ratio) >= countWarning && max(a, b) >= fewest {
		severity = report.Warning
	}
	if c.Normalise {
		what = "of the share of keys"
	}
	f := report.Finding{
		Rule: counts().ID, Severity: severity, Subject: p.text,
		Message: fmt.Sprintf("%s times the %s: %d, and %d before", digits(ratio), what, p.head.Keys, p.base.Keys),
		Evidence: []report.Metric{
			metric("keys_before", a, report.UnitCount), metric("keys", b, report.UnitCount),
			metric("bytes_before", float64(p.base.Bytes), report.UnitBytes), metric("bytes", float64(p.head.Bytes), report.UnitBytes),
		},
	}
	m := metric("ratio", ratio, report.UnitFactor)
	f.Measure = &m
	c.find(f)
}

func digits(x float64) string {
	switch {
	case x >= 10:
		return fmt.Sprintf("%.0f", x)
	case x >= 1:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2g", x)
}

// A change is what one of the tests of a law says.
type change struct {
	severity report.Severity
	says     string
}

// law compares how keys expire.
func (c *comparison) law(p *pair, row *row) {
	a, b := lawOf(&p.base.TTL), lawOf(&p.head.TTL)
	if a.keys < fewest || b.keys < fewest {
		return
	}
	s := shapes(a.histogram(), b.histogram())
	ks, w1 := distances(&a, &b)
	row.js = s.js
	row.lawful = true
	changes := []change{shapeOf(s), lostOf(&a, &b)}
	if a.left >= fewest && b.left >= fewest {
		cut := edge(&a, &b)
		x, y := a.lifetime(cut), b.lifetime(cut)
		row.ttlBase, row.ttlHead = x.ttl, y.ttl
		changes = append(changes, lifeOf(x, y), farOf(&a, &b, x))
	}
	f := report.Finding{Rule: ttlDrift().ID, Subject: p.text, Samples: samples(p.head)}
	for _, ch := range changes {
		if ch.severity == "" {
			continue
		}
		if f.Severity == "" || ch.severity.AtLeast(f.Severity) {
			f.Severity = ch.severity
		}
		if f.Message != "" {
			f.Message += "; "
		}
		f.Message += ch.says
	}
	if f.Severity == "" {
		return
	}
	was, is := ttl.LawOf(&p.base.TTL, time.Duration(c.base.Report.Coverage.Elapsed)), ttl.LawOf(&p.head.TTL, time.Duration(c.head.Report.Coverage.Elapsed))
	if was.Kind != is.Kind {
		f.Message += fmt.Sprintf("; by law they are %s, and were %s", is.Kind, was.Kind)
	}
	m := metric("js_distance", s.js, report.UnitRatio)
	f.Measure = &m
	f.Evidence = []report.Metric{
		metric("js_by_chance", s.chance, report.UnitRatio), metric("ks_distance", ks, report.UnitRatio),
		metric("ks_by_chance", 1.63*math.Sqrt(1/max(1, a.left)+1/max(1, b.left)), report.UnitRatio),
		metric("moved_by", w1, report.UnitDuration), metric("psi", s.psi, report.UnitFactor),
		metric("ttl_before", row.ttlBase, report.UnitDuration), metric("ttl", row.ttlHead, report.UnitDuration),
		{Name: "law_before", Value: report.Text(string(was.Kind)), Unit: report.UnitText},
		{Name: "law", Value: report.Text(string(is.Kind)), Unit: report.UnitText},
		metric("no_ttl_before", a.persistent/a.keys, report.UnitRatio), metric("no_ttl", b.persistent/b.keys, report.UnitRatio),
	}
	c.find(f)
}

func shapeOf(s shape) change {
	if s.js <= s.chance || s.js < shapeInfo {
		return change{}
	}
	severity := report.Info
	switch {
	case s.js >= shapeError:
		severity = report.Error
	case s.js >= shapeWarning:
		severity = report.Warning
	}
	return change{severity, fmt.Sprintf("what keys have left is spread otherwise (distance %.2f)", s.js)}
}

func lostOf(a, b *law) change {
	d, low, high, yes := differ(a.persistent, a.keys, b.persistent, b.keys)
	if !yes || math.Abs(d) < lostLeast {
		return change{}
	}
	severity := report.Warning
	if math.Abs(d) >= lostError {
		severity = report.Error
	}
	return change{severity, fmt.Sprintf("%+.2g points without TTL (%+.2g to %+.2g)", 100*d, 100*low, 100*high)}
}

func lifeOf(x, y lifetime) change {
	if !x.sharp || !y.sharp || x.ttl <= 0 {
		return change{}
	}
	ratio := y.ttl / x.ttl
	apart := x.high < y.low || y.high < x.low
	if !apart || max(ratio, 1/ratio) <= ttlRatio {
		return change{}
	}
	severity := report.Warning
	if max(ratio, 1/ratio) > ttlError {
		severity = report.Error
	}
	return change{severity, fmt.Sprintf("the TTL is about %s, and was %s", seconds(y.ttl), seconds(x.ttl))}
}

func farOf(a, b *law, x lifetime) change {
	if !x.sharp {
		return change{}
	}
	limit := unitBeyond * x.ttl
	d, low, high, yes := differ(a.beyond(limit), a.left, b.beyond(limit), b.left)
	if !yes || math.Abs(d) < lostLeast {
		return change{}
	}
	return change{report.Warning, fmt.Sprintf("%+.2g points live more than twice as long (%+.2g to %+.2g): another unit?", 100*d, 100*low, 100*high)}
}

func seconds(s float64) string {
	switch {
	case s >= 2*86400:
		return fmt.Sprintf("%.3g d", s/86400)
	case s >= 2*3600:
		return fmt.Sprintf("%.3g h", s/3600)
	case s >= 120:
		return fmt.Sprintf("%.3g min", s/60)
	}
	return fmt.Sprintf("%.3g s", s)
}

// sizes compares the median and the 99th percentile of what a key takes, where the two lie apart beyond the error of a quantile:
// of n keys the p-quantile lies between those of p ± z·√(p(1-p)/n).
func (c *comparison) sizes(p *pair) {
	for _, q := range []struct {
		at     float64
		fewest int64
		name   string
	}{{.5, fewest, "median"}, {.99, 1000, "99th percentile"}} {
		n, m := p.base.Sized, p.head.Sized
		if n < q.fewest || m < q.fewest || p.base.SizeAt == nil || p.head.SizeAt == nil {
			continue
		}
		a, b := around(p.base, q.at), around(p.head, q.at)
		ratio := b[1] / a[1]
		if max(ratio, 1/ratio) <= sizeRatio || a[2]*1.02 >= b[0] && b[2]*1.02 >= a[0] {
			continue
		}
		f := report.Finding{
			Rule: sizes().ID, Severity: report.Warning, Subject: p.text,
			Message:  fmt.Sprintf("the %s of the sizes is %s times what it was: %.0f bytes, and %.0f before", q.name, digits(ratio), b[1], a[1]),
			Evidence: []report.Metric{metric("bytes_before", a[1], report.UnitBytes), metric("bytes", b[1], report.UnitBytes)},
		}
		m1 := metric("ratio", max(ratio, 1/ratio), report.UnitFactor)
		f.Measure = &m1
		c.find(f)
		return
	}
}

// around returns a quantile between two others that it surely lies between.
func around(t *keydesign.TemplateFacts, p float64) (q [3]float64) {
	half := sure * math.Sqrt(p*(1-p)/float64(t.Sized))
	for i, at := range []float64{max(0, p-half), p, min(1, p+half)} {
		v, _ := t.SizeAt(at)
		q[i] = float64(v)
	}
	return q
}

// types compares which types the keys have.
func (c *comparison) types(p *pair) {
	all := func(t *keydesign.TemplateFacts) (n float64) {
		for _, x := range t.Types {
			n += float64(x.Keys)
		}
		return n
	}
	of := func(t *keydesign.TemplateFacts, typ kv.Type) float64 {
		for _, x := range t.Types {
			if x.Type == typ {
				return float64(x.Keys)
			}
		}
		return 0
	}
	n, m := all(p.base), all(p.head)
	if n < fewest || m < fewest {
		return
	}
	was, is := mainType(p.base), mainType(p.head)
	d, low, high, yes := differ(of(p.base, was), n, of(p.head, was), m)
	if !yes || math.Abs(d) < typeShare {
		return
	}
	severity := report.Warning
	if was != is {
		severity = report.Error
	}
	measure := metric("change", math.Abs(d), report.UnitRatio)
	c.find(report.Finding{
		Rule: types().ID, Severity: severity, Subject: p.text, Measure: &measure,
		Message:  fmt.Sprintf("%+.2g points of type %s (%+.2g to %+.2g); most are %s", 100*d, was, 100*low, 100*high, is),
		Evidence: []report.Metric{{Name: "type_before", Value: report.Text(string(was)), Unit: report.UnitText}, {Name: "type", Value: report.Text(string(is)), Unit: report.UnitText}},
	})
}
