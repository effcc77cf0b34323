package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

// A testCluster is a cluster with keys in it.
type testCluster struct {
	*servertest.ServerCluster
	clients []*servertest.Client // of the primaries
	records []kv.Record          // a few, with all their facts
	keys    map[string]bool      // all of them
	version string
}

// url is the target of the cluster, by one of its nodes.
func (c *testCluster) url(params string) string {
	return "redis+cluster://" + c.Primaries[1].Addr + "?timeout=20s" + params
}

// first returns which of three nodes is given a slot to begin with.
func first(n uint16) int {
	at := 2
	for at > 0 && int(n) < at*slot.Count/3 {
		at--
	}
	return at
}

// bulkKeys is how many keys there are besides the few that are written by hand.
const bulkKeys = 9000

// startCluster starts a cluster and writes keys of every type to the nodes that serve them; so many of bulk that a scan of
// a node takes several pages.
func startCluster(t *testing.T, o servertest.ClusterOptions) *testCluster {
	t.Helper()
	o.Args = append(o.Args, "--lfu-log-factor", "7")
	c := &testCluster{ServerCluster: servertest.Cluster(t, o), keys: map[string]bool{}, version: o.Version}
	for _, s := range c.Primaries {
		c.clients = append(c.clients, s.Client(t))
	}
	for _, key := range oddKeys {
		c.add(t, key, kv.TypeString, "SET", key, "value")
	}
	for i := range 40 {
		user := fmt.Sprintf("user:%d", i)
		c.add(t, user, kv.TypeHash, "HSET", user, "name", fmt.Sprint("user ", i), "age", fmt.Sprint(i%90))
		cart := fmt.Sprintf("cart:{user:%d}:items", i)
		c.add(t, cart, kv.TypeList, "RPUSH", cart, "a", "b", strings.Repeat("c", i%50))
	}
	var bulk [3][]string
	for i := range bulkKeys {
		key := fmt.Sprintf("bulk:%d", i)
		at := first(slot.Of(key))
		bulk[at] = append(bulk[at], key)
		c.keys[key] = true
	}
	for at, keys := range bulk {
		c.clients[at].Fill(t, len(keys), func(i int) []string {
			if isList(keys[i]) {
				return []string{"RPUSH", keys[i], "x", "y"}
			}
			return []string{"SET", keys[i], "x"}
		})
	}
	c.WaitReplicas(t)
	return c
}

// tidy removes the keys that a test has added.
func (c *testCluster) tidy(t *testing.T, glob string) {
	t.Helper()
	for _, client := range c.clients {
		names, _ := client.Must(t, "KEYS", glob).([]any)
		for _, name := range names {
			client.Must(t, "DEL", name.(string))
		}
	}
}

// isList says which of the keys of bulk are lists, of two items.
func isList(key string) bool { return strings.HasSuffix(key, "0") || strings.HasSuffix(key, "5") }

func (c *testCluster) add(t *testing.T, key string, typ kv.Type, cmd ...string) {
	t.Helper()
	n := slot.Of(key)
	at := c.clients[first(n)]
	at.Must(t, cmd...)
	encoding, _ := at.Must(t, "OBJECT", "ENCODING", key).(string)
	size, _ := at.Must(t, "MEMORY", "USAGE", key).(int64)
	c.keys[key] = true
	c.records = append(c.records, kv.Record{
		Key: key, Type: typ, Encoding: kv.Encoding(encoding), Size: size, TTL: kv.TTLNone, Slot: n, Place: c.Primaries[first(n)].Addr,
		Known: kv.FieldName | kv.FieldType | kv.FieldEncoding | kv.FieldSize | kv.FieldTTL | kv.FieldPlace | kv.FieldSlot,
	})
}

// A gathering is what scans of all shards have yielded, as often as they did.
type gathering struct {
	mu       sync.Mutex
	times    map[string]int
	lengths  map[string]int64 // those that were told
	restarts int
	errs     []error
}

