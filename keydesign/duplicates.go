package keydesign

import (
	"math"
)

// An equality says how much of a template's strings others of its strings say already.
type equality struct {
	share, low, high float64 // of the keys whose value is a repetition, with a 95 % interval
	bytes            float64 // of values that are repetitions
	top              float64 // share of the keys that hold the commonest value
	sample           int     // keys whose values were compared
}

// duplicates estimates how many of the template's strings repeat another one; ok is false if no values were compared. Of n
// keys in a sample, a share q of all N, d values are distinct, f1 of them seen once and f2 twice. Values that are in no key of
// the sample are as many as (A. Chao, C.-W. Lin, Biometrics 68, 2012, for samples without replacement):
//
//	unseen = f1² / (2·f2 + f1·q/(1-q))
//
// which is exact where all values are repeated equally often, once included, and else too few: then the repetitions are at
// most what follows. Most of the error is that of f2, a small number of pairs that happened to be drawn.
func (d *depth) duplicates() (e equality, ok bool) {
	if d.values == nil || d.stored == nil || d.stored.long == 0 {
		return e, false
	}
	seen := d.values.tally()
	e.sample = int(seen.keys)
	if seen.keys == 0 {
		return e, false
	}
	n, all := float64(seen.keys), math.Max(float64(d.stored.long), float64(seen.keys))
	e.top = float64(seen.most) / n
	e.share = seen.repeated(all, seen.twice)
	e.low, e.high = seen.interval(all, e.share)
	e.bytes = e.share * float64(d.stored.longBytes) * seen.weight()
	return e, true
}

// A tally counts the values of a sample by how often each was seen.
type tally struct {
	keys, bytes   int64
	distinct      int64
	distinctBytes int64
	once, twice   float64 // values
	most          int64   // keys with the commonest value
}

func (v *valueSample) tally() tally {
	type group struct{ keys, bytes int64 }
	groups := map[uint64]group{}
	var t tally
	for _, x := range v.values() {
		g := groups[x.digest]
		groups[x.digest] = group{g.keys + 1, x.bytes}
		t.keys++
		t.bytes += x.bytes
	}
	for _, g := range groups {
		t.distinct++
		t.distinctBytes += g.bytes
		t.most = max(t.most, g.keys)
		switch g.keys {
		case 1:
			t.once++
		case 2:
			t.twice++
		}
	}
	return t
}

// repeated returns the share of all keys whose value repeats another's, if twice values were seen twice.
func (t *tally) repeated(all, twice float64) float64 {
	n := float64(t.keys)
	values := float64(t.distinct)
	if n < all && t.once > 0 {
		q := n / all
		values += t.once * t.once / (2*twice + t.once*q/(1-q))
	}
	return min(1, max(0, 1-values/all))
}

// interval is that of a count of pairs, which is Poisson's, and beside it that of a share of the sample.
func (t *tally) interval(all, share float64) (low, high float64) {
	n := float64(t.keys)
	fewer := max(0, t.twice-z95*math.Sqrt(t.twice))
	more := t.twice + z95*math.Sqrt(t.twice+1) + 2
	if n >= all {
		return share, share
	}
	low, high = t.repeated(all, fewer), t.repeated(all, more)
	low -= z95 * math.Sqrt(low*(1-low)/n)
	high += z95 * math.Sqrt(high*(1-high)/n)
	return min(share, max(0, low)), max(share, min(1, high))
}

// weight is how large a repeated value is, in the mean, to any.
func (t *tally) weight() float64 {
	repeats, bytes := t.keys-t.distinct, t.bytes-t.distinctBytes
	if repeats == 0 || t.bytes == 0 {
		return 1
	}
	return float64(bytes) / float64(repeats) / (float64(t.bytes) / float64(t.keys))
}
