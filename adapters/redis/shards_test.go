package redis

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// list is an array in RESP.
func list(items ...string) string {
	return fmt.Sprintf("*%d\r\n%s", len(items), strings.Join(items, ""))
}

func number(n int) string { return fmt.Sprintf(":%d\r\n", n) }

// shardReply is a shard of CLUSTER SHARDS, whose slots are pairs.
func shardReply(slots []int, nodes ...string) string {
	var ends []string
	for _, n := range slots {
		ends = append(ends, number(n))
	}
	return list(bulk("slots"), list(ends...), bulk("nodes"), list(nodes...))
}

// shardNode is a node of a shard.
func shardNode(id, host string, port int, role, health string, more ...string) string {
	fields := []string{
		bulk("id"), bulk(id), bulk("port"), number(port), bulk("ip"), bulk("1.2.3.4"), bulk("endpoint"), host, bulk("role"), bulk(role),
		bulk("replication-offset"), number(72156), bulk("health"), bulk(health),
	}
	return list(append(fields, more...)...)
}

func TestReadShards(t *testing.T) {
	h, i := bulk("h"), bulk("i")
	for _, tt := range []struct {
		name, text string
		tls        bool
		want       string // empty: it is not believed
	}{
		{"two ranges", list(shardReply([]int{0, 9, 20, 20}, shardNode("a", h, 1, "master", "online"))), false, "a h:1 0-9,20"},
		{"replicas", list(shardReply([]int{0, 16383}, shardNode("b", i, 2, "replica", "online"), shardNode("a", h, 1, "master", "online"),
			shardNode("c", i, 3, "replica", "fail"), shardNode("d", i, 4, "replica", "loading"))), false, "a h:1 0-16383 b i:2"},
		{"a shard without slots", list(shardReply(nil, shardNode("a", h, 1, "master", "online")), shardReply([]int{1, 1}, shardNode("b", i, 2, "master", "online"))), false, "b i:2 1"},
		{"no endpoint", list(shardReply([]int{0, 0}, shardNode("a", "$-1\r\n", 7, "master", "online"))), false, "a asked:7 0"},
		{"no host name", list(shardReply([]int{0, 0}, shardNode("a", bulk("?"), 7, "master", "online"))), false, "a 1.2.3.4:7 0"},
		{"a port for TLS", list(shardReply([]int{0, 0}, shardNode("a", h, 7, "master", "online", bulk("tls-port"), number(8)))), true, "a h:8 0"},
		{"and without TLS", list(shardReply([]int{0, 0}, shardNode("a", h, 7, "master", "online", bulk("tls-port"), number(8)))), false, "a h:7 0"},
		{"one followed by another", list(shardReply([]int{0, 0}, shardNode("a", h, 1, "master", "fail"), shardNode("b", i, 2, "master", "online"))), false, "b i:2 0"},
		{"one followed by nobody", list(shardReply([]int{0, 0}, shardNode("a", h, 1, "master", "fail"), shardNode("b", i, 2, "replica", "online"))), false, "a h:1 0 b i:2"},
		{"two that are well", list(shardReply([]int{0, 0}, shardNode("a", h, 1, "master", "online"), shardNode("b", i, 2, "master", "online"))), false, ""},
		{"nobody", list(shardReply([]int{0, 0}, shardNode("b", i, 2, "replica", "online"))), false, ""},
		{"a slot of two shards", list(shardReply([]int{0, 9}, shardNode("a", h, 1, "master", "online")), shardReply([]int{9, 12}, shardNode("b", i, 2, "master", "online"))), false, ""},
		{"half a range", list(shardReply([]int{0, 9, 10}, shardNode("a", h, 1, "master", "online"))), false, ""},
		{"a slot too many", list(shardReply([]int{0, 16384}, shardNode("a", h, 1, "master", "online"))), false, ""},
		{"a range that ends before it begins", list(shardReply([]int{5, 4}, shardNode("a", h, 1, "master", "online"))), false, ""},
		{"no port", list(shardReply([]int{0, 0}, shardNode("a", h, 0, "master", "online"))), false, ""},
		{"a host of two lines", list(shardReply([]int{0, 0}, shardNode("a", bulk("h\r\nQUIT"), 1, "master", "online"))), false, ""},
		{"no id", list(shardReply([]int{0, 0}, shardNode("", h, 1, "master", "online"))), false, ""},
		{"a text", bulk("no"), false, ""},
		{"shards that are none", list(number(1), bulk("x"), list(bulk("slots"))), false, ""},
	} {
		groups, err := shardsIn(tt.text, tt.tls)
		var got []string
		for _, g := range groups {
			got = append(got, g.primary.id, g.primary.addr, g.slots.String())
			for _, r := range g.replicas {
				got = append(got, r.id, r.addr)
			}
		}
		if strings.Join(got, " ") != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}

// shardsIn reads an answer to CLUSTER SHARDS.
func shardsIn(text string, tls bool) ([]group, error) {
	l := newLink(&canned{data: []byte(text)}, 0)
	rep, err := l.in.Next()
	if err != nil {
		return nil, err
	}
	reply, err := l.whole(rep)
	if err != nil {
		return nil, err
	}
	return readShards(reply, "asked", tls)
}

// TestShardsThenSlots opens clusters that say who serves what in the one way or the other: what SHARDS leaves open, and what it is not
// allowed to say, SLOTS says.
func TestShardsThenSlots(t *testing.T) {
	for _, tt := range []struct {
		name   string
		shards func(host string, port int) string
		slots  bool
	}{
		{"by shards", func(host string, port int) string {
			return list(shardReply([]int{0, 16383}, shardNode("a", bulk(host), port, "master", "online")))
		}, false},
		{"before 7.0", func(string, int) string {
			return "-ERR Unknown subcommand or wrong number of arguments for 'SHARDS'. Try CLUSTER HELP.\r\n"
		}, true},
		{"no right", func(string, int) string {
			return "-NOPERM this user has no permissions to run the 'cluster|shards' command\r\n"
		}, true},
		{"two primaries", func(host string, port int) string {
			return list(shardReply([]int{0, 16383}, shardNode("a", bulk(host), port, "master", "online"), shardNode("b", bulk(host), port, "master", "online")))
		}, true},
		{"nonsense", func(string, int) string { return bulk("yes") }, true},
	} {
		var addr string
		var asked atomic.Bool
		addr = fake(t, func(c string) string {
			host, n := splitAddr(addr)
			switch c {
			case "CLUSTER SHARDS":
				return tt.shards(host, n)
			case "CLUSTER SLOTS":
				asked.Store(true)
				return list(rangeReply(0, 16383, nodeReply(host, n, "a")))
			}
			return ""
		})
		got, err := collect(t.Context(), openURL(t, "redis+cluster://"+addr), kv.ScanOptions{Want: kv.FieldSlot})
		if err != nil || len(got) != 2 || got[0].Slot != slot.Of("a") || asked.Load() != tt.slots {
			t.Errorf("%s: %+v, %v; CLUSTER SLOTS was asked: %v", tt.name, got, err, asked.Load())
		}
	}
}

func FuzzReadShards(f *testing.F) {
	f.Add(list(shardReply([]int{0, 9, 20, 20}, shardNode("a", bulk("h"), 1, "master", "online"), shardNode("b", bulk("?"), 2, "replica", "online"))), true)
	f.Add(list(shardReply([]int{0, 9}, shardNode("a", bulk("h"), 1, "master", "fail"), shardNode("b", bulk("i"), 2, "master", "online"))), false)
	f.Fuzz(func(t *testing.T, text string, tls bool) {
		groups, err := shardsIn(text, tls)
		if err != nil {
			return
		}
		var all slot.Set
		total := 0
		for i := range groups {
			g := &groups[i]
			if g.primary.id == "" || g.slots.Empty() {
				t.Errorf("a group %+v", g)
			}
			total += g.slots.Len()
			all = all.Or(g.slots)
		}
		if total != all.Len() {
			t.Errorf("%d slots in groups, %d in all: a slot is in two", total, all.Len())
		}
	})
}