// gather scans all shards side by side, as audit.Run does: one that is to begin anew is scanned anew, and what it yielded is
// void. at is told of each record, before it counts, with the shard's number.
func gather(t *testing.T, s kv.Store, want kv.Field, at func(shard, n int)) *gathering {
	t.Helper()
	shards, err := kv.Shards(t.Context(), s, 8)
	if err != nil {
		t.Fatal(err)
	}
	all := &gathering{times: map[string]int{}, lengths: map[string]int64{}}
	var wg sync.WaitGroup
	for i, shard := range shards {
		wg.Go(func() { all.shard(t.Context(), s, kv.ScanOptions{Shard: shard, Want: want}, i, at) })
	}
	wg.Wait()
	return all
}

func (g *gathering) shard(ctx context.Context, s kv.Store, opt kv.ScanOptions, shard int, at func(shard, n int)) {
	for {
		part, lengths := map[string]int{}, map[string]int64{}
		var last error
		n := 0
		for r, err := range s.Scan(ctx, opt) {
			if last = err; err == nil {
				at(shard, n)
				part[r.Key]++
				n++
				if r.Has(kv.FieldLen) {
					lengths[r.Key] = r.Len
				}
			}
		}
		g.mu.Lock()
		if errors.Is(last, kv.ErrRestart) && g.restarts < 20 {
			g.restarts++
			g.mu.Unlock()
			continue
		}
		for k, n := range part {
			g.times[k] += n
		}
		maps.Copy(g.lengths, lengths)
		if last != nil {
			g.errs = append(g.errs, last)
		}
		g.mu.Unlock()
		return
	}
}

// check holds that each of keys was yielded once, and no other key.
func (g *gathering) check(t *testing.T, keys map[string]bool) {
	t.Helper()
	if err := errors.Join(g.errs...); err != nil {
		t.Errorf("%v (%s)", err, kv.Hint(err))
	}
	missing, twice, strange := 0, 0, 0
	for k := range keys {
		switch n := g.times[k]; {
		case n == 0:
			missing++
		case n > 1:
			twice++
		}
	}
	for k := range g.times {
		if !keys[k] {
			strange++
		}
	}
	if missing+twice+strange > 0 {
		t.Errorf("of %d keys %d were not yielded, %d more than once, and %d do not exist", len(keys), missing, twice, strange)
	}
}

func nothing(int, int) {}

// TestCluster reads one cluster in all ways, and breaks it piece by piece.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t, servertest.ClusterOptions{Spare: 1})
	t.Run("records", c.testRecords)
	t.Run("one node", c.testOneNode)
	t.Run("reads only", c.testReadsOnly)
	t.Run("replicas", c.testReplicas)
	t.Run("lookup", c.testLookup)
	t.Run("remove", c.testRemove)
	t.Run("monitor", c.testMonitor)
	t.Run("stats", c.testStats)
	t.Run("rights", c.testRights)
	t.Run("password of one shard", c.testPassword)
	t.Run("slots move", c.testSlotsMove)
	t.Run("slots are forgotten", c.testForgotten)
	t.Run("primary dies", c.testPrimaryDies)
	t.Run("shard is dead", c.testDeadShard)
}

// TestClusters reads clusters of the other versions, at rest and while slots move.
func TestClusters(t *testing.T) {
	t.Parallel()
	for _, version := range servertest.All() {
		if version == servertest.Distribution {
			continue // TestCluster does more
		}
		t.Run(version, func(t *testing.T) {
			servertest.Binary(t, version)
			t.Parallel()
			c := startCluster(t, servertest.ClusterOptions{Version: version, Spare: 1})
			t.Run("records", c.testRecords)
			t.Run("replicas", c.testReplicas)
			t.Run("stats", c.testStats)
			t.Run("slots move", c.testSlotsMove)
		})
	}
}

