package rdb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

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
		Facts:   s.facts(&sum),
		Notes:   append(s.aofNotes(&sum, scanned), s.about(&sum, scanned)...),
	}
	switch {
	case scanned:
		info.Keys, info.KeysKnown, info.Ledger = sum.Keys, true, sum.Lines()
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
	facts := sum.Facts(s.why, s.placeFact(), s.slotFact())
	for i := range facts {
		if facts[i].Field == kv.FieldSize && s.auto {
			facts[i].Hint = "name the server's allocator: ?allocator=jemalloc-8 or jemalloc-16"
		}
	}
	return facts
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
	n = append(n, sum.Content()...)
	if sum.Trailing > 0 && !s.isAOF(sum) {
		n = append(n, fmt.Sprintf("%d bytes follow the end of the dump and were not read.", sum.Trailing))
	}
	if note := sum.Verified(); scanned && note != "" {
		n = append(n, note)
	}
	return n
}
