package command_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// BenchmarkCommand is the cost of a command in process, without a connection.
func BenchmarkCommand(b *testing.B) {
	e, err := engine.New(engine.Options{Shards: 1}, command.Table())
	if err != nil {
		b.Fatal(err)
	}
	s := e.Connect(engine.Origin{})
	defer s.Close()
	for i := range 100_000 {
		s.Run(split(fmt.Sprintf("HSET myhash element:%012d xxx", i)))
	}
	s.Run(split("HSET small a 1 b 2 c 3 d 4 e 5 f 6 g 7"))
	s.Run(split("RPUSH short " + strings.Repeat("xxx ", 100)))
	for _, text := range []string{
		"HSET myhash element:000000050000 xxx", "HGET myhash element:000000050000", "HSET small g 8", "HGET small g", "HINCRBY small g 1",
		"HSET small g 10000", "LPUSH mylist xxx", "RPUSH mylist xxx", "LPOP mylist", "RPOP mylist", "LRANGE mylist 0 99", "LRANGE short 0 99",
		"LPUSH short xxx", "LPOP short", "LINDEX mylist 100", "HGETALL small", "PFADD hll a b c", "PFCOUNT hll",
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

func split(text string) [][]byte {
	var args [][]byte
	for _, f := range strings.Fields(text) {
		args = append(args, []byte(f))
	}
	return args
}
