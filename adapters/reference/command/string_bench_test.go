package command_test

import (
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// BenchmarkString is the cost of commands of strings and bits in process, without a connection.
func BenchmarkString(b *testing.B) {
	e, err := engine.New(engine.Options{Shards: 1}, command.Table())
	if err != nil {
		b.Fatal(err)
	}
	s := e.Connect(engine.Origin{})
	defer s.Close()
	s.Run(split("SET key value-of-thirty-two-bytes-in-all"))
	s.Run(split("SETBIT bitmap 8388607 1")) // 1 MiB
	s.Run(split("SETBIT other 8388600 1"))
	s.Run([][]byte{[]byte("SET"), []byte("a"), []byte(strings.Repeat("abcdefghij", 100))})
	s.Run([][]byte{[]byte("SET"), []byte("b"), []byte(strings.Repeat("jihgfedcba", 100))})
	for _, text := range []string{
		"GET key", "SET key value-of-thirty-two-bytes-or-so-long", "SET key v EX 100", "INCR counter",
		"INCRBYFLOAT float 0.5", "GETRANGE key 2 5", "APPEND grows x",
		"MGET key key key key", "EXPIRE key 100", "TTL key", "EXISTS key", "SETBIT bitmap 77 1", "GETBIT bitmap 77",
		"BITCOUNT bitmap", "BITPOS bitmap 1 2",
		"BITOP XOR to bitmap other", "BITFIELD bitmap INCRBY u16 #3 1", "LCS a b LEN", "DUMP key", "SCAN 0 COUNT 10",
	} {
		args := split(text)
		b.Run(strings.ReplaceAll(text, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Run(args)
				s.Release()
				s.Out.Reset()
			}
		})
	}
}
