package simulate

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// shop returns the schema of the documentation, with collections that a test can write, for the server of the distribution.
func shop(t testing.TB) *schema.Schema {
	t.Helper()
	b, err := os.ReadFile("../../testdata/schema/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t, string(b))
	s.Store.Version = "7.0"
	s.Template("leaderboard").Value.Elements.Max = 2000
	s.Template("queue").Value.Elements.Max = 5000
	s.Template("orders").Value.MaxLen = 1000
	return s
}

// fewer is the shop with as many keys as a test writes.
func fewer() map[string]int64 {
	return map[string]int64{
		"uid": 8000, "sku": 4000, "session": 6000, "product_cache": 3000, "page_cache": 2000, "email_index": 8000, "offer": 6000, "ratelimit": 6000, "lock": 500,
	}
}

// The simulation of the shop agrees with the shop: the same keys, written to a real server, are in the same slots, take the
// memory that was said, by MEMORY USAGE for each template and by used_memory for all, and expire when it was said.
func TestServerAgrees(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{Args: []string{
		"--cluster-enabled", "yes", "--maxmemory", "8gb", "--maxmemory-policy", "volatile-lru", "--hash-max-listpack-entries", "512",
	}})
	c := server.Client(t)
	c.Must(t, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
	await(t, c, func() bool { return strings.Contains(c.Must(t, "CLUSTER", "INFO").(string), "cluster_state:ok") })
	s := shop(t)
	o := Options{Store: Store{Kind: schema.RedisCluster, Nodes: 1}, Entities: fewer(), Memory: memory.Jemalloc16}
	w, err := newWorld(s, o)
	if err != nil {
		t.Fatal(err)
	}
	m := newMeasure(w)
	before := used(t, c)
	base := time.Now().Add(time.Hour)
	var commands [][]string
	for _, p := range w.populations {
		p.each(func(d *Draw) {
			m.observe(d)
			commands = write(t, commands, d, base)
		})
	}
	m.finish()
	writer := server.Client(t)
	writer.Fill(t, len(commands), func(i int) []string { return commands[i] })
	if err := writer.Close(); err != nil { // the server counts what it keeps for a client as used
		t.Fatal(err)
	}
	await(t, c, func() bool { return rehashed(t, c, m) })
	after := used(t, c)

	t.Logf("%d keys, %d bytes used for them", w.total, after-before)
	t.Run("keys", func(t *testing.T) {
		if n := c.Must(t, "DBSIZE"); n != w.total || m.w.drawn != w.total {
			t.Fatalf("the server has %v keys, %d were to be", n, w.total)
		}
	})
	t.Run("slots", func(t *testing.T) { slotsAgree(t, c, m) })
	t.Run("used_memory", func(t *testing.T) {
		main, expires := m.tables()
		agree(t, "used_memory", m.all.bytes+main+expires, float64(after-before), 0.01)
	})
	t.Run("MEMORY USAGE", func(t *testing.T) { usageAgrees(t, c, m) })
	t.Run("expiry", func(t *testing.T) { expiryAgrees(t, c, m, base) })
	t.Run("bursts", func(t *testing.T) { burstsAgree(t, c, m, base) })
}

// agree fails where a figure is off by more than a share of what it should be.
func agree(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	t.Logf("%-50s simulated %12.0f, real %12.0f: %+.2f %%", what, got, want, 100*(got/want-1))
	if math.Abs(got/want-1) > tolerance {
		t.Errorf("%s: simulated %.0f, real %.0f", what, got, want)
	}
}

// await asks again and again, up to half a minute.
func await(t *testing.T, c *servertest.Client, done func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 600 {
		if done() {
			return
		}
		<-tick.C
	}
	t.Fatal("it does not come about")
}

func used(t *testing.T, c *servertest.Client) int64 { return info(t, c, "used_memory") }

func info(t *testing.T, c *servertest.Client, field string) int64 {
	t.Helper()
	for line := range strings.Lines(c.Must(t, "INFO", "memory").(string)) {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("INFO has no %s", field)
	return 0
}

// rehashed reports whether the tables of the keyspace have done growing: the server moves them on while it is idle.
func rehashed(t *testing.T, c *servertest.Client, m *measure) bool {
	keys, ttl := int64(m.all.keys), int64(m.withTTL())
	// Entries, objects, and the buckets of one table each (object.c: getMemoryOverheadData).
	return overhead(t, c, "overhead.hashtable.main") <= keys*(24+16)+m.usage.m.MainDict(keys) &&
		overhead(t, c, "overhead.hashtable.expires") <= m.usage.m.ExpiresDict(ttl)
}

// overhead returns a number of what MEMORY STATS says of the database.
func overhead(t *testing.T, c *servertest.Client, name string) int64 {
	t.Helper()
	stats, _ := c.Must(t, "MEMORY", "STATS").([]any)
	for i := 0; i+1 < len(stats); i += 2 {
		db, _ := stats[i+1].([]any)
		for j := 0; stats[i] == "db.0" && j+1 < len(db); j += 2 {
			if n, ok := db[j+1].(int64); ok && db[j] == name {
				return n
			}
		}
	}
	t.Fatalf("MEMORY STATS has no %s", name)
	return 0
}

// write appends the commands that write what d is.
func write(t *testing.T, to [][]string, d *Draw, base time.Time) [][]string {
	t.Helper()
	key, v := string(d.Key), &d.Value
	switch v.Type {
	case "string":
		to = append(to, []string{"SET", key, stringOf(v)})
	case "hash":
		to = fill(to, v, 2, []string{"HSET", key}, func(i int64) []string { return []string{fieldName(v, i), word('v', i, v.Element)} })
	case "list":
		to = fill(to, v, 1, []string{"RPUSH", key}, func(i int64) []string { return []string{word('v', i, v.Element)} })
	case "set":
		to = fill(to, v, 1, []string{"SADD", key}, func(i int64) []string { return []string{word('m', i, v.Element)} })
	case "zset":
		to = fill(to, v, 2, []string{"ZADD", key}, func(i int64) []string { return []string{fmt.Sprint(1_000_000 + i), word('m', i, v.Element)} })
	case "stream":
		for i := range v.Elements {
			to = append(to, []string{"XADD", key, fmt.Sprintf("%d-0", bornAt+i), word('f', 0, FieldName), word('v', i, v.Element)})
		}
	default:
		t.Fatalf("type %q", v.Type)
	}
	if d.TTL > 0 {
		to = append(to, []string{"PEXPIREAT", key, fmt.Sprint(base.Add(d.TTL).UnixMilli())})
	}
	return to
}

func stringOf(v *Value) string {
	if v.Number {
		return strings.Repeat("7", int(v.Bytes))
	}
	return strings.Repeat("x", int(v.Bytes))
}

func fieldName(v *Value, i int64) string {
	if i < int64(len(v.Fields)) {
		return v.Fields[i]
	}
	return word('f', i, FieldName)
}

// word is a letter and a number, n bytes together.
func word(letter byte, i, n int64) string {
	s := fmt.Sprintf("%c%0*d", letter, max(0, n-1), i)
	return s[:1] + s[len(s)-int(n-1):]
}

// fill adds the elements in portions.
func fill(to [][]string, v *Value, words int, command []string, element func(int64) []string) [][]string {
	args := slices.Clone(command)
	for i := range v.Elements {
		args = append(args, element(i)...)
		if len(args) > 500*words || i == v.Elements-1 {
			to = append(to, args)
			args = slices.Clone(command)
		}
	}
	return to
}

func slotsAgree(t *testing.T, c *servertest.Client, m *measure) {
	ask := func(n int) []string { return []string{"CLUSTER", "COUNTKEYSINSLOT", strconv.Itoa(n)} }
	askNumbers(t, c, slot.Count, ask, func(n int, real int64) {
		if float64(real) != m.parts[n].keys {
			t.Fatalf("slot %d has %d keys, %g were to be", n, real, m.parts[n].keys)
		}
	})
}

// askNumbers sends n commands whose replies are to be numbers.
func askNumbers(t *testing.T, c *servertest.Client, n int, ask func(i int) []string, told func(i int, real int64)) {
	t.Helper()
	if err := c.Ask(n, ask, func(i int, reply any) error {
		real, ok := reply.(int64)
		if !ok {
			return fmt.Errorf("%q: %v is no number", ask(i), reply)
		}
		told(i, real)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A drawn key is one that was written, of the template with a number.
type drawn struct {
	key      string
	template int
	life     time.Duration
}

func keysOf(m *measure) (all []drawn) {
	for _, p := range m.w.populations {
		p.each(func(d *Draw) { all = append(all, drawn{string(d.Key), d.Template, d.Life}) })
	}
	return all
}

func usageAgrees(t *testing.T, c *servertest.Client, m *measure) {
	real, keys := make([]float64, len(m.sums)), keysOf(m)
	ask := func(i int) []string { return []string{"MEMORY", "USAGE", keys[i].key, "SAMPLES", "0"} }
	askNumbers(t, c, len(keys), ask, func(i int, bytes int64) { real[keys[i].template] += float64(bytes) })
	all, sum := 0.0, 0.0
	for i := range m.sums {
		if m.sums[i].p == nil {
			continue
		}
		agree(t, m.sums[i].p.t.Name, m.sums[i].usage, real[i], 0.01)
		all, sum = all+real[i], sum+m.sums[i].usage
	}
	agree(t, "all", sum, all, 0.005)
}

// expiryAgrees counts what is left of the lives of all keys.
func expiryAgrees(t *testing.T, c *servertest.Client, m *measure, base time.Time) {
	var real [len(expiryBounds) + 1]float64
	keys := keysOf(m)
	askNumbers(t, c, len(keys), func(i int) []string { return []string{"PEXPIRETIME", keys[i].key} }, func(_ int, at int64) {
		if at > 0 {
			real[binOf(time.Duration(at-base.UnixMilli())*time.Millisecond)]++
		}
	})
	for b, n := range real {
		sum := 0.0
		for i := range m.sums {
			sum += m.sums[i].expiry.bins[b].keys
		}
		if math.Abs(sum-n) > 1+n/1000 { // a life is cut to milliseconds
			t.Errorf("bin %d: %g keys expire, %g were to", b, n, sum)
		}
	}
}

// burstsAgree gives each key its whole life at once, as a fill does, and finds the worst second of each template.
func burstsAgree(t *testing.T, c *servertest.Client, m *measure, base time.Time) {
	seconds := make([]map[int64]float64, len(m.sums))
	keys := slices.DeleteFunc(keysOf(m), func(d drawn) bool { return d.life == 0 })
	c.Fill(t, len(keys), func(i int) []string {
		return []string{"PEXPIREAT", keys[i].key, strconv.FormatInt(base.Add(keys[i].life).UnixMilli(), 10)}
	})
	askNumbers(t, c, len(keys), func(i int) []string { return []string{"PEXPIRETIME", keys[i].key} }, func(i int, at int64) {
		of := keys[i].template
		if seconds[of] == nil {
			seconds[of] = map[int64]float64{}
		}
		seconds[of][(at-base.UnixMilli())/1000]++
	})
	for i, count := range seconds {
		worst := 0.0
		for _, n := range count {
			worst = max(worst, n)
		}
		// Where lives differ, the worst of many seconds is above the mean of all as chance has it: five deviations.
		want := m.sums[i].expiry.burst
		if worst < want-1 || worst > want+5*math.Sqrt(want)+5 {
			t.Errorf("%s: %g keys expire in the worst second, %g were to", m.sums[i].p.t.Name, worst, want)
		}
	}
}
