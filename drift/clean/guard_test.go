package clean_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/drift/clean"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// What was written to since the plan stays, though it still has no parent: of each type, and of one that was deleted and made anew.
func TestRewrittenSince(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	fill(t, func(args ...string) { c.Must(t, args...) }, 24)
	store := open(t, "redis://"+server.Addr)
	p := planOf(t, store, parse(t))
	c.Must(t, "HSET", "order:3:1", "f0", "another")
	c.Must(t, "RPUSH", "order:5:1", "d")
	c.Must(t, "SADD", "order:7:1", "4")
	c.Must(t, "ZADD", "order:9:1", "1.6", "a")
	c.Must(t, "XADD", "order:11:1", "1-2", "f", "v")
	c.Must(t, "SET", "order:13:1", "other", "KEEPTTL")
	r, err := clean.Apply(t.Context(), store, p, options(t.TempDir()))
	if err != nil || r.Counts[kv.NewValue] != 6 || r.Counts[kv.Done] != 6 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, u := range []int{3, 5, 7, 9, 11, 13} {
		if c.Must(t, "EXISTS", fmt.Sprintf("order:%d:1", u)) != int64(1) {
			t.Errorf("order:%d:1 is gone", u)
		}
	}
}

// Under a policy that counts accesses nobody tells idle times: what is used more than decay explains stays.
func TestUsedSinceByFrequency(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{Args: []string{"--maxmemory-policy", "allkeys-lfu", "--lfu-decay-time", "1"}})
	c := server.Client(t)
	c.Must(t, "SET", "page:0", "x")
	dump := fmt.Sprint(c.Must(t, "DUMP", "page:0"))
	for i, freq := range []string{"50", "50", "50", "50", "0"} {
		c.Must(t, "RESTORE", fmt.Sprint("page:", i), "0", dump, "FREQ", freq, "REPLACE")
	}
	store := open(t, "redis://"+server.Addr)
	p := &clean.Plan{Head: clean.Head{What: "free", Target: "test", Decay: 1, Templates: map[string]int64{"page": 100}}}
	for i := range 5 {
		key := clean.Text(fmt.Sprint("page:", i))
		p.Lines = append(p.Lines, clean.Line{Key: key, Template: "page", Action: clean.Delete, Expiry: "none", Type: kv.TypeString})
	}
	id, err := store.(kv.Remover).Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.Server, p.Created, p.Expires = id.ID, time.Now().Add(-10*time.Minute), time.Now().Add(time.Hour) // decay has taken 10 since
	p = seal(t, store, p)
	if p.Lines[0].Freq == nil || *p.Lines[0].Freq < 50 {
		t.Fatalf("%+v", p.Lines[0])
	}
	for i, freq := range []string{"40", "41", "255", "0", "1"} { // as idle as it should be, once more, often, decayed altogether, once
		c.Must(t, "RESTORE", fmt.Sprint("page:", i), "0", dump, "FREQ", freq, "REPLACE")
	}
	r, err := clean.Apply(t.Context(), store, p, options(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{}
	for _, k := range c.Must(t, "KEYS", "*").([]any) {
		keys = append(keys, k.(string))
	}
	if slices.Sort(keys); !slices.Equal(keys, []string{"page:1", "page:2", "page:4"}) || r.Counts[kv.NewValue] != 3 {
		t.Errorf("%q are left; %+v", keys, r)
	}
}

const indexed = `kvschema: 1
fields: {uid: {type: int}}
templates:
  user: {key: "user:{uid}", kind: record}
  mail: {key: "mail:{h:hash(md5,8,of:email)}", type: string, kind: index, refs: [{kind: index, to: user, from: value, target: "user:{value}", backref: email}]}
`

// entryOf returns the entry of the address that a user had.
func entryOf(u int) string {
	sum := md5.Sum(fmt.Append(nil, "old", u))
	return "mail:" + hex.EncodeToString(sum[:4])
}

// A stale entry goes; one whose target leads back since, in a hash or in JSON, stays, as does one that is not read the same any more.
func TestStaleSince(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	for u := range 8 {
		c.Must(t, "SET", entryOf(u), fmt.Sprint(u))
		if u%2 == 0 {
			c.Must(t, "HSET", fmt.Sprint("user:", u), "email", fmt.Sprintf("new%d", u), "seen", "0")
		} else {
			c.Must(t, "SET", fmt.Sprint("user:", u), fmt.Sprintf(`{"email":"new%d"}`, u))
		}
	}
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte(indexed)})
	if err != nil {
		t.Fatal(err)
	}
	store := open(t, "redis://"+server.Addr)
	p := planOf(t, store, s)
	if len(p.Lines) != 8 {
		t.Fatalf("%d lines", len(p.Lines))
	}
	c.Must(t, "HSET", "user:0", "email", "old0")
	c.Must(t, "SET", "user:1", `{"email":"old1"}`)
	c.Must(t, "SET", entryOf(2), "3")
	c.Must(t, "HSET", "user:4", "seen", "1") // another field: the entry is as stale as before
	r, err := clean.Apply(t.Context(), store, p, options(t.TempDir()))
	if err != nil || r.Counts[kv.Done] != 5 || r.Counts[kv.Parent] != 2 || r.Counts[kv.NewValue] != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := c.Must(t, "EXISTS", entryOf(0), entryOf(1), entryOf(2)); n != int64(3) {
		t.Errorf("%v of three are left", n)
	}
}

