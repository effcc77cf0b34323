package rdb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/rdbread"
	"github.com/kvtool/kvtool/internal/unpack"
	"github.com/kvtool/kvtool/kv"
)

// A file of up to fitWhole bytes is walked whole to find out the allocator; of a larger one, fitPart. A few large values
// weigh less in a larger part.
const (
	fitWhole = 4 << 30
	fitPart  = 1 << 30
)

// detect finds out the allocator by comparing modelled sizes with the memory that the dump says was used. Of an input that
// cannot be opened twice, it only looks at the part that fits in memory.
func (s *store) detect(ctx context.Context, in *input) {
	var fit rdbread.Fit
	if in.file != nil && in.size > 0 {
		limit := in.size
		if limit > fitWhole {
			limit = fitPart
		}
		fit = rdbread.FitAllocator(func() io.ReadCloser {
			f, err := os.Open(s.path)
			if err != nil {
				return io.NopCloser(bytes.NewReader(nil))
			}
			return struct {
				io.Reader
				io.Closer
			}{unpack.NewReader(ctx, f), f}
		}, in.size, limit, s.opt.Live)
	} else {
		head := in.peek()
		fit = rdbread.FitAllocator(func() io.ReadCloser { return io.NopCloser(bytes.NewReader(head)) }, 0, headSize, s.opt.Live)
	}
	s.opt.Allocator, s.why = fit.Allocator, fit.Why
}

// Info tells what the head says, and after a whole scan also what the rest did.
func (s *store) Info(context.Context) (*kv.Info, error) {
	s.mu.Lock()
	sum, scanned := s.sum, s.scanned
	s.mu.Unlock()
	info := &kv.Info{
		Adapter: "rdb",
		Product: "rdb",
		Version: version(&sum),
		Target:  s.target,
		Clock:   sum.Created,
		Memory:  sum.UsedMem,
		Ledger:  ledger(&sum, scanned),
		Facts:   s.facts(&sum),
		Notes:   append(s.aofNotes(&sum, scanned), s.about(&sum, scanned)...),
	}
	switch {
	case scanned:
		info.Keys, info.KeysKnown = sum.Keys, true
	case sum.HasHint:
		info.Keys, info.KeysKnown = sum.KeysHint, true
	}
	return info, nil
}

func version(sum *rdbread.Summary) string {
	rdb := fmt.Sprintf("RDB %d", sum.RDB)
	if sum.Version == "" {
		return rdb
	}
	return fmt.Sprintf("%s %s, %s", sum.Lineage, sum.Version, rdb)
}

func (s *store) facts(sum *rdbread.Summary) []kv.Fact {
	why := fmt.Sprintf("modelled as %s; allocator %s", sum.Model, s.why)
	if note := sum.Model.Note(); note != "" {
		why += "; " + note
	}
	size := kv.Fact{Name: "size", Field: kv.FieldSize, How: kv.Modelled, Why: why}
	if s.auto {
		size.Hint = "name the server's allocator: ?allocator=jemalloc-8 or jemalloc-16"
	}
	return []kv.Fact{
		{Name: "name", Field: kv.FieldName, How: kv.Measured},
		{Name: "type", Field: kv.FieldType, How: kv.Measured},
		{Name: "encoding", Field: kv.FieldEncoding, How: kv.Measured},
		size,
		{Name: "length", Field: kv.FieldLen, How: kv.Measured},
		{Name: "ttl", Field: kv.FieldTTL, How: kv.Measured},
		accessFact(sum, "idle", kv.FieldIdle, "idle times", "LRU"),
		accessFact(sum, "freq", kv.FieldFreq, "access counters", "LFU"),
		s.placeFact(),
		s.slotFact(),
		{Name: "largest", Field: kv.FieldLargest, How: kv.Measured, Why: "of collections but intsets; a number in a packed block counts with the bytes it takes there"},
		{Name: "stored", Field: kv.FieldStored, How: kv.Measured},
		{Name: "digest", Field: kv.FieldDigest, How: kv.Sampled, Why: "of strings of 32 bytes and more, 1 key in 16, chosen by the hash of its name"},
		{Name: "groups", Field: kv.FieldGroups, How: kv.Measured},
	}
}

// accessFact says whether the dump holds idle times or access counters: a server writes them for all keys or for none.
func accessFact(sum *rdbread.Summary, name string, f kv.Field, what, policy string) kv.Fact {
	if sum.Access&f != 0 {
		return kv.Fact{Name: name, Field: f, How: kv.Measured}
	}
	return kv.Fact{
		Name: name, Field: f, How: kv.Missing,
		Why:  "the dump holds no " + what + ": a server writes them only while its maxmemory-policy is one of " + policy,
		Hint: "audit the server itself: redis://HOST:PORT",
	}
}

func (s *store) placeFact() kv.Fact {
	if s.opt.Place == "" {
		return kv.Fact{Name: "place", Field: kv.FieldPlace, How: kv.Missing, Why: "one dump is one place"}
	}
	return kv.Fact{Name: "place", Field: kv.FieldPlace, How: kv.Measured, Why: "the name of the file"}
}

func (s *store) slotFact() kv.Fact {
	if !s.cluster {
		return kv.Fact{Name: "slot", Field: kv.FieldSlot, How: kv.Missing, Why: "nothing says that the dump is of a cluster", Hint: "if it is: ?cluster=on"}
	}
	return kv.Fact{Name: "slot", Field: kv.FieldSlot, How: kv.Measured}
}

// about says what a reader of a report must know of the dump.
func (s *store) about(sum *rdbread.Summary, scanned bool) []string {
	var n []string
	if sum.Created.IsZero() {
		n = append(n, "The dump does not say when it was made: expiry is judged by the present time.")
	}
	if sum.RDB > 12 {
		n = append(n, fmt.Sprintf("RDB %d is newer than the formats that were tested: every type code in it was known.", sum.RDB))
	}
	if sum.Functions > 0 {
		n = append(n, fmt.Sprintf("The dump holds %d libraries of functions. They are in no key.", sum.Functions))
	}
	for _, name := range modules(sum) {
		n = append(n, fmt.Sprintf("Module %s: the sizes of its %d keys are those of their serialised form; what they take in memory is not modelled.", name, sum.Modules[name]))
	}
	if len(sum.Aux) > 0 {
		n = append(n, "Modules keep data beside the keys, which was not read: "+strings.Join(sum.Aux, ", ")+".")
	}
	if sum.Trailing > 0 && !s.isAOF(sum) {
		n = append(n, fmt.Sprintf("%d bytes follow the end of the dump and were not read.", sum.Trailing))
	}
	switch {
	case !scanned:
	case sum.Checksum == rdbread.ChecksumZero:
		n = append(n, "The dump was written without a checksum: damage inside values cannot be seen.")
	case sum.Checksum == rdbread.ChecksumAbsent:
		n = append(n, "Dumps of this version have no checksum: damage inside values cannot be seen.")
	case sum.Checksum == rdbread.ChecksumOff:
		n = append(n, "The checksum was not verified, as asked.")
	}
	return n
}

func modules(sum *rdbread.Summary) []string {
	var names []string
	for name := range sum.Modules {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
