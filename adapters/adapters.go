// Package adapters lists what kvtool can open. It is the only package that names every adapter; it reads nothing itself.
//
// The one idea is that the list is a value, written out: no adapter registers itself, so what a binary can open is what
// stands here. To add an adapter, add a line to All.
package adapters

import (
	"context"
	"slices"

	"github.com/kvtool/kvtool/adapters/berkeleydb"
	"github.com/kvtool/kvtool/adapters/ddbexport"
	"github.com/kvtool/kvtool/adapters/dynamodb"
	"github.com/kvtool/kvtool/adapters/keylist"
	"github.com/kvtool/kvtool/adapters/memcached"
	"github.com/kvtool/kvtool/adapters/rdb"
	"github.com/kvtool/kvtool/adapters/redis"
	"github.com/kvtool/kvtool/adapters/reference"
	"github.com/kvtool/kvtool/kv"
)

// All returns every adapter, in the order that help lists them.
func All() []*kv.Adapter {
	return []*kv.Adapter{
		reference.Adapter(),
		redis.Adapter(),
		memcached.Adapter(),
		rdb.Adapter(),
		keylist.Adapter(),
		dynamodb.Adapter(),
		ddbexport.Adapter(),
		berkeleydb.Adapter(),
	}
}

// Find returns the adapter that opens targets of the given scheme, or nil.
func Find(scheme string) *kv.Adapter {
	for _, a := range All() {
		if slices.Contains(a.Schemes, scheme) {
			return a
		}
	}
	return nil
}

// Open opens t with the adapter of its scheme.
func Open(ctx context.Context, t kv.Target) (kv.Store, error) {
	a := Find(t.Scheme)
	if a == nil {
		return nil, kv.Usagef("no store has the scheme %q", t.Scheme)
	}
	return a.Open(ctx, t)
}
