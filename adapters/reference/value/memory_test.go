package value_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/servertest"
)

// TestSizeAgainstServer: hashes and lists of many shapes count as what MEMORY USAGE says of them, byte for byte.
func TestSizeAgainstServer(t *testing.T) {
	c := servertest.Redis(t, servertest.Options{}).Client(t)
	s := keyspace.New(keyspace.Options{Size: value.Size, Limits: keyspace.DefaultLimits()})
	m := memory.New(memory.Profile{Allocator: memory.Jemalloc16, State: memory.Live})
	r := rand.New(rand.NewPCG(1, 1))
	for i, n := range []int{1, 2, 20, 128, 129, 400, 512, 513, 600, 2000} {
		for k, longest := range []int{3, 20, 64, 90, 2000} {
			key := fmt.Appendf(nil, "key:%d:%d", i, k)
			args := []string{"HSET", "hash" + string(key)}
			h := value.OpenHash(s, keyspace.Item{})
			for f := range n {
				v := strings.Repeat("v", r.IntN(longest+1))
				h.Set(fmt.Append(nil, "field", f), []byte(v))
				args = append(args, "field"+strconv.Itoa(f), v)
			}
			for at := 2; at < len(args); at += 200 {
				c.Must(t, append(args[:2:2], args[at:min(at+200, len(args))]...)...)
			}
			hold(t, c, m, h.Put, "hash"+string(key))
			args = []string{"RPUSH", "list" + string(key)}
			l := value.OpenList(s, keyspace.Item{})
			for range n {
				v := strings.Repeat("v", r.IntN(longest+1))
				l.Push([]byte(v), false)
				args = append(args, v)
			}
			c.Must(t, args...)
			hold(t, c, m, l.Put, "list"+string(key))
		}
	}
}

// hold puts a value and compares what it takes.
func hold(t *testing.T, c *servertest.Client, m *memory.Model, put func(int, []byte, uint64) (keyspace.Item, bool), key string) {
	it, ok := put(0, []byte(key), keyspace.Hash([]byte(key)))
	want := c.Must(t, "MEMORY", "USAGE", key, "SAMPLES", "0").(int64)
	enc := c.Must(t, "OBJECT", "ENCODING", key).(string)
	if got := it.Size(m); !ok || got != want || string(it.Encoding()) != enc {
		t.Errorf("%s of %s: %s of %d bytes, the server has %s of %d", key, it.Type(), it.Encoding(), got, enc, want)
	}
}
