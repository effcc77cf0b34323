package command_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
)

// leakSteps are commands on few keys, so that sources and destinations are often the same, and a value is often overwritten by
// another type. K is a key, E an element, N a number.
var leakSteps = strings.FieldsFunc(`
SET K E|SET K E EX 1|SET K E KEEPTTL|SET K L|GETSET K E|GETDEL K|GETEX K PX 5|GETEX K PERSIST|APPEND K E|APPEND K L|SETRANGE K N E
SETBIT K N 1|BITOP OR K K K|BITOP NOT K K|BITFIELD K SET u8 N N INCRBY i5 N N|MSET K E K E K L|MSETNX K E K E|INCR K
INCRBYFLOAT K 1.5|DEL K|UNLINK K K K|RENAME K K|RENAMENX K K|COPY K K REPLACE|COPY K K DB 1|MOVE K 1|EXPIRE K 1|PEXPIRE K N
PEXPIRE K -1|PERSIST K|LPUSH K E E E|RPUSH K L E|RPUSH K E E E E E E E E|LPOP K N|RPOP K|LMOVE K K LEFT RIGHT|LMOVE K K RIGHT RIGHT
RPOPLPUSH K K|LTRIM K N 5|LREM K N E|LSET K N L|LINSERT K BEFORE E L|SADD K E E E|SADD K 1 2 3 N N N|SADD K L|SREM K E E E|SPOP K
SPOP K N|SMOVE K K E|SUNIONSTORE K K K K|SINTERSTORE K K K|SDIFFSTORE K K K|HSET K E E E E|HSET K E L|HDEL K E E|HINCRBY K E 1
ZADD K 1 E 2 E N E|ZADD K 5 L|ZREM K E E|ZINCRBY K 1 E|ZPOPMIN K N|ZPOPMAX K|ZUNIONSTORE K 2 K K|ZINTERSTORE K 2 K K
ZDIFFSTORE K 2 K K|ZRANGESTORE K K 0 N|ZREMRANGEBYRANK K 0 N|SORT K ALPHA STORE K|SORT K BY nosort STORE K|GEOADD K 13 38 E
GEORADIUS K 13 38 1 km STORE K STOREDIST K|GEOSEARCHSTORE K K FROMLONLAT 13 38 BYRADIUS 1 km|PFADD K E E E|PFMERGE K K K|PFCOUNT K K
LMPOP 2 K K LEFT COUNT N|ZMPOP 2 K K MIN COUNT N|SELECT 1|SELECT 0|SWAPDB 0 1|FLUSHDB|SORT K`,
	func(r rune) bool { return r == '|' || r == '\n' })

func leakStep(r *rand.Rand) (args [][]byte) {
	for _, word := range strings.Fields(leakSteps[r.IntN(len(leakSteps))]) {
		switch word {
		case "K":
			word = fmt.Sprint("key", r.IntN(6))
		case "E":
			word = fmt.Sprint("e", r.IntN(40))
		case "L":
			word = strings.Repeat("long", 1+r.IntN(1500))
		case "N":
			word = fmt.Sprint(r.IntN(40))
		}
		args = append(args, []byte(word))
	}
	return args
}

// TestNothingLeaks: after any history, no byte of what was is left or charged when all keys are gone, and none of the handlers has
// failed internally.
func TestNothingLeaks(t *testing.T) {
	for seed := range uint64(8) {
		clock := engine.NewManualClock(time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC))
		o := engine.Options{Shards: 4, Clock: clock, Log: func(text string) { t.Error(text) }}
		if seed%4 == 3 {
			o.Config = [][2]string{{"maxmemory", "1000000"}, {"maxmemory-policy", "allkeys-lru"}}
		}
		if seed%4 == 2 {
			o.Expiry = keyspace.ExpireExact
		}
		e, err := engine.New(o, command.Table())
		if err != nil {
			t.Fatal(err)
		}
		s, r := e.Connect(engine.Origin{FD: -1}), rand.New(rand.NewPCG(seed, 1))
		var history []string
		for i := range 4000 {
			args := leakStep(r)
			history = append(history, fmt.Sprintf("%.60q", args))
			s.Run(args)
			if i%8 == 0 {
				s.Release()
				s.Out.Reset()
				e.Advance(time.Duration(r.IntN(20)) * time.Millisecond)
			}
			if t.Failed() {
				t.Fatal(strings.Join(history[max(0, len(history)-5):], "\n"))
			}
		}
		s.Run([][]byte{[]byte("FLUSHALL")})
		s.Release()
		for i := range o.Shards {
			shard, unlock := e.Lock(i)
			if shard.Used() != 0 || shard.Heap().Live() != 0 {
				t.Errorf("seed %d, shard %d: %d bytes are charged, %d are live", seed, i, shard.Used(), shard.Heap().Live())
			}
			unlock()
		}
	}
}
