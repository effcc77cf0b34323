package hotkeys

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/loadgen/stat"
	"github.com/kvtool/kvtool/report"
)

const ruleHotKey = "KD023"

// Rules lists the rules that only accesses can break, with their documentation.
func Rules() []*report.Rule { return []*report.Rule{hotTemplate()} }

// Judged returns the rules that a report of hot keys judges, by its source: only a watch tells what was written with which TTL.
func Judged(source string) map[string]bool {
	return map[string]bool{ruleHotKey: true, hotTemplate().ID: true, ruleLongTTL: source == "watch"}
}

// ruleLongTTL is memcached-ttl-over-30d, which package lint documents.
const ruleLongTTL = "KD069"

// dead holds each template against KD069: what was gone as it was written.
func dead(all []template) []report.Finding {
	var found []report.Finding
	for i := range all {
		t := &all[i]
		if t.dead == 0 || t.text == "" {
			continue
		}
		found = append(found, report.Finding{
			Rule: ruleLongTTL, Severity: report.Error, Subject: t.text,
			Message:  fmt.Sprintf("%s of its writes were gone at once: their expiry lay in the past", humanize.Ratio(share(float64(t.dead), float64(t.writes)))),
			Measure:  &report.Metric{Name: "dead", Value: report.Number(t.dead), Unit: report.UnitCount},
			Evidence: []report.Metric{{Name: "writes", Value: report.Number(t.writes), Unit: report.UnitCount}},
			Fix: "a TTL of more than 30 days is a date for memcached: send now + 60 days, or a shorter TTL; a negative TTL, meant as a deletion, " +
				"looks the same",
		})
	}
	return found
}

// hotLimit returns a limit of KD023, which are those of package lint: it says what the rule is.
func hotLimit(name string) float64 {
	for _, r := range lint.Rules() {
		for _, l := range r.Limits {
			if r.ID == ruleHotKey && l.Name == name {
				return l.Value
			}
		}
	}
	return math.Inf(1)
}

// What helps: against reads a copy, against writes parts.
const (
	fixReads  = "it is read: keep it in the clients for a second (client-side caching), or read one of n copies (key:{0..n})"
	fixWrites = "it is written: split it into n parts (key:{0..n}) that are added up when read, or gather writes in the clients"
	fixBoth   = "it is read and written: keep it in the clients for a second, and split what is written into n parts (key:{0..n})"
	mostly    = 0.8
)

func fixFor(s sketch.HeavySums) string {
	reads, writes := float64(s[sumReads]), float64(s[sumWrites])
	switch {
	case reads+writes == 0:
		return "" // that of the rule
	case reads >= mostly*(reads+writes):
		return fixReads
	case writes >= mostly*(reads+writes):
		return fixWrites
	}
	return fixBoth
}

// hot holds the hottest key of each template against KD023. What counts is the lower end of its share of its node.
func (c *Counter) hot(nameOf func(string) string) []report.Finding {
	warning, failure := hotLimit("warning"), hotLimit("error")
	keys, next := c.heavy.Top(maxKeys)
	done := map[string]bool{}
	var found []report.Finding
	for i := range keys {
		k := &keys[i]
		low, high, node := c.ofNode(k)
		if low <= warning || !c.busy(k) {
			continue
		}
		subject := nameOf(k.Key)
		if subject == "" || done[subject] {
			continue
		}
		done[subject] = true
		f := report.Finding{
			Rule: ruleHotKey, Severity: report.Warning, Subject: subject,
			Measure: &report.Metric{
				Name: "of_node", Value: report.Number((low + high) / 2), Unit: report.UnitRatio,
				Interval: &report.Interval{Low: low, High: high},
			},
			Message: fmt.Sprintf("one key takes %s of the %s of its node", humanize.Ratio(low), c.unitName()),
			Fix:     fixFor(k.Sums), Samples: []report.Value{report.Text(k.Key)},
		}
		if k.Error == 0 && c.opt.Sample == 1 {
			f.Measure.Value, f.Measure.Interval = report.Number(high), nil
		}
		if low > failure && k.Count-k.Error >= next {
			f.Severity = report.Error
		}
		f.Evidence = c.evidence(k, node)
		found = append(found, f)
	}
	return found
}

func (c *Counter) unitName() string {
	return map[Weight]string{Ops: "operations", CPU: "time", Bytes: "bytes"}[c.opt.Weight]
}

// ofNode returns what share of its node a key takes.
func (c *Counter) ofNode(k *sketch.HeavyKey) (low, high float64, node string) {
	total := c.total()
	if node = c.nodeOf(k.Key); node != "" && len(c.nodes) > 1 {
		total = float64(c.nodes[node].of(c.opt.Weight))
	}
	least, most := float64(k.Count-k.Error), float64(k.Count)
	if c.opt.Sample == 1 || total <= 0 {
		return share(least, total), min(1, share(most, total)), node
	}
	one := float64(c.opt.Sample)
	low, _ = stat.Wilson(least/one, total/one)
	_, high = stat.Wilson(most/one, total/one)
	return low, high, node
}

