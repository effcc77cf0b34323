// Package join finds which keys are referred to and not there, from two streams of fingerprints: of the keys that exist, and of
// the references with the key that each leads to. It owns what that takes in memory and on disk; it knows no keys.
//
// The one idea is that both streams are divided by the same bits of the same hash, so that what belongs together meets in one
// bucket, which is sorted and walked once. That leaves three ways to keep to a bound of memory, all of them exact but the last:
//
//	A  in memory: 8 bytes an existing key, 16 a reference
//	B  on disk: a bucket at a time is in memory (a Grace hash join)
//	D  a sample: of the hashes that are 0 in their lowest k bits, on both sides; k grows as memory is used up
//
// A key that comes twice, as SCAN may tell it, has one place after sorting. A reference is hidden only by a key of the same
// fingerprint: of n keys that exist, with probability n/2⁶⁴.
package join

import (
	"cmp"
	"errors"
	"slices"
	"sync"
)

// buckets is by how many parts the hashes are divided, by their highest bits.
const buckets = 1 << bucketBits

const bucketBits = 7

func bucketOf(hash uint64) int { return int(hash >> (64 - bucketBits)) }

// A Pair is a reference: the key that it leads to, and that which refers.
type Pair struct{ To, From uint64 }

// Options bound a Join. The zero value keeps everything in memory.
type Options struct {
	Memory int64  // bytes; 0 is unbounded
	Spill  string // folder for what is more; "": a sample is taken instead
	// Sample is how many hashes one stands for, a power of two: 1, and 0, read all. It grows where memory and Spill do not do.
	Sample uint64
	Keep   int // so many missing references of each relation are returned, those of the lowest hashes; 0 is all
}

// A Join takes in both streams. Batches are for one goroutine each; the rest is safe for several.
type Join struct {
	opt       Options
	relations int

	mu      sync.Mutex
	parents [buckets][]uint64
	pairs   [][buckets][]Pair // by relation
	bytes   int64
	mask    uint64 // of the lowest bits that are 0 in the sample
	disk    *disk  // nil until memory is used up
	err     error
}

// New returns a Join of so many relations: each is a set of references, and all lead to keys of one kind of fingerprint.
func New(relations int, opt Options) *Join {
	return &Join{opt: opt, relations: relations, pairs: make([][buckets][]Pair, relations), mask: max(opt.Sample, 1) - 1}
}

// batchSize is how many hashes are gathered before the lock is taken.
const batchSize = 4096

// A Batch gathers hashes for a Join.
type Batch struct {
	j       *Join
	mask    uint64
	parents []uint64
	pairs   []relatedPair
}

type relatedPair struct {
	relation int
	Pair
}

// Batch returns a batch, to be flushed at the end.
func (j *Join) Batch() *Batch {
	j.mu.Lock()
	defer j.mu.Unlock()
	return &Batch{j: j, mask: j.mask}
}

// Wants reports whether references to a key are in the sample.
func (b *Batch) Wants(to uint64) bool { return to&b.mask == 0 }

// Exists adds a key that exists.
func (b *Batch) Exists(key uint64) error {
	if !b.Wants(key) {
		return nil
	}
	b.parents = append(b.parents, key)
	return b.full()
}

// Refers adds a reference.
func (b *Batch) Refers(relation int, p Pair) error {
	if !b.Wants(p.To) {
		return nil
	}
	b.pairs = append(b.pairs, relatedPair{relation, p})
	return b.full()
}

func (b *Batch) full() error {
	if len(b.parents)+len(b.pairs) < batchSize {
		return nil
	}
	return b.Flush()
}

// Flush hands over what was gathered.
func (b *Batch) Flush() error {
	j := b.j
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil {
		j.err = j.take(b)
	}
	b.parents, b.pairs, b.mask = b.parents[:0], b.pairs[:0], j.mask
	return j.err
}

// take adds a batch, and makes room if memory is used up.
func (j *Join) take(b *Batch) error {
	if j.disk != nil {
		return j.disk.write(b.parents, b.pairs)
	}
	for _, h := range b.parents {
		if h&j.mask == 0 {
			at := bucketOf(h)
			j.parents[at] = append(j.parents[at], h)
			j.bytes += 8
		}
	}
	for _, p := range b.pairs {
		if p.To&j.mask == 0 {
			at := bucketOf(p.To)
			j.pairs[p.relation][at] = append(j.pairs[p.relation][at], p.Pair)
			j.bytes += 16
		}
	}
	if j.opt.Memory > 0 && j.bytes+j.bytes/growth > j.opt.Memory {
		return j.relieve()
	}
	return nil
}

// growth is of what part a slice grows, so that about half of that is unused.
const growth = 4

