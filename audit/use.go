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

const ours = "default of kvtool"

// serverSubject is the subject of findings on a server as a whole.
const serverSubject = "server"

func hitRate() *report.Rule {
	return &report.Rule{
		ID: "SV006", Name: "hit-rate", Title: "Reads that find nothing", Severity: report.Info, Stores: []string{"memcached"},
		Doc: `Fewer than four of five reads have found their key since the server was started. Each of the others went to what the cache is to
spare. Usual reasons: too little memory (SV007), TTLs that are shorter than the time between two reads, values that are read under
another name than they are written (KD092).`,
		Fix:  "give it more memory if it evicts, else longer TTLs; look for templates that are never read",
		Bad:  []string{"get_hits 3,000,000 and get_misses 2,000,000"},
		Good: []string{"get_hits 4,500,000 and get_misses 500,000"},
		Limits: []report.Limit{
			{Name: "hit_rate", Value: leastHitRate, Unit: report.UnitRatio, Source: ours},
			{Name: "lookups", Value: leastLookups, Unit: report.UnitCount, Source: ours + ": since the start; of fewer nothing is said"},
		},
	}
}

func evictions() *report.Rule {
	return &report.Rule{
		ID: "SV007", Name: "evictions", Title: "Keys that went for want of memory", Severity: report.Warning, Stores: []string{"memcached"},
		Doc: `Since it was started the server has evicted more than a hundredth as many keys as it holds: its memory is full, and what nobody has
used for longest goes. Of which of them nobody had read any says whether memory is what is lacking: where most went unread, they
took the place of keys that are read, and fewer of them help more than memory does (KD092).`,
		Fix:  "more memory (-m) or servers, shorter TTLs, or fewer keys that nobody reads",
		Bad:  []string{"100,000 items, and evictions 40,000 of which evicted_unfetched 30,000"},
		Good: []string{"100,000 items, and evictions 0"},
		Limits: []report.Limit{
			{Name: "share", Value: mostEvicted, Unit: report.UnitRatio, Source: ours + ": of the keys that there are"},
			{Name: "evictions", Value: leastEvictions, Unit: report.UnitCount, Source: ours + ": since the start; fewer are chance"},
		},
	}
}

func refusedClients() *report.Rule {
	return &report.Rule{
		ID: "SV015", Name: "too-many-clients", Title: "Clients that had to wait for a connection", Severity: report.Warning, Stores: []string{"memcached"},
		Doc: `The server has reached its greatest number of connections and stopped listening for a while: whoever connected then had to wait, or
gave up.`,
		Fix:    "raise it (-c), or let clients share connections",
		Bad:    []string{"listen_disabled_num 12 with maxconns 1024"},
		Good:   []string{"listen_disabled_num 0"},
		Limits: []report.Limit{{Name: "times", Value: 0, Unit: report.UnitCount, Source: ours + ": since the start"}},
	}
}

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
