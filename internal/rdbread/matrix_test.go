package rdbread

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/servertest"
)

var update = flag.Bool("update", false, "rewrite the table of docs/support.md")

// A bar is how far the model may be off: the sum of the keys of one encoding, the key in the middle by how far each is off, and
// that in the middle of those that are off by less or by more.
type bar struct{ total, median, signed float64 }

// barOf is that of a server that has loaded the dump. What no dump tells is counted with its mean, so that a key is off by chance,
// and as often by more as by less: the levels of a skiplist, which a server draws anew; the chains of a table of Valkey, which
// follow from the seed of its hashes; and where glibc, which one server is built with, cannot split a block.
func barOf(s peer, encoding string) bar {
	const total = 0.005
	switch {
	case strings.Contains(encoding, "skiplist"), s.version == "valkey-9" && strings.Contains(encoding, "hashtable"):
		return bar{total, 0.007, 0.003}
	case s.glibc() && strings.Contains(encoding, "groups"):
		return bar{total, 0.005, 0.003}
	}
	return bar{total, 0, 0}
}

// liveBar is how far the sum of all keys may be off on a server that has never loaded them.
const liveBar = 0.01

// TestModelOnEachServer writes keys of every type and encoding to each server of the matrix and compares what the model makes
// of its dump with MEMORY USAGE SAMPLES 0: of the server as it stands, and of another that has loaded the dump. The figures
// are the table of docs/support.md.
func TestModelOnEachServer(t *testing.T) {
	t.Parallel()
	page := readSizesPage(t)
	for _, s := range peers() {
		t.Run(s.name, func(t *testing.T) {
			live, loaded := s.measure(t)
			loaded.check(t, s)
			live.check(t, s)
			if off := live.all.off(); off > liveBar {
				t.Errorf("live: total off by %.2f %%", 100*off)
			}
			page.hold(t, s, live, loaded)
		})
	}
	page.write(t)
}

// A peer is a server of the matrix.
type peer struct{ name, version, preload string }

// peers are those that tests run on, and Valkey with the allocator that distributions build it with.
func peers() []peer {
	var all []peer
	for _, v := range servertest.All() {
		all = append(all, peer{servertest.Name(v), v, ""})
	}
	return append(all, peer{"valkey-9, jemalloc", "valkey-9", systemJemalloc()})
}

// glibc reports whether it is the Valkey that is built with the allocator of the C library.
func (s peer) glibc() bool { return s.name == "valkey-9" }

// chance is what a sum may be off by for want of luck, as a share: with glibc ten blocks that could not be split, which are more than half a
// percent of 30 KB.
func (s peer) chance(a *tally) float64 {
	if !s.glibc() {
		return 0
	}
	return 10 * 16 / float64(a.server)
}

// systemJemalloc finds the library that came with the distribution's redis-server.
func systemJemalloc() string {
	found, _ := filepath.Glob("/usr/lib/*/libjemalloc.so.2") // the pattern is well-formed
	return strings.Join(found[:min(1, len(found))], "")
}

// measure compares the model with the server that has grown the keys, and with one that has loaded them.
func (s peer) measure(t *testing.T) (live, loaded *measured) {
	servertest.Binary(t, s.version)
	if s.preload == "" && strings.Contains(s.name, "jemalloc") {
		t.Skip("the distribution has no libjemalloc.so.2")
	}
	args := settings(s.version)
	c := servertest.Redis(t, servertest.Options{Version: s.version, Preload: s.preload, Args: args}).Client(t)
	fillEveryEncoding(t, c, s.version)
	dump := saved(t, c)
	live = measure(t, c, dump, memory.Live, s.allocator(t))
	c = servertest.Redis(t, servertest.Options{Version: s.version, Preload: s.preload, Args: append(args, "--dir", filepath.Dir(dump))}).Client(t)
	for c.Must(t, "DBSIZE") == int64(0) { // it answers before it has loaded
	}
	return live, measure(t, c, dump, memory.Loaded, s.allocator(t))
}

