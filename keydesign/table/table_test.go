package table

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func record(pk, sk string, size int64, fault kv.Fault) kv.Record {
	r := kv.Record{
		Parts: []kv.Part{{Name: "pk", Value: pk}, {Name: "sk", Value: sk}}, Type: kv.TypeItem, Size: size, TTL: kv.TTLNone, Fault: fault,
		Known: kv.FieldName | kv.FieldParts | kv.FieldType | kv.FieldSize | kv.FieldTTL | kv.FieldFault | kv.FieldIndexes,
	}
	r.Key = kv.Join(r.Parts)
	r.Indexes = []kv.Part{{Name: "by_size", Value: fmt.Sprint(size)}, {Name: "by_sort", Value: sk}}
	return r
}

func records() []kv.Record {
	rng := rand.New(rand.NewPCG(1, 2))
	faults := []kv.Fault{"", "", "", kv.FaultMilliseconds, kv.FaultNested, kv.FaultFar}
	var all []kv.Record
	for i := range 400 {
		all = append(all, record(fmt.Sprint("USER#", rng.IntN(40)), fmt.Sprint(i), rng.Int64N(90<<10)+1, faults[rng.IntN(len(faults))]))
	}
	return all
}

// The collectors keep the laws of a fold.
func TestLaws(t *testing.T) {
	for _, a := range Analyzers() {
		t.Run(a.Name, func(t *testing.T) { audittest.Test(t, a, records()) })
	}
}

// run folds records and reports, as of a store that said info.
func run(t *testing.T, a *audit.Analyzer, info *kv.Info, records ...kv.Record) audit.Output {
	t.Helper()
	c := a.New(time.Unix(1_790_000_000, 0))
	for i := range records {
		c.Observe(&records[i])
	}
	out := audit.Output{Store: info}
	c.Report(&out)
	return out
}

func metricOf(t *testing.T, out audit.Output, name string) float64 {
	t.Helper()
	for _, m := range out.Metrics {
		if m.Name == name {
			n, _ := m.Value.Number()
			return n
		}
	}
	t.Fatalf("no metric %s in %+v", name, out.Metrics)
	return 0
}

func TestExpiry(t *testing.T) {
	past := record("S#3", "x", 10, "")
	past.TTL, past.ExpireAt = kv.TTLExpired, time.Unix(1, 0)
	out := run(t, expiryAttribute(), nil, record("S#1", "x", 10, kv.FaultMilliseconds), record("S#2", "x", 10, kv.FaultMilliseconds),
		record("S#2", "y", 10, kv.FaultRelative), record("T:1", "x", 10, kv.FaultType), record("T:1", "y", 10, kv.FaultFar), record("T:2", "x", 1, ""), past)
	got := map[string]string{}
	for _, f := range out.Findings {
		if _, twice := got[f.Rule+" "+f.Subject]; twice {
			t.Errorf("two findings %s %s", f.Rule, f.Subject)
		}
		got[f.Rule+" "+f.Subject] = f.Message
	}
	if len(got) != 2 || !strings.Contains(got["KD063 S#"], "3 items never to expire: the TTL is 2 in milliseconds, 1 a duration") ||
		!strings.Contains(got["KD072 T:"], "1 item never to expire: the TTL is no number") {
		t.Errorf("%q", got)
	}
	if n := metricOf(t, out, "expired_pending"); n != 1 {
		t.Errorf("%v expired", n)
	}
	if out := run(t, expiryAttribute(), nil, record("T:2", "x", 1, "")); len(out.Metrics)+len(out.Findings) > 0 {
		t.Errorf("of a table without expiry: %+v", out)
	}
}