// What would have expired by now is not written back, and counted apart.
func TestExpiredMeanwhile(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	c.Must(t, "SET", "order:1:1", "x", "PX", "3000")
	gone := time.After(3100 * time.Millisecond)
	c.Must(t, "SET", "order:2:1", "x")
	store := open(t, "redis://"+server.Addr)
	opt := options(t.TempDir())
	if r, err := clean.Apply(t.Context(), store, planOf(t, store, parse(t)), opt); err != nil || r.Counts[kv.Done] != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	<-gone
	if r := undo(t, store, opt.Undo); r.Counts[kv.Done] != 1 || r.Counts[kv.Expired] != 1 {
		t.Errorf("%+v", r)
	}
}

// An undo file is of the server that it was written of, and of one that has its history.
func TestCame(t *testing.T) {
	u := &clean.Undo{Server: "a", Lineage: []string{"history", "node"}}
	for _, c := range []struct {
		id   kv.Identity
		want bool
	}{
		{kv.Identity{ID: "a"}, true},
		{kv.Identity{ID: "b"}, false},
		{kv.Identity{ID: "b", Lineage: []string{"other", "history"}}, true}, // a replica that took over
		{kv.Identity{}, false},
	} {
		if got := u.Came(c.id); got != c.want {
			t.Errorf("%+v: %v", c.id, got)
		}
	}
	if (&clean.Undo{}).Came(kv.Identity{}) {
		t.Error("nobody is taken for anybody")
	}
}

// clusterState is what all nodes hold.
func clusterState(t *testing.T, clients []*servertest.Client) state {
	t.Helper()
	all := state{keys: map[string]string{}}
	for _, c := range clients {
		s := stateOf(t, c)
		all.digest += s.digest + " "
		maps.Copy(all.keys, s.keys)
		all.tables = append(all.tables, s.tables...)
	}
	return all
}

// clusterClients returns a client of each primary, and sends a command to the one that has its key.
func clusterClients(t *testing.T, cluster *servertest.ServerCluster) (clients []*servertest.Client, do func(args ...string)) {
	t.Helper()
	for _, p := range cluster.Primaries {
		clients = append(clients, p.Client(t))
	}
	return clients, func(args ...string) {
		t.Helper()
		for _, c := range clients {
			if err, refused := c.Do(args...).(error); !refused {
				return
			} else if !strings.HasPrefix(err.Error(), "MOVED") {
				t.Fatal(err)
			}
		}
	}
}

// In a cluster, too, what was applied is taken back: each node holds what it held, streams with their groups among it. One that
// loses a node in the middle has what was done in the undo file.
func TestThereAndBackInACluster(t *testing.T) {
	cluster := servertest.Cluster(t, servertest.ClusterOptions{Args: []string{"--enable-debug-command", "yes", "--cluster-require-full-coverage", "no"}})
	clients, do := clusterClients(t, cluster)
	fill(t, do, 240)
	for u := 11; u < 240; u += 12 { // entries that are pending, and one that is gone
		key := fmt.Sprintf("order:%d:1", u)
		do("XADD", key, "1-2", "f", "v")
		do("XGROUP", "CREATE", key, "g", "0")
		do("XREADGROUP", "GROUP", "g", "c", "COUNT", "1", "STREAMS", key, ">")
		do("XDEL", key, "1-2")
	}
	store := open(t, "redis+cluster://"+cluster.Primaries[0].Addr)
	before := clusterState(t, clients)
	p := planOf(t, store, parse(t))
	opt := options(t.TempDir())
	r, err := clean.Apply(t.Context(), store, p, opt)
	if err != nil || r.Counts[kv.Done] != 120 {
		t.Fatalf("%+v, %v", r, err)
	}
	if r := undo(t, store, opt.Undo); r.Counts[kv.Done] != 120 {
		t.Errorf("undone: %+v", r)
	}
	before.same(t, clusterState(t, clients))

	opt = options(t.TempDir())
	opt.Limiter = kv.NewLimiter(1000)
	opt.Log = &trigger{at: 60, do: func() { go cluster.Primaries[2].Stop() }}
	r, err = clean.Apply(t.Context(), store, p, opt)
	if err == nil || r.Counts[kv.Done] == 0 || r.Counts[kv.Done] >= 120 {
		t.Fatalf("a node was stopped: %+v, %v", r, err)
	}
	cluster.Replicas[2].Client(t).Must(t, "CLUSTER", "FAILOVER", "TAKEOVER")
	clients = []*servertest.Client{clients[0], clients[1], cluster.Replicas[2].Client(t)}
	store = open(t, "redis+cluster://"+cluster.Primaries[0].Addr)
	deadline := time.Now().Add(20 * time.Second)
	for _, err = undoIn(t, store, opt.Undo, false); err != nil; _, err = undoIn(t, store, opt.Undo, false) { // until all know
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	after := clusterState(t, clients)
	if after.digest = before.digest; len(after.keys) == len(before.keys) { // the replica's tables have another order
		for _, key := range before.tables {
			before.keys[key], after.keys[key] = "", ""
		}
	}
	before.same(t, after)
}
