package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A fake is a store of some shards of numbered keys.
type fake struct {
	shards, keys int
	fail         func(shard, key int) error // instead of a record; may be nil
	hold         func(shard int)            // before a shard begins; may be nil
	info         kv.Info
}

func (f *fake) Info(context.Context) (*kv.Info, error) { return &f.info, nil }

func (f *fake) Close() error { return nil }

func (f *fake) Shards(context.Context, int) ([]kv.Shard, error) {
	var all []kv.Shard
	for i := range f.shards {
		all = append(all, kv.Shard{Name: fmt.Sprint(i)})
	}
	return all, nil
}

func (f *fake) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		shard := 0
		fmt.Sscan(opt.Shard.Name, &shard)
		if f.hold != nil {
			f.hold(shard)
		}
		r := kv.Record{Type: kv.TypeString, Known: kv.FieldName | kv.FieldType}
		for i := range f.keys {
			err := ctx.Err()
			if err == nil && f.fail != nil {
				err = f.fail(shard, i)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			r.Key = fmt.Sprintf("key:%d:%d", shard, i)
			if !yield(&r, nil) {
				return
			}
		}
	}
}

// exportTo exports to CSV and returns the sorted lines below the head.
func exportTo(t *testing.T, f *fake, opt Options) ([]string, Result, error) {
	t.Helper()
	var out bytes.Buffer
	table := &Table{Columns: All()[1:3], Templates: []string{"even", "odd"}}
	w, err := newCSV(&out, table)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Keys(t.Context(), f, table, []Writer{w}, opt)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")[1:]
	slices.Sort(lines)
	return lines, r, err
}

func TestKeysOfAllShards(t *testing.T) {
	parity := func() func(string) int {
		return func(key string) int { return int(key[len(key)-1] & 1) }
	}
	lines, r, err := exportTo(t, &fake{shards: 5, keys: 20_000}, Options{Parallel: 3, Classify: parity})
	if err != nil || r.Keys != 100_000 || r.Lacking != 0 || len(slices.Compact(lines)) != 100_000 {
		t.Fatalf("%d lines of %+v: %v", len(lines), r, err)
	}
	if !slices.Contains(lines, "key:4:19999,odd") || !slices.Contains(lines, "key:0:0,even") {
		t.Errorf("a key or its template is missing: %q", lines[:3])
	}
}

// A shard that fails does not stop the others, and what was read of it is written.
func TestKeysOfAFailingShard(t *testing.T) {
	broken := errors.New("broken")
	lines, r, err := exportTo(t, &fake{shards: 4, keys: 1000, fail: func(shard, key int) error {
		if shard == 2 && key == 10 {
			return broken
		}
		return nil
	}}, Options{Parallel: 2})
	if !errors.Is(err, broken) || r.Keys != 3010 || len(lines) != 3010 {
		t.Errorf("%d lines of %+v: %v", len(lines), r, err)
	}
}

// A shard that must begin anew stops the others, since all that was written is void.
func TestKeysOfAMovedShard(t *testing.T) {
	moved := make(chan struct{})
	var read atomic.Int64 // of the other
	_, _, err := exportTo(t, &fake{
		shards: 2, keys: 5000,
		hold: func(shard int) {
			if shard == 0 { // which begins when the other has moved
				<-moved
			}
		},
		fail: func(shard, key int) error {
			if shard == 1 {
				defer close(moved)
				return fmt.Errorf("node 7 is no primary any more: %w", kv.ErrRestart)
			}
			read.Add(1)
			time.Sleep(time.Millisecond)
			return nil
		},
	}, Options{Parallel: 2})
	if !errors.Is(err, kv.ErrRestart) || errors.Is(err, context.Canceled) || read.Load() == 5000 {
		t.Errorf("%v after %d keys", err, read.Load())
	}
}

// full is what a full disk is like.
type full struct{ left int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// When rows cannot be written the scan ends: there is nobody to read for.
func TestKeysToAFullDisk(t *testing.T) {
	for _, format := range Formats() {
		var read atomic.Int64
		f := &fake{shards: 2, keys: 300_000, fail: func(int, int) error { read.Add(1); return nil }}
		table := &Table{Columns: All()[1:2]}
		w, err := format.New(&full{left: 64}, table)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Keys(t.Context(), f, table, []Writer{w}, Options{Parallel: 2})
		var unwritten *WriteError
		if !errors.As(err, &unwritten) || !errors.Is(err, errFull) || errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", format.Name, err)
		}
		if read.Load() >= 600_000 {
			t.Errorf("%s: all was read", format.Name)
		}
	}
}

func TestKeysThatDoNotTell(t *testing.T) {
	table := &Table{Columns: Default()}
	w, err := newJSONL(&bytes.Buffer{}, table)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Keys(t.Context(), &fake{shards: 2, keys: 500}, table, []Writer{w}, Options{Parallel: 2, Expect: kv.FieldName | kv.FieldSize})
	if err != nil || r != (Result{Keys: 1000, Lacking: 1000}) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestKeysReportsProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []int64
		f := &fake{keys: 3 * countEvery, fail: func(int, int) error { time.Sleep(time.Millisecond); return nil }}
		_, r, err := exportTo(t, f, Options{Every: 300 * time.Millisecond, Update: func(keys int64) { seen = append(seen, keys) }})
		if want := []int64{countEvery, 2 * countEvery}; err != nil || r.Keys != 3*countEvery || !slices.Equal(seen, want) {
			t.Errorf("%+v, %v after %v, want %v", r, err, seen, want)
		}
	})
}

// A bug in a shard's goroutine is met by whoever called, and not by the process.
func TestKeysPanics(t *testing.T) {
	defer func() {
		if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), "a bug") {
			t.Errorf("recovered %v", p)
		}
	}()
	exportTo(t, &fake{shards: 2, keys: 10, fail: func(int, int) error { panic("a bug") }}, Options{Parallel: 2})
}

func TestColumns(t *testing.T) {
	all := All()
	for i, c := range all {
		if c.id != column(i) || c.Name == "" || c.Needs == 0 || strings.ContainsAny(c.Name, "\",\\") {
			t.Errorf("column %d is %+v", i, c)
		}
	}
	if len(all) != int(numColumns) || columnNames(Default())[len(Default())-1] != "slot" {
		t.Errorf("%d columns, by default %q", len(all), columnNames(Default()))
	}
	// A database costs nothing: it is not asked for.
	if got := (&Table{Columns: all[:2]}).Want(); got != kv.FieldName {
		t.Errorf("db and key want %s", got)
	}
}
