package place

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/slot"
)

// vectors calls fn with the fields of each line of a file in testdata, comments apart.
func vectors(t *testing.T, name string, fn func(fields []string)) {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		if line := s.Text(); !strings.HasPrefix(line, "#") {
			fn(strings.Split(line, " "))
			n++
		}
	}
	if n < 100 {
		t.Fatalf("%s: %d vectors", name, n)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unquote(t *testing.T, s string) string {
	t.Helper()
	u, err := strconv.Unquote(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestCassandraTokens(t *testing.T) {
	vectors(t, "cassandra.txt", func(f []string) {
		if got := fmt.Sprint(Token(unhex(t, f[0]))); got != f[1] {
			t.Errorf("token of %s is %s, want %s", f[0], got, f[1])
		}
	})
}

func TestAerospikeDigests(t *testing.T) {
	vectors(t, "aerospike.txt", func(f []string) {
		set, key := unquote(t, f[0]), unquote(t, f[1])
		if got := fmt.Sprintf("%x", Digest(set, []byte(key))); got != f[2] {
			t.Errorf("digest of %q in %q is %s, want %s", key, set, got, f[2])
		}
		if got := fmt.Sprint(Aerospike(set, 3).Place([]byte(key))); got != f[3] {
			t.Errorf("partition of %q in %q is %s, want %s", key, set, got, f[3])
		}
	})
}

func TestKetamaServers(t *testing.T) {
	rings := map[string]*Layout{}
	vectors(t, "ketama.txt", func(f []string) {
		if rings[f[0]] == nil {
			n, _ := strconv.Atoi(f[0])
			names := make([]string, n)
			for i := range names {
				names[i] = fmt.Sprintf("10.0.1.%d:11211", i+1)
			}
			rings[f[0]] = Ketama(names)
		}
		if got := fmt.Sprint(rings[f[0]].Place(unhex(t, f[1]))); got != f[2] {
			t.Errorf("key %s of %s servers is with %s, want %s", f[1], f[0], got, f[2])
		}
	})
}

func TestModuloServers(t *testing.T) {
	vectors(t, "modulo.txt", func(f []string) {
		n, _ := strconv.Atoi(f[0])
		if got := fmt.Sprint(Modulo(n).Place([]byte(unquote(t, f[1]))) + 1); got != f[2] {
			t.Errorf("key %s of %s servers is with %s, want %s", f[1], f[0], got, f[2])
		}
	})
}

// The vectors of the authors of RIPEMD-160 that have a block and more.
func TestRipemd(t *testing.T) {
	for text, want := range map[string]string{
		"":    "9c1185a5c5e9fc54612808977ee8f548b2258d31",
		"abc": "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc",
		"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "12a053384a9c0c88e405a06c27dcf49ada62eb2b",
		strings.Repeat("1234567890", 8):                            "9b752e45573d4b39f4dbd3323cab82bf63326bfb",
	} {
		if got := fmt.Sprintf("%x", ripemd160([]byte(text))); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// Every layout places every key in a part that it has, whose owner is one of its nodes.
func TestLaws(t *testing.T) {
	var sample [][]byte
	for i := range 1000 {
		sample = append(sample, fmt.Appendf(nil, "user:%d", i))
	}
	for name, l := range map[string]*Layout{
		"single": Single(), "redis": RedisCluster(6), "ketama": Ketama(Servers(5)), "modulo": Modulo(5), "twemproxy": Twemproxy(Servers(5)), "jedis": Jedis(Servers(5), false),
		"named jedis": Jedis(Servers(5), true), "predis": Predis(Servers(5)), "phpredis": PHPRedis(5), "cassandra": Cassandra(5, Vnodes, 1),
		"aerospike": Aerospike("s", 5), "dynamodb": DynamoDB(7), "ordered": Ordered(sample, 12, 3), "ordered of nothing": Ordered(nil, 12, 3),
	} {
		t.Run(name, func(t *testing.T) {
			if len(l.Owner) != l.Parts() {
				t.Fatalf("%d owners of %d parts", len(l.Owner), l.Parts())
			}
			used := map[int]bool{}
			for i := range 20_000 {
				part := l.Place(fmt.Appendf(nil, "user:%d", i))
				if part < 0 || part >= l.Parts() {
					t.Fatalf("part %d of %d", part, l.Parts())
				}
				used[l.Owner[part]] = true
			}
			if len(used) != l.Nodes && name != "ordered of nothing" {
				t.Errorf("%d of %d nodes are used", len(used), l.Nodes)
			}
			l.Place(nil)
		})
	}
}

// The runs of slots are those that redis-cli --cluster create gives to three masters and to six.
func TestEvenSlots(t *testing.T) {
	for nodes, want := range map[int][]int{3: {0, 5461, 10923}, 6: {0, 2731, 5461, 8192, 10923, 13653}} {
		owner := RedisCluster(nodes).Owner
		for n, first := range want {
			if owner[first] != n || first > 0 && owner[first-1] != n-1 {
				t.Errorf("%d nodes: node %d does not begin at slot %d", nodes, n, first)
			}
		}
	}
}

func TestSlotMap(t *testing.T) {
	var a, b slot.Set
	a.Add(0, 99)
	b.Add(100, slot.Count-1)
	l := SlotMap([]slot.Set{a, b})
	if l.Nodes != 2 || l.Owner[99] != 0 || l.Owner[100] != 1 || l.Owner[slot.Count-1] != 1 {
		t.Errorf("%d nodes, owners %d %d", l.Nodes, l.Owner[99], l.Owner[100])
	}
}

// Ketama moves about the keys of the server that goes; modulo moves nearly all.
func TestMoved(t *testing.T) {
	var keys [][]byte
	for i := range 20_000 {
		keys = append(keys, fmt.Appendf(nil, "user:%d", i))
	}
	ring := Moved(Ketama(Servers(5)), Ketama(Servers(4)), keys)
	if math.Abs(ring-0.2) > 0.03 {
		t.Errorf("ketama moves %.3f of the keys, want about a fifth", ring)
	}
	if plain := Moved(Modulo(5), Modulo(4), keys); math.Abs(plain-0.8) > 0.01 {
		t.Errorf("modulo moves %.3f of the keys, want 4/5", plain)
	}
	if Moved(Modulo(5), Modulo(4), nil) != 0 {
		t.Error("no keys move")
	}
}

func TestUnits(t *testing.T) {
	for _, c := range []struct {
		size                    int64
		read, eventually, write float64
	}{
		{0, 1, 0.5, 1}, {1, 1, 0.5, 1}, {1024, 1, 0.5, 1}, {1025, 1, 0.5, 2}, {4096, 1, 0.5, 4}, {4097, 2, 1, 5}, {400 << 10, 100, 50, 400},
	} {
		if r, e, w := ReadUnits(c.size, false), ReadUnits(c.size, true), WriteUnits(c.size); r != c.read || e != c.eventually || w != c.write {
			t.Errorf("%d bytes: %g, %g, %g units", c.size, r, e, w)
		}
	}
}

func TestPartitions(t *testing.T) {
	for _, c := range []struct {
		rcu, wcu, gb float64
		want         int
	}{
		{0, 0, 0, 1}, {3000, 0, 0, 1}, {3000, 1, 0, 2}, {6000, 1000, 5, 3}, {100, 100, 25, 3}, {12_000, 4_000, 0, 8},
	} {
		if got := Partitions(c.rcu, c.wcu, c.gb); got != c.want {
			t.Errorf("%+v: %d partitions", c, got)
		}
	}
}

// A partition over its limits is divided where its load has its middle, as often as it takes; a range that is over them alone
// is a partition of its own.
func TestSplit(t *testing.T) {
	l := DynamoDB(2)
	loads := make([]Load, l.Parts())
	for i := range loads[:l.Parts()/2] {
		loads[i].WCU = 4000 / float64(l.Parts()/2) // four times what one partition may
	}
	s := l.Split(loads)
	if s.Nodes != 5 && s.Nodes != 6 { // halves of halves, and the idle one
		t.Errorf("%d partitions", s.Nodes)
	}
	sums := make([]float64, s.Nodes)
	for i := range loads {
		sums[s.Owner[i]] += loads[i].WCU
	}
	for n, sum := range sums {
		if sum > PartitionWCU*1.001 {
			t.Errorf("partition %d has %.1f WCU", n, sum)
		}
	}
	loads[5].WCU = 5000
	s = l.Split(loads)
	if s.Owner[5] == s.Owner[6] || s.Owner[4] == s.Owner[5] {
		t.Errorf("the hot range shares its partition: %v", s.Owner[:8])
	}
	if l.Nodes != 2 {
		t.Error("Split changed what it was given")
	}
}

// Keys that only grow end in the last range.
func TestOrdered(t *testing.T) {
	var sample [][]byte
	for i := range 1000 {
		sample = append(sample, fmt.Appendf(nil, "evt:%08d", i))
	}
	l := Ordered(sample, 10, 2)
	if l.Parts() != 10 {
		t.Fatalf("%d ranges", l.Parts())
	}
	last := -1
	for i := range 2000 {
		part := l.Place(fmt.Appendf(nil, "evt:%08d", i))
		if part < last {
			t.Fatalf("key %d is in range %d, after %d", i, part, last)
		}
		last = part
	}
	if last != 9 {
		t.Errorf("the newest key is in range %d", last)
	}
}

func FuzzPlace(f *testing.F) {
	f.Add([]byte("user:1"))
	f.Add([]byte("{"))
	layouts := []*Layout{RedisCluster(3), Ketama(Servers(3)), Modulo(3), Cassandra(3, 4, 1), Aerospike("", 3), DynamoDB(3)}
	f.Fuzz(func(t *testing.T, key []byte) {
		for _, l := range layouts {
			if p := l.Place(key); p < 0 || p >= l.Parts() {
				t.Errorf("%q: part %d of %d", key, p, l.Parts())
			}
		}
	})
}

func BenchmarkPlace(b *testing.B) {
	key := []byte("session:0f0e7ac2-1d5c-4c1f-9a52-1f6a7a2f5d10")
	for name, l := range map[string]*Layout{
		"redis": RedisCluster(6), "ketama": Ketama(Servers(6)), "cassandra": Cassandra(6, Vnodes, 1), "aerospike": Aerospike("", 6), "dynamodb": DynamoDB(6),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				l.Place(key)
			}
		})
	}
}
