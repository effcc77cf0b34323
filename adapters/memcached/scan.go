package memcached

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Scan implements kv.Scanner. Of the whole keyspace the servers are read one after the other; one that fails does not keep the
// others from being read, and its error comes last.
func (s *store) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		servers, err := s.of(opt.Shard)
		if err != nil {
			yield(nil, err)
			return
		}
		var failed []error
		for _, srv := range servers {
			d := dump{store: s, srv: srv, opt: &opt, yield: yield}
			switch err := d.run(ctx); {
			case errors.Is(err, errEnough):
				return
			case ctx.Err() != nil:
				yield(nil, ctx.Err())
				return
			case err != nil:
				failed = append(failed, err)
			}
		}
		if err := errors.Join(failed...); err != nil {
			yield(nil, err)
		}
	}
}

// errEnough says that the consumer has had enough.
var errEnough = errors.New("enough")

// A dump is the scan of one server.
type dump struct {
	store  *store
	srv    *server
	opt    *kv.ScanOptions
	yield  func(*kv.Record, error) bool
	clock  clock
	chunks [256]int64 // of each class; 0 where not known
	rec    kv.Record
}

func (d *dump) run(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l, err := d.srv.link(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	if err = d.read(ctx, l); err == nil || errors.Is(err, errEnough) {
		return err
	}
	return fmt.Errorf("reading %s: %w", d.srv.addr, d.srv.explain(ctx, err))
}

func (d *dump) read(ctx context.Context, l *link) error {
	if err := d.prepare(l); err != nil {
		return err
	}
	first, err := d.begin(ctx, l)
	if err != nil || first == nil {
		return err
	}
	a := l.ahead(first)
	defer a.end()
	return d.items(ctx, a)
}

// prepare asks for what the lines of a dump do not say.
func (d *dump) prepare(l *link) error {
	general, err := l.optional("")
	if err != nil {
		return err
	}
	d.clock = clockOf(general, time.Now())
	if d.opt.Want&kv.FieldChunk == 0 {
		return nil
	}
	slabs, err := l.optional("slabs")
	if err != nil {
		return err
	}
	for _, c := range classesOf(slabs, nil) {
		d.chunks[c.id] = c.chunk
	}
	return nil
}

// Pauses before a busy crawler is asked again.
const (
	firstPause = 20 * time.Millisecond
	mostPause  = time.Second
	patience   = 3 // times the timeout
)

// begin has the server begin, and returns the first line of the dump; nil if the server has no items. A crawler does one thing at
// a time: it is waited for. Versions that cannot walk the hash table walk the lists, where an item that moves meanwhile may be
// missed or come twice.
func (d *dump) begin(ctx context.Context, l *link) ([]byte, error) {
	what, until := "hash", time.Now().Add(patience*d.srv.cfg.timeout)
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		if err := l.send("lru_crawler metadump " + what); err != nil {
			return nil, err
		}
		line, err := l.line()
		if err != nil {
			return nil, err
		}
		switch text := string(line); {
		case text == "OK": // of 1.4.31 and later ones, before the items
			return l.line()
		case strings.HasPrefix(text, "NOTSTARTED"):
			return nil, nil
		case strings.HasPrefix(text, "BADCLASS") && what == "hash":
			what = "all"
			continue
		case !strings.HasPrefix(text, "BUSY") && isError(line):
			return nil, answerError(text)
		case !isError(line):
			return line, nil
		case time.Now().After(until):
			return nil, answerError(text)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// items yields the items until the end of the dump.
func (d *dump) items(ctx context.Context, a *ahead) error {
	for b := range a.full {
		if err := d.opt.Limiter.Wait(ctx, len(b.items)); err != nil {
			return err
		}
		passed := time.Since(d.clock.asked)
		for i := range b.items {
			it := &b.items[i]
			if d.opt.Match != "" && !kv.MatchGlob(d.opt.Match, it.name) {
				continue
			}
			d.fill(it, passed)
			if !d.yield(&d.rec, nil) {
				return errEnough
			}
		}
		if b.err != nil {
			return b.err
		}
		a.free <- b
	}
	return nil
}

// fill makes the record of an item, when so much time has passed since the server was asked for its.
func (d *dump) fill(it *item, passed time.Duration) {
	r := &d.rec
	*r = kv.Record{Key: it.name, Known: kv.FieldName}
	if len(d.store.servers) > 1 {
		r.Place = d.srv.addr
		r.Known |= kv.FieldPlace | kv.FieldApart
		if ring := d.store.ring; ring != nil {
			r.Home = d.store.servers[ring.Owner[ring.Place(it.key)]].addr
			r.Known |= kv.FieldHome
		}
	}
	d.clock.fill(r, it, passed)
	if chunk := d.chunks[it.class]; it.has&hasClass != 0 && chunk >= it.size { // of a large item a chunk is a part
		r.Chunk = chunk
		r.Known |= kv.FieldChunk
	}
	if ask := d.opt.Ask; ask != nil { // a line has all at no cost, and whoever asks counts on being told no more
		r.Known &= ask(r.Key) | kv.FieldName | kv.FieldPlace | kv.FieldHome | kv.FieldApart
		if r.Known&kv.FieldTTL == 0 {
			r.TTL, r.ExpireAt = kv.TTLUnknown, time.Time{}
		}
	}
}

// fill sets what an item says of itself.
func (c *clock) fill(r *kv.Record, it *item, passed time.Duration) {
	if it.has&hasExp != 0 {
		r.Known |= kv.FieldTTL
		switch {
		case it.exp <= 0:
			r.TTL = kv.TTLNone
		case it.exp < c.now:
			r.TTL, r.ExpireAt = kv.TTLExpired, c.time(it.exp)
		default:
			r.TTL, r.ExpireAt = kv.TTLAt, c.time(it.exp)
		}
	}
	if it.has&hasLA != 0 {
		r.Idle = c.idle(it.la, passed)
		r.Known |= kv.FieldIdle
	}
	if it.has&hasFetched != 0 {
		r.Read = it.fetched
		r.Known |= kv.FieldRead
	}
	if it.has&hasSize != 0 && it.size > 0 {
		r.Size = it.size
		r.Known |= kv.FieldSize
	}
}
