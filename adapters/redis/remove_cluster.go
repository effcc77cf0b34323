package redis

import (
	"context"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// Identify names all primaries.
func (c *cluster) Identify(ctx context.Context) (kv.Identity, error) {
	m, err := c.look(ctx, slot.Set{})
	if err != nil {
		return kv.Identity{}, err
	}
	id := kv.Identity{Cluster: true}
	var ids []string
	for i := range m.groups {
		one, err := c.store(m.groups[i].primary.addr, false).Identify(ctx)
		if err != nil {
			return id, err
		}
		ids, id.Version, id.Lag = append(ids, one.ID), one.Version, max(id.Lag, one.Lag)
		id.Lineage = append(append(id.Lineage, m.groups[i].primary.id), one.Lineage...)
	}
	slices.Sort(ids)
	id.ID = strings.Join(ids, ",")
	return id, nil
}

// settled is route for what writes: a key whose slot is on its way is left alone.
func (c *cluster) settled(ctx context.Context, names []kv.Name, do func(s *store, which []int) ([]int, error)) error {
	return c.route(ctx, names, func(s *store, which []int, coming bool) ([]int, error) {
		if coming {
			return which, nil // until the slot has arrived
		}
		return do(s, which)
	})
}

// Dump asks the primary of each key.
func (c *cluster) Dump(ctx context.Context, names []kv.Name, fn func(int, *kv.Dump)) error {
	return c.settled(ctx, names, func(s *store, which []int) ([]int, error) { return s.dump(ctx, names, which, fn) })
}

// Digest asks the primary of each key.
func (c *cluster) Digest(ctx context.Context, names []kv.Name, fn func(int, *kv.Digest)) error {
	return c.settled(ctx, names, func(s *store, which []int) ([]int, error) { return s.digest(ctx, names, which, fn) })
}

// Change changes keys on their primaries. A key that must be missing has to be in the same slot.
func (c *cluster) Change(ctx context.Context, changes []kv.Change, fn func(int, kv.Outcome)) error {
	names := make([]kv.Name, len(changes))
	for i := range changes {
		names[i] = changes[i].Name
	}
	return c.settled(ctx, names, func(s *store, which []int) ([]int, error) { return s.change(ctx, changes, which, fn) })
}

// Restore writes to the primary of each key.
func (c *cluster) Restore(ctx context.Context, dumps []kv.Dump, fn func(int, kv.Outcome)) error {
	names := make([]kv.Name, len(dumps))
	for i := range dumps {
		names[i] = dumps[i].Name
	}
	return c.settled(ctx, names, func(s *store, which []int) ([]int, error) { return s.restore(ctx, dumps, which, fn) })
}

// Expire asks the primary of each key.
func (c *cluster) Expire(ctx context.Context, backs []kv.ExpiryBack, fn func(int, kv.Outcome)) error {
	names := make([]kv.Name, len(backs))
	for i := range backs {
		names[i] = backs[i].Name
	}
	return c.settled(ctx, names, func(s *store, which []int) ([]int, error) { return s.expire(ctx, backs, which, fn) })
}

// Identify, Digest, Dump, Change, Restore and Expire go to the server that the sentinels name now.

// Identify implements kv.Remover.
func (w *watched) Identify(ctx context.Context) (kv.Identity, error) {
	s, err := w.server(ctx)
	if err != nil {
		return kv.Identity{}, err
	}
	return s.Identify(ctx)
}

// Digest implements kv.Remover.
func (w *watched) Digest(ctx context.Context, names []kv.Name, fn func(int, *kv.Digest)) error {
	s, err := w.server(ctx)
	if err != nil {
		return err
	}
	return s.Digest(ctx, names, fn)
}

// Dump implements kv.Remover.
func (w *watched) Dump(ctx context.Context, names []kv.Name, fn func(int, *kv.Dump)) error {
	s, err := w.server(ctx)
	if err != nil {
		return err
	}
	return s.Dump(ctx, names, fn)
}

// Change implements kv.Remover.
func (w *watched) Change(ctx context.Context, changes []kv.Change, fn func(int, kv.Outcome)) error {
	s, err := w.server(ctx)
	if err != nil {
		return err
	}
	return s.Change(ctx, changes, fn)
}

// Restore implements kv.Remover.
func (w *watched) Restore(ctx context.Context, dumps []kv.Dump, fn func(int, kv.Outcome)) error {
	s, err := w.server(ctx)
	if err != nil {
		return err
	}
	return s.Restore(ctx, dumps, fn)
}

// Expire implements kv.Remover.
func (w *watched) Expire(ctx context.Context, backs []kv.ExpiryBack, fn func(int, kv.Outcome)) error {
	s, err := w.server(ctx)
	if err != nil {
		return err
	}
	return s.Expire(ctx, backs, fn)
}
