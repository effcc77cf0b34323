package compare

import (
	"cmp"
	"math"
	"slices"

	"github.com/kvtool/kvtool/keydesign"
)

// A law is how the keys of a template expire: what they have left, at one moment.
type law struct {
	keys       float64 // that told whether they expire
	persistent float64
	spans      []keydesign.TTLSpan // what the others have left, the least first
	left       float64             // keys in spans
}

func lawOf(f *keydesign.TTLFacts) law {
	l := law{keys: float64(f.Keys), persistent: float64(f.Persistent), spans: f.Left}
	for _, s := range f.Left {
		l.left += float64(s.Keys)
	}
	return l
}

// bins of what is left: below a second, powers of two of seconds up to 2^19, beyond, none at all, and past its time.
const (
	logBins = 20
	allBins = logBins + 2
)

// histogram counts the keys in each bin. A span that lies in two is divided.
func (l *law) histogram() (h [allBins]float64) {
	for _, s := range l.spans {
		width := s.High - s.Low
		for b := range logBins {
			low, high := 0., math.Inf(1)
			if b > 0 {
				low = math.Exp2(float64(b - 1))
			}
			if b < logBins-1 {
				high = math.Exp2(float64(b))
			}
			switch {
			case width <= 0 && s.Low >= low && s.Low < high:
				h[b] += float64(s.Keys)
			case width > 0:
				h[b] += float64(s.Keys) * max(0, min(high, s.High)-max(low, s.Low)) / width
			}
		}
	}
	h[logBins] = l.persistent
	h[logBins+1] = max(0, l.keys-l.persistent-l.left)
	return h
}

// A shape is how far two histograms are apart.
type shape struct {
	js     float64 // the Jensen-Shannon distance: 0 to 1, the root of the divergence in bits
	chance float64 // what it exceeds by chance in one of ten thousand pairs of the same law
	psi    float64
}

// smoothing is what is added to each bin of both sides together: to each in proportion to its keys, so that of two environments of
// different size neither is made flatter than the other.
const smoothing = 1.

// shapes compares two histograms. With n and m keys of one law, 8·JSD/(1/n+1/m) in nats is χ² with as many degrees of freedom
// as there are bins in use, less one (a Taylor series of the logarithm), which gives what chance does.
func shapes(a, b [allBins]float64) shape {
	var n, m float64
	for i := range a {
		n, m = n+a[i], m+b[i]
	}
	var s shape
	used, jsd := 0., 0.
	toA, toB := smoothing*n/(n+m), smoothing*m/(n+m)
	for i := range a {
		if a[i]+b[i] > 0 {
			used++
		}
		p, q := (a[i]+toA)/(n+toA*allBins), (b[i]+toB)/(m+toB*allBins)
		mid := (p + q) / 2
		jsd += (p*math.Log(p/mid) + q*math.Log(q/mid)) / 2
		s.psi += (q - p) * math.Log(q/p)
	}
	s.js = math.Sqrt(max(0, jsd) / math.Ln2)
	if used > 1 {
		s.chance = math.Sqrt(chiSquare(used-1) * (1/n + 1/m) / 8 / math.Ln2)
	}
	return s
}

// chiSquare returns the quantile of 99.99 % (Wilson and Hilferty 1931).
func chiSquare(df float64) float64 {
	const z = 3.719
	x := 1 - 2/(9*df) + z*math.Sqrt(2/(9*df))
	return df * x * x * x
}

// distances returns the Kolmogorov-Smirnov distance of what is left, and by how many seconds the one law must be moved to be the
// other: the Wasserstein distance.
func distances(a, b *law) (ks, w1 float64) {
	if a.left == 0 || b.left == 0 {
		return 0, 0
	}
	var at []float64
	for _, l := range []*law{a, b} {
		for _, s := range l.spans {
			at = append(at, s.Low, s.High)
		}
	}
	slices.Sort(at)
	at = slices.Compact(at)
	before := 0.
	for i, x := range at {
		d := math.Abs(a.below(x) - b.below(x))
		ks = max(ks, d)
		if i > 0 {
			w1 += (d + before) / 2 * (x - at[i-1])
		}
		before = d
	}
	return ks, w1
}

