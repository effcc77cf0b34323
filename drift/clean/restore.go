package clean

import (
	"context"
	"slices"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Came reports whether an undo file is of this server: the same process, or one that has its history or is of its cluster.
func (u *Undo) Came(id kv.Identity) bool {
	return u.Server != "" && u.Server == id.ID || slices.ContainsFunc(u.Lineage, func(l string) bool { return slices.Contains(id.Lineage, l) })
}

// Restore writes back what an undo file holds. A key that is there is left alone, and one whose time is over as well. A server of
// which nothing says that the file is of it is refused, unless somebody says that it is the one (anew).
func Restore(ctx context.Context, store kv.Store, u *Undo, anew bool, limiter *kv.Limiter) (*Result, error) {
	r := &Result{Keys: len(u.lines), Counts: map[kv.Outcome]int{}}
	to, err := kv.RemoverOf(store)
	if err != nil {
		return r, err
	}
	id, err := to.Identify(ctx)
	switch {
	case err != nil:
		return r, err
	case id.Replica:
		return r, kv.WithHint(kv.Usagef("the server is a replica, which only its primary writes to"), "name the primary")
	case !anew && !u.Came(id):
		return r, kv.WithHint(kv.Usagef("the undo file is of another server, or the server has been started anew since"),
			"--restarted, if it is the one")
	}
	for _, part := range batches(u.lines, func(l *undoLine) int64 { return int64(len(l.Dump)) }) {
		if err := limiter.Wait(ctx, len(part)); err != nil {
			return r, err
		}
		var dumps []kv.Dump
		var backs []kv.ExpiryBack
		for i := range part {
			if d := part[i].dump(); len(d.Value) > 0 {
				dumps = append(dumps, d)
			} else {
				backs = append(backs, kv.ExpiryBack{Name: d.Name, Digest: part[i].Digest, Set: time.UnixMilli(part[i].SetMS), Was: d.ExpireAt})
			}
		}
		count := func(_ int, o kv.Outcome) { r.Counts[o]++ }
		if len(dumps) > 0 {
			err = to.Restore(ctx, dumps, count)
		}
		if len(backs) > 0 && err == nil {
			err = to.Expire(ctx, backs, count)
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}
