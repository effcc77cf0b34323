package redis

import (
	"fmt"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// BenchmarkSession is a round trip of one connection, and of a batch of 16.
func BenchmarkSession(b *testing.B) {
	server := servertest.Redis(b, servertest.Options{})
	for _, pipeline := range []int{1, 16} {
		b.Run(fmt.Sprint(pipeline), func(b *testing.B) {
			d, err := kv.DriverOf(openURL(b, "redis://"+server.Addr))
			if err != nil {
				b.Fatal(err)
			}
			c, err := d.Session(b.Context(), kv.SessionOptions{Timeout: 1e9})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			ops, out := make([]kv.Op, pipeline), make([]kv.Result, pipeline)
			for i := range ops {
				ops[i].Args = [][]byte{[]byte("SET"), fmt.Appendf(nil, "key:%012d", i), make([]byte, 100)}
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Do(ops, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
