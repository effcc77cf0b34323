package cmd

import (
	"context"
	"time"

	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// lastReading is how long the second reading of a server may take after the audit was told to stop.
const lastReading = 5 * time.Second

// examine takes the first reading of the servers, before anything else is asked: an audit adds to what they count. What it returns takes
// the second one, and adds what is wrong with them to the report.
func (o *auditOptions) examine(ctx context.Context, store kv.Store) (end func(*report.Report), err error) {
	e, err := kv.ExaminerOf(store)
	if err != nil {
		return nil, kv.WithHint(kv.Usagef("--server: %w", err), "leave it out: a file has no server")
	}
	exams, err := e.Examine(ctx)
	if err != nil {
		return nil, targetError(err)
	}
	spans := make([]*triage.Span, len(exams))
	for i, x := range exams {
		spans[i] = triage.Begin(ctx, x)
	}
	return func(r *report.Report) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastReading)
		defer cancel()
		all := make([]*triage.Observation, len(spans))
		for i, s := range spans {
			all[i] = s.End(ctx)
			all[i].Largest = largestKey(r)
			_ = exams[i].Close() // it was only read
		}
		o.ruled = triage.AddSetup(r, all)
	}, nil
}

// largestKey returns the bytes of the largest key that a report names, 0 if it names none.
func largestKey(r *report.Report) int64 {
	s := r.Section("biggest")
	if s == nil {
		return 0
	}
	for i := range s.Tables {
		for j, c := range s.Tables[i].Columns {
			if c.Unit != report.UnitBytes || len(s.Tables[i].Rows) == 0 {
				continue
			}
			if n, ok := s.Tables[i].Rows[0][j].Number(); ok {
				return int64(n)
			}
		}
	}
	return 0
}
