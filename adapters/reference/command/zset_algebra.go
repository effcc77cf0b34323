package command

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/kv"
)

func zsetAlgebraCommands() []engine.Command {
	return []engine.Command{
		{Name: "zunion", Run: func(c *engine.Call) { zcombine(c, zcombination{op: union}) }},
		{Name: "zinter", Run: func(c *engine.Call) { zcombine(c, zcombination{op: inter}) }},
		{Name: "zdiff", Run: func(c *engine.Call) { zcombine(c, zcombination{op: diff}) }},
		{Name: "zintercard", Run: func(c *engine.Call) { zcombine(c, zcombination{op: inter, count: true}) }},
		{Name: "zunionstore", Run: func(c *engine.Call) { zcombine(c, zcombination{op: union, store: true}) }},
		{Name: "zinterstore", Run: func(c *engine.Call) { zcombine(c, zcombination{op: inter, store: true}) }},
		{Name: "zdiffstore", Run: func(c *engine.Call) { zcombine(c, zcombination{op: diff, store: true}) }},
	}
}

// setOp is what is made of several sorted sets.
type setOp uint8

const (
	union setOp = iota
	inter
	diff
)

// event is what the command that stores the result publishes.
func (op setOp) event() string { return [...]string{"zunionstore", "zinterstore", "zdiffstore"}[op] }

// A zsource is a set or a sorted set that is combined; the members of a set have the score 1.
type zsource struct {
	zset   value.ZSet
	set    value.Set
	isSet  bool
	weight float64
}

func (s *zsource) len() int {
	if s.isSet {
		return s.set.Len()
	}
	return s.zset.Len()
}

func (s *zsource) score(member []byte) (float64, bool) {
	if s.isSet {
		return 1, s.set.Has(member)
	}
	return s.zset.Score(member)
}

func (s *zsource) each(yield func(member []byte, score float64) bool) {
	if !s.isSet {
		s.zset.From(0)(yield)
		return
	}
	for member := range s.set.All() {
		if !yield(member, 1) {
			return
		}
	}
}

// A zcombination is what ZUNION, ZINTER, ZDIFF and their variants are asked for.
type zcombination struct {
	op           setOp
	store, count bool

	sources []zsource
	mix     func(a, b float64) float64 // AGGREGATE
	scores  bool                       // WITHSCORES
	limit   int64
}

// sum is AGGREGATE SUM: of infinities that cancel out it makes 0 (t_zset.c: zunionInterAggregate).
func sum(a, b float64) float64 {
	if x := a + b; x == x {
		return x
	}
	return 0
}

