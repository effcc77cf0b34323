package redis

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/abreast"
	layouts "github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/kv"
)

// A sharding is servers that do not know of each other, over which clients spread their keys: one store with a shard for each. That a
// key is where no client looks for it, and on more than one server, is found by who reads the records (kv.Record.Home,
// kv.FieldApart).
type sharding struct {
	cfg    config
	nodes  []*shard
	layout *layouts.Layout // where clients look for a key; nil where nobody has said
}

// A shard is one of the servers.
type shard struct {
	*store        // nil if it could not be opened
	name   string // by which clients know it: its address in the target
	cfg    config
	failed error
}

// shardings are the ways to spread keys that can be named, and what they do with the names of the servers.
var shardings = map[string]func(names []string, named bool) *layouts.Layout{
	"ketama":    func(names []string, _ bool) *layouts.Layout { return layouts.Ketama(names) },
	"twemproxy": func(names []string, _ bool) *layouts.Layout { return layouts.Twemproxy(names) },
	"jedis":     layouts.Jedis,
	"predis":    func(names []string, _ bool) *layouts.Layout { return layouts.Predis(names) },
	"phpredis":  func(names []string, _ bool) *layouts.Layout { return layouts.PHPRedis(len(names)) },
	"crc32":     func(names []string, _ bool) *layouts.Layout { return layouts.Modulo(len(names)) },
	"none":      nil,
}

const shardingNames = "ketama, twemproxy, jedis, predis, phpredis, crc32 (modulo) or none"

// setSharding reads how keys are spread over the servers, where the target names several.
func (c *config) setSharding(t kv.Target) error {
	c.shard = t.Query.Get("shard")
	names, tag := t.Query.Get("shard_names"), t.Query.Get("shard_tag")
	if c.shard == "" {
		if names != "" || tag != "" {
			return kv.WithHint(kv.Usagef("%s: shard_names and shard_tag without shard", t), "shard is "+shardingNames)
		}
		return nil
	}
	switch _, known := shardings[c.shard]; {
	case !known:
		return kv.WithHint(kv.Usagef("%s: shard is %q", t, c.shard), "shard is "+shardingNames)
	case c.kind != single:
		return kv.WithHint(kv.Usagef("%s: a cluster and sentinels say themselves who has a key", t), "leave ?shard= out")
	case !strings.Contains(t.URL.Host, ","):
		return kv.WithHint(kv.Usagef("%s: keys of one server are spread over nothing", t), "name all of the servers: redis://HOST:PORT,HOST:PORT?shard="+c.shard)
	case tag != "" && len(tag) != 2:
		return kv.WithHint(kv.Usagef("%s: shard_tag is %q", t, tag), "two characters, as twemproxy's hash_tag: shard_tag={}")
	}
	c.kind, c.shardTag = sharded, tag
	if names != "" {
		c.shardNames = strings.Split(names, ",")
	}
	return nil
}

// checkSharding compares the servers with each other, and with their names.
func (c *config) checkSharding(t kv.Target) error {
	if c.kind != sharded {
		return nil
	}
	seen := map[string]bool{}
	for _, addr := range c.seeds {
		if seen[addr] {
			return kv.WithHint(kv.Usagef("%s names %s twice", t, addr), "name each server once, in the order of the clients")
		}
		seen[addr] = true
	}
	if n := len(c.shardNames); n > 0 && n != len(c.seeds) {
		return kv.WithHint(kv.Usagef("%s: shard_names has %d names for %d servers", t, n, len(c.seeds)), "shard_names=NAME,NAME: one for each server, in their order")
	}
	return nil
}

// layout returns where clients look for a key.
func (c *config) layout() *layouts.Layout {
	spread := shardings[c.shard]
	if spread == nil {
		return nil
	}
	names := c.seeds
	if c.shardNames != nil {
		names = c.shardNames
	}
	l := spread(names, c.shardNames != nil)
	if c.shardTag != "" {
		l.Model = layouts.Tagged(l.Model, c.shardTag[0], c.shardTag[1])
	}
	return l
}

// openSharding opens each server. One that can be is enough: the others are missing from the report, which says so.
func openSharding(ctx context.Context, cfg config) (kv.Store, error) {
	sh := &sharding{cfg: cfg, layout: cfg.layout(), nodes: make([]*shard, len(cfg.seeds))}
	abreast.Each(len(cfg.seeds), askedAtOnce, func(i int) {
		n := &shard{name: cfg.seeds[i], cfg: cfg.at(cfg.seeds[i], false)}
		n.cfg.kind = single
		s, err := openSingle(ctx, n.cfg)
		n.store, _ = s.(*store)
		n.failed = err
		sh.nodes[i] = n
	})
	var failed []error
	for _, n := range sh.nodes {
		if n.failed != nil {
			failed = append(failed, n.failed)
		}
	}
	switch err := sh.check(ctx); {
	case len(failed) == len(sh.nodes):
		return nil, errors.Join(failed...)
	case err != nil:
		return nil, errors.Join(err, sh.Close())
	}
	return sh, nil
}

