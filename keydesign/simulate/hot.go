package simulate

import (
	"cmp"
	"slices"
)

// A hotKey is one of the keys with the most operations.
type hotKey struct {
	key      string
	template int
	number   int64
	load     load
	place    []byte
}

// hottest keeps the keys with the most operations. All of them are among those that stand for themselves: the others are less
// popular.
type hottest struct{ keys []hotKey }

const mostHot = 50

func (h *hottest) offer(d *Draw, l *load) {
	n := len(h.keys)
	if l.ops <= 0 || n == mostHot && l.ops <= h.keys[n-1].load.ops {
		return
	}
	k := hotKey{string(d.Key), d.Template, d.Number, *l, append([]byte(nil), d.placed()...)}
	at, _ := slices.BinarySearchFunc(h.keys, k, hotter)
	if n == mostHot {
		h.keys = h.keys[:n-1]
	}
	h.keys = slices.Insert(h.keys, at, k)
}

func hotter(a, b hotKey) int {
	return cmp.Or(cmp.Compare(b.load.ops, a.load.ops), cmp.Compare(a.template, b.template), cmp.Compare(a.number, b.number))
}
