package redis

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// readKeys reads the answers for the keys of p that have been asked about, from the i-th on, and yields their records, or
// holds them until their lengths are in.
func (sc *scan) readKeys(p *batch, i int) error {
	sc.now = time.Time{} // read once a chunk: for each key it would cost as much as the key's answer
	for ; i < p.sent; i++ {
		plan := sc.planOf(p, i)
		gone, err := sc.read(p.keys[i], plan)
		if err != nil {
			return err
		}
		if gone {
			sc.vanish()
			continue
		}
		sc.learned.hits += plan.hits
		if sc.abilities.model != nil && plan.want&kv.FieldSize != 0 {
			sc.modelSize()
		}
		if err := sc.emitOrHold(p, plan.want); err != nil {
			return err
		}
	}
	return nil
}

// vanish counts a key that was gone when it was asked about.
func (sc *scan) vanish() {
	if !sc.moved {
		sc.learned.vanished++
	}
}

// emitOrHold yields the record that was read, or keeps it with those of its page.
func (sc *scan) emitOrHold(p *batch, want kv.Field) error {
	by := attr(0)
	if sc.lengths && want&kv.FieldLen != 0 {
		by = sc.lengthOf(&sc.record)
	}
	if by == 0 && !sc.waits(p) {
		return sc.emit(&sc.record)
	}
	p.held = append(p.held, held{sc.record, by})
	return nil
}

// emit yields a record that is whole.
func (sc *scan) emit(r *kv.Record) error {
	more := sc.yield(r)
	sc.account(r) // by now whoever consumes it has said for how many keys it stands
	if !more {
		return errEnough
	}
	return nil
}

// read reads the answers for one key into sc.record. The key is gone if any of them says so.
func (sc *scan) read(key string, p *plan) (gone bool, err error) {
	sc.record = kv.Record{Key: key, DB: sc.selected, Known: kv.FieldName}
	sc.strlen, sc.moved = -1, false
	if sc.of != "" {
		sc.record.Type = kv.Type(sc.of)
		sc.record.Known |= kv.FieldType
	}
	for _, x := range p.attrs {
		if err := sc.readAsking(); err != nil {
			return false, err
		}
		rep, err := sc.link.in.Next()
		if err != nil {
			return false, unexpected(err)
		}
		if rep.Kind == resp.Error {
			g, err := sc.refuse(x, rep.Data)
			if err != nil {
				return false, err
			}
			gone = gone || g
			continue
		}
		g, ok := sc.set(x, rep)
		if !ok {
			return false, fmt.Errorf("%w: %s was answered otherwise", resp.ErrProtocol, attrs[x].command)
		}
		gone = gone || g
	}
	return gone, nil
}

// readAsking reads the answer to ASKING where that goes before each question.
func (sc *scan) readAsking() error {
	if !sc.portion.asking {
		return nil
	}
	rep, err := sc.link.in.Next()
	switch {
	case err != nil:
		return unexpected(err)
	case rep.Kind == resp.Error:
		return serverError(rep.Data)
	}
	return sc.link.in.Skip(rep)
}

// set notes the answer to one command; ok is false for one that the command cannot have. One that has the right form and
// makes no sense, an empty type or a size below nothing, makes the fact no more known.
func (sc *scan) set(x attr, rep resp.Reply) (gone, ok bool) {
	if rep.Kind == resp.Null {
		return true, x != attrType && x != attrTTL
	}
	r, sensible := &sc.record, true
	switch {
	case x == attrType && rep.Kind == resp.Simple:
		if string(rep.Data) == "none" {
			return true, true
		}
		r.Type = sc.typeOf(rep.Data)
		sensible = r.Type != ""
	case x == attrEncoding && (rep.Kind == resp.Bulk || rep.Kind == resp.Simple):
		r.Encoding = kv.Encoding(sc.intern(rep.Data))
		sensible = r.Encoding != ""
	case x == attrTTL && rep.Kind == resp.Int:
		return sc.setTTL(rep.N), true
	case x == attrSize && rep.Kind == resp.Int:
		r.Size = rep.N
		sensible = rep.N > 0
	case x == attrStrlen && rep.Kind == resp.Int:
		sc.strlen = rep.N
	case x == attrIdle && rep.Kind == resp.Int:
		r.Idle = time.Duration(max(0, min(rep.N, maxSeconds))) * time.Second
		sensible = rep.N >= 0
	case x == attrFreq && rep.Kind == resp.Int:
		r.Freq = uint8(max(0, min(rep.N, math.MaxUint8)))
		sensible = rep.N >= 0
	default:
		return false, false
	}
	if sensible {
		r.Known |= attrs[x].field
	}
	return false, true
}

