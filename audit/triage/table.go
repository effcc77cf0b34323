package triage

import (
	"fmt"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// tableRules are about tables of a service that has no servers to ask.
func tableRules() []rule {
	return []rule{
		{
			Rule: report.Rule{
				ID: "TR021", Name: "table-not-active", Title: "A table or an index that is being changed, or cannot be read", Severity: report.Error,
				Stores: []string{"dynamodb"},
				Doc: `The table is not ACTIVE: it is being made, deleted or changed, or its key of encryption is out of reach, and then every request fails.
Or an index is being filled, which takes capacity that nobody has planned for: while it is, writes may be throttled.`,
				Fix:  "wait for UPDATING and CREATING; where the key is out of reach, give the table's role access to it again",
				Bad:  []string{"TableStatus INACCESSIBLE_ENCRYPTION_CREDENTIALS", "IndexStatus CREATING"},
				Good: []string{"TableStatus ACTIVE"},
			},
			needs: []string{"indexes_building"},
			judge: tableNotActive,
		},
		{
			Rule: report.Rule{
				ID: "TR022", Name: "throttled", Title: "Requests that are turned away for want of capacity", Severity: report.Error, Stores: []string{"dynamodb"},
				Doc: `Requests are throttled: the table, an index or one partition is asked for more than it may take in a second (3,000 read units and 1,000
write units of a partition). A table does not tell that itself, and its metrics do: triage, which reads nothing, cannot rule it out. An audit
(--server) names how many of its own reads were turned away.`,
				Fix:  "look for a hot partition key (kvtool hotkeys, keydesign check), then capacity or on-demand",
				Bad:  []string{"ReadThrottleEvents 400 in a minute"},
				Good: []string{"ReadThrottleEvents 0"},
			},
			needs: []string{"throttled_requests"},
			judge: throttled, lasting: true,
		},
	}
}

func tableNotActive(p *pair) []Cause {
	status, building := p.text("table_status"), p.number("indexes_building")
	c := Cause{
		Subject: "table", Evidence: []report.Metric{{Name: "status", Value: report.Text(status), Unit: report.UnitText}},
		Measure: report.Metric{Name: "indexes_building", Value: report.Number(building), Unit: report.UnitCount},
		Avoid:   "do not change the table again before it is ACTIVE",
	}
	switch {
	case status == "UPDATING", status == "ACTIVE" && building > 0:
		c.Severity, c.Weight = report.Warning, 0.3
		c.Message = "the table is being changed"
		if building > 0 {
			c.Message = fmt.Sprintf("%s being made or changed: %s", humanize.Counted(int64(building), "index")+" is", p.text("index"))
		}
	case status != "ACTIVE":
		c.Severity, c.Weight, c.Message = report.Error, 1, "the table is not active: "+status
	default:
		return nil
	}
	return []Cause{c}
}

func throttled(p *pair) []Cause {
	n := p.growth("throttled_requests")
	if n == 0 {
		return nil
	}
	return []Cause{{
		Severity: report.Error, Subject: "table", Weight: min(1, n/max(n, p.growth("total_commands_processed"), 1)),
		Message: humanize.Count(n) + " of the requests that kvtool has sent were throttled",
		Measure: report.Metric{Name: "throttled", Value: report.Number(n), Unit: report.UnitCount},
		Avoid:   "do not have clients try again at once: each attempt takes capacity as well",
	}}
}
