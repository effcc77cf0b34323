package command

import (
	"bytes"
	"math"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/kv"
)

// end reads LEFT or RIGHT; it answers the error itself.
func end(c *engine.Call, arg []byte) (front, ok bool) {
	switch {
	case is(arg, "left"):
		return true, true
	case is(arg, "right"):
		return false, true
	}
	c.Fail(engine.ErrSyntax)
	return false, false
}

func lmove(c *engine.Call) {
	from, ok := end(c, c.Args[3])
	if !ok {
		return
	}
	if to, ok := end(c, c.Args[4]); ok {
		move(c, c.Args[1], c.Args[2], from, to)
	}
}

func rpoplpush(c *engine.Call) { move(c, c.Args[1], c.Args[2], false, true) }

// move takes an element from an end of one list to an end of another or the same, and answers it.
func move(c *engine.Call, source, dest []byte, from, to bool) {
	src, ok := writeList(c, source)
	if !ok {
		return
	}
	if src.Len() == 0 {
		c.Out.Null()
		return
	}
	if bytes.Equal(source, dest) {
		rotate(c, &src, source, from, to)
		return
	}
	dst, ok := writeList(c, dest)
	if !ok {
		return
	}
	moveBetween(c, &src, &dst, source, dest, from, to)
}

// rotate moves an element within a list. The list is never empty meanwhile, so that its key stays.
func rotate(c *engine.Call, l *value.List, key []byte, from, to bool) {
	var buf [64]byte
	elem := l.Rotate(buf[:0], from, to)
	if !putList(c, l, key) {
		return
	}
	c.Changed(key, 'l', pushEvent(to))
	c.Out.Bulk(elem)
	c.Changed(key, 'l', popEvent(from))
}

// moveBetween pushes first: if there is no room for the element, it stays where it is.
func moveBetween(c *engine.Call, src, dst *value.List, source, dest []byte, from, to bool) {
	var buf [64]byte
	i := src.Len() - 1
	if from {
		i = 0
	}
	elem := append(buf[:0], src.Index(i, buf[:])...)
	isNew := dst.Len() == 0
	dst.Push(elem, to)
	if !putList(c, dst, dest) {
		return
	}
	c.Changed(dest, 'l', pushEvent(to))
	if isNew {
		c.Ready(dest)
	}
	c.Out.Bulk(elem)
	src.Delete(i, 1)
	popped(c, src, source, from)
}

// A multiPop is what LMPOP and BLMPOP ask for.
type multiPop struct {
	keys  [][]byte
	front bool
	count int64
}

// parseMultiPop reads the arguments from numkeys on, which is Args[at]; it answers the error itself.
func parseMultiPop(c *engine.Call, at int) (p multiPop, ok bool) {
	n, ok := intWithin(c, c.Args[at], 1, math.MaxInt64, engine.ErrNumKeys)
	if !ok {
		return p, false
	}
	args := c.Args[at+1:]
	if n >= int64(len(args)) {
		c.Fail(engine.ErrSyntax)
		return p, false
	}
	p.keys, args = args[:n], args[n:]
	if p.front, ok = end(c, args[0]); !ok {
		return p, false
	}
	p.count = 1
	switch args = args[1:]; {
	case len(args) == 0:
		return p, true
	case len(args) >= 2 && is(args[0], "count"):
		if p.count, ok = intWithin(c, args[1], 1, math.MaxInt64, engine.ErrCount); !ok {
			return p, false
		}
		args = args[2:]
	}
	if len(args) > 0 {
		c.Fail(engine.ErrSyntax)
		return p, false
	}
	return p, true
}

func lmpop(c *engine.Call) {
	p, ok := parseMultiPop(c, 1)
	if !ok {
		return
	}
	if !popFirst(c, p.keys, p.pop) {
		c.Out.NullArray()
	}
}

// pop answers with the key and elements of its list.
func (p multiPop) pop(c *engine.Call, l *value.List, key []byte) {
	c.Out.Array(2)
	c.Out.Bulk(key)
	popSome(c, l, key, p.front, p.count)
}

// popFirst pops from the first of the keys that is there, and reports whether it has answered: a key that is no list is an error.
func popFirst(c *engine.Call, keys [][]byte, pop func(*engine.Call, *value.List, []byte)) bool {
	for _, key := range keys {
		l, ok := writeList(c, key)
		if !ok {
			return true
		}
		if l.Len() > 0 {
			pop(c, &l, key)
			return true
		}
	}
	return false
}

// serveList pops from a list that has got elements for who waits for it. Another type is not waited for.
func serveList(c *engine.Call, key []byte, pop func(*engine.Call, *value.List, []byte)) bool {
	it := c.Peek(key)
	if it.Type() != kv.TypeList {
		return false
	}
	s, _ := c.Shard(key)
	l := value.OpenList(s, it)
	pop(c, &l, key)
	return true
}

func noArray(c *engine.Call) { c.Out.NullArray() }

// popOrWait pops from the first of the keys that is there, or waits for one.
func popOrWait(c *engine.Call, keys [][]byte, ms int64, pop func(*engine.Call, *value.List, []byte)) {
	if popFirst(c, keys, pop) {
		return
	}
	c.Block(keys, ms, func(c *engine.Call, key []byte) bool { return serveList(c, key, pop) }, noArray)
}

func blockingPop(c *engine.Call, front bool) {
	last := len(c.Args) - 1
	ms, ok := timeoutMS(c, c.Args[last])
	if !ok {
		return
	}
	popOrWait(c, c.Args[1:last], ms, func(c *engine.Call, l *value.List, key []byte) {
		c.Out.Array(2)
		c.Out.Bulk(key)
		popOne(c, l, key, front)
	})
}

func blmpop(c *engine.Call) {
	p, ok := parseMultiPop(c, 2)
	if !ok {
		return
	}
	if ms, ok := timeoutMS(c, c.Args[1]); ok {
		popOrWait(c, p.keys, ms, p.pop)
	}
}

func blmove(c *engine.Call) {
	from, ok := end(c, c.Args[3])
	if !ok {
		return
	}
	to, ok := end(c, c.Args[4])
	if !ok {
		return
	}
	if ms, ok := timeoutMS(c, c.Args[5]); ok {
		moveOrWait(c, from, to, ms)
	}
}

func brpoplpush(c *engine.Call) {
	if ms, ok := timeoutMS(c, c.Args[3]); ok {
		moveOrWait(c, false, true, ms)
	}
}

// moveOrWait moves from Args[1] to Args[2], or waits until it can. After the time it answers an array of null, and where nothing may
// wait, null alone.
func moveOrWait(c *engine.Call, from, to bool, ms int64) {
	source, ok := writeList(c, c.Args[1])
	switch {
	case !ok:
	case source.Len() > 0:
		move(c, c.Args[1], c.Args[2], from, to)
	case !c.MayBlock():
		c.Out.Null()
	default:
		c.Block(c.Args[1:2], ms, func(c *engine.Call, key []byte) bool {
			if c.Peek(key).Type() != kv.TypeList {
				return false
			}
			move(c, key, c.Args[2], from, to)
			return true
		}, noArray)
	}
}