// relieve makes room: duplicates go first, then everything goes to disk, or half of the sample.
func (j *Join) relieve() error {
	if before := j.bytes; j.compact() < before-before/4 {
		return nil
	}
	if j.opt.Spill != "" {
		return j.spill()
	}
	j.mask = j.mask<<1 | 1
	out := func(h uint64) bool { return h&j.mask != 0 }
	j.bytes = 0
	for i := range buckets {
		j.parents[i] = slices.Clip(slices.DeleteFunc(j.parents[i], out))
		j.bytes += 8 * int64(len(j.parents[i]))
		for r := range j.pairs {
			j.pairs[r][i] = slices.Clip(slices.DeleteFunc(j.pairs[r][i], func(p Pair) bool { return out(p.To) }))
			j.bytes += 16 * int64(len(j.pairs[r][i]))
		}
	}
	return nil
}

// compact sorts all buckets, removes what comes twice, and returns how many bytes are left.
func (j *Join) compact() int64 {
	j.bytes = 0
	for i := range buckets {
		j.parents[i] = unique(j.parents[i])
		j.bytes += 8 * int64(len(j.parents[i]))
		for r := range j.pairs {
			j.pairs[r][i] = uniquePairs(j.pairs[r][i])
			j.bytes += 16 * int64(len(j.pairs[r][i]))
		}
	}
	return j.bytes
}

// spill writes what is in memory to disk, where everything goes from now on.
func (j *Join) spill() (err error) {
	if j.disk, err = newDisk(j.opt.Spill); err != nil {
		return err
	}
	var pairs []relatedPair
	for i := range buckets {
		pairs = pairs[:0]
		for r := range j.pairs {
			for _, p := range j.pairs[r][i] {
				pairs = append(pairs, relatedPair{r, p})
			}
			j.pairs[r][i] = nil
		}
		if err := j.disk.write(j.parents[i], pairs); err != nil {
			return err
		}
		j.parents[i] = nil
	}
	return nil
}

func unique(hs []uint64) []uint64 {
	slices.Sort(hs)
	return slices.Compact(hs)
}

func uniquePairs(ps []Pair) []Pair {
	slices.SortFunc(ps, comparePairs)
	return slices.Compact(ps)
}

// comparePairs orders pairs. It is most of what sorting costs, and so compares by hand.
func comparePairs(a, b Pair) int {
	if a.To != b.To {
		if a.To < b.To {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.From, b.From)
}

// A Plan is how a join was done.
type Plan string

// The plans.
const (
	InMemory Plan = "A"
	OnDisk   Plan = "B"
	Sampled  Plan = "D"
)

// A Result is what a join has found.
type Result struct {
	Plan      Plan
	Sample    uint64 // one hash in so many was looked at; 1 is all
	Relations []Relation
}

// A Relation is what was found of one set of references, in the sample.
type Relation struct {
	References int64
	Missing    int64 // of which so many lead to no key
	// Clusters is to how many keys the missing ones lead, Squares the sum of the squares of how many lead to each.
	Clusters, Squares int64
	Pairs             []Pair // missing ones, as many as are kept, sorted
}

// Finish joins. The Join is not used again.
func (j *Join) Finish() (*Result, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	res := &Result{Plan: InMemory, Sample: j.mask + 1, Relations: make([]Relation, j.relations)}
	if j.disk != nil {
		res.Plan = OnDisk
		defer j.disk.remove()
	}
	if res.Sample > 1 {
		res.Plan = Sampled
	}
	if j.err != nil {
		return nil, j.err
	}
	pairs := make([][]Pair, j.relations)
	for i := range buckets {
		parents := j.parents[i]
		for r := range pairs {
			pairs[r] = j.pairs[r][i]
		}
		if j.disk != nil {
			var err error
			if parents, err = j.disk.read(i, pairs); err != nil {
				return nil, err
			}
		}
		parents = unique(parents)
		for r := range pairs {
			res.Relations[r].walk(parents, uniquePairs(pairs[r]), j.opt.Keep)
			j.pairs[r][i] = nil
		}
		j.parents[i] = nil
	}
	return res, nil
}

// Abandon gives up what is on disk, of a Join that is not finished.
func (j *Join) Abandon() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.disk != nil {
		j.disk.remove()
	}
	j.err = errors.New("the join was given up")
}

// walk goes over keys and references of one bucket side by side, both sorted.
func (r *Relation) walk(parents []uint64, pairs []Pair, keep int) {
	r.References += int64(len(pairs))
	at := 0
	for i := 0; i < len(pairs); {
		to, first := pairs[i].To, i
		for i < len(pairs) && pairs[i].To == to {
			i++
		}
		for at < len(parents) && parents[at] < to {
			at++
		}
		if at < len(parents) && parents[at] == to {
			continue
		}
		n := int64(i - first)
		r.Missing += n
		r.Clusters++
		r.Squares += n * n
		room := len(pairs)
		if keep > 0 {
			room = max(0, keep-len(r.Pairs))
		}
		r.Pairs = append(r.Pairs, pairs[first:min(i, first+room)]...)
	}
}
