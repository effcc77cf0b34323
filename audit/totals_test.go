package audit

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Of more databases than are kept the lowest are, with all their keys, however the records are ordered and divided.
func TestTotalsOfManyDatabases(t *testing.T) {
	const dbs, shards = 5 * mostDatabases, 3
	var records []kv.Record
	for n := range dbs {
		for range 1 + n%3 {
			records = append(records, kv.Record{DB: 7 * n, Size: int64(n), Known: kv.FieldSize})
		}
	}
	var want []byte
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 1))
		parts := make([]Collector, shards)
		for i := range parts {
			parts[i] = totals().New(time.Time{})
		}
		for i, at := range rng.Perm(len(records)) {
			if seed == 0 {
				at = len(records) - 1 - i // the highest first
			}
			parts[rng.IntN(shards)].Observe(&records[at])
		}
		all := totals().New(time.Time{})
		for _, p := range parts {
			b, err := p.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.(*totalsOf).dbs) > 2*mostDatabases {
				t.Fatalf("seed %d: %d databases are kept", seed, len(p.(*totalsOf).dbs))
			}
			read := totals().New(time.Time{})
			if err := read.UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
			all.Merge(read)
		}
		var out Output
		all.Report(&out)
		rows := out.Tables[0].Rows
		if len(rows) != mostDatabases+1 {
			t.Fatalf("seed %d: %d rows", seed, len(rows))
		}
		left := len(records)
		for n, row := range rows[:mostDatabases] {
			if row[0] != report.Number(7*n) || row[1] != report.Number(1+n%3) {
				t.Fatalf("seed %d: row %d is %v", seed, n, row)
			}
			left -= 1 + n%3
		}
		if last := rows[mostDatabases]; last[0] != report.Text("others") || last[1] != report.Number(left) {
			t.Errorf("seed %d: %v, want %d keys", seed, last, left)
		}
		got, err := all.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) {
			t.Errorf("seed %d: saved it is other bytes", seed)
		}
	}
}
