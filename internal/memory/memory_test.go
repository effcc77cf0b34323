package memory

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

func TestClass(t *testing.T) {
	for _, c := range []struct {
		a       Allocator
		n, want int64
	}{
		{Jemalloc8, 0, 8},
		{Jemalloc8, 9, 16},
		{Jemalloc8, 17, 24},
		{Jemalloc8, 33, 40},
		{Jemalloc8, 65, 80},
		{Jemalloc8, 81, 96},
		{Jemalloc8, 129, 160},
		{Jemalloc16, 8, 8},
		{Jemalloc16, 9, 16},
		{Jemalloc16, 17, 32},
		{Jemalloc16, 33, 48},
		{Jemalloc16, 113, 128},
		{Jemalloc16, 129, 160},
		{Jemalloc16, 257, 320},
		{Jemalloc16, 536, 640},
		{Jemalloc16, 4096, 4096},
		{Jemalloc16, 4097, 5120},
		{Jemalloc16, 1<<20 + 1, 1310720},
		{Libc, 1, 24},
		{Libc, 24, 24},
		{Libc, 25, 40},
		{Libc, 128 << 10, 128<<10 + 4096 - 16},
	} {
		if got := New(Profile{Allocator: c.a}).Class(c.n); got != c.want {
			t.Errorf("%s: class(%d) = %d, want %d", c.a, c.n, got, c.want)
		}
	}
}

// TestClassIsMonotonic holds every allocator to the law that the tables of a Model must keep too.
func TestClassIsMonotonic(t *testing.T) {
	for _, a := range []Allocator{Jemalloc8, Jemalloc16, Libc} {
		m := New(Profile{Allocator: a})
		last, lastSDS := int64(0), int64(0)
		for n := int64(0); n < 70000; n++ {
			c, s := m.Class(n), m.SDS(n)
			if c < n || c < last || c != a.class(n) || s < lastSDS || s < n+1 {
				t.Fatalf("%s: class(%d) = %d after %d, sds %d after %d", a, n, c, last, s, lastSDS)
			}
			last, lastSDS = c, s
		}
		for _, n := range []int64{1 << 40, 1 << 60, math.MaxInt64} {
			if m.Class(n) <= 0 || m.SDS(n) <= 0 {
				t.Errorf("%s: class(%d) = %d", a, n, m.Class(n))
			}
		}
	}
}

