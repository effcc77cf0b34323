package orphans_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// A world is a keyspace with references, of which it is known which lead nowhere. The expectation is written with the key.
type world struct {
	commands [][]string
	orphans  []string // "RULE key → target"
	refs     int      // in all
}

// worldSchema declares every kind of reference.
const worldSchema = `kvschema: 1
fields: {uid: {type: int}}
templates:
  user: {key: "user:{uid}", type: hash}
  order: {key: "order:{uid}:{n:int}", type: string, refs: [{kind: parent, to: user, on: uid}]}
  mail: {key: "idx:mail:{h:hash(sha256,16,of:email)}", type: string, refs: [{kind: index, to: user, from: value, target: "user:{value}", backref: email}]}
  session: {key: "session:{sid:uuid}", refs: [{kind: member, to: user, from: value.uid, on: uid}]}
  friends: {key: "friends:{uid}", type: set, refs: [{kind: parent, to: user, on: uid}, {kind: member, to: user, from: member, target: "user:{value}"}]}
  recent: {key: "recent:{uid}", type: list, refs: [{kind: member, to: order, from: member, target: "order:{uid}:{value}"}]}
  lock: {key: "lock:{uid}", type: string, kind: lock}
`

func parseWorld(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte(worldSchema)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) add(args ...string) { w.commands = append(w.commands, args) }

// refers counts a reference, and notes it where it leads nowhere.
func (w *world) refers(broken bool, rule, key, target string) {
	w.refs++
	if broken {
		w.orphans = append(w.orphans, rule+" "+key+" → "+target)
	}
}

func email(u int) string { return fmt.Sprintf("u%d@example.org", u) }

// newWorld has n users, of whom share are gone.
func newWorld(seed uint64, n int, share float64) *world {
	rng := rand.New(rand.NewPCG(seed, 7))
	w := &world{}
	gone := make([]bool, n)
	for u := range n {
		gone[u] = rng.Float64() < share
		if !gone[u] {
			w.add("HSET", fmt.Sprint("user:", u), "email", email(u), "name", "x")
		}
	}
	any := func() int { return rng.IntN(n) }
	for range n {
		u := any()
		key := fmt.Sprintf("order:%d:%d", u, len(w.commands))
		w.add("SET", key, "1")
		w.refers(gone[u], "KD082", key, fmt.Sprint("user:", u))
	}
	for u := range n {
		w.index(u, gone[u], rng)
	}
	w.members(rng, n, gone)
	slices.Sort(w.orphans)
	w.orphans = slices.Compact(w.orphans)
	return w
}

// index writes the entry of a user's address, and of some an old one.
func (w *world) index(u int, gone bool, rng *rand.Rand) {
	key := "idx:mail:" + sha16(email(u))
	if rng.IntN(30) == 0 { // no entry at all
		if !gone {
			w.orphans = append(w.orphans, "KD083 "+fmt.Sprint("user:", u)+" → "+key)
		}
		return
	}
	w.add("SET", key, fmt.Sprint(u))
	w.refers(gone, "KD081", key, fmt.Sprint("user:", u))
	if !gone && rng.IntN(40) == 0 {
		old := "idx:mail:" + sha16("old"+email(u))
		w.add("SET", old, fmt.Sprint(u))
		w.refers(true, "KD083", old, fmt.Sprint("user:", u))
	}
}

// members writes what names users, and orders, by its members and fields.
func (w *world) members(rng *rand.Rand, n int, gone []bool) {
	for i := range n / 2 {
		u := rng.IntN(n)
		key := fmt.Sprintf("session:%08x-0000-4000-8000-%012x", i, u)
		if i%3 == 0 { // as JSON
			w.add("SET", key, fmt.Sprintf(`{"uid":%d}`, u))
		} else {
			w.add("HSET", key, "uid", fmt.Sprint(u), "x", "y")
		}
		w.refers(gone[u], "KD081", key, fmt.Sprint("user:", u))
	}
	for u := 0; u < n; u += 5 {
		key, add := fmt.Sprint("friends:", u), []string{"SADD", fmt.Sprint("friends:", u)}
		w.refers(gone[u], "KD082", key, fmt.Sprint("user:", u))
		for f := range map[int]bool{rng.IntN(n): true, rng.IntN(n): true, rng.IntN(n): true} {
			add = append(add, fmt.Sprint(f))
			w.refers(gone[f], "KD081", key, fmt.Sprint("user:", f))
		}
		w.add(add...)
		if u%2 == 0 {
			w.add("SET", fmt.Sprint("order:", u, ":7"), "1")
			w.refers(gone[u], "KD082", fmt.Sprint("order:", u, ":7"), fmt.Sprint("user:", u))
			w.add("RPUSH", fmt.Sprint("recent:", u), "7", "999999999", "7")
			w.refers(false, "", "", "")
			w.refers(true, "KD081", fmt.Sprint("recent:", u), fmt.Sprint("order:", u, ":999999999"))
		}
	}
}

// large writes collections of so many members that no server keeps them in one block, and one name that is none.
func (w *world) large() {
	const n, items = 5000, 300 // each item of a list is looked for from its beginning
	friends, recent := []string{"SADD", "friends:900000"}, []string{"RPUSH", "recent:900000"}
	w.add("HSET", "user:900000", "email", email(900000))
	w.add("SET", "idx:mail:"+sha16(email(900000)), "900000")
	w.refers(false, "", "", "")
	w.refers(false, "", "", "")
	for i := range n {
		friends = append(friends, fmt.Sprint(900000+i))
		w.refers(i > 0, "KD081", "friends:900000", fmt.Sprint("user:", 900000+i))
	}
	for i := range items {
		recent = append(recent, fmt.Sprint(i))
		w.refers(true, "KD081", "recent:900000", fmt.Sprint("order:900000:", i))
	}
	w.add(append(friends, strings.Repeat("x", 5000))...)
	w.add(recent...)
	slices.Sort(w.orphans)
}

// difference says in a few lines how two sorted lists differ.
func difference(got, want []string) string {
	var b strings.Builder
	for _, x := range got {
		if _, ok := slices.BinarySearch(want, x); !ok {
			b.WriteString("  not an orphan: " + x + "\n")
		}
	}
	for _, x := range want {
		if _, ok := slices.BinarySearch(got, x); !ok {
			b.WriteString("  missed: " + x + "\n")
		}
	}
	text := b.String()
	return text[:min(len(text), 1500)]
}
