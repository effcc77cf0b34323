package command

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/number"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/kv"
)

func sortCommands() []engine.Command {
	return []engine.Command{ // BY and GET name keys that are not among the arguments
		{Name: "sort", Run: func(c *engine.Call) { sortKey(c, false) }, Whole: true},
		{Name: "sort_ro", Run: func(c *engine.Call) { sortKey(c, true) }, Whole: true},
	}
}

// sortOptions are those of SORT.
type sortOptions struct {
	by, store   []byte // nil: none
	get         [][]byte
	from, count int64
	desc, alpha bool
	asStored    bool // BY a constant: the order is that of the collection
}

// A sortItem is an element with what it is sorted by.
type sortItem struct {
	elem  []byte
	by    []byte // with alpha and BY; nil if there is no such key
	score float64
}

func sortArguments(c *engine.Call, readOnly bool) (o sortOptions, ok bool) {
	o.count = -1
	for i := 2; i < len(c.Args); i++ {
		left := len(c.Args) - i - 1
		switch arg := c.Args[i]; {
		case is(arg, "asc"):
			o.desc = false
		case is(arg, "desc"):
			o.desc = true
		case is(arg, "alpha"):
			o.alpha = true
		case is(arg, "limit") && left >= 2:
			if o.from, ok = c.Int(c.Args[i+1]); !ok {
				return o, false
			}
			if o.count, ok = c.Int(c.Args[i+2]); !ok {
				return o, false
			}
			i += 2
		case is(arg, "store") && left >= 1 && !readOnly:
			i++
			o.store = c.Args[i]
		case is(arg, "by") && left >= 1:
			i++
			o.by = c.Args[i]
			o.asStored = o.asStored || !strings.Contains(cString(o.by), "*") // once said, it holds for a later BY, too
		case is(arg, "get") && left >= 1:
			i++
			o.get = append(o.get, c.Args[i])
		default:
			c.Fail(engine.ErrSyntax)
			return o, false
		}
	}
	return o, true
}

// sortKey is SORT and SORT_RO.
func sortKey(c *engine.Call, readOnly bool) {
	o, ok := sortArguments(c, readOnly)
	if !ok {
		return
	}
	it := c.Read(c.Args[1])
	switch it.Type() {
	case "", kv.TypeList, kv.TypeSet, kv.TypeZSet:
	default:
		c.Fail(engine.ErrWrongType)
		return
	}
	if o.asStored && it.Type() == kv.TypeSet && o.store != nil {
		o.asStored, o.alpha, o.by = false, true, nil // a set has no order that could be stored
	}
	items := sortItems(c, it, &o)
	first, last := o.limits(int64(len(items)))
	if !o.asStored {
		if !sortWeights(c, items, &o) {
			c.Fail("ERR One or more scores can't be converted into double")
			return
		}
		order(items, &o, first, last)
	}
	if first > last {
		items = nil
	} else {
		items = items[first : last+1]
	}
	if o.store != nil {
		storeSorted(c, &o, items)
		return
	}
	replySorted(c, &o, items)
}

// limits returns the first and the last of n elements that LIMIT leaves; the first is behind the last if it leaves none.
func (o *sortOptions) limits(n int64) (first, last int64) {
	first = min(max(o.from, 0), n)
	count := min(max(o.count, -1), n)
	last = n - 1
	if count >= 0 {
		last = first + count - 1
	}
	if first >= n {
		return n - 1, n - 2
	}
	return first, min(last, n-1)
}

// sortItems returns the elements in the order in which the collection has them: backwards with DESC if that is the order asked
// for.
func sortItems(c *engine.Call, it keyspace.Item, o *sortOptions) (items []sortItem) {
	s, _ := c.Shard(c.Args[1])
	add := func(b []byte) { items = append(items, sortItem{elem: bytes.Clone(b)}) }
	back := o.asStored && o.desc
	switch it.Type() {
	case kv.TypeList:
		l := value.OpenList(s, it)
		for b := range l.Range(0, l.Len(), back) {
			add(b)
		}
	case kv.TypeSet:
		set := value.OpenSet(s, it)
		for b := range set.All() {
			add(b)
		}
	case kv.TypeZSet:
		set := spreadForSort(c, s, it)
		if back {
			for b := range set.Back(set.Len() - 1) {
				add(b)
			}
			break
		}
		for b := range set.From(0) {
			add(b)
		}
	}
	return items
}

// spreadForSort returns a sorted set, which becomes a skiplist by being sorted, as in a server.
func spreadForSort(c *engine.Call, s *keyspace.Shard, it keyspace.Item) value.ZSet {
	set := value.OpenZSet(s, it)
	if !set.Packed() || !set.Spread() {
		return set
	}
	key := c.Args[1]
	_, hash := c.Shard(key)
	if it, ok := set.Put(c.DB(), key, hash); ok {
		return value.OpenZSet(s, it)
	}
	return value.OpenZSet(s, c.Peek(key))
}