// TestClusterTLS reads a cluster that wants a certificate of its clients, and finds its nodes through a map of addresses.
func TestClusterTLS(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, servertest.ClusterOptions{TLS: true, Args: []string{"--tls-auth-clients", "yes"}})
	keys := map[string]bool{}
	for i := range 30 {
		key := fmt.Sprint("key:", i)
		keys[key] = true
		c.Primaries[first(slot.Of(key))].Client(t).Must(t, "SET", key, "x")
	}
	base := "rediss+cluster://" + c.Primaries[0].Addr + "?tls_ca=" + c.Primaries[0].CA
	cert := "&tls_cert=" + c.Primaries[0].CA + "&tls_key=" + c.Key
	gather(t, openURL(t, base+cert), kv.FieldType, nothing).check(t, keys)
	if _, err := tryOpen(t, base); err == nil || !strings.Contains(kv.Hint(err), "tls_cert=FILE") {
		t.Errorf("without a certificate: %v (%s)", err, kv.Hint(err))
	}
	// A name for the first node that only the map knows; the name in the certificate is given.
	mapped := strings.Replace(base, c.Primaries[0].Addr, "10.255.255.1:1", 1) + cert + "&tls_server_name=localhost&address_map=10.255.255.1:1=" + c.Primaries[0].Addr
	gather(t, openURL(t, mapped), kv.FieldType, nothing).check(t, keys)
}

func (c *testCluster) testRecords(t *testing.T) {
	records := c.records
	for i := range bulkKeys {
		r := kv.Record{Key: fmt.Sprintf("bulk:%d", i), Type: kv.TypeString, Known: kv.FieldName | kv.FieldType}
		if isList(r.Key) {
			r.Type = kv.TypeList
		}
		records = append(records, r)
	}
	kvtest.TestStore(t, kvtest.Config{
		Open:    func(t *testing.T) kv.Store { return openOnly(t, c.url("")) },
		Records: records,
		Servers: 3,
		Globs:   []string{"user:*", "*{user:1?}*", "\xff*"},
	})
	s := openURL(t, c.url(""))
	got := all(t, s, kv.ScanOptions{Want: kv.AllFields})
	for _, want := range c.records {
		r := got["0/"+want.Key]
		if r.Slot != want.Slot || r.Place != want.Place || !r.Has(kv.FieldSlot|kv.FieldPlace) {
			t.Errorf("%.40q is in slot %d on %s, said to be in %d on %s", want.Key, want.Slot, want.Place, r.Slot, r.Place)
		}
	}
	facts, info := factsOf(t, s)
	for _, r := range records {
		want := map[kv.Type]int64{kv.TypeString: 1, kv.TypeHash: 2, kv.TypeList: 2}[r.Type]
		if strings.HasPrefix(r.Key, "cart:") {
			want = 3
		}
		if g := got["0/"+r.Key]; info.Provides()&kv.FieldLen != 0 && (!g.Has(kv.FieldLen) || g.Len != want) {
			t.Errorf("%.40q has %d elements, said to have %d (%s)", r.Key, want, g.Len, g.Known)
		}
	}
	notes := slices.DeleteFunc(info.Notes, func(n string) bool { return strings.Contains(n, "keyspace_hits") }) // of each node
	if info.Memory < 2<<20 || info.Keys != int64(len(c.keys)) || len(notes) > 0 || !strings.Contains(facts, "slot: measured") {
		t.Errorf("%d bytes, %d keys of %d, notes %q, facts\n%s", info.Memory, info.Keys, len(c.keys), info.Notes, facts)
	}
}