func TestCapacity(t *testing.T) {
	out := run(t, capacity(), nil, record("A#1", "x", 1, ""), record("A#1", "y", 1025, ""), record("A#2", "x", 8193, ""), record("B#1", "x", 399<<10, ""))
	for name, want := range map[string]float64{
		"items": 4, "read_units": 1 + 1 + 3 + 100, "write_units": 1 + 2 + 9 + 399, "bytes": 1 + 1025 + 8193 + 399<<10, "billed_bytes": 1 + 1025 + 8193 + 399<<10 + 400,
	} {
		if got := metricOf(t, out, name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if len(out.Findings) != 1 || out.Findings[0].Subject != "B#" || out.Findings[0].Severity != report.Error {
		t.Errorf("%+v", out.Findings)
	}
}

// Item collections come near 10 GB in synthetic records alone: no server that tests can have tells their size.
func TestPartitionKeys(t *testing.T) {
	few := make([]kv.Record, 0, 2000)
	for i := range 2000 {
		few = append(few, record([]string{"new", "paid", "sent"}[i%3], fmt.Sprint(i), 6<<20, ""))
	}
	local := &kv.Info{Table: kv.Table{Indexes: []kv.Index{{Name: "by_day", Local: true}}}}
	for _, c := range []struct {
		name    string
		info    *kv.Info
		records []kv.Record
		want    string
	}{
		{"few keys", &kv.Info{}, few, "KD022 error"},
		{"few keys, not all read", nil, few, ""},
		{"a collection of 8.6 GB", &kv.Info{}, grown(few, "tenant", 8.6), "KD047 warning"},
		{"the same with a local index", local, grown(few, "tenant", 8.6), "KD047 warning"},
		{"of 9.5 GB with a local index", local, grown(few, "tenant", 9.5), "KD047 error"},
		{"of 9.5 GB without", &kv.Info{}, grown(few, "tenant", 9.5), "KD047 warning"},
	} {
		out := run(t, partitionKeys(), c.info, c.records...)
		got := ""
		for _, f := range out.Findings {
			if f.Rule == fewPartitionKeys && strings.HasPrefix(c.want, itemCollectionID) {
				continue
			}
			got = f.Rule + " " + string(f.Severity)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	out := run(t, partitionKeys(), &kv.Info{}, few...)
	if n := metricOf(t, out, "partition_keys"); n != 3 || len(out.Tables) != 1 || len(out.Tables[0].Rows) != 3 {
		t.Errorf("%v partition keys: %+v", n, out.Tables)
	}
}

// grown returns the records with one partition key of so many GiB more.
func grown(records []kv.Record, pk string, size float64) []kv.Record {
	all := make([]kv.Record, 0, len(records)+100)
	for i := range records {
		r := record(fmt.Sprint("p", i), "x", 100, "")
		all = append(all, r)
	}
	for i := range 100 {
		all = append(all, record(pk, fmt.Sprint(i), int64(size*gib/100), ""))
	}
	return all
}

// A table is described by what it says; of one with many indexes each write is several.
func TestDescription(t *testing.T) {
	info := &kv.Info{Table: kv.Table{Name: "shop", Partition: "pk", Sort: "sk", Billing: "provisioned", ReadUnits: 5, WriteUnits: 5, TTL: "on", TTLAttribute: "ttl"}}
	for range 6 {
		info.Table.Indexes = append(info.Table.Indexes, kv.Index{Name: "x", Local: true, Projection: "keys"})
	}
	out := run(t, description(), info)
	if len(out.Findings) != 1 || out.Findings[0].Rule != manyIndexes || len(out.Tables) != 1 || len(out.Tables[0].Rows) != 6 {
		t.Errorf("%+v", out)
	}
	if n := metricOf(t, out, "read_units"); n != 5 {
		t.Errorf("%v RCU", n)
	}
	if out := run(t, description(), &kv.Info{}); len(out.Metrics)+len(out.Tables) > 0 {
		t.Errorf("of no table: %+v", out)
	}
}

// An index on a state is hot; one on few items, or on what all items differ in, is not.
func TestIndexKeys(t *testing.T) {
	var all []kv.Record
	for i := range 2000 {
		r := record(fmt.Sprint("O#", i), "x", 10, "")
		r.Indexes = []kv.Part{{Name: "by_state", Value: []string{"new", "paid", "sent"}[i*i%7%3]}, {Name: "by_mail", Value: fmt.Sprint(i)}}
		if i < 50 {
			r.Indexes = append(r.Indexes, kv.Part{Name: "sparse", Value: "open"})
		}
		all = append(all, r)
	}
	out := run(t, indexKeys(), &kv.Info{}, all...)
	if len(out.Findings) != 1 || out.Findings[0].Subject != "by_state" || out.Findings[0].Rule != "KD048" || len(out.Tables[0].Rows) != 3 {
		t.Fatalf("%+v", out)
	}
	if m := out.Findings[0].Message; m != "3 values for 2,000 items" {
		t.Errorf("%q", m)
	}
	if out := run(t, indexKeys(), nil, all...); len(out.Findings) != 0 {
		t.Errorf("of a part of the table: %+v", out.Findings)
	}
}
