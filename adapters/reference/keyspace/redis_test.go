package keyspace

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

	"github.com/kvtool/kvtool/internal/evict"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/servertest"
)

const (
	liveKeys     = 20_000
	liveCapacity = 16_000_000 // bytes for records: so many that the server's own buffers weigh little
	liveValue    = 4000       // bytes
	liveAtOnce   = 16         // keys that are looked for before those that are missing are written: so few fill no buffer
)

var liveRequests = flag.Int("requests", 20_000, "length of the trace that is replayed on a redis-server")

// liveTolerance is by how much miss ratios may differ: samples are random on both sides, which weighs more on a short trace.
func liveTolerance() float64 {
	if *liveRequests < 200_000 {
		return 0.012
	}
	return 0.005
}

// liveSettings are a server's, whose policy and limit are given.
func liveSettings(k evict.Kind) Settings {
	return Settings{MaxMemory: liveCapacity, Policy: k, LFU: evict.LFU{LogFactor: 10, DecayTime: 1}}
}

// TestMissRatioOfRedis replays one trace, filled by its misses, on a redis-server and on a Shard.
func TestMissRatioOfRedis(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	r := rand.New(rand.NewPCG(4, 2))
	trace := make([]int, *liveRequests)
	for i := range trace {
		trace[i] = int(math.Pow(liveKeys, r.Float64())) // as skewed as Zipf with the exponent 1
	}
	for k := evict.NoEviction; k <= evict.VolatileTTL; k++ {
		t.Run(k.String(), func(t *testing.T) {
			t.Parallel()
			c := servertest.Redis(t, servertest.Options{Args: []string{"--maxmemory-policy", k.String()}}).Client(t)
			limitOf(t, c)
			s := New(Options{Settings: liveSettings(k)})
			n, theirs, ours := float64(len(trace)), outcome{}, outcome{}
			for ids := range slices.Chunk(trace, liveAtOnce) {
				now := time.Now().UnixMilli()
				askServer(t, c, ids, &theirs)
				s.Tick(now)
				askShard(t, s, ids, &ours)
			}
			t.Logf("missed %.4f, the Shard %.4f; out of memory %d, the Shard %d", theirs.missed/n, ours.missed/n, theirs.refused, ours.refused)
			if math.Abs(theirs.missed-ours.missed)/n > liveTolerance() {
				t.Errorf("missed %.4f, the Shard %.4f", theirs.missed/n, ours.missed/n)
			}
			if off := math.Abs(float64(theirs.refused - ours.refused)); off > 0.01*float64(theirs.refused) {
				t.Errorf("out of memory %d, the Shard %d", theirs.refused, ours.refused)
			}
		})
	}
}

type outcome struct {
	missed  float64
	refused int
}

// liveTTL gives a key an expiry that nobody lives to see, in seconds.
func liveTTL(id int) int64 { return 100_000 + int64(Hash(fmt.Append(nil, id))%100_000) }

// limitOf leaves the server liveCapacity bytes, once the buffers of the connection have grown.
func limitOf(t *testing.T, c *servertest.Client) {
	c.Must(t, "SET", "a", strings.Repeat("x", liveValue))
	c.Must(t, "GET", "a")
	c.Must(t, "DEL", "a")
	c.Must(t, "CONFIG", "SET", "maxmemory", fmt.Sprint(usedMemory(t, c)+liveCapacity))
}

// usedMemory returns used_memory without what is in the buffers of clients.
func usedMemory(t *testing.T, c *servertest.Client) int64 {
	t.Helper()
	info, _ := c.Must(t, "INFO", "memory").(string)
	return infoField(t, info, "used_memory") - infoField(t, info, "mem_clients_normal")
}

