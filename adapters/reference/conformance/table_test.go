package conformance

import "slices"

// A spec says how to call a command and how its replies compare.
type spec struct {
	name    string // as COMMAND LIST has it: "set", "config|get"
	grammar string // of the arguments behind the name
	same    same   // nil: equal bytes
	kind    kind
	weight  int // how often random histories have it; 0 is once
}

// A kind says in what way a command is unlike others.
type kind uint8

const (
	timely   kind = 1 << iota // has arguments that are times: none is replaced by a number that might end soon
	blocking                  // may wait, unless it is in a transaction
	random                    // replies at random; listing says from what
	pops                      // changes the store at random: afterwards both get the contents of one
	kept                      // is never spoilt: it might wait, or order by bytes where Redis promises nothing, scores being unequal
	scans                     // is called until its cursor is 0
)

// scanOptions are the cursor and the options that every command of the SCAN family has.
const scanOptions = " 0 <[MATCH pat] [COUNT count]>"

// specs lists the commands of random histories. What concerns the connection or several clients has a play instead.
func specs() []spec {
	return slices.Concat(stringSpecs, bitSpecs, genericSpecs, hashSpecs, listSpecs, setSpecs, zsetSpecs, zrangeSpecs, geoSpecs,
		serverSpecs)
}

var stringSpecs = []spec{
	{name: "get", grammar: "@s"},
	{name: "set", grammar: "@s val <[NX|XX] [GET] [EX sec|PX ms|EXAT ats|PXAT atms|KEEPTTL]>", kind: timely, weight: 6},
	{name: "setnx", grammar: "@s val"},
	{name: "setex", grammar: "@s (sec|sec|badttl) val", kind: timely},
	{name: "psetex", grammar: "@s (ms|ms|badttl) val", kind: timely},
	{name: "getset", grammar: "@s val"},
	{name: "getdel", grammar: "@s"},
	{name: "getex", grammar: "@s [EX sec|PX ms|EXAT ats|PXAT atms|PERSIST|EX badttl]", kind: timely},
	{name: "mget", grammar: "{@s}"},
	{name: "mset", grammar: "{@s val}", weight: 2},
	{name: "msetnx", grammar: "{@s val}"},
	{name: "append", grammar: "@s val"},
	{name: "strlen", grammar: "@s"},
	{name: "getrange", grammar: "@s idx idx"},
	{name: "substr", grammar: "@s idx idx"},
	{name: "setrange", grammar: "@s (off|large|idx) val"},
	{name: "incr", grammar: "@n", weight: 2},
	{name: "decr", grammar: "@n"},
	{name: "incrby", grammar: "@n num", weight: 2},
	{name: "decrby", grammar: "@n num"},
	{name: "incrbyfloat", grammar: "@n float", weight: 2},
	{name: "lcs", grammar: "@s @s <[LEN] [IDX] [MINMATCHLEN count] [WITHMATCHLEN]>"},
}

var bitSpecs = []spec{
	{name: "setbit", grammar: "@b (off|off|large) bit", weight: 3},
	{name: "getbit", grammar: "@b (off|large)"},
	{name: "bitcount", grammar: "@b [idx idx [BYTE|BIT]]"},
	{name: "bitpos", grammar: "@b bit [idx [idx [BYTE|BIT]]]"},
	{name: "bitop", grammar: "(AND @b {@b}|OR @b {@b}|XOR @b {@b}|NOT @b @b)", weight: 2},
	{name: "bitfield", grammar: "@b {(GET bftype bfoff|SET bftype bfoff num|" +
		"INCRBY bftype bfoff num|OVERFLOW (WRAP|SAT|FAIL))}", weight: 2},
	{name: "bitfield_ro", grammar: "@b {GET bftype bfoff}"},
}

