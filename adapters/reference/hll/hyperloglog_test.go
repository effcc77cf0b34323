package hll

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/servertest"
)

var most = Growth{Most: 3000}

// TestAgainstServer: after the same elements the value is a server's byte for byte, sparse and dense, merged and counted.
func TestAgainstServer(t *testing.T) {
	c := servertest.Redis(t, servertest.Options{}).Client(t)
	r := rand.New(rand.NewPCG(1, 2))
	values := map[string][]byte{}
	for i, n := range []int{0, 1, 2, 30, 200, 900, 1500, 4000, 60_000} {
		name := fmt.Sprint("hll", i)
		values[name] = fill(t, c, r, name, n)
		if got, want := c.Must(t, "PFCOUNT", name).(int64), estimate(t, values[name]); uint64(got) != want {
			t.Errorf("%d elements: the server counts %d, not %d", n, got, want)
		}
	}
	for i := range 9 {
		for k := range 9 {
			dest, from := fmt.Sprint("merged", i, k), []string{fmt.Sprint("hll", i), fmt.Sprint("hll", k)}
			c.Must(t, "PFMERGE", dest, from[0], from[1])
			var regs Registers
			b := New()
			for _, name := range from {
				regs.Merge(values[name])
				if Dense(values[name]) {
					b, _ = ToDense(b)
				}
			}
			b = regs.Store(b, most)
			if got := c.Must(t, "GET", dest); got != string(b) {
				t.Errorf("merging %v: %d bytes, the server has %d", from, len(b), len(got.(string)))
			}
			if got := c.Must(t, "PFCOUNT", from[0], from[1]).(int64); uint64(got) != regs.Count() {
				t.Errorf("%v: the server counts %d, not %d", from, got, regs.Count())
			}
		}
	}
}

// fill shows n strings to both, and compares the bytes now and then.
func fill(t *testing.T, c *servertest.Client, r *rand.Rand, name string, n int) []byte {
	b := New()
	c.Must(t, "PFADD", name)
	Invalidate(b)
	for i := 0; i < n; {
		args := []string{"PFADD", name}
		any := false
		for range min(n-i, 1+r.IntN(1+n/20)) {
			s := fmt.Appendf(nil, "%x", r.Uint64N(uint64(10*n)))
			s = s[:min(len(s), 1+r.IntN(20))]
			args = append(args, string(s))
			var changed, ok bool
			if b, changed, ok = Add(b, s, most); !ok {
				t.Fatal("corrupt")
			}
			any = any || changed
			i++
		}
		if any {
			Invalidate(b)
		}
		if got := c.Must(t, args...).(int64); got == 1 != any {
			t.Fatalf("%s, %d of %d: PFADD = %d", name, i, n, got)
		}
		if n < 2000 || r.IntN(20) == 0 || i >= n {
			if got := c.Must(t, "GET", name); got != string(b) {
				t.Fatalf("%s, %d of %d: %d bytes, and the server has others", name, i, n, len(b))
			}
		}
	}
	return b
}

func estimate(t *testing.T, b []byte) uint64 {
	n, ok := Count(b)
	if !ok {
		t.Fatal("corrupt")
	}
	if !Dense(b) {
		d, ok := ToDense(b)
		if m, _ := Count(d); !ok || m != n {
			t.Errorf("sparse %d, dense %d", n, m)
		}
	}
	return n
}

// TestAgainstRegisters: a value has the registers of the naive way to keep them, however it is kept.
func TestAgainstRegisters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, want := New(), Registers{}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		near := 1 + r.IntN(registers)
		for range rapid.IntRange(0, 3000).Draw(t, "n") {
			i, v := r.IntN(near), uint8(1+r.IntN(1+r.IntN(34)))
			var changed, ok bool
			if b, changed, ok = set(b, i, v, most); !ok || changed != (v > want[i]) {
				t.Fatalf("register %d from %d to %d: %v, %v", i, want[i], v, changed, ok)
			}
			want[i] = max(want[i], v)
		}
		if got := *Of(b); got != want || !Valid(b) {
			t.Fatal("other registers")
		}
	})
}

func TestSelfTest(t *testing.T) {
	for seed := range uint64(5) {
		if err := SelfTest(rand.New(rand.NewPCG(seed, 1))); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// TestError: the estimate is within four standard errors of the truth.
func TestError(t *testing.T) {
	b := New()
	next := 10
	for i := 1; i <= 1_000_000; i++ {
		b, _, _ = Add(b, strconv.AppendInt([]byte("element:"), int64(i), 10), most)
		if i == next {
			got, _ := Count(b)
			if off := math.Abs(float64(got)-float64(i)) / float64(i); off > 4*1.04/128 {
				t.Errorf("%d elements are estimated at %d", i, got)
			}
			next *= 10
		}
	}
}

// FuzzCorrupt: whatever the bytes of a value are, nothing panics, and what is no value of 16384 registers is not counted.
func FuzzCorrupt(f *testing.F) {
	f.Add(New(), []byte("a"))
	f.Add(append(New()[:head], 0x7f), []byte("b"))
	f.Add(append(New()[:head], bytes.Repeat([]byte{0x83}, 4096)...), []byte("c"))
	f.Fuzz(func(t *testing.T, b, elem []byte) {
		if !Valid(b) {
			return
		}
		n, ok := Count(b)
		if !Dense(b) {
			AppendRuns(nil, b)
		}
		var r Registers
		if merged := r.Merge(b); merged != ok || ok && r.Count() != n {
			t.Errorf("merged: %v, counted: %v, %d", merged, ok, n)
		}
		b, _, ok = Add(bytes.Clone(b), elem, most)
		if ok && !Valid(b) {
			t.Error("adding made it invalid")
		}
	})
}

func BenchmarkAdd(b *testing.B) {
	for _, n := range []int{100, 1000, 100_000} {
		h := New()
		for i := range n {
			h, _, _ = Add(h, strconv.AppendInt(nil, int64(i), 10), most)
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h, _, _ = Add(h, []byte("7"), most)
			}
		})
	}
}

func BenchmarkCount(b *testing.B) {
	h := New()
	for i := range 100_000 {
		h, _, _ = Add(h, strconv.AppendInt(nil, int64(i), 10), most)
	}
	b.ReportAllocs()
	for b.Loop() {
		Count(h)
	}
}