// busy reports whether a key does enough for that to be hot at all. Where nobody knows how long was watched, it does.
func (c *Counter) busy(k *sketch.HeavyKey) bool {
	window := c.window().Seconds()
	if window <= 0 {
		return true
	}
	if c.all.ops() > 0 {
		ops := k.Sums[sumReads] + k.Sums[sumWrites]
		if c.opt.Weight == Ops {
			ops = max(ops, k.Count-k.Error)
		}
		return float64(ops) >= hotLimit("rate")*window
	}
	return float64(k.Sums[sumCPU]) >= hotLimit("core")*window*1e6
}

func (c *Counter) evidence(k *sketch.HeavyKey, node string) []report.Metric {
	ms := []report.Metric{{Name: "count", Value: report.Number(k.Count), Unit: report.UnitCount}}
	if ops := k.Sums[sumReads] + k.Sums[sumWrites]; ops > 0 {
		ms = append(ms, report.Metric{
			Name: "reads", Value: report.Number(float64(k.Sums[sumReads]) / float64(ops)),
			Unit: report.UnitRatio,
		})
		if w := c.window().Seconds(); w > 0 {
			ms = append(ms, report.Metric{Name: "rate", Value: report.Number(float64(ops) / w), Unit: report.UnitRate})
		}
	}
	if node != "" {
		ms = append(ms, report.Metric{Name: "node", Value: report.Text(node), Unit: report.UnitText})
	}
	return ms
}

// The limits of KD024.
const (
	skewExponent = 1.1
	skewTop      = 0.01 // of the keys
	skewShare    = 0.80 // of the operations
	skewKeys     = 100  // of which the top hundredth is one
)

func hotTemplate() *report.Rule {
	return &report.Rule{
		ID: "KD024", Name: "hot-template-skew", Title: "A template of which few keys get nearly all work", Severity: report.Info,
		Doc: `The accesses to this template's keys are so uneven that a few of them are nearly all: their exponent of Zipf is above 1.1, or
the hundredth part of them that is used most gets more than four fifths of the accesses. That is no fault. It says that a small cache
in front of the store takes most of the work, and how large it must be; and that a mean over the keys of this template means little.

The exponent is fitted to the keys of the template that were met at least 20 times, 50 of them or more, and counts only where the fit
is close (distance of Kolmogorov and Smirnov of at most .1). The share of the top hundredth is known only where every key was counted.`,
		Fix:  "cache the top of it in the clients: the report's keys and shares are the curve to size that by",
		Bad:  []string{"GET product:1 a million times, GET product:2 to product:9999 ten times each"},
		Good: []string{"GET product:1 to product:9999, each a hundred times"},
		Limits: []report.Limit{
			{Name: "exponent", Value: skewExponent, Unit: report.UnitFactor, Source: report.OwnDefault},
			{Name: "top", Value: skewTop, Unit: report.UnitRatio, Source: report.OwnDefault + ": of the keys"},
			{Name: "share", Value: skewShare, Unit: report.UnitRatio, Source: report.OwnDefault + ": of the accesses"},
			{Name: "keys", Value: skewKeys, Unit: report.UnitCount, Source: report.OwnDefault + ": that were used"},
		},
	}
}

// skewed holds each template against KD024.
func (c *Counter) skewed(nameOf func(string) string) []report.Finding {
	keys, _ := c.heavy.Top(c.heavy.Len())
	byName := map[string][]sketch.HeavyKey{}
	for i := range keys {
		if name := nameOf(keys[i].Key); name != "" {
			byName[name] = append(byName[name], keys[i])
		}
	}
	complete := c.heavy.Bound() == 0 && c.unnamed == 0 && c.opt.Sample == 1
	var found []report.Finding
	for name, ks := range byName {
		if len(ks) < skewKeys {
			continue
		}
		exponent, distance, n := fit(ks[:min(len(ks), zipfRanks)])
		top, all := 0.0, 0.0
		for i := range ks {
			if all += float64(ks[i].Count); i < int(skewTop*float64(len(ks))) {
				top = all
			}
		}
		steep := n >= zipfLeast && distance <= zipfFar && exponent > skewExponent
		if narrow := complete && top > skewShare*all; !steep && !narrow {
			continue
		}
		f := report.Finding{
			Rule: "KD024", Severity: report.Info, Subject: name,
			Message: fmt.Sprintf("few of its keys get nearly all of its %s", c.unitName()),
			Measure: &report.Metric{Name: "top_share", Value: report.Number(share(top, all)), Unit: report.UnitRatio},
			Evidence: []report.Metric{
				{Name: "keys", Value: report.Number(len(ks)), Unit: report.UnitCount},
			},
		}
		if n >= zipfLeast {
			f.Evidence = append(f.Evidence, report.Metric{Name: "exponent", Value: report.Number(exponent), Unit: report.UnitFactor})
		}
		found = append(found, f)
	}
	slices.SortFunc(found, func(a, b report.Finding) int { return strings.Compare(a.Subject, b.Subject) })
	return found
}
