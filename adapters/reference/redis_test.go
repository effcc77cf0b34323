package reference

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"pgregory.net/rapid"
)

// startRedis returns a connection to a real redis-server 7.0, the judge of this package.
func startRedis(t *testing.T) *servertest.Client {
	t.Helper()
	c := servertest.Redis(t, servertest.Options{Args: []string{"--enable-debug-command", "yes"}}).Client(t)
	if info, _ := c.Must(t, "INFO", "server").(string); !strings.Contains(info, "redis_version:7.0.") {
		t.Skip("the redis-server that is installed is not 7.0")
	}
	return c
}

// writes returns the commands that write what key holds.
func writes(e *Engine, r *kv.Record) (commands [][]string) {
	name := map[kv.Type]string{kv.TypeString: "SET", kv.TypeHash: "HSET", kv.TypeList: "RPUSH", kv.TypeSet: "SADD", kv.TypeZSet: "ZADD"}[r.Type]
	for part := range slices.Chunk(contents(e, r), 1000) {
		commands = append(commands, append([]string{name, r.Key}, part...))
	}
	return commands
}

// TestPresetsAgainstRedis loads the presets into a real server. Type, encoding and size of each key must be the same; the
// size of a skiplist, whose levels are random, within the tolerance of its own number of members.
func TestPresetsAgainstRedis(t *testing.T) {
	c := startRedis(t)
	for _, p := range []Preset{{Name: "shop", Keys: 24_000, Seed: 1}, {Name: "skewed", Keys: 500, Seed: 1}, {Name: "bigkeys", Keys: 500, Seed: 1}} {
		t.Run(p.Name, func(t *testing.T) {
			e := demo(t, p)
			all := records(t, e)
			c.Must(t, "FLUSHALL")
			var commands [][]string
			for i := range all {
				commands = append(commands, writes(e, &all[i])...)
			}
			c.Fill(t, len(commands), func(i int) []string { return commands[i] })
			if n := c.Must(t, "DBSIZE"); n != int64(len(all)) {
				t.Fatalf("the server has %v keys, want %d", n, len(all))
			}
			c.Must(t, "DEBUG", "RELOAD") // sizes are modelled for a server that has loaded its data
			compare(t, c, all)
		})
	}
}

// askScript answers for many keys in one go: type, encoding, size, type, encoding, size, …
const askScript = `local r = {}
for _, k in ipairs(KEYS) do
  r[#r+1] = redis.call('TYPE', k).ok
  r[#r+1] = redis.call('OBJECT', 'ENCODING', k)
  r[#r+1] = redis.call('MEMORY', 'USAGE', k, 'SAMPLES', '0')
end
return r`

func compare(t *testing.T, c *servertest.Client, all []kv.Record) {
	t.Helper()
	sum, sumWant := int64(0), int64(0)
	for part := range slices.Chunk(all, 1000) {
		args := []string{"EVAL", askScript, strconv.Itoa(len(part))}
		for _, r := range part {
			args = append(args, r.Key)
		}
		replies, _ := c.Must(t, args...).([]any)
		for i, r := range part {
			typ, enc, size := replies[3*i], replies[3*i+1], replies[3*i+2].(int64)
			if typ != string(r.Type) || enc != string(r.Encoding) {
				t.Errorf("%s: %s %s, the server says %v %v", r.Key, r.Type, r.Encoding, typ, enc)
			}
			if math.Abs(float64(r.Size-size)) > tolerance(&r) {
				t.Errorf("%s (%s of %d): %d bytes, the server says %d", r.Key, r.Encoding, r.Len, r.Size, size)
			}
			sum, sumWant = sum+r.Size, sumWant+size
		}
	}
	t.Logf("%d keys: %d bytes, the server says %d (%+.4f %%)", len(all), sum, sumWant, 100*(float64(sum)/float64(sumWant)-1))
}

// tolerance returns how far a size may be off. The levels of a skiplist's nodes have a standard deviation of 2/3 of a level,
// of 16 bytes each; what the allocator makes of it is not more than double. Five deviations of the sum are allowed.
func tolerance(r *kv.Record) float64 {
	if r.Encoding != kv.EncodingSkiplist {
		return 0
	}
	return 5 * 2 * 16 * 0.67 * math.Sqrt(float64(r.Len))
}

