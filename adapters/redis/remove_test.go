package redis

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

func digestOf(d *kv.Dump) string {
	sum := sha1.Sum(d.Value)
	return hex.EncodeToString(sum[:])
}

func dumpOne(t *testing.T, r kv.Remover, name kv.Name) *kv.Dump {
	t.Helper()
	var got *kv.Dump
	if err := r.Dump(t.Context(), []kv.Name{name}, func(_ int, d *kv.Dump) { got = d }); err != nil {
		t.Fatal(err)
	}
	return got
}

func changeOne(t *testing.T, r kv.Remover, c kv.Change) kv.Outcome {
	t.Helper()
	var got kv.Outcome
	if err := r.Change(t.Context(), []kv.Change{c}, func(_ int, o kv.Outcome) { got = o }); err != nil {
		t.Fatal(err)
	}
	return got
}

// A key is removed if it is as it was dumped, and only then; and it comes back as it was.
func TestRemove(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		r, err := kv.RemoverOf(openURL(t, "redis://"+server.Addr))
		if err != nil {
			t.Fatal(err)
		}
		key := kv.Name{DB: 3, Key: "order:1:1"}
		c.Must(t, "SELECT", "3")
		c.Must(t, "SET", key.Key, "value", "PX", "10000000")
		d := dumpOne(t, r, key)
		if d == nil || d.Type != kv.TypeString || time.Until(d.ExpireAt) < 9000*time.Second || len(d.Value) == 0 {
			t.Fatalf("dumped as %+v", d)
		}
		if dumpOne(t, r, kv.Name{Key: key.Key}) != nil {
			t.Error("there is one in database 0 as well")
		}
		good := kv.Change{Name: key, Type: d.Type, Digest: digestOf(d), Expires: "some", Missing: "user:1"}
		for want, set := range map[kv.Outcome]func(x *kv.Change){
			kv.NewType:  func(x *kv.Change) { x.Type = kv.TypeHash },
			kv.NewValue: func(x *kv.Change) { x.Digest = "0" },
			kv.NewTTL:   func(x *kv.Change) { x.Expires = "none" },
			kv.Gone:     func(x *kv.Change) { x.Key = "other" },
		} {
			x := good
			if set(&x); changeOne(t, r, x) != want {
				t.Errorf("%s is not noticed", want)
			}
		}
		over := good
		over.Expires = ">20000000"
		if o := changeOne(t, r, over); o != kv.NewTTL {
			t.Errorf("less left than it should: %s", o)
		}
		c.Must(t, "SET", "user:1", "x")
		if o := changeOne(t, r, good); o != kv.Parent {
			t.Errorf("with its parent there: %s", o)
		}
		c.Must(t, "DEL", "user:1")
		was, before := c.Must(t, "DUMP", key.Key), c.Must(t, "PTTL", key.Key).(int64)
		if o := changeOne(t, r, good); o != kv.Done || c.Must(t, "EXISTS", key.Key).(int64) != 0 {
			t.Fatalf("%s, and it is there", o)
		}
		checkRestore(t, r, d, kv.Done)
		if got := c.Must(t, "DUMP", key.Key); got != was {
			t.Errorf("%q came back as %q", was, got)
		}
		if left := c.Must(t, "PTTL", key.Key).(int64); left > before+2 || left < before-5000 {
			t.Errorf("%d ms left, and %d before", left, before)
		}
		checkRestore(t, r, d, kv.Present)
	})
}

