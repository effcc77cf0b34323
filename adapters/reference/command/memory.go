package command

import (
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

func memoryCommand() engine.Command {
	return engine.Command{Name: "memory", Sub: []engine.Command{
		{Name: "usage", Run: memoryUsage},
		{Name: "stats", Run: memoryStats, Whole: true},
		{Name: "doctor", Run: memoryDoctor, Whole: true},
		{Name: "purge", Run: func(c *engine.Call) { c.Out.OK() }},
		{Name: "malloc-stats", Run: func(c *engine.Call) { c.Out.Text("Stats not supported for the current allocator") }},
		{Name: "help", Run: helpText(memoryHelp)},
	}}
}

const memoryHelp = `DOCTOR
    Return memory problems reports.
MALLOC-STATS
    Return internal statistics report from the memory allocator.
PURGE
    Attempt to purge dirty pages for reclamation by the allocator.
STATS
    Return information about the memory usage of the server.
USAGE <key> [SAMPLES <count>]
    Return memory in bytes used by <key> and its value. Nested values are
    sampled up to <count> times (default: 5, 0 means sample all).`

// memoryUsage answers what the model says, of all elements however many samples are asked for.
func memoryUsage(c *engine.Call) {
	for rest := c.Args[3:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) < 2 || !is(rest[0], "samples") {
			c.Fail(engine.ErrSyntax)
			return
		}
		n, ok := c.Int(rest[1])
		switch {
		case !ok:
			return
		case n < 0:
			c.Fail(engine.ErrSyntax)
			return
		}
	}
	s, hash := c.Shard(c.Args[2])
	it := s.Look(c.DB(), c.Args[2], hash) // of one that is past its expiry, too
	if !it.OK() {
		c.Out.Null()
		return
	}
	c.Out.Int(c.Engine().Usage(it))
}

func memoryStats(c *engine.Call) {
	r := c.Report()
	keys, overhead := int64(0), r.Used-r.Dataset
	for _, d := range r.Databases {
		keys += d.Keys
	}
	perKey, percent := int64(0), 0.0
	if keys > 0 {
		perKey = r.Used / keys
	}
	if r.Used > 0 {
		percent = float64(r.Dataset) * 100 / float64(r.Used)
	}
	rss := processBytes()
	out := c.Out
	at, n := out.Begin(), 0
	count := func(name string, v int64) { out.Text(name); out.Int(v); n++ }
	ratio := func(name string, v float64) { out.Text(name); out.Double(v); n++ }
	count("peak.allocated", r.Peak)
	count("total.allocated", r.Used)
	for _, name := range [...]string{
		"startup.allocated", "replication.backlog", "clients.slaves", "clients.normal", "cluster.links", "aof.buffer", "lua.caches",
		"functions.caches",
	} {
		count(name, 0)
	}
	n += memoryDatabases(out, r.Databases, overhead, keys)
	count("overhead.total", overhead)
	count("keys.count", keys)
	count("keys.bytes-per-key", perKey)
	count("dataset.bytes", r.Dataset)
	ratio("dataset.percentage", percent)
	ratio("peak.percentage", share(r.Used, r.Peak)*100)
	count("allocator.allocated", r.Used)
	count("allocator.active", r.Used)
	count("allocator.resident", rss)
	ratio("allocator-fragmentation.ratio", 1)
	count("allocator-fragmentation.bytes", 0)
	ratio("allocator-rss.ratio", share(rss, r.Used))
	count("allocator-rss.bytes", rss-r.Used)
	ratio("rss-overhead.ratio", 1)
	count("rss-overhead.bytes", 0)
	ratio("fragmentation", share(rss, r.Used))
	count("fragmentation.bytes", rss-r.Used)
	count("kvtool.real.bytes", r.Real)
	out.EndMap(at, n)
}

// memoryDatabases writes what the tables of each database take, and returns how many it has written. What the tables take
// together is divided by the keys.
func memoryDatabases(out *wire.Writer, all []engine.DatabaseReport, overhead, keys int64) (n int) {
	for i, d := range all {
		if d.Keys == 0 {
			continue
		}
		out.Text("db." + itoa(int64(i)))
		out.Map(3)
		out.Text("overhead.hashtable.main")
		out.Int(overhead * d.Keys / keys)
		out.Text("overhead.hashtable.expires")
		out.Int(0)
		out.Text("overhead.hashtable.slot-to-keys")
		out.Int(0)
		n++
	}
	return n
}

// share returns a/b, and 1 if there is nothing to compare with.
func share(a, b int64) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

func memoryDoctor(c *engine.Call) {
	if c.Report().Used < 5<<20 {
		c.Out.Verbatim("txt", "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these "+
			"conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to our "+
			"programming as soon as I finished rebooting.\n")
		return
	}
	c.Out.Verbatim("txt",
		"Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n")
}