// check refuses what are not several servers: one of two names, or nodes of a cluster.
func (sh *sharding) check(ctx context.Context) error {
	seen := map[string]string{}
	for _, n := range sh.nodes {
		if n.failed != nil {
			continue
		}
		now, err := n.serverInfo(ctx)
		id := now.fields["run_id"]
		switch {
		case err != nil:
			n.failed = err
		case now.clustered():
			return kv.WithHint(kv.Usagef("%s is a node of a cluster", n.name), "redis+cluster://"+n.name+" reads all of it")
		case id != "" && seen[id] != "":
			return kv.WithHint(kv.Usagef("%s and %s are one server", seen[id], n.name), "each of its keys would be there twice: name it once")
		}
		seen[id] = n.name
	}
	return nil
}

// Close closes the connections.
func (sh *sharding) Close() error {
	var errs []error
	for _, n := range sh.nodes {
		if n.store != nil {
			errs = append(errs, n.Close())
		}
	}
	return errors.Join(errs...)
}

// Shards implements kv.Sharder: each server is one, however many are asked for.
func (sh *sharding) Shards(context.Context, int) ([]kv.Shard, error) {
	shards := make([]kv.Shard, len(sh.nodes))
	for i, n := range sh.nodes {
		shards[i].Name = n.name
	}
	return shards, nil
}

// of returns the servers of a shard: all of them for the zero Shard.
func (sh *sharding) of(s kv.Shard) ([]*shard, error) {
	if s.Name == "" {
		return sh.nodes, nil
	}
	i := slices.IndexFunc(sh.nodes, func(n *shard) bool { return n.name == s.Name })
	if i < 0 {
		return nil, kv.Usagef("%s has no server %q", sh.cfg.target, s.Name)
	}
	return sh.nodes[i : i+1], nil
}

// Scan implements kv.Scanner. One server that fails does not keep the others from being read; its error comes last.
func (sh *sharding) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		nodes, err := sh.of(opt.Shard)
		if err != nil {
			yield(nil, err)
			return
		}
		if len(nodes) > 1 {
			opt.Mark = nil // a place is one server's
		}
		want := opt.Want
		opt.Want &^= kv.FieldPlace | kv.FieldHome | kv.FieldApart
		var failed []error
		for _, n := range nodes {
			if n.failed != nil {
				failed = append(failed, n.failed)
				continue
			}
			for r, err := range n.Scan(ctx, opt) {
				if err != nil {
					failed = append(failed, err)
					break
				}
				sh.place(r, n.name, want)
				if !yield(r, nil) {
					return
				}
			}
			if ctx.Err() != nil {
				break
			}
		}
		if err := errors.Join(failed...); err != nil {
			yield(nil, err)
		}
	}
}

// place says where a record is, and where clients would look for it.
func (sh *sharding) place(r *kv.Record, name string, want kv.Field) {
	r.Place = name
	r.Known |= want & (kv.FieldPlace | kv.FieldApart)
	if sh.layout != nil && want&kv.FieldHome != 0 {
		r.Home = sh.cfg.seeds[sh.layout.Owner[sh.layout.Place([]byte(r.Key))]]
		r.Known |= kv.FieldHome
	}
}

// Info sums up what the servers say. One that does not answer is named.
func (sh *sharding) Info(ctx context.Context) (*kv.Info, error) {
	var answered []told
	var failed []error
	for _, t := range sh.askAll(ctx) {
		if t.err != nil {
			failed = append(failed, t.err)
			continue
		}
		answered = append(answered, t)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(answered) == 0 {
		return nil, errors.Join(failed...)
	}
	info := sumInfos(answered)
	info.Target = sh.cfg.target
	info.Facts = append(mergeFacts(answered), sh.placeFacts()...)
	info.Notes = append(versionNote(answered), notesOf(answered)...)
	for _, err := range failed {
		info.KeysKnown = false
		info.Notes = append(info.Notes, "Missing here: "+err.Error()+".")
	}
	return info, nil
}

func (sh *sharding) askAll(ctx context.Context) []told {
	all := make([]told, len(sh.nodes))
	abreast.Each(len(all), askedAtOnce, func(i int) {
		n := sh.nodes[i]
		all[i] = told{addr: n.name, err: n.failed}
		if n.failed == nil {
			all[i].info, all[i].err = n.Info(ctx)
		}
	})
	return all
}

// placeFacts are about which of the servers has a key.
func (sh *sharding) placeFacts() []kv.Fact {
	home := kv.Fact{Name: "home", Field: kv.FieldHome, How: kv.Modelled, Why: "by the hash that clients are said to use: " + sh.cfg.shard}
	if sh.layout == nil {
		home.How, home.Why, home.Hint = kv.Missing, "nobody has said by which hash clients choose a server", "?shard="+strings.TrimSuffix(shardingNames, " or none")
	}
	return []kv.Fact{{Name: "place", Field: kv.FieldPlace, How: kv.Measured}, home, {Name: "apart", Field: kv.FieldApart, How: kv.Measured}}
}

// Examine opens a line to each server, also to one that could not be opened.
func (sh *sharding) Examine(context.Context) ([]kv.Exam, error) {
	exams := make([]kv.Exam, len(sh.nodes))
	for i, n := range sh.nodes {
		exams[i] = &exam{cfg: n.cfg}
	}
	return exams, nil
}

// Stats asks each server.
func (sh *sharding) Stats(ctx context.Context) ([]kv.Stats, error) {
	var all []kv.Stats
	for _, n := range sh.nodes {
		if n.failed != nil {
			return all, n.failed
		}
		st, err := n.Stats(ctx)
		if err != nil {
			return all, err
		}
		all = append(all, st...)
	}
	return all, nil
}
