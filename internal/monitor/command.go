package monitor

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/kv"
)

// A place says where the keys of a command are, as COMMAND does: every step-th word from first to last; a negative last counts
// from the end. What is done to the first key may differ from what is done to the others.
type place struct {
	first, last, step int
	head, rest        kv.OpKind
}

// groups are the commands by the places of their keys. OBJECT and MEMORY look at a key without using it, and are not there. Nor
// are EVAL and FCALL: what a script does MONITOR prints by itself.
var groups = [...]struct {
	place
	names string
}{
	{place{1, 1, 1, kv.OpWrite, 0}, `append bitfield decr decrby delifeq expire expireat geoadd georadius georadiusbymember getdel
		getex getset hdel hexpire hexpireat hgetdel hgetex hincrby hincrbyfloat hmset hpersist hpexpire hpexpireat hset hsetex
		hsetnx incr incrby incrbyfloat linsert lpop lpush lpushx lrem lset ltrim move persist pexpire pexpireat pfadd psetex
		restore rpop rpush rpushx sadd set setbit setex setnx setrange sort spop srem xack xadd xautoclaim xclaim xdel xsetid
		xtrim zadd zincrby zpopmax zpopmin zrem zremrangebylex zremrangebyrank zremrangebyscore`},
	{place{1, 1, 1, kv.OpRead, 0}, `bitcount bitfield_ro bitpos dump expiretime geodist geohash geopos georadius_ro
		georadiusbymember_ro geosearch get getbit getrange hexists hexpiretime hget hgetall hkeys hlen hmget hpexpiretime hpttl
		hrandfield hscan hstrlen httl hvals lindex llen lpos lrange pexpiretime pttl scard sismember smembers smismember sort_ro
		srandmember sscan strlen substr ttl type xlen xpending xrange xrevrange zcard zcount zlexcount zmscore zrandmember zrange
		zrangebylex zrangebyscore zrank zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan zscore`},
	{place{1, 2, 1, kv.OpWrite, kv.OpWrite}, "blmove brpoplpush lmove rename renamenx rpoplpush smove"},
	{place{1, -2, 1, kv.OpWrite, kv.OpWrite}, "blpop brpop bzpopmax bzpopmin"},
	{place{1, -1, 1, kv.OpWrite, kv.OpWrite}, "del unlink"},
	{place{1, -1, 1, kv.OpRead, kv.OpRead}, "exists mget pfcount sdiff sinter sunion touch"},
	{place{1, 2, 1, kv.OpRead, kv.OpRead}, "lcs"},
	{place{1, 2, 1, kv.OpRead, kv.OpWrite}, "copy"},
	{place{1, 2, 1, kv.OpWrite, kv.OpRead}, "zrangestore geosearchstore"},
	{place{1, -1, 1, kv.OpWrite, kv.OpRead}, "sinterstore sunionstore sdiffstore pfmerge"},
	{place{2, -1, 1, kv.OpWrite, kv.OpRead}, "bitop"},
	{place{1, -1, 2, kv.OpWrite, kv.OpWrite}, "mset msetnx"},
	{place{2, 2, 1, kv.OpWrite, 0}, "xgroup"},
	{place{2, 2, 1, kv.OpRead, 0}, "xinfo"},
}

// counted are commands that say themselves how many keys follow, and in which word.
var counted = map[string]struct {
	at   int
	kind kv.OpKind
	dest bool // the first word is written
	step int
}{
	"zunion": {1, kv.OpRead, false, 1}, "zinter": {1, kv.OpRead, false, 1}, "zdiff": {1, kv.OpRead, false, 1},
	"zintercard": {1, kv.OpRead, false, 1}, "sintercard": {1, kv.OpRead, false, 1},
	"zunionstore": {2, kv.OpRead, true, 1}, "zinterstore": {2, kv.OpRead, true, 1}, "zdiffstore": {2, kv.OpRead, true, 1},
	"lmpop": {1, kv.OpWrite, false, 1}, "zmpop": {1, kv.OpWrite, false, 1},
	"blmpop": {2, kv.OpWrite, false, 1}, "bzmpop": {2, kv.OpWrite, false, 1}, "msetex": {1, kv.OpWrite, false, 2},
}