var genericSpecs = []spec{
	{name: "del", grammar: "{@}"},
	{name: "unlink", grammar: "{@}"},
	{name: "exists", grammar: "{@}"},
	{name: "type", grammar: "@"},
	{name: "touch", grammar: "{@}"},
	{name: "rename", grammar: "@ @", weight: 2},
	{name: "renamenx", grammar: "@ @"},
	{name: "copy", grammar: "@ @ <[DB db] [REPLACE]>"},
	{name: "move", grammar: "@ db"},
	{name: "randomkey", kind: random},
	{name: "keys", grammar: "pat", same: multiset(1)},
	{name: "scan", grammar: scanOptions + " [TYPE (STRING|LIST|SET|ZSET|HASH|STREAM|NOSUCH)]", kind: scans},
	{name: "object|encoding", grammar: "@", weight: 2},
	{name: "object|refcount", grammar: "@", same: references},
	{name: "object|idletime", grammar: "@", same: alike},
	{name: "object|freq", grammar: "@"},
	{name: "object|help"},
	{name: "sort", grammar: "(@l|@t|@z) <[BY by|BY 'nosort|ALPHA] [LIMIT idx count] " +
		"[GET # GET by|GET #] [ASC|DESC] [STORE @l]>", same: sortReply},
	{name: "sort_ro", grammar: "(@l|@t|@z) <[BY by|BY 'nosort] [LIMIT idx count] " +
		"[GET #|GET 'n*] [ASC|DESC] [ALPHA]>", same: sortReply},
	{name: "expire", grammar: "@ (sec|sec|badttl) [NX|XX|GT|LT|XX GT|XX LT|NX XX|GT LT]", kind: timely, weight: 2},
	{name: "pexpire", grammar: "@ (ms|ms|badttl) [NX|XX|GT|LT]", kind: timely},
	{name: "expireat", grammar: "@ (ats|ats|badttl) [NX|XX|GT|LT]", kind: timely},
	{name: "pexpireat", grammar: "@ (atms|atms|badttl) [NX|XX|GT|LT]", kind: timely},
	{name: "ttl", grammar: "@", same: near(2)},
	{name: "pttl", grammar: "@", same: near(2000)},
	{name: "expiretime", grammar: "@", same: near(2)},
	{name: "pexpiretime", grammar: "@", same: near(2000)},
	{name: "persist", grammar: "@"},
	{name: "dump", grammar: "@", same: dumpReply},
	{name: "restore", grammar: "@ (0|ms|badttl) dump <[REPLACE] [ABSTTL] [IDLETIME count] [FREQ count]>", kind: timely},
}

var hashSpecs = []spec{
	{name: "hset", grammar: "@h {elem val}", weight: 5},
	{name: "hmset", grammar: "@h {elem val}"},
	{name: "hsetnx", grammar: "@h elem val"},
	{name: "hget", grammar: "@h elem"},
	{name: "hmget", grammar: "@h {elem}"},
	{name: "hgetall", grammar: "@h", same: multiset(2)},
	{name: "hdel", grammar: "@h {elem}", weight: 2},
	{name: "hexists", grammar: "@h elem"},
	{name: "hlen", grammar: "@h"},
	{name: "hstrlen", grammar: "@h elem"},
	{name: "hkeys", grammar: "@h", same: multiset(1)},
	{name: "hvals", grammar: "@h", same: multiset(1)},
	{name: "hincrby", grammar: "@h elem num", weight: 2},
	{name: "hincrbyfloat", grammar: "@h elem float", weight: 2},
	{name: "hrandfield", grammar: "@h [some [WITHVALUES]]", kind: random},
	{name: "hscan", grammar: "@h" + scanOptions, kind: scans},
}

