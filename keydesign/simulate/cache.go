package simulate

import (
	"math/rand/v2"
	"slices"

	"github.com/kvtool/kvtool/internal/evict"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A cache is the small store. Ref r is record r-1.
type cache struct {
	m       *measure
	kind    evict.Kind
	policy  evict.Policy
	random  *rand.Rand
	records []record
	cum     []float64 // operations a second up to a record, this one too
	limit   float64
	used    float64
	now     float64 // seconds
	state   []uint32
	expiry  []float64 // 0: for ever
	live    [2]refs   // all, and those with a TTL
	due     dueHeap
	count   []counts // by template
	on      bool     // counting
}

type counts struct{ records, evicted, reads, hits, refused float64 }

func newCache(m *measure, kind evict.Kind, limit float64) *cache {
	c := &cache{m: m, kind: kind, limit: limit, records: m.blocks.records, random: rand.New(rand.NewPCG(m.w.o.Seed, 7))}
	n := len(c.records)
	c.state, c.expiry, c.count = make([]uint32, n+1), make([]float64, n+1), make([]counts, len(m.w.s.Templates))
	c.live[0], c.live[1] = newRefs(n), newRefs(n)
	sum := 0.0
	for i := range c.records {
		sum += c.records[i].reads + c.records[i].writes
		c.cum = append(c.cum, sum)
		c.count[c.records[i].template].records++
	}
	c.policy = evict.New(kind, c, evict.Defaults(c.clock, m.w.o.Seed))
	return c
}

// clock begins some days after the clock of Redis does, so that a record can be that old.
func (c *cache) clock() int64 { return int64(c.now*1000) + 10*86_400_000 }

// run fills the store in no order, and then uses it.
func (c *cache) run() {
	for _, i := range c.random.Perm(len(c.records)) {
		c.set(i)
	}
	n := len(c.records)
	total := 0.0
	if n > 0 {
		total = c.cum[n-1]
	}
	if total == 0 {
		return
	}
	for e := range (warmUp + counted) * n {
		c.on = e >= warmUp*n
		c.now += c.random.ExpFloat64() / total
		c.expire()
		i, _ := slices.BinarySearch(c.cum, c.random.Float64()*total)
		c.use(min(i, n-1))
	}
}

// use is one operation on a record.
func (c *cache) use(i int) {
	r, p := &c.records[i], c.m.sums[c.records[i].template].p
	ref := evict.Ref(i + 1)
	read := c.random.Float64()*(r.reads+r.writes) < r.reads
	held := c.live[0].has(ref)
	if held {
		c.state[ref] = c.policy.Touch(c.record(ref))
		if !read || p.ttl.Policy == schema.TTLSliding {
			c.schedule(ref)
		}
	}
	if read && c.on {
		c.count[r.template].reads++
		if held {
			c.count[r.template].hits++
		}
	}
	if !held && (!read || p.cached()) {
		c.set(i)
	}
}

// set writes a record, and drops others until it fits.
func (c *cache) set(i int) {
	r := &c.records[i]
	for c.used+r.bytes > c.limit {
		victim, ok := c.policy.Victim()
		if !ok {
			if c.on {
				c.count[r.template].refused++
			}
			return
		}
		if c.on {
			c.count[c.records[victim-1].template].evicted++
		}
		c.drop(victim)
	}
	ref := evict.Ref(i + 1)
	c.used += r.bytes
	c.live[0].add(ref)
	if r.life > 0 {
		c.live[1].add(ref)
		c.schedule(ref)
	}
	c.state[ref] = c.policy.Add(c.record(ref))
}

func (c *cache) drop(ref evict.Ref) {
	c.policy.Remove(c.record(ref))
	c.used -= c.records[ref-1].bytes
	c.live[0].remove(ref)
	c.live[1].remove(ref)
	c.expiry[ref] = 0
}

func (c *cache) schedule(ref evict.Ref) {
	if life := c.records[ref-1].life; life > 0 {
		c.expiry[ref] = c.now + life
		c.due.push(due{c.expiry[ref], ref})
	}
}

// expire drops what is due. A record that was written again is due later.
func (c *cache) expire() {
	for len(c.due) > 0 && c.due[0].at <= c.now {
		d := c.due.pop()
		if c.live[0].has(d.ref) && c.expiry[d.ref] == d.at {
			c.drop(d.ref)
		}
	}
}

func (c *cache) record(ref evict.Ref) evict.Record {
	return evict.Record{Ref: ref, ID: c.ID(ref), State: c.state[ref]}
}

// Spaces, Keys, ID, State and Expiry make a cache a host of policies.
func (c *cache) Spaces() int { return 1 }

// Keys returns the records, or those with a TTL.
func (c *cache) Keys(_ int, volatile bool) evict.Keys {
	if volatile {
		return &c.live[1]
	}
	return &c.live[0]
}

// ID returns the number of the record.
func (c *cache) ID(ref evict.Ref) uint64 { return uint64(ref) }

// State returns what the policy knows of it.
func (c *cache) State(ref evict.Ref) uint32 { return c.state[ref] }

// Expiry returns when it expires.
func (c *cache) Expiry(ref evict.Ref) int64 { return int64(c.expiry[ref]*1000) + 10*86_400_000 }
