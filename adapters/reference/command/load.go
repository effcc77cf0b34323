package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/dump"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/internal/rdbread"
	"github.com/kvtool/kvtool/kv"
)

// A Loaded says what became of a dump.
type Loaded struct {
	Keys    int64 // that are there now
	Expired int64 // were due before now: a server that loads a dump leaves them out, too
	Twice   int64 // replaced one of the same name
	Beyond  int64 // of databases that the engine does not have
	Bad     int64 // without elements, or with one twice

	Streams   int64 // keys of types that the engine does not have
	Modules   int64 // likewise
	FieldTTLs int64 // fields of hashes that have lost their expiry
	Functions int   // libraries, which are left out
}

// LoadRDB puts the keys of a dump of size bytes, 0 if that is not known, into an engine. What was loaded before an error stays,
// and is told. It ends with the context.
func LoadRDB(ctx context.Context, e *engine.Engine, src io.Reader, size int64) (Loaded, error) {
	l := loader{ctx: ctx}
	in, err := rdbread.NewReader(src, rdbread.Options{Size: size, Bodies: true})
	if err != nil {
		return l.Loaded, err
	}
	l.valkey = in.Summary().Lineage == "valkey"
	e.Fill(func(shard func(key []byte) (*keyspace.Shard, uint64)) {
		l.shard = shard
		err = l.run(in)
	})
	l.Functions = in.Summary().Functions
	return l.Loaded, err
}

// A loader is a load on its way.
type loader struct {
	Loaded
	ctx    context.Context
	shard  func(key []byte) (*keyspace.Shard, uint64)
	reader dump.Reader
	valkey bool
}

func (l *loader) run(in *rdbread.Reader) error {
	for n := 0; ; n++ {
		if n%1024 == 0 && l.ctx.Err() != nil {
			return l.ctx.Err()
		}
		rec, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		code, body := in.Body()
		if err := l.key(rec, code, body); err != nil {
			return err
		}
	}
}

// key loads one key.
func (l *loader) key(rec *kv.Record, code byte, body []byte) error {
	switch {
	case rec.Type == kv.TypeStream:
		l.Streams++
		return nil
	case body == nil:
		l.Modules++
		return nil
	case rec.DB >= engine.Databases:
		l.Beyond++
		return nil
	}
	key := []byte(rec.Key)
	s, hash := l.shard(key)
	at := int64(0)
	if rec.TTL != kv.TTLNone {
		if at = rec.ExpireAt.UnixMilli(); at <= s.Now() {
			l.Expired++
			return nil
		}
	}
	v, err := l.reader.Read(code, body, l.valkey)
	if err != nil || !intact(v) {
		l.Bad++
		return nil
	}
	l.FieldTTLs += int64(v.FieldTTLs)
	if old := s.Find(rec.DB, key, hash); old.OK() {
		s.Delete(old)
		l.Twice++
		l.Keys--
	}
	it, ok := build(s, rec.DB, key, hash, v)
	if ok && at != 0 {
		it, ok = s.SetExpiry(it, at)
	}
	if !ok {
		return fmt.Errorf("after %d keys there is no more room", l.Keys)
	}
	setAccess(s, it, known(rec, kv.FieldIdle, int64(rec.Idle/time.Second)), known(rec, kv.FieldFreq, int64(rec.Freq)))
	l.Keys++
	return nil
}

// known returns n if a record has the fact, and -1 if not.
func known(rec *kv.Record, fact kv.Field, n int64) int64 {
	if rec.Known&fact == 0 {
		return -1
	}
	return n
}
