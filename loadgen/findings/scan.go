package findings

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// templates is the analysis of keydesign that judges keys by their templates.
const templates = "templates"

// Scan judges the keys that a run has left under a prefix, as an audit would: without it, and by the scenario's schema if there is
// one. It ends with ctx, and is of what was read until then. A filled store has many keys of one age, so that those expire together
// says nothing of the scenario: KD065 is left to what expired.
func Scan(ctx context.Context, store kv.Store, prefix string, s *schema.Schema) ([]report.Finding, error) {
	if s != nil {
		if s = values(s); !binds(s) {
			s = nil
		}
	}
	as := keydesign.Analyzers(s)
	as = slices.DeleteFunc(as, func(a *audit.Analyzer) bool { return a.Name != templates })
	r, err := audit.Run(ctx, &under{store, prefix}, as, audit.Options{Now: time.Now})
	if r == nil {
		return nil, err
	}
	found := slices.DeleteFunc(r.Findings, func(f report.Finding) bool { return f.Rule == "KD065" })
	for i := range found {
		found[i].Pos = report.Pos{} // a place in the scenario's file
	}
	return found, err
}

// under is the part of a store whose keys begin with a prefix, without it. It only reads.
type under struct {
	kv.Store
	prefix string
}

// Scan implements kv.Store.
func (u *under) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	opt.Match = kv.EscapeGlob(u.prefix) + "*"
	if ask := opt.Ask; ask != nil {
		opt.Ask = func(key string) kv.Field { return ask(strings.TrimPrefix(key, u.prefix)) }
	}
	return func(yield func(*kv.Record, error) bool) {
		for r, err := range u.Store.Scan(ctx, opt) {
			if err != nil {
				yield(nil, err)
				return
			}
			key, ok := strings.CutPrefix(r.Key, u.prefix)
			if !ok {
				continue
			}
			short := *r
			if short.Type == kv.TypeItem { // in which a table keeps a value of any type
				short.Known &^= kv.FieldType
			}
			if short.Key = key; !yield(&short, nil) {
				return
			}
		}
	}
}

// Info implements kv.Store: how many keys there are under the prefix nobody knows.
func (u *under) Info(ctx context.Context) (*kv.Info, error) {
	info, err := u.Store.Info(ctx)
	if err != nil {
		return nil, err
	}
	part := *info
	part.Keys, part.KeysKnown = 0, false
	return &part, nil
}
