package cmd

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/internal/abreast"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A serverFlag says whether the server itself is looked at beside its keys. Without being told it is where that is cheap.
type serverFlag struct{ set, on bool }

func (f *serverFlag) bind(c *cobra.Command) {
	flag := c.Flags().VarPF(f, "server", "", "hold the server's settings and counters against the rules of servers (SV…), too, by some forty reads "+
		"of INFO, CONFIG GET, SLOWLOG, ACL: done for Redis and its like without --only; --server=false leaves it out")
	flag.NoOptDefVal = "true"
}

// Set reads a boolean.
func (f *serverFlag) Set(s string) (err error) {
	f.set = true
	f.on, err = strconv.ParseBool(s)
	return err
}

func (f *serverFlag) String() string {
	if !f.set {
		return ""
	}
	return strconv.FormatBool(f.on)
}

// Type names the flag's value in help.
func (*serverFlag) Type() string { return "bool" }

// wanted reports whether the server is to be looked at. Unless somebody has said so it is if the store knows what it adds to the
// server's counters, and all of it is audited.
func (o *auditOptions) wanted(store kv.Store) bool {
	if o.server.set {
		return o.server.on
	}
	_, counts := kv.SentBy(store)
	return counts && o.only == nil
}

// The time that the second reading of a server may take, and that which is left of it after the audit was told to stop.
const (
	lastReading = 5 * time.Second
	lastMoment  = 500 * time.Millisecond
)

// examine takes the first reading of the servers, before anything else is asked: an audit adds to what they count. What it returns takes
// the second one, and adds what is wrong with them to the report.
func (o *auditOptions) examine(ctx context.Context, store kv.Store) (end func(*report.Report), err error) {
	if !o.wanted(store) {
		return func(*report.Report) {}, nil
	}
	e, err := kv.ExaminerOf(store)
	if err != nil {
		return nil, kv.WithHint(kv.Usagef("--server: %w", err), "leave it out: a file has no server")
	}
	exams, err := e.Examine(ctx)
	if err != nil {
		return nil, targetError(err)
	}
	spans := make([]*triage.Span, len(exams))
	abreast.Each(len(exams), len(exams), func(i int) { spans[i] = triage.Begin(ctx, exams[i]) })
	return func(r *report.Report) {
		most := lastReading
		if ctx.Err() != nil {
			most = lastMoment
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), most)
		defer cancel()
		all := make([]*triage.Observation, len(spans))
		abreast.Each(len(spans), len(spans), func(i int) {
			defer exams[i].Close()
			all[i] = spans[i].End(ctx)
		})
		o.notice(r, store, all)
		o.ruled = triage.AddSetup(r, all)
	}, nil
}

// notice adds to what was observed of the servers what the audit knows: of the keys, of their schema, and of its own commands.
func (o *auditOptions) notice(r *report.Report, store kv.Store, all []*triage.Observation) {
	sent, _ := kv.SentBy(store)
	lasting, design := lastingShare(r), purpose(o.declared)
	for _, x := range all {
		x.Largest, x.Lasting, x.Design = largestKey(r), lasting, design
		ours := sent[x.Place]
		x.OwnHits = ours.Hits
		for command, n := range ours.Commands {
			x.Own[command] += n
		}
	}
}

// purpose is what a schema says of the server; nil without one.
func purpose(s *schema.Schema) *triage.Design {
	if s == nil {
		return nil
	}
	d := &triage.Design{Policy: s.Store.Policy, Durable: s.Store.Durable}
	lives := s.Lives()
	for i := range s.Templates {
		t := &s.Templates[i]
		switch t.Kind {
		case schema.Cache:
			d.Caches = append(d.Caches, t.Name)
		case schema.Record, schema.Queue, schema.Lock:
			d.Kept = append(d.Kept, t.Name)
		}
		if p := lives[i].Policy; p != "" && p != schema.TTLNone {
			d.Expires = append(d.Expires, t.Name)
		}
	}
	return d
}

// lastingShare returns the share of the bytes that are in keys without a TTL, nil if the report does not tell.
func lastingShare(r *report.Report) *float64 {
	s := r.Section("ttl")
	if s == nil {
		return nil
	}
	for i := range s.Tables {
		t := &s.Tables[i]
		if t.Name != "ttl_histogram" {
			continue
		}
		at, sum, none := len(t.Columns)-1, 0.0, 0.0
		for _, row := range t.Rows {
			n, ok := row[at].Number()
			if !ok {
				return nil
			}
			if sum += n; row[0] == report.Text("none") {
				none = n
			}
		}
		if sum > 0 {
			share := none / sum
			return &share
		}
	}
	return nil
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
