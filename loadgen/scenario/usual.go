package scenario

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/monitor"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// What a command is sent with is not known where only its name is: from a counter of commands, or from the access of a design. Then
// it is sent as it usually is: a range reads ten elements, a field is one of the value's.

// usualElements is how many elements a collection has of which nobody says it: as many as a fill writes.
const usualElements = 10

// usualText is how long an element is of which nobody says it, in bytes.
const usualText = 16

// usual lists what usually follows the key of a command, by the type of value that it is for; "" is any. In the words, <field> is a
// field of a hash, <text> what stands under it, <member> an element, <rank> a place of one, <most> how many there are.
func usual() map[string]map[string]string {
	return map[string]map[string]string{
		"string": {
			"get": "", "getdel": "", "strlen": "", "mget": "", "bitcount": "", "incr": "", "decr": "",
			"getex": "PX @ttl", "set": "@value PX @ttl", "setex": "@seconds @value", "psetex": "@ttl @value", "setnx": "@value",
			"getset": "@value", "mset": "@value", "append": "<text>", "getrange": "0 99", "incrby": "{uint(1,100)}", "decrby": "{uint(1,100)}",
			"incrbyfloat": "1", "getbit": "{uint(0,799)}", "setbit": "{uint(0,799)} 1",
		},
		"hash": {
			"hget": "<field>", "hmget": "<field> <field>", "hgetall": "", "hkeys": "", "hvals": "", "hlen": "", "hexists": "<field>",
			"hstrlen": "<field>", "hset": "<field> <text>", "hmset": "<field> <text>", "hsetnx": "<field> <text>", "hincrby": "count 1",
			"hdel": "<field>", "hscan": "0 COUNT 10",
		},
		"list": {
			"lpush": "<text>", "rpush": "<text>", "lpop": "", "rpop": "", "lrange": "0 9", "llen": "", "lindex": "<rank>", "ltrim": "0 <most>",
			"lrem": "1 <text>",
		},
		"set": {
			"sadd": "<member>", "srem": "<member>", "sismember": "<member>", "smembers": "", "scard": "", "srandmember": "", "spop": "",
			"smismember": "<member> <member>", "sscan": "0 COUNT 10",
		},
		"zset": {
			"zadd": "{uint(0,999999)} <member>", "zincrby": "{uint(1,50)} <member>", "zrem": "<member>", "zscore": "<member>", "zrank": "<member>",
			"zrevrank": "<member>", "zmscore": "<member> <member>", "zcard": "", "zrange": "0 9", "zrevrange": "0 9", "zcount": "-inf +inf",
			"zrangebyscore": "-inf +inf LIMIT 0 10", "zrevrangebyscore": "+inf -inf LIMIT 0 10", "zrangebylex": "- + LIMIT 0 10",
			"zpopmin": "", "zpopmax": "", "zremrangebyscore": "-inf (0", "zremrangebyrank": "<most> -1",
		},
		"stream": {"xadd": "MAXLEN ~ <most> * f <text>", "xlen": "", "xrange": "- + COUNT 10", "xrevrange": "+ - COUNT 10"},
		"":       {"del": "", "unlink": "", "exists": "", "touch": "", "ttl": "", "pttl": "", "type": "", "expire": "@seconds", "pexpire": "@ttl"},
	}
}

// Usual returns the words with which a command is usually sent to a key of a template. ok is false for what is not known here, or
// not of the template's type. A template of which the type is not declared takes commands of every type.
func Usual(command string, t *schema.Template) (words []string, ok bool) {
	command = strings.ToLower(command)
	for kind, commands := range usual() {
		text, known := commands[command]
		if !known || kind != "" && kindOf(t) != "" && kind != kindOf(t) {
			continue
		}
		words = []string{strings.ToUpper(command), "@" + t.Name}
		for _, w := range strings.Fields(text) {
			words = append(words, usualWord(w, t))
		}
		return words, true
	}
	return nil, false
}

// Commands returns the names of the commands that Usual knows for a type of value, "" for those of any type, in order.
func Commands(kind string) []string { return slices.Sorted(maps.Keys(usual()[kind])) }

// KindOf returns whether a command reads or writes its keys; kv.OpUnknown for one that is not known.
func KindOf(command string) (kind kv.OpKind) {
	monitor.Places([]string{command, "k", "v", "v"}, func(_ int, k kv.OpKind) { kind = max(kind, k) })
	return kind
}

// Counts reports whether a command takes the value for a number.
func Counts(command string) bool {
	return slices.Contains([]string{"incr", "incrby", "decr", "decrby", "incrbyfloat"}, strings.ToLower(command))
}

// kindOf returns the type of a template's values.
func kindOf(t *schema.Template) string {
	switch {
	case t.Type == "" && len(t.Value.Fields) > 0:
		return "hash"
	case t.Type == "json":
		return "string"
	}
	return t.Type
}

func usualWord(w string, t *schema.Template) string {
	v := &t.Value
	most := v.Elements.Typical()
	if most == 0 {
		most = usualElements
	}
	size := v.ElementSize
	if size == 0 {
		size = usualText
	}
	switch w {
	case "<field>":
		if len(v.Fields) == 0 {
			return fmt.Sprintf("{uint(0,%d)}", max(most-1, 1))
		}
		names := make([]string, len(v.Fields))
		for i := range v.Fields {
			names[i] = v.Fields[i].Name
		}
		return "{" + schema.Type{Kind: schema.TypeEnum, Values: names}.String() + "}"
	case "<text>":
		return fmt.Sprintf("{opaque(%d)}", min(size, longestText))
	case "<member>":
		if len(v.Members) > 0 {
			return "@" + t.Name + ".member"
		}
		return fmt.Sprintf("{uint(0,%d)}", max(most-1, 1))
	case "<rank>":
		return fmt.Sprintf("{uint(0,%d)}", max(most-1, 1))
	case "<most>":
		return strconv.FormatInt(most, 10)
	case "@value", "@ttl", "@seconds":
		return "@" + t.Name + "." + w[1:]
	}
	return w
}

// longestText bounds an element in a command, in bytes.
const longestText = 64 << 10