func checkRestore(t *testing.T, r kv.Remover, d *kv.Dump, want kv.Outcome) {
	t.Helper()
	var got []kv.Outcome
	if err := r.Restore(t.Context(), []kv.Dump{*d}, func(_ int, o kv.Outcome) { got = append(got, o) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0] != want {
		t.Errorf("restored: %v, want %s", got, want)
	}
}

// A server that ends a connection on which it has answered is not taken for one that wants TLS.
func TestRemoverLosesItsServer(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	r := openURL(t, "redis://"+server.Addr).(kv.Remover)
	c.Must(t, "SET", "a", "1")
	d := dumpOne(t, r, kv.Name{Key: "a"})
	c.Must(t, "CLIENT", "KILL", "TYPE", "normal")
	err := r.Expire(t.Context(), []kv.ExpiryBack{{Name: d.Name, Digest: digestOf(d), Set: time.Now()}}, func(int, kv.Outcome) {})
	if err == nil || !strings.Contains(err.Error(), "it has stopped") || !strings.Contains(kv.Hint(err), "undo file") {
		t.Errorf("%v, hint %q", err, kv.Hint(err))
	}
}

// An expiry is set, and taken back unless somebody has set another one since.
func TestExpireAndBack(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	r := openURL(t, "redis://"+server.Addr).(kv.Remover)
	c.Must(t, "HSET", "cart:1", "a", "1")
	key := kv.Name{Key: "cart:1"}
	d := dumpOne(t, r, key)
	at := time.UnixMilli(time.Now().Add(time.Hour).UnixMilli())
	if o := changeOne(t, r, kv.Change{Name: key, Type: d.Type, Digest: digestOf(d), Expires: "none", To: at}); o != kv.Done {
		t.Fatal(o)
	}
	if got := c.Must(t, "PEXPIRETIME", "cart:1").(int64); got != at.UnixMilli() {
		t.Errorf("expires at %d, want %d", got, at.UnixMilli())
	}
	back := func(set time.Time) (got kv.Outcome) {
		err := r.Expire(t.Context(), []kv.ExpiryBack{{Name: key, Digest: digestOf(d), Set: set}}, func(_ int, o kv.Outcome) { got = o })
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if o := back(at.Add(time.Minute)); o != kv.NewTTL {
		t.Errorf("another expiry: %s", o)
	}
	if o := back(at); o != kv.Done || c.Must(t, "PTTL", "cart:1").(int64) != -1 {
		t.Errorf("%s, and %v ms left", o, c.Must(t, "PTTL", "cart:1"))
	}
}

// testRemove removes keys of each of three nodes, and brings them back.
func (c *testCluster) testRemove(t *testing.T) {
	r := openURL(t, c.url("")).(kv.Remover)
	var dumps []kv.Dump
	var names []kv.Name
	for i := range 30 {
		key := fmt.Sprint("key:", i)
		c.clients[first(slot.Of(key))].Must(t, "SET", key, fmt.Sprint(i))
		names = append(names, kv.Name{Key: key})
	}
	if err := r.Dump(t.Context(), names, func(_ int, d *kv.Dump) { dumps = append(dumps, *d) }); err != nil {
		t.Fatal(err)
	}
	changes := make([]kv.Change, len(dumps))
	for i := range dumps {
		changes[i] = kv.Change{Name: dumps[i].Name, Type: dumps[i].Type, Digest: digestOf(&dumps[i]), Expires: "none"}
	}
	count := func(want kv.Outcome, n *int) func(int, kv.Outcome) {
		return func(_ int, o kv.Outcome) {
			if o == want {
				*n++
			}
		}
	}
	done, restored := 0, 0
	if err := r.Change(t.Context(), changes, count(kv.Done, &done)); err != nil || done != 30 {
		t.Fatalf("%d removed, %v", done, err)
	}
	if err := r.Restore(t.Context(), dumps, count(kv.Done, &restored)); err != nil || restored != 30 {
		t.Fatalf("%d restored, %v", restored, err)
	}
	if id, err := r.Identify(t.Context()); err != nil || !id.Cluster || len(id.ID) != 3*40+2 {
		t.Errorf("%+v, %v", id, err)
	}
	c.tidy(t, "key:*")
}

// Nobody can put another script into words, nor ask for a writing command where only reading is allowed.
func TestOnlyTheScripts(t *testing.T) {
	for _, words := range [][]string{{"EVAL", "return redis.call('FLUSHALL')"}, {"DEL"}, {"UNLINK"}, {"SET"}, {"EVALSHA", "x"}, {"PEXPIRE"}, {"SCRIPT", "LOAD"}, {"RESTORE"}, {"DUMP"}} {
		for _, m := range []resp.Mode{resp.ReadOnly, resp.NoTouch, resp.Values, resp.Cleaning} {
			if m.Allows(words...) {
				t.Errorf("mode %d allows %q", m, words)
			}
		}
	}
	writing := [][]string{
		{"EVAL", resp.ScriptRestore},
		{"EVAL", resp.ScriptDump},
		{"EVAL", resp.ScriptDigest},
		{"EVAL", resp.ScriptChange},
		{"EVAL", resp.ScriptExpiry},
	}
	for _, words := range writing {
		for _, m := range []resp.Mode{resp.ReadOnly, resp.NoTouch, resp.Values} {
			if m.Allows(words...) {
				t.Errorf("mode %d allows %.20q", m, words)
			}
		}
	}
	if slices.ContainsFunc(writing, func(w []string) bool { return !resp.Cleaning.Allows(w...) }) {
		t.Error("cleaning does not allow what it is for")
	}
}
