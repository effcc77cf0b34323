package redis

import (
	"maps"
	"strings"

	"github.com/kvtool/kvtool/kv"
)

// sent counts what the scan has sent, by the names under which a server counts it.
func (sc *scan) sent() map[string]int64 {
	n := map[string]int64{"scan": sc.pages}
	for i := range sc.plans {
		for _, x := range sc.plans[i].attrs {
			n[statName(x)] += sc.plans[i].asked
		}
	}
	for x, asked := range sc.lengthsAsked {
		if asked > 0 {
			n[statName(attr(x))] += asked
		}
	}
	return n
}

// statName is the name of an attribute's command in commandstats: type, object|encoding.
func statName(x attr) string { return strings.ToLower(strings.Join(attrs[x].words, "|")) }

// addCounts adds the counts of b to a, which may be nil.
func addCounts(a, b map[string]int64) map[string]int64 {
	if a == nil {
		return maps.Clone(b)
	}
	for name, n := range b {
		a[name] += n
	}
	return a
}

// Sent tells what the scans that have ended have sent.
func (s *store) Sent() map[string]kv.Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]kv.Sent{s.cfg.addr: {Commands: maps.Clone(s.learned.sent), Hits: s.learned.hits}}
}

// Sent tells what was sent to each node.
func (c *cluster) Sent() map[string]kv.Sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]kv.Sent{}
	for _, s := range c.stores {
		addSent(all, s.Sent())
	}
	return all
}

// Sent tells what was sent to each server that the sentinels have named.
func (w *watched) Sent() map[string]kv.Sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]kv.Sent{}
	for _, s := range w.stores {
		addSent(all, s.Sent())
	}
	return all
}

// Sent tells what was sent to each of the servers.
func (sh *sharding) Sent() map[string]kv.Sent {
	all := map[string]kv.Sent{}
	for _, n := range sh.nodes {
		if n.store != nil {
			addSent(all, n.store.Sent())
		}
	}
	return all
}

func addSent(to, from map[string]kv.Sent) {
	for place, s := range from {
		is := to[place]
		to[place] = kv.Sent{Commands: addCounts(is.Commands, s.Commands), Hits: is.Hits + s.Hits}
	}
}
