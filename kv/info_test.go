package kv

import (
	"reflect"
	"testing"
	"time"
)

func TestParseVitals(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	got := ParseVitals("# Server\r\nrun_id:1234567890\r\nuptime_in_seconds:12\r\n# Memory\r\nused_memory:1000\r\nmaxmemory_policy:noeviction\r\n"+
		"# Commandstats\r\ncmdstat_config|get:calls=3,usec=90,usec_per_call=30.00,rejected_calls=1,failed_calls=2\r\n# Errorstats\r\nerrorstat_OOM:count=7\r\n"+
		"# Latencystats\r\nlatency_percentiles_usec_config|get:p50=1.003,p99=20.095,p99.9=30\r\n"+
		"slave0:ip=10.0.0.2,port=6379,state=online,offset=70,lag=2\r\ndb0:keys=3,expires=1,avg_ttl=0\r\ndb1:keys=2,expires=0,avg_ttl=0\r\nnonsense\r\n", at)
	want := &Vitals{
		At: at, Lacks: map[string]string{},
		Numbers: map[string]float64{"uptime_in_seconds": 12, "used_memory": 1000, "keys": 5, "expires": 1, "databases_used": 2},
		Texts:   map[string]string{"run_id": "1234567890", "maxmemory_policy": "noeviction"},
		Commands: map[string]Command{"config|get": {
			Calls: 3, Failed: 2, Rejected: 1, CPU: 90 * time.Microsecond, P50: 1003 * time.Nanosecond, P99: 20095 * time.Nanosecond,
		}},
		Errors:   map[string]int64{"OOM": 7},
		Replicas: []Replica{{Place: "10.0.0.2:6379", State: "online", Offset: 70, Lag: 2 * time.Second}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if bare := ParseVitals("used_memory:1\r\n", at); bare.Commands != nil || bare.Errors != nil {
		t.Errorf("what is not told is told: %+v", bare)
	}
}

// Any text is read without a panic, and no count is negative.
func FuzzParseVitals(f *testing.F) {
	for _, s := range []string{
		"# Commandstats\ncmdstat_x:calls=-1,usec=1e300\n", "slave0:ip=,lag=99999999999999999999\n", "db0:keys=1\n", "a:b:c\n:\n", "# Errorstats\nerrorstat_:count=\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := ParseVitals(text, time.Time{})
		for name, c := range v.Commands {
			if c.Calls < 0 || c.CPU < 0 || c.Failed < 0 || c.P99 < 0 {
				t.Errorf("%s: %+v", name, c)
			}
		}
		for _, r := range v.Replicas {
			if r.Lag < 0 || r.Offset < 0 {
				t.Errorf("%+v", r)
			}
		}
		for name, n := range v.Errors {
			if n < 0 {
				t.Errorf("%s: %d", name, n)
			}
		}
	})
}
