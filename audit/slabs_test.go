package audit

import (
	"fmt"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// chunked returns n records of so many bytes in chunks of so many.
func chunked(n int, size, chunk int64) []kv.Record {
	rs := make([]kv.Record, n)
	for i := range rs {
		rs[i] = kv.Record{Key: fmt.Sprint("k", size, i), Size: size, Chunk: chunk, Known: kv.FieldName | kv.FieldSize | kv.FieldChunk}
	}
	return rs
}

func slabReport(info *kv.Info, rs ...[]kv.Record) Output {
	c := slabs().New(frozen)
	for _, part := range rs {
		for i := range part {
			c.Observe(&part[i])
		}
	}
	out := Output{Store: info}
	c.Report(&out)
	return out
}

func rulesOf(fs []report.Finding) (ids []string) {
	for _, f := range fs {
		ids = append(ids, f.Rule+" "+f.Subject)
	}
	return ids
}

func TestSlabs(t *testing.T) {
	rich := kv.Class{Chunk: 1184, Used: 900, Pages: 20, Age: 72 * time.Hour}
	poor := kv.Class{Chunk: 192, Used: 5000, Pages: 1, Evicted: 40_000, Age: 40 * time.Second}
	even := poor
	even.Age = 8 * time.Hour
	for name, x := range map[string]struct {
		classes []kv.Class
		records []kv.Record
		want    string
	}{
		"starved":       {[]kv.Class{poor, rich}, chunked(10, 190, 192), "[SV024 chunks of 192 bytes]"},
		"full":          {[]kv.Class{even, rich}, chunked(10, 190, 192), "[]"},
		"wasteful":      {nil, chunked(200_000, 600, 944), "[SV023 server]"},
		"a few are not": {nil, chunked(20_000, 600, 944), "[]"},
		"thrifty":       {nil, chunked(200_000, 900, 944), "[]"},
	} {
		out := slabReport(&kv.Info{Server: kv.Server{Classes: x.classes}}, x.records)
		if got := fmt.Sprint(rulesOf(out.Findings)); got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
	out := slabReport(nil, chunked(10, 150, 192), chunked(5, 1000, 1184), []kv.Record{{Key: "none", Size: 5, Known: kv.FieldSize}})
	if got := fmt.Sprint(out.Metrics); len(out.Tables[0].Rows) != 2 || out.Metrics[2].Value != report.Number(10*42+5*184) {
		t.Errorf("%s\n%v", got, out.Tables)
	}
	if out := slabReport(nil); len(out.Metrics)+len(out.Tables) > 0 {
		t.Errorf("without chunks: %+v", out)
	}
}

func TestUseOfServer(t *testing.T) {
	classes := []kv.Class{{Chunk: 96, Used: 1}}
	for name, x := range map[string]struct {
		server kv.Server
		want   string
	}{
		"misses":     {kv.Server{Hits: 3_000_000, Misses: 2_000_000}, "[SV006 server]"},
		"hits":       {kv.Server{Hits: 4_500_000, Misses: 500_000}, "[]"},
		"few":        {kv.Server{Hits: 3, Misses: 2}, "[]"},
		"evicts":     {kv.Server{Evicted: 40_000, EvictedUnread: 30_000, Classes: classes}, "[SV007 server]"},
		"once":       {kv.Server{Evicted: 999, Classes: classes}, "[]"},
		"a little":   {kv.Server{Evicted: 1000, Classes: classes}, "[]"},
		"too many":   {kv.Server{Refused: 12, Classes: classes}, "[SV015 server]"},
		"not of one": {kv.Server{Evicted: 40_000}, "[]"},
	} {
		out := Output{Store: &kv.Info{Keys: 100_000, KeysKnown: true, Server: x.server}}
		server().New(frozen).Report(&out)
		if got := fmt.Sprint(rulesOf(out.Findings)); got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
}
