// Package schema reads keys.yaml, the file in which a team writes down its keys: what templates there are, what each holds, how
// long it lives, what it refers to and how it is used. The linter, the simulator, the gate and the load generator all start
// from a Schema.
//
// The one idea is that a Schema is what the file says and no more: nothing is guessed. What the file leaves out is the zero
// value, and each rule decides what that means. Everything that can be pointed at has a Pos, so that a finding leads to a line.
//
//	keys.yaml ──Parse──▶ Schema ──▶ lint · bind · simulate · compare · docs
//	              ▲                   │
//	propose ──────┴──── Write ◀───────┘
package schema

import (
	"cmp"
	"math"
	"time"

	"github.com/kvtool/kvtool/report"
)

// Version is the only value of `kvschema`.
const Version = 1

// A Schema is one or more files of keys.yaml. Names of fields and templates are unique; references to them have been checked.
type Schema struct {
	Files     []string // in the order given
	Store     Store
	Defaults  Defaults
	Fields    []Field
	Templates []Template
	Ignores   []Ignore // of the file; those of a template are in it

	Extensions []Extension
}

// An Extension is a key that begins with x-: what a file says for other programs. Those of the file, of a field and of a template
// are kept.
type Extension struct {
	Name string
	Text string // the value, in one line of YAML
}

// Template returns the template of the given name, or nil.
func (s *Schema) Template(name string) *Template {
	for i := range s.Templates {
		if s.Templates[i].Name == name {
			return &s.Templates[i]
		}
	}
	return nil
}

// Field returns the field of the given name, or nil.
func (s *Schema) Field(name string) *Field {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i]
		}
	}
	return nil
}

// A Store is what the keys are to be kept in.
type Store struct {
	Kind      StoreKind
	Version   string
	Nodes     int
	MaxMemory int64 // bytes, of all nodes together
	Policy    string
	Durable   bool
	P99       time.Duration // that the application needs of a request
	Capacity  Capacity
	Pos       report.Pos
}

// severalNodes is how many nodes a store has that always has several, where nobody says.
const severalNodes = 3

// Masters returns over how many nodes the keys spread: as many as declared; else one, or three where one node is no such store.
func (s *Store) Masters() int {
	switch s.Kind {
	case Redis, "":
		return 1 // whatever the number: others are replicas
	case RedisCluster, Cassandra, Scylla, Aerospike, Riak, Ordered:
		if s.Nodes == 0 {
			return severalNodes
		}
	}
	return max(1, s.Nodes)
}

// A StoreKind names a kind of store; empty is not declared.
type StoreKind string

// The kinds of store.
const (
	Redis        StoreKind = "redis"
	RedisCluster StoreKind = "redis-cluster"
	Valkey       StoreKind = "valkey"
	Memcached    StoreKind = "memcached"
	DynamoDB     StoreKind = "dynamodb"
	Cassandra    StoreKind = "cassandra"
	Scylla       StoreKind = "scylla"
	Aerospike    StoreKind = "aerospike"
	Riak         StoreKind = "riak"
	Ordered      StoreKind = "ordered" // etcd, TiKV, FoundationDB, HBase
)

// A Capacity is what was bought; 0 is not declared.
type Capacity struct {
	RCU, WCU   float64
	GB         float64
	OpsPerNode float64 // a second
}

// Defaults hold for templates that say nothing else.
type Defaults struct {
	Owner, Separator, Namespace string
	TTL                         TTL
	Pos                         report.Pos
}

// A Field is a population that templates share: all that use `uid` draw the same ids.
type Field struct {
	Name        string
	Type        Type
	Cardinality int64   // distinct values; 0 is not declared
	Growth      float64 // new values a second
	Dist        Dist
	Span        bool // a value may hold separators
	Extensions  []Extension
	Pos         report.Pos
}

// A Template is a declared key shape and all that is promised of its keys.
type Template struct {
	Name        string
	Key         Key // of an item: its pk and sk, as kv.Join makes one key of two
	Kind        Kind
	Type        string // string, hash, list, set, zset, stream, json, item; empty is not declared
	Item        Item   // with type item
	Value       Value
	TTL         TTL
	Cardinality Cardinality
	Refs        []Ref
	Access      []Access
	Pattern     Pattern
	Owner       string
	KeyVersion  string   // `version`
	Writers     []string // programs that write it
	Description string
	Ignores     []Ignore
	Inferred    *Inferred
	Extensions  []Extension
	Pos         report.Pos // of its name
	KeyPos      report.Pos
}

// A Kind says what a template is for; empty is not declared.
type Kind string

// The kinds of template.
const (
	Record      Kind = "record"
	Cache       Kind = "cache"
	Session     Kind = "session"
	Lock        Kind = "lock"
	RateLimit   Kind = "ratelimit"
	Queue       Kind = "queue"
	Stream      Kind = "stream"
	Index       Kind = "index"
	Counter     Kind = "counter"
	Config      Kind = "config"
	Leaderboard Kind = "leaderboard"
	Blob        Kind = "blob"
	Temp        Kind = "temp"
)

// An Item is how DynamoDB keeps a template: its keys and indexes.
type Item struct {
	PK, SK  Key
	Indexes []ItemIndex
}

// An ItemIndex is a secondary index.
type ItemIndex struct {
	Name   string
	Local  bool // an LSI
	PK, SK Key
	Pos    report.Pos
}

