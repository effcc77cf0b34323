package redis

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/kvtool/kvtool/kv"
)

// A seed is a node of a cluster in which nobody may ask who serves what. Its own keys are read, and every scan ends with why those
// of the others were not.
type seed struct {
	kv.Store
	node *store
	why  error
}

// secretive reports whether err says that the slot map is told to nobody, or not to this user.
func secretive(err error) bool {
	text, ok := answer(err)
	return ok && denies(text) && !strings.Contains(text, "cluster support disabled")
}

// openSeed opens the first node of a target that can be read, where the slot map is not told, for the reason why.
func openSeed(ctx context.Context, cfg config, why error) (kv.Store, error) {
	for _, addr := range cfg.seeds {
		s, err := openSingle(ctx, cfg.at(addr, false))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if node, ok := s.(*store); err == nil && ok {
			return &seed{Store: s, node: node, why: fmt.Errorf("scanning %s: the keys of %s alone were read: %w", cfg.target, node.cfg.addr, why)}, nil
		}
	}
	return nil, fmt.Errorf("connecting to %s: %w", cfg.target, why)
}

// Scan reads the node.
func (s *seed) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		for r, err := range s.Store.Scan(ctx, opt) {
			if !yield(r, err) || err != nil {
				return
			}
		}
		yield(nil, s.why)
	}
}

// Info is that of the node. How many keys the cluster has is not known.
func (s *seed) Info(ctx context.Context) (*kv.Info, error) {
	info, err := s.Store.Info(ctx)
	if err != nil {
		return nil, err
	}
	info.KeysKnown = false
	info.Facts = append(info.Facts, kv.Fact{Name: "other nodes", Why: s.why.Error(), Hint: kv.Hint(s.why)})
	return info, nil
}

// Examine asks the node how it is.
func (s *seed) Examine(ctx context.Context) ([]kv.Exam, error) { return s.node.Examine(ctx) }

// Sent tells what was sent to the node.
func (s *seed) Sent() map[string]kv.Sent { return s.node.Sent() }

// Stats tells what the node counts.
func (s *seed) Stats(ctx context.Context) ([]kv.Stats, error) { return s.node.Stats(ctx) }

// Get asks about no key: most are on nodes that are not known, which is not to be taken for gone.
func (s *seed) Get(context.Context, kv.Field, []kv.Name, func(int, *kv.Record)) error { return s.why }

// Session runs no operation, for the same reason.
func (s *seed) Session(context.Context, kv.SessionOptions) (kv.Session, error) { return nil, s.why }
