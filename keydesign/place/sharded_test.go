package place

import (
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestJedis holds the ring against ShardedJedis itself.
func TestJedis(t *testing.T) {
	rings := map[string]*Layout{}
	vectors(t, "jedis.txt", func(f []string) {
		id := f[0] + f[1]
		if rings[id] == nil {
			n, _ := strconv.Atoi(f[0])
			names := make([]string, n)
			for i := range names {
				names[i] = fmt.Sprintf("shard%d", i+1)
			}
			rings[id] = Jedis(names, f[1] == "names")
		}
		if got := fmt.Sprint(rings[id].Place(unhex(t, f[2][1:]))); got != f[3] {
			t.Errorf("key %s of %s servers (%s) is with %s, want %s", f[2], f[0], f[1], got, f[3])
		}
	})
}

// TestTwemproxy: the ring is that of ketama, which has vectors; the hash is that of the standard library where characters have no sign.
func TestTwemproxy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := []byte(rapid.StringMatching("[ -~]{0,60}").Draw(t, "key"))
		h := fnv.New64a()
		h.Write(key)
		if got, want := fnv1a(key), uint32(h.Sum64()); got != want {
			t.Fatalf("%q: %x, want %x", key, got, want)
		}
	})
	if got := fnv1a([]byte{0xff}); got != (0x84222325^0xffffffff)*0x1b3&0xffffffff {
		t.Errorf("a byte above 127 is taken for %x", got)
	}
	names := Servers(5)
	ring, proxy := Ketama(names).Model.(*ketama).ring, Twemproxy(names)
	for i := range 1000 {
		key := fmt.Appendf(nil, "user:%d", i)
		want := ring[0].node
		for _, p := range ring {
			if p.token >= int64(fnv1a(key)) {
				want = p.node
				break
			}
		}
		if got := proxy.Place(key); got != want {
			t.Fatalf("%s is with %d, want %d", key, got, want)
		}
	}
}

// TestPHPVectors holds both clients of PHP against what Predis's own tests expect, and what another program makes of their algorithms.
func TestPHPVectors(t *testing.T) {
	for name, of := range map[string]func(n int) *Layout{
		"predis.txt": func(n int) *Layout {
			names := make([]string, n)
			for i := range names {
				names[i] = fmt.Sprint("127.0.0.1:", 7000+i)
			}
			return Predis(names)
		},
		"phpredis.txt": PHPRedis,
	} {
		layouts := map[string]*Layout{}
		vectors(t, name, func(f []string) {
			if layouts[f[0]] == nil {
				n, _ := strconv.Atoi(f[0])
				layouts[f[0]] = of(n)
			}
			if got := fmt.Sprint(layouts[f[0]].Place(unhex(t, f[1][1:]))); got != f[2] {
				t.Errorf("%s: key %s of %s servers is with %s, want %s", name, f[1], f[0], got, f[2])
			}
		})
	}
}

// TestPredis: of all points at or before the hash of a key the last one has it, the very last where there is none.
func TestPredis(t *testing.T) {
	names := []string{"10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.3:6379"}
	points := map[uint32]int{}
	for n, name := range names {
		for i := range 128 {
			points[crc32.ChecksumIEEE([]byte(name+":"+strconv.Itoa(i)))] = n
		}
	}
	l := Predis(names)
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.OneOf(rapid.StringMatching("[a-z0-9:{}]{0,20}"), rapid.String()).Draw(t, "key")
		part := key
		if _, rest, ok := strings.Cut(key, "{"); ok {
			if inner, _, ok := strings.Cut(rest, "}"); ok && inner != "" {
				part = inner
			}
		}
		h := crc32.ChecksumIEEE([]byte(part))
		best, last := int64(-1), int64(-1)
		for p := range points {
			last = max(last, int64(p))
			if p <= h {
				best = max(best, int64(p))
			}
		}
		if best < 0 {
			best = last
		}
		if got := l.Place([]byte(key)); got != points[uint32(best)] {
			t.Fatalf("%q is with %d, want %d", key, got, points[uint32(best)])
		}
	})
}

// TestPHPRedis: each server has its part of the range of CRC-32, in order, and no hash is without one.
func TestPHPRedis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(t, "servers")
		key := rapid.StringMatching("[a-z0-9:]{0,20}").Draw(t, "key")
		share := float64(crc32.ChecksumIEEE([]byte(key))) / (1 << 32)
		if got := PHPRedis(n).Place([]byte(key)); got != int(share*float64(n)) {
			t.Fatalf("%q is with %d of %d, its hash is at %g", key, got, n, share)
		}
		if got, want := PHPRedis(n).Place([]byte("x{"+key+"}y{z}")), PHPRedis(n).Place([]byte(key)); got != want {
			t.Fatalf("%q in braces is with %d, want %d", key, got, want)
		}
	})
	if got := PHPRedis(3).Place([]byte{0xff, 0xff, 0xff, 0xff}); got != 2 { // its CRC-32 is 0xffffffff
		t.Errorf("the last hash is with %d", got)
	}
}

func TestTagged(t *testing.T) {
	m := Modulo(7).Model
	for key, part := range map[string]string{"{a}b": "a", "x[a]": "x[a]", "{}b": "{}b", "{a": "{a", "b{a}{c}": "a"} {
		if got, want := Tagged(m, '{', '}').Place([]byte(key)), m.Place([]byte(part)); got != want {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
	}
}
