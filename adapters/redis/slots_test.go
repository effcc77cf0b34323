package redis

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// rangeReply is a range of slots with nodes in RESP.
func rangeReply(low, high int, nodes ...string) string {
	return fmt.Sprintf("*%d\r\n:%d\r\n:%d\r\n%s", len(nodes)+2, low, high, strings.Join(nodes, ""))
}

// splitAddr returns the host and the port of an address, as a node of a reply has them.
func splitAddr(addr string) (host string, port int) {
	host, text, _ := strings.Cut(addr, ":")
	fmt.Sscan(text, &port)
	return host, port
}

func nodeReply(host string, port int, id string) string {
	return fmt.Sprintf("*3\r\n%s:%d\r\n%s", bulk(host), port, bulk(id))
}

func readGroups(text string) ([]group, error) {
	in := resp.NewReader(strings.NewReader(text), 64)
	rep, err := in.Next()
	if err != nil {
		return nil, err
	}
	return readSlots(in, rep, "asked")
}

func TestReadSlots(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"two ranges of one node", list(rangeReply(0, 9, nodeReply("h", 1, "a")), rangeReply(20, 20, nodeReply("h", 1, "a"))), "a h:1 0-9,20"},
		{"a replica", list(rangeReply(0, 16383, nodeReply("h", 1, "a"), nodeReply("i", 2, "b"))), "a h:1 0-16383 b i:2"},
		{"no host", list(rangeReply(0, 0, nodeReply("", 7, "a"))), "a asked:7 0"},
		{"a null for a host", list("*3\r\n:0\r\n:0\r\n*3\r\n$-1\r\n:7\r\n$1\r\na\r\n"), "a asked:7 0"},
		{"IPv6", list(rangeReply(0, 0, nodeReply("::1", 7, "a"))), "a [::1]:7 0"},
		{"no id", list("*3\r\n:0\r\n:0\r\n*2\r\n$1\r\nh\r\n:7\r\n"), "h:7 h:7 0"},
		{"a host name that is missing", list("*3\r\n:0\r\n:0\r\n*4\r\n$1\r\n?\r\n:7\r\n$1\r\na\r\n*2\r\n$2\r\nip\r\n$7\r\n1.2.3.4\r\n"), "a 1.2.3.4:7 0"},
		{"other names", list("*3\r\n:0\r\n:0\r\n*4\r\n$1\r\nh\r\n:7\r\n$1\r\na\r\n*2\r\n$2\r\nip\r\n$7\r\n1.2.3.4\r\n"), "a h:7 0"},
		{"none", "*0\r\n", ""},
	} {
		groups, err := readGroups(tt.text)
		var got []string
		for _, g := range groups {
			got = append(got, g.primary.id, g.primary.addr, g.slots.String())
			for _, r := range g.replicas {
				got = append(got, r.id, r.addr)
			}
		}
		if err != nil || strings.Join(got, " ") != tt.want {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}

// hostileSlots are answers to CLUSTER SLOTS that must not be believed.
var hostileSlots = []string{
	"+OK\r\n", ":1\r\n", "$2\r\nno\r\n", "*-1\r\n", "*16385\r\n", "*1\r\n", "*1048576\r\n*3\r\n", "*1\r\n:0\r\n", "*1\r\n*2\r\n:0\r\n:1\r\n",
	list(rangeReply(5, 4, nodeReply("h", 1, "a"))),
	list(rangeReply(0, 16384, nodeReply("h", 1, "a"))),
	list(rangeReply(-1, 4, nodeReply("h", 1, "a"))),
	list(rangeReply(0, 9, nodeReply("h", 1, "a")), rangeReply(9, 12, nodeReply("i", 1, "b"))),
	list(rangeReply(0, 9, nodeReply("h", 0, "a"))),
	list(rangeReply(0, 9, nodeReply("h", 65536, "a"))),
	list(rangeReply(0, 9, nodeReply("h\r\nQUIT", 1, "a"))),
	list(rangeReply(0, 9, nodeReply(strings.Repeat("h", 256), 1, "a"))),
	list(rangeReply(0, 9, nodeReply("h", 1, strings.Repeat("a", 256)))),
	list(rangeReply(0, 9, "*1\r\n$1\r\nh\r\n")),
	list(rangeReply(0, 9, "*3\r\n:1\r\n:1\r\n:1\r\n")),
	list(rangeReply(0, 9, "*1000\r\n")),
	list("*600\r\n:0\r\n:1\r\n"),
}

// TestHostileSlots has a server give each of them: the target is refused, with a reason, in little time and memory.
func TestHostileSlots(t *testing.T) {
	for _, text := range append([]string{"*0\r\n"}, hostileSlots...) {
		if groups, err := readGroups(text); err == nil && text != "*0\r\n" {
			t.Errorf("%q is believed: %v", text, groups)
		}
		addr := fake(t, on("CLUSTER SLOTS", text+hangUp))
		s, err := tryOpen(t, "redis+cluster://"+addr+"?timeout=1s")
		if err == nil {
			s.Close()
			t.Errorf("%q is believed", text)
		} else if !strings.Contains(err.Error(), addr) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestFakeCluster reads a scripted cluster of one node, which says of a key that it is elsewhere, and never where.
func TestFakeCluster(t *testing.T) {
	var addr string
	addr = fake(t, func(c string) string {
		host, n := splitAddr(addr)
		switch {
		case c == "CLUSTER SLOTS":
			return list(rangeReply(0, 16383, nodeReply(host, n, "a")))
		case c == "CLUSTER NODES":
			return bulk(fmt.Sprintf("a %s@1 myself,master - 0 0 1 connected 0-16383 [%d->-gone] [x->-a] [99999->-a] [1-<-b]\nbroken line\n", addr, slot.Of("b")))
		case strings.HasPrefix(c, "TYPE b"):
			return "-MOVED 3300 10.255.255.1:6379\r\n"
		}
		return ""
	})
	s := openURL(t, "redis+cluster://"+addr)
	got, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.FieldType | kv.FieldSlot})
	if err != nil || len(got) != 1 || got[0].Slot != slot.Of("a") {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := collect(t.Context(), s, kv.ScanOptions{Shard: kv.Shard{Name: "0-99999"}}); err == nil {
		t.Error("a shard that is none was read")
	}
}

func FuzzReadSlots(f *testing.F) {
	for _, text := range hostileSlots {
		f.Add(text)
	}
	f.Add(list(rangeReply(0, 9, nodeReply("h", 1, "a"), nodeReply("i", 1, "b")), rangeReply(10, 20, nodeReply("i", 1, "b"))))
	f.Fuzz(func(t *testing.T, text string) {
		groups, err := readGroups(text)
		if err != nil {
			return
		}
		m := newSlotMap(groups)
		served := m.served()
		total := 0
		for i := range m.groups {
			g := &m.groups[i]
			total += g.slots.Len()
			if g.primary.id == "" || g.slots.Empty() || m.byID(g.primary.id) == nil {
				t.Errorf("a group %+v", g)
			}
		}
		if total != served.Len() {
			t.Errorf("%d slots in groups, %d in all: a slot is in two", total, served.Len())
		}
		for n := range uint16(slot.Count) {
			if g := m.ownerOf(n); (g != nil) != served.Has(n) || g != nil && !g.slots.Has(n) {
				t.Errorf("slot %d is of %v", n, g)
			}
		}
		var all slot.Set
		for _, task := range m.holders(served) {
			all = all.Or(task.slots)
		}
		if all != served {
			t.Errorf("slots %s are to be read, %s are served", &all, &served)
		}
	})
}

func FuzzParseNodes(f *testing.F) {
	f.Add("07c3 127.0.0.1:30004@31004,host slave e7d1 0 1426238317239 4 connected\ne7d1 :30001@31001 myself,master - 0 0 1 connected 0-5460 [5461->-292f] [1-<-292f]\n")
	f.Add("a [::1]:1@2 myself,master,fail? - 0 0 1 connected")
	f.Fuzz(func(t *testing.T, text string) {
		table := parseNodes(text, "asked")
		if len(table.groups)+len(table.moving) > len(text) {
			t.Errorf("%d groups and %d slots of %d bytes", len(table.groups), len(table.moving), len(text))
		}
		for n := range table.moving {
			if n >= slot.Count {
				t.Errorf("slot %d", n)
			}
		}
	})
}

// TestSeen holds what is remembered against a map, within and beyond its memory.
func TestSeen(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, most := range []int{1, 10, 500, 100000} {
		s := newSeen(most, slot.Set{})
		added := map[string]bool{}
		for i := range 2000 {
			key := fmt.Sprint("k", rng.IntN(1500))
			db := i % 2
			s.add(slot.Of(key), db, key)
			added[fmt.Sprint(db, key)] = true
		}
		s.index()
		kept := s.remembers()
		if len(s.entries) > most || most == 100000 && kept.Len() != slot.Count {
			t.Errorf("%d entries of %d at most, %d slots remembered", len(s.entries), most, kept.Len())
		}
		for i := range 3000 {
			key, db := fmt.Sprint("k", i/2), i%2
			n := slot.Of(key)
			has, want := s.has(n, db, key), added[fmt.Sprint(db, key)]
			if has && !want || kept.Has(n) && has != want {
				t.Errorf("%s in %d: has %v, want %v, slot %d remembered: %v", key, db, has, want, n, kept.Has(n))
			}
		}
	}
	none := newSeen(0, slot.Set{})
	none.add(0, 0, "")
	if left := none.remembers(); !left.Empty() {
		t.Errorf("without memory %s are remembered", &left)
	}
}

// TestSeenAgain adds keys while those before them are told apart, as the second round of a reading does: what was remembered
// when it began is told to the end, whatever is forgotten meanwhile.
func TestSeenAgain(t *testing.T) {
	var moving slot.Set
	moving.Add(8001, 8003)
	slotOf := func(i int) uint16 {
		if i%10 == 0 {
			return uint16(8001 + i/10%3)
		}
		return uint16(i * 7919 % slot.Count)
	}
	key := func(i int) string { return fmt.Sprint("k", i) }
	s := newSeen(100, moving)
	added := 0
	for _, more := range []int{40, 45, 700, 5000} { // within its memory, over it, to where only what moves is left, and no more
		s.index()
		kept := s.remembers()
		if len(s.entries) > s.most {
			t.Errorf("%d entries are indexed", len(s.entries))
		}
		if left := moving.Without(kept); added < 1000 && !left.Empty() {
			t.Errorf("after %d keys slots %s, which are moving, are forgotten", added, &left)
		}
		before := added
		for ; added < before+more; added++ {
			s.add(slotOf(added), 0, key(added))
			if i := added % max(before, 1); i < before && kept.Has(slotOf(i)) && !s.has(slotOf(i), 0, key(i)) {
				t.Fatalf("key %d of %d is not told any more when %d are added", i, before, added)
			}
			if len(s.entries) > 2*s.most {
				t.Fatalf("%d entries", len(s.entries))
			}
		}
	}
	s.index()
	if kept := s.remembers(); !kept.Empty() {
		t.Errorf("slots %s of more keys than fit are remembered", &kept)
	}
}

// fakePair scripts a cluster of two nodes, of which the first is giving away the slot of its keys a and b, and the second has
// its key a by now. down reports whether TYPE of a key is refused on the first node, because the cluster is down.
func fakePair(t *testing.T, down func(key string) bool) (addr string) {
	t.Helper()
	var addrs [2]string
	node := func(i int) string {
		host, n := splitAddr(addrs[i])
		return nodeReply(host, n, string(rune('A'+i)))
	}
	slotA, slotB := int(slot.Of("a")), int(slot.Of("b"))
	low, high := min(slotA, slotB), max(slotA, slotB)
	answer := func(i int) script {
		return func(c string) string {
			switch {
			case c == "CLUSTER SLOTS":
				return list(rangeReply(low, high, node(0)), rangeReply(high+1, slot.Count-1, node(1)))
			case c == "CLUSTER NODES" && i == 0:
				return bulk(fmt.Sprintf("A %s@1 myself,master - 0 0 1 connected 0-9 [%d->-B] [%d->-B]\nB %s@1 master - 0 0 1 connected 10-20\n", addrs[0], slotA, slotB, addrs[1]))
			case c == "CLUSTER NODES":
				return bulk("")
			case c == "CLUSTER INFO":
				return bulk("cluster_state:ok\r\n")
			case c == "ASKING":
				return "+OK\r\n"
			case strings.HasPrefix(c, "SCAN") && i == 1:
				return page("0", "a")
			case strings.HasPrefix(c, "TYPE") && i == 0 && down(strings.TrimPrefix(c, "TYPE ")):
				return "-CLUSTERDOWN The cluster is down\r\n"
			}
			return ""
		}
	}
	addrs[0], addrs[1] = fake(t, func(c string) string { return answer(0)(c) }), fake(t, func(c string) string { return answer(1)(c) })
	return addrs[0]
}

// TestHandedOver reads a key that is handed over after it was yielded. It is not yielded again by the node that has it then;
// where it cannot be told any more whether it was, that is an error.
func TestHandedOver(t *testing.T) {
	up := func(string) bool { return false }
	for memory, want := range map[int]string{maxSeen: "", 2: "", 1: "slots moved while they were read, more than are remembered", 0: "moved"} {
		s := openURL(t, "redis+cluster://"+fakePair(t, up))
		s.(*cluster).memory = memory
		got, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.FieldType})
		if len(got) != 2 || (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("with memory for %d: %d records, %v", memory, len(got), err)
		}
	}
}

