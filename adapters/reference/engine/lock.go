package engine

import "github.com/kvtool/kvtool/adapters/reference/keyspace"

// longRun is after how many commands a session lets others have its shards, in the middle of a batch.
const longRun = 256

// everyShard is the set of all shards.
func (e *Engine) everyShard() uint64 { return 1<<len(e.shards) - 1 } // of 64: 1<<64 - 1 wraps to all ones

// lock takes the shards of need, unless the session has them. Those that it has and does not need go if it has to take others:
// locks are only ever taken in ascending order.
func (s *Session) lock(need uint64) {
	if need&^s.held == 0 {
		if s.run++; s.run < longRun || s.state&executing != 0 {
			return
		}
	}
	s.unlock()
	s.held, s.run = need, 0
	s.e.lockShards(need, &s.post)
}

func (s *Session) unlock() {
	s.e.unlockShards(s.held)
	s.held = 0
}

// hasAll reports whether the session has every shard.
func (s *Session) hasAll() bool { return s.held == s.e.everyShard() }

func (e *Engine) lockShards(set uint64, m *mail) {
	for i := 0; set != 0; i, set = i+1, set>>1 {
		if set&1 != 0 {
			e.shards[i].Mu.Lock()
			e.shards[i].mail = m
		}
	}
}

func (e *Engine) unlockShards(set uint64) {
	for i := 0; set != 0; i, set = i+1, set>>1 {
		if set&1 != 0 {
			e.shards[i].Mu.Unlock()
		}
	}
}

// exclusively calls fn with every shard locked, for what is no client's request: a timeout, a cron job. Its mail is delivered
// afterwards.
func (e *Engine) exclusively(fn func(m *mail)) {
	var m mail
	all := e.everyShard()
	e.lockShards(all, &m)
	now := e.clock.Now() / 1000
	for _, s := range e.shards {
		s.Tick(now)
	}
	func() {
		defer e.unlockShards(all)
		fn(&m)
	}()
	m.deliver()
}

// lockFor takes the shards that a call needs, and tells them the time.
func (s *Session) lockFor(cmd *command, args [][]byte) {
	c := &s.call
	c.hashed = nil
	switch cmd.lock {
	case lockNone:
		return
	case lockOne:
		c.hashed = args[cmd.keys[0].index]
		c.hash = keyspace.Hash(c.hashed)
		c.shard = s.e.shardOf(c.hash)
		s.lock(1 << c.shard)
		s.e.shards[c.shard].Tick(c.now)
		return
	case lockKeys:
		s.lock(s.shardsOf(cmd, args))
	case lockAll:
		s.lock(s.e.everyShard())
	}
	s.tick()
}

// tick tells all shards that the session has what time it is.
func (s *Session) tick() {
	for i, held := 0, s.held; held != 0; i, held = i+1, held>>1 {
		if held&1 != 0 {
			s.e.shards[i].Tick(s.call.now)
		}
	}
}

// shardsOf returns the shards of the keys of a call.
func (s *Session) shardsOf(cmd *command, args [][]byte) uint64 {
	if len(s.e.shards) == 1 {
		return 1
	}
	var need uint64
	add := func(i int) { need |= 1 << s.e.shardOf(keyspace.Hash(args[i])) }
	cmd.eachKey(args, func(i int, _ string) { add(i) })
	for _, k := range cmd.keys {
		if k.keyword == "" {
			continue
		}
		for i := range len(args) - 1 { // a key is what follows the first of them, but GEORADIUS goes by the last
			if sameName(args[i], k.keyword) {
				add(i + 1)
			}
		}
	}
	return need
}

// Lock locks one shard, at the present time, for what is no client's request. unlock must be called; it tells clients what the
// visit has brought about, such as that a key has expired.
func (e *Engine) Lock(i int) (shard *keyspace.Shard, unlock func()) {
	m := &mail{}
	e.lockShards(1<<i, m)
	e.shards[i].Tick(e.clock.Now() / 1000)
	return e.plain[i], func() {
		e.unlockShards(1 << i)
		m.deliver()
	}
}
