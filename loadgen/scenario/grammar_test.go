package scenario

import (
	"strings"
	"testing"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// whole has every word that the format knows.
const whole = `kvscenario: 1
name: whole
about: every word
seed: 42
prefix: "kvtool:{run}:"
max_ttl: 24h
load: {conns: 50, max_inflight: 1, pipeline: 1, timeout: 1s, retry: none}
server: {every: 1s}
fields:
  uid: {type: int, cardinality: 2k, dist: {zipf: 0.99}}
  sku: {type: 're("[A-Z]{3}-[0-9]{6}")', cardinality: 150, dist: {exponential: {share: 95%, within: 85.7%}}}
  oid: {type: int, cardinality: 500, dist: sequential}
  pid: {type: int, cardinality: 500, dist: {hot: {share: 80%, keys: 5}}}
  nid: {type: int, cardinality: 500, dist: {latest: 0.99}}
  eid: {type: int, cardinality: 500, dist: uniform}
templates:
  session:       {key: "session:{uid}", type: string, value: {size: {p50: 400B, p99: 4KiB}}, ttl: {policy: sliding, idle: 30m}}
  product_cache: {key: "cache:product:{sku}", type: string, value: {size: {p50: 3KiB, p99: 40KiB}}, ttl: {policy: fixed, value: 10m, jitter: ±20%}}
  leaderboard:   {key: "lb:{game:enum[chess,go]}", type: zset, value: {elements: {max: 100k}, members: "{uid}"}}
  lock:          {key: "lock:order:{oid}", kind: lock, type: string, ttl: {policy: fixed, value: 500ms}}
  others:        {key: "{pid}:{nid}:{eid}", type: hash, ttl: {policy: inherit, of: session}}
ops:
  session_read:
    steps: [{cmd: [GETEX, "@session", PX, "@session.ttl"], on_nil: create}]
    create: [{cmd: [SET, "@session", "@session.value", PX, "@session.ttl"]}]
  product_read:
    steps:
      - cmd: [GET, "@product_cache"]
        on_nil:
          - {think: {exp: 40ms}}
          - {cmd: [SET, "@product_cache", "@product_cache.value", PX, "@product_cache.ttl"]}
    single_flight: off
  lb_add:  {steps: [{cmd: [ZINCRBY, "@leaderboard", "{n:uint(1,50)}", "@leaderboard.member"]}]}
  lb_rank: {steps: [{cmd: [ZREVRANK, "@leaderboard", "@leaderboard.member"]}]}
  lb_top:  {steps: [{cmd: [ZREVRANGE, "@leaderboard", 0, 9, WITHSCORES]}]}
  order_lock:
    steps:
      - {cmd: [SET, "@lock", "{token}", NX, PX, "@lock.ttl"], is: acquire, on_nil: end}
      - {hold: {exp: 20ms}}
      - {atomic: compare_delete, args: ["@lock", "{token}"], is: release}
    check: mutual_exclusion
mix: {session_read: 60, product_read: 25, lb_add: 8, lb_rank: 5, lb_top: 1, order_lock: 1}
phases:
  - {name: fill, fill: [session, leaderboard], rate: max}
  - {name: warm, for: 60s, rate: {poisson: 20k/s}, record: false, until: {hit_rate_stable: 0.5%}}
  - {name: steady, for: 120s, rate: {constant: 20k/s}}
  - {name: sale, for: 60s, rate: {ramp: [20k/s, 60k/s]}, mix: {product_read: 70, lb_top: 30}, events: [{at: 10s, popularity_shift: {field: sku, to: {zipf: 1.2}, by: 3}}]}
  - {name: herd, for: 60s, rate: {burst: [20k/s, 1k/s], every: 1s}, events: [{at: 5s, ttl_herd: {template: product_cache, share: 50%, within: 2s}}]}
  - {name: crowd, for: 60s, rate: {sine: [20k/s, 1k/s]}, events: [{at: 5s, flash_crowd: {field: uid, share: 50%, for: 2s}}]}
  - {name: large, for: 60s, rate: {steps: [1k/s, 2k/s]}, events: [{at: 5s, size_shift: {template: session, to: {p50: 4KiB, p99: 40KiB}}}]}
thresholds: ["p99 < 5ms", "p99(order_lock) < 40ms", "errors < 0.1%", "hit_rate >= 95%", "evicted == 0", "violations == 0"]
`

// TestWholeGrammar: every word that the format has is read, and means what it says.
func TestWholeGrammar(t *testing.T) {
	s, err := Parse("x.yaml", []byte(whole), nil)
	if err != nil {
		t.Fatal(err)
	}
	if warm := s.Phases[1]; warm.Stable != 0.005 || warm.Record {
		t.Errorf("%+v", warm)
	}
	if e := s.Phases[6].Events[0]; e.Kind != "size_shift" || e.Size.P50 != 4096 || e.Name != "session" {
		t.Errorf("%+v", e)
	}
	if e := s.Phases[3].Events[0]; e.Dist != (schema.Dist{Kind: schema.Zipf, A: 1.2}) || e.Moved != 3 {
		t.Errorf("%+v", e)
	}
	for name, want := range map[string]schema.Dist{
		"sku": {Kind: schema.Exponential, Share: 0.95, Within: 0.857}, "oid": {Kind: schema.Sequential}, "eid": {Kind: schema.Uniform},
		"pid": {Kind: schema.Hot, Share: 0.8, Keys: 5}, "nid": {Kind: schema.Latest, A: 0.99},
	} {
		if got := s.Schema.Field(name).Dist; got != want {
			t.Errorf("%s is drawn by %+v, want %+v", name, got, want)
		}
	}
	if Members(s.Schema, 2) != 2000 || s.Schema.Template("others").TTL.Idle == 0 {
		t.Errorf("%+v", s.Schema.Templates)
	}
}

// TestNotInThisRelease: what the design has and this release does not is refused in words, and so is what is nearly right.
func TestNotInThisRelease(t *testing.T) {
	for _, tt := range []struct{ old, with, want string }{
		{"max_inflight: 1", "max_inflight: 4", "load.max_inflight: a connection of an open loop has one operation in flight"},
		{"retry: none", "retry: 3", "load.retry: nothing is sent twice"},
		{"every: 1s}\nfields", "every: 5s}\nfields", "server.every: the server is asked once a second"},
		{"{poisson: 20k/s}", "{trace: x.txt}", "load replay --trace FILE"},
		{"popularity_shift: {field: sku, to: {zipf: 1.2}, by: 3}", "reconnect_storm: {}", "say conn_reset"},
		{"popularity_shift: {field: sku, to: {zipf: 1.2}, by: 3}", "server_sleep: 1s", "want keys of its own"},
		{"popularity_shift: {field: sku, to: {zipf: 1.2}, by: 3}", "popularity_shft: {}", "did you mean popularity_shift?"},
		{"popularity_shift: {field: sku, to: {zipf: 1.2}, by: 3}", "popularity_shift: {field: sku}", "changes nothing"},
		{"{zipf: 1.2}, by: 3", "{latest: 1.2}, by: 3", "no ranks that could shift"},
		{"{zipf: 1.2}, by: 3", "{zipf: 120}, by: 3", "want an exponent"},
		{"popularity_shift: {field: sku", "popularity_shift: {field: oid", "no field \"oid\" with a cardinality and popular values"},
		{"to: {p50: 4KiB, p99: 40KiB}", "to: 0B", "a size of more than nothing"},
		{"record: false, until", "until", "say record: false"},
		{"hit_rate_stable: 0.5%", "hit_rate_stabel: 0.5%", "did you mean hit_rate_stable?"},
		{"hit_rate_stable: 0.5%", "hit_rate_stable: 0%", "a share, such as 0.5%"},
		{"rate: max}", "rate: max, until: {hit_rate_stable: 1%}}", "a fill ends when it is done"},
		{"@leaderboard.member", "@session.member", "does not say what its members are"},
		{"n:uint(1,50)", "n:int(1,50)", "int has no arguments: uint(min,max) has"},
		{"share: 95%, within: 85.7%", "share: 100%, within: 85.7%", "less than 100%"},
		{"dist: sequential", "dist: sequentail", "did you mean sequential"},
		{"retry: none", "retri: none", "did you mean retry?"},
	} {
		text := strings.Replace(whole, tt.old, tt.with, 1)
		if text == whole {
			t.Fatalf("%q is not in the file", tt.old)
		}
		if _, err := Parse("x.yaml", []byte(text), nil); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "x.yaml:") {
			t.Errorf("%s: %v, want %s", tt.with, err, tt.want)
		}
	}
}