// TestUnserved reads slots that nobody serves, from the beginning and after their node has failed: that is said.
func TestUnserved(t *testing.T) {
	for name, dies := range map[string]bool{"from the beginning": false, "node fails": true} {
		t.Run(name, func(t *testing.T) {
			var addr string
			var dead atomic.Bool
			dead.Store(!dies)
			addr = fake(t, func(c string) string {
				host, n := splitAddr(addr)
				switch {
				case c == "CLUSTER SLOTS" && dead.Load():
					return list(rangeReply(0, 9999, nodeReply(host, n, "a")))
				case c == "CLUSTER SLOTS":
					return list(rangeReply(0, 9999, nodeReply(host, n, "a")), rangeReply(10000, 16383, nodeReply(host, n, "b")))
				case c == "CLUSTER NODES":
					return bulk("")
				case c == "CLUSTER INFO":
					return bulk("cluster_state:ok\r\n")
				case c == "TYPE a" && !dead.Swap(true): // the probe's, or the scan's: a is in slot 15495
					return hangUp
				}
				return ""
			})
			s := openURL(t, "redis+cluster://"+addr+"?timeout=20s")
			got, err := collect(t.Context(), s, kv.ScanOptions{Shard: kv.Shard{Name: "10000-16383"}, Want: kv.FieldType})
			if len(got) > 0 || err == nil || !strings.Contains(err.Error(), "nobody serves slots 10000-16383") || kv.Hint(err) == "" {
				t.Errorf("%d records, %v (%s)", len(got), err, kv.Hint(err))
			}
		})
	}
}