// saved has a server write its dump, and returns the path.
func saved(t *testing.T, c *servertest.Client) string {
	t.Helper()
	c.Must(t, "SAVE")
	dir, _ := c.Must(t, "CONFIG", "GET", "dir").([]any)
	return filepath.Join(dir[1].(string), "dump.rdb")
}

// allocator is what the server was built with, or is made to use: the distribution's has the system's jemalloc.
func (s peer) allocator(t *testing.T) memory.Allocator {
	switch {
	case s.version == servertest.Distribution:
		return allocator(t)
	case s.preload != "":
		return memory.Jemalloc16
	case s.glibc():
		return memory.Libc
	}
	return memory.Jemalloc8
}

// check prints how far the model is off, and holds it to the bars: every encoding of a server that has loaded the dump, else all
// keys.
func (m *measured) check(t *testing.T, s peer) {
	for _, e := range m.encodings() {
		a, limit := m.each[e], barOf(s, e)
		limit.total = max(limit.total, s.chance(a))
		t.Logf("%-6s  %s", m.state, a.row(e))
		if m.state == memory.Loaded && (a.off() > limit.total || a.at(0.5) > limit.median || math.Abs(a.signed()) > limit.signed) {
			t.Errorf("%s, %s: over %+v", m.state, e, limit)
		}
	}
	t.Logf("%-6s  %s", m.state, m.all.row("all"))
	if m.all.at(0.5) > 0 || m.state == memory.Loaded && m.all.off() > 0.002 {
		t.Errorf("%s: total off by %.2f %%, the key in the middle by %.2f %%", m.state, 100*m.all.off(), 100*m.all.at(0.5))
	}
}

func settings(version string) []string {
	if version == "redis-6.2" {
		return []string{"--list-max-ziplist-size", "-2", "--hash-max-ziplist-entries", "128"}
	}
	return []string{"--list-max-listpack-size", "-2", "--hash-max-listpack-entries", "128"}
}

// A measured is how a model compares with a server: all keys, and those of each encoding.
type measured struct {
	state memory.State
	all   tally
	each  map[string]*tally
}

func (m *measured) encodings() []string {
	var names []string
	for e := range m.each {
		names = append(names, e)
	}
	slices.Sort(names)
	return names
}

// A tally compares sums of bytes, and key by key.
type tally struct {
	model, server int64
	misses        []float64 // as shares; a model that is too small is below 0
}

func (a *tally) add(model, server int64) {
	a.model += model
	a.server += server
	a.misses = append(a.misses, float64(model-server)/float64(server))
}

// total returns by how much the sum is off.
func (a *tally) total() float64 { return float64(a.model)/float64(a.server) - 1 }

func (a *tally) off() float64 { return math.Abs(a.total()) }

// signed returns the miss in the middle of those below and above.
func (a *tally) signed() float64 {
	slices.Sort(a.misses)
	return a.misses[len(a.misses)/2]
}

// at returns the miss of the key at so much of the way from the nearest to the farthest.
func (a *tally) at(p float64) float64 {
	slices.SortFunc(a.misses, func(x, y float64) int { return cmp.Compare(math.Abs(x), math.Abs(y)) })
	return math.Abs(a.misses[min(len(a.misses)-1, int(p*float64(len(a.misses))))])
}

func (a *tally) row(name string) string {
	return fmt.Sprintf("%-30s %5d keys, %9d B, total %+.2f %%, median %.2f %%, signed %+.2f %%, p95 %.2f %%, max %.2f %%", name,
		len(a.misses), a.server, 100*a.total(), 100*a.at(0.5), 100*a.signed(), 100*a.at(0.95), 100*a.at(1))
}

