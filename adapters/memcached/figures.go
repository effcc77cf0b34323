package memcached

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/kv"
)

// addStats reads the reply to stats, of which the first line was read, and adds it up with those of other servers.
func (w *session) addStats(c *wire, line []byte) (n int, err error) {
	if w.stats == nil {
		w.stats = stats{}
	}
	own := stats{}
	for {
		done, err := own.add(line)
		if err != nil {
			return n, err
		}
		if done {
			break
		}
		if len(own) > mostStats {
			return n, fmt.Errorf("%w: more than %d statistics", errProtocol, mostStats)
		}
		if line, err = w.line(c); err != nil {
			return n, err
		}
		n += len(line) + 2
	}
	for name := range own {
		w.stats[name] = fmt.Sprint(w.stats.number(name) + own.number(name))
	}
	return n, nil
}

// info writes the statistics as INFO of Redis does: those that both have under Redis's names, all under memcached's.
func (w *session) info(op *kv.Op) []byte {
	s := w.stats
	w.stats = nil
	if !op.Want {
		return nil
	}
	var b strings.Builder
	commands := int64(0)
	for name := range s {
		if strings.HasPrefix(name, "cmd_") || strings.HasPrefix(name, "delete_") || strings.HasPrefix(name, "incr_") || strings.HasPrefix(name, "decr_") {
			commands += s.number(name)
		}
	}
	for _, x := range []struct {
		redis string
		n     int64
	}{
		{"used_memory", s.number("bytes")},
		{"maxmemory", s.number("limit_maxbytes")},
		{"evicted_keys", s.number("evictions")},
		{"total_commands_processed", commands},
		{"keyspace_hits", s.number("get_hits")},
		{"keyspace_misses", s.number("get_misses")},
	} {
		fmt.Fprintf(&b, "%s:%d\r\n", x.redis, x.n)
	}
	for _, name := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "memcached_%s:%s\r\n", name, s[name])
	}
	return []byte(b.String())
}
