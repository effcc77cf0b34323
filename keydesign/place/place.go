// Package place says where a store keeps a key: in which slot, partition, token range or server, and on which node. It knows
// the hashes and rings of the stores and nothing of schemas, loads or reports.
//
// The one idea is that every store places in two steps. A Model divides keys into parts that never change, by arithmetic on the
// key alone; an owner table says which node has each part, and that is what moves when the cluster grows.
//
//	key ──hash──▶ part ──owner──▶ node
//	              16,384 slots        6 masters        Redis Cluster
//	              4,096 partitions    nodes            Aerospike
//	              token ranges        nodes            Cassandra, Scylla
//	              hash ranges         partitions       DynamoDB, as a model
//	              key ranges          nodes            etcd, TiKV, FoundationDB, HBase
//	              servers             servers          Memcached, by the client
//
// Each hash is held against vectors that a client library of the store made: testdata/README.md names them.
package place

// A Model divides keys into parts.
type Model interface {
	// Parts returns how many there are.
	Parts() int
	// Place returns the part of key, a number below Parts. It does not keep key and may be called from several goroutines.
	Place(key []byte) int
}

// A Layout is a Model, the nodes that have its parts, and the words of the store for both.
type Layout struct {
	Model
	Part  string // what a part is called: slot, partition
	Node  string // what holds parts: node, server
	Nodes int
	Owner []int // the node of each part
	// Unequal says that parts are not of one size: that one has more keys than another is no accident then.
	Unequal bool
	Note    string // what a reader must know of the model; empty where it is exact
}

// even divides parts among nodes in runs that differ by one at most, where redis-cli --cluster create puts their ends.
func even(parts, nodes int) []int {
	owner := make([]int, parts)
	for node := range nodes {
		for i := edge(parts, nodes, node); i < edge(parts, nodes, node+1); i++ {
			owner[i] = node
		}
	}
	return owner
}

// edge returns the first part of a node: node*parts/nodes, rounded.
func edge(parts, nodes, node int) int { return (2*node*parts + nodes) / (2 * nodes) }

// Single is a store of one node, in which all keys are in one place.
func Single() *Layout {
	return &Layout{Model: whole{}, Part: "server", Node: "server", Nodes: 1, Owner: []int{0}}
}

type whole struct{}

func (whole) Parts() int       { return 1 }
func (whole) Place([]byte) int { return 0 }
