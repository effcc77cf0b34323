package command_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// BenchmarkSorted is the cost of commands on a set and a sorted set of 200,000 members in process, without a connection. Each call
// has another member; none allocates.
func BenchmarkSorted(b *testing.B) {
	const members = 200_000
	e, err := engine.New(engine.Options{Shards: 1}, command.Table())
	if err != nil {
		b.Fatal(err)
	}
	s := e.Connect(engine.Origin{})
	defer s.Close()
	r := rand.New(rand.NewPCG(1, 1))
	names := make([][]byte, members)
	for i := range names {
		names[i] = fmt.Appendf(nil, "member:%013d", i)
		s.Run([][]byte{[]byte("ZADD"), []byte("z"), fmt.Append(nil, r.IntN(members)), names[i]})
		s.Run([][]byte{[]byte("SADD"), []byte("s"), names[i]})
		s.Release()
		s.Out.Reset()
	}
	for _, text := range []string{
		"ZADD z 50000 MEMBER", "ZINCRBY z 1 MEMBER", "ZSCORE z MEMBER", "ZRANK z MEMBER", "ZREVRANGE z 0 99", "ZRANGE z 0 99 WITHSCORES",
		"ZRANGEBYSCORE z 5000 inf LIMIT 0 10", "ZCOUNT z 100 90000", "SISMEMBER s MEMBER", "SADD s MEMBER",
	} {
		b.Run(text, func(b *testing.B) {
			args := split(text)
			b.ReportAllocs()
			for b.Loop() {
				for i, a := range args {
					if i > 0 && a[0] == 'M' || len(a) == 20 {
						args[i] = names[r.IntN(members)]
					}
				}
				s.Run(args)
				s.Release()
				s.Out.Reset()
			}
		})
	}
}
