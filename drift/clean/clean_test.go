package clean_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/drift/clean"
	"github.com/kvtool/kvtool/drift/orphans"
	"github.com/kvtool/kvtool/drift/refs"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

const shop = `kvschema: 1
fields: {uid: {type: int}}
templates:
  user: {key: "user:{uid}", type: hash, kind: record}
  order: {key: "order:{uid}:{n:int}", refs: [{kind: parent, to: user, on: uid}]}
  mail: {key: "mail:{h:hash(md5,8,of:email)}", type: string, kind: index, refs: [{kind: index, to: user, from: value, target: "user:{value}", backref: email}]}
  cart: {key: "cart:{uid}", type: hash, kind: cache, ttl: {policy: fixed, value: 1h, jitter: ±10%}}
  page: {key: "page:{n:int}", type: string, kind: cache, ttl: {policy: fixed, value: 1h}, access: [{op: GET, on_miss: {op: SET, cost: 200ms}}]}
  note: {key: "note:{n:int}", type: string, kind: record}
`

func parse(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte(shop)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t testing.TB, url string) kv.Store {
	t.Helper()
	at, err := kv.ParseTarget(url)
	if err != nil {
		t.Fatal(err)
	}
	s, err := adapters.Open(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// fill writes users, half of whose orders have lost them, in each type and encoding.
func fill(t *testing.T, do func(args ...string), users int) {
	t.Helper()
	for u := range users {
		gone := u%2 == 1
		if !gone {
			do("HSET", fmt.Sprint("user:", u), "email", fmt.Sprint("mail", u))
		}
		key := fmt.Sprintf("order:%d:1", u)
		switch u % 12 {
		case 1:
			do("SET", key, fmt.Sprint(u), "PX", fmt.Sprint(5_000_000+u))
		case 3:
			args := []string{"HSET", key}
			for i := range 600 {
				args = append(args, fmt.Sprint("f", i), strings.Repeat("v", i%90))
			}
			do(args...)
			// A table that is still being rehashed is dumped in an order that no other has; each look at it is a step further.
			do("EVAL", "for i = 1, 3000 do redis.call('HEXISTS', KEYS[1], 'x') end", "1", key)
		case 5:
			do("RPUSH", key, "a", "b", strings.Repeat("c", 9000))
		case 7:
			do("SADD", key, "1", "2", "3")
		case 9:
			do("ZADD", key, "1.5", "a", "-3", "b")
		case 11:
			do("XADD", key, "1-1", "f", "v")
		default:
			do("SET", key, "value")
		}
	}
}

func planOf(t testing.TB, store kv.Store, s *schema.Schema) *clean.Plan {
	t.Helper()
	id, err := store.(kv.Remover).Identify(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	p := &clean.Plan{Head: clean.Head{Server: id.ID, Created: now, Expires: now.Add(time.Hour), What: "orphans", Target: "test", Templates: map[string]int64{}}}
	opt := orphans.Options{Schema: s, Recheck: 5 * time.Millisecond, All: true, Keys: p.Templates}
	opt.References, opt.Skipped = refs.Of(s)
	opt.List = func(o *orphans.Orphan) error {
		if l, ok := clean.OfOrphan(o); ok {
			p.Lines = append(p.Lines, l)
		}
		return nil
	}
	if len(opt.Skipped) > 0 {
		t.Fatal(opt.Skipped)
	}
	if _, err := orphans.Run(context.Background(), store, opt); err != nil {
		t.Fatal(err)
	}
	p.Sort()
	return seal(t, store, p)
}

// seal notes what the values of a plan are, writes it and reads it.
func seal(t testing.TB, store kv.Store, p *clean.Plan) *clean.Plan {
	t.Helper()
	if err := p.Seal(context.Background(), store.(kv.Remover), clean.DefaultMaxValue, nil); err != nil {
		t.Fatal(err)
	}
	return reread(t, p)
}

// reread writes a plan and reads it.
func reread(t testing.TB, p *clean.Plan) *clean.Plan {
	t.Helper()
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := clean.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func options(dir string) clean.Options {
	return clean.Options{Undo: filepath.Join(dir, "undo.zst"), MaxShare: 1, Now: time.Now, Seed: 1}
}

func undo(t testing.TB, store kv.Store, path string) *clean.Result {
	t.Helper()
	r, err := undoIn(t, store, path, false)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func undoIn(t testing.TB, store kv.Store, path string, anew bool) (*clean.Result, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	u, err := clean.ReadUndo(f)
	if err != nil {
		t.Fatal(err)
	}
	return clean.Restore(t.Context(), store, u, anew, nil)
}

// A state is all that a server holds.
type state struct {
	digest string
	keys   map[string]string // DUMP and PEXPIRETIME
	tables []string          // of these, those that a server dumps in another order when it was started anew
}

func stateOf(t testing.TB, c *servertest.Client) state {
	t.Helper()
	s := state{keys: map[string]string{}, digest: fmt.Sprint(c.Must(t, "DEBUG", "DIGEST"))}
	for _, k := range c.Must(t, "KEYS", "*").([]any) {
		key := k.(string)
		s.keys[key] = fmt.Sprint(c.Must(t, "DUMP", key), c.Must(t, "PEXPIRETIME", key))
		if e := c.Must(t, "OBJECT", "ENCODING", key); e == "hashtable" {
			s.tables = append(s.tables, key)
		}
	}
	return s
}

// same says how two states differ.
func (s state) same(t testing.TB, o state) {
	t.Helper()
	if s.digest != o.digest {
		t.Errorf("DEBUG DIGEST was %s and is %s", s.digest, o.digest)
	}
	for k, v := range s.keys {
		if o.keys[k] != v {
			t.Errorf("%s was %.80q and is %.80q", k, v, o.keys[k])
			break
		}
	}
	if len(s.keys) != len(o.keys) {
		t.Errorf("%d keys, and %d before", len(o.keys), len(s.keys))
	}
}

// What was applied is taken back: the server holds what it held, key by key, with the same expiry to the millisecond.
func TestThereAndBack(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{Args: []string{"--enable-debug-command", "yes"}})
	c := server.Client(t)
	fill(t, func(args ...string) { c.Must(t, args...) }, 240)
	store := open(t, "redis://"+server.Addr)
	before := stateOf(t, c)
	p := planOf(t, store, parse(t))
	if len(p.Lines) != 120 {
		t.Fatalf("%d lines, want 120", len(p.Lines))
	}
	var log bytes.Buffer
	opt := options(t.TempDir())
	opt.Log = &log
	r, err := clean.Apply(t.Context(), store, p, opt)
	if err != nil || r.Counts[kv.Done] != 120 || strings.Count(log.String(), `"result":"done"`) != 120 {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := c.Must(t, "DBSIZE").(int64); n != 240 {
		t.Errorf("%d keys are left, want 240", n)
	}
	r, err = clean.Apply(t.Context(), store, p, opt)
	if err != nil || r.Counts[kv.Gone] != 120 {
		t.Errorf("applied again: %+v, %v", r, err)
	}
	if r := undo(t, store, opt.Undo); r.Counts[kv.Done] != 120 {
		t.Errorf("undone: %+v", r)
	}
	before.same(t, stateOf(t, c))
	if r := undo(t, store, opt.Undo); r.Counts[kv.Present] != 120 {
		t.Errorf("undone again: %+v", r)
	}
}

// Expiries are set with a spread, and taken back.
func TestExpiries(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{Args: []string{"--enable-debug-command", "yes"}})
	c := server.Client(t)
	for i := range 200 {
		args := []string{"SET", fmt.Sprint("page:", i), "x", "EX", "3600"}
		if i%10 == 0 {
			args = args[:3] // lost
		} else if i%10 == 1 {
			args[4] = "3600000" // in milliseconds, it was thought
		}
		c.Must(t, args...)
	}
	store, s := open(t, "redis://"+server.Addr), parse(t)
	before := stateOf(t, c)
	lines, templates, err := clean.TTLs(t.Context(), store, s, nil)
	if err != nil || len(lines) != 40 || templates["page:{n:int}"] != 200 {
		t.Fatalf("%d lines, %v, %v", len(lines), templates, err)
	}
	id, _ := store.(kv.Remover).Identify(t.Context())
	p := reread(t, &clean.Plan{Head: clean.Head{Server: id.ID, Created: time.Now(), Expires: time.Now().Add(time.Hour), Target: "test", Templates: templates}, Lines: lines})
	opt := options(t.TempDir())
	opt.Now = func() time.Time { return time.Now().Add(-50 * time.Minute) } // clocks apart: the server's counts
	c.Must(t, "PEXPIRE", "page:0", "77000000")                              // somebody has repaired one
	r, err := clean.Apply(t.Context(), store, p, opt)
	if err != nil || r.Counts[kv.Done] != 39 || r.Counts[kv.NewTTL] != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	least, most := int64(1<<62), int64(0)
	for i := 10; i < 200; i += 10 {
		left := c.Must(t, "PTTL", fmt.Sprint("page:", i)).(int64)
		least, most = min(least, left), max(most, left)
	}
	if least < 3_000_000 || most > 4_150_000 || most-least < 300_000 {
		t.Errorf("they live for %d to %d ms", least, most)
	}
	// Applied again, as after an interrupt, nothing is set anew, and what takes it back stays what it was.
	r, err = clean.Apply(t.Context(), store, p, opt)
	if err != nil || r.Counts[kv.NewTTL] != 40 {
		t.Errorf("applied again: %+v, %v", r, err)
	}
	c.Must(t, "PERSIST", "page:0")
	undo(t, store, opt.Undo)
	before.same(t, stateOf(t, c))
}

// What was left alone is none of the undo file's business: that somebody deletes it later stands.
func TestUndoOfWhatWasKept(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	for i := range 20 {
		c.Must(t, "SET", fmt.Sprintf("order:%d:1", i), "x")
		c.Must(t, "HSET", fmt.Sprint("user:", 100+i), "email", "x")
		for j := range 20 {
			c.Must(t, "SET", fmt.Sprintf("order:%d:%d", 100+i, j), "x")
		}
	}
	store := open(t, "redis://"+server.Addr)
	p := planOf(t, store, parse(t))
	c.Must(t, "HSET", "user:3", "email", "x") // a parent that is back
	opt := options(t.TempDir())
	r, err := clean.Apply(t.Context(), store, p, opt)
	if err != nil || r.Counts[kv.Done] != 19 || r.Counts[kv.Parent] != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	c.Must(t, "DEL", "user:3", "order:3:1")
	if r := undo(t, store, opt.Undo); r.Counts[kv.Done] != 19 || r.Keys != 19 {
		t.Errorf("undone: %+v", r)
	}
	if c.Must(t, "EXISTS", "order:3:1") != int64(0) || c.Must(t, "EXISTS", "order:4:1") != int64(1) {
		t.Error("a key is back that was never removed, or one is missing that was")
	}
}

// Nothing is deleted whose undo file could not be read back: one that was cut, or is another file.
func TestUndoFileThatIsThere(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	fill(t, func(args ...string) { c.Must(t, args...) }, 240)
	store := open(t, "redis://"+server.Addr)
	p := planOf(t, store, parse(t))
	opt := options(t.TempDir())
	if _, err := clean.Apply(t.Context(), store, p, opt); err != nil {
		t.Fatal(err)
	}
	undo(t, store, opt.Undo)
	whole, err := os.ReadFile(opt.Undo)
	if err != nil {
		t.Fatal(err)
	}
	before := c.Must(t, "DBSIZE")
	for name, data := range map[string][]byte{"cut": whole[:len(whole)-5], "another file": []byte("notes\n")} {
		if err := os.WriteFile(opt.Undo, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := clean.Apply(t.Context(), store, p, opt); !errors.Is(err, kv.ErrUsage) || r.Counts[kv.Done] != 0 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if after := c.Must(t, "DBSIZE"); after != before {
		t.Errorf("%v keys, and %v before", after, before)
	}
}

// What was to go because nobody misses it stays if somebody has used it since.
func TestUsedSince(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	c.Must(t, "SET", "page:1", "x")
	dump := fmt.Sprint(c.Must(t, "DUMP", "page:1"))
	c.Must(t, "SET", "page:2", "x")
	store := open(t, "redis://"+server.Addr)
	id, err := store.(kv.Remover).Identify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	idle := 3600.0
	p := &clean.Plan{Head: clean.Head{
		Server: id.ID, What: "free", Target: "test", Created: time.Now().Add(-time.Hour), Expires: time.Now().Add(time.Hour),
		Templates: map[string]int64{"page": 100},
	}}
	for _, key := range []clean.Text{"page:1", "page:2"} {
		p.Lines = append(p.Lines, clean.Line{Key: key, Template: "page", Action: clean.Delete, Expiry: "none", Type: kv.TypeString, Idle: &idle})
	}
	p = seal(t, store, p)
	c.Must(t, "RESTORE", "page:2", "0", dump, "IDLETIME", "7200", "REPLACE")
	r, err := clean.Apply(t.Context(), store, p, options(t.TempDir()))
	if err != nil || r.Counts[kv.Done] != 1 || r.Counts[kv.NewValue] != 1 || c.Must(t, "EXISTS", "page:1") != int64(1) {
		t.Errorf("%+v, %v", r, err)
	}
}

// Whoever writes while a plan is applied keeps what he has written: a parent that is back, a value that is another.
func TestWriterMeanwhile(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	const users = 3000
	c.Fill(t, users, func(i int) []string { return []string{"SET", fmt.Sprintf("order:%d:1", i), "value"} })
	store := open(t, "redis://"+server.Addr)
	p := planOf(t, store, parse(t))
	if len(p.Lines) != users {
		t.Fatalf("%d lines", len(p.Lines))
	}
	var wg sync.WaitGroup
	saved := make([]bool, users)
	writer := server.Client(t)
	started := make(chan struct{})
	wg.Go(func() { // gives parents back, in one step with the child: MULTI, or not at all
		rng := rand.New(rand.NewPCG(1, 1))
		for i := range 400 {
			if i == 20 { // some are back before the first key is deleted
				close(started)
			}
			u := rng.IntN(users)
			writer.Do("MULTI")
			writer.Do("SET", fmt.Sprint("user:", u), "x")
			writer.Do("EXISTS", fmt.Sprintf("order:%d:1", u))
			if r, ok := writer.Do("EXEC").([]any); ok && len(r) == 2 && fmt.Sprint(r[1]) == "1" {
				saved[u] = true
			}
		}
	})
	<-started
	opt := options(t.TempDir())
	opt.Limiter = kv.NewLimiter(20_000)
	r, err := clean.Apply(t.Context(), store, p, opt)
	wg.Wait()
	if err != nil && r.Stopped == "" {
		t.Fatal(err)
	}
	n := 0
	for u, was := range saved {
		if was {
			n++
			if c.Must(t, "EXISTS", fmt.Sprintf("order:%d:1", u)).(int64) != 1 {
				t.Errorf("order:%d:1 was deleted although its parent was back", u)
			}
		}
	}
	if n == 0 {
		t.Errorf("no parent came back before its child was deleted: %v", r.Counts)
	}
}

// In a cluster parent and child are in different slots: what comes back meanwhile is put back.
func TestCluster(t *testing.T) {
	cluster := servertest.Cluster(t, servertest.ClusterOptions{})
	_, do := clusterClients(t, cluster)
	fill(t, do, 120)
	store := open(t, "redis+cluster://"+cluster.Primaries[0].Addr)
	p := planOf(t, store, parse(t))
	if len(p.Lines) != 60 {
		t.Fatalf("%d lines", len(p.Lines))
	}
	for u := 1; u < 20; u += 2 { // ten come back
		do("HSET", fmt.Sprint("user:", u), "email", "x")
	}
	opt := options(t.TempDir())
	r, err := clean.Apply(t.Context(), store, p, opt)
	if err != nil || r.Counts[kv.Done] != 50 || r.Counts[kv.Parent] != 10 {
		t.Fatalf("%+v, %v", r, err)
	}
	if r := undo(t, store, opt.Undo); r.Counts[kv.Done] != 50 {
		t.Errorf("%+v", r)
	}
}

// A trigger does something when so many lines have been written.
type trigger struct {
	lines, at int
	do        func()
}

func (w *trigger) Write(p []byte) (int, error) {
	if w.lines++; w.lines == w.at {
		w.do()
	}
	return len(p), nil
}

// A server that dies in the middle: nothing is done twice, and what was done is in the undo file.
func TestDies(t *testing.T) {
	dir := t.TempDir()
	conf := []string{"--appendonly", "yes", "--appendfsync", "always", "--dir", dir, "--enable-debug-command", "yes"}
	server := servertest.Redis(t, servertest.Options{Args: conf})
	c := server.Client(t)
	fill(t, func(args ...string) { c.Must(t, args...) }, 1200)
	before := stateOf(t, c)
	store := open(t, "redis://"+server.Addr)
	p := planOf(t, store, parse(t))
	opt := options(t.TempDir())
	opt.Limiter = kv.NewLimiter(1000)
	opt.Log = &trigger{at: 150, do: func() { go server.Stop() }}
	r, err := clean.Apply(t.Context(), store, p, opt)
	if err == nil || r.Counts[kv.Done] == 0 || r.Counts[kv.Done] >= 600 {
		t.Fatalf("%+v, %v", r, err)
	}
	again := servertest.Redis(t, servertest.Options{Args: conf})
	c = again.Client(t)
	store = open(t, "redis://"+again.Addr)
	left := int(c.Must(t, "DBSIZE").(int64))
	if gone := 1800 - left; gone < r.Counts[kv.Done] || gone > r.Counts[kv.Done]+r.Counts["unknown"] {
		t.Errorf("%d keys are gone; %v", gone, r.Counts)
	}
	if _, err := clean.Apply(t.Context(), store, p, opt); !errors.Is(err, kv.ErrUsage) {
		t.Errorf("the plan of the server before it was started anew: %v", err)
	}
	if r, err := undoIn(t, store, opt.Undo, false); !errors.Is(err, kv.ErrUsage) || !strings.Contains(kv.Hint(err), "--restarted") || len(r.Counts) > 0 {
		t.Errorf("the server before it was started anew: %+v, %v", r, err)
	}
	if _, err := undoIn(t, store, opt.Undo, true); err != nil {
		t.Fatal(err)
	}
	after := stateOf(t, c)
	for _, key := range before.tables {
		if after.keys[key] == "" {
			t.Errorf("%s is missing", key)
		}
		before.keys[key], after.keys[key] = "", ""
	}
	before.same(t, after)
}

// A value that is longer than what may go to the undo file stays where it is.
func TestLarge(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	c.Must(t, "SET", "order:1:1", strings.Repeat("x", 100))
	big := make([]byte, 200_000) // does not compress
	for i := range big {
		big[i] = byte(rand.Uint32())
	}
	c.Must(t, "SET", "order:2:1", string(big))
	store := open(t, "redis://"+server.Addr)
	opt := options(t.TempDir())
	opt.MaxValue = 100_000
	r, err := clean.Apply(t.Context(), store, planOf(t, store, parse(t)), opt)
	if err != nil || r.Counts[kv.Done] != 1 || r.Counts[clean.Large] != 1 || c.Must(t, "EXISTS", "order:2:1").(int64) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	opt.MaxValue = 1000 // it is known to be longer without being fetched
	if r, err = clean.Apply(t.Context(), store, planOf(t, store, parse(t)), opt); err != nil || r.Counts[clean.Large] != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// What may not be applied is not.
func TestRefuses(t *testing.T) {
	now := time.Now()
	good := clean.Plan{Head: clean.Head{Server: "a", Created: now, Expires: now.Add(time.Hour), Templates: map[string]int64{"t": 100}}}
	for range 10 {
		good.Lines = append(good.Lines, clean.Line{Key: clean.Text(fmt.Sprint(len(good.Lines))), Template: "t", Action: clean.Delete, Value: "00"})
	}
	id := kv.Identity{ID: "a"}
	bare := []clean.Line{{Key: "1", Template: "t", Action: clean.Delete}}
	for name, c := range map[string]struct {
		change func(p *clean.Plan, id *kv.Identity, o *clean.Options)
		want   string
	}{
		"good":          {func(*clean.Plan, *kv.Identity, *clean.Options) {}, ""},
		"old":           {func(p *clean.Plan, _ *kv.Identity, _ *clean.Options) { p.Expires = now.Add(-time.Second) }, "held until"},
		"future":        {func(p *clean.Plan, _ *kv.Identity, _ *clean.Options) { p.Created = now.Add(2 * time.Hour) }, "clocks are apart"},
		"sampled":       {func(p *clean.Plan, _ *kv.Identity, _ *clean.Options) { p.Sampled = true }, "from a sample"},
		"other":         {func(p *clean.Plan, _ *kv.Identity, _ *clean.Options) { p.Server = "b" }, "another server"},
		"nameless":      {func(p *clean.Plan, id *kv.Identity, _ *clean.Options) { p.Server, id.ID = "", "" }, "another server"},
		"replica":       {func(_ *clean.Plan, id *kv.Identity, _ *clean.Options) { id.Replica = true }, "a replica"},
		"unsealed":      {func(p *clean.Plan, _ *kv.Identity, _ *clean.Options) { p.Lines = bare }, "a user who may run EVAL"},
		"share":         {func(p *clean.Plan, _ *kv.Identity, _ *clean.Options) { p.Templates["t"] = 99 }, "more than 10% may not go"},
		"share of none": {func(p *clean.Plan, _ *kv.Identity, _ *clean.Options) { p.Templates = nil }, "more than 10% may not go"},
		"share, told":   {func(p *clean.Plan, _ *kv.Identity, o *clean.Options) { p.Templates["t"], o.MaxShare = 20, 0.5 }, ""},
	} {
		p, id, opt := good, id, clean.Options{Now: time.Now}
		p.Templates = map[string]int64{"t": 100}
		c.change(&p, &id, &opt)
		err := p.Refuse(id, &opt)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error()+kv.Hint(err), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Lines may be taken out of a plan, and nothing else.
func TestPlanFile(t *testing.T) {
	now := time.Now().UTC()
	p := &clean.Plan{Head: clean.Head{Target: "redis://h", Server: "a", Created: now, Expires: now.Add(time.Hour)}}
	for _, key := range []string{"a", "b\xff", "c\n"} {
		p.Lines = append(p.Lines, clean.Line{Key: clean.Text(key), Action: clean.Delete, Expiry: "none", Reason: "no parent"})
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(b.String()))
	read := func(text string) (*clean.Plan, error) { return clean.Read(strings.NewReader(text)) }
	got, err := read(lines[0] + lines[3])
	if err != nil || len(got.Lines) != 1 || got.Lines[0].Key != "c\n" {
		t.Errorf("without two lines: %+v, %v", got, err)
	}
	other := &clean.Plan{Head: p.Head, Lines: slices.Clone(p.Lines)}
	other.Server = "b"
	var o bytes.Buffer
	if err := other.Write(&o); err != nil {
		t.Fatal(err)
	}
	head := strings.SplitAfter(o.String(), "\n")[0]
	for name, text := range map[string]string{
		"edited":     lines[0] + strings.Replace(lines[1], `"a"`, `"x"`, 1),
		"of another": head + lines[1],
		"more":       lines[0] + strings.Replace(lines[1], `"db":0`, `"db":0,"more":1`, 1),
		"no head":    lines[1],
		"empty":      "",
		"not JSON":   lines[0] + "x\n",
		"two in one": lines[0] + strings.TrimSpace(lines[1]) + lines[2],
		"no digest":  lines[0] + `{"key":"a","db":0,"template":"","action":"delete","reason":"","type":"","expiry":"none","digest":""}` + "\n",
	} {
		if _, err := read(text); !errors.Is(err, kv.ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadPlan(f *testing.F) {
	p := clean.Plan{Lines: []clean.Line{{Key: "order:1:1", Action: clean.Delete, Reason: "no parent", Type: kv.TypeString, Expiry: "none", Value: strings.Repeat("0", 40)}}}
	var seed bytes.Buffer
	if err := p.Write(&seed); err != nil {
		f.Fatal(err)
	}
	if _, err := clean.Read(bytes.NewReader(seed.Bytes())); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := clean.Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		if again, err := clean.Read(&b); err != nil || len(again.Lines) != len(p.Lines) {
			t.Errorf("written and read: %v", err)
		}
	})
}

func FuzzReadUndo(f *testing.F) {
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	seed := enc.EncodeAll([]byte(`{"kvtool":"`+clean.UndoForm+`","target":"redis://a"}`+"\n"+`{"key":"order:1:1","type":"string","dump":"AAE=","sha1":"a"}`+"\n"), nil)
	if u, err := clean.ReadUndo(bytes.NewReader(seed)); err != nil || u.Cut {
		f.Fatal(u, err)
	}
	f.Add(seed)
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = clean.ReadUndo(bytes.NewReader(data)) })
}

// Memory is freed where it is missed least, just as much as is wanted, and never of what cannot be made again.
func TestFree(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	c.Fill(t, 1000, func(i int) []string {
		return []string{"SET", fmt.Sprint("page:", i), strings.Repeat("x", 900), "EX", "3600"}
	})
	c.Fill(t, 1000, func(i int) []string { return []string{"HSET", fmt.Sprint("cart:", i), "a", strings.Repeat("x", 900)} })
	c.Fill(t, 1000, func(i int) []string { return []string{"SET", fmt.Sprint("note:", i), strings.Repeat("x", 900)} })
	store := open(t, "redis://"+server.Addr)
	const size = 500_000
	lines, sources, _, err := clean.Free(t.Context(), store, parse(t), size, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var sum, largest int64
	for i := range lines {
		sum += lines[i].Bytes
		largest = max(largest, lines[i].Bytes)
		if lines[i].Template != "cart:{uid}" { // 10 ms to make again, and a page 200 ms
			t.Fatalf("%+v is in the plan", lines[i])
		}
	}
	if sum < size || sum >= size+largest {
		t.Errorf("%d bytes are freed, of %d", sum, size)
	}
	if len(sources) != 2 || sources[0].Freed != sum {
		t.Errorf("%+v", sources)
	}
	if lines, _, _, err = clean.Free(t.Context(), store, parse(t), 1<<40, nil, time.Now()); err != nil || len(lines) != 2000 {
		t.Errorf("of all that can be made again: %d lines, %v", len(lines), err)
	}
}
