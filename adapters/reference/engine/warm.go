package engine

import "github.com/kvtool/kvtool/adapters/reference/keyspace"

// Ahead is how many requests that have arrived together are looked at before they run.
const Ahead = 16

// fewest is the least number of requests that are worth warming.
const fewest = 4

// Warm reads what requests of one batch, Ahead at most, are about to read: Run follows with each of them. In a large store nearly
// every request waits for memory several times, and what one waits for depends on what it has read before; but requests do not
// depend on one another, so all of them can wait together. Nothing else changes.
//
// Only what is in the shard of the first key is read: its lock is the one that the first request takes anyway.
func (s *Session) Warm(batch [][][]byte) {
	if len(batch) < fewest || s.state != 0 || s.e.attention.Load()&paused != 0 {
		return
	}
	if s.last == 0 {
		s.begin()
	}
	var keys [Ahead]warming
	n, shard := 0, -1
	for _, args := range batch {
		w, ok := s.warmingOf(args)
		if !ok {
			continue
		}
		if shard < 0 {
			shard = s.e.shardOf(w.hash)
		}
		if s.e.shardOf(w.hash) == shard {
			keys[n] = w
			n++
		}
	}
	if n < fewest {
		return
	}
	s.lock(1 << shard)
	s.warm(s.e.shards[shard].Shard, keys[:n])
}

// A warming is what is about to be read by one request.
type warming struct {
	cmd     *command
	key     []byte
	hash    uint64
	element []byte
}

// warmingOf reports false for a request that reads more, or less, than one key.
func (s *Session) warmingOf(args [][]byte) (w warming, ok bool) {
	cmd := s.recent
	if cmd == nil || !sameName(args[0], cmd.name) {
		if cmd = s.e.table.find(args[0]); cmd == nil {
			return w, false
		}
		if len(cmd.sub) == 0 { // Run believes recent, and would look for no subcommand
			s.recent = cmd
		}
	}
	if cmd.lock != lockOne || len(args) <= max(cmd.keys[0].index, cmd.warmed) {
		return w, false
	}
	key := args[cmd.keys[0].index]
	return warming{cmd, key, keyspace.Hash(key), args[cmd.warmed]}, true
}

func (s *Session) warm(shard *keyspace.Shard, all []warming) {
	var hashes [Ahead]uint64
	for i := range all {
		hashes[i] = all[i].hash
	}
	shard.Warm(s.db, hashes[:len(all)])
	var room [Ahead][]byte
	for len(all) > 0 {
		first, elements := &all[0], room[:0]
		for len(all) > 0 && all[0].cmd == first.cmd && string(all[0].key) == string(first.key) {
			elements = append(elements, all[0].element)
			all = all[1:]
		}
		if first.cmd.warm != nil && len(elements) > 1 {
			s.call.hashed = nil
			first.cmd.warm(&s.call, first.key, elements)
		}
	}
}
