package rdbread

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

// TestFactsOfServer compares what a dump tells of keys with what the server that wrote it answers.
func TestFactsOfServer(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]kv.Field{"noeviction": 0, "allkeys-lru": kv.FieldIdle, "volatile-lfu": kv.FieldFreq} {
		t.Run(policy, func(t *testing.T) {
			s := startServer(t, "--maxmemory-policy", policy, "--list-max-listpack-size", "4")
			fillFacts(s)
			all, sum := dumped(t, s)
			if sum.Access != want {
				t.Fatalf("the dump tells %s, want %s", sum.Access, want)
			}
			for key, r := range all {
				compareAccess(t, s, key, &r, want)
				compareLargest(t, s, key, &r)
			}
			r := all["stream"]
			summary := strings.Split(s.do([]string{"XPENDING", "stream", "g1"})[0], "\n")
			if pending, _ := strconv.ParseInt(summary[0], 10, 64); r.Groups != 2 || r.Pending != pending || pending != 5 {
				t.Errorf("%d groups, %d pending, the server says %q", r.Groups, r.Pending, summary)
			}
		})
	}
}

// fillFacts makes collections of every encoding whose largest element is known by its letter, and a stream with groups.
func fillFacts(s *server) {
	for _, n := range []int{3, 300} { // in one block, and as a table
		for i := range n {
			v := strings.Repeat("v", 1+i%60)
			s.do(
				[]string{"HSET", fmt.Sprint("hash:", n), fmt.Sprint("field", i), v},
				[]string{"SADD", fmt.Sprint("set:", n), fmt.Sprint("member", i)},
				[]string{"ZADD", fmt.Sprint("zset:", n), fmt.Sprintf("%d.123456789012345", i), fmt.Sprint("m", i)},
				[]string{"RPUSH", fmt.Sprint("list:", n), v},
			)
		}
	}
	long := strings.Repeat("long", 5000)
	s.do([]string{"HSET", "hash:long", "f", long}, []string{"SADD", "set:long", "a", long}, []string{"ZADD", "zset:long", "1", long},
		[]string{"RPUSH", "list:long", "a", long, "b"}, []string{"SET", "string", long})
	for i := range 8 {
		s.do([]string{"XADD", "stream", fmt.Sprintf("%d-1", i+1), "name", strings.Repeat("s", 100)})
	}
	s.do([]string{"XGROUP", "CREATE", "stream", "g1", "0"}, []string{"XGROUP", "CREATE", "stream", "g2", "0"},
		[]string{"XREADGROUP", "GROUP", "g1", "c1", "COUNT", "5", "STREAMS", "stream", ">"})
}

func dumped(t *testing.T, s *server) (map[string]kv.Record, Summary) {
	t.Helper()
	f, err := os.Open(s.dump())
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

func compareAccess(t *testing.T, s *server, key string, r *kv.Record, want kv.Field) {
	t.Helper()
	if r.Known&(kv.FieldIdle|kv.FieldFreq) != want {
		t.Errorf("%s: known %s", key, r.Known)
	}
	switch want {
	case kv.FieldFreq:
		if got := s.do([]string{"OBJECT", "FREQ", key})[0]; got != strconv.Itoa(int(r.Freq)) {
			t.Errorf("%s: counter %d, the server says %s", key, r.Freq, got)
		}
	case kv.FieldIdle:
		got, _ := strconv.ParseFloat(s.do([]string{"OBJECT", "IDLETIME", key})[0], 64)
		if d := got - r.Idle.Seconds(); d < 0 || d > 60 {
			t.Errorf("%s: idle for %v, the server says %v s", key, r.Idle, got)
		}
	}
}

// compareLargest asks for all elements.
func compareLargest(t *testing.T, s *server, key string, r *kv.Record) {
	t.Helper()
	kind, _, _ := strings.Cut(key, ":")
	ask, ok := map[string][]string{
		"hash": {"HGETALL", key}, "set": {"SMEMBERS", key}, "zset": {"ZRANGE", key, "0", "-1"}, "list": {"LRANGE", key, "0", "-1"},
	}[kind]
	if !ok {
		return
	}
	want := 0
	for _, e := range strings.Split(s.do(ask)[0], "\n") {
		want = max(want, len(e))
	}
	if !r.Has(kv.FieldLargest) || r.Largest != int64(want) {
		t.Errorf("%s (%s): largest %d, the server has one of %d", key, r.Encoding, r.Largest, want)
	}
}