// below returns the share of keys that have at most x seconds left.
func (l *law) below(x float64) float64 {
	n := 0.
	i, _ := slices.BinarySearchFunc(l.spans, x, func(s keydesign.TTLSpan, x float64) int {
		if s.High <= x {
			return -1
		}
		return 1
	})
	for _, s := range l.spans[:i] {
		n += float64(s.Keys)
	}
	if i < len(l.spans) {
		if s := l.spans[i]; s.Low < x && s.High > s.Low {
			n += float64(s.Keys) * (x - s.Low) / (s.High - s.Low)
		}
	}
	return n / l.left
}

// A lifetime is an estimate of the TTL that keys are given, in seconds.
type lifetime struct {
	ttl, low, high float64 // 95 %
	sharp          bool    // the keys end there: else it is where the last of a few happens to be
}

const (
	gap       = 1.2  // what follows a gap of so many times is another mode
	tail      = 0.05 // and an outlier where it is no more than this share
	sharpEnd  = 0.9
	sharpKeys = 0.02
)

// edge returns from where on what two laws have left are outliers of both: behind a gap, and no more than a part of the keys. One
// edge for both sides, for a part that is just so large would be cut off on one of them alone.
func edge(a, b *law) float64 {
	both := slices.Concat(a.spans, b.spans)
	slices.SortFunc(both, func(x, y keydesign.TTLSpan) int { return cmp.Compare(x.Low, y.Low) })
	above, cut := 0., math.Inf(1)
	for i := len(both) - 1; i > 0; i-- {
		if above += float64(both[i].Keys); above > tail*(a.left+b.left) {
			break
		}
		if both[i].Low > gap*both[i-1].High {
			cut = both[i].Low
		}
	}
	return cut
}

// lifetime estimates the TTL from what is left below an edge: with steady writes that is uniform up to the TTL, so that the largest
// of n is T·n/(n+1).
func (l *law) lifetime(edge float64) lifetime {
	spans := l.spans
	for len(spans) > 0 && spans[len(spans)-1].Low >= edge {
		spans = spans[:len(spans)-1]
	}
	n := 0.
	for _, s := range spans {
		n += float64(s.Keys)
	}
	if n == 0 {
		return lifetime{}
	}
	last := spans[len(spans)-1]
	t := lifetime{ttl: (last.Low + last.High) / 2 * (n + 1) / n, low: last.Low, high: last.High * math.Pow(0.05, -1/n)}
	end := 0.
	for _, s := range spans {
		if s.Low >= sharpEnd*last.High {
			end += float64(s.Keys)
		}
	}
	t.sharp = end >= max(10, sharpKeys*n)
	return t
}

// beyond returns how many keys have more than x seconds left.
func (l *law) beyond(x float64) float64 {
	if l.left == 0 {
		return 0
	}
	return l.left * (1 - l.below(x))
}

// sure is how many standard deviations make a difference: by chance one in 16,000.
const sure = 4

// differ reports whether two shares differ by more than chance, and how far they are apart with the 95 % interval of that.
func differ(x, n, y, m float64) (d, low, high float64, yes bool) {
	if n == 0 || m == 0 {
		return 0, 0, 0, false
	}
	p, q := x/n, y/m
	d = q - p
	se := math.Sqrt(p*(1-p)/n + q*(1-q)/m)
	pooled := (x + y) / (n + m)
	null := math.Sqrt(pooled * (1 - pooled) * (1/n + 1/m))
	return d, d - 1.96*se, d + 1.96*se, math.Abs(d) > sure*null
}

// TTLOf returns the TTL that the keys of a template seem to be given, in seconds, and how many of them are written a second: by
// how dense they lie in the last fifth below it, where none has expired yet. It returns 0 where they do not end sharply.
func TTLOf(f *keydesign.TTLFacts) (ttl, rate float64) {
	const freshest = 0.8
	l := lawOf(f)
	t := l.lifetime(edge(&l, &law{}))
	if !t.sharp {
		return 0, 0
	}
	return t.ttl, l.left * (l.below(t.ttl) - l.below(freshest*t.ttl)) / ((1 - freshest) * t.ttl)
}
