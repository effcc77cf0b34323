package reference

import (
	"slices"

	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// nodeSlack is what quicklist.c reckons with for the overhead of one more element (SIZE_ESTIMATE_OVERHEAD).
const nodeSlack = 8

// A list is a sequence of listpacks, each up to a size. It is a quicklist whatever its length.
type list struct {
	nodes []*packed.Pack
	n     int
}

func (*list) kind() kv.Type         { return kv.TypeList }
func (*list) encoding() kv.Encoding { return kv.EncodingQuicklist }
func (v *list) length() int         { return v.n }

func (v *list) size(m *memory.Model) int64 {
	nodes := int64(0)
	for _, p := range v.nodes {
		nodes += m.QuicklistNode(int64(p.Bytes()))
	}
	return m.List(nodes)
}

// room reports whether p takes one more element of n bytes.
func room(p *packed.Pack, n, limit int) bool { return p.Bytes()+n+nodeSlack <= limit }

func (v *list) push(s string, front bool, limit int) {
	i := len(v.nodes) - 1 // the node at that end, -1 if there is none
	if front {
		i = 0
	}
	if len(v.nodes) == 0 || !room(v.nodes[i], len(s), limit) {
		if !front {
			i++
		}
		v.nodes = slices.Insert(v.nodes, i, &packed.Pack{})
	}
	at := v.nodes[i].End()
	if front {
		at = 0
	}
	v.nodes[i].Insert(at, s)
	v.n++
}

func (v *list) pop(front bool) string {
	i, nth := len(v.nodes)-1, -1
	if front {
		i, nth = 0, 0
	}
	p := v.nodes[i]
	at := p.Offset(nth)
	elem, _ := p.At(at, nil)
	s := string(elem)
	if p.Delete(at, 1); p.Len() == 0 {
		v.nodes = slices.Delete(v.nodes, i, i+1)
	}
	v.n--
	return s
}

// slice appends elements lo to hi-1 to dst.
func (v *list) slice(dst []string, lo, hi int) []string {
	for _, p := range v.nodes {
		if lo < p.Len() {
			at := p.Offset(max(lo, 0))
			for i := max(lo, 0); i < min(hi, p.Len()); i++ {
				elem, next := p.At(at, nil)
				dst = append(dst, string(elem))
				at = next
			}
		}
		lo, hi = lo-p.Len(), hi-p.Len()
		if hi <= 0 {
			break
		}
	}
	return dst
}

func newList() *list { return &list{} }

// RPush adds elements at the end of the list at key and returns its length.
func (e *Engine) RPush(key string, elems ...string) (int, error) { return e.push(key, elems, false) }

// LPush adds elements at the front of the list at key, one by one, and returns its length.
func (e *Engine) LPush(key string, elems ...string) (int, error) { return e.push(key, elems, true) }

func (e *Engine) push(key string, elems []string, front bool) (n int, err error) {
	err = update(e, key, newList, func(v *list) {
		for _, s := range elems {
			v.push(s, front, e.limits.listNode)
		}
		n = v.n
	})
	return n, err
}

// RPop takes the last element of the list at key.
func (e *Engine) RPop(key string) (s string, ok bool, err error) { return e.pop(key, false) }

// LPop takes the first element of the list at key.
func (e *Engine) LPop(key string) (s string, ok bool, err error) { return e.pop(key, true) }

func (e *Engine) pop(key string, front bool) (s string, ok bool, err error) {
	err = update(e, key, newList, func(v *list) {
		if ok = v.n > 0; ok {
			s = v.pop(front)
		}
	})
	return s, ok, err
}

// LRange returns the elements from index start to index stop, both included. A negative index counts from the end.
func (e *Engine) LRange(key string, start, stop int) (elems []string, err error) {
	err = read(e, key, func(v *list) {
		if lo, hi := span(start, stop, v.n); lo < hi {
			elems = v.slice(nil, lo, hi)
		}
	})
	return elems, err
}

// LLen returns the number of elements of the list at key.
func (e *Engine) LLen(key string) (n int, err error) {
	err = read(e, key, func(v *list) { n = v.n })
	return n, err
}

// span turns a range of the server, with both ends included and negative indices from the end, into lo <= i < hi.
func span(start, stop, n int) (lo, hi int) {
	if start < 0 {
		start = max(start+n, 0)
	}
	if stop < 0 {
		stop += n
	}
	return start, min(stop, n-1) + 1
}
