package rdbread

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/servertest"
)

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
	t.Parallel()
	c := servertest.Redis(t, servertest.Options{Args: []string{"--hash-max-listpack-entries", "128"}}).Client(t)
	cmds := workload(2000)
	c.Fill(t, len(cmds), func(i int) []string { return cmds[i] })
	path := saved(t, c)
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
