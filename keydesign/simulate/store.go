package simulate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A Store says which kind of store to place keys in, and over how many nodes; 0 is not said.
type Store struct {
	Kind  schema.StoreKind
	Nodes int
}

// MaxNodes bounds the nodes of a store.
const MaxNodes = 1000

// kinds are the stores whose placement is known.
func kinds() []schema.StoreKind {
	return []schema.StoreKind{
		schema.Redis, schema.RedisCluster, schema.Valkey, schema.Memcached, schema.DynamoDB, schema.Cassandra, schema.Scylla,
		schema.Aerospike, schema.Ordered,
	}
}

// ParseStore reads KIND or KIND:NODES, as in redis-cluster:6.
func ParseStore(text string) (Store, error) {
	kind, nodes, has := strings.Cut(text, ":")
	s := Store{Kind: schema.StoreKind(kind)}
	if !slices.Contains(kinds(), s.Kind) {
		return Store{}, fmt.Errorf("%.40q is no store: it is one of %s", kind, join(kinds()))
	}
	if !has {
		return s, nil
	}
	n, err := strconv.Atoi(nodes)
	if err != nil || n < 1 || n > MaxNodes {
		return Store{}, fmt.Errorf("%.40q is no number of nodes: it is 1 to %d", nodes, MaxNodes)
	}
	s.Nodes = n
	return s, nil
}

func join(kinds []schema.StoreKind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

// String returns what ParseStore reads.
func (s Store) String() string {
	if s.Nodes == 0 {
		return string(s.Kind)
	}
	return fmt.Sprintf("%s:%d", s.Kind, s.Nodes)
}

// storeOf returns the store to simulate: what the options say, and what they leave out from the schema.
func storeOf(s *schema.Schema, o *Options) Store {
	st := o.Store
	if st.Kind == "" {
		st.Kind = s.Store.Kind
	}
	if st.Kind == "" {
		st.Kind = schema.Redis
	}
	if st.Nodes == 0 {
		st.Nodes = s.Store.Nodes
	}
	if st.Kind == schema.Valkey && st.Nodes > 1 {
		st.Kind = schema.RedisCluster // of Valkey: places in the same way
	}
	if len(o.Slots) > 0 {
		st.Kind, st.Nodes = schema.RedisCluster, len(o.Slots)
	}
	declared := schema.Store{Kind: st.Kind, Nodes: st.Nodes}
	st.Nodes = min(declared.Masters(), MaxNodes)
	return st
}

// redisFamily reports whether memory is that of a server of the Redis family.
func (s Store) redisFamily() bool {
	return s.Kind == schema.Redis || s.Kind == schema.RedisCluster || s.Kind == schema.Valkey
}

// bounded reports whether keys are in memory, of which maxmemory is the bound.
func (s Store) bounded() bool { return s.redisFamily() || s.Kind == schema.Memcached }

// tagged reports whether it is part of a key, and not the whole, that decides where it is kept.
func (s Store) tagged() bool {
	switch s.Kind {
	case schema.RedisCluster, schema.DynamoDB, schema.Cassandra, schema.Scylla:
		return true
	}
	return false
}

// newLayout returns where keys are kept. The partitions of DynamoDB are one until the load on them is known.
func (w *world) newLayout() *place.Layout {
	switch w.store.Kind {
	case schema.RedisCluster:
		if len(w.o.Slots) > 0 {
			return place.SlotMap(w.o.Slots)
		}
		return place.RedisCluster(w.store.Nodes)
	case schema.Memcached:
		return place.Ketama(place.Servers(w.store.Nodes))
	case schema.DynamoDB:
		return place.DynamoDB(1)
	case schema.Cassandra, schema.Scylla:
		return place.Cassandra(w.store.Nodes, place.Vnodes, w.o.Seed)
	case schema.Aerospike:
		return place.Aerospike("", w.store.Nodes)
	case schema.Ordered:
		return place.Ordered(w.keys(orderedSample), w.store.Nodes*rangesANode, w.store.Nodes)
	}
	return place.Single()
}

const (
	orderedSample = 50_000 // keys that decide where the ranges of an ordered store are
	rangesANode   = 16
)
