package render

import (
	"strconv"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// unknown is shown for what is not known. It is never 0.
const unknown = "-"

// human writes a value for people, scaled by its unit and fit to print.
func human(v report.Value, u report.Unit, ascii bool) string {
	if s, ok := v.Text(); ok {
		return clean(s, ascii)
	}
	n, ok := v.Number()
	if !ok {
		return unknown
	}
	switch u {
	case report.UnitBytes:
		return humanize.Bytes(n)
	case report.UnitRatio:
		return humanize.Ratio(n)
	case report.UnitDuration:
		return clean(humanize.Duration(n), ascii)
	case report.UnitRate:
		return humanize.Rate(n)
	case report.UnitTime:
		return humanize.Time(n)
	case report.UnitFactor:
		return humanize.Factor(n)
	case report.UnitFlag:
		if n == 0 {
			return "no"
		}
		return "yes"
	case report.UnitText, report.UnitKey:
		return number(n) // a name that happens to be a number
	}
	return humanize.Count(n)
}

// raw writes a number unscaled, for programs: all digits of a whole number, six of another. Null is empty.
func raw(v report.Value) string {
	n, ok := v.Number()
	if !ok {
		return ""
	}
	return number(n)
}

// number writes n as JSON does.
func number(n float64) string {
	if n == float64(int64(n)) && n < 1<<53 && n > -1<<53 {
		return strconv.FormatInt(int64(n), 10)
	}
	return strconv.FormatFloat(n, 'g', 6, 64)
}

// metric writes a metric for people, with its interval if it is an estimate.
func metric(m *report.Metric, ascii bool) string {
	s := human(m.Value, m.Unit, ascii)
	if n, ok := m.Value.Number(); ok && m.Interval != nil {
		half := max(m.Interval.High-n, n-m.Interval.Low)
		s += clean(" ±", ascii) + human(report.Number(half), m.Unit, ascii)
	}
	return s
}

// isText reports whether values of the unit are words, which stand to the left.
func isText(u report.Unit) bool { return u == report.UnitKey || u == report.UnitText || u == "" }
