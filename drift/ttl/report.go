package ttl

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// Section is the name of the section that Report returns.
const Section = "ttl_laws"

// Options of a report.
type Options struct {
	Forecast time.Duration // how far ahead; 0 is DefaultForecast
	Scanned  time.Duration // how long a live store was read for
}

// DefaultForecast is a day.
const DefaultForecast = 24 * time.Hour

// forecastParts is how many equal parts a forecast has: of a day, hours.
const forecastParts = 24

// Rules lists what a report of TTLs is judged by.
func Rules() []string {
	return []string{"KD061", "KD062", "KD063", "KD065", "KD066", "KD067", "KD068", "KD070", keydesign.TTLDrift}
}

// Report says by which law each template expires, beside what is declared, and what expires when. The findings are those that
// only an estimate of the TTL can make: one that is other than declared. Found holds what was found already, which is not found
// twice.
func Report(f *keydesign.Facts, found []report.Finding, o Options) (report.Section, []report.Finding) {
	o.Forecast = cmp.Or(o.Forecast, DefaultForecast)
	sec := report.Section{Name: Section, Title: "TTL"}
	laws := report.Table{Name: "templates", Title: "Template", Columns: lawColumns(), Rows: [][]report.Value{}}
	var more []report.Finding
	var timed, persistent, insufficient int64
	for i := range f.Templates {
		t := &f.Templates[i]
		if t.TTL.Keys == 0 {
			continue
		}
		timed, persistent = timed+t.TTL.Keys, persistent+t.TTL.Persistent
		law := LawOf(&t.TTL, o.Scanned)
		if law.Kind == Insufficient {
			insufficient++
		}
		laws.Rows = append(laws.Rows, lawRow(t, &law))
		if d, ok := against(t, &law); ok && !hasFinding(found, t.Text) {
			more = append(more, d)
		}
	}
	metric := func(name string, v report.Value, u report.Unit) {
		sec.Metrics = append(sec.Metrics, report.Metric{Name: name, Value: v, Unit: u})
	}
	metric("templates", report.Number(len(laws.Rows)), report.UnitCount)
	metric("insufficient", report.Number(insufficient), report.UnitCount)
	if timed > 0 {
		low, high := audit.Wilson(persistent, timed)
		m := report.Metric{Name: "no_ttl", Value: report.Number(float64(persistent) / float64(timed)), Unit: report.UnitRatio}
		if f.Sampled {
			m.How, m.Interval = "sampled", &report.Interval{Low: low, High: high}
		}
		sec.Metrics = append(sec.Metrics, m)
	}
	forecast, within, peak := forecast(f, o.Forecast)
	metric("expires_within", report.Text(humanize.Duration(o.Forecast.Seconds())), report.UnitText)
	metric("expiring", report.Number(math.Round(within)), report.UnitCount)
	if peak != "" {
		metric("peak", report.Text(peak), report.UnitText)
	}
	sec.Tables = []report.Table{laws, forecast}
	return sec, more
}

func lawColumns() []report.Column {
	return []report.Column{
		{Name: "template", Unit: report.UnitKey},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "law", Unit: report.UnitText},
		{Name: "ttl", Title: "TTL", Unit: report.UnitDuration},
		{Name: "ttl_low", Title: "from", Unit: report.UnitDuration, Rank: 1},
		{Name: "ttl_high", Title: "to", Unit: report.UnitDuration, Rank: 1},
		{Name: "ttl_human", Title: "likely", Unit: report.UnitDuration, Rank: 2},
		{Name: "jitter", Unit: report.UnitRatio, Rank: 3},
		{Name: "no_ttl", Title: "no TTL", Unit: report.UnitRatio},
		{Name: "no_ttl_low", Title: "from", Unit: report.UnitRatio, Rank: 4},
		{Name: "no_ttl_high", Title: "to", Unit: report.UnitRatio, Rank: 4},
		{Name: "outliers", Unit: report.UnitCount, Rank: 3},
		{Name: "other_ttls", Title: "others", Unit: report.UnitText, Rank: 2},
		{Name: "burst", Unit: report.UnitRatio, Rank: 3},
		{Name: "declared", Unit: report.UnitText},
		{Name: "distance", Unit: report.UnitText, Rank: 6},
	}
}

func lawRow(t *keydesign.TemplateFacts, l *Law) []report.Value {
	f := &t.TTL
	low, high := audit.Wilson(f.Persistent, f.Keys)
	row := []report.Value{report.Text(t.Text), report.Number(f.Keys), report.Text(string(l.Kind))}
	if l.T > 0 {
		row = append(row, seconds(l.T), seconds(l.Low), seconds(l.High), orNull(l.Human))
	} else {
		row = append(row, report.Null, report.Null, report.Null, report.Null)
	}
	jitter := report.Null
	if l.Kind == Jittered {
		jitter = report.Number(l.Jitter)
	}
	row = append(row, jitter, report.Number(float64(f.Persistent)/float64(f.Keys)), report.Number(low), report.Number(high))
	if l.T > 0 {
		row = append(row, report.Number(l.Outliers))
	} else {
		row = append(row, report.Null)
	}
	distance := report.Null
	if l.Distance > 0 {
		distance = report.Number(math.Round(1000*l.Distance) / 1000)
	}
	burst := report.Null
	if f.Burst.Keys > 0 && f.Expiring > 0 {
		burst = report.Number(float64(f.Burst.Keys) / float64(f.Expiring))
	}
	return append(row, others(l), burst, declared(f.Declared), distance)
}