// testOneNode reads one node by itself, a primary and a replica.
func (c *testCluster) testOneNode(t *testing.T) {
	for _, server := range []*servertest.Server{c.Primaries[0], c.Replicas[0]} {
		s := openURL(t, "redis://"+server.Addr)
		_, info := factsOf(t, s)
		got := all(t, s, kv.ScanOptions{Want: kv.AllFields})
		if int64(len(got)) != info.Keys || info.Keys < 2500 || !strings.Contains(fmt.Sprint(info.Notes), "redis+cluster:// reads all") {
			t.Errorf("%d keys of %d, notes %q", len(got), info.Keys, info.Notes)
		}
	}
	single := servertest.Redis(t, servertest.Options{})
	if _, err := tryOpen(t, "redis+cluster://"+single.Addr); err == nil || !strings.Contains(kv.Hint(err), "redis://"+single.Addr) {
		t.Errorf("a single server: %v (%s)", err, kv.Hint(err))
	}
}

// testReadsOnly lets all nodes say what they were asked.
func (c *testCluster) testReadsOnly(t *testing.T) {
	servers := append(append([]*servertest.Server{}, c.Primaries...), c.Replicas...)
	for _, s := range servers {
		s.Client(t).Must(t, "CONFIG", "RESETSTAT")
	}
	for _, mode := range []string{"no", "prefer", "only"} {
		s := openURL(t, c.url("&replica="+mode))
		factsOf(t, s)
		gather(t, s, kv.AllFields, nothing).check(t, c.keys)
	}
	for _, s := range servers {
		cl := s.Client(t)
		for name := range commandCalls(t, cl) {
			words := strings.Split(name, "|")
			switch words[0] {
			case "ping", "replconf", "config", "psync": // of the nodes among themselves, and of this test
				continue
			}
			if !resp.NoTouch.Allows(words...) {
				t.Errorf("%s was sent %s", s.Addr, name)
			}
		}
	}
}

// testReplicas checks that replicas are read, and they alone, by what the servers count.
func (c *testCluster) testReplicas(t *testing.T) {
	c.WaitReplicas(t)
	for _, mode := range []string{"prefer", "only"} {
		for _, s := range append(append([]*servertest.Server{}, c.Primaries...), c.Replicas...) {
			s.Client(t).Must(t, "CONFIG", "RESETSTAT")
		}
		s := openURL(t, c.url("&replica="+mode))
		_, info := factsOf(t, s)
		gather(t, s, kv.FieldType|kv.FieldSize, nothing).check(t, c.keys)
		for _, p := range c.Primaries {
			if n := commandCalls(t, p.Client(t)); n["scan"]+n["type"]+n["memory|usage"] > 0 {
				t.Errorf("replica=%s: the primary %s was asked %v", mode, p.Addr, n)
			}
		}
		for _, r := range c.Replicas {
			if n := commandCalls(t, r.Client(t)); n["scan"] == 0 || n["type"] < 2500 || n["readonly"] == 0 {
				t.Errorf("replica=%s: the replica %s was asked %v", mode, r.Addr, n)
			}
		}
		if notes := fmt.Sprint(info.Notes); !strings.Contains(notes, "Read from replicas: ") || strings.Contains(notes, "one node of a cluster") {
			t.Errorf("%q", info.Notes)
		}
	}
}

// testRights reads with the rights that the page of support lists, and without some of them.
func (c *testCluster) testRights(t *testing.T) {
	servers := append(append([]*servertest.Server{}, c.Primaries...), c.Replicas...)
	grant := func(rights string) {
		for _, s := range servers {
			s.Client(t).Must(t, append([]string{"ACL", "SETUSER", "auditor", "reset", "on", ">pw"}, strings.Fields(rights)...)...)
		}
	}
	url := strings.Replace(c.url("&replica=prefer"), "://", "://auditor:pw@", 1)
	grant(leastRights(false) + clusterGrant)
	s := openURL(t, url)
	facts, info := factsOf(t, s)
	if lacks := everyKey &^ info.Provides(); lacks != 0 || !strings.Contains(facts, "moving slots: measured") {
		t.Errorf("lacks %s\n%s", lacks, facts)
	}
	got := gather(t, s, kv.AllFields, nothing)
	delete(got.times, "") // %R~* matches no empty name
	got.check(t, c.keys)

	grant(leastRights(false) + clusterGrant + " -cluster|nodes -cluster|info -info")
	s = openURL(t, url)
	gather(t, s, kv.FieldType, nothing).check(t, c.keys)
	if facts, _ := factsOf(t, s); !strings.Contains(facts, "moving slots: missing") || !strings.Contains(facts, "+cluster|nodes") {
		t.Errorf("%s", facts)
	}
	for _, without := range []string{" -cluster|slots", " -cluster|shards"} {
		grant(leastRights(false) + clusterGrant + without)
		gather(t, openURL(t, url), kv.FieldType, nothing).check(t, c.keys)
	}
	grant(leastRights(false))
	c.testSeed(t, url)
}