var listSpecs = []spec{
	{name: "lpush", grammar: "@l {elem}", weight: 3},
	{name: "rpush", grammar: "@l {elem}", weight: 5},
	{name: "lpushx", grammar: "@l {elem}"},
	{name: "rpushx", grammar: "@l {elem}"},
	{name: "lpop", grammar: "@l [count]"},
	{name: "rpop", grammar: "@l [count]"},
	{name: "lrange", grammar: "@l idx idx", weight: 2},
	{name: "lindex", grammar: "@l idx"},
	{name: "llen", grammar: "@l"},
	{name: "lset", grammar: "@l idx elem"},
	{name: "linsert", grammar: "@l (BEFORE|AFTER) elem elem", weight: 2},
	{name: "lrem", grammar: "@l idx elem"},
	{name: "ltrim", grammar: "@l idx idx"},
	{name: "lpos", grammar: "@l elem <[RANK idx] [COUNT count] [MAXLEN count]>"},
	{name: "lmove", grammar: "@l @l (LEFT|RIGHT) (LEFT|RIGHT)"},
	{name: "rpoplpush", grammar: "@l @l"},
	{name: "lmpop", grammar: "#@l (LEFT|RIGHT) [COUNT count]"},
	{name: "blpop", grammar: "{@l} timeout", kind: blocking},
	{name: "brpop", grammar: "{@l} timeout", kind: blocking},
	{name: "blmove", grammar: "@l @l (LEFT|RIGHT) (LEFT|RIGHT) timeout", kind: blocking},
	{name: "brpoplpush", grammar: "@l @l timeout", kind: blocking},
	{name: "blmpop", grammar: "timeout #@l (LEFT|RIGHT) [COUNT count]", kind: blocking},
}

var setSpecs = []spec{
	{name: "sadd", grammar: "@t {elem}", weight: 6},
	{name: "srem", grammar: "@t {elem}", weight: 2},
	{name: "sismember", grammar: "@t elem"},
	{name: "smismember", grammar: "@t {elem}"},
	{name: "scard", grammar: "@t"},
	{name: "smembers", grammar: "@t", same: multiset(1)},
	{name: "spop", grammar: "@t [count|some]", kind: random | pops},
	{name: "srandmember", grammar: "@t [some]", kind: random},
	{name: "smove", grammar: "@t @t elem"},
	{name: "sinter", grammar: "{@t}", same: multiset(1)},
	{name: "sinterstore", grammar: "@t {@t}"},
	{name: "sintercard", grammar: "#@t [LIMIT idx]"},
	{name: "sunion", grammar: "{@t}", same: multiset(1)},
	{name: "sunionstore", grammar: "@t {@t}"},
	{name: "sdiff", grammar: "{@t}", same: multiset(1)},
	{name: "sdiffstore", grammar: "@t {@t}"},
	{name: "sscan", grammar: "@t" + scanOptions, kind: scans},
}

var zsetSpecs = []spec{
	{name: "zadd", grammar: "@z <[NX|XX] [GT|LT] [CH]> {score elem}", weight: 7},
	{name: "zadd", grammar: "@z <[NX|XX] [GT|LT] [CH]> INCR score elem"},
	{name: "zadd", grammar: "@y {0 elem}", kind: kept, weight: 3},
	{name: "zincrby", grammar: "@z score elem", weight: 2},
	{name: "zrem", grammar: "@z {elem}"},
	{name: "zcard", grammar: "@z"},
	{name: "zscore", grammar: "@z elem"},
	{name: "zmscore", grammar: "@z {elem}"},
	{name: "zrank", grammar: "@z elem"},
	{name: "zrevrank", grammar: "@z elem"},
	{name: "zpopmin", grammar: "@z [count]"},
	{name: "zpopmax", grammar: "@z [count]"},
	{name: "zmpop", grammar: "#@z (MIN|MAX) [COUNT count]"},
	{name: "bzpopmin", grammar: "{@z} timeout", kind: blocking},
	{name: "bzpopmax", grammar: "{@z} timeout", kind: blocking},
	{name: "bzmpop", grammar: "timeout #@z (MIN|MAX) [COUNT count]", kind: blocking},
	{name: "zremrangebyrank", grammar: "@z idx idx"},
	{name: "zremrangebyscore", grammar: "@z bound bound"},
	{name: "zremrangebylex", grammar: "@y lex lex", kind: kept},
	{name: "zcount", grammar: "@z bound bound"},
	{name: "zlexcount", grammar: "@y lex lex", kind: kept},
	{name: "zrandmember", grammar: "@z [some [WITHSCORES]]", kind: random},
	{name: "zscan", grammar: "@z" + scanOptions, kind: scans},
}