// seconds rounds to four digits: an estimate has no more.
func seconds(x float64) report.Value {
	if x <= 0 {
		return report.Number(0.)
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(x)))
	return report.Number(math.Round(x*scale) / scale)
}

func orNull(x float64) report.Value {
	if x == 0 {
		return report.Null
	}
	return report.Number(x)
}

// others writes the other TTLs of a template: "1h30m (12%), 41.7d (3%, unit)".
func others(l *Law) report.Value {
	var out []string
	for _, o := range l.Others {
		text := fmt.Sprintf("%s (%s", humanize.Duration(o.T), humanize.Ratio(float64(o.Keys)/float64(l.Keys)))
		if o.Unit {
			text += ", unit"
		}
		out = append(out, text+")")
	}
	if out == nil {
		return report.Null
	}
	return report.Text(strings.Join(out, ", "))
}

func declared(d *keydesign.DeclaredTTL) report.Value {
	switch {
	case d == nil:
		return report.Null
	case d.Policy == schema.TTLNone:
		return report.Text("none")
	case d.Longest > d.Value && d.Value > 0:
		return report.Text(fmt.Sprintf("%s %s to %s", d.Policy, humanize.Duration(d.Value.Seconds()),
			humanize.Duration(d.Longest.Seconds())))
	}
	return report.Text(fmt.Sprintf("%s %s", d.Policy, humanize.Duration(max(d.Value, d.Longest).Seconds())))
}

// hasFinding reports whether a template was found to have a TTL in a wrong unit, or one that is too long.
func hasFinding(found []report.Finding, template string) bool {
	return slices.ContainsFunc(found, func(f report.Finding) bool {
		return f.Subject == template && (f.Rule == "KD063" || f.Rule == keydesign.TTLDrift)
	})
}

// slack is by how much a TTL may be off the declared one: clocks, and rounding.
const slack = 0.1

// against holds the estimated TTL against the declared one. That one is too long package keydesign finds by each key; that it is
// too short, or of another law, only an estimate can tell.
func against(t *keydesign.TemplateFacts, l *Law) (report.Finding, bool) {
	d := t.TTL.Declared
	if d == nil || l.T == 0 || d.Policy != schema.TTLFixed && d.Policy != schema.TTLSliding {
		return report.Finding{}, false
	}
	f := report.Finding{
		Rule: keydesign.TTLDrift, Severity: report.Warning, Subject: t.Text, Pos: d.Pos,
		Measure: &report.Metric{Name: "ttl", Value: seconds(l.T), Unit: report.UnitDuration, Interval: &report.Interval{
			Low:  l.Low,
			High: l.High,
		}},
		Evidence: []report.Metric{{Name: "declared", Value: report.Seconds(d.Value), Unit: report.UnitDuration}},
	}
	for _, k := range t.Samples[:min(1, len(t.Samples))] {
		f.Samples = append(f.Samples, report.Text(k))
	}
	shortest := d.Value.Seconds()
	switch {
	case l.Kind == Mixed && len(l.Others) > 0 && shortest > 0:
		f.Message = fmt.Sprintf("the keys have several TTLs; %s is declared", humanize.Duration(shortest))
	case l.Kind != Mixed && shortest > 0 && l.High < shortest*(1-slack):
		f.Message = fmt.Sprintf("the TTL seems to be %s; %s is declared", humanize.Duration(l.T), humanize.Duration(shortest))
	case d.Policy == schema.TTLFixed && l.Kind == Sliding:
		f.Message = "each use sets the TTL anew; a fixed one is declared"
	case d.Policy == schema.TTLSliding && (l.Kind == Fixed || l.Kind == Jittered):
		f.Message = "no use sets the TTL anew; a sliding one is declared"
	default:
		return f, false
	}
	return f, true
}

// forecast adds up what expires in each part of the time to come, with the template of which most does.
func forecast(f *keydesign.Facts, ahead time.Duration) (t report.Table, within float64, peak string) {
	t = report.Table{Name: "forecast", Title: "Expires within", Columns: []report.Column{
		{Name: "until", Unit: report.UnitKey},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "most", Title: "most of it", Unit: report.UnitKey},
		{Name: "most_keys", Title: "keys", Unit: report.UnitCount, Rank: 1},
	}}
	part := ahead.Seconds() / forecastParts
	greatest := 0.0
	for i := range forecastParts {
		from, to := float64(i)*part, float64(i+1)*part
		var keys, bytes, most float64
		name := report.Null
		for j := range f.Templates {
			x := &f.Templates[j]
			n := due(&x.TTL, from, to) * float64(x.Keys) / float64(max(1, x.TTL.Keys))
			keys += n
			if x.Keys > 0 {
				bytes += n * float64(x.Bytes) / float64(x.Keys)
			}
			if n > most {
				most, name = n, report.Text(x.Text)
			}
		}
		size := report.Null
		if f.Bytes > 0 {
			size = report.Number(math.Round(bytes))
		}
		t.Rows = append(t.Rows, []report.Value{
			report.Text(humanize.Duration(to)), report.Number(math.Round(keys)), size, name, report.Number(math.Round(most)),
		})
		if within += keys; keys > greatest {
			greatest = keys
			peak = fmt.Sprintf("%s keys within %s to %s", humanize.Count(keys), humanize.Duration(from), humanize.Duration(to))
		}
	}
	return t, within, peak
}

// due returns about how many of the keys that were asked expire between from and to.
func due(f *keydesign.TTLFacts, from, to float64) (n float64) {
	for _, s := range f.Due {
		if overlap := min(to, s.High) - max(from, s.Low); overlap > 0 {
			n += float64(s.Keys) * overlap / (s.High - s.Low)
		}
	}
	return n
}