// TestHistoriesAgainstRedis runs random histories on both, at Redis's own thresholds, with elements about their limits.
// After each: type, encoding, contents, and the size where the server's has no slack.
func TestHistoriesAgainstRedis(t *testing.T) {
	server := startRedis(t)
	rapid.Check(t, func(t *rapid.T) {
		server.Do("FLUSHALL")
		e := New(Options{Clock: newClock().time})
		appended := map[string]bool{}
		for range rapid.IntRange(1, 25).Draw(t, "commands") {
			c := command().Draw(t, "command")
			if got, want := run(e, c), server.Do(c...); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%.200q: %v, the server says %v", c, got, want)
			}
			if c[0] == "APPEND" {
				appended[c[1]] = true
			} else if c[0] == "SET" {
				delete(appended, c[1])
			}
		}
		for _, k := range []string{"a", "b", "c"} {
			compareKey(t, server, e, k, appended[k])
		}
	})
}

// command draws a command with its key.
func command() *rapid.Generator[[]string] {
	return rapid.Custom(func(t *rapid.T) []string {
		c := []string{
			rapid.SampledFrom([]string{"SET", "APPEND", "INCRBY", "HSET", "HDEL", "RPUSH", "LPUSH", "RPOP", "LPOP", "SADD", "SREM", "ZADD", "ZREM", "DEL"}).Draw(t, "name"),
			rapid.SampledFrom([]string{"a", "a", "a", "b", "c"}).Draw(t, "key"),
		}
		n := 1
		if rapid.IntRange(0, 4).Draw(t, "bulk") == 0 {
			n = rapid.SampledFrom([]int{2, 120, 128, 129, 500, 512, 513}).Draw(t, "n")
		}
		from := rapid.IntRange(-100, 500).Draw(t, "from")
		for i := range n {
			item := edge().Draw(t, "element")
			if n > 2 {
				item = strconv.Itoa(from + i)
			}
			switch c[0] {
			case "SET", "APPEND":
				return append(c, item)
			case "INCRBY":
				return append(c, strconv.Itoa(from))
			case "RPOP", "LPOP", "DEL":
				return c
			case "HSET":
				c = append(c, item, edge().Draw(t, "value"))
			case "ZADD":
				c = append(c, score().Draw(t, "score"), item)
			default:
				c = append(c, item)
			}
		}
		return c
	})
}

// edge draws elements on both sides of every limit.
func edge() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string {
			n := rapid.SampledFrom([]int{0, 1, 19, 20, 21, 31, 32, 43, 44, 45, 63, 64, 65, 126, 255, 256, 4095, 4096, 8180, 8190, 70_000}).Draw(t, "length")
			return strings.Repeat(rapid.SampledFrom([]string{"x", "7"}).Draw(t, "byte"), n)
		}),
		rapid.Custom(func(t *rapid.T) string { return strconv.FormatInt(rapid.Int64().Draw(t, "number"), 10) }),
		rapid.SampledFrom([]string{"127", "128", "-4096", "-4097", "4095", "32768", "8388608", "2147483648", "-0", "007", "1.5", "\x00\xff", "9223372036854775808"}),
	)
}

func score() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Custom(func(t *rapid.T) string { return strconv.FormatFloat(rapid.Float64().Draw(t, "score"), 'g', -1, 64) }),
		rapid.SampledFrom([]string{"0", "1", "-1", "0.1", "1e17", "1e16", "4503599627370496", "123456789.125", "inf", "-inf", "1e-7", "-0"}),
	)
}

