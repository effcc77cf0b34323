package orphans

import (
	"context"
	"iter"

	"github.com/kvtool/kvtool/drift/join"
	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/kv"
	"github.com/zeebo/xxh3"
)

// fingerprint is the hash of a key of a logical database.
func fingerprint(db int, key []byte) uint64 { return xxh3.HashSeed(key, uint64(db)) }

// together is the hash of an index entry: the key that it leads to, and the one that leads there. Its lowest bits are those of
// the target's hash, so that both are in a sample or neither.
func together(db int, to uint64, from []byte) uint64 {
	return xxh3.HashSeed(from, to^uint64(db)<<1)&^sampleBits | to&sampleBits
}

const sampleBits = 1<<24 - 1

// A follower follows the references of the keys of one scan.
type follower struct {
	run           *run
	child, parent *bind.Matcher
	exists        func(hash uint64) error
	// refers is told of each reference: where its key leads, and by what text of its value. What it is given is valid during the
	// call.
	refers func(relation int, p join.Pair, of *reference) error
	wants  func(ref int, key uint64) bool // whether a key's value is worth reading; nil: all are

	asks  []kv.Ask // of the keys that were met and not asked about; in a pass that reads values, of the key at hand
	about []asked
	to    []byte
	from  []byte
	err   error   // of a callback
	keys  []int64 // by template

	unlike, refused int64 // values
}

// A reference is one that was met.
type reference struct {
	ref    int
	db     int
	key    string
	text   []byte // of the value
	target []byte
}

// asked says what an ask is for: a reference's text, or the field that leads back.
type asked struct {
	ref  int
	back bool
}

// askPage is how many values are asked for at once.
const askPage = 256

func (r *run) follower() *follower {
	return &follower{run: r, child: r.child.Another(), parent: r.parent.Another(), keys: make([]int64, len(r.byChild))}
}

// observe follows the references of a key.
func (f *follower) observe(ctx context.Context, rec *kv.Record) error {
	if rec.TTL == kv.TTLExpired { // gone as soon as anybody looks
		return nil
	}
	f.from = append(f.from[:0], rec.Key...)
	hash := fingerprint(rec.DB, f.from)
	if f.exists != nil {
		if _, ok := f.parent.Match(rec.Key); ok {
			if err := f.exists(hash); err != nil {
				return err
			}
		}
	}
	t, ok := f.child.Match(rec.Key)
	if !ok {
		return nil
	}
	f.keys[t]++
	for _, i := range f.run.byChild[t] {
		if f.run.refs[i].Content != kv.ContentNone || f.wants != nil && !f.wants(i, hash) {
			continue
		}
		if err := f.refer(i, rec.DB, rec.Key, hash, nil); err != nil {
			return err
		}
	}
	if f.run.scanner != nil { // the values went by before the key came
		return f.err
	}
	f.ask(kv.Name{DB: rec.DB, Key: rec.Key}, t, hash)
	if len(f.asks) < askPage {
		return nil
	}
	return f.read(ctx)
}

// ask notes what has to be known of the value of a key of a template.
func (f *follower) ask(n kv.Name, template int, hash uint64) {
	for _, i := range f.run.byChild[template] {
		ref := f.run.refs[i]
		if ref.Content != kv.ContentNone && (f.wants == nil || f.wants(i, hash)) {
			f.asks = append(f.asks, kv.Ask{Name: n, Part: ref.Content, Text: ref.Field})
			f.about = append(f.about, asked{i, false})
		}
	}
	if f.exists == nil {
		return
	}
	for _, i := range f.run.byParent[template] {
		f.asks = append(f.asks, kv.Ask{Name: n, Part: kv.ContentField, Text: f.run.refs[i].Backref})
		f.about = append(f.about, asked{i, true})
	}
}

// want says what is to be read of the value of a key, in a pass that reads values.
func (f *follower) want(n kv.Name) []kv.Ask {
	f.asks, f.about = f.asks[:0], f.about[:0]
	if t, ok := f.child.Match(n.Key); ok && f.err == nil {
		f.from = append(f.from[:0], n.Key...)
		f.ask(n, t, fingerprint(n.DB, f.from))
	}
	return f.asks
}

// scan reads a store, or a part of it, values included where they are read with the keys.
func (f *follower) scan(ctx context.Context, store kv.Store, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	if f.run.scanner == nil {
		return store.Scan(ctx, opt)
	}
	return f.run.scanner.ScanValues(ctx, opt, f.want, f.answer)
}

// refer is told of one reference, by the text of its value if it has one.
func (f *follower) refer(i, db int, key string, hash uint64, text []byte) error {
	ref := f.run.refs[i]
	to, ok := ref.Target(f.to[:0], key, text)
	f.to = to
	if !ok {
		return nil
	}
	of := reference{i, db, key, text, to}
	target := fingerprint(db, to)
	if err := f.refers(2*i, join.Pair{To: target, From: hash}, &of); err != nil {
		return err
	}
	if !ref.Proves() {
		return nil
	}
	f.from = append(f.from[:0], key...)
	return f.refers(2*i+1, join.Pair{To: together(db, target, f.from), From: hash}, &of)
}

// read reads the values that were asked for.
func (f *follower) read(ctx context.Context) error {
	if len(f.asks) == 0 {
		return nil
	}
	err := f.run.values.ReadValues(ctx, f.asks, f.answer)
	f.asks, f.about = f.asks[:0], f.about[:0]
	if err == nil {
		err = f.err
	}
	return err
}

// answer takes the answer to the i-th ask.
func (f *follower) answer(i int, a kv.Answer, text []byte) {
	switch a {
	case kv.Found:
		if f.err == nil {
			f.err = f.value(&f.asks[i], f.about[i], text)
		}
	case kv.Unlike:
		f.unlike++
	case kv.Forbidden:
		f.refused++
	case kv.Lost: // nothing is referred to
	}
}

// value takes the text of a value: of one that refers, or of one that is referred to and leads back.
func (f *follower) value(q *kv.Ask, a asked, text []byte) error {
	f.from = append(f.from[:0], q.Key...)
	hash := fingerprint(q.DB, f.from)
	if !a.back {
		return f.refer(a.ref, q.DB, q.Key, hash, text)
	}
	entry, ok := f.run.refs[a.ref].Back(f.to[:0], q.Key, text)
	if f.to = entry; !ok {
		return nil
	}
	return f.exists(together(q.DB, hash, entry))
}

// Scan follows the references of what it passes on.
func (w *watched) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		batch := w.run.joined.Batch()
		f := w.run.follower()
		f.exists = batch.Exists
		f.refers = func(relation int, p join.Pair, _ *reference) error { return batch.Refers(relation, p) }
		for rec, err := range f.scan(ctx, w.Store, opt) {
			if err == nil {
				err = f.observe(ctx, rec)
			}
			if err != nil {
				_ = batch.Flush() // the other error says more
				yield(nil, err)
				return
			}
			if !yield(rec, nil) {
				break
			}
		}
		var err error
		if f.run.scanner == nil {
			err = f.read(ctx)
		}
		f.count()
		if failed := batch.Flush(); err == nil {
			err = failed
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// count adds up how many keys each template has, and the values that were not followed.
func (f *follower) count() {
	f.run.mu.Lock()
	defer f.run.mu.Unlock()
	f.run.unlike += f.unlike
	f.run.refused += f.refused
	for t, n := range f.keys {
		if f.run.Keys != nil && n > 0 {
			f.run.Keys[f.run.Schema.Templates[t].Key.String()] += n
		}
	}
}
