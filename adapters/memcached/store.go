package memcached

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/kv"
)

// A store is one server or several, of which each has its part of the keys.
type store struct {
	cfg     config
	servers []*server
	ring    *place.Layout // where clients look for a key; nil of one server, or where nobody knows
}

// A server is one of a store's.
type server struct {
	cfg   *config
	addr  string
	known atomic.Pointer[limits] // nil until a session has asked
}

func newStore(cfg config) *store {
	s := &store{cfg: cfg}
	for _, addr := range cfg.servers {
		s.servers = append(s.servers, &server{cfg: &s.cfg, addr: addr})
	}
	switch {
	case len(cfg.servers) == 1:
	case cfg.placement == "ketama":
		s.ring = place.Ketama(cfg.servers)
	case cfg.placement == "modulo":
		s.ring = place.Modulo(len(cfg.servers))
	}
	return s
}

func (s *store) Close() error { return nil }

// Shards implements kv.Sharder: each server is one, however many are asked for, since its dump cannot be divided.
func (s *store) Shards(context.Context, int) ([]kv.Shard, error) {
	shards := make([]kv.Shard, len(s.servers))
	for i, srv := range s.servers {
		shards[i].Name = srv.addr
	}
	return shards, nil
}

// of returns the servers of a shard: all of them for the zero Shard.
func (s *store) of(sh kv.Shard) ([]*server, error) {
	if sh.Name == "" {
		return s.servers, nil
	}
	i := slices.IndexFunc(s.servers, func(srv *server) bool { return srv.addr == sh.Name })
	if i < 0 {
		return nil, kv.Usagef("%s has no server %q", s.cfg.target, sh.Name)
	}
	return s.servers[i : i+1], nil
}

// A clock is a server's: of its own it says seconds since 1970, and times of items are by it.
type clock struct {
	now    int64         // when it was asked
	asked  time.Time     // here
	behind time.Duration // of ours; 0 where the two are the same, as far as seconds tell
}

// The server counts whole seconds, and an answer takes its time: clocks that differ by less are taken for the same.
const clockSlack = 3 * time.Second

func clockOf(general stats, asked time.Time) clock {
	c := clock{now: general.number("time"), asked: asked}
	if c.now <= 0 {
		return clock{now: asked.Unix(), asked: asked}
	}
	if off := asked.Sub(time.Unix(c.now, 0)); off.Abs() >= clockSlack {
		c.behind = off.Round(time.Second)
	}
	return c
}

// time returns a moment of the server's clock by ours.
func (c *clock) time(seconds int64) time.Time { return time.Unix(seconds, 0).Add(c.behind) }

// idle returns how long ago a moment of the server's clock was, when so much time has passed since it was asked.
func (c *clock) idle(seconds int64, passed time.Duration) time.Duration {
	return max(0, time.Duration(c.now-seconds)*time.Second+passed.Truncate(time.Second))
}

// A release is a version's numbers: 1.6.18 is {1, 6, 18}.
type release [3]int

// releaseOf reads a version, of which distributions add to the end. It is zero for what is none.
func releaseOf(version string) (r release) {
	for i, part := range strings.SplitN(version, ".", len(r)) {
		n := 0
		for n < len(part) && part[n] >= '0' && part[n] <= '9' {
			n++
		}
		if n == 0 || n > 4 {
			return release{}
		}
		_, _ = fmt.Sscan(part[:n], &r[i])
	}
	return r
}

func (r release) before(o release) bool { return slices.Compare(r[:], o[:]) < 0 }

// What came with which release: ReleaseNotes of 1.4.31, 1.5.6 and 1.6.0.
var (
	firstMetadump = release{1, 4, 31}
	firstWhole    = release{1, 5, 6} // before it a dump may lack its END
	firstMeta     = release{1, 6, 0} // me, mg, ms
)
