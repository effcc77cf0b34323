package rdbread

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// ParseAllocator reads the name of an allocator.
func ParseAllocator(s string) (memory.Allocator, error) { return memory.ParseAllocator(s) }

// A Fit is the allocator that the server behind a dump most likely has, and how that is known, as the end of the sentence
// "allocator …".
type Fit struct {
	Allocator memory.Allocator
	Why       string
}

const (
	startup = 900 << 10 // what a server uses before its first key
	maxMiss = 0.04      // a fit that misses the used memory by more says nothing
	minGap  = 0.01      // the next best must miss it by so much more
)

// FitAllocator walks a dump under each model and takes the one whose total is nearest to the memory that the dump says was
// used. It reads at most limit bytes of the size of the dump (0 if unknown): the total is then projected by keys and by
// bytes, and the two must agree. That walk costs a lot less than being wrong, which is 5 % of the total.
func FitAllocator(open func() io.ReadCloser, size, limit int64, live bool) Fit {
	unknown := func(why string) Fit { return Fit{memory.Jemalloc8, "assumed: " + why} }
	var fits [2]fitted
	for i, a := range []memory.Allocator{memory.Jemalloc8, memory.Jemalloc16} {
		in := open()
		r, err := NewReader(in, Options{Size: size, NoChecksum: true, Allocator: a, Live: live})
		if err == nil && r.sum.UsedMem > 0 {
			r.model = r.allocated()
			fits[i] = r.fit(size, limit)
		}
		_ = in.Close() // read only
		switch {
		case err != nil:
			return unknown("the head of the dump is damaged")
		case r.sum.UsedMem == 0:
			return unknown("the dump does not say how much memory was used")
		}
	}
	byKeys, okKeys := nearest(fits[0].byKeys, fits[1].byKeys)
	byBytes, okBytes := nearest(fits[0].byBytes, fits[1].byBytes)
	if !okKeys || !okBytes || byKeys != byBytes {
		return unknown("the used memory that the dump states fits neither model better")
	}
	a := [...]memory.Allocator{memory.Jemalloc8, memory.Jemalloc16}[byKeys]
	return Fit{a, fmt.Sprintf("found: the sum is within %.1f %% of the used memory that the dump states", 100*math.Abs(fits[byKeys].byKeys))}
}

// fitted is how much the projected totals of a model miss the used memory, as a share of it.
type fitted struct{ byKeys, byBytes float64 }

// nearest returns which of two misses is smaller, if that means anything.
func nearest(a, b float64) (which int, ok bool) {
	a, b = math.Abs(a), math.Abs(b)
	if b < a {
		a, b, which = b, a, 1
	}
	return which, a <= maxMiss && b-a >= minGap
}

// allocated returns the model whose sum compares with the memory that a server uses.
func (r *Reader) allocated() *memory.Model {
	p := r.sum.Model
	p.Allocated = true
	return memory.New(p)
}

// fit walks and returns how much the total misses the used memory.
func (r *Reader) fit(size, limit int64) fitted {
	var sum, tables, keys, ttls int64 // keys and ttls of the database that is being read
	db := 0
	from := r.w.offset()
	var err error
	for r.w.offset() < limit {
		var rec *kv.Record
		if rec, err = r.Next(); err != nil {
			break
		}
		if rec.DB != db {
			tables += r.model.Keyspace(keys, ttls)
			db, keys, ttls = rec.DB, 0, 0
		}
		sum += rec.Size
		if keys++; rec.TTL != kv.TTLNone {
			ttls++
		}
	}
	used := float64(r.sum.UsedMem)
	if errors.Is(err, io.EOF) {
		miss := (float64(sum+tables+r.model.Keyspace(keys, ttls)+startup) - used) / used
		return fitted{miss, miss}
	}
	if r.keys == 0 || size == 0 || !r.sum.HasHint {
		return fitted{math.Inf(1), math.Inf(1)}
	}
	rest := float64(r.model.Keyspace(r.sum.KeysHint, r.sum.TTLHint) + startup)
	project := func(scale float64) float64 { return (float64(sum)*scale + rest - used) / used }
	return fitted{
		byKeys:  project(float64(r.sum.KeysHint) / float64(r.keys)),
		byBytes: project(float64(size-from) / float64(r.w.offset()-from)),
	}
}

// SetMatch makes Next yield only keys that match glob from now on.
func (r *Reader) SetMatch(glob string) { r.opt.Match = glob }
