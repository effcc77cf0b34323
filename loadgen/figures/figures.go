// Package figures reads, second by second, what a server that answers INFO says of itself while it is under load: operations, hits,
// memory, evictions. The one idea is that counters are of the run: each is what it has grown by since the first reading.
package figures

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/kv"
)

// A Reader asks over a session of its own. It is not safe for concurrent use.
type Reader struct {
	session kv.Session
	first   map[string]float64
	last    map[string]float64
}

// New returns a reader that has taken the first reading; it fails where the store answers no INFO.
func New(ctx context.Context, d kv.Driver, opt kv.SessionOptions) (*Reader, error) {
	s, err := d.Session(ctx, opt)
	if err != nil {
		return nil, err
	}
	r := &Reader{session: s}
	if r.first, err = r.info(); err != nil {
		s.Close()
		return nil, err
	}
	r.last = r.first
	return r, nil
}

// Close ends the session.
func (r *Reader) Close() error { return r.session.Close() }

// Read returns the figures of now: used_memory and, if there is a limit, maxmemory in bytes; evicted and expired keys, hits and misses
// since the first reading, and what is metered; hit_rate and ops since the one before.
func (r *Reader) Read() (map[string]float64, error) {
	now, err := r.info()
	if err != nil {
		return nil, err
	}
	since := func(of map[string]float64, name string) float64 { return max(0, now[name]-of[name]) } // less after a restart
	out := map[string]float64{
		"used_memory": now["used_memory"],
		"evicted":     since(r.first, "evicted_keys"),
		"expired":     since(r.first, "expired_keys"),
		"ops":         since(r.last, "total_commands_processed"),
		"blocked":     now["blocked_clients"],
		"hits":        since(r.first, "keyspace_hits"),
		"misses":      since(r.first, "keyspace_misses"),
	}
	for name, of := range map[string]string{
		"expired": "expired_keys", "blocked": "blocked_clients", "evicted": "evicted_keys", "used_memory": "used_memory",
	} {
		if _, told := now[of]; !told { // as by Memcached: 0 would be a claim
			delete(out, name)
		}
	}
	for name := range now {
		if Metered(name) {
			out[name] = since(r.first, name)
		}
	}
	if now["maxmemory"] > 0 {
		out["maxmemory"] = now["maxmemory"]
	}
	hits, misses := since(r.last, "keyspace_hits"), since(r.last, "keyspace_misses")
	if hits+misses > 0 {
		out["hit_rate"] = hits / (hits + misses)
	}
	r.last = now
	return out, nil
}

// Metered reports whether a figure is of what a store meters, as DynamoDB does: units that were taken, and requests that were refused,
// those of a reason behind "throttled_".
func Metered(name string) bool {
	return name == "read_units" || name == "write_units" || name == "failed_conditions" || strings.HasPrefix(name, "throttled")
}

// HitRate is that of all since the first reading, and whether anything was read.
func (r *Reader) HitRate() (float64, bool) {
	since := func(name string) float64 { return max(0, r.last[name]-r.first[name]) } // less after a restart
	hits, misses := since("keyspace_hits"), since("keyspace_misses")
	return hits / (hits + misses), hits+misses > 0
}

// steadyReadings is over how many readings hit rates are compared with those before: one alone says more of chance than of the cache.
const steadyReadings = 5

// Stable returns a function that is told readings, one a second, and reports whether the hit rate is stable by now: that of the last
// five differs by no more than a share from that of the five before.
func Stable(share float64) func(reading map[string]float64) bool {
	var rates []float64
	mean := func(xs []float64) (sum float64) {
		for _, x := range xs {
			sum += x / float64(len(xs))
		}
		return sum
	}
	return func(reading map[string]float64) bool {
		rate, ok := reading["hit_rate"]
		if !ok {
			return false // nothing was read
		}
		rates = append(rates, rate)
		if len(rates) < 2*steadyReadings {
			return false
		}
		rates = rates[len(rates)-2*steadyReadings:]
		return math.Abs(mean(rates[:steadyReadings])-mean(rates[steadyReadings:])) <= share
	}
}

func (r *Reader) info() (map[string]float64, error) {
	out := make([]kv.Result, 1)
	if err := r.session.Do([]kv.Op{{Want: true, Args: [][]byte{[]byte("INFO")}}}, out); err != nil {
		return nil, err
	}
	switch {
	case out[0].Status == kv.Failed:
		return nil, out[0].Err
	case len(out[0].Values) != 1:
		return nil, errors.New("INFO: no text")
	}
	return Parse(out[0].Values[0]), nil
}

// Parse returns the numbers of an INFO text by name, as far as they are finite.
func Parse(text []byte) map[string]float64 {
	all := map[string]float64{}
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		name, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		if x, err := strconv.ParseFloat(string(value), 64); ok && err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) && len(name) < 64 {
			all[string(name)] = x
		}
	}
	return all
}
