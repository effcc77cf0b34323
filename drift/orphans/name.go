package orphans

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/kvtool/kvtool/drift/join"
	"github.com/kvtool/kvtool/kv"
)

// A candidate is a reference that leads nowhere, as far as a scan can tell, with its names.
type candidate struct {
	ident
	record kv.Record // what was learned of the key in the last round
	says   string    // the field of the target that does not lead back
	lost   bool      // which is not there
}

// An ident tells candidates apart.
type ident struct {
	relation int
	db       int
	key      string
	text     string // of the value
	target   string
}

// found is what is known of one relation.
type found struct {
	candidates int64 // in the sample of the join
	picked     bool  // not all of them were re-checked
	rechecked  int64
	expiring   int64 // of these: the key expires before the second round
	confirmed  []candidate
	named      []candidate // until they are re-checked
}

// wanted are the missing references of a relation, sorted, and the keys that they are of.
type wanted struct {
	pairs []join.Pair
	from  []uint64
}

func (w *wanted) has(p join.Pair) bool {
	_, ok := slices.BinarySearchFunc(w.pairs, p, func(a, b join.Pair) int {
		return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From))
	})
	return ok
}

func (w *wanted) key(hash uint64) bool {
	_, ok := slices.BinarySearch(w.from, hash)
	return ok
}

// name finds the names of the missing references: of all, or of a sample where they are many.
func (r *run) name(ctx context.Context) error {
	want := make([]wanted, len(r.found))
	some := false
	for i := range want {
		rel, f := &r.result.Relations[i], &r.found[i]
		f.candidates = rel.Missing
		if rel.Missing == 0 {
			continue
		}
		pairs := rel.Pairs
		if i%2 == 1 {
			pairs = r.alone(i, pairs)
		}
		f.picked = r.live && !r.All && rel.Missing > manyCandidates
		if f.picked {
			pairs = pick(pairs, sampleSize)
		}
		r.overflow = r.overflow || int64(len(pairs)) < rel.Missing && !f.picked
		w := &want[i]
		w.pairs = pairs
		for _, p := range pairs {
			w.from = append(w.from, p.From)
		}
		slices.Sort(w.from)
		w.from = slices.Compact(w.from)
		some = some || len(pairs) > 0
	}
	if !some {
		return nil
	}
	return r.scanNames(ctx, want)
}

// alone returns the pairs of a relation of entries whose key does not dangle as well, as far as the hashes tell: the lowest bits
// of both are those of the target. The names decide.
func (r *run) alone(i int, pairs []join.Pair) []join.Pair {
	dangling := map[join.Pair]bool{}
	for _, p := range r.result.Relations[i-1].Pairs {
		dangling[join.Pair{To: p.To & sampleBits, From: p.From}] = true
	}
	return slices.DeleteFunc(pairs, func(p join.Pair) bool { return dangling[join.Pair{To: p.To & sampleBits, From: p.From}] })
}

// pick returns n of the pairs, by the hash of the key that refers: as good as at random, and the same again.
func pick(pairs []join.Pair, n int) []join.Pair {
	some := slices.Clone(pairs)
	slices.SortFunc(some, func(a, b join.Pair) int { return cmp.Compare(a.From*0x9e3779b97f4a7c15, b.From*0x9e3779b97f4a7c15) })
	some = some[:min(n, len(some))]
	slices.SortFunc(some, func(a, b join.Pair) int { return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From)) })
	return some
}

// scanNames reads the names of the store again and keeps those of references that are wanted.
func (r *run) scanNames(ctx context.Context, want []wanted) error {
	shards, err := kv.Shards(ctx, r.store, max(1, r.Audit.Parallel))
	if err != nil {
		return err
	}
	named := make([]map[ident]bool, len(want))
	for i := range named {
		named[i] = map[ident]bool{}
	}
	var mu sync.Mutex
	take := func(relation int, p join.Pair, of *reference) error {
		if !want[relation].has(p) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		named[relation][ident{relation, of.db, of.key, string(of.text), string(of.target)}] = true
		return nil
	}
	errs := make([]error, len(shards))
	var wg sync.WaitGroup
	gate := make(chan struct{}, max(1, r.Audit.Parallel))
	for i, s := range shards {
		wg.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			f := r.follower()
			f.refers = take
			f.wants = func(ref int, key uint64) bool { return want[2*ref].key(key) || want[2*ref+1].key(key) }
			errs[i] = r.scanShard(ctx, s, f)
		})
	}
	wg.Wait()
	for i := range named {
		for id := range named[i] {
			r.found[i].named = append(r.found[i].named, candidate{ident: id})
		}
		slices.SortFunc(r.found[i].named, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(a.db, b.db), cmp.Compare(a.key, b.key), cmp.Compare(a.text, b.text))
		})
	}
	return errors.Join(errs...)
}

// scanShard follows the references of one shard, from the beginning again where its store has moved: what is named twice is
// kept once.
func (r *run) scanShard(ctx context.Context, s kv.Shard, f *follower) error {
	const most = 3
	for again := 0; ; again++ {
		var err error
		for rec, failed := range f.scan(ctx, r.store, kv.ScanOptions{Shard: s, Want: kv.FieldName, Limiter: r.Audit.Limiter}) {
			if err = failed; err == nil {
				err = f.observe(ctx, rec)
			}
			if err != nil {
				break
			}
		}
		if err == nil && r.scanner == nil {
			err = f.read(ctx)
		}
		if !errors.Is(err, kv.ErrRestart) || again == most {
			return err
		}
	}
}