// TestAskedOnce has a cluster go down when the keys of a node have been asked about: whoever decides what to ask is not asked
// again about a key, but begins anew.
func TestAskedOnce(t *testing.T) {
	for _, at := range []string{"a", "b"} { // before anything was yielded, and after
		var refused atomic.Int64
		addr := fakePair(t, func(key string) bool { return key == at && refused.Add(1) == 2 }) // the first is a probe, or the scan's
		s := openURL(t, "redis+cluster://"+addr+"?timeout=20s")
		for restarts := 0; ; restarts++ {
			times := map[string]int{}
			got, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.FieldType, Ask: func(key string) kv.Field {
				times[key]++
				return kv.FieldType
			}})
			if times["a"] != 1 || times["b"] > 1 {
				t.Errorf("down at %s: asked about %v", at, times)
			}
			if errors.Is(err, kv.ErrRestart) && restarts < 3 {
				continue
			}
			if err != nil || len(got) != 2 || restarts == 0 && refused.Load() > 1 {
				t.Errorf("down at %s: %d records, %v, begun anew %d times", at, len(got), err, restarts)
			}
			break
		}
	}
}

func TestTopologyTargets(t *testing.T) {
	for _, tt := range []struct{ url, seeds string }{
		{"redis+cluster://a:1,b,c:3", "a:1 b:6379 c:3"},
		{"rediss+sentinel://a,b:2/name", "a:26379 b:2"},
		{"redis+cluster://[::1]:7000", "[::1]:7000"},
		{"redis+cluster://", "localhost:6379"},
	} {
		target, err := kv.ParseTarget(tt.url)
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		c, err := configOf(target)
		if got := strings.Join(c.seeds, " "); err != nil || got != tt.seeds {
			t.Errorf("%s: %q, %v", tt.url, got, err)
		}
	}
	target, _ := kv.ParseTarget("redis+cluster://a?address_map=10.0.0.1:6379=localhost:7001,10.0.0.2:6379=localhost:7002")
	c, err := configOf(target)
	if err != nil || c.at("10.0.0.2:6379", false).addr != "localhost:7002" || c.at("10.0.0.3:6379", true).addr != "10.0.0.3:6379" {
		t.Errorf("%+v, %v", c.reach, err)
	}
}