// setTTL notes an answer to PTTL: -2 no such key, -1 no expiry, else milliseconds.
func (sc *scan) setTTL(ms int64) (gone bool) {
	r := &sc.record
	switch {
	case ms == -2:
		return true
	case ms < 0:
		r.TTL = kv.TTLNone
	default:
		if sc.now.IsZero() {
			sc.now = time.Now().Round(0) // without the monotonic clock: it is written down
		}
		r.TTL = kv.TTLAt
		r.ExpireAt = sc.now.Add(time.Duration(min(ms, maxMillis)) * time.Millisecond)
	}
	r.Known |= kv.FieldTTL
	return false
}

// maxMillis and maxSeconds keep a time within what a Duration holds, 292 years.
const (
	maxMillis  = math.MaxInt64 / int64(time.Millisecond)
	maxSeconds = math.MaxInt64 / int64(time.Second)
)

// refuse counts a refusal that is for this key: rights by pattern. Some servers word "no such key" as an error, and a node
// of a cluster that has handed the key on says where it is now: to this scan, both are gone.
func (sc *scan) refuse(x attr, text []byte) (gone bool, err error) {
	switch {
	case bytes.HasPrefix(text, []byte("MOVED ")), bytes.HasPrefix(text, []byte("ASK ")):
		sc.moved = sc.portion.keep != nil // whoever reads slots meets it again
		return true, nil
	case bytes.Contains(text, []byte("no such key")):
		return true, nil
	case bytes.HasPrefix(text, []byte("WRONGTYPE")) && x >= attrStrlen:
		return false, nil
	case bytes.HasPrefix(text, []byte("NOPERM")), bytes.HasPrefix(text, []byte("ERR ")):
		if sc.learned.refused[x].keys++; sc.learned.refused[x].keys == 1 {
			sc.learned.refused[x].text = string(text)
		}
		return false, nil
	}
	return false, serverError(text)
}

// modelSize gives the record a size where the model has enough to go by.
func (sc *scan) modelSize() {
	r, m := &sc.record, sc.abilities.model
	n := sc.strlen
	switch {
	case r.Encoding == kv.EncodingInt:
	case n >= 0 && (r.Type == kv.TypeString || !r.Has(kv.FieldType)):
	case r.Encoding == kv.EncodingEmbstr:
		n = embstrMiddle
	default:
		return
	}
	key, expires := int64(len(r.Key)), r.TTL == kv.TTLAt
	value, _ := m.StringOf(key, n, r.Encoding == kv.EncodingInt, expires)
	r.Size = m.Key(key) + value
	if expires {
		r.Size += m.Expiry(key)
	}
	r.Known |= kv.FieldSize
}

// embstrMiddle is the length for which a short string is counted if its own is not known. From 0 to 44 bytes the block has
// 24 to 64; the block of this length is not more than 24 away from any of them.
const embstrMiddle = 24

// typeOf returns a type's name without an allocation.
func (sc *scan) typeOf(b []byte) kv.Type {
	switch string(b) {
	case "string":
		return kv.TypeString
	case "hash":
		return kv.TypeHash
	case "list":
		return kv.TypeList
	case "set":
		return kv.TypeSet
	case "zset":
		return kv.TypeZSet
	case "stream":
		return kv.TypeStream
	}
	return kv.Type(sc.intern(b))
}

// maxNames bounds what is kept of the names of types and encodings. A server has a few dozen.
const maxNames = 1000

func (sc *scan) intern(b []byte) string {
	if s, ok := sc.words[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(sc.words) < maxNames {
		sc.words[s] = s
	}
	return s
}