func measure(t *testing.T, c *servertest.Client, path string, state memory.State, a memory.Allocator) *measured {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	records, _, err := readAll(f, Options{Live: state == memory.Live, Allocator: a})
	if err != nil {
		t.Fatal(err)
	}
	told := make([]any, 2*len(records))
	err = c.Ask(len(told), func(i int) []string {
		if i%2 == 0 {
			return []string{"MEMORY", "USAGE", records[i/2].Key, "SAMPLES", "0"}
		}
		return []string{"OBJECT", "ENCODING", records[i/2].Key}
	}, func(i int, reply any) error { told[i] = reply; return nil })
	if err != nil {
		t.Fatal(err)
	}
	m := &measured{state: state, each: map[string]*tally{}}
	for i := range records {
		r := &records[i]
		n, _ := told[2*i].(int64)
		if encoding := told[2*i+1]; encoding != string(r.Encoding) {
			t.Errorf("%.40q is %v, and was taken for %s", r.Key, encoding, r.Encoding)
		}
		kind, _, _ := strings.Cut(r.Key, ":")
		e := string(r.Type) + " " + string(r.Encoding)
		if what := details[kind]; what != "" {
			e += ", " + what
		}
		if m.each[e] == nil {
			m.each[e] = &tally{}
		}
		m.all.add(r.Size, n)
		m.each[e].add(r.Size, n)
	}
	return m
}

// details says what is particular about the keys of a kind of fillEveryEncoding.
var details = map[string]string{
	"huge items": "items of 9 KB", "groups": "groups", "field TTL": "field TTL", "many field TTLs": "all with a TTL", "long values": "few long values", "TTL": "TTL", "LZF": "compressed",
}

// fillEveryEncoding writes keys of every type and encoding, a few elements at a time, as an application would. The name of a key begins
// with its kind.
func fillEveryEncoding(t *testing.T, c *servertest.Client, version string) {
	t.Helper()
	w := &workloadOf{r: rand.New(rand.NewPCG(7, 7))}
	for w.i = range 150 {
		w.cmds = w.cmds[:0]
		w.strings()
		w.lists()
		w.sets()
		w.hashes()
		w.sortedSets()
		w.streams()
		if version == "valkey-9" {
			w.fieldTTLs()
		}
		c.Fill(t, len(w.cmds), func(i int) []string { return w.cmds[i] })
	}
}

type workloadOf struct {
	r    *rand.Rand
	i, n int // round, and what was added
	cmds [][]string
}

func (w *workloadOf) add(c ...string) {
	w.cmds = append(w.cmds, c)
	w.n++
}

// grow adds n elements to a key, so few at once that the server does not make room for them ahead.
func (w *workloadOf) grow(command, key string, n int, element func(j int) []string) {
	const atOnce = 4
	for j := range n {
		if j%atOnce == 0 {
			w.cmds = append(w.cmds, []string{command, key})
		}
		last := &w.cmds[len(w.cmds)-1]
		*last = append(*last, element(j)...)
		w.n++
	}
}

func (w *workloadOf) text(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + w.r.IntN(26))
	}
	return string(b)
}

func (w *workloadOf) key(kind string) string {
	return fmt.Sprintf("%s:%s:%d:%d", kind, w.text(1+w.r.IntN(60)), w.i, w.n)
}

func (w *workloadOf) strings() {
	w.add("SET", w.key("int"), strconv.FormatInt(w.r.Int64()>>w.r.IntN(60), 10))
	w.add("SET", w.key("short"), w.text(w.r.IntN(45)))
	w.add("SET", w.key("TTL"), w.text(w.r.IntN(45)), "EX", "100000")
	w.add("SET", w.key("raw"), w.text(45+w.r.IntN(4000)))
	w.add("SET", w.key("TTL"), w.text(200+w.r.IntN(4000)), "EX", "100000")
	w.add("SET", w.key("LZF"), strings.Repeat(w.text(3), 50+w.r.IntN(500)))
	w.add("SET", w.key(strings.Repeat("long-", 10+w.r.IntN(20))), w.text(w.r.IntN(300)))
}

