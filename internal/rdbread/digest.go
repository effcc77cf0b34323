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

// content hops over a string's value, or hashes it where a digest of it is wanted. Either way no more than a piece of it is
// held.
func (r *Reader) content(b blob) {
	w := r.w
	if r.want&kv.FieldDigest == 0 || b.size < digestMin || xxh3.HashString(r.rec.Key)%digestOneIn != 0 {
		w.skip(b.stored)
		return
	}
	if b.stored > w.left() {
		w.fail(errCut)
		return
	}
	if b.size <= maxNeed && b.stored <= maxNeed {
		r.rec.Digest = xxh3.Hash(w.content(b))
	} else {
		r.rec.Digest = r.hashLong(b)
	}
	r.rec.Known |= kv.FieldDigest
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
