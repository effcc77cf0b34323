package orphans_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/join"
	"github.com/kvtool/kvtool/drift/orphans"
	"github.com/kvtool/kvtool/drift/refs"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func sha16(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:16]
}

// A search is what one run has found.
type search struct {
	*report.Report
	orphans []string // as world writes them
}

// evidence returns a number of the finding of a rule on a reference.
func (s *search) evidence(rule, reference, name string) float64 {
	for _, f := range s.Findings {
		if f.Rule != rule || f.Subject != reference {
			continue
		}
		for _, m := range f.Evidence {
			if m.Name == name {
				v, _ := m.Value.Number()
				return v
			}
		}
	}
	return -1
}

func find(t testing.TB, target string, s *schema.Schema, set func(*orphans.Options)) *search {
	t.Helper()
	at, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	store, err := adapters.Open(context.Background(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	return findIn(t, store, s, set)
}

func findIn(t testing.TB, store kv.Store, s *schema.Schema, set func(*orphans.Options)) *search {
	t.Helper()
	opt := orphans.Options{Schema: s, Entries: true, Recheck: 10 * time.Millisecond, Audit: audit.Options{Parallel: 2}}
	opt.References, opt.Skipped = refs.Of(s)
	got := &search{}
	opt.List = func(o *orphans.Orphan) error {
		got.orphans = append(got.orphans, o.Rule+" "+o.Key+" → "+o.Target)
		return nil
	}
	if set != nil {
		set(&opt)
	}
	var err error
	if got.Report, err = orphans.Run(context.Background(), store, opt); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got.orphans)
	return got
}

// On a store that nobody writes to, what is found is what was planted: recall and precision are 1.
func TestPlanted(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c, s := server.Client(t), parseWorld(t)
	for seed := range uint64(10) {
		w := newWorld(seed, 200+200*int(seed), []float64{0, 0.0005, 0.01, 0.05, 0.5}[seed%5])
		c.Must(t, "FLUSHALL")
		c.Fill(t, len(w.commands), func(i int) []string { return w.commands[i] })
		plans := map[string]func(*orphans.Options){"A": nil}
		if seed%2 == 0 { // each share once
			plans["B"] = func(o *orphans.Options) { o.Join = join.Options{Memory: 1, Spill: t.TempDir()} }
		}
		for name, set := range plans {
			got := find(t, "redis://"+server.Addr, s, set)
			if !slices.Equal(got.orphans, w.orphans) {
				t.Fatalf("seed %d, plan %s: %d orphans, want %d\n%s", seed, name, len(got.orphans), len(w.orphans), difference(got.orphans, w.orphans))
			}
			if n := total(got.Report); n != w.refs {
				t.Errorf("seed %d, plan %s: %d references, want %d", seed, name, n, w.refs)
			}
		}
	}
}

// total adds up the references of all that do not lead back.
func total(r *report.Report) (n int) {
	for _, row := range r.Section(orphans.SectionName).Tables[0].Rows {
		if fault, _ := row[1].Text(); fault != "stale" && fault != "no entry" {
			v, _ := row[2].Number()
			n += int(v)
		}
	}
	return n
}

// In a cluster the two keys of a reference are on different nodes.
func TestPlantedInACluster(t *testing.T) {
	cluster := servertest.Cluster(t, servertest.ClusterOptions{})
	w := newWorld(99, 1500, 0.02)
	fillCluster(t, cluster, w.commands)
	got := find(t, "redis+cluster://"+cluster.Primaries[1].Addr, parseWorld(t), nil)
	if !slices.Equal(got.orphans, w.orphans) {
		t.Fatalf("%d orphans, want %d\n%s", len(got.orphans), len(w.orphans), difference(got.orphans, w.orphans))
	}
}

func fillCluster(t *testing.T, cluster *servertest.ServerCluster, commands [][]string) {
	t.Helper()
	for _, p := range cluster.Primaries {
		c := p.Client(t)
		if err := c.Ask(len(commands), func(i int) []string { return commands[i] }, func(_ int, reply any) error {
			if err, refused := reply.(error); refused && !strings.HasPrefix(err.Error(), "MOVED") {
				return err
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// The demo store has its faults where adapters/reference planted them.
func TestDemo(t *testing.T) {
	s, err := schema.Parse(schema.Source{Name: "shop.yaml", Data: []byte(`kvschema: 1
fields: {uid: {type: int}}
templates:
  profile: {key: "user:{uid}:profile", type: hash}
  order: {key: "order:{uid}:{n:int}", type: hash, refs: [{kind: parent, to: profile, on: uid}]}
  cart: {key: "cart:{uid}", type: hash, refs: [{kind: parent, to: profile, on: uid}]}
  mail: {key: "idx:user:email:{h:hash(sha256,32,of:email)}", type: string, refs: [{kind: index, to: profile, from: value, target: "user:{value}:profile", backref: email}]}
`)})
	if err != nil {
		t.Fatal(err)
	}
	got := find(t, "demo:", s, nil)
	mail := "idx:user:email:{h:hash(sha256,32,of:email)} value → user:{value}:profile"
	for _, c := range []struct {
		rule, reference string
		want            float64
	}{
		{"KD082", "order:{uid}:{n:int} → user:{uid}:profile", 500},
		{"KD081", mail, 210},
		{"KD083", mail, 40},
		{"KD082", "cart:{uid} → user:{uid}:profile", -1},
	} {
		if n := got.evidence(c.rule, c.reference, "orphans"); n != c.want {
			t.Errorf("%s on %s: %v orphans, want %v", c.rule, c.reference, n, c.want)
		}
	}
}

// A writer makes children before their parents, deletes parents before their children, and changes what is indexed before the
// index, all the time. None of that is an orphan; those that are planted are found.
func TestConcurrentWriter(t *testing.T) {
	runs := 25
	switch {
	case os.Getenv("KVTOOL_SOAK") != "":
		runs = 400
	case testing.Short():
		runs = 10
	}
	server := servertest.Redis(t, servertest.Options{})
	s := parseWorld(t)
	w := newWorld(5, 300, 0.05)
	server.Client(t).Fill(t, len(w.commands), func(i int) []string { return w.commands[i] })
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 4 {
		c := server.Client(t)
		wg.Go(func() { write(c, uint64(i), stop) })
	}
	var written int64
	for range runs {
		got := find(t, "redis://"+server.Addr, s, func(o *orphans.Options) { o.Recheck = 60 * time.Millisecond })
		written = got.Coverage.Keys
		if !slices.Equal(got.orphans, w.orphans) {
			t.Fatalf("with a writer:\n%s", difference(got.orphans, w.orphans))
		}
	}
	close(stop)
	wg.Wait()
	t.Logf("the last of %d runs has read %d keys", runs, written)
}

// write is an application that is never done: each of its writes takes two steps, with up to 20 ms between.
func write(c *servertest.Client, seed uint64, stop chan struct{}) {
	rng := rand.New(rand.NewPCG(seed, 3))
	var left []func()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		u := 1_000_000*int(seed+1) + i
		user, order, mail := fmt.Sprint("user:", u), fmt.Sprintf("order:%d:1", u), "idx:mail:"+sha16(email(u))
		c.Do("SET", order, "1")
		c.Do("SET", mail, fmt.Sprint(u))
		time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
		c.Do("HSET", user, "email", email(u))
		left = append(left, func() {
			if rng.IntN(2) == 0 { // another address: the record first
				c.Do("HSET", user, "email", "new"+email(u))
				time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond)
				c.Do("DEL", mail)
			}
			c.Do("DEL", user)
			time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
			c.Do("DEL", order, mail)
		})
		if len(left) > 50 {
			at := rng.IntN(len(left))
			left[at]()
			left = slices.Delete(left, at, at+1)
		}
	}
}

// A child that is about to expire is none.
func TestExpiring(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	c.Must(t, "SET", "order:1:1", "1", "PX", "60000")
	c.Must(t, "SET", "order:2:1", "1", "PX", "100000000")
	got := find(t, "redis://"+server.Addr, parseWorld(t), func(o *orphans.Options) { o.Recheck = 50 * time.Millisecond })
	if want := []string{"KD082 order:1:1 → user:1", "KD082 order:2:1 → user:2"}; !slices.Equal(got.orphans, want) {
		t.Errorf("%q, want %q", got.orphans, want)
	}
	c.Must(t, "PEXPIRE", "order:1:1", "1000")
	got = find(t, "redis://"+server.Addr, parseWorld(t), func(o *orphans.Options) { o.Recheck = 1200 * time.Millisecond })
	if want := []string{"KD082 order:2:1 → user:2"}; !slices.Equal(got.orphans, want) {
		t.Errorf("%q, want %q", got.orphans, want)
	}
	if n := got.evidence("KD082", "order:{uid}:{n:int} → user:{uid}", "expiring"); n != 1 {
		t.Errorf("%v are expiring", n)
	}
}

// A server before 7.2 cannot be told not to count the reading of a value as an access: the report says so.
func TestSaysWhatItTouches(t *testing.T) {
	for version, touches := range map[string]bool{"redis-6.2": true, "redis-7.2": false} {
		t.Run(version, func(t *testing.T) {
			server := servertest.Redis(t, servertest.Options{Version: version})
			server.Client(t).Must(t, "SET", "idx:mail:0123456789abcdef", "7")
			got := find(t, "redis://"+server.Addr, parseWorld(t), nil)
			says := slices.ContainsFunc(got.Target.Notes, func(n string) bool { return strings.Contains(n, "idle times of the keys that were read begin anew") })
			if says != touches {
				t.Errorf("notes: %q", got.Target.Notes)
			}
		})
	}
}

// The same keyspace says the same live and as a dump, of each server and in each encoding; large collections are in it.
func TestPlantedInADump(t *testing.T) {
	plain := [][]string{
		{"CONFIG", "SET", "set-max-intset-entries", "0"},
		{"CONFIG", "SET", "hash-max-ziplist-entries", "0"},
		{"CONFIG", "SET", "list-max-ziplist-size", "16"},
		{"CONFIG", "SET", "rdbcompression", "no"},
	}
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		for seed, settings := range [][][]string{nil, plain} {
			w := newWorld(uint64(seed)+3, 600, 0.03)
			w.large()
			for _, s := range settings {
				c.Must(t, s...)
			}
			c.Must(t, "FLUSHALL")
			c.Fill(t, len(w.commands), func(i int) []string { return w.commands[i] })
			c.Must(t, "SAVE")
			dump := "rdb:" + c.Must(t, "CONFIG", "GET", "dir").([]any)[1].(string) + "/dump.rdb"
			live, saved := find(t, "redis://"+server.Addr, parseWorld(t), nil), find(t, dump, parseWorld(t), nil)
			if !slices.Equal(saved.orphans, w.orphans) || !slices.Equal(live.orphans, w.orphans) {
				t.Errorf("%d orphans live and %d in the dump, want %d\nlive\n%sdump\n%s", len(live.orphans), len(saved.orphans), len(w.orphans),
					difference(live.orphans, w.orphans), difference(saved.orphans, w.orphans))
			}
			if n := total(saved.Report); n != w.refs || len(saved.Skipped) > 1 { // keys never read
				t.Errorf("%d references, want %d; skipped: %+v", n, w.refs, saved.Skipped)
			}
		}
	})
}