func (w *workloadOf) lists() {
	key := w.key("list")
	item := func(int) []string { return []string{w.text(w.r.IntN(60))} }
	w.grow("RPUSH", key, 1+w.r.IntN(20), item)
	if w.i%3 > 0 {
		return
	}
	key = w.key("list")
	w.grow("RPUSH", key, 300+w.r.IntN(600), item)
	key = w.key("huge items")
	for range 1 + w.r.IntN(4) {
		w.add("RPUSH", key, w.text(9000+w.r.IntN(2000)), w.text(10))
	}
}

func (w *workloadOf) sets() {
	key := w.key("intset")
	w.grow("SADD", key, 1+w.r.IntN(80), func(int) []string {
		return []string{strconv.FormatInt(w.r.Int64()>>(16+w.r.IntN(47)), 10)}
	})
	for _, n := range []int{1 + w.r.IntN(100), 150 + w.r.IntN(600)} {
		w.grow("SADD", w.key("set"), n, func(int) []string { return []string{w.text(4 + w.r.IntN(40))} })
	}
}

func (w *workloadOf) hashes() {
	for _, n := range []int{1 + w.r.IntN(100), 140 + w.r.IntN(500)} {
		w.grow("HSET", w.key("hash"), n, func(j int) []string {
			return []string{fmt.Sprint("field", w.i, "-", j), w.text(w.r.IntN(60))}
		})
	}
	key := w.key("long values")
	for j := range 1 + w.r.IntN(5) {
		w.add("HSET", key, fmt.Sprint("field", j), w.text(70+w.r.IntN(3000)))
	}
}

func (w *workloadOf) sortedSets() {
	for _, n := range []int{1 + w.r.IntN(100), 140 + w.r.IntN(600)} {
		w.grow("ZADD", w.key("zset"), n, func(int) []string {
			return []string{strconv.FormatFloat(w.r.Float64(), 'g', -1, 64), w.text(4 + w.r.IntN(40))}
		})
	}
}

func (w *workloadOf) streams() {
	key, ms := w.key("stream"), 1700000000000
	for range 1 + w.r.IntN(400) {
		ms += 1 + w.r.IntN(1000)
		w.add("XADD", key, fmt.Sprint(ms, "-0"), "f", w.text(10), "g", w.text(w.r.IntN(60)))
	}
	key = w.key("groups")
	n := 1 + w.r.IntN(120)
	for j := range n {
		w.add("XADD", key, fmt.Sprint(1700000000000+j, "-0"), "f", w.text(10))
	}
	for g := range w.r.IntN(3) + 1 {
		group := fmt.Sprint("g", g)
		w.add("XGROUP", "CREATE", key, group, "0")
		for c := range w.r.IntN(4) {
			w.add("XREADGROUP", "GROUP", group, fmt.Sprint("worker-", c), "COUNT", strconv.Itoa(1+w.r.IntN(n)), "STREAMS", key, ">")
		}
	}
}

func (w *workloadOf) fieldTTLs() {
	key := w.key("field TTL")
	n := 1 + w.r.IntN(200)
	for j := range n {
		w.add("HSET", key, fmt.Sprint("f", w.i, "-", j), w.text(w.r.IntN(90)))
	}
	for j := range min(n, 1+w.r.IntN(4)) {
		w.add("HEXPIRE", key, "100000", "FIELDS", "1", fmt.Sprint("f", w.i, "-", j))
	}
	key = w.key("many field TTLs")
	spread := []int64{1, 1000, 100_000, 100_000_000}[w.i%4] // ms
	for j := range 100 + w.r.IntN(500) {
		field := fmt.Sprint("f", w.i, "-", j)
		w.add("HSET", key, field, w.text(w.r.IntN(90)))
		w.add("HPEXPIREAT", key, strconv.FormatInt(4_000_000_000_000+w.r.Int64N(spread), 10), "FIELDS", "1", field)
	}
}