func infoField(t *testing.T, info, name string) int64 {
	_, rest, _ := strings.Cut(info, "\n"+name+":")
	line, _, _ := strings.Cut(rest, "\r\n")
	n, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// askServer looks for keys, which counts as an access and has short replies, and then writes those that are missing.
func askServer(t *testing.T, c *servertest.Client, ids []int, o *outcome) {
	t.Helper()
	var missing []int
	err := c.Ask(len(ids), func(i int) []string { return []string{"TOUCH", fmt.Sprint("key:", ids[i])} }, func(i int, reply any) error {
		if reply == int64(0) {
			missing = append(missing, ids[i])
		}
		return errorOf(reply)
	})
	if err != nil {
		t.Fatal(err)
	}
	o.missed += float64(len(missing))
	err = c.Ask(len(missing), func(i int) []string {
		return []string{"SET", fmt.Sprint("key:", missing[i]), liveText, "EX", fmt.Sprint(liveTTL(missing[i]))}
	}, func(_ int, reply any) error {
		err := errorOf(reply)
		if err != nil && strings.HasPrefix(err.Error(), "OOM ") {
			o.refused++
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func errorOf(reply any) error {
	err, _ := reply.(error)
	return err
}

var liveText = strings.Repeat("v", liveValue)

// askShard does the same to a Shard. A server has a command's arguments in memory when it makes room for it.
func askShard(t *testing.T, s *Shard, ids []int, o *outcome) {
	t.Helper()
	m := s.Model()
	var missing []int
	for _, id := range ids {
		key := fmt.Append(nil, "key:", id)
		s.Reclaim(m.String(5, false)+m.String(int64(len(key)), false), nil)
		if it := s.Find(0, key, Hash(key)); it.OK() {
			s.Touch(it)
		} else {
			missing = append(missing, id)
		}
	}
	o.missed += float64(len(missing))
	for _, id := range missing {
		key := fmt.Append(nil, "key:", id)
		set := m.String(3, false) + m.String(int64(len(key)), false) + m.String(liveValue, false) + m.String(2, false) + m.String(6, true)
		if s.Reclaim(set, nil) == evict.Failed {
			o.refused++
			continue
		}
		it, ok := s.PutBytes(0, key, Hash(key), s.Find(0, key, Hash(key)), KindRaw, []byte(liveText))
		if ok {
			_, ok = s.SetExpiry(it, s.Now()+1000*liveTTL(id))
		}
		if !ok {
			t.Fatal("the arena is full")
		}
	}
}

// TestUsedMemoryOfRedis: what is charged for keys of each kind that is made of bytes, for their tables while they grow, and for
// their expiries, is what a server uses.
func TestUsedMemoryOfRedis(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	for name, shape := range map[string]struct {
		keys, value int
		ttl         bool
		text        func(r *rand.Rand, n int) string
	}{
		"ints":      {25_000, 0, false, func(r *rand.Rand, _ int) string { return fmt.Sprint(r.Int32()) }},
		"small":     {35_000, 0, false, func(r *rand.Rand, _ int) string { return fmt.Sprint(r.IntN(12_000)) }},
		"embstr":    {17_500, 32, false, text},
		"raw":       {20_000, 100, true, text},
		"raw/ttl":   {10_000, 400, true, text},
		"large":     {750, 20_000, false, text},
		"varying":   {10_000, -300, false, text},
		"mixed/ttl": {12_500, -60, true, text},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// On a busy machine any command can be slow, and the log of slow ones keeps their arguments.
			server := servertest.Redis(t, servertest.Options{
				Args: []string{"--enable-debug-command", "yes", "--slowlog-log-slower-than", "-1"},
			})
			filler := server.Client(t)
			filler.Must(t, "SET", "a", "b", "EX", "100") // the histogram of a command is made at its first call
			filler.Must(t, "DEL", "a")
			filler.Close()
			settled(t, server)
			before := settled(t, server)
			filler = server.Client(t)
			s, r := New(Options{}), rand.New(rand.NewPCG(1, 1))
			s.Tick(time.Now().UnixMilli())
			filler.Fill(t, shape.keys, func(i int) []string {
				n := shape.value
				if n < 0 {
					n = r.IntN(-n)
				}
				key, value := fmt.Sprint("key:", i), shape.text(r, n)
				setShard(t, s, key, value, shape.ttl)
				if shape.ttl {
					return []string{"SET", key, value, "EX", "100000"}
				}
				return []string{"SET", key, value}
			})
			filler.Close()
			for range 20 { // of the table that grew, entries are moved while nothing happens
				s.Cron(nil)
			}
			theirs, ours := settled(t, server)-before, s.Used()
			off := float64(ours-theirs) / float64(theirs)
			t.Logf("%d bytes, the Shard %d: %+.3f %%", theirs, ours, 100*off)
			if slack := 20_000 / float64(theirs); math.Abs(off) > max(0.005, slack) { // a client's buffers that are not counted yet
				t.Errorf("%d bytes, the Shard %d: %+.3f %%", theirs, ours, 100*off)
			}
		})
	}
}

// settled returns the memory that a server uses when its tables are moved and nobody else is connected. Its client is a new one each
// time, for the buffers of one that has waited for some seconds have shrunk.
func settled(t *testing.T, server *servertest.Server) (used int64) {
	servertest.Until(t, "no table is being moved, and no client left", func() bool {
		c := server.Client(t)
		defer c.Close()
		stats, _ := c.Must(t, "DEBUG", "HTSTATS", "0").(string)
		clients, _ := c.Must(t, "CLIENT", "LIST").(string)
		time.Sleep(200 * time.Millisecond) // serverCron counts what its clients' buffers take
		used = usedMemory(t, c)
		return !strings.Contains(stats, "rehashing") && strings.Count(clients, "\n") == 1
	})
	return used
}

func text(r *rand.Rand, n int) string { return strings.Repeat(string(rune('a'+r.IntN(26))), n) }

func setShard(t *testing.T, s *Shard, key, value string, ttl bool) {
	t.Helper()
	k, kind := []byte(key), KindRaw
	switch {
	case memory.IsInt([]byte(value)):
		kind = KindInt
	case len(value) <= memory.EmbstrMax:
		kind = KindEmbstr
	}
	it, ok := s.PutBytes(0, k, Hash(k), s.Find(0, k, Hash(k)), kind, []byte(value))
	if ok && ttl {
		_, ok = s.SetExpiry(it, s.Now()+100_000_000)
	}
	if !ok {
		t.Fatal("the arena is full")
	}
}
