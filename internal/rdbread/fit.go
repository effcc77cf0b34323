package rdbread

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// ParseAllocator reads the name of an allocator: jemalloc-8, jemalloc-16 or libc.
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

// headPart is how much of a dump is walked under the second model: enough to learn by how much the two differ.
const headPart = 16 << 20

// FitAllocator walks a dump under the models of both quanta and takes the one whose total is nearer to the memory that the
// dump says was used. One model walks at most limit bytes of the size of the dump (0 if unknown), the other the first few;
// where that is not all, the total is projected by keys and by bytes, and the two must agree. Without the checksum that
// costs 0.4 s of CPU for a GB, and a wrong model 5 to 8 % of the total.
//
// OPT: a walk could end as soon as both projections agree closely. On a set with 5 % of its memory in ten values they do so
// after an eighth of it, for the wrong model.
func FitAllocator(open func() io.ReadCloser, size, limit int64, live bool) Fit {
	unknown := func(why string) Fit { return Fit{memory.Jemalloc8, "assumed: " + why} }
	narrow, err := fitOne(open, Options{Size: size, Allocator: memory.Jemalloc8, Live: live}, min(limit, headPart))
	if err != nil {
		return unknown(err.Error())
	}
	wide, err := fitOne(open, Options{Size: size, Allocator: memory.Jemalloc16, Live: live}, limit)
	if err != nil {
		return unknown(err.Error())
	}
	a, off, ok := wide.choose(narrow.head)
	if !ok {
		return unknown("the used memory that the dump states fits neither model better")
	}
	return Fit{a, fmt.Sprintf("found: the sum is within %.1f %% of the used memory that the dump states", 100*math.Abs(off))}
}

// fitOne walks a dump under one model.
func fitOne(open func() io.ReadCloser, opt Options, limit int64) (fitted, error) {
	in := open()
	defer func() { _ = in.Close() }() // read only
	opt.NoChecksum = true
	opt.nameless = true
	r, err := NewReader(in, opt)
	if err != nil {
		return fitted{}, errors.New("the head of the dump is damaged")
	}
	if r.sum.UsedMem == 0 {
		return fitted{}, errors.New("the dump does not say how much memory was used")
	}
	r.model = r.allocated()
	return r.fit(opt.Size, limit), nil
}

// fitted is how much the projected totals of the wide model miss the used memory, as a share of it.
type fitted struct {
	byKeys, byBytes float64
	head            int64   // sum of sizes over the first headPart bytes
	share           float64 // of the used memory: the projected sum of sizes
}

// choose returns the model that fits and by how much it misses, given the sum over the first headPart bytes under the
// narrow one. It is not ok if the two projections disagree or say nothing.
func (f *fitted) choose(narrow int64) (a memory.Allocator, off float64, ok bool) {
	less := f.share * (1 - float64(narrow)/float64(max(f.head, 1)))
	byKeys, okKeys := nearest(f.byKeys-less, f.byKeys)
	byBytes, okBytes := nearest(f.byBytes-less, f.byBytes)
	ok = okKeys && okBytes && byKeys == byBytes
	if byKeys == 0 {
		return memory.Jemalloc8, f.byKeys - less, ok
	}
	return memory.Jemalloc16, f.byKeys, ok
}

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
	var sum, head, tables, keys, ttls int64 // keys and ttls of the database that is being read
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
		if r.w.offset() <= headPart {
			head = sum
		}
		if keys++; rec.TTL != kv.TTLNone {
			ttls++
		}
	}
	if errors.Is(err, io.EOF) {
		used := float64(r.sum.UsedMem)
		miss := (float64(sum+tables+r.model.Keyspace(keys, ttls)+startup) - used) / used
		return fitted{miss, miss, head, float64(sum) / used}
	}
	f := r.project(sum, from, size)
	f.head = head
	return f
}

// project goes from the sum over what was read since from to the whole of size bytes.
func (r *Reader) project(sum, from, size int64) fitted {
	if r.keys == 0 || size == 0 || !r.sum.HasHint {
		return fitted{byKeys: math.Inf(1), byBytes: math.Inf(1)}
	}
	used := float64(r.sum.UsedMem)
	rest := float64(r.model.Keyspace(r.sum.KeysHint, r.sum.TTLHint) + startup)
	scaled := func(scale float64) float64 { return (float64(sum)*scale + rest - used) / used }
	return fitted{
		share:   1,
		byKeys:  scaled(float64(r.sum.KeysHint) / float64(r.keys)),
		byBytes: scaled(float64(size-from) / float64(r.w.offset()-from)),
	}
}
