package propose

import (
	"context"
	"iter"
	"time"

	"github.com/kvtool/kvtool/kv"
)

var clock = time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC)

// records is a store of records that a test makes.
type records struct{ list []kv.Record }

func (s *records) Close() error { return nil }

func (s *records) Info(context.Context) (*kv.Info, error) {
	info := &kv.Info{Adapter: "records", Target: "records:", Clock: clock, Keys: int64(len(s.list)), KeysKnown: true}
	for bit := kv.Field(1); bit <= kv.Universal; bit <<= 1 {
		info.Facts = append(info.Facts, kv.Fact{Name: bit.String(), Field: bit, How: kv.Measured})
	}
	return info, nil
}

func (s *records) Scan(context.Context, kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		for i := range s.list {
			if r := s.list[i]; !yield(&r, nil) {
				return
			}
		}
	}
}