// testSeed reads the one node that is named where nobody says which others there are: every way in tells that, and none takes a key of
// another node for gone.
func (c *testCluster) testSeed(t *testing.T, url string) {
	url = strings.Replace(url, "replica=prefer", "replica=no", 1)
	s := openURL(t, url)
	own := map[string]bool{}
	for key := range c.keys {
		if key != "" && first(slot.Of(key)) == 1 {
			own[key] = true
		}
	}
	got, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.FieldType})
	seen := map[string]bool{}
	for _, r := range got {
		seen[r.Key] = true
	}
	if !maps.Equal(seen, own) || err == nil || !strings.Contains(err.Error(), c.Primaries[1].Addr+" alone") || !strings.Contains(kv.Hint(err), "+cluster|shards") {
		t.Errorf("%d keys, want %d, and %v (%s)", len(seen), len(own), err, kv.Hint(err))
	}
	facts, info := factsOf(t, s)
	if info.KeysKnown || !strings.Contains(facts, "other nodes: missing") {
		t.Errorf("%s", facts)
	}
	g, err := kv.GetterOf(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Get(t.Context(), kv.FieldTTL, []kv.Name{{Key: "bulk:1"}}, func(int, *kv.Record) {}); err == nil {
		t.Error("a key of an unknown node was looked up")
	}
	if _, err := s.(kv.Driver).Session(t.Context(), kv.SessionOptions{}); err == nil {
		t.Error("operations on a cluster that nobody knows")
	}
}

// testPassword takes the user away from one shard: the others are read, and the node is named.
func (c *testCluster) testPassword(t *testing.T) {
	for i, s := range c.Primaries {
		password := ">s3cret-word"
		if i == 2 {
			password = ">another"
		}
		s.Client(t).Must(t, "ACL", "SETUSER", "auditor", "reset", "on", password, "~*", "+@all")
	}
	s := openURL(t, strings.Replace(c.url(""), "://", "://auditor:s3cret-word@", 1))
	_, info := factsOf(t, s)
	got := gather(t, s, kv.FieldType, nothing)
	said := fmt.Sprint(info.Notes, got.errs)
	if strings.Contains(said, "s3cret") || strings.Count(said, c.Primaries[2].Addr) < 2 || strings.Count(said, "scanning") != 1 || !strings.Contains(said, "refuses this user and password") {
		t.Errorf("%s", said)
	}
	if info.KeysKnown || len(got.errs) != 1 || len(got.times) < len(c.keys)/2 || len(got.times) >= len(c.keys) {
		t.Errorf("keys known: %v, errors %v, %d keys", info.KeysKnown, got.errs, len(got.times))
	}
}

