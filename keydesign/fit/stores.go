package fit

import (
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// Where the properties come from. They are of the versions that these pages are about; the p99 are what vendors state or orders of
// magnitude, no measurements of ours: measure before you promise.
const (
	redisPersistence = "redis.io, Redis persistence"
	redisReplication = "redis.io, Redis replication"
	redisTx          = "redis.io, Transactions"
	redisStrings     = "redis.io, Strings"
	redisCluster     = "redis.io, Redis cluster specification"
	redisLatency     = "redis.io, Diagnosing latency issues"
	valkeyDocs       = "valkey.io, Persistence, Replication and Transactions"
	memcachedDocs    = "docs.memcached.org, and its protocol.txt"
	dynamoLimits     = "docs.aws.amazon.com, DynamoDB Developer Guide, quotas"
	dynamoReads      = "docs.aws.amazon.com, DynamoDB Developer Guide, read consistency"
	dynamoTx         = "docs.aws.amazon.com, DynamoDB Developer Guide, transactions"
	dynamoIntro      = "docs.aws.amazon.com, DynamoDB Developer Guide, introduction"
	cassandraStore   = "cassandra.apache.org, Storage engine"
	cassandraDynamo  = "cassandra.apache.org, Dynamo and Guarantees"
	scyllaDocs       = "docs.scylladb.com, Architecture, and Lightweight transactions"
	aerospikeModes   = "aerospike.com, Consistency modes"
	aerospikeLimits  = "aerospike.com, System limits and thresholds"
	aerospikeTx      = "aerospike.com, Transactions, server 8.0"
	aerospikeIndex   = "aerospike.com, Record sizing"
	riakDocs         = "docs.riak.com, Riak KV: strong consistency, backends, developing"
	bdbDocs          = "docs.oracle.com, Berkeley DB Programmer's Reference"
)

// stores lists the stores that kvtool supports, in the order of the documentation.
func stores() []store {
	return []store{redis(), cluster(), valkey(), memcached(), dynamo(), cassandra(), scylla(), aerospike(), riak(), berkeley()}
}

func redis() store {
	return store{
		name: "Redis", kind: string(schema.Redis),
		durable:      property{withCare, "an append-only file that is synced each second loses that second; synced always it costs latency", redisPersistence},
		strong:       property{withCare, "one primary answers in order; replication is asynchronous, so a failover loses acknowledged writes", redisReplication},
		serial:       property{withCare, "scripts and MULTI run one after another on one primary; a failover may lose them", redisTx},
		rangeKeys:    property{failsIt, "keys are hashed: SCAN reads all of them", redisCluster},
		rangeWithin:  property{meets, "sorted sets, lists and streams are read by range", redisStrings},
		txWithin:     property{meets, "MULTI is atomic; there is no rollback of what fails within", redisTx},
		txAcross:     property{withCare, "MULTI reaches every key of the one server; without rollback", redisTx},
		p99:          time.Millisecond,
		p99Why:       "memory and one thread; one slow command delays all others",
		p99Source:    redisLatency,
		inMemory:     true,
		memoryWhy:    "all keys and values are in memory",
		memorySource: redisPersistence,
		mostValue:    512 * mib, goodValue: 100 * kib, valueWhy: "a large value delays the thread", valueSource: redisStrings,
	}
}

func cluster() store {
	s := redis()
	s.name, s.kind = "Redis Cluster", string(schema.RedisCluster)
	s.serial = property{failsIt, "a transaction reaches the keys of one slot", redisCluster}
	s.txWithin = property{meets, "MULTI over keys of one hash tag", redisCluster}
	s.txAcross = property{failsIt, "keys of several slots cannot be in one transaction (CROSSSLOT)", redisCluster}
	s.memoryWhy = "all keys and values are in memory, of all nodes together"
	return s
}

func valkey() store {
	s := redis()
	s.name, s.kind = "Valkey", string(schema.Valkey)
	for _, p := range []*property{&s.durable, &s.strong, &s.serial, &s.rangeKeys, &s.rangeWithin, &s.txWithin, &s.txAcross} {
		p.source = valkeyDocs
	}
	s.p99Source, s.memorySource, s.valueSource = valkeyDocs, valkeyDocs, valkeyDocs
	return s
}

func memcached() store {
	return store{
		name: "Memcached", kind: string(schema.Memcached),
		durable:      property{failsIt, "a restart or an eviction loses what it holds", memcachedDocs},
		strong:       property{withCare, "one server answers for a key; a server that leaves takes its keys along", memcachedDocs},
		serial:       property{failsIt, "CAS of one key is all there is", memcachedDocs},
		rangeKeys:    property{failsIt, "keys are hashed and cannot be listed in order", memcachedDocs},
		rangeWithin:  property{failsIt, "a value has no parts", memcachedDocs},
		txWithin:     property{failsIt, "CAS of one key is all there is", memcachedDocs},
		txAcross:     property{failsIt, "CAS of one key is all there is", memcachedDocs},
		p99:          time.Millisecond,
		p99Why:       "memory and several threads",
		p99Source:    memcachedDocs,
		inMemory:     true,
		memoryWhy:    "what does not fit is evicted",
		memorySource: memcachedDocs,
		mostValue:    mib, goodValue: 100 * kib, valueWhy: "the default of -I, which may be raised", valueSource: memcachedDocs,
	}
}

func dynamo() store {
	return store{
		name: "DynamoDB", kind: string(schema.DynamoDB),
		durable:      property{meets, "each write is in several zones before it is acknowledged", dynamoIntro},
		strong:       property{meets, "reads may be strongly consistent, at twice the price; not those of a global index", dynamoReads},
		serial:       property{meets, "transactions are serializable towards each other, of up to 100 items", dynamoTx},
		rangeKeys:    property{withCare, "by sort key within one partition key; over partitions only by reading the table", dynamoIntro},
		rangeWithin:  property{withCare, "by sort key: each element is an item of its own", dynamoIntro},
		txWithin:     property{meets, "up to 100 items and 4 MB", dynamoTx},
		txAcross:     property{meets, "up to 100 items and 4 MB, of any partitions, at twice the price", dynamoTx},
		p99:          10 * time.Millisecond,
		p99Why:       "single-digit milliseconds, as AWS states; throttling adds to it",
		p99Source:    dynamoIntro,
		memoryWhy:    "on disk, and paid for by size",
		memorySource: dynamoLimits,
		mostValue:    400 * kib, goodValue: 4 * kib, valueWhy: "an item is paid for by each KB written and 4 KB read", valueSource: dynamoLimits,
	}
}

func cassandra() store {
	return store{
		name: "Cassandra", kind: string(schema.Cassandra),
		durable:      property{withCare, "the commit log is synced every 10 s by default: until then only the replicas keep a write", cassandraStore},
		strong:       property{withCare, "with QUORUM for reads and writes, or a lightweight transaction", cassandraDynamo},
		serial:       property{failsIt, "lightweight transactions are of one partition", cassandraDynamo},
		rangeKeys:    property{withCare, "by clustering column within one partition; over partitions only by token", cassandraDynamo},
		rangeWithin:  property{meets, "by clustering column", cassandraDynamo},
		txWithin:     property{withCare, "a lightweight transaction takes four round trips", cassandraDynamo},
		txAcross:     property{failsIt, "a batch over partitions is not isolated", cassandraDynamo},
		p99:          20 * time.Millisecond,
		p99Why:       "disk, compaction and garbage collection; an order of magnitude",
		p99Source:    cassandraStore,
		memoryWhy:    "on disk; memory is for what is read often",
		memorySource: cassandraStore,
		mostValue:    16 * mib, goodValue: mib, valueWhy: "half a segment of the commit log is the most that one mutation takes", valueSource: cassandraStore,
	}
}

func scylla() store {
	s := cassandra()
	s.name, s.kind = "Scylla", string(schema.Scylla)
	for _, p := range []*property{&s.durable, &s.strong, &s.serial, &s.rangeKeys, &s.rangeWithin, &s.txWithin, &s.txAcross} {
		p.source = scyllaDocs
	}
	s.txWithin.why = "a lightweight transaction takes three round trips"
	s.p99, s.p99Why, s.p99Source = 10*time.Millisecond, "single-digit milliseconds, as its vendor states", scyllaDocs
	s.memorySource, s.valueSource = scyllaDocs, scyllaDocs
	return s
}

func aerospike() store {
	return store{
		name: "Aerospike", kind: string(schema.Aerospike),
		durable:      property{withCare, "writes go to replicas and to a buffer; commit-to-device makes them wait for the disk", aerospikeModes},
		strong:       property{withCare, "in a namespace with strong-consistency, which is an enterprise feature", aerospikeModes},
		serial:       property{withCare, "transactions of server 8.0 in strong-consistency namespaces", aerospikeTx},
		rangeKeys:    property{failsIt, "keys are hashed; a secondary index finds values, not keys", aerospikeLimits},
		rangeWithin:  property{meets, "ordered lists and maps are read by range", aerospikeLimits},
		txWithin:     property{meets, "several operations on one record are one", aerospikeTx},
		txAcross:     property{withCare, "transactions of server 8.0 in strong-consistency namespaces", aerospikeTx},
		p99:          time.Millisecond,
		p99Why:       "index in memory, data on flash; an order of magnitude",
		p99Source:    aerospikeIndex,
		memoryWhy:    "data on flash; the index takes 64 bytes a record in memory",
		memorySource: aerospikeIndex,
		mostValue:    8 * mib, goodValue: 128 * kib, valueWhy: "a record must fit into a write block, 1 MiB by default", valueSource: aerospikeLimits,
	}
}

func riak() store {
	return store{
		name: "Riak", kind: string(schema.Riak),
		durable:      property{withCare, "replicas keep a write; whether it is on a disk (DW) is asked for with each request", riakDocs},
		strong:       property{failsIt, "strong consistency is experimental and not supported", riakDocs},
		serial:       property{failsIt, "there are no transactions", riakDocs},
		rangeKeys:    property{withCare, "by secondary index with the LevelDB backend", riakDocs},
		rangeWithin:  property{failsIt, "its data types have no order", riakDocs},
		txWithin:     property{failsIt, "there are no transactions", riakDocs},
		txAcross:     property{failsIt, "there are no transactions", riakDocs},
		p99:          20 * time.Millisecond,
		p99Why:       "disk and a quorum; an order of magnitude",
		p99Source:    riakDocs,
		memoryWhy:    "on disk; Bitcask keeps all keys in memory",
		memorySource: riakDocs,
		mostValue:    mib, goodValue: 100 * kib, valueWhy: "more is not refused, but advised against", valueSource: riakDocs,
	}
}

func berkeley() store {
	return store{
		name:         "Berkeley DB",
		durable:      property{meets, "a commit is on disk, unless that is switched off", bdbDocs},
		strong:       property{meets, "one process or one machine: there is one copy", bdbDocs},
		serial:       property{meets, "transactions are serializable by default", bdbDocs},
		rangeKeys:    property{meets, "a B-tree is ordered by key", bdbDocs},
		rangeWithin:  property{meets, "a cursor reads sorted duplicates", bdbDocs},
		txWithin:     property{meets, "ACID transactions", bdbDocs},
		txAcross:     property{meets, "ACID transactions over any keys of an environment", bdbDocs},
		p99:          10 * time.Millisecond,
		p99Why:       "no network, but a commit waits for the disk; an order of magnitude",
		p99Source:    bdbDocs,
		memoryWhy:    "on disk; a cache in memory",
		memorySource: bdbDocs,
		mostValue:    4*gib - 1, goodValue: mib, valueWhy: "large items fill overflow pages", valueSource: bdbDocs,
	}
}

// mostValue returns the largest value that a kind of store takes; 0 if it is not known.
func mostValue(kind schema.StoreKind) int64 {
	for _, s := range stores() {
		if s.kind != "" && s.kind == string(kind) {
			return s.mostValue
		}
	}
	return 0
}
