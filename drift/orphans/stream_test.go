//go:build unix

package orphans_test

import (
	"context"
	"flag"
	"iter"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/join"
	"github.com/kvtool/kvtool/drift/orphans"
	"github.com/kvtool/kvtool/drift/refs"
	"github.com/kvtool/kvtool/kv"
)

// A stream is a store of made-up keys: a user in ten keys, and nine orders of it; every thousandth user is gone.
type stream struct{ keys int }

func (stream) Info(context.Context) (*kv.Info, error) {
	return &kv.Info{
		Adapter: "test", Product: "test", Target: "test:", Clock: time.Unix(1, 0),
		Facts: []kv.Fact{{Name: "name", Field: kv.FieldName, How: kv.Measured}},
	}, nil
}

func (stream) Close() error { return nil }

func (s stream) Scan(context.Context, kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		r := kv.Record{Known: kv.FieldName}
		for i := range s.keys {
			u := strconv.Itoa(i / 10)
			switch {
			case i%10 > 0:
				r.Key = "order:" + u + ":" + strconv.Itoa(i)
			case i%10_000 == 0:
				continue
			default:
				r.Key = "user:" + u
			}
			if !yield(&r, nil) {
				return
			}
		}
	}
}

var references = flag.Int("references", 1_000_000, "references of TestStream; 100000000 under 1 GB takes some minutes")

// TestStream finds nine orphans in ten thousand keys of a stream that is larger than what is kept in memory.
func TestStream(t *testing.T) {
	const perUser = 9
	keys := *references * 10 / perUser
	schema, all, err := refs.Parse([]string{"order:{uid:int}:{n:int} needs user:{uid}"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	opt := orphans.Options{
		Schema: schema, References: all, Audit: audit.Options{}, Join: join.Options{Memory: min(int64(*references)*4, 512<<20), Spill: t.TempDir()},
		List: func(*orphans.Orphan) error { listed++; return nil },
	}
	began, cpu := time.Now(), processTime()
	r, err := orphans.Run(t.Context(), stream{keys}, opt)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	row := r.Section(orphans.SectionName).Tables[0].Rows[0]
	found, _ := row[3].Number()
	want := (keys + 9_999) / 10_000 * perUser
	if want -= max(0, (keys-1)/10_000*10_000+10-keys); int(found) != want || listed != want {
		t.Errorf("%v orphans, %d listed, want %d", found, listed, want)
	}
	if plan, _ := r.Section(orphans.SectionName).Metrics[0].Value.Text(); plan != string(join.OnDisk) {
		t.Errorf("plan %s", plan)
	}
	used := (processTime() - cpu).Seconds()
	t.Logf("%d keys in %s; by CPU time %.2f M keys/s a pass, of two with the making of the keys; resident at most %s",
		keys, took.Round(time.Millisecond), 2*float64(keys)/used/1e6, peak())
}

// processTime is the CPU time of the process: a machine that others use as well does not count.
func processTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak returns the most memory that the process has had, as Linux says it.
func peak() string {
	if runtime.GOOS != "linux" {
		return "unknown"
	}
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(b)) {
		if name, value, _ := strings.Cut(line, ":"); name == "VmHWM" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