// run gives c to the engine and returns what a server would reply.
func run(e *Engine, c []string) any {
	reply := func(n int, err error) any {
		if err != nil {
			return err
		}
		return n
	}
	popped := func(s string, ok bool, err error) any {
		switch {
		case err != nil:
			return err
		case !ok:
			return nil
		}
		return s
	}
	key, args := c[1], c[2:]
	switch c[0] {
	case "SET":
		e.Set(key, args[0])
		return "OK"
	case "APPEND":
		return reply(e.Append(key, args[0]))
	case "INCRBY":
		by, _ := strconv.ParseInt(args[0], 10, 64)
		n, err := e.IncrBy(key, by)
		return reply(int(n), err)
	case "HSET":
		return reply(e.HSet(key, args...))
	case "HDEL":
		return reply(e.HDel(key, args...))
	case "RPUSH":
		return reply(e.RPush(key, args...))
	case "LPUSH":
		return reply(e.LPush(key, args...))
	case "RPOP":
		return popped(e.RPop(key))
	case "LPOP":
		return popped(e.LPop(key))
	case "SADD":
		return reply(e.SAdd(key, args...))
	case "SREM":
		return reply(e.SRem(key, args...))
	case "ZADD":
		var items []Member
		for i := 0; i < len(args); i += 2 {
			x, _ := strconv.ParseFloat(args[i], 64)
			items = append(items, Member{Score: x, Member: args[i+1]})
		}
		return reply(e.ZAdd(key, items...))
	case "ZREM":
		return reply(e.ZRem(key, args...))
	default:
		return e.Del(key)
	}
}

func compareKey(t *rapid.T, c *servertest.Client, e *Engine, key string, appended bool) {
	r, ok := e.look(key)
	if exists := c.Do("EXISTS", key) == int64(1); exists != ok {
		t.Fatalf("%s is there: %v, the server says %v", key, ok, exists)
	}
	if !ok {
		return
	}
	if typ, enc := c.Do("TYPE", key), c.Do("OBJECT", "ENCODING", key); typ != string(r.Type) || enc != string(r.Encoding) {
		t.Fatalf("%s: %s %s, the server says %v %v", key, r.Type, r.Encoding, typ, enc)
	}
	if got, want := shown(e, &r), flat(c.Do(reads(&r)...), r.Type); !slices.Equal(got, want) {
		t.Fatalf("%s: %.300q, the server says %.300q", key, got, want)
	}
	// A table may be half way through a rehash, a skiplist has random levels, and APPEND reserves room.
	if r.Encoding == kv.EncodingHashtable || r.Encoding == kv.EncodingSkiplist || appended {
		return
	}
	if size := c.Do("MEMORY", "USAGE", key, "SAMPLES", "0"); size != r.Size {
		t.Fatalf("%s (%s of %d): %d bytes, the server says %v", key, r.Encoding, r.Len, r.Size, size)
	}
}

// reads returns the command that reads all that r's key holds.
func reads(r *kv.Record) []string {
	switch r.Type {
	case kv.TypeString:
		return []string{"GET", r.Key}
	case kv.TypeHash:
		return []string{"HGETALL", r.Key}
	case kv.TypeList:
		return []string{"LRANGE", r.Key, "0", "-1"}
	case kv.TypeSet:
		return []string{"SMEMBERS", r.Key}
	default:
		return []string{"ZRANGE", r.Key, "0", "-1"}
	}
}

// shown returns what a key of e holds in the form of flat.
func shown(e *Engine, r *kv.Record) []string {
	args := contents(e, r)
	if r.Type == kv.TypeZSet { // score, member, score, member
		var members []string
		for i := 1; i < len(args); i += 2 {
			members = append(members, args[i])
		}
		return members
	}
	return flatten(args, r.Type)
}

func flat(reply any, typ kv.Type) []string {
	all, isArray := reply.([]any)
	if !isArray {
		all = []any{reply}
	}
	texts := make([]string, len(all))
	for i, x := range all {
		texts[i], _ = x.(string)
	}
	return flatten(texts, typ)
}

// flatten sorts what has no order: the members of a set, the fields of a hash with their values.
func flatten(texts []string, typ kv.Type) []string {
	switch typ {
	case kv.TypeSet:
		slices.Sort(texts)
	case kv.TypeHash:
		var fields []string
		for i := 0; i < len(texts); i += 2 {
			fields = append(fields, texts[i]+"\x00=\x00"+texts[i+1])
		}
		slices.Sort(fields)
		return fields
	}
	return texts
}