// places is groups by name.
var places = func() map[string]place {
	m := map[string]place{}
	for _, g := range groups {
		for _, n := range strings.Fields(g.names) {
			m[n] = g.place
		}
	}
	return m
}()

// Keys calls fn for each key that the command of words touches, with what is done to it. Of a command that it does not know it
// says nothing.
func Keys(words []string, fn func(key string, kind kv.OpKind)) {
	Places(words, func(i int, kind kv.OpKind) { fn(words[i], kind) })
}

// Places is Keys with the places of the keys among the words.
func Places(words []string, fn func(i int, kind kv.OpKind)) {
	if len(words) < 2 {
		return
	}
	name := words[0]
	if !lower(name) {
		name = strings.ToLower(name)
	}
	if p, ok := places[name]; ok {
		p.keys(words, fn)
		return
	}
	if c, ok := counted[name]; ok {
		if c.dest {
			fn(1, kv.OpWrite)
		}
		countedKeys(words, c.at, c.step, c.kind, fn)
		return
	}
	switch name {
	case "xread", "xreadgroup":
		streams(words, name, fn)
	case "migrate":
		migrate(words, fn)
	}
}

// Writes reports whether the command of a name changes a key. Of one that it does not know it does not.
func Writes(name string) bool {
	name = strings.ToLower(name)
	if p, ok := places[name]; ok {
		return p.head == kv.OpWrite || p.rest == kv.OpWrite
	}
	c, ok := counted[name]
	return ok && (c.dest || c.kind == kv.OpWrite) || name == "xreadgroup" || name == "migrate"
}

func lower(s string) bool {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return false
		}
	}
	return true
}

func (p *place) keys(words []string, fn func(int, kv.OpKind)) {
	last := p.last
	if last < 0 {
		last += len(words)
	}
	kind := p.head
	for i := p.first; i <= last && i < len(words); i += p.step {
		fn(i, kind)
		kind = p.rest
	}
}

func countedKeys(words []string, at, step int, kind kv.OpKind, fn func(int, kv.OpKind)) {
	if at >= len(words) {
		return
	}
	n, err := strconv.Atoi(words[at])
	if err != nil {
		return
	}
	for i := at + 1; i < len(words) && n > 0; i, n = i+step, n-1 {
		fn(i, kind)
	}
}

// streams: … STREAMS key key id id.
func streams(words []string, name string, fn func(int, kv.OpKind)) {
	kind := kv.OpRead
	if name == "xreadgroup" { // it moves what the group has been given
		kind = kv.OpWrite
	}
	for i, w := range words {
		if strings.EqualFold(w, "streams") {
			for k := range (len(words) - i - 1) / 2 {
				fn(i+1+k, kind)
			}
			return
		}
	}
}

// migrate: MIGRATE host port key|"" db timeout … KEYS key …
func migrate(words []string, fn func(int, kv.OpKind)) {
	if len(words) > 3 && words[3] != "" {
		fn(3, kv.OpWrite)
		return
	}
	for i, w := range words {
		if strings.EqualFold(w, "keys") {
			for k := i + 1; k < len(words); k++ {
				fn(k, kv.OpWrite)
			}
			return
		}
	}
}

// FirstKey returns which word of a command is its first key, -1 if it has none or is not known. It allocates nothing.
func FirstKey(words [][]byte) int {
	var buf [24]byte
	if len(words) < 2 || len(words[0]) > len(buf) {
		return -1
	}
	name := buf[:len(words[0])]
	for i, c := range words[0] {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		name[i] = c
	}
	var at int
	if p, ok := places[string(name)]; ok {
		at = p.first
	} else if c, ok := counted[string(name)]; ok {
		if at = c.at + 1; c.dest {
			at = 1
		}
	} else {
		at = firstOther(string(name), words)
	}
	if at >= len(words) {
		return -1
	}
	return at
}

// firstOther finds the key of commands that the tables do not hold, for what they do to it is not theirs to say.
func firstOther(name string, words [][]byte) int {
	switch name {
	case "watch", "spublish":
		return 1
	case "object", "memory":
		return 2
	case "eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro":
		if len(words) > 3 && string(words[2]) != "0" {
			return 3
		}
	case "migrate":
		return 3
	case "xread", "xreadgroup":
		for i, w := range words {
			if bytes.EqualFold(w, []byte("streams")) {
				return i + 1
			}
		}
	}
	return -1
}
