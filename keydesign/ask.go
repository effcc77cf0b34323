package keydesign

import (
	"math"
	"math/rand/v2"

	"github.com/kvtool/kvtool/kv"
)

// How well a sample must know the keys of a leaf, at 95 %: their bytes in sum, in proportion, with some room so that they
// are within 1 % in nearly all cases; and the share of those that do not expire, and of each type and encoding, in points.
const (
	precision = 0.006
	points    = 0.01
)

const (
	leastAsked   = 200       // keys of a leaf that are asked before any is not
	mostStand    = 64        // keys that one may stand for
	unevenBelow  = 1_000_000 // keys of a leaf; of fewer collections whose sizes vary as below, each is asked
	uneven       = 1         // coefficient of variation
	windowAsked  = 200       // keys whose mean is held against that of all before them
	windowSigmas = 4         // by how much it may be off by chance
)

// A chooser decides which keys of a leaf are asked for more than their names.
//
// Keys come in blocks, and one key of each block is asked, at a place that is left to chance; it stands for the block. Blocks
// rather than keys by chance leave no doubt about how many keys a sample stands for. A block of k keys adds k(k-1)s² to the
// variance of the sum of bytes, with s² that of a key's size (see stats.variance). Of N keys in all, the sum is known within
// precision if these add up to at most
//
//	N²/need · s²     where need = (z·s / precision·mean)²
//
// so that is what blocks may spend, evenly over the keys to come. How many these will be is projected from what share of
// all keys has come; where that is not known, a quarter of those that have come.
type chooser struct {
	keys  int64 // that came
	spent int64 // sum of k(k-1) over the blocks so far
	left  int64 // of the block
	at    int64 // left when the key of the block comes that is asked
	size  int64 // of the block

	asked int64 // keys that came back with facts

	sized, mean, squares float64 // Welford: bytes, sum of squares about the mean
	collections          bool
	window               struct{ keys, sum float64 }

	timed, persistent float64
	kind              kindOf // of the first key
	typed, alike      float64
}

type kindOf struct {
	typ      kv.Type
	encoding kv.Encoding
}

// next returns how many keys the next key stands for; 0 if it is not asked. The leaf will have about so many times the keys
// that it has; 0 if that is not known.
func (c *chooser) next(rng *rand.Rand, growth float64) int64 {
	if c.left == 0 {
		c.size = c.block(growth)
		c.spent += c.size * (c.size - 1)
		c.left, c.at = c.size, 0
		if c.size > 1 {
			c.at = rng.Int64N(c.size)
		}
	}
	c.keys++
	c.left--
	if c.left == c.at {
		return c.size
	}
	return 0
}

// block returns how long the next block is.
func (c *chooser) block(growth float64) int64 {
	if c.asked < leastAsked {
		return 1
	}
	need := c.need()
	keys := float64(c.keys)
	all, rest := keys, keys/4
	if growth > 1 {
		all = keys * growth
		rest = max(all-keys, 1)
	}
	may := (all*all/need - float64(c.spent)) / rest
	return max(1, min(mostStand, int64(1+may)))
}

// need returns how many keys of very many an even sample must have.
func (c *chooser) need() float64 {
	need := max(leastAsked, shareNeed(c.persistent, c.timed), shareNeed(c.alike, c.typed))
	if c.sized > 1 && c.mean > 0 {
		cv2 := c.squares / (c.sized - 1) / (c.mean * c.mean)
		if c.collections && cv2 > uneven*uneven && c.keys < unevenBelow {
			return math.Inf(1)
		}
		need = max(need, z95*z95*cv2/(precision*precision))
	}
	return need
}

// shareNeed returns how many keys tell a share within points.
func shareNeed(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	p := part / whole
	return z95 * z95 * p * (1 - p) / (points * points)
}

// learn takes the facts of a key that was asked. Where the mean of the last keys is not that of those before them, the leaf
// is not known any more: the chooser begins anew.
func (c *chooser) learn(r *kv.Record) {
	c.asked++
	if r.Has(kv.FieldTTL) {
		c.timed++
		if r.TTL == kv.TTLNone {
			c.persistent++
		}
	}
	if r.Has(kv.FieldType) {
		kind := kindOf{r.Type, r.Encoding}
		if c.typed == 0 {
			c.kind = kind
		}
		if c.typed++; kind == c.kind {
			c.alike++
		}
		c.collections = c.collections || r.Type != kv.TypeString
	}
	if r.Has(kv.FieldSize) {
		c.learnSize(float64(r.Size))
	}
}

func (c *chooser) learnSize(x float64) {
	w := &c.window
	w.keys++
	w.sum += x
	if w.keys == windowAsked {
		if c.sized > windowAsked && c.moved(w.sum/w.keys) {
			*c = chooser{}
			return
		}
		w.keys, w.sum = 0, 0
	}
	c.sized++
	d := x - c.mean
	c.mean += d / c.sized
	c.squares += d * (x - c.mean)
}

// moved reports whether a mean of windowAsked keys is farther from that of all than chance explains.
func (c *chooser) moved(mean float64) bool {
	deviation := math.Sqrt(c.squares / (c.sized - 1) / windowAsked)
	return math.Abs(mean-c.mean) > windowSigmas*deviation+precision*c.mean
}

// A question is a key that a scan was told to ask about, or not, and that has not come yet.
type question struct {
	key    string
	leaf   *leaf
	stands int64
}

// questions are those in flight, in the order in which the keys will come.
type questions struct {
	all  []question
	head int
}

func (q *questions) add(x question) {
	if q.head > 1024 && 2*q.head > len(q.all) {
		n := copy(q.all, q.all[q.head:])
		clear(q.all[n:])
		q.all, q.head = q.all[:n], 0
	}
	q.all = append(q.all, x)
}

// take returns the question about a key. Those before it are about keys that were gone when they were asked for.
func (q *questions) take(key string) (x question, ok bool) {
	for q.head < len(q.all) {
		x = q.all[q.head]
		q.head++
		if x.key == key {
			return x, true
		}
	}
	return x, false
}

// Expect notes how many keys will come.
func (t *templates) Expect(keys int64) { t.expected = keys }

// Ask puts the key under its leaf, and lets the leaf decide whether its facts are worth asking for.
func (t *templates) Ask(key string) bool {
	l := t.leaf(key)
	n := l.ask(t.rng, float64(t.expected)/float64(t.keys()))
	t.questions.add(question{key, l, n})
	return n > 0
}

// ask is as chooser.next. The few records that a leaf keeps before it has statistics are all asked.
func (l *leaf) ask(rng *rand.Rand, growth float64) int64 {
	if l.chooser == nil {
		if l.many == nil {
			return 1
		}
		l.chooser = &chooser{}
	}
	return l.chooser.next(rng, growth)
}

// Weigh says how many keys r stands for, and remembers the leaf that r is about to be observed in. Meanwhile that leaf may
// have been folded into another.
func (t *templates) Weigh(r *kv.Record) {
	q, ok := t.questions.take(r.Key)
	if !ok {
		return
	}
	for q.leaf.into != nil {
		q.leaf = q.leaf.into
	}
	t.at = q.leaf
	r.Others = q.stands - 1
	if c := q.leaf.chooser; c != nil && q.stands > 0 {
		c.learn(r)
	}
}
