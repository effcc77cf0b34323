package redis

import (
	"context"
	"fmt"
	"strconv"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// A lookup asks about keys by their names. Whether a key exists is asked with PTTL, which no version counts as an access; EXISTS
// counted as one until 6.2. Questions go out in one write as far as they fit, and the answers are read before the next.

// lookupPage is how many keys are asked about in one write.
const lookupPage = 512

// Get asks one server. One of a cluster, or behind sentinels, is chosen by whoever knows.
func (s *store) Get(ctx context.Context, want kv.Field, names []kv.Name, fn func(int, *kv.Record)) error {
	_, err := s.get(ctx, want, names, indices(len(names)), false, fn)
	return err
}

// indices returns the indices of n names.
func indices(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// get asks about the names at which, and returns those that are on another node by now. Coming: their slots are on their way to
// this server.
func (s *store) get(ctx context.Context, want kv.Field, names []kv.Name, which []int, coming bool, fn func(int, *kv.Record)) (moved []int, err error) {
	a, err := s.abilities(ctx)
	if err != nil {
		return nil, err
	}
	if !a.has(attrTTL) {
		return nil, fmt.Errorf("looking keys up in %s: %w", s.cfg.target, serverError(a.refused[attrTTL]))
	}
	sc := &scan{
		ctx: ctx, opt: kv.ScanOptions{Want: want | kv.FieldTTL}, portion: portion{func(int, string) bool { return true }, coming},
		abilities: a, sizes: s.sizes(), words: map[string]string{},
	}
	if err := sc.prepare(); err != nil {
		return nil, err
	}
	defer s.governor.enter()()
	err = s.borrow(ctx, func(l *asking) error {
		sc.link = l.link
		for len(which) > 0 {
			n := min(lookupPage, s.governor.count(), len(which))
			if err := s.governor.wait(ctx, n); err != nil {
				return err
			}
			more, err := sc.lookUp(l, names, which[:n], fn)
			if err != nil {
				return err
			}
			moved, which = append(moved, more...), which[n:]
		}
		return nil
	})
	if err != nil {
		err = s.scanError(ctx, err)
	}
	return moved, err
}

// lookUp asks about one page of names.
func (sc *scan) lookUp(l *asking, names []kv.Name, which []int, fn func(int, *kv.Record)) (moved []int, err error) {
	plan, err := sc.plan(sc.opt.Want, true)
	if err != nil {
		return nil, err
	}
	p := &sc.plans[plan]
	selects := make([]bool, len(which))
	for i, n := range which {
		selects[i] = l.choose(names[n].DB)
		sc.addEach(p.each, names[n].Key)
	}
	if err := sc.send(); err != nil {
		return nil, err
	}
	for i, n := range which {
		if selects[i] {
			if err := l.chosen(); err != nil {
				return nil, err
			}
		}
		gone, err := sc.read(names[n].Key, p)
		switch {
		case err != nil:
			return nil, err
		case sc.moved:
			moved = append(moved, n)
		case gone:
			fn(n, nil)
		default:
			sc.record.DB = names[n].DB
			fn(n, &sc.record)
		}
	}
	return moved, nil
}

// An asking is a connection for lookups, with the database that it has selected.
type asking struct {
	*link
	db      int
	selectC resp.Command
}

// choose selects a database, unless it is selected.
func (l *asking) choose(db int) bool {
	if db == l.db {
		return false
	}
	l.out.Add(l.selectC, strconv.Itoa(db))
	l.db = db
	return true
}

// chosen reads the answer to SELECT.
func (l *asking) chosen() error {
	rep, err := l.in.Next()
	if err == nil && rep.Kind == resp.Error {
		err = serverError(rep.Data)
	}
	return err
}

// borrow calls use with a connection that no one else has meanwhile. One that has failed is not used again.
func (s *store) borrow(ctx context.Context, use func(*asking) error) error {
	a, err := s.abilities(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	var l *asking
	if n := len(s.idle); n > 0 {
		l, s.idle = s.idle[n-1], s.idle[:n-1]
	}
	s.mu.Unlock()
	if l == nil {
		if l, err = s.newAsking(ctx, a); err != nil {
			return err
		}
	}
	stop := context.AfterFunc(ctx, l.hurry)
	err = use(l)
	if !stop() || err != nil {
		l.conn.Close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = append(s.idle, l)
	return nil
}

func (s *store) newAsking(ctx context.Context, a *abilities) (*asking, error) {
	l, err := s.cfg.link(ctx, a.noTouch == "")
	if err != nil {
		return nil, s.cfg.explain(ctx, err)
	}
	c, err := resp.ReadOnly.Command(1, "SELECT")
	return &asking{link: l, selectC: c}, err
}

// maxHops is how often a key is followed from node to node.
const maxHops = 8

// Get asks the primary of each key.
func (c *cluster) Get(ctx context.Context, want kv.Field, names []kv.Name, fn func(int, *kv.Record)) error {
	found := make([]*kv.Record, len(names))
	err := c.route(ctx, names, func(s *store, which []int, coming bool) ([]int, error) {
		return s.get(ctx, want, names, which, coming, func(i int, r *kv.Record) {
			if r != nil {
				clone := *r
				found[i] = &clone
			}
		})
	})
	if err != nil {
		return err
	}
	for i, r := range found {
		fn(i, r)
	}
	return nil
}

// route asks the primary of each key, and about those that are not there any more whoever has them by then. A key whose slot is
// on its way is with the one node or with the other: the two are asked in turn.
func (c *cluster) route(ctx context.Context, names []kv.Name, ask func(s *store, which []int, coming bool) ([]int, error)) error {
	which := indices(len(names))
	for hop := 0; ; hop++ {
		var leaving slot.Set
		for _, i := range which {
			if n := int(slot.Of(names[i].Key)); hop%2 == 1 {
				leaving.Add(n, n)
			}
		}
		m, err := c.look(ctx, leaving)
		if err != nil {
			return err
		}
		var moved []int
		for to, part := range byHolder(m, names, which) {
			if to.addr == "" {
				return fmt.Errorf("looking keys up in %s: nobody serves slot %d", c.cfg.target, slot.Of(names[part[0]].Key))
			}
			more, err := ask(c.store(to.addr, false), part, to.coming)
			if err != nil {
				return err
			}
			moved = append(moved, more...)
		}
		if len(moved) == 0 {
			return nil
		}
		if which = moved; hop == maxHops {
			return kv.WithHint(fmt.Errorf("looking keys up in %s: %d keys keep moving", c.cfg.target, len(moved)), hintMoving)
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// A holder is who has keys: the primary of their slot, or the node that their slot is on its way to.
type holder struct {
	addr   string
	coming bool
}

// byHolder divides names among those who hold them; the holder without an address has those that nobody serves.
func byHolder(m *slotMap, names []kv.Name, which []int) map[holder][]int {
	parts := map[holder][]int{}
	for _, i := range which {
		var h holder
		n := slot.Of(names[i].Key)
		if g := m.byID(m.moving[n]); m.moving[n] != "" && g != nil {
			h = holder{g.primary.addr, true}
		} else if g := m.ownerOf(n); g != nil {
			h.addr = g.primary.addr
		}
		parts[h] = append(parts[h], i)
	}
	return parts
}

// Get asks the server that the sentinels name now.
func (w *watched) Get(ctx context.Context, want kv.Field, names []kv.Name, fn func(int, *kv.Record)) error {
	s, err := w.server(ctx)
	if err != nil {
		return err
	}
	return s.Get(ctx, want, names, fn)
}