func TestParseRole(t *testing.T) {
	primary := parseRole(parseInfo("role:master\r\nconnected_slaves:3\r\nslave0:ip=10.0.0.1,port=6379,state=online,offset=1,lag=0\r\n" +
		"slave1:ip=10.0.0.2,port=6379,state=wait_bgsave,offset=0,lag=0\r\nslave2:ip=::1,port=x,state=online\r\ncluster_enabled:1\r\n"))
	if primary.replica || !primary.cluster || fmt.Sprint(primary.replicas) != "[10.0.0.1:6379]" {
		t.Errorf("%+v", primary)
	}
	replica := parseRole(parseInfo("role:slave\r\nmaster_link_status:up\r\nmaster_sync_in_progress:0\r\nslave_repl_offset:77\r\n"))
	if !replica.replica || !replica.up || replica.offset != 77 {
		t.Errorf("%+v", replica)
	}
	if syncing := parseRole(parseInfo("role:slave\r\nmaster_link_status:up\r\nmaster_sync_in_progress:1\r\n")); syncing.up {
		t.Error("a replica that is being filled is not in good order")
	}
	if vast := parseRole(parseInfo("role:master\r\nconnected_slaves:9999999999\r\n")); len(vast.replicas) > 0 {
		t.Errorf("%+v", vast)
	}
}
