package keydesign

import (
	"math"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// An estimate is what the keys of a template have in sum. Where only a sample of the keys was asked, each that was counts
// for all those that it stands for; where all were asked, everything here is exact.
type estimate struct {
	asked, stands     int64 // keys, and for how many keys they stand: about all
	sized, bytes      int64 // keys that told their size, and their bytes: of all that they stand for
	timed, persistent int64 // the same of TTLs

	// What the interval of bytes follows from: of the keys that told their size, how many, their sum, the sum of squares, and
	// the sum of n(n-1), where n is how many keys one stands for.
	told, sum, pairs int64
	squares          sketch.Wide
}

func (e *estimate) observe(o *observation) {
	n := o.stands
	if n == 0 {
		return
	}
	e.asked++
	e.stands += n
	if o.known&kv.FieldSize != 0 {
		e.sized += n
		e.bytes += n * o.size
		e.told++
		e.sum += o.size
		e.pairs += n * (n - 1)
		e.squares.AddSquare(o.size)
	}
	if o.known&kv.FieldTTL != 0 {
		e.timed += n
		if o.ttl == kv.TTLNone {
			e.persistent += n
		}
	}
}

func (e *estimate) merge(o *estimate) {
	e.asked += o.asked
	e.stands += o.stands
	e.sized += o.sized
	e.bytes += o.bytes
	e.timed += o.timed
	e.persistent += o.persistent
	e.told += o.told
	e.sum += o.sum
	e.pairs += o.pairs
	e.squares.Add(o.squares)
}

func (e *estimate) form(f *saved.Form) {
	saved.Count(f, &e.asked, &e.stands, &e.sized, &e.bytes, &e.timed, &e.persistent, &e.told, &e.sum, &e.pairs)
	e.squares.Form(f)
}

// bytes returns the bytes of all keys of the template. Of the last keys of a leaf, none may have been asked, or one that
// stands for more than there were; so what was counted is brought to the number of keys that there are.
func (s *stats) bytes() int64 {
	e := &s.estimate
	if e.stands == s.keys || e.stands == 0 {
		return e.bytes
	}
	return int64(math.Round(float64(e.bytes) * (float64(s.keys) / float64(e.stands))))
}

// sampled reports whether some keys were not asked.
func (s *stats) sampled() bool { return s.estimate.asked < s.keys }

// variance is that of bytes, in bytes². With one key asked of each block of n, and s² the variance of a key's size, a block
// adds n(n-1)s² (W. G. Cochran, Sampling Techniques, 5.6, for one unit a stratum). Keys of several leaves are taken
// together for s², which makes it rather too great than too small.
func (s *stats) variance() float64 {
	e := &s.estimate
	if e.pairs == 0 || e.told < 2 {
		return 0
	}
	n, sum := float64(e.told), float64(e.sum)
	s2 := max(0, e.squares.Float()-sum*sum/n) / (n - 1)
	return float64(e.pairs) * s2
}

// half returns half of the 95 % interval that a variance makes.
func half(variance float64) float64 { return z95 * math.Sqrt(variance) }

// total is the sum of bytes over all templates, if some of them were sampled.
func (ks *keyspace) total() report.Metric {
	off := half(ks.variance)
	return report.Metric{
		Name: "bytes", Value: report.Number(ks.bytes), Unit: report.UnitBytes, How: kv.Sampled.String(),
		Interval: &report.Interval{Low: math.Floor(float64(ks.bytes) - off), High: math.Ceil(float64(ks.bytes) + off)},
	}
}

// Columns of a table of templates some of which were sampled: how much of one was asked, and how far the bytes may be off.
func sampleColumns() []report.Column {
	return []report.Column{
		{Name: "measured", Unit: report.UnitRatio, Rank: 2},
		{Name: "bytes_off", Title: "mem ±", Unit: report.UnitRatio, Rank: 1},
	}
}

func (s *stats) sampleValues() []report.Value {
	off := report.Number(0)
	switch {
	case s.estimate.sized == 0:
		off = report.Null
	case s.sampled():
		off = report.Number(half(s.variance()) / float64(max(1, s.bytes())))
	}
	return []report.Value{report.Number(float64(s.estimate.asked) / float64(s.keys)), off}
}
