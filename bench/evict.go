package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

const (
	evictKeys     = 20_000
	evictCapacity = 16_000_000 // bytes for keys: so many that the server's own buffers weigh little
	evictValue    = 4000       // bytes
	evictLimit    = 0.005      // by how much miss ratios may differ
)

// A cached is a server that is used as a cache, and how it did.
type cached struct {
	*client
	missed, refused int
}

// measureEvict replays one trace under each policy on both servers, all policies side by side: a lane waits for round trips most of
// its time, and only what the two servers of one lane answer is compared.
func measureEvict(ctx context.Context, b *bench, r *result) error {
	requests := int(b.keys / 10)
	policies := []string{
		"noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
	}
	b.say("%d requests under each of %d policies", requests, len(policies))
	theirs, ours := make([]*cached, len(policies)), make([]*cached, len(policies))
	if err := sideBySide(len(policies), len(policies), func(i int) (err error) {
		if theirs[i], ours[i], err = b.replay(ctx, policies[i], requests); err != nil {
			err = fmt.Errorf("%s: %w", policies[i], err)
		}
		return err
	}); err != nil {
		return err
	}
	var table strings.Builder
	table.WriteString("| policy | `redis-server` | `kvtool serve` | difference | out of memory |\n|---|---|---|---|---|\n")
	for i, policy := range policies {
		n, theirs, ours := float64(requests), theirs[i], ours[i]
		off := float64(ours.missed-theirs.missed) / n
		r.bars = append(r.bars, bar{
			figure: policy + ": miss ratio, difference", got: math.Abs(off), shown: fmt.Sprintf("%+.4f", off), limit: evictLimit,
		})
		fmt.Fprintf(&table, "| %s | %.4f | %.4f | %+.4f | %d, %d |\n",
			policy, float64(theirs.missed)/n, float64(ours.missed)/n, off, theirs.refused, ours.refused)
	}
	r.data = fmt.Sprintf("%d requests for %d keys.", requests, evictKeys)
	r.commands = []string{
		"redis-server --maxmemory-policy POLICY", "kvtool serve --preset empty --shards 1   # CONFIG SET maxmemory-policy POLICY",
	}
	r.tables = table.String()
	return nil
}

// sideBySide calls fn with each number below n, at most so many at a time, and returns all errors.
func sideBySide(n, most int, fn func(i int) error) error {
	errs, turn := make([]error, n), make(chan struct{}, most)
	var wg sync.WaitGroup
	for i := range n {
		turn <- struct{}{}
		wg.Go(func() {
			errs[i] = fn(i)
			<-turn
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// replay sends the trace to a redis-server and to the engine, each request to both.
func (b *bench) replay(ctx context.Context, policy string, requests int) (theirs, ours *cached, err error) {
	redis, err := startServer(ctx, filepath.Join(b.dir, "evict-"+policy))
	if err != nil {
		return nil, nil, err
	}
	defer redis.stop()
	engine, err := startOther(ctx, pings, b.bin.kvtool, "serve", "--preset", "empty", "--shards", "1", "--listen")
	if err != nil {
		return nil, nil, err
	}
	defer engine.stop()
	if theirs, err = redis.cache(policy); err != nil {
		return nil, nil, err
	}
	defer theirs.Close()
	if ours, err = engine.cache(policy); err != nil {
		return nil, nil, err
	}
	defer ours.Close()
	r := rand.New(rand.NewPCG(4, 2))
	for range requests {
		id := int(math.Pow(evictKeys, r.Float64()))
		if err := errors.Join(theirs.request(id), ours.request(id)); err != nil {
			return nil, nil, err
		}
	}
	return theirs, ours, nil
}

// cache makes a server one, with a limit beyond what it uses now.
func (s *server) cache(policy string) (*cached, error) {
	c, err := s.connect()
	if err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"CONFIG", "SET", "maxmemory-policy", policy}, {"SET", "a", strings.Repeat("x", evictValue)}, {"GET", "a"}, {"DEL", "a"},
	} { // the buffers of the connection have grown from then on
		if _, err := c.do(args...); err != nil {
			return nil, err
		}
	}
	info, err := c.do("INFO", "memory")
	if err != nil {
		return nil, err
	}
	limit := number(info, "\nused_memory:") + evictCapacity
	_, err = c.do("CONFIG", "SET", "maxmemory", strconv.FormatInt(limit, 10))
	return &cached{client: c}, err
}

// request asks for a key, and writes it if it is not there, with an expiry that nobody lives to see.
func (c *cached) request(id int) error {
	key := "key:" + strconv.Itoa(id)
	if _, err := c.do("GET", key); err == nil || !errors.Is(err, errNil) {
		return err
	}
	c.missed++
	ttl := 100_000 + id*7919%100_000
	_, err := c.do("SET", key, strings.Repeat("v", evictValue), "EX", strconv.Itoa(ttl))
	var no refusal
	if errors.As(err, &no) && strings.HasPrefix(string(no), "OOM ") {
		c.refused++
		return nil
	}
	return err
}