// A sizesPage is docs/support.md, which shows the figures that were measured.
type sizesPage struct {
	text []byte
	rows map[string][]string // of each server
}

const (
	supportPage = "../../docs/support.md"
	sizesHead   = "| server | encoding | keys | loaded: total | median | signed | p95 | max | live: total | p95 |\n" +
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
)

var sizesTable = regexp.MustCompile(`(?s)(<!-- sizes:begin -->\n).*(<!-- sizes:end -->)`)

func readSizesPage(t *testing.T) *sizesPage {
	t.Helper()
	text, err := os.ReadFile(supportPage)
	if err != nil {
		t.Fatal(err)
	}
	p := &sizesPage{text: text, rows: map[string][]string{}}
	for line := range strings.Lines(string(sizesTable.Find(text))) {
		if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); len(cells) == 10 && !strings.Contains(line, "---") {
			server := strings.TrimSpace(cells[0])
			p.rows[server] = append(p.rows[server], strings.TrimSpace(line))
		}
	}
	return p
}

// hold checks that the page shows what was measured, as far as two measurements agree: levels and seeds are random.
func (p *sizesPage) hold(t *testing.T, s peer, live, loaded *measured) {
	t.Helper()
	name := s.name
	var fresh []string
	var points []float64 // by which a row may be off
	for _, e := range append(loaded.encodings(), "all") {
		a, b := &loaded.all, &live.all
		if e != "all" {
			a, b = loaded.each[e], live.each[e]
		}
		if b == nil {
			t.Errorf("%s: only after loading", e)
			continue
		}
		fresh = append(fresh, fmt.Sprintf("| %s | %s | %d | %s | %s | %s | %s | %s | %s | %s |", name, e, len(a.misses),
			signed(a.total()), share(a.at(0.5)), signed(a.signed()), share(a.at(0.95)), share(a.at(1)), signed(b.total()), share(b.at(0.95))))
		points = append(points, max(0.7, 100*s.chance(b)))
	}
	if *update {
		p.rows[name] = fresh
		return
	}
	shown := p.rows[name]
	if len(shown) != len(fresh) {
		t.Errorf("%s shows %d encodings of %s, and %d were measured (-update rewrites it)", supportPage, len(shown), name, len(fresh))
		return
	}
	for i := range shown {
		if !agree(shown[i], fresh[i], points[i]) {
			t.Errorf("%s shows\n%s\nmeasured (-update rewrites it)\n%s", supportPage, shown[i], fresh[i])
		}
	}
}

func signed(v float64) string { return fmt.Sprintf("%+.2f %%", 100*v) }

func share(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) }

// agree compares two rows: names and numbers of keys must be the same, totals and medians about so, by percentage points. The tail of
// one measurement says little of that of the next.
func agree(a, b string, points float64) bool {
	x, y := strings.Split(a, "|"), strings.Split(b, "|")
	for i := range x {
		switch i {
		case 4, 5, 6, 9: // totals and medians
			if v, w := percent(x[i]), percent(y[i]); v-w > points || w-v > points {
				return false
			}
		case 7, 8, 10: // tails
		default:
			if x[i] != y[i] {
				return false
			}
		}
	}
	return true
}

func percent(cell string) float64 {
	n, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(cell), " %"), 64)
	return n
}

// write rewrites the page, if that was asked for.
func (p *sizesPage) write(t *testing.T) {
	t.Helper()
	if !*update {
		return
	}
	var b strings.Builder
	b.WriteString(sizesHead)
	for _, s := range peers() {
		for _, row := range p.rows[s.name] {
			b.WriteString(row + "\n")
		}
	}
	fresh := sizesTable.ReplaceAll(p.text, []byte("${1}"+b.String()+"${2}"))
	if bytes.Equal(fresh, p.text) {
		return
	}
	if err := os.WriteFile(supportPage, fresh, 0o644); err != nil {
		t.Fatal(err)
	}
}
