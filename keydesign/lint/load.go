package lint

import (
	"math"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// The limits of KD023.
const (
	hotWarning = 0.10 // of the operations of a node
	hotError   = 0.30
	hotRate    = 1000 // operations a second
	hotCore    = 0.01 // of a core
)

func hotKey() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD023", Name: "hot-key", Title: "One key that gets much of a node's work", Severity: report.Error,
			Doc: `One key gets a share of all operations that no second node can take over: a key is on one node. When it becomes more popular,
that node is the limit of the whole cluster.

The share follows from the declared rates and distributions: that of the access, else those of the fields. A key that takes r of R
operations a second on n nodes has r / ((R-r)/n + r) of its node. Rates that are not declared count as none.

Where accesses are watched (kvtool hotkeys) the share is counted, of the node that serves the key, and the lower end of its interval
is held against the limits. A source that tells time and not operations is judged by time: a hundredth of a core then stands for the
rate.`,
			Fix: "keep it in the clients for a second, spread it over copies (key:{0..n}), or split the counter",
			Limits: []report.Limit{
				{Name: "warning", Value: hotWarning, Unit: report.UnitRatio, Source: report.OwnDefault + ", of the operations of its node"},
				{Name: "error", Value: hotError, Unit: report.UnitRatio, Source: "a vendor's example of a hot key: 3,000 of 10,000"},
				{Name: "rate", Value: hotRate, Unit: report.UnitRate, Source: report.OwnDefault + ": less is hot for no store"},
				{Name: "core", Value: hotCore, Unit: report.UnitRatio, Source: report.OwnDefault + ", of one core: where time is counted"},
			},
		},
		lacks: needRates,
		check: each(checkHot),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  top:  {key: "top:{game:enum[chess,go]}", type: zset, value: {elements: {max: 1k}}, access: [{op: ZINCRBY, rate: 4k/s}]}
  user: {key: "user:{uid:int}", type: hash, access: [{op: HGETALL, rate: 9k/s}]}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  top:  {key: "top:{game:enum[chess,go]}", type: zset, value: {elements: {max: 1k}}, access: [{op: ZINCRBY, rate: 1k/s}]}
  user: {key: "user:{uid:int}", type: hash, access: [{op: HGETALL, rate: 9k/s}]}`,
	}
}

func checkHot(d *design, t *template, emit emitter) {
	rate := 0.0
	for _, u := range t.uses {
		rate += u.Rate * d.share(u, t.Key, t.keys)
	}
	if d.store == schema.DynamoDB {
		return // a partition splits, and what one key may take of it is KD022's and KD090's
	}
	nodes := float64(d.Store.Masters())
	share := rate / ((d.rate-rate)/nodes + rate)
	if rate < hotRate || share <= hotWarning {
		return
	}
	severity := report.Warning
	if share > hotError {
		severity = report.Error
	}
	emit(t.measured(severity, ratioMetric("of_node", share),
		"one key gets %s, %s of its node's operations", humanize.Rate(rate), humanize.Ratio(share)))
}

// hottest returns the read and write units a second of the one value of k that gets most; k is the key of t or its partition,
// of which there are so many if the fields do not say.
func (d *design) hottest(t *template, k schema.Key, keys float64) (read, write float64) {
	for _, u := range t.uses {
		r, w := units(u, t.valueBytes())
		s := d.share(u, k, keys)
		read, write = read+r*s, write+w*s
	}
	return read, write
}

// units returns what an access takes of DynamoDB in units a second: for each started 4 KiB of a read one, half of it unless the
// read must be consistent; for each started KiB of a write one; in a transaction twice that. An item of unknown size is small.
func units(a *schema.Access, size float64) (read, write float64) {
	times := 1.0
	if a.Query == "tx" || a.Consistency == "serializable" {
		times = 2
	}
	if does(a.Op, writing) {
		return 0, a.Rate * times * max(1, math.Ceil(size/1024))
	}
	if a.Consistency != "strong" && times == 1 {
		times = 0.5
	}
	return a.Rate * times * max(1, math.Ceil(size/4096)), 0
}

// The limits of KD090.
const memoryShare = 0.75 // of what the store may take

func infeasible() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD090", Name: "capacity-infeasible", Title: "More than the store can hold or do", Severity: report.Error,
			Doc: `What the file declares does not fit: the keys take more than three quarters of the memory, or all of the storage; the rates
are more than the nodes or the capacity that was bought; or one key of DynamoDB gets more than a partition can give.

A template takes its keys times (name + typical value + 56 bytes, the least that Redis keeps for a key besides). Keys are as many
as declared, else as many as the fields of the key allow, but no more than are written within a life. Templates of which number or
size are not declared count as nothing: what is found is true of the rest alone.`,
			Fix: "smaller values, a TTL, or more nodes; for one hot key, spread it",
			Limits: []report.Limit{
				{Name: "memory", Value: memoryShare, Unit: report.UnitRatio, Source: report.OwnDefault + ": the rest is buffers, forks and fragmentation"},
				{Name: "write_units", Value: partitionWCU, Unit: report.UnitRate, Source: "quotas of DynamoDB, for a partition"},
				{Name: "read_units", Value: partitionRCU, Unit: report.UnitRate, Source: "quotas of DynamoDB, for a partition"},
			},
		},
		lacks: func(d *design) string {
			if c := &d.Store.Capacity; d.Store.MaxMemory > 0 || *c != (schema.Capacity{}) || d.store == schema.DynamoDB {
				return ""
			}
			return "neither maxmemory nor capacity is declared"
		},
		check: checkCapacity,
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: redis, maxmemory: 8GiB}
templates:
  cart: {key: "cart:{uid:int}", type: hash, value: {size: 40kB}, cardinality: {live: 2M}}`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: redis, maxmemory: 8GiB}
templates:
  cart: {key: "cart:{uid:int}", type: hash, value: {size: 2kB}, cardinality: {live: 2M}}`,
	}
}

func checkCapacity(d *design, emit emitter) {
	var too []string
	need := func(what string, n, limit float64, write func(float64) string) {
		if limit > 0 && n > limit {
			too = append(too, what+" "+write(n)+" of "+write(limit))
		}
	}
	bytes, read, write := 0.0, 0.0, 0.0
	for _, t := range d.templates {
		bytes += t.bytes()
		for _, u := range t.uses {
			r, w := units(u, t.valueBytes())
			read, write = read+r, write+w
		}
	}
	c := &d.Store.Capacity
	need("memory", bytes, memoryShare*float64(d.Store.MaxMemory), humanize.Bytes)
	need("storage", bytes, c.GB*1e9, humanize.Bytes)
	need("operations", d.rate, c.OpsPerNode*float64(d.Store.Masters()), humanize.Rate)
	need("RCU", read, c.RCU, humanize.Count)
	need("WCU", write, c.WCU, humanize.Count)
	if too != nil {
		f := d.onServer("the declared keys need more than there is: %s", strings.Join(too, ", "))
		f.Evidence = []report.Metric{bytesMetric("bytes", bytes), {Name: "rate", Value: report.Number(d.rate), Unit: report.UnitRate}}
		emit(f)
	}
	if d.store != schema.DynamoDB {
		return
	}
	for _, t := range d.templates {
		r, w := d.hottest(t, t.Key, t.keys)
		if load := max(r/partitionRCU, w/partitionWCU); load > 1 {
			emit(t.measured(report.Error, ratioMetric("of_partition", load),
				"one key takes %s RCU and %s WCU, more than a partition gives", humanize.Count(r), humanize.Count(w)))
		}
	}
}