// move moves slots from one primary to another. Of those that half reports, only some keys are moved, and the slot is left
// on its way.
func (c *testCluster) move(t *testing.T, from, to int, slots []uint16, half func(uint16) bool) {
	host, port, _ := strings.Cut(c.Primaries[to].Addr, ":")
	for _, n := range slots {
		s := fmt.Sprint(n)
		if err, ok := c.clients[to].Do("CLUSTER", "SETSLOT", s, "IMPORTING", c.IDs[from]).(error); ok && strings.Contains(err.Error(), "already the owner") {
			continue
		}
		c.clients[from].Must(t, "CLUSTER", "SETSLOT", s, "MIGRATING", c.IDs[to])
		keys, _ := c.clients[from].Must(t, "CLUSTER", "GETKEYSINSLOT", s, "100000").([]any)
		if half(n) {
			keys = keys[:(len(keys)+1)/2]
		}
		args := []string{"MIGRATE", host, port, "", "0", "20000", "KEYS"}
		for _, k := range keys {
			args = append(args, k.(string))
		}
		if len(keys) > 0 {
			c.clients[from].Must(t, args...)
		}
		if half(n) {
			continue
		}
		for i, at := range []int{to, from, 0, 1, 2} {
			if i > 1 && (at == to || at == from) {
				continue
			}
			c.clients[at].Must(t, "CLUSTER", "SETSLOT", s, "NODE", c.IDs[to])
		}
	}
}

// movedSlots are so many that a dozen keys are in them.
const movedSlots = 24

func never(uint16) bool { return false }

// slotsFrom returns every step-th of so many slots.
func slotsFrom(low, count, step int) (slots []uint16) {
	for n := range count {
		slots = append(slots, uint16(low+n*step))
	}
	return slots
}

// testSlotsMove moves slots while they are read: to a node that is read at the same time, and to one that had none; some
// before the scan has begun, some while it runs, some left half way.
func (c *testCluster) testSlotsMove(t *testing.T) {
	c.move(t, 0, 1, slotsFrom(0, 10, 7), func(uint16) bool { return true })
	var once sync.Once
	read := make(chan struct{})
	moving := openURL(t, c.url(""))
	_, info := factsOf(t, moving)
	got := gather(t, moving, kv.FieldType|kv.FieldSlot|kv.FieldLen, func(shard, n int) {
		switch {
		case shard == 0 && n == 1000:
			once.Do(func() {
				defer close(read)
				c.move(t, 0, 1, slotsFrom(1, movedSlots, 7), func(n uint16) bool { return n%2 == 0 })
				c.move(t, 0, 3, slotsFrom(1000, movedSlots, 7), func(n uint16) bool { return n%3 == 0 })
				c.move(t, 0, 1, slotsFrom(0, 10, 7), never) // those that were half way
			})
		case shard == 1 && n == 2000:
			<-read
		}
	})
	got.check(t, c.keys)
	if got.restarts > 0 {
		t.Errorf("%d scans began anew", got.restarts)
	}
	if tells := info.Measures()&kv.FieldLen != 0; len(got.lengths) != len(c.keys) && tells || len(got.lengths) > 0 && !tells {
		t.Errorf("%d keys of %d told their length", len(got.lengths), len(c.keys))
	}
	// Again, as things are now: some slots are half way, and are left so.
	s := openURL(t, c.url("&replica=prefer"))
	c.WaitReplicas(t)
	gather(t, s, kv.FieldType|kv.FieldLen, nothing).check(t, c.keys)
	if got := all(t, s, kv.ScanOptions{}); len(got) != len(c.keys) {
		t.Errorf("%d keys of %d in one shard", len(got), len(c.keys))
	}
	c.move(t, 0, 1, slotsFrom(1, movedSlots, 7), never)
	c.move(t, 0, 3, slotsFrom(1000, movedSlots, 7), never)
}

