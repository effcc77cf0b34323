package cmd_test

import (
	"path/filepath"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
)

// A key that lacks its index entry is reported, and never planned to be deleted: what is missing is the entry.
func TestMissingEntryIsNotPlanned(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	c.Must(t, "HSET", "user:1", "nick", "a")
	c.Must(t, "HSET", "user:2", "nick", "b")
	c.Must(t, "SET", "nick:a", "1")
	c.Must(t, "SET", "nick:c", "3")
	dir, target := t.TempDir(), "redis://"+server.Addr
	write(t, filepath.Join(dir, "keys.yaml"), `kvschema: 1
templates:
  user: {key: "user:{uid:int}", type: hash}
  nick: {key: "nick:{nick:word}", type: string, refs: [{kind: index, to: user, from: value, target: "user:{value}", backref: nick}]}
`)
	expectFrom(t, dir, "", false, 0, `(?s)I KD083.*1 of 2 keys has no entry in the index.*keys never read: this store keeps one time`,
		"drift", "orphans", target, "--schema", "keys.yaml", "--recheck", "1ms", "-o", "text", "-o", "jsonl=o.jsonl")
	expectFrom(t, dir, "", false, 0, `(?m)^nick:\S+ +delete +1 +2 `,
		"drift", "clean", target, "--schema", "keys.yaml", "--plan", "p.jsonl", "--recheck", "1ms")
	c.Must(t, "DEL", "nick:c")
	expectFrom(t, dir, "", false, 0, `PLAN  none`,
		"drift", "clean", target, "--schema", "keys.yaml", "--plan", "q.jsonl", "--recheck", "1ms")
	if n := c.Must(t, "DBSIZE").(int64); n != 3 {
		t.Errorf("%d keys", n)
	}
}
