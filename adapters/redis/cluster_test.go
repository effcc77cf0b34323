package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

// clusterURL is the target of a cluster, by one of its nodes.
func clusterURL(c *servertest.ServerCluster) string { return "redis+cluster://" + c.Primaries[1].Addr }

// fillCluster writes keys of every type to the nodes that serve them, and returns what is in them.
func fillCluster(t *testing.T, c *servertest.ServerCluster, n int) []kv.Record {
	t.Helper()
	clients := []*servertest.Client{c.Primaries[0].Client(t), c.Primaries[1].Client(t), c.Primaries[2].Client(t)}
	var records []kv.Record
	add := func(key string, typ kv.Type, cmd ...string) {
		t.Helper()
		s := slot.Of(key)
		at := 2
		for at > 0 && int(s) < at*slot.Count/3 {
			at--
		}
		clients[at].Must(t, cmd...)
		encoding, _ := clients[at].Must(t, "OBJECT", "ENCODING", key).(string)
		size, _ := clients[at].Must(t, "MEMORY", "USAGE", key).(int64)
		records = append(records, kv.Record{
			Key: key, Type: typ, Encoding: kv.Encoding(encoding), Size: size, TTL: kv.TTLNone, Slot: s, Place: c.Primaries[at].Addr,
			Known: kv.FieldName | kv.FieldType | kv.FieldEncoding | kv.FieldSize | kv.FieldTTL | kv.FieldPlace | kv.FieldSlot,
		})
	}
	for _, key := range oddKeys {
		add(key, kv.TypeString, "SET", key, "value")
	}
	for i := range n {
		user := fmt.Sprintf("user:%d", i)
		add(user, kv.TypeHash, "HSET", user, "name", fmt.Sprint("user ", i), "age", fmt.Sprint(i%90))
		cart := fmt.Sprintf("cart:{user:%d}:items", i)
		add(cart, kv.TypeList, "RPUSH", cart, "a", "b", strings.Repeat("c", i%50))
		page := fmt.Sprintf("page:%d:html", i)
		add(page, kv.TypeString, "SET", page, strings.Repeat("<p>", 1+i%100))
	}
	return records
}

func TestCluster(t *testing.T) {
	c := servertest.Cluster(t, servertest.ClusterOptions{})
	records := fillCluster(t, c, 200)
	c.WaitReplicas(t)
	kvtest.TestStore(t, kvtest.Config{
		Open:    func(t *testing.T) kv.Store { return openOnly(t, clusterURL(c)) },
		Records: records,
		Servers: 3,
		Globs:   []string{"user:*", "*{user:1?}*", "\xff*"},
	})
}
