package fit

import (
	"fmt"
	"math"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// The writes of one key from which it is the limit: of those of a node, and a second (the capacity of a partition of DynamoDB
// is 1000 writes of 1 KB). Fewer than some are no load at all; a default of kvtool.
const (
	hotShare   = 0.1
	hotRate    = 1000
	coolestHot = 100
)

func hotWrites(f *facts) []line {
	node := f.writes() / float64(max(f.schema.Store.Nodes, 1))
	found := f.where(func(u use) bool {
		rate := f.hottest(u)
		return isWrite(u.Op) && (rate > hotRate || rate > coolestHot && rate > hotShare*node)
	}, func(u use) string { return "one key gets " + humanize.Rate(f.hottest(u)) + " writes" })
	if found == nil {
		return nil
	}
	return []line{{
		"write-heavy-single-key", join(found), "a stream or log; for time series a column store",
		"one key is on one node and in one thread: more nodes do not help it",
		"the counter is split over several keys that are added up when it is read",
	}}
}

// writes is the rate of all declared writes.
func (f *facts) writes() float64 {
	sum := 0.0
	for _, u := range f.uses {
		if isWrite(u.Op) {
			sum += u.Rate
		}
	}
	return sum
}

// hottest returns how often a second an access touches the key that it touches most; 0 if that is not declared.
func (f *facts) hottest(u use) float64 {
	n, known := f.keys(u.t)
	dist := u.Dist
	switch {
	case dist.Kind == schema.Hot && dist.Keys > 0:
		return u.Rate * dist.Share / float64(dist.Keys)
	case !known || n < 1:
		return 0
	case dist.Kind == schema.Zipf || dist.Kind == schema.Latest:
		return u.Rate / harmonic(n, dist.A)
	case dist.Kind == schema.Exponential:
		return u.Rate * dist.Exponentially(0, n)
	}
	return u.Rate / n
}

// harmonic returns the sum of k^-a for k from 1 to n, within 1 %: the first terms, and the integral in the place of the others.
func harmonic(n, a float64) float64 {
	const exact = 20
	sum := 0.0
	for k := 1.0; k <= min(n, exact); k++ {
		sum += math.Pow(k, -a)
	}
	if n <= exact {
		return sum
	}
	if a == 1 {
		return sum + math.Log((n+.5)/(exact+.5))
	}
	return sum + (math.Pow(n+.5, 1-a)-math.Pow(exact+.5, 1-a))/(1-a)
}

// fewExpire is the share of keys with a TTL below which a store is no cache; a default of kvtool.
const fewExpire = 0.05

// systemOfRecord looks at how a server is set up: what evicts nothing, writes all to disk and hardly expires anything is used as
// a database.
func systemOfRecord(f *facts) []line {
	policy, aof := f.word("server", "maxmemory_policy"), f.word("server", "appendonly")
	expiring, ok := f.metric("totals", "with_ttl")
	if policy != "noeviction" || aof != "yes" || !ok || expiring >= fewExpire {
		return nil
	}
	return []line{{
		"system-of-record",
		fmt.Sprintf("maxmemory-policy noeviction, appendonly yes, %s of the keys expire", percent(expiring)),
		"a database whose data need not be in memory",
		"all that is kept for good costs memory, and a second of acknowledged writes may be lost (appendfsync everysec)",
		"all of it fits into memory for as long as it is to be kept, and that second may be lost",
	}}
}
