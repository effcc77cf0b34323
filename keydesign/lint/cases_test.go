package lint

import (
	"slices"
	"strings"
	"testing"
)

// Cases beyond the two of each rule: the other stores, the limits, and what comes near. Each is a file without its first two
// lines, and its findings.
var more = []struct{ name, file, want string }{
	{
		"a namespace of the file names all keys",
		`defaults: {owner: shop, namespace: "shop:"}
templates: {cart: {key: "{uid:int}:cart"}}`, "",
	},
	{
		"a key of one segment with an identifier has no name",
		`templates: {job: {key: "job{id:int}"}, work: {key: "work-{id:int}"}}`, "KD001 job{id:int}",
	},
	{
		"a table is a namespace",
		`store: {kind: dynamodb}
templates: {cart: {type: item, pk: "{uid:int}"}}`, "",
	},
	{
		"two separators in one key",
		`templates: {a: {key: "user:{uid:int}/cart"}}`, "KD002 user:{uid:int}/cart",
	},
	{
		"of two separators the declared one is right",
		`defaults: {owner: shop, separator: "/"}
templates: {a: {key: "user:{uid:int}:cart"}, b: {key: "user/{uid:int}/prefs"}}`, "KD002 user:{uid:int}:cart",
	},
	{
		"camel case and underscores",
		`templates: {a: {key: "userData:{uid:int}"}, b: {key: "user_data:{uid:int}:x"}}`, "KD003 userData:{uid:int}",
	},
	{
		"near duplicates: plural, dash, letter; not: digits, short names, a letter that swaps with another",
		`templates:
  a: {key: "city:{id:int}"}
  b: {key: "cities:{id:int}"}
  c: {key: "user-id:{id:int}"}
  d: {key: "userid:{id:int}"}
  e: {key: "profile:{id:int}"}
  f: {key: "profle:{id:int}"}
  g: {key: "bucket1:{id:int}"}
  h: {key: "bucket2:{id:int}"}
  i: {key: "cat:{id:int}"}
  j: {key: "car:{id:int}"}
  k: {key: "proffiel:{id:int}"}`, "KD004 city:{id:int}, KD004 profle:{id:int}, KD004 userid:{id:int}",
	},
	{
		"one key, declared twice",
		`templates: {a: {key: "x:{id:int}"}, b: {key: "x:{n:int}"}, c: {key: "x:{n:uuid}"}}`, "KD005 x:{id:int}",
	},
	{
		"text that may hold separators is told from text that may not",
		`fields: {path: {type: str(20), span: true}}
templates: {a: {key: "file:{path}"}, b: {key: "name:{n:str(20)}"}, c: {key: "doc:{j:json}"}, d: {key: "raw:{b:bin(8)}"},
  e: {key: "e:{x:opaque(22)}"}}`,
		"KD006 doc:{j:json}, KD006 file:{path}, KD006 raw:{b:bin(8)}",
	},
	{
		"memcached refuses keys beyond 250 bytes",
		`store: {kind: memcached}
templates: {a: {key: "a:{s:str(248)}"}, b: {key: "b:{s:str(249)}"}}`, "KD007 b:{s:str(249)}",
	},
	{
		"a sort key of DynamoDB has 1,024 bytes",
		`store: {kind: dynamodb}
templates: {a: {type: item, pk: "{u:uuid}", sk: "{s:str(1000)}{t:str(25)}"}}`, "KD007 {u:uuid}|{s:str(1000)}{t:str(25)}",
	},
	{
		"personal data by type",
		`templates: {a: {key: "a:{phone}"}, b: {key: "b:{x:ip}"}, c: {key: "c:{m:mac}"}}`, "KD009 a:{phone}, KD009 b:{x:ip}",
	},
	{
		"a version in the key, beside it, or in the value",
		`templates:
  a: {key: "a:{id:int}", type: json, version: 3}
  b: {key: "b:{id:int}", type: json, value: {fields: {version: int}}}
  c: {key: "c:v2:{id:int}", type: string, value: {format: MsgPack}}
  d: {key: "d:{id:int}", type: string, kind: blob}`, "KD011 d:{id:int}",
	},
	{
		"a time in the tag, a time in front; a counter in a tag spreads",
		`templates:
  a: {key: "evt:{{{d:isoweek}}}:{id:int}"}
  b: {key: "{{{n:seq}}}:cart"}
  c: {key: "evt:{d:isoweek}:{id:int}"}
lint: {ignore: [{rule: KD001, on: b, reason: it is about the tag}]}`, "KD020 evt:{{{d:isoweek}}}:{id:int}",
	},
	{
		"a partition has few keys, a node has many",
		`store: {kind: cassandra, nodes: 12}
fields: {shop: {type: int, cardinality: 100}, user: {type: int, cardinality: 1M}}
templates: {a: {key: "a:{shop}"}, b: {key: "b:{user}"}}`, "KD022 a:{shop}",
	},
	{
		"partitions by what was bought",
		`store: {kind: dynamodb, capacity: {rcu: 30000, wcu: 10000, gb: 50}}
fields: {shop: {type: int, cardinality: 199}, city: {type: int, cardinality: 201}}
templates: {a: {type: item, pk: "a{shop}"}, b: {type: item, pk: "b{city}"}}`, "KD022 a{shop}",
	},
	{
		"one partition key beyond its partition; its items are not",
		`store: {kind: dynamodb}
fields: {user: {type: int, cardinality: 1M}}
templates:
  a:
    type: item
    pk: "{user}"
    sk: "{oid:int}"
    value: {size: 3KiB}
    access: [{op: PutItem, rate: 1000/s, dist: {hot: {share: 50%, keys: 1}}}]
lint: {ignore: [{rule: KD090, on: a, reason: as one key}, {rule: KD023, on: a, reason: said below}]}`, "KD022 {user}|{oid:int}",
	},
	{
		"one item beyond a partition is said once",
		`store: {kind: dynamodb}
templates:
  a: {type: item, pk: "total", value: {size: 1KiB}, access: [{op: UpdateItem, rate: 1500/s}]}
lint: {ignore: [{rule: KD023, on: a, reason: said below}]}`, "KD090 total",
	},
	{
		"a key that is one key gets all",
		`templates:
  a: {key: "flags", type: hash, access: [{op: HGETALL, rate: 9k/s}]}
  b: {key: "b:{id:int}", type: hash, access: [{op: HGETALL, rate: 9k/s}]}`, "KD023 flags",
	},
	{
		"tags that keep a hundredth of the keys, or a gigabyte",
		`store: {kind: redis-cluster}
fields: {shop: {type: int, cardinality: 50}, org: {type: int, cardinality: 10k}}
templates:
  a: {key: "a:{{{shop}}}:{n:int}", cardinality: {live: 1M}}
  b: {key: "b:{{{org}}}:{n:int}", type: hash, cardinality: {live: 500k}, value: {size: 30MB}}
  c: {key: "{{total}}"}`, "KD027 a:{{{shop}}}:{n:int}, KD027 b:{{{org}}}:{n:int}",
	},
	{
		"several keys of one template: the tag must leave out what differs",
		`store: {kind: valkey, nodes: 3}
templates:
  a: {key: "a:{{{uid:int}}}:{n:int}", type: hash, access: [{op: GET, query: multi_get}]}
  b: {key: "b:{{{uid:int}}}", type: hash, access: [{op: MGET}]}
  c: {key: "c:{uid:int}", type: hash, access: [{op: MULTI, keys: [c, c]}]}
  d: {key: "d", type: hash, access: [{op: MGET}]}
  e: {key: "e:{uid:int}", type: hash, access: [{op: RENAME, keys: [a]}]}`, "KD029 b:{{{uid:int}}}, KD029 c:{uid:int}",
	},
	{
		"one node of Valkey is no cluster",
		`store: {kind: valkey}
templates: {a: {key: "a:{uid:int}", type: hash, access: [{op: MGET}]}}`, "",
	},
	{
		"values by store: DynamoDB",
		`store: {kind: dynamodb}
templates: {a: {type: item, pk: "a{u:uuid}", value: {size: 500KiB}}, b: {type: item, pk: "b{u:uuid}", value: {size: 64KiB}}}`, "KD040 a{u:uuid}",
	},
	{
		"values by store: memcached",
		`store: {kind: memcached}
templates: {a: {key: "a:{u:uuid}", value: {size: 1MiB}}, b: {key: "b:{u:uuid}", value: {size: 1025KiB}}}`, "KD040 b:{u:uuid}",
	},
	{
		"a list that only is read, and a sorted set with a declared end",
		`templates:
  a: {key: "a:{u:uuid}", type: list, access: [{op: LRANGE}]}
  b: {key: "b:{u:uuid}", type: zset, value: {elements: {max: 10}}, access: [{op: ZADD}]}
  c: {key: "c:{u:uuid}", type: zset, value: {elements: {p50: 10}}, access: [{op: ZADD}]}
  d: {key: "d:{u:uuid}", type: list, value: {elements: {max: 10}}}`, "KD042 c:{u:uuid}, KD042 d:{u:uuid}",
	},
	{
		"an index on a day; one that is local",
		`store: {kind: dynamodb}
templates:
  a: {type: item, pk: "{u:uuid}", indexes: {day: {pk: "{d:date(yyyymmdd)}"}}}
  b: {type: item, pk: "b{u:uuid}", indexes: {day: {local: true, sk: "{d:date(yyyymmdd)}"}}}`, "KD048 {u:uuid}",
	},
	{
		"passing things: a cache that may be evicted, a lock elsewhere than in Redis, a default",
		`store: {kind: redis, policy: allkeys-lru}
templates:
  a: {key: "a:{u:uuid}", kind: cache, ttl: {policy: none}}
  b: {key: "b:{u:uuid}", kind: temp, ttl: {policy: none}}`, "KD060 b:{u:uuid}",
	},
	{
		"a lock of memcached",
		`store: {kind: memcached}
templates: {a: {key: "lock:{u:uuid}", kind: lock}}`, "KD060 lock:{u:uuid}",
	},
	{
		"a TTL of the defaults is one",
		`defaults: {owner: shop, ttl: {policy: fixed, value: 1h}}
templates: {a: {key: "a:{u:uuid}", kind: cache}}`, "",
	},
	{
		"locks by name, where no kind says otherwise",
		`templates:
  a: {key: "pay-lock-{u:uuid}", type: string}
  b: {key: "lock:{u:uuid}", kind: record, type: hash}
  c: {key: "mutex:{u:uuid}", type: zset, value: {max_len: 3}}`, "KD062 pay-lock-{u:uuid}",
	},
	{
		"a bulk loader",
		`templates:
  a: {key: "a:{u:uuid}", writers: [nightly-import], ttl: {policy: fixed, value: 1h}}
  b: {key: "b:{u:uuid}", writers: [web, reload], ttl: {policy: fixed, value: 1h}}
  c: {key: "c:{u:uuid}", writers: [nightly-import], ttl: {policy: fixed, value: 59s}}`, "KD064 a:{u:uuid}",
	},
	{
		"an index that lives as long, longer, and by inheritance",
		`templates:
  user: {key: "user:{u:uuid}", ttl: {policy: sliding, idle: 1h}}
  a: {key: "a:{h:hex(8)}", ttl: {policy: sliding, idle: 1h}, refs: [{kind: index, to: user, from: value}]}
  b: {key: "b:{h:hex(8)}", ttl: {policy: sliding, idle: 3h}, refs: [{kind: index, to: user, from: value}]}
  c: {key: "c:{h:hex(8)}", ttl: {policy: inherit, of: user}, refs: [{kind: index, to: user, from: value}]}
  d: {key: "d:{h:hex(8)}", ttl: {policy: fixed, value: 1h}, refs: [{kind: index, to: user, from: value}]}`, "KD067 b:{h:hex(8)}",
	},
	{
		"noeviction with a cache",
		`store: {kind: redis, policy: noeviction}
templates: {a: {key: "a:{u:uuid}", kind: cache, ttl: {policy: fixed, value: 1h}}}`, "KD068 server",
	},
	{
		"volatile, and most keys stay",
		`store: {kind: redis, policy: volatile-ttl, maxmemory: 1GiB}
templates: {a: {key: "a:{u:uuid}", value: {size: 600B}, cardinality: {live: 1M}}}`, "KD068 server",
	},
	{
		"an index by its looks",
		`templates:
  a: {key: "idx:{h:hex(8)}"}
  b: {key: "user:geohash:{x:geohash(8)}"}
  c: {key: "user:uuid:{x:uuid}", kind: record}
  d: {key: "user:cart:{x:uuid}"}`, "KD080 idx:{h:hex(8)}, KD080 user:geohash:{x:geohash(8)}",
	},
	{
		"scans: within a key, by a search module, in the background, as a filter",
		`templates:
  a: {key: "a:{u:uuid}", type: hash, access: [{op: HSCAN, query: scan, request_path: true}]}
  b: {key: "b:{u:uuid}", type: hash, access: [{op: FT.SEARCH, query: filter, request_path: true}]}
  c: {key: "c:{u:uuid}", type: hash, access: [{op: SCAN}]}
  d: {key: "d:{u:uuid}", type: hash, access: [{name: find carts, query: filter}]}`, "KD085 d:{u:uuid}",
	},
	{
		"a range over a sort key, and over a partition key",
		`store: {kind: dynamodb}
templates:
  a: {type: item, pk: "{u:uuid}", sk: "{at:ts_s(1)}", access: [{op: Query, query: range, by: [u, at]}]}
  b: {type: item, pk: "b{u:uuid}", access: [{op: Scan, query: range, by: []}]}`, "KD086 b{u:uuid}",
	},
	{
		"Cassandra serves what begins a key",
		`store: {kind: cassandra}
templates:
  a: {key: "a:{u:uuid}:{n:int}", access: [{query: get, by: [u, n]}]}
  b: {key: "b:{u:uuid}:{n:int}", access: [{query: get, by: [n]}]}`, "KD087 b:{u:uuid}:{n:int}",
	},
	{
		"more operations than nodes give",
		`store: {kind: redis-cluster, nodes: 3, capacity: {ops_per_node: 1000}}
templates: {a: {key: "a:{u:uuid}", access: [{op: GET, rate: 4k/s}]}}`, "KD090 server",
	},
	{
		"more units than were bought",
		`store: {kind: dynamodb, capacity: {rcu: 100, wcu: 100}}
templates: {a: {type: item, pk: "{u:uuid}", access: [{op: GetItem, rate: 150/s, consistency: strong}]}}`, "KD090 server",
	},
	{
		"a hot key of DynamoDB is not judged twice",
		`store: {kind: dynamodb}
templates: {a: {key: "a:{g:enum[x,y]}", access: [{op: GetItem, rate: 2k/s}]}, b: {key: "b:{u:uuid}", access: [{op: GetItem, rate: 8k/s}]}}`, "KD022 a:{g:enum[x,y]}",
	},
	{
		"reads that need not be consistent cost half",
		`store: {kind: dynamodb, capacity: {rcu: 100, wcu: 100}}
templates: {a: {type: item, pk: "{u:uuid}", access: [{op: GetItem, rate: 150/s}]}}`, "",
	},
	{
		"a view that slides away, and one that nobody refreshes but that expires",
		`templates:
  a: {key: "a:{u:uuid}", pattern: view, source: x, refresh: 1h, ttl: {policy: sliding, idle: 30m}}
  b: {key: "b:{u:uuid}", pattern: view, source: x, ttl: {policy: fixed, value: 30m}}
  c: {key: "c:{u:uuid}", pattern: write-behind, source: x}`, "KD100 a:{u:uuid}",
	},
	{
		"nobody owns anything",
		`defaults: {separator: ":"}
templates: {a: {key: "a:{u:uuid}"}, b: {key: "b:{u:uuid}"}}`, "KD091 keyspace",
	},
	{
		"bytes that nobody types",
		`templates: {a: {key: "a:geohash:\0"}, b: {key: "\0\e[31m:{x:geohash(3)}"}, c: {key: "idx\0:{{\0}}"}}`, "",
	},
	{
		"a miss that costs little",
		`templates:
  a: {key: "a:{u:uuid}", pattern: cache-aside, source: x, ttl: {policy: fixed, value: 30m}, access: [{op: GET, on_miss: {cost: 19ms}}]}
  b: {key: "b:{u:uuid}", pattern: cache-aside, source: x, ttl: {policy: fixed, value: 30m}, access: [{op: GET, on_miss: {cost: 20ms}}]}
  c: {key: "c:{u:uuid}", pattern: cache-aside, source: x, ttl: {policy: sliding, idle: 30m}, access: [{op: GET, on_miss: {cost: 20ms}}]}`,
		"KD103 b:{u:uuid}",
	},
}

func TestMore(t *testing.T) {
	for _, c := range more {
		t.Run(c.name, func(t *testing.T) {
			file := "kvschema: 1\n"
			if !strings.Contains(c.file, "defaults:") {
				file += "defaults: {owner: shop}\n"
			}
			got := open(Run(parse(t, file+c.file)))
			slices.Sort(got)
			if strings.Join(got, ", ") != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// FuzzCheck judges whatever can be read: no schema may crash a rule.
func FuzzCheck(f *testing.F) {
	for _, r := range rules() {
		f.Add(r.bad)
		f.Add(r.good)
	}
	f.Add(read(f, shopFile))
	for _, c := range more {
		f.Add("kvschema: 1\n" + c.file)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := tryParse(text)
		if !ok {
			return
		}
		for _, found := range Check(s).Findings {
			if found.Rule == "" || found.Subject == "" || found.Message == "" {
				t.Errorf("%+v", found)
			}
		}
	})
}