// A Value is how large what stands under a key is.
type Value struct {
	Size        Dim   // bytes of the whole value
	Elements    Dim   // of a collection
	ElementSize int64 // bytes
	Fields      []ValueField
	Members     Key    // of a collection: what its elements are
	Format      string // json, protobuf, …
	MaxLen      int64  // elements
	Trim        string // what keeps it short
	Pos         report.Pos
}

// A Dim is a size by its quantiles; 0 is not declared. A size given alone stands for all three.
type Dim struct{ P50, P99, Max int64 }

// Typical returns the median, or what comes closest to it.
func (d Dim) Typical() int64 { return cmp.Or(d.P50, d.P99, d.Max) }

// Largest returns the maximum, or what comes closest to it.
func (d Dim) Largest() int64 { return cmp.Or(d.Max, d.P99, d.P50) }

// A ValueField is a named part of a value, such as a field of a hash.
type ValueField struct {
	Name  string
	Field string // of Schema.Fields, where the file names one instead of a type
	Type  Type
	Pos   report.Pos
}

// A TTLPolicy says how long keys live; empty is not declared.
type TTLPolicy string

// The TTL policies.
const (
	TTLNone    TTLPolicy = "none"
	TTLFixed   TTLPolicy = "fixed"   // Value from the writing on
	TTLSliding TTLPolicy = "sliding" // Idle from each use on, MaxAge at most
	TTLInherit TTLPolicy = "inherit" // as the template Of
)

// A TTL is the declared life of a key.
type TTL struct {
	Policy TTLPolicy
	Value  time.Duration
	Jitter Jitter
	Idle   time.Duration
	MaxAge time.Duration
	Of     string
	Pos    report.Pos
}

// A Jitter is what is added to a TTL at random: between Low and High, either as durations or as shares of the TTL.
// `±20%` is the shares -0.2 to 0.2, `0-1h` the durations 0 to 1h.
type Jitter struct {
	Low, High           time.Duration
	LowShare, HighShare float64
}

// Spread returns the width of the jitter as a share of ttl.
func (j Jitter) Spread(ttl time.Duration) float64 {
	if ttl <= 0 {
		return 0
	}
	return j.HighShare - j.LowShare + float64(j.High-j.Low)/float64(ttl)
}

// A Cardinality is how many keys there are; 0 is not declared.
type Cardinality struct {
	Live, Max int64
	Per       []PerField
	Pos       report.Pos
}

// A PerField says that there are N keys for each value of a field.
type PerField struct {
	Field string
	N     float64
}

// A RefKind says what a reference means.
type RefKind string

// The kinds of reference.
const (
	RefParent RefKind = "parent" // the key belongs to another, and should not outlive it
	RefIndex  RefKind = "index"  // the value names another key
	RefMember RefKind = "member" // the members or a field of the value name others
)

// A Ref leads from the keys of a template to those of another.
type Ref struct {
	Kind    RefKind
	To      string // template
	On      string // field that both have
	From    string // value, value.FIELD, member
	Target  Key    // with {value}; empty is the key of To
	Backref string // field of the target's value that leads back
	Pos     report.Pos
}

// An Access is one way in which the application uses keys.
type Access struct {
	Name        string
	Op          string // a command: HGETALL
	Query       string // get, multi_get, range, prefix_scan, filter, text, aggregate, join, tx, scan; empty is not declared
	By          []string
	Order       string
	Keys        []string // templates, of one that touches several
	Rate        float64  // a second
	Dist        Dist
	Miss        float64 // share of reads that find nothing
	OnMiss      OnMiss
	Consistency string
	RequestPath bool // a user waits for it
	Pos         report.Pos
}

// An OnMiss is what the application does when it finds nothing.
type OnMiss struct {
	Op           string
	Cost         time.Duration
	SingleFlight bool // one caller computes, the others wait
}

// A DistKind names a distribution; empty is uniform.
type DistKind string

// The distributions.
const (
	Uniform DistKind = "uniform"
	Zipf    DistKind = "zipf"   // A is the exponent
	Hot     DistKind = "hot"    // Share of the operations go to Keys keys
	Latest  DistKind = "latest" // Zipf by age, A is the exponent
	// Exponential makes ranks less likely at a constant rate: the first Within of all ranks get Share of the operations.
	Exponential DistKind = "exponential"
	Sequential  DistKind = "sequential" // one after the other, and from the first again
)

// A Dist says how accesses, or values, spread over a population.
type Dist struct {
	Kind   DistKind
	A      float64
	Share  float64
	Keys   int64
	Within float64
}

// Scale returns over how many of n ranks the share of an exponential distribution falls to 1/e.
func (d Dist) Scale(n float64) float64 { return d.Within * n / -math.Log1p(-d.Share) }

// Exponentially returns the share of a rank of n, from 0, by an exponential distribution.
func (d Dist) Exponentially(rank, n float64) float64 {
	scale := d.Scale(n)
	return math.Exp(-rank/scale) * math.Expm1(-1/scale) / math.Expm1(-n/scale)
}

// A Pattern is how the keys relate to the source of truth behind them.
type Pattern struct {
	Name    string        // cache-aside, write-through, write-behind, view; empty is not declared
	Source  string        // template, or a name of something outside
	Refresh time.Duration // how often a view is made anew
	Pos     report.Pos
}

// An Ignore is a finding that was accepted where the key is designed.
type Ignore struct {
	Rule, On, Reason string
	Expires          time.Time // zero is never
	Pos              report.Pos
}

// Inferred is what `keydesign infer` saw; nobody declares it.
type Inferred struct {
	Keys       int64
	Share      float64
	Confidence string
	Examples   []string
}
