package engine

import (
	"maps"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/internal/memory"
)

// A Report is what INFO and MEMORY STATS tell of an engine. Bytes are modelled ones, except Real.
type Report struct {
	Shards, Clients, Blocked, Tracking int64
	Connections, Rejected              int64
	Commands, Rate, Dirty              int64
	Used, Peak, Dataset, Real          int64
	Expired, Evicted, Hits, Misses     int64
	Stale                              float64 // share of keys that are due and still there, 0 to 1, estimated
	ErrorReplies                       int64
	Errors                             map[string]int64
	Databases                          []DatabaseReport
	Subscriptions                      [kinds]int64
	TrackedKeys, TrackedItems          int64
}

// A DatabaseReport tells of one database. AverageTTL is in ms.
type DatabaseReport struct{ Keys, Volatile, AverageTTL int64 }

// Report returns what there is to tell. The command that calls it is Whole.
func (c *Call) Report() Report {
	e := c.e
	r := Report{
		Shards: int64(len(e.shards)), Blocked: e.blocked.Load(), Commands: e.Commands() + c.s.counts.calls, Rate: e.Rate(),
		Dirty: e.cron.dirty.Load() + c.dirty, Databases: make([]DatabaseReport, Databases),
	}
	for kind := range kinds {
		r.Subscriptions[kind] = e.Subscriptions(kind)
	}
	e.reportSessions(&r)
	e.errors.mu.Lock()
	r.ErrorReplies, r.Errors = e.errors.total, maps.Clone(e.errors.byCode)
	e.errors.mu.Unlock()
	for _, s := range e.shards {
		st := s.Stats()
		r.Expired += st.Expired
		r.Evicted += st.Evicted
		r.Hits += s.hits
		r.Misses += s.misses
		r.Used += s.Used()
		r.Dataset += s.Dataset()
		r.Real += s.RealBytes()
		r.Stale += s.StaleShare() / float64(len(e.shards))
		for db := range r.Databases {
			d := &r.Databases[db]
			d.Keys += int64(s.Len(db))
			d.Volatile += int64(s.Volatile(db))
			d.AverageTTL = max(d.AverageTTL, s.AverageTTL(db))
		}
	}
	r.Peak = max(r.Used, e.cron.peak.Load())
	e.cron.peak.Store(r.Peak)
	return r
}

func (e *Engine) reportSessions(r *Report) {
	e.sessions.mu.Lock()
	r.Clients, r.Connections, r.Rejected = int64(len(e.sessions.byID)), e.sessions.received, e.sessions.rejected
	e.sessions.mu.Unlock()
	e.trackers.mu.Lock()
	defer e.trackers.mu.Unlock()
	r.Tracking, r.TrackedKeys = int64(len(e.trackers.all)), int64(len(e.trackers.readers))
	for _, sessions := range e.trackers.readers {
		r.TrackedItems += int64(len(sessions))
	}
}

// A CommandReport is what has been counted of one command. Latency counts calls by the bounds that LatencyBound gives.
type CommandReport struct {
	Name                                string
	Calls, Microseconds, Rejects, Fails int64
	Latency                             []int64
}

// CommandReports returns those of all commands that have been called or refused.
func (e *Engine) CommandReports() (all []CommandReport) {
	add := func(c *command) {
		st := &c.stats
		r := CommandReport{
			Name: c.name, Calls: st.calls.Load(), Microseconds: st.us.Load(), Rejects: st.rejected.Load(), Fails: st.failed.Load(),
		}
		if r.Calls+r.Rejects+r.Fails == 0 {
			return
		}
		for i := range st.latency.buckets {
			r.Latency = append(r.Latency, st.latency.buckets[i].Load())
		}
		all = append(all, r)
	}
	for _, c := range e.table.list {
		add(c)
		for _, s := range c.sub {
			add(s)
		}
	}
	return all
}

// Usage returns what MEMORY USAGE prints of an item: the sum over all elements, as with SAMPLES 0.
func (e *Engine) Usage(it keyspace.Item) int64 { return it.Size(e.usage) }

// usageModel returns the model of MEMORY USAGE that goes with that of used_memory: it adds the sizes of structs as they are.
func usageModel(m *memory.Model) *memory.Model {
	p := m.Profile()
	p.Allocated = false
	return memory.New(p)
}

// Exclusively calls fn with all shards, locked and at the present time: for what is no client's doing.
func (e *Engine) Exclusively(fn func(shards []*keyspace.Shard)) {
	e.exclusively(func(*mail) { fn(e.plain) })
}

// Len returns the number of keys in all databases, those that are due and not yet removed included.
func (e *Engine) Len() (n int64) {
	e.Exclusively(func(shards []*keyspace.Shard) {
		for _, s := range shards {
			for db := range Databases {
				n += int64(s.Len(db))
			}
		}
	})
	return n
}

// Used returns used_memory: what a Redis would count.
func (e *Engine) Used() (n int64) {
	e.Exclusively(func(shards []*keyspace.Shard) {
		for _, s := range shards {
			n += s.Used()
		}
	})
	return n
}

// Version returns what Options say of the program.
func (e *Engine) Version() string { return e.opts.Version }

// Profile returns the allocator and version that used_memory is modelled on.
func (e *Engine) Profile() memory.Profile { return e.shards[0].Model().Profile() }

// Shutdown ends the process, if it is one that can be ended so; it reports false if not.
func (e *Engine) Shutdown() bool {
	if e.opts.Shutdown == nil {
		return false
	}
	e.opts.Shutdown()
	return true
}

// SetActiveExpiry is DEBUG SET-ACTIVE-EXPIRE. Every shard is locked.
func (e *Engine) SetActiveExpiry(on bool) {
	for _, s := range e.shards {
		set := s.Settings()
		set.Expiry = keyspace.ExpireLazy
		if on {
			set.Expiry = e.opts.Expiry
		}
		s.Configure(set)
	}
}
