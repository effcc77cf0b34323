package audit

import (
	"fmt"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A Depth says how much a run asks of the keys. Every key is counted and put under its template whatever the depth.
type Depth string

// The depths. The zero value is DepthFull.
const (
	DepthFull     Depth = "full"     // everything that an analysis wants, of every key
	DepthAdaptive Depth = "adaptive" // the same, of a kind of keys until it is known; then of a sample of them
	DepthCount    Depth = "count"    // names, and what comes with them
)

// Depths lists them.
var Depths = [...]Depth{DepthFull, DepthAdaptive, DepthCount}

// Set makes a *Depth a flag value.
func (d *Depth) Set(s string) error {
	for _, known := range Depths {
		if s == string(known) {
			*d = known
			return nil
		}
	}
	return fmt.Errorf("want full, adaptive or count")
}

// String returns the name that Set reads.
func (d Depth) String() string {
	if d == "" {
		return string(DepthFull)
	}
	return string(d)
}

// Type names the flag's value in help.
func (Depth) Type() string { return "depth" }

// withName are the facts that a store tells along with a key's name, or can compute from it: they cost nothing.
const withName = kv.FieldName | kv.FieldSlot | kv.FieldPlace

// have returns the facts that a run of this depth may ask for, of those that the store provides.
func (d Depth) have(provided kv.Field) kv.Field {
	if d == DepthCount {
		return provided & withName
	}
	return provided
}

// asked are the facts that a run of adaptive depth asks of some keys only. The others it asks of all, or the store itself
// asks them of a sample.
const asked = kv.Universal &^ withName

// asker returns the collector that decides what to ask, or nil: then everything is asked of every key.
func (d Depth) asker(cs []Collector) Asker {
	if d == DepthAdaptive {
		for _, c := range cs {
			if a, ok := c.(Asker); ok {
				return a
			}
		}
	}
	return nil
}

// census counts the keys of all shards so far.
func (r *run) census() (c census) {
	for i := range r.folds {
		c.keys += r.folds[i].keys
		c.asked += r.folds[i].asked
	}
	return c
}

// A basis is what the numbers of a report rest on, besides the collectors.
type basis struct {
	info    *kv.Info
	depth   Depth
	census  census        // of the keys
	elapsed time.Duration // as in Output
}

// sampled says in the document that facts were asked of some keys only.
func (b *basis) sampled(doc *report.Report) {
	why := b.why()
	if why == "" {
		return
	}
	doc.Coverage.Why = append(doc.Coverage.Why, why)
	for i := range doc.Target.Facts {
		if f := &doc.Target.Facts[i]; b.info.Facts[i].Field&asked != 0 && f.How != kv.Missing.String() {
			f.How, f.Why = kv.Sampled.String(), sampledWhy(b.share(), f.Why)
		}
	}
}

// why is the sentence for who wonders at numbers that are sampled, or empty.
func (b *basis) why() string {
	if b.census.how() == "" {
		return ""
	}
	return fmt.Sprintf("%s of the keys were asked for more than their names; sums are scaled up from these, by template (--depth %s)",
		b.share(), b.depth)
}

func (b *basis) share() string { return percent(float64(b.census.asked) / float64(b.census.keys)) }

// percent writes a share: "21%", "1.6%".
func percent(share float64) string {
	if share >= 0.1 {
		return fmt.Sprintf("%.0f%%", 100*share)
	}
	return fmt.Sprintf("%.1f%%", 100*share)
}

func sampledWhy(share, why string) string {
	s := "asked of " + share + " of the keys"
	if why != "" {
		s += "; " + why
	}
	return s
}

// measured adds to a section whose numbers follow from a sample how many of the keys that is.
func (b *basis) measured(a *Analyzer, s *report.Section) {
	if c := &b.census; c.how() != "" && (a.Needs|a.Uses)&asked != 0 {
		s.Metrics = append(s.Metrics, report.Metric{Name: "measured", Value: ratio(c.asked, c.keys), Unit: report.UnitRatio})
	}
}
