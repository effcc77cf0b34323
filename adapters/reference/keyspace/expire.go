package keyspace

import "github.com/kvtool/kvtool/internal/evict"

// Expiry says how keys go whose time has come. To whoever looks for one it is absent at once, under each.
type Expiry uint8

// The ways. Exact is the only one under which a key is absent in the millisecond of its expiry; a server is one later (db.c:
// keyIsExpired).
const (
	ExpireActive Expiry = iota // when it is looked for, and by the cycle that Cron runs: as a server does it
	ExpireLazy                 // only when it is looked for (DEBUG SET-ACTIVE-EXPIRE 0)
	ExpireExact                // in the millisecond of its expiry, at the next Tick
)

// due reports whether a record is past its expiry.
func (s *Shard) due(r record) bool {
	if !r.expires() {
		return false
	}
	if s.o.Settings.Expiry == ExpireExact {
		return s.now >= r.expiry()
	}
	return s.now > r.expiry()
}

// expire removes a key that is due, unless keys are frozen.
func (s *Shard) expire(it Item) {
	if !s.o.Settings.Frozen {
		s.expireNow(it)
	}
}

func (s *Shard) expireNow(it Item) {
	if s.o.Expired != nil {
		s.o.Expired(it.DB(), it.Key())
	}
	s.stats.Expired++
	s.Delete(it)
}

// The active cycle of a server (expire.c: activeExpireCycle).
const (
	keysPerLoop     = 20
	fastMicros      = 1000
	slowPercent     = 25 // of the time
	acceptableStale = 10 // percent
	cronDatabases   = 16 // databases that one cycle visits (CRON_DBS_PER_CALL)
	loopsPerCheck   = 16
	bucketsPerKey   = 20 // looked at for each key wanted
	leastFilled     = 1  // percent of the buckets, below which sampling is too dear
)

// A cycle is what the active cycle knows from one call to the next.
type cycle struct {
	db       int // the next to be visited
	cut      bool
	lastFast int64
	stale    float64 // estimated share of keys that are due and there
	tableDB  int     // the next database whose tables are looked at
	rehashDB int
}

// pace is how much one run of the cycle does.
type pace struct {
	keys, stale int // of a loop; percent after which it is repeated
	loops       int // after which it ends if there is no clock
	expired     func() bool
}

func (s *Shard) pace(micros int, expired func() bool) pace {
	effort := s.o.Settings.Effort - 1
	p := pace{keys: keysPerLoop + keysPerLoop/4*effort, stale: acceptableStale - effort, expired: expired}
	p.loops = max(1, micros/p.keys) // without a clock, a key counts as a microsecond
	return p
}

// Cron is what a server does hz times a second: the slow cycle of expiry, then its tables shrink and move on. Items that were found
// before are not valid afterwards. expired says after each 16 loops whether a quarter of the time between two calls is over
// (active-expire-effort adds to the share, see CronShare); nil counts keys instead, so that the same calls do the same everywhere.
func (s *Shard) Cron(expired func() bool) {
	if s.o.Settings.Expiry == ExpireActive && !s.o.Settings.Frozen {
		micros := s.CronShare() * 1e6 / 100 / s.o.Settings.HZ
		s.runCycle(s.pace(micros, expired))
	}
	s.records.Compact(movesPerCron, s.moved)
	for range min(cronDatabases, len(s.spaces)) {
		s.shrink(s.spaces[s.cycle.tableDB%len(s.spaces)])
		s.cycle.tableDB++
	}
	for range min(cronDatabases, len(s.spaces)) {
		if s.rehashIdle(s.spaces[s.cycle.rehashDB%len(s.spaces)]) {
			return
		}
		s.cycle.rehashDB++
	}
}

// CronShare returns the percentage of time that Cron may take for expiry.
func (s *Shard) CronShare() int { return slowPercent + 2*(s.o.Settings.Effort-1) }

// Fast is what a server does before it waits for its clients: the fast cycle of expiry, if the last one left much to do. expired is
// as for Cron, and is for a millisecond.
func (s *Shard) Fast(expired func() bool) {
	if s.o.Settings.Expiry != ExpireActive || s.o.Settings.Frozen {
		return
	}
	micros := fastMicros + fastMicros/4*(s.o.Settings.Effort-1)
	p := s.pace(micros, expired)
	if !s.cycle.cut && s.cycle.stale < float64(p.stale) { // a share held against a percentage, as in 7.0: without cut it never runs
		return
	}
	if (s.now-s.cycle.lastFast)*1000 < int64(2*micros) {
		return
	}
	s.cycle.lastFast = s.now
	s.runCycle(p)
}

// over reports whether the time is up after so many loops.
func (p pace) over(loops int) bool {
	if p.expired == nil {
		return loops >= p.loops
	}
	return loops%loopsPerCheck == 0 && p.expired()
}

// runCycle visits the databases.
func (s *Shard) runCycle(p pace) {
	c := &s.cycle
	visits := min(cronDatabases, len(s.spaces))
	if c.cut {
		visits = len(s.spaces)
	}
	c.cut = false
	loops, sampled, expired := 0, 0, 0
	for ; visits > 0 && !c.cut; visits-- {
		db := c.db % len(s.spaces)
		c.db++
		for again := true; again && !c.cut; {
			var n, gone int
			n, gone, again = s.loop(db, p)
			sampled += n
			expired += gone
			if loops++; n > 0 && p.over(loops) {
				c.cut = true
				s.stats.CutShort++
			}
		}
	}
	share := 0.0
	if sampled > 0 {
		share = float64(expired) / float64(sampled)
	}
	c.stale = share*0.05 + c.stale*0.95
}

// loop looks at some keys of a database, from where the last loop ended, and removes those that are due. again says that there
// may be many more.
func (s *Shard) loop(db int, p pace) (sampled, expired int, again bool) {
	sp := s.spaces[db]
	v := sp.volatile
	n := v.Len()
	if n == 0 || int64(n)*100 < v.table.Buckets()*leastFilled { // of four buckets, one entry is more
		if n == 0 {
			sp.ttl = 0
		}
		return 0, 0, false
	}
	var sum, alive int64
	var room [16]evict.Ref
	want := min(n, p.keys)
	for steps := want * bucketsPerKey; steps > 0 && sampled < want; sp.cursor++ {
		for t := range 2 {
			size := v.Size(t)
			if size == 0 {
				break
			}
			steps--
			for _, ref := range v.Bucket(room[:0], t, sp.cursor&(size-1)) {
				r := s.at(uint32(ref))
				sampled++
				if s.due(r) {
					s.expire(Item{s, Hash(r.key()), uint32(ref), int32(db)})
					expired++
				} else if left := r.expiry() - s.now; left > 0 {
					sum += left
					alive++
				}
			}
		}
	}
	sp.averageTTL(sum, alive)
	return sampled, expired, sampled == 0 || expired*100/sampled > p.stale
}

// averageTTL counts a sample for INFO's avg_ttl: a running average.
func (sp *space) averageTTL(sum, n int64) {
	if n == 0 {
		return
	}
	avg := sum / n
	if sp.ttl == 0 {
		sp.ttl = avg
	}
	sp.ttl = sp.ttl/50*49 + avg/50
}

// AverageTTL returns what the cycle has found of the keys of a database, in ms: avg_ttl of INFO keyspace.
func (s *Shard) AverageTTL(db int) int64 { return s.spaces[db].ttl }

// StaleShare returns the estimated share of keys that are due and still there, 0 to 1: expired_stale_perc of INFO is 100 times it.
func (s *Shard) StaleShare() float64 { return s.cycle.stale }
