package command_test

import (
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// script sends each line of a text to a redis-server and to the engine, in both versions of the protocol, with thresholds as they
// are and so small that everything is large; replies must be the same bytes. Words are divided as redis-cli divides them.
func script(t *testing.T, text string) {
	t.Helper()
	w := newTwin(t, 2)
	for _, limits := range []string{"128", "2"} {
		for _, protocol := range []string{"2", "3"} {
			w.restart(2)
			w.same("CONFIG", "SET", "zset-max-listpack-entries", limits, "set-max-intset-entries", limits)
			w.ask("HELLO", protocol)
			w.tell("HELLO", protocol)
			for line := range strings.Lines(text) {
				if args := words(t, line); len(args) > 0 {
					w.same(args...)
				}
			}
		}
	}
}

func words(t *testing.T, line string) (args []string) {
	t.Helper()
	parts, ok := wire.Split([]byte(line))
	if !ok {
		t.Fatalf("%s: unbalanced quotes", line)
	}
	for _, p := range parts {
		args = append(args, string(p))
	}
	return args
}

// TestSetScript is what random calls seldom meet: wrong calls of every kind, and the last member that takes its key along.
func TestSetScript(t *testing.T) {
	script(t, `
		SADD s 1 2 3
		OBJECT ENCODING s
		SADD s 2 -0 007
		OBJECT ENCODING s
		SMISMEMBER s 1 -0 0 7
		SISMEMBER none x
		SMISMEMBER none x y
		SCARD none
		SMEMBERS none
		SREM s 1 2 3 -0 007 8
		EXISTS s
		SADD i 10
		SINTER i none
		SINTERCARD 2 i none
		SINTERCARD 0 i
		SINTERCARD x i
		SINTERCARD 3 i
		SINTERCARD 1 i LIMIT
		SINTERCARD 1 i LIMIT -1
		SINTERCARD 1 i LIMIT x
		SINTERCARD 1 i LIMIT 0 limit 1
		SINTERCARD 1 i foo 1
		SADD j 10 20 30
		SINTERSTORE d i j
		OBJECT ENCODING d
		SUNIONSTORE d none none2
		EXISTS d
		SDIFFSTORE d j i
		TTL d
		SDIFF i i
		SDIFF none i
		SUNION i
		EXPIRE d 100
		SUNIONSTORE d j
		TTL d
		SET str x
		SUNIONSTORE str i
		TYPE str
		SET str x
		SADD str 1
		SINTER none str
		SINTER str none
		SUNION none str
		SDIFF i str
		SMOVE i str 10
		SMOVE str i x
		SMOVE none str x
		SMOVE i i 10
		SMOVE i i 11
		SMOVE i new 11
		SMOVE i new 10
		EXISTS i
		SMEMBERS new
		SPOP new -1
		SPOP new x
		SPOP new 1 2
		SPOP none
		SPOP none 3
		SPOP none 0
		SPOP new 0
		SPOP new 5
		EXISTS new
		SADD one 1
		SPOP one
		EXISTS one
		SRANDMEMBER none
		SRANDMEMBER none 2
		SRANDMEMBER j x
		SRANDMEMBER j -9223372036854775808
		SRANDMEMBER j 9223372036854775808
		SRANDMEMBER j 0
		SRANDMEMBER j 1 2
		SSCAN none 0
		SSCAN none x
		SSCAN str 0
		SSCAN j 0 COUNT 0
		SSCAN j 0 COUNT x
		SSCAN j 0 MATCH
		SADD big aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa "" "\x00\xff"
		OBJECT ENCODING big
		SMISMEMBER big "" "\x00\xff" "\x00"
		SREM big "" "\x00\xff" aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
		EXISTS big
	`)
}

func TestZSetScript(t *testing.T) {
	script(t, `
		ZADD z 1 a 2 b
		OBJECT ENCODING z
		ZADD z NX XX 1 a
		ZADD z GT LT 1 a
		ZADD z NX GT 1 a
		ZADD z INCR 1 a 2 b
		ZADD z
		ZADD z 1
		ZADD z 1 a 2
		ZADD z nx
		ZADD z x a
		ZADD z nan a
		ZADD z " 1" a
		ZADD z 1e400 a
		ZADD z 0x10 hex 1e-400 tiny
		ZADD z 0x10 hex inf up -Infinity down
		OBJECT ENCODING z
		ZRANGE z 0 -1 WITHSCORES
		ZADD z CH 1 a 3 b 4 c
		ZADD z XX CH 5 a 6 new
		ZADD z GT CH 4 a 6 b
		ZADD z LT INCR 1 a
		ZADD z GT INCR 1 a
		ZADD z NX INCR 1 a
		ZADD z XX INCR 1 none
		ZADD z INCR -inf up
		ZINCRBY z -inf up
		ZINCRBY z nan a
		ZINCRBY z nx a
		ZINCRBY z 1.5 a
		ZINCRBY z 1e17 big
		ZADD zero -0 m
		ZSCORE zero m
		ZINCRBY zero -0 m
		ZINCRBY zero -0 new
		ZADD zero 1 b 2 c -0 d
		ZMSCORE zero m new d none
		ZSCAN zero 0 MATCH d
		ZSCAN zero 0 MATCH new
		ZADD w 1e17 a 4611686018427387904 b 9223372036854775807 c
		ZSCAN w 0 MATCH a
		ZSCAN w 0 MATCH b
		ZSCAN w 0 MATCH [c]
		ZRANGE w 0 -1 WITHSCORES
		ZRANK z none
		ZRANK none a
		ZRANK z a
		ZREVRANK z a
		ZSCORE none a
		ZMSCORE none a b
		ZCARD none
		ZRANGE none 0 -1
		ZRANGE z 0 -1 BYSCORE
		ZRANGE z 0 -1 LIMIT 0 1
		ZRANGE z 0 -1 BYLEX
		ZRANGE z - + BYLEX WITHSCORES
		ZRANGE z - + BYLEX BYSCORE
		ZRANGE z 0 -1 REV REV
		ZRANGE z -inf inf BYSCORE LIMIT 1 2
		ZRANGE z inf -inf BYSCORE REV LIMIT 1 2 WITHSCORES
		ZRANGE z -inf inf BYSCORE LIMIT -1 2
		ZRANGE z -inf inf BYSCORE LIMIT 1 -2
		ZRANGE z -inf inf BYSCORE LIMIT 1
		ZRANGE z "" "(" BYSCORE
		ZRANGE z (1 "(2.5\x00x" BYSCORE
		ZRANGE z x 1
		ZRANGE z 1 x BYSCORE
		ZRANGEBYSCORE z -inf +inf WITHSCORES LIMIT 0 2
		ZRANGEBYSCORE z (3 3
		ZRANGEBYSCORE z 3 x
		ZRANGEBYSCORE z 1 2 REV
		ZREVRANGEBYSCORE z +inf 3
		ZREVRANGEBYSCORE z 3 +inf
		ZREVRANGE z 0 1 WITHSCORES
		ZREVRANGE z 0 1 BYSCORE
		ZREVRANGE z -100 100
		ZREVRANGE z 5 1
		ZADD l 0 a 0 aa 0 b 0 c 0 "" 0 "a\x00"
		ZRANGEBYLEX l - +
		ZRANGEBYLEX l [a (b
		ZRANGEBYLEX l (a [c LIMIT 1 2
		ZRANGEBYLEX l + -
		ZRANGEBYLEX l a b
		ZRANGEBYLEX l "" +
		ZRANGEBYLEX l [a [b WITHSCORES
		ZREVRANGEBYLEX l + -
		ZREVRANGEBYLEX l (c [aa LIMIT 0 -1
		ZRANGE l [a [b BYLEX
		ZRANGE l + - BYLEX REV LIMIT 0 2
		ZRANGE l [b [a BYLEX REV
		ZLEXCOUNT l - +
		ZLEXCOUNT l [a (b
		ZLEXCOUNT l + -
		ZLEXCOUNT l x y
		ZCOUNT z -inf +inf
		ZCOUNT z (1 (4
		ZCOUNT z 4 1
		ZCOUNT z x 1
		ZRANGESTORE dst z 0 1
		ZRANGE dst 0 -1 WITHSCORES
		ZRANGESTORE dst z -inf +inf BYSCORE REV
		ZRANGESTORE dst z +inf -inf BYSCORE REV LIMIT 0 3
		OBJECT ENCODING dst
		ZRANGE dst 0 -1 WITHSCORES
		ZRANGESTORE dst z 0 1 WITHSCORES
		ZRANGESTORE dst none 0 -1
		EXISTS dst
		ZRANGESTORE l l [aa [b BYLEX
		ZRANGE l 0 -1
		ZREMRANGEBYRANK z -2 -1
		ZREMRANGEBYRANK z 100 200
		ZREMRANGEBYRANK z x 1
		ZREMRANGEBYSCORE z (3 4
		ZREMRANGEBYSCORE z a b
		ZREMRANGEBYLEX l [aa (b
		ZREMRANGEBYLEX l a b
		ZREMRANGEBYLEX l - +
		EXISTS l
		ZREM z a none
		ZRANGE z 0 -1 WITHSCORES
		SET str x
		ZADD str 1 a
		ZRANGE str 0 -1
		ZCOUNT str 0 1
		ZRANGESTORE d str 0 1
		ZREMRANGEBYRANK str 0 1
		ZRANDMEMBER str
		ZSCAN str 0
		ZSCAN none 0
		ZSCAN none x
		ZSCAN z 0 COUNT 0
		ZRANDMEMBER none
		ZRANDMEMBER none 3
		ZRANDMEMBER z 0
		ZRANDMEMBER z x
		ZRANDMEMBER z 1 x
		ZRANDMEMBER z 1 WITHSCORES x
		ZRANDMEMBER z -9223372036854775808
		ZRANDMEMBER z 9223372036854775807 WITHSCORES
		ZRANDMEMBER z 4611686018427387904 WITHSCORES
		ZRANDMEMBER z 100 WITHSCORES
		ZADD only 7 m
		ZRANDMEMBER only -3 WITHSCORES
	`)
}

func TestZSetPopScript(t *testing.T) {
	script(t, `
		ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g
		ZPOPMIN z
		ZPOPMAX z
		ZPOPMIN z 2
		ZPOPMAX z 1
		ZPOPMIN z 0
		ZPOPMIN z -1
		ZPOPMIN z x
		ZPOPMIN z 1 2
		ZPOPMIN none
		ZPOPMIN none 3
		ZPOPMAX z 100
		EXISTS z
		SET str x
		ZPOPMIN str
		ZADD y 1 a 2 b 3 c
		ZMPOP 2 none y MIN
		ZMPOP 2 none y max COUNT 5
		ZMPOP 2 none y MIN
		ZMPOP 0 y MIN
		ZMPOP x y MIN
		ZMPOP 2 y MIN
		ZMPOP 1 y
		ZMPOP 1 y BOTH
		ZMPOP 1 y MIN COUNT
		ZMPOP 1 y MIN COUNT 0
		ZMPOP 1 y MIN COUNT 1 COUNT 1
		ZMPOP 1 y MIN FOO 1
		ZMPOP 2 none str MIN
		ZMPOP 9223372036854775807 y MIN
		ZADD y 1 a 2 b 3 c
		BZPOPMIN none y 1
		BZPOPMAX y none 0.5
		BZPOPMIN y -1
		BZPOPMIN y x
		BZPOPMIN none str y 1
		BZMPOP 1 1 y MIN COUNT 10
		BZMPOP x 1 y MIN
		BZMPOP -1 1 y MIN
		BZMPOP 1 0 y MIN
		MULTI
		BZPOPMIN none 0
		BZMPOP 0 1 none MAX
		EXEC
	`)
}

func TestZSetAlgebraScript(t *testing.T) {
	script(t, `
		ZADD a 1 x 2 y 3 z
		ZADD b 10 y 20 z 30 w
		SADD s x y q
		ZUNION 2 a b WITHSCORES
		ZUNION 2 a b
		ZINTER 2 a b WITHSCORES
		ZDIFF 2 a b WITHSCORES
		ZDIFF 1 s WITHSCORES
		ZUNION 2 a s WEIGHTS 2 3 AGGREGATE MAX WITHSCORES
		ZINTER 3 a b s AGGREGATE MIN WITHSCORES
		ZINTER 2 a none
		ZUNION 0 a
		ZUNIONSTORE d 0 a
		ZINTERCARD 0 a
		ZDIFF x a
		ZUNION 3 a b
		ZUNION 2 a b WEIGHTS 1
		ZUNION 2 a b WEIGHTS 1 x
		ZUNION 2 a b AGGREGATE AVG
		ZUNION 2 a b AGGREGATE
		ZDIFF 2 a b WEIGHTS 1 2
		ZUNIONSTORE d 2 a b WITHSCORES
		ZINTERCARD 2 a b
		ZINTERCARD 2 a b LIMIT 1
		ZINTERCARD 2 a b LIMIT -1
		ZINTERCARD 2 a b LIMIT x
		ZINTERCARD 2 a b WEIGHTS 1 1
		ZADD inf inf p -inf q 0 r
		ZUNION 2 inf inf WEIGHTS 1 -1 WITHSCORES
		ZUNION 1 inf WEIGHTS 0 WITHSCORES
		ZINTER 2 inf inf WEIGHTS 0 1 WITHSCORES
		ZINTER 2 inf inf WEIGHTS 1 0 AGGREGATE MIN WITHSCORES
		ZUNION 2 inf inf WEIGHTS -0 -0 AGGREGATE MAX WITHSCORES
		ZUNIONSTORE d 2 a b
		ZRANGE d 0 -1 WITHSCORES
		OBJECT ENCODING d
		ZINTERSTORE d 2 a b WEIGHTS 0.1 0.2
		ZRANGE d 0 -1 WITHSCORES
		OBJECT ENCODING d
		ZDIFFSTORE d 2 a a
		EXISTS d
		ZINTERSTORE a 2 a none
		EXISTS a
		SET str x
		ZUNION 2 b str
		ZUNION 2 str b FOO
		ZUNIONSTORE str 1 b
		TYPE str
		EXPIRE b 100
		ZUNIONSTORE b 1 b
		TTL b
	`)
}

func TestGeoScript(t *testing.T) {
	script(t, `
		GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
		GEOADD g NX CH 0 0 Palermo 1 1 New
		GEOADD g XX 2 2 Other
		GEOADD g NX XX 0 0 a
		GEOADD g 0 0
		GEOADD g nx ch xx
		GEOADD g 0 0 a 1
		GEOADD g 181 0 a
		GEOADD g 0 86 a
		GEOADD g inf -inf a
		GEOADD g x 0 a
		GEOADD g 180 85.05112878 corner -180 -85.05112878 other
		ZRANGE g 0 -1 WITHSCORES
		GEOPOS g Palermo none corner other
		GEOPOS none a
		GEOPOS none
		GEOHASH g Palermo none corner other Catania
		GEOHASH none a
		GEODIST g Palermo Catania
		GEODIST g Palermo Catania km
		GEODIST g Palermo Catania MI
		GEODIST g Palermo Palermo ft
		GEODIST g Palermo none
		GEODIST none a b
		GEODIST g Palermo Catania yd
		GEODIST g Palermo Catania km x
		GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC WITHCOORD WITHDIST WITHHASH
		GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km DESC COUNT 1 WITHDIST
		GEOSEARCH g FROMMEMBER Palermo BYBOX 400 400 km
		GEOSEARCH g FROMMEMBER none BYBOX 400 400 km
		GEOSEARCH none FROMMEMBER none BYBOX 400 400 km
		GEOSEARCH g FROMMEMBER Palermo FROMLONLAT 1 1 BYBOX 400 400 km
		GEOSEARCH g BYBOX 400 400 km
		geosearch g FROMMEMBER Palermo
		GEOSEARCH g FROMMEMBER Palermo BYBOX 400 400 km BYRADIUS 1 m
		GEOSEARCH g FROMMEMBER Palermo BYBOX -1 1 km
		GEOSEARCH g FROMMEMBER Palermo BYBOX x 1 km
		GEOSEARCH g FROMMEMBER Palermo BYBOX 1 x km
		GEOSEARCH g FROMMEMBER Palermo BYRADIUS x km
		GEOSEARCH g FROMMEMBER Palermo BYRADIUS -1 km
		GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 parsec
		GEOSEARCH g FROMMEMBER Palermo BYRADIUS 0 m
		GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m COUNT 0
		GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m COUNT x
		GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m ANY
		GEOSEARCH g FROMMEMBER Palermo BYRADIUS 20000 km COUNT 2 ANY
		GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m STORE x
		GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m STOREDIST
		GEOSEARCHSTORE d g FROMMEMBER Palermo BYRADIUS 300 km
		ZRANGE d 0 -1 WITHSCORES
		OBJECT ENCODING d
		GEOSEARCHSTORE d g FROMMEMBER Palermo BYRADIUS 300 km WITHDIST
		GEOSEARCHSTORE d g FROMMEMBER Palermo BYRADIUS 0 km STOREDIST
		ZRANGE d 0 -1 WITHSCORES
		GEOSEARCHSTORE d none FROMMEMBER Palermo BYRADIUS 0 km
		EXISTS d
		GEORADIUS g 15 37 200 km WITHDIST ASC
		GEORADIUS g 15 37 200 km STORE d
		GEORADIUS g 15 37 200 km STORE d WITHDIST
		GEORADIUS g 15 37 200 km STORE
		ZCARD d
		GEORADIUS_RO g 15 37 200 km STORE d
		GEORADIUS g 15 37 200
		GEORADIUS g x 37 200 km
		GEORADIUS g 15 37 x km
		GEORADIUS g 15 37 -2 km
		GEORADIUS none 15 37 200 km
		GEORADIUS none 15 37 200 km STORE d
		EXISTS d
		GEORADIUSBYMEMBER g Palermo 200 km DESC
		GEORADIUSBYMEMBER g none 200 km
		GEORADIUSBYMEMBER none none x km
		GEORADIUSBYMEMBER_RO g Palermo 200 km COUNT 1
		GEORADIUSBYMEMBER_RO g Palermo 200 km FROMMEMBER x
		ZADD any -1 m inf n 1e300 o 0.5 p
		GEOPOS any m n o p
		GEOHASH any m n o p
		GEODIST any m n
		SET str x
		GEOADD str 1 1 a
		GEOPOS str a
		GEODIST str a b
		GEOSEARCH str FROMMEMBER a BYRADIUS 1 m
		GEORADIUS str 1 1 1 m
	`)
}

// TestEndlessDraws: a count that a server would answer until its memory is full is answered with an error.
func TestEndlessDraws(t *testing.T) {
	e, err := engine.New(engine.Options{Shards: 1}, command.Table())
	if err != nil {
		t.Fatal(err)
	}
	s := e.Connect(engine.Origin{})
	long := strings.Repeat("x", 1<<20)
	s.Run([][]byte{[]byte("ZADD"), []byte("z"), []byte("1"), []byte(long)})
	s.Release()
	s.Out.Reset()
	s.Run(split("ZRANDMEMBER z -9223372036854775807"))
	s.Release()
	if got := string(s.Out.Bytes()[:min(s.Out.Len(), 100)]); !strings.HasPrefix(got, "-ERR the reply would be longer") {
		t.Errorf("%.50q", got)
	}
}
