package keyspace

// due reports whether a record is past its expiry: in the millisecond after it, as in a server (db.c: keyIsExpired).
func (s *Shard) due(r record) bool {
	return r.expires() && s.now > r.expiry()
}

// expire removes a key that is due.
func (s *Shard) expire(it Item) {
	if s.o.Settings.Frozen {
		return
	}
	if s.o.Expired != nil {
		s.o.Expired(it.DB(), it.Key())
	}
	s.stats.Expired++
	s.Delete(it)
}

// watch is told of each expiry that is set.
func (s *Shard) watch(Item) {}
