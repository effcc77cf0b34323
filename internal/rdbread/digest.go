package rdbread

import (
	"github.com/zeebo/xxh3"

	"github.com/kvtool/kvtool/kv"
)

// Digests are taken of strings that are worth sharing, and of one key in digestOneIn by the hash of its name, so that the
// same keys are chosen in every dump.
const (
	digestMin   = 32 // bytes
	digestOneIn = 16
)

// content hops over a string's value, or reads it where a digest or the text of it is wanted. No more than a piece of it is held,
// or a document of which a field is wanted.
func (r *Reader) content(b blob) {
	w := r.w
	digest := r.want&kv.FieldDigest != 0 && b.size >= digestMin && xxh3.HashString(r.rec.Key)%digestOneIn == 0
	told := w.told.wants(b.size)
	if !digest && !told {
		w.skip(b.stored)
		return
	}
	if b.stored > w.left() {
		w.fail(errCut)
		return
	}
	var text []byte
	switch {
	case b.size <= maxNeed && b.stored <= maxNeed:
		text = w.content(b)
	case told:
		text = w.told.document(w.open(b))
	default:
		r.rec.Digest = r.hashLong(b)
		r.rec.Known |= kv.FieldDigest
		return
	}
	if w.err != nil {
		return
	}
	if digest {
		r.rec.Digest = xxh3.Hash(text)
		r.rec.Known |= kv.FieldDigest
	}
	if told {
		w.told.whole(text)
	}
}

// hashLong hashes a string piece by piece.
func (r *Reader) hashLong(b blob) uint64 {
	if r.hasher == nil {
		r.hasher = xxh3.New()
		r.piece = make([]byte, lzfReach)
	}
	r.hasher.Reset()
	in := r.w.open(b)
	for left := b.size; left > 0 && r.w.err == nil; {
		n := in.read(r.piece[:min(left, int64(len(r.piece)))])
		_, _ = r.hasher.Write(r.piece[:n]) // it never fails
		left -= int64(n)
	}
	in.close()
	return r.hasher.Sum64()
}