// sortWeights looks up what the elements are sorted by. It reports false if one of them is to be a number and is none.
func sortWeights(c *engine.Call, items []sortItem, o *sortOptions) bool {
	numbers := true
	for i := range items {
		by := items[i].elem
		if o.by != nil {
			var ok bool
			if by, ok = lookUpPattern(c, o.by, items[i].elem); !ok {
				continue
			}
		}
		switch {
		case !o.alpha:
			x, ok := sortScore(by)
			items[i].score = x
			numbers = numbers && ok
		case o.by != nil:
			items[i].by = append([]byte{}, by...) // never nil
		}
	}
	return numbers
}

// sortScore reads a number as strtod does, which stops at a zero byte. An empty string is 0.
func sortScore(b []byte) (x float64, ok bool) {
	text := b
	if i := bytes.IndexByte(b, 0); i >= 0 {
		text = b[:i]
	}
	x, n, outOfRange := number.Strtod(text)
	small := x != 0 && math.Abs(x) < 0x1p-1022 // of which strtod says ERANGE, too
	return x, n == len(text) && !outOfRange && !small && x == x
}

// lookUpPattern returns the string, or the field of a hash, that a pattern of BY or GET names for an element: "#" is the element
// itself, the first * stands for it, and -> before a field (sort.c: lookupKeyByPattern).
func lookUpPattern(c *engine.Call, pattern, elem []byte) (b []byte, ok bool) {
	if string(pattern) == "#" {
		return elem, true
	}
	star := bytes.IndexByte(pattern, '*')
	if star < 0 {
		return nil, false
	}
	tail, field := pattern[star+1:], []byte(nil)
	if i := bytes.Index(tail, []byte("->")); i >= 0 && i+2 < len(tail) {
		tail, field = tail[:i], tail[i+2:]
	}
	key := slices.Concat(pattern[:star], elem, tail)
	it := c.Read(key)
	if field == nil {
		if !it.OK() || !it.Kind().IsString() {
			return nil, false
		}
		return it.Bytes(), true
	}
	if it.Type() != kv.TypeHash {
		return nil, false
	}
	s, _ := c.Shard(key)
	h := value.OpenHash(s, it)
	return h.Get(field, make([]byte, 20))
}

// order sorts items, of which those from first to last are looked at.
func order(items []sortItem, o *sortOptions, first, last int64) {
	compare := o.compare
	if o.desc {
		compare = func(a, b *sortItem) int { return o.compare(b, a) }
	}
	if first > last {
		return
	}
	if o.by != nil && (first != 0 || last != int64(len(items))-1) {
		partialSort(items, compare, int(first), int(last))
		return
	}
	slices.SortStableFunc(items, func(a, b sortItem) int { return compare(&a, &b) })
}

// compare compares as sortCompare does. What is not stored is compared as strcoll does it in the C locale: up to a zero byte.
func (o *sortOptions) compare(a, b *sortItem) int {
	switch {
	case !o.alpha:
		return cmp.Or(cmp.Compare(a.score, b.score), bytes.Compare(a.elem, b.elem))
	case o.by == nil:
		return o.compareText(a.elem, b.elem)
	case a.by == nil || b.by == nil:
		return int(oneIf(a.by != nil) - oneIf(b.by != nil))
	}
	return o.compareText(a.by, b.by)
}

func (o *sortOptions) compareText(a, b []byte) int {
	if o.store != nil {
		return bytes.Compare(a, b)
	}
	return strings.Compare(cString(a), cString(b))
}

// replySorted answers with the elements, or with what GET names for each.
func replySorted(c *engine.Call, o *sortOptions, items []sortItem) {
	c.Out.Array(len(items) * max(1, len(o.get)))
	for _, item := range items {
		if len(o.get) == 0 {
			c.Out.Bulk(item.elem)
		}
		for _, pattern := range o.get {
			if b, ok := lookUpPattern(c, pattern, item.elem); ok {
				c.Out.Bulk(b)
			} else {
				c.Out.Null()
			}
		}
	}
}

// storeSorted makes a list of what replySorted would answer.
func storeSorted(c *engine.Call, o *sortOptions, items []sortItem) {
	if len(items) == 0 {
		deleteResult(c, o.store)
		return
	}
	var all [][]byte
	for _, item := range items {
		if len(o.get) == 0 {
			all = append(all, item.elem)
		}
		for _, pattern := range o.get {
			b, _ := lookUpPattern(c, pattern, item.elem)
			all = append(all, bytes.Clone(b))
		}
	}
	replaced := c.Delete(c.Write(o.store))
	s, hash := c.Shard(o.store)
	l := value.OpenList(s, keyspace.Item{})
	for _, b := range all {
		l.Push(b, false)
	}
	it, ok := l.Put(c.DB(), o.store, hash)
	if !ok {
		c.Delete(it)
		c.Fail(engine.ErrOOM)
		return
	}
	c.Changed(o.store, 'l', "sortstore")
	if !replaced { // who waits for a key that was something else waits on (db.c: setKey)
		c.Arrived(it)
	}
	c.Out.Int(int64(len(all)))
}
