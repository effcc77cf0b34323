package rdbread

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// TestModelAgainstServer compares every size with MEMORY USAGE SAMPLES 0 of the redis-server on PATH, which must be one
// of Redis 7.0 for the model to be held to it: live as it stands, and loaded after a reload.
func TestModelAgainstServer(t *testing.T) {
	s := startServer(t, "--hash-max-listpack-entries", "128")
	s.do(workload(3000)...)
	path := s.dump()
	for _, c := range []struct {
		live      bool
		total     float64 // bounds, as shares
		median    float64
		nineFifth float64
	}{
		{true, 0.005, 0, 0.02},
		{false, 0.005, 0, 0.02},
	} {
		t.Run(map[bool]string{true: "live", false: "loaded"}[c.live], func(t *testing.T) {
			if !c.live {
				s.do([]string{"DEBUG", "RELOAD"})
			}
			records, sum := walkFile(t, path, c.live)
			if sum.Model.Version != memory.Redis70 {
				t.Skipf("redis-server %s is not the one that the model is held to", sum.Version)
			}
			a := compare(s, records)
			a.log(t)
			if off := miss(a.model, a.server); off > c.total {
				t.Errorf("total %d, the server says %d", a.model, a.server)
			}
			slices.Sort(a.misses)
			if m, p := a.misses[len(a.misses)/2], a.misses[len(a.misses)*95/100]; m > c.median || p > c.nineFifth {
				t.Errorf("median %.2f %%, p95 %.2f %%", 100*m, 100*p)
			}
		})
	}
}

// walkFile reads a dump under the allocator that fits it.
func walkFile(t *testing.T, path string, live bool) ([]kv.Record, Summary) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	records, sum, err := readAll(f, Options{Live: live, Allocator: allocator(t)})
	if err != nil {
		t.Fatal(err)
	}
	return records, sum
}

// allocator is that of redis-server on PATH: Debian's and most distributions' is the system's jemalloc.
func allocator(t *testing.T) memory.Allocator {
	t.Helper()
	name := os.Getenv("KVTOOL_TEST_ALLOCATOR")
	if name == "" {
		return memory.Jemalloc16
	}
	a, err := memory.ParseAllocator(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

type accuracy struct {
	model, server int64
	misses        []float64
	byEncoding    map[string]*accuracy
}

func compare(s *server, records []kv.Record) *accuracy {
	a := &accuracy{byEncoding: map[string]*accuracy{}}
	cmds := make([][]string, len(records))
	for i := range records {
		cmds[i] = []string{"MEMORY", "USAGE", records[i].Key, "SAMPLES", "0"}
	}
	for i, reply := range s.do(cmds...) {
		n, _ := strconv.ParseInt(reply, 10, 64)
		r := &records[i]
		name := string(r.Type) + " " + string(r.Encoding)
		if a.byEncoding[name] == nil {
			a.byEncoding[name] = &accuracy{}
		}
		for _, b := range []*accuracy{a, a.byEncoding[name]} {
			b.model += r.Size
			b.server += n
			b.misses = append(b.misses, miss(r.Size, n))
		}
	}
	return a
}

func (a *accuracy) log(t *testing.T) {
	t.Helper()
	for name, b := range a.byEncoding {
		slices.Sort(b.misses)
		t.Logf("%-16s %5d keys, sum %.4f, median %.2f %%, p95 %.2f %%, max %.2f %%", name, len(b.misses), float64(b.model)/float64(b.server),
			100*b.misses[len(b.misses)/2], 100*b.misses[len(b.misses)*95/100], 100*b.misses[len(b.misses)-1])
	}
}

// workload writes n keys of every type and encoding, element by element, as an application would.
func workload(n int) [][]string {
	r := rand.New(rand.NewPCG(7, 7))
	text := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('a' + r.IntN(26))
		}
		return string(b)
	}
	var cmds [][]string
	add := func(c ...string) { cmds = append(cmds, c) }
	for i := range n {
		key := fmt.Sprintf("%s:%d", text(1+r.IntN(30)), i)
		switch i % 12 {
		case 0:
			add("SET", key, strconv.FormatInt(r.Int64()>>r.IntN(60), 10))
		case 1:
			add("SET", key, text(r.IntN(45)))
		case 2:
			add("SET", key, text(45+r.IntN(4000)), "EX", "100000")
		case 3:
			add("SET", key, strings.Repeat(text(3), 1+r.IntN(500)))
		case 4, 5:
			for j := range 1 + r.IntN(100)*(1+3*(i%2)) {
				add("HSET", key, fmt.Sprint("f", j), text(r.IntN(40)))
			}
		case 6:
			for range 1 + r.IntN(80) {
				add("SADD", key, strconv.Itoa(r.IntN(1<<20)))
			}
		case 7:
			for range 1 + r.IntN(300) {
				add("SADD", key, text(4+r.IntN(20)))
			}
		case 8, 9:
			for range 1 + r.IntN(100)*(1+5*(i%2)) {
				add("ZADD", key, strconv.Itoa(r.IntN(1000)), text(4+r.IntN(20)))
			}
		case 10:
			for range 1 + r.IntN(400) {
				add("RPUSH", key, text(r.IntN(60)))
			}
		case 11:
			for j := range 1 + r.IntN(150) {
				add("XADD", key, fmt.Sprint(j+1, "-0"), "f", text(10))
			}
		}
	}
	return cmds
}

// TestFitAllocator finds the allocator of the server on PATH from its dump.
func TestFitAllocator(t *testing.T) {
	s := startServer(t, "--hash-max-listpack-entries", "128")
	s.do(workload(6000)...)
	path := s.dump()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	fit := FitAllocator(func() io.ReadCloser {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}, st.Size(), st.Size(), true)
	t.Logf("%s, %s", fit.Allocator, fit.Why)
	if fit.Allocator != allocator(t) || !strings.HasPrefix(fit.Why, "found") {
		t.Errorf("%s, %s", fit.Allocator, fit.Why)
	}
}
