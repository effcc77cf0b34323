package simulate

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// Operations that only read; an operation that is none of them writes. An operation may be several: INCR+EXPIRE.
func reading() []string {
	return strings.Fields(`get mget getrange substr strlen getbit bitcount bitpos exists ttl pttl type hget hmget hgetall hkeys hvals hlen
hexists hscan hrandfield hstrlen lrange lindex llen lpos smembers sismember smismember scard srandmember sscan sinter sunion sdiff
sintercard zrange zrangebyscore zrangebylex zrevrange zrevrangebyscore zscore zmscore zcard zcount zrank zrevrank zscan
zrandmember xrange xrevrange xread xlen xinfo pfcount geosearch geopos geodist json.get json.mget scan keys
getitem batchgetitem query scan select gets getmulti range read`)
}

// Operations that move an element or less; the others move the whole value.
func partial() []string {
	return strings.Fields(`incr incrby decr decrby incrbyfloat expire exists ttl pttl type strlen getbit setbit bitcount hget hmget hset hmset hsetnx
hincrby hincrbyfloat hdel hexists hlen hstrlen lpush rpush lpushx rpushx lpop rpop lmove blmove brpop blpop rpoplpush brpoplpush lindex
llen lset ltrim lrem sadd srem sismember smismember scard spop srandmember zadd zincrby zrem zscore zmscore zcard zcount zrank zrevrank
zpopmin zpopmax zremrangebyrank zremrangebyscore xadd xack xlen xtrim xdel xread xreadgroup pfadd pfcount del unlink delete touch
multi exec eval evalsha fcall updateitem deleteitem`)
}

func words(op string) []string {
	return strings.FieldsFunc(strings.ToLower(op), func(r rune) bool { return strings.ContainsRune("+ ,/|", r) })
}

// all reports whether every word of an operation is in a list.
func all(op string, list []string) bool {
	ws := words(op)
	for _, w := range ws {
		if !slices.Contains(list, w) {
			return false
		}
	}
	return len(ws) > 0
}

// writes reports whether an access changes what it touches.
func writes(a *schema.Access) bool {
	if a.Op == "" {
		return a.Query == "tx"
	}
	return !all(a.Op, reading())
}

// missed returns how often a second an access finds nothing and the application writes what it was looking for.
func missed(a *schema.Access) float64 {
	if a.OnMiss.Op == "" {
		return 0
	}
	return a.Rate * a.Miss
}
