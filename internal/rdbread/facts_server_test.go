package rdbread

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// TestFactsOfServer compares what a dump tells of keys with what the server that wrote it answers.
func TestFactsOfServer(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]kv.Field{"noeviction": 0, "allkeys-lru": kv.FieldIdle, "volatile-lfu": kv.FieldFreq} {
		t.Run(policy, func(t *testing.T) {
			args := []string{"--maxmemory-policy", policy, "--list-max-listpack-size", "4"}
			c := servertest.Redis(t, servertest.Options{Args: args}).Client(t)
			fillFacts(t, c)
			all, sum := dumped(t, c)
			if sum.Access != want {
				t.Fatalf("the dump tells %s, want %s", sum.Access, want)
			}
			for key, r := range all {
				compareAccess(t, c, key, &r, want)
				compareLargest(t, c, key, &r)
			}
			r := all["stream"]
			summary, _ := c.Must(t, "XPENDING", "stream", "g1").([]any)
			if pending, _ := summary[0].(int64); r.Groups != 2 || r.Pending != pending || pending != 5 {
				t.Errorf("%d groups, %d pending, the server says %q", r.Groups, r.Pending, summary)
			}
		})
	}
}

// fillFacts makes collections of every encoding whose largest element is known by its letter, and a stream with groups.
func fillFacts(t *testing.T, c *servertest.Client) {
	t.Helper()
	for _, n := range []int{3, 300} { // in one block, and as a table
		for i := range n {
			v := strings.Repeat("v", 1+i%60)
			c.Must(t, "HSET", fmt.Sprint("hash:", n), fmt.Sprint("field", i), v)
			c.Must(t, "SADD", fmt.Sprint("set:", n), fmt.Sprint("member", i))
			c.Must(t, "ZADD", fmt.Sprint("zset:", n), fmt.Sprintf("%d.123456789012345", i), fmt.Sprint("m", i))
			c.Must(t, "RPUSH", fmt.Sprint("list:", n), v)
		}
	}
	long := strings.Repeat("long", 5000)
	c.Must(t, "HSET", "hash:long", "f", long)
	c.Must(t, "SADD", "set:long", "a", long)
	c.Must(t, "ZADD", "zset:long", "1", long)
	c.Must(t, "RPUSH", "list:long", "a", long, "b")
	c.Must(t, "SET", "string", long)
	for i := range 8 {
		c.Must(t, "XADD", "stream", fmt.Sprintf("%d-1", i+1), "name", strings.Repeat("s", 100))
	}
	c.Must(t, "XGROUP", "CREATE", "stream", "g1", "0")
	c.Must(t, "XGROUP", "CREATE", "stream", "g2", "0")
	c.Must(t, "XREADGROUP", "GROUP", "g1", "c1", "COUNT", "5", "STREAMS", "stream", ">")
}

func dumped(t *testing.T, c *servertest.Client) (map[string]kv.Record, Summary) {
	t.Helper()
	f, err := os.Open(saved(t, c))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	records, sum, err := readAll(f, Options{Wish: Wish{Want: kv.AllFields}})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]kv.Record{}
	for _, r := range records {
		all[r.Key] = r
	}
	if len(all) != 14 {
		t.Fatalf("%d keys", len(all))
	}
	return all, sum
}

func compareAccess(t *testing.T, c *servertest.Client, key string, r *kv.Record, want kv.Field) {
	t.Helper()
	if r.Known&(kv.FieldIdle|kv.FieldFreq) != want {
		t.Errorf("%s: known %s", key, r.Known)
	}
	switch want {
	case kv.FieldFreq:
		if got := c.Must(t, "OBJECT", "FREQ", key); got != int64(r.Freq) {
			t.Errorf("%s: counter %d, the server says %v", key, r.Freq, got)
		}
	case kv.FieldIdle:
		got, _ := c.Must(t, "OBJECT", "IDLETIME", key).(int64)
		if d := float64(got) - r.Idle.Seconds(); d < 0 || d > 60 {
			t.Errorf("%s: idle for %v, the server says %v s", key, r.Idle, got)
		}
	}
}

// compareLargest asks for all elements.
func compareLargest(t *testing.T, c *servertest.Client, key string, r *kv.Record) {
	t.Helper()
	kind, _, _ := strings.Cut(key, ":")
	ask, ok := map[string][]string{
		"hash": {"HGETALL", key}, "set": {"SMEMBERS", key}, "zset": {"ZRANGE", key, "0", "-1"}, "list": {"LRANGE", key, "0", "-1"},
	}[kind]
	if !ok {
		return
	}
	want := 0
	elements, _ := c.Must(t, ask...).([]any)
	for _, e := range elements {
		want = max(want, len(e.(string)))
	}
	if !r.Has(kv.FieldLargest) || r.Largest != int64(want) {
		t.Errorf("%s (%s): largest %d, the server has one of %d", key, r.Encoding, r.Largest, want)
	}
}