func lesser(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

func greater(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

// parse reads the arguments and opens the sources. It answers the error itself.
func (z *zcombination) parse(c *engine.Call) bool {
	at := 1
	if z.store {
		at = 2
	}
	n, ok := c.Int(c.Args[at])
	switch {
	case !ok:
		return false
	case n < 1:
		c.Fail(fmt.Sprintf("ERR at least 1 input key is needed for '%s' command", bytes.ToLower(c.Args[0])))
		return false
	case n > int64(len(c.Args)-at-1):
		c.Fail(engine.ErrSyntax)
		return false
	}
	z.mix = sum
	keys := c.Args[at+1 : at+1+int(n)]
	z.sources = make([]zsource, len(keys))
	for i, key := range keys {
		it := c.Read(key)
		s, _ := c.Shard(key)
		src := &z.sources[i]
		src.weight = 1
		switch it.Type() {
		case kv.TypeSet:
			src.set, src.isSet = value.OpenSet(s, it), true
		case kv.TypeZSet, "":
			src.zset = value.OpenZSet(s, it)
		default:
			c.Fail(engine.ErrWrongType)
			return false
		}
	}
	return z.options(c, c.Args[at+1+int(n):])
}

// options reads what is behind the keys. It answers the error itself.
func (z *zcombination) options(c *engine.Call, args [][]byte) bool {
	weighted := z.op != diff && !z.count
	for len(args) > 0 {
		used, ok := 0, true
		switch arg := args[0]; {
		case weighted && is(arg, "weights") && len(args) > len(z.sources):
			used, ok = 1+len(z.sources), z.weights(c, args[1:])
		case weighted && is(arg, "aggregate") && len(args) > 1:
			used, ok = 2, z.aggregate(c, args[1])
		case !z.store && !z.count && is(arg, "withscores"):
			used, z.scores = 1, true
		case z.count && is(arg, "limit") && len(args) > 1:
			used = 2
			z.limit, ok = intWithin(c, args[1], 0, math.MaxInt64, engine.ErrLimitNegative)
		default:
			c.Fail(engine.ErrSyntax)
			return false
		}
		if !ok {
			return false
		}
		args = args[used:]
	}
	return true
}

func (z *zcombination) weights(c *engine.Call, args [][]byte) bool {
	for i := range z.sources {
		x, ok := parseFloat(c, args[i], "ERR weight value is not a float")
		if !ok {
			return false
		}
		z.sources[i].weight = x
	}
	return true
}

func (z *zcombination) aggregate(c *engine.Call, arg []byte) bool {
	switch {
	case is(arg, "sum"):
		z.mix = sum
	case is(arg, "min"):
		z.mix = lesser
	case is(arg, "max"):
		z.mix = greater
	default:
		c.Fail(engine.ErrSyntax)
		return false
	}
	return true
}

func zcombine(c *engine.Call, z zcombination) {
	if !z.parse(c) {
		return
	}
	var found []value.Scored
	switch z.op {
	case union:
		found = z.union()
	case inter:
		if z.count {
			c.Out.Int(z.cardinality())
			return
		}
		found = z.inter()
	case diff:
		found = z.diff()
	}
	sortScored(found)
	switch {
	case z.store:
		z.put(c, found)
	case z.scores:
		beginPairs(c, len(found))
		for _, x := range found {
			pair(c, x.Member, x.Score)
		}
	default:
		c.Out.Array(len(found))
		for _, x := range found {
			c.Out.Bulk(x.Member)
		}
	}
}

func sortScored(members []value.Scored) {
	slices.SortFunc(members, func(a, b value.Scored) int {
		return cmp.Or(cmp.Compare(a.Score, b.Score), bytes.Compare(a.Member, b.Member))
	})
}

// put stores a result.
func (z *zcombination) put(c *engine.Call, found []value.Scored) {
	key := c.Args[1]
	if len(found) == 0 {
		deleteResult(c, key)
		return
	}
	s, _ := c.Shard(key)
	v := value.NewZSet(s)
	full := !v.Fill(found)
	replaceZSet(c, &v, key, z.op.event(), full)
}

// sort brings the smallest source to the front; sums are made in this order.
func (z *zcombination) sort() {
	slices.SortStableFunc(z.sources, func(a, b zsource) int { return a.len() - b.len() })
}

// weigh returns a score by its weight, and 0 for infinity by 0.
func weigh(score, weight float64) float64 {
	if x := score * weight; x == x {
		return x
	}
	return 0
}

func (z *zcombination) union() (found []value.Scored) {
	z.sort()
	at := make(map[string]int, z.sources[len(z.sources)-1].len())
	for i := range z.sources {
		src := &z.sources[i]
		src.each(func(member []byte, score float64) bool {
			score = weigh(score, src.weight)
			if at, had := at[string(member)]; had {
				found[at].Score = z.mix(found[at].Score, score)
				return true
			}
			at[string(member)] = len(found)
			found = append(found, value.Scored{Member: bytes.Clone(member), Score: score})
			return true
		})
	}
	return found
}

// eachCommon visits the members that are in all sources, with their mixed scores.
func (z *zcombination) eachCommon(visit func(member []byte, score float64) bool) {
	z.sort()
	first := &z.sources[0]
	first.each(func(member []byte, score float64) bool {
		score = weigh(score, first.weight)
		for i := 1; i < len(z.sources); i++ {
			src := &z.sources[i]
			x, ok := src.score(member)
			if !ok {
				return true
			}
			score = z.mix(score, x*src.weight)
		}
		return visit(member, score)
	})
}

func (z *zcombination) inter() (found []value.Scored) {
	z.eachCommon(func(member []byte, score float64) bool {
		found = append(found, value.Scored{Member: bytes.Clone(member), Score: score})
		return true
	})
	return found
}

// cardinality counts the common members up to the limit, if there is one.
func (z *zcombination) cardinality() (n int64) {
	z.eachCommon(func([]byte, float64) bool {
		n++
		return n != z.limit
	})
	return n
}

func (z *zcombination) diff() (found []value.Scored) {
	z.sources[0].each(func(member []byte, score float64) bool {
		for i := 1; i < len(z.sources); i++ {
			if _, ok := z.sources[i].score(member); ok {
				return true
			}
		}
		found = append(found, value.Scored{Member: bytes.Clone(member), Score: score})
		return true
	})
	return found
}