func TestIsInt(t *testing.T) {
	for _, s := range []string{
		"", "-", "0", "-0", "00", "01", "1", "-1", "+1", " 1", "1 ", "1a", "10", "123456789012345678", "9223372036854775807", "9223372036854775808",
		"-9223372036854775808", "-9223372036854775809", "99999999999999999999", "-01", "1.0",
	} {
		n, err := strconv.ParseInt(s, 10, 64)
		if want := err == nil && strconv.FormatInt(n, 10) == s; IsInt([]byte(s)) != want {
			t.Errorf("IsInt(%q) = %v", s, !want)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for _, c := range []struct {
		product, version string
		want             Version
	}{
		{"redis", "7.0.15", Redis70},
		{"redis", "", Redis70},
		{"redis", "255.255.255", Redis70},
		{"redis", "6.2.5", Redis62},
		{"redis", "2.8", Redis62},
		{"redis", "7.2.4", Redis72},
		{"redis", "7.4.1", Redis74},
		{"redis", "8.2.0", Redis80},
		{"valkey", "7.2.5", Redis72},
		{"valkey", "8.0.1", Valkey80},
		{"valkey", "8.1.0", Valkey81},
		{"valkey", "9.0.0", Valkey90},
		{"valkey", "9.1.2", Valkey91},
		{"keydb", "6.3.4", Redis62},
	} {
		if got := ParseVersion(c.product, c.version); got != c.want {
			t.Errorf("%s %s is %s, want %s", c.product, c.version, got, c.want)
		}
	}
	if New(Profile{}).Profile().Note() != "" || (Profile{Version: Redis80}).Note() == "" {
		t.Error("only the measured profile needs no note")
	}
}

// TestRax compares the count with a tree that is built byte by byte and then has its runs merged.
func TestRax(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		ids := make([][16]byte, 1+r.IntN(40))
		for i := range ids {
			ids[i][r.IntN(16)] = byte(r.IntN(3))
			ids[i][15] = byte(r.IntN(4))
			ids[i][7] = byte(r.IntN(2))
		}
		for i := range ids { // insertion sort: small
			for j := i; j > 0 && bytes.Compare(ids[j][:], ids[j-1][:]) < 0; j-- {
				ids[j], ids[j-1] = ids[j-1], ids[j]
			}
		}
		var rax Rax
		for i := range ids {
			rax.Add(New(Profile{}), &ids[i])
		}
		if want := naiveNodes(ids, 0); rax.nodes != want {
			t.Fatalf("%x: %d nodes, want %d", ids, rax.nodes, want)
		}
	}
}

// naiveNodes counts the nodes of the tree over sorted ids from depth d on.
func naiveNodes(ids [][16]byte, d int) int64 {
	run := d
	for run < 16 && ids[0][run] == ids[len(ids)-1][run] {
		run++
	}
	var nodes int64
	if run > d {
		nodes++
	}
	nodes++ // the branch or the leaf
	if run == 16 {
		return nodes
	}
	for len(ids) > 0 {
		n := 1
		for n < len(ids) && ids[n][run] == ids[0][run] {
			n++
		}
		nodes += naiveNodes(ids[:n], run+1)
		ids = ids[n:]
	}
	return nodes
}

func TestNoAllocation(t *testing.T) {
	m := New(Profile{Allocator: Jemalloc16})
	var sum int64
	if n := testing.AllocsPerRun(100, func() {
		sum += m.Key(20) + m.Hash(300, 5000) + m.ZSet(300, 5000) + m.Blob(400) + m.String(50, false)
	}); n != 0 {
		t.Errorf("%v allocations for five costs", n)
	}
}

// TestAbsurdNumbers: what a hostile server says of its keys ends no loop late and overflows nothing into a panic.
func TestAbsurdNumbers(t *testing.T) {
	for v := range versionNames {
		for _, state := range []State{Loaded, Live} {
			m := New(Profile{Version: Version(v), State: state})
			for _, n := range []int64{-1, 0, 1, 1 << 40, 1 << 62, math.MaxInt64} {
				m.MainDict(n)
				m.ExpiresDict(n)
				m.Hash(n, n)
				m.HashExpiring(n, n, n, &Expiries{n: n})
				m.Set(n, n)
				m.ZSet(n, n)
				m.Member(n)
				m.Field(n, n, true)
				m.StringOf(n, n, false, true)
				for _, e := range []kv.Encoding{kv.EncodingHashtable, kv.EncodingSkiplist, kv.EncodingQuicklist, kv.EncodingStream, kv.EncodingListpack} {
					m.Rounding(kv.TypeSet, e, n, n)
					m.Rounding(kv.TypeHash, e, 1000, n)
				}
			}
		}
	}
}

// TestChildBuckets compares the mean with tables whose entries were thrown at random.
func TestChildBuckets(t *testing.T) {
	m := New(Profile{Version: Valkey91})
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct{ n, b int64 }{{12, 2}, {26, 4}, {100, 16}, {400, 64}, {448, 64}, {7000, 1024}} {
		const rounds = 400
		total := 0.0
		for range rounds {
			entries := make([]int, c.b)
			for range c.n {
				entries[r.IntN(len(entries))]++
			}
			for _, e := range entries {
				for room := 7; e > room; room += 6 {
					total++
				}
			}
		}
		want, got := total/rounds, float64(m.children(c.n, c.b))/bucketBytes
		if math.Abs(got-want) > 0.6+0.03*want {
			t.Errorf("%d entries in %d buckets: %.1f children, counted %.1f", c.n, c.b, got, want)
		}
	}
}

// TestMember compares the mean with members whose levels are drawn.
func TestMember(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, a := range []Allocator{Jemalloc8, Jemalloc16, Libc} {
		m := New(Profile{Version: Valkey91, Allocator: a})
		for _, n := range []int64{4, 20, 44, 90, 200} {
			const draws = 200_000
			sum := int64(0)
			for range draws {
				level := int64(1)
				for r.IntN(4) == 0 {
					level++
				}
				sum += m.Class(17 + 16*level + keyRequest(n))
			}
			want, got := float64(sum)/draws, float64(m.Member(n))/MemberUnit
			if math.Abs(got-want) > 0.3 { // four standard deviations of the longest
				t.Errorf("%s: a member of %d bytes counts %.2f, want %.2f", a, n, got, want)
			}
		}
	}
}

// TestFindAllocator: one odd size rules an allocator out, and none means that nothing is known.
func TestFindAllocator(t *testing.T) {
	for _, v := range []Version{Redis70, Redis72, Valkey91} {
		for _, a := range []Allocator{Jemalloc8, Jemalloc16, Libc} {
			p := Profile{Version: v, Allocator: a}
			m := New(p)
			var keys []Sized
			for n := range 40 {
				size, enc := m.StringOf(int64(n), 1, true, false)
				keys = append(keys, Sized{n, enc, m.Key(int64(n)) + size, kv.TTLNone})
			}
			p.Allocator = Jemalloc8
			if got, known := FindAllocator(p, keys); !known || got != a {
				t.Errorf("%s: %s taken for %s, %v", v, a, got, known)
			}
			if _, known := FindAllocator(p, append(keys, Sized{5, kv.EncodingInt, 7, kv.TTLUnknown})); known {
				t.Errorf("%s: no allocator gives 7 bytes", v)
			}
		}
		if _, known := FindAllocator(Profile{Version: v}, nil); known {
			t.Errorf("%s: known from no key", v)
		}
	}
}

// TestRounding holds what is estimated from a size to what follows from the elements.
func TestRounding(t *testing.T) {
	for _, a := range []Allocator{Jemalloc8, Jemalloc16} {
		m, all := New(Profile{Allocator: a}), New(Profile{Allocator: a, Allocated: true})
		for n := int64(130); n < 1000; n += 97 {
			elements := n * 2 * m.SDS(20)
			got := m.Rounding(kv.TypeHash, kv.EncodingHashtable, m.Hash(n, elements), n)
			if want := all.Hash(n, elements) - m.Hash(n, elements); got != want {
				t.Errorf("%s: a hash of %d rounded by %d, want %d", a, n, got, want)
			}
			rough := m.Rounding(kv.TypeHash, kv.EncodingHashtable, m.Hash(n, elements), -1)
			if off := math.Abs(float64(rough - got)); off > 0.5*float64(got)+64 {
				t.Errorf("%s: a hash of %d: %d without its length, %d with it", a, n, rough, got)
			}
		}
	}
}
