package reference

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
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
func writes(e *store, r *kv.Record) (commands [][]string) {
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
