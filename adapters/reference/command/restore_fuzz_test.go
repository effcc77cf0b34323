package command_test

import (
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/dump"
	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// FuzzRestore restores what has a sound checksum and perhaps nothing else, and uses what came of it: nothing may panic.
func FuzzRestore(f *testing.F) {
	for _, seed := range []string{
		"\x00\x05hello", "\x00\xc0\x07", "\x02\x02\x01a\x01b", "\x04\x01\x01f\x01v", "\x05\x01\x01m\x00\x00\x00\x00\x00\x00\xf0\x3f",
		"\x0b\x0a\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00", "\x12\x01\x02\x0d\x0d\x00\x00\x00\x02\x00\x81a\x02\x81b\x02\xff",
		"\x10\x0d\x0d\x00\x00\x00\x02\x00\x81f\x02\x81v\x02\xff", "\x11\x0c\x0c\x00\x00\x00\x02\x00\x81m\x02\x01\x01\xff",
		"\x09\x0d\x02\x01k\x02\x01vv.\x01l\x00\x00\xff", "\x0c\x12\x12\x00\x00\x00\x0d\x00\x00\x00\x02\x00\x00\x01a\x03\xf3\xff",
	} {
		f.Add([]byte(seed))
	}
	var failed string
	e, err := engine.New(engine.Options{Log: func(text string) { failed = text }}, command.Table())
	if err != nil {
		f.Fatal(err)
	}
	s := e.Connect(engine.Origin{})
	run := func(args ...string) string { return tell(s, args...) }
	f.Fuzz(func(t *testing.T, body []byte) {
		run("CONFIG", "SET", "hash-max-listpack-entries", []string{"4", "512"}[len(body)%2])
		if run("RESTORE", "k", "0", string(dump.Seal(append([]byte{}, body...))), "REPLACE") == "+OK\r\n" {
			again := run("DUMP", "k")
			for _, args := range [][]string{
				{"APPEND", "k", "x"},
				{"SETRANGE", "k", "3", "x"},
				{"INCR", "k"},
				{"LPUSH", "k", "x"},
				{"LRANGE", "k", "0", "-1"},
				{"RPOP", "k", "3"},
				{"SADD", "k", "1", "x"},
				{"SMEMBERS", "k"},
				{"SPOP", "k"},
				{"HSET", "k", "f", "v"},
				{"HGETALL", "k"},
				{"HDEL", "k", "f"},
				{"ZADD", "k", "1", "m"},
				{"ZRANGE", "k", "0", "-1", "WITHSCORES"},
				{"ZREM", "k", "m"},
				{"SORT", "k", "ALPHA"},
				{"COPY", "k", "l"},
				{"MEMORY", "USAGE", "k"},
				{"OBJECT", "ENCODING", "k"},
				{"DUMP", "k"},
				{"DEL", "k", "l"},
			} {
				run(args...)
			}
			if len(again) < 10 {
				t.Fatalf("%x was restored and cannot be dumped: %q", body, again)
			}
		}
		if failed != "" {
			t.Fatalf("%x: %s", body, failed)
		}
	})
}
