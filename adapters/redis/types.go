package redis

import (
	"context"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/kv"
)

// Where TYPE is refused, types are told by SCAN with a filter (6.0): one pass over the keys for each of the types that a server without
// modules has. Each key is met in the pass of its type, so that what is yielded is the same, in another order. A value of a module
// would be met in none: where there are modules, or nobody says that there are none, types stay unknown.

// coreTypes are the types that a server has without a module.
var coreTypes = [...]string{"string", "list", "set", "zset", "hash", "stream"}

// probeTypes finds out whether types can be told by a filter where they cannot be asked for.
func (s *store) probeTypes(ctx context.Context, a *abilities, now serverInfo) error {
	if a.has(attrType) || a.scan != "" || !now.plain {
		return nil
	}
	err := s.client.Do(ctx, "SCAN", "0", "COUNT", "1", "TYPE", coreTypes[0]).Err()
	if text, ok := answer(err); ok {
		return s.fatal(ctx, text, err)
	}
	a.filters = err == nil
	return s.cfg.explain(ctx, err)
}

// typed reports whether a scan tells types, in the one way or the other.
func (a *abilities) typed() bool { return a.has(attrType) || a.filters }

// passes returns the types that a scan for the facts of want reads one after the other; the empty one is all at once.
func (a *abilities) passes(want kv.Field) []string {
	if a.filters && want&(kv.FieldType|kv.FieldLen) != 0 {
		return coreTypes[:]
	}
	return []string{""}
}

// start sets where a scan begins, which is at the beginning or where another has ended.
func (sc *scan) start(continues bool) error {
	if !continues {
		sc.place.of = sc.passes[0]
		return nil
	}
	if !slices.Contains(sc.passes, sc.place.of) {
		return kv.WithHint(kv.Usagef("whether this user may ask for types (TYPE) has changed since the scan was interrupted"), "begin anew, without --resume")
	}
	return nil
}

// databases scans those of dbs that do not lie before the place where the scan begins.
func (sc *scan) databases(dbs []int) error {
	from := sc.place
	for _, db := range dbs {
		for i, of := range sc.passes {
			switch {
			case db < from.db, db == from.db && i < slices.Index(sc.passes, from.of):
				continue
			case db != from.db || of != from.of:
				sc.place.db, sc.place.of, sc.place.cursor = db, of, "0"
			}
			if err := sc.database(); err != nil {
				return err
			}
		}
	}
	return nil
}

// advance notes that all pages of a pass have been yielded.
func (p *place) advance(passes []string) {
	if i := slices.Index(passes, p.of) + 1; i < len(passes) {
		p.of = passes[i]
		return
	}
	p.db++
	p.of = passes[0]
}

// typeFact says how types can be had.
func (a *abilities) typeFact() kv.Fact {
	f := a.fact(attrType)
	if a.filters {
		f.How = kv.Measured
		f.Why += "; told by SCAN with a filter, in " + strings.Join(coreTypes[:], ", ") + " each a pass of its own"
	}
	return f
}
