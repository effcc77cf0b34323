package redis

import (
	"fmt"
	"math"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// How many elements a collection has is told by a command of its type, and each of these counts as an access of the key. So
// they are sent only over a connection that has said CLIENT NO-TOUCH ON, and only when the type is known. A page is held from
// its first collection on until its lengths are in: the questions go out in one write with those about the page after the next.
//
//	client   SCAN, keys of page 3, lengths of page 1 ──┐ SCAN, keys of page 4, lengths of page 2 ──┐
//	server          answers for page 2 ────────────────┘ lengths of page 1, answers for page 3 ────┘
//
// A string has one element, which nobody needs to be asked. Of a module's value no command is known.

// lengthAttr returns the attribute that tells the length of a value of type t, or 0 if none does.
func lengthAttr(t kv.Type) attr {
	switch t {
	case kv.TypeHash:
		return attrHLen
	case kv.TypeList:
		return attrLLen
	case kv.TypeSet:
		return attrSCard
	case kv.TypeZSet:
		return attrZCard
	case kv.TypeStream:
		return attrXLen
	}
	return 0
}

// A held record is whole but for its length.
type held struct {
	record kv.Record
	by     attr // tells the length; 0: nobody is asked
}

// prepareLengths encodes the commands for lengths, if they are wanted and can be had.
func (sc *scan) prepareLengths() (err error) {
	sc.lengths = sc.opt.Want&kv.FieldLen != 0 && sc.abilities.lengths() == ""
	if !sc.lengths {
		return nil
	}
	for x := attrHLen; x <= attrXLen; x++ {
		if sc.lengthC[x], err = resp.NoTouch.Command(1, attrs[x].words...); err != nil {
			return err
		}
	}
	return nil
}

// lengthOf returns the attribute that tells the length of a record, or 0 if there is none; that of a string it notes itself.
func (sc *scan) lengthOf(r *kv.Record) attr {
	if !r.Has(kv.FieldType) {
		return 0
	}
	if r.Type == kv.TypeString {
		r.Len = 1
		r.Known |= kv.FieldLen
	}
	return lengthAttr(r.Type)
}

// waits reports whether the next record of p has to wait: for those before it.
func (sc *scan) waits(p *batch) bool { return sc.waiting > 0 || len(p.held) > 0 }

// settle is told of a page whose answers are in. Where lengths are wanting it is set aside, if there is a write to come that
// can ask for them; else nothing is on its way, and they are asked for at once.
func (sc *scan) settle(p *batch, ahead bool) error {
	if !sc.waits(p) {
		return sc.done(p)
	}
	sc.waiting++
	if ahead {
		sc.due = p
		return sc.ctx.Err()
	}
	if due := sc.due; due != nil {
		sc.due = nil
		if err := sc.release(due); err != nil {
			return err
		}
	}
	return sc.release(p)
}

// addLengths adds the questions about as many of the held records of p as make most bytes, at least one.
func (sc *scan) addLengths(p *batch, most int) {
	for p.asked < len(p.held) && sc.link.out.Size() <= most {
		if h := &p.held[p.asked]; h.by != 0 {
			sc.lengthsAsked[h.by]++
			sc.addEach(sc.lengthC[h.by:h.by+1], h.record.Key)
		}
		p.asked++
	}
}

// addBehind adds the questions about the lengths of the page that is due for them. It was asked about in one chunk, so that
// these are not many more bytes.
func (sc *scan) addBehind(p *batch) {
	if p.behind, sc.due = sc.due, nil; p.behind != nil {
		sc.addLengths(p.behind, math.MaxInt)
	}
}

// readBehind reads the lengths that were asked for ahead of the keys of p, and yields the records that waited for them.
func (sc *scan) readBehind(p *batch) error {
	if p.behind == nil {
		return nil
	}
	if err := sc.readLengths(p.behind, 0); err != nil {
		return err
	}
	sc.waiting--
	return sc.done(p.behind)
}

// release asks for the lengths of p, and yields the records that waited for them.
func (sc *scan) release(p *batch) error {
	for read := 0; read < len(p.held); read = p.asked {
		sc.addLengths(p, chunkBytes)
		if err := sc.send(); err != nil {
			return err
		}
		if err := sc.readLengths(p, read); err != nil {
			return err
		}
	}
	sc.waiting--
	return sc.done(p)
}

// readLengths reads the lengths of p that have been asked for, from the i-th record on, and yields these records.
func (sc *scan) readLengths(p *batch, i int) error {
	for ; i < p.asked; i++ {
		h := &p.held[i]
		gone, err := sc.readLength(h)
		if err != nil {
			return err
		}
		if gone {
			sc.vanish()
			continue
		}
		if err := sc.emit(&h.record); err != nil {
			return err
		}
	}
	return nil
}

// readLength reads the length of a held record. Whoever has none any more is gone: no collection but a stream is empty.
// Where another type has taken the place of the one that was seen, the length stays unknown.
func (sc *scan) readLength(h *held) (gone bool, err error) {
	if h.by == 0 {
		return false, nil
	}
	sc.moved = false
	if err := sc.readAsking(); err != nil {
		return false, err
	}
	rep, err := sc.link.in.Next()
	switch {
	case err != nil:
		return false, unexpected(err)
	case rep.Kind == resp.Error:
		return sc.refuse(h.by, rep.Data)
	case rep.Kind != resp.Int:
		return false, fmt.Errorf("%w: %s was answered otherwise", resp.ErrProtocol, attrs[h.by].command)
	case rep.N == 0 && h.by != attrXLen:
		return true, nil
	}
	sc.learned.hits++
	if rep.N >= 0 {
		h.record.Len = rep.N
		h.record.Known |= kv.FieldLen
	}
	return false, nil
}

// lengths returns why lengths cannot be had, in the server's words; empty: they can.
func (a *abilities) lengths() (refused string) {
	if a.noTouch != "" {
		return a.noTouch
	}
	if !a.typed() {
		return a.refused[attrType]
	}
	for x := attrHLen; x <= attrXLen; x++ {
		if !a.has(x) {
			return a.refused[x]
		}
	}
	return ""
}

// lengthGrant is what a user needs for lengths, besides fullGrant, on a server that has CLIENT NO-TOUCH.
const lengthGrant = "+client|no-touch +hlen +llen +scard +zcard +xlen"

// length is the fact that is measured where a server can be asked without a trace.
func (a *abilities) length() kv.Fact {
	refused, grant := a.lengths(), lengthGrant
	if refused != "" && a.noTouch == "" && !a.typed() {
		grant = attrs[attrType].grant
	}
	f := a.ability("length", refused, grant)
	f.Field = kv.FieldLen
	if a.noTouch != "" && !mayBeGranted(a.noTouch) {
		f.Why = "not gathered: the commands for it (HLEN, LLEN, …) count as an access of the key, and disturb what is evicted"
		f.Hint = "Redis 7.2 and Valkey can be asked without that (CLIENT NO-TOUCH); or audit a dump: kvtool audit rdb:FILE"
	}
	return f
}