// testForgotten moves slots of which too many keys were read to be remembered: the report says so.
func (c *testCluster) testForgotten(t *testing.T) {
	s := openURL(t, c.url(""))
	s.(*cluster).memory = 200
	var once sync.Once
	got := gather(t, s, kv.FieldType, func(shard, n int) {
		if shard == 3 && n == 1000 { // the node with the highest slots
			once.Do(func() { c.move(t, 2, 3, slotsFrom(12000, 2*movedSlots, 1), never) })
		}
	})
	if len(got.errs) != 1 || !strings.Contains(got.errs[0].Error(), "slots moved while they were read") {
		t.Errorf("%v", got.errs)
	}
	for k, n := range got.times {
		if n > 1 {
			t.Errorf("%q was yielded %d times", k, n)
		}
	}
	if len(got.times) < len(c.keys)-200 {
		t.Errorf("%d keys of %d", len(got.times), len(c.keys))
	}
}

// testPrimaryDies kills a primary in the middle of the scan of all shards, and holds up the others until the cluster is
// down, so that they meet its refusals.
func (c *testCluster) testPrimaryDies(t *testing.T) {
	c.WaitReplicas(t)
	s := openURL(t, c.url(""))
	var begun atomic.Int32
	dead := make(chan struct{})
	got := gather(t, s, kv.FieldType|kv.FieldSize|kv.FieldPlace, func(_, n int) {
		if n != 300 { // early: what has been asked for ahead is in the buffers of the sockets
			return
		}
		if begun.Add(1) == 3 { // every shard has yielded something
			c.Primaries[1].Stop()
			c.clients[1].Close()
			for range 500 {
				if info, _ := c.clients[0].Do("CLUSTER", "INFO").(string); strings.Contains(info, "cluster_state:fail") {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			close(dead)
		}
		<-dead
	})
	got.check(t, c.keys)
	if got.restarts == 0 {
		t.Error("no scan began anew")
	}
	_, info := factsOf(t, s)
	if info.Keys < int64(len(c.keys)) {
		t.Errorf("%d keys of %d by INFO", info.Keys, len(c.keys))
	}
}

// testDeadShard kills the replica that has followed: nobody serves a third of the slots.
func (c *testCluster) testDeadShard(t *testing.T) {
	c.Replicas[1].Stop()
	for _, i := range []int{0, 2, 3} {
		c.clients[i].Must(t, "CONFIG", "SET", "cluster-require-full-coverage", "yes")
	}
	servertest.Until(t, "the cluster is down", func() bool {
		for _, i := range []int{0, 2, 3} {
			if info, _ := c.clients[i].Do("CLUSTER", "INFO").(string); !strings.Contains(info, "cluster_state:fail") {
				return false
			}
		}
		return true
	})
	url := "redis+cluster://" + c.Primaries[0].Addr + "?timeout=2s"
	s := openURL(t, url)
	s.(*cluster).patience = time.Second
	got := gather(t, s, kv.FieldType, nothing)
	if len(got.times) < len(c.keys)/2 || len(got.errs) < 3 || !strings.Contains(fmt.Sprint(got.errs), "names were read, and nothing else") {
		t.Errorf("%d keys of %d, %v", len(got.times), len(c.keys), got.errs)
	}
	for _, i := range []int{0, 2, 3} {
		c.clients[i].Must(t, "CONFIG", "SET", "cluster-require-full-coverage", "no")
	}
	servertest.Until(t, "the others serve", func() bool {
		for _, i := range []int{0, 2, 3} {
			if info, _ := c.clients[i].Do("CLUSTER", "INFO").(string); !strings.Contains(info, "cluster_state:ok") {
				return false
			}
		}
		return true
	})
	got = gather(t, s, kv.FieldType, nothing)
	said := fmt.Sprint(got.errs)
	if len(got.times) < len(c.keys)/2 || len(got.errs) != 1 || !strings.Contains(said, c.Replicas[1].Addr) && !strings.Contains(said, c.Primaries[1].Addr) {
		t.Errorf("%d keys of %d, %v", len(got.times), len(c.keys), got.errs)
	}
	_, info := factsOf(t, s)
	if info.KeysKnown || !strings.Contains(fmt.Sprint(info.Notes), "did not answer") {
		t.Errorf("keys known: %v, %q", info.KeysKnown, info.Notes)
	}
}