// weighted is how the commands that combine sorted sets go on behind their keys. Two keys have weights.
const weighted = " [AGGREGATE (SUM|MIN|MAX)]"

var zrangeSpecs = []spec{
	{name: "zrange", grammar: "@z (idx idx [REV]|bound bound BYSCORE [REV] [LIMIT idx some]) [WITHSCORES]", weight: 3},
	{name: "zrange", grammar: "@y lex lex <BYLEX [REV] [LIMIT idx some]>", kind: kept},
	{name: "zrangestore", grammar: "@z @z (idx idx [REV]|bound bound BYSCORE [REV] [LIMIT idx some])", weight: 2},
	{name: "zrangestore", grammar: "@z @y lex lex <BYLEX [REV] [LIMIT idx some]>", kind: kept},
	{name: "zrevrange", grammar: "@z idx idx [WITHSCORES]"},
	{name: "zrangebyscore", grammar: "@z bound bound <[WITHSCORES] [LIMIT idx some]>"},
	{name: "zrevrangebyscore", grammar: "@z bound bound <[WITHSCORES] [LIMIT idx some]>"},
	{name: "zrangebylex", grammar: "@y lex lex [LIMIT idx some]", kind: kept},
	{name: "zrevrangebylex", grammar: "@y lex lex [LIMIT idx some]", kind: kept},
	{name: "zunion", grammar: "(#@z|2 @z (@z|@t) WEIGHTS score score)" + weighted + " [WITHSCORES]"},
	{name: "zinter", grammar: "(#@z|2 @z (@z|@t) WEIGHTS score score)" + weighted + " [WITHSCORES]"},
	{name: "zdiff", grammar: "#@z [WITHSCORES]"},
	{name: "zunionstore", grammar: "@z (#@z|2 @z (@z|@t) WEIGHTS score score)" + weighted},
	{name: "zinterstore", grammar: "@z (#@z|2 @z (@z|@t) WEIGHTS score score)" + weighted},
	{name: "zdiffstore", grammar: "@z #@z"},
	{name: "zintercard", grammar: "#@z [LIMIT idx]"},
}

// geoSpecs store no distances: see TestStoredDistances.
var geoSpecs = []spec{
	{name: "geoadd", grammar: "@g [NX|XX] [CH] {lon lat place}", weight: 4},
	{name: "geodist", grammar: "@g place place [M|KM|FT|MI]"},
	{name: "geohash", grammar: "@g {place}"},
	{name: "geopos", grammar: "@g {place}"},
	{name: "georadius", grammar: "@g lon lat rad (M|KM|FT|MI) " +
		"<[WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC]> [STORE @g]"},
	{name: "georadius_ro", grammar: "@g lon lat rad (M|KM|FT|MI) " +
		"<[WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC]>"},
	{name: "georadiusbymember", grammar: "@g place rad (M|KM|FT|MI) " +
		"<[WITHCOORD] [WITHDIST] [COUNT count [ANY]] [ASC|DESC]> [STORE @g]"},
	{name: "georadiusbymember_ro", grammar: "@g place rad (M|KM|FT|MI) <[WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC|DESC]>"},
	{name: "geosearch", grammar: "@g <(FROMMEMBER place|FROMLONLAT lon lat) (BYRADIUS rad (M|KM)|BYBOX rad rad (FT|MI|KM)) " +
		"[ASC|DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]>", weight: 2},
	{name: "geosearchstore", grammar: "@g @g <(FROMMEMBER place|FROMLONLAT lon lat) (BYRADIUS rad (M|KM)|BYBOX rad rad (M|KM)) " +
		"[ASC|DESC] [COUNT count [ANY]]>"},
	{name: "pfadd", grammar: "@p [{elem}]", weight: 3},
	{name: "pfcount", grammar: "{@p}"},
	{name: "pfmerge", grammar: "@p {@p}"},
	{name: "pfdebug", grammar: "(ENCODING|TODENSE|DECODE|GETREG|NOSUCH) @p"},
}
