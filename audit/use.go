package audit

import (
	"fmt"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// The limits of SV006, SV007 and SV015.
const (
	leastHitRate   = 0.8
	leastLookups   = 1_000_000
	mostEvicted    = 0.01 // of the keys that there are
	leastEvictions = 1000
	mostlyUnread   = 0.5
)

// serverSubject is the subject of findings on a server as a whole.
const serverSubject = "server"

// reportUse says what reads have found and what had to go, of a server that tells it.
func reportUse(out *Output, s *kv.Server) {
	count := func(name string, n int64) report.Metric {
		return report.Metric{Name: name, Value: report.Number(n), Unit: report.UnitCount}
	}
	lookups := s.Hits + s.Misses
	if lookups > 0 {
		rate := report.Metric{Name: "hit_rate", Value: ratio(s.Hits, lookups), Unit: report.UnitRatio}
		out.Metrics = append(out.Metrics, rate, count("lookups", lookups))
		if lookups >= leastLookups && float64(s.Hits) < leastHitRate*float64(lookups) {
			out.Findings = append(out.Findings, report.Finding{
				Rule: "SV006", Severity: report.Info, Subject: serverSubject, Message: fmt.Sprintf("%s of the reads found nothing", percent(float64(s.Misses)/float64(lookups))),
				Measure:  &report.Metric{Name: "miss_rate", Value: ratio(s.Misses, lookups), Unit: report.UnitRatio},
				Evidence: []report.Metric{rate, count("lookups", lookups)},
			})
		}
	}
	if s.Classes == nil { // only who has them tells what was evicted unread
		return
	}
	out.Metrics = append(out.Metrics, count("evicted", s.Evicted), count("evicted_unread", s.EvictedUnread), count("expired_unread", s.ExpiredUnread))
	if s.Evicted >= leastEvictions && out.Store.KeysKnown && float64(s.Evicted) > mostEvicted*float64(out.Store.Keys) {
		f := report.Finding{
			Rule: "SV007", Severity: report.Warning, Subject: serverSubject, Message: "keys were evicted for want of memory",
			Measure:  &report.Metric{Name: "evicted", Value: report.Number(s.Evicted), Unit: report.UnitCount},
			Evidence: []report.Metric{{Name: "unread", Value: ratio(s.EvictedUnread, s.Evicted), Unit: report.UnitRatio}, count("keys", out.Store.Keys)},
		}
		if float64(s.EvictedUnread) > mostlyUnread*float64(s.Evicted) {
			f.Message = fmt.Sprintf("keys were evicted for want of memory, %s of them never read", percent(float64(s.EvictedUnread)/float64(s.Evicted)))
		}
		out.Findings = append(out.Findings, f)
	}
	if s.Refused > 0 {
		out.Findings = append(out.Findings, report.Finding{
			Rule: "SV015", Severity: report.Warning, Subject: serverSubject, Message: "its limit of connections was reached: clients had to wait",
			Measure: &report.Metric{Name: "times", Value: report.Number(s.Refused), Unit: report.UnitCount},
		})
	}
}
