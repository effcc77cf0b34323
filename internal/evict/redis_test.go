package evict

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/servertest"
)

// A request is one access of a trace, at the time at which a server saw it.
type request struct {
	id  uint64
	now int64 // Unix ms
}

const (
	portion      = 32 // keys looked up at once, before those that are missing are written
	liveRecords  = 20_000
	liveCapacity = 16_000_000 // bytes for records: so many that the server's own buffers weigh little
	liveValue    = 4000       // bytes
)

var liveRequests = flag.Int("requests", 20_000, "length of the trace that is replayed on a redis-server")

// liveTolerance is by how much miss ratios may differ. Samples are random on both sides, which makes more of a difference on a
// short trace.
func liveTolerance() float64 {
	if *liveRequests < 200_000 {
		return 0.012
	}
	return 0.005
}

// TestMissRatioOfRedis replays one trace, filled by its misses, on a redis-server with maxmemory and on the policies here, whose
// records weigh what the memory model says. Both miss as often.
func TestMissRatioOfRedis(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	z := newZipf(r, liveRecords, 0.9)
	trace := make([]request, *liveRequests)
	for i := range trace {
		trace[i].id = z.next()
	}
	for _, k := range append([]Kind{NoEviction}, redisKinds...) {
		t.Run(k.String(), func(t *testing.T) {
			missed, refused := onServer(t, k, trace)
			simMissed, simRefused := simulate(k, trace)
			n := float64(len(trace))
			t.Logf("missed %.4f, simulated %.4f; out of memory %d, simulated %d", missed/n, simMissed/n, refused, simRefused)
			if math.Abs(missed-simMissed)/n > liveTolerance() {
				t.Errorf("redis-server missed %.4f, simulated %.4f", missed/n, simMissed/n)
			}
			if off := math.Abs(float64(refused - simRefused)); off > 0.01*float64(refused) {
				t.Errorf("out of memory %d times, simulated %d", refused, simRefused)
			}
		})
	}
}

func liveKey(id uint64) string { return fmt.Sprint("key:", id) }

// liveTTL gives a record an expiry that nobody lives to see.
func liveTTL(id uint64) int64 { return 100_000 + int64(mix(id)%100_000) }

// onServer replays the trace on a server that has so many bytes for records, and sets the times in it.
func onServer(t *testing.T, k Kind, trace []request) (missed float64, refused int) {
	c := servertest.Redis(t, servertest.Options{Args: []string{"--maxmemory-policy", k.String()}}).Client(t)
	c.Must(t, "SET", "a", strings.Repeat("x", liveValue)) // the buffers of the connection have grown from now on
	c.Must(t, "GET", "a")
	c.Must(t, "DEL", "a")
	limit := usedMemory(t, c) + liveCapacity
	c.Must(t, "CONFIG", "SET", "maxmemory", strconv.FormatInt(limit, 10))
	value := strings.Repeat("v", liveValue)
	for some := range slices.Chunk(trace, portion) {
		now := time.Now().UnixMilli()
		var missing []uint64
		look := func(i int) []string { return []string{"TOUCH", liveKey(some[i].id)} }
		if err := c.Ask(len(some), look, func(i int, reply any) error {
			some[i].now = now
			if reply == int64(0) {
				missing = append(missing, some[i].id)
			}
			err, _ := reply.(error)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for _, id := range missing {
			missed++
			reply := c.Do("SET", liveKey(id), value, "EX", strconv.FormatInt(liveTTL(id), 10))
			if err, ok := reply.(error); ok {
				if !strings.HasPrefix(err.Error(), "OOM ") {
					t.Fatal(err)
				}
				refused++
			}
		}
	}
	return missed, refused
}

func usedMemory(t *testing.T, c *servertest.Client) int64 {
	info, _ := c.Must(t, "INFO", "memory").(string)
	_, rest, _ := strings.Cut(info, "used_memory:")
	line, _, _ := strings.Cut(rest, "\r\n")
	n, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// simulate replays the trace under the policy. A command's arguments are in memory when it makes room for itself: so a SET makes
// it before its record is there, and a candidate of the same key that is gone is passed over.
func simulate(k Kind, trace []request) (missed float64, refused int) {
	s := newStore(1)
	s.limit = liveCapacity
	s.policy = New(k, s, Defaults(s.clock, 1))
	m := memory.New(memory.Profile{Allocator: memory.Jemalloc16, Allocated: true})
	for some := range slices.Chunk(trace, portion) {
		s.now = some[0].now
		var missing []uint64
		for _, r := range some {
			Reclaim(s.policy, s, liveCapacity-m.String(5, false)-m.String(int64(len(liveKey(r.id))), false), nil)
			if ref := s.find(0, r.id); ref != 0 {
				s.touch(ref)
			} else {
				missing = append(missing, r.id)
			}
		}
		for _, id := range missing {
			missed++
			key := int64(len(liveKey(id)))
			set := m.String(3, false) + m.String(key, false) + m.String(liveValue, false) + m.String(2, false) + m.String(6, true)
			if Reclaim(s.policy, s, liveCapacity-set, nil) == Failed {
				refused++
				continue
			}
			if ref := s.find(0, id); ref != 0 { // written by one before it in the portion
				s.Drop(ref)
			}
			s.set(0, id, m.Key(key)+m.String(liveValue, false)+m.Class(24), s.now+1000*liveTTL(id))
		}
	}
	return missed, refused
}
