package redis

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	layouts "github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/kv"
)

// shardNames are how the clients of these tests know three servers.
var shardNames = []string{"10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.3:6379"}

// startShards starts three servers, each with the keys that a layout puts there, and returns what to add to a target that names
// them as the clients do.
func startShards(t *testing.T, keys int, l *layouts.Layout) (servers []*servertest.Server, reach string) {
	t.Helper()
	var pairs []string
	for n, name := range shardNames {
		s := servertest.Redis(t, servertest.Options{Args: []string{"--repl-diskless-sync-delay", "0"}})
		servers = append(servers, s)
		pairs = append(pairs, name+"="+s.Addr)
		var own []string
		for i := range keys {
			if key := fmt.Sprintf("user:%d:name", i); l.Place([]byte(key)) == n {
				own = append(own, key)
			}
		}
		s.Client(t).Fill(t, len(own), func(i int) []string { return []string{"SET", own[i], "value"} })
	}
	return servers, "&address_map=" + strings.Join(pairs, ",")
}

// TestSharding: each key is told with its server, and with the one where clients look for it.
func TestSharding(t *testing.T) {
	const keys = 600
	servers, reach := startShards(t, keys, layouts.Jedis(shardNames, false))
	servers[2].Client(t).Must(t, "SET", "stray", "here")
	target := "redis://" + strings.Join(shardNames, ",")
	for _, tt := range []struct {
		params string
		astray func(n int) bool // how many keys are elsewhere than where they are looked for
	}{
		{"shard=jedis", func(n int) bool { return n <= 1 }},
		{"shard=jedis&via=psync", func(n int) bool { return n <= 1 }},
		{"shard=jedis&shard_names=a,b,c", func(n int) bool { return n > 100 }},
		{"shard=jedis&shard_tag=e:", func(n int) bool { return n > 100 }},
		{"shard=ketama", func(n int) bool { return n > 100 }},
		{"shard=twemproxy", func(n int) bool { return n > 100 }},
		{"shard=predis", func(n int) bool { return n > 100 }},
		{"shard=phpredis", func(n int) bool { return n > 100 }},
		{"shard=crc32", func(n int) bool { return n > 100 }},
		{"shard=none", func(n int) bool { return n == 0 }},
	} {
		t.Run(tt.params, func(t *testing.T) {
			s := openURL(t, target+"?"+tt.params+reach)
			if p, ok := s.(kv.Planner); ok {
				if _, err := p.Plan(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			records, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.AllFields})
			if err != nil || len(records) != keys+1 {
				t.Fatalf("%d records, %v", len(records), err)
			}
			astray := 0
			for _, r := range records {
				if !r.Has(kv.FieldPlace|kv.FieldApart|kv.FieldType|kv.FieldSize) || r.Has(kv.FieldHome) == strings.Contains(tt.params, "none") {
					t.Fatalf("%+v", r)
				}
				if r.Has(kv.FieldHome) && r.Home != r.Place {
					astray++
				}
			}
			if !tt.astray(astray) {
				t.Errorf("%d keys are elsewhere", astray)
			}
			info, err := s.Info(t.Context())
			if err != nil || info.Keys != keys+1 || info.Provides()&kv.FieldApart == 0 || info.Provides()&kv.FieldHome == 0 != strings.Contains(tt.params, "none") {
				t.Errorf("%+v, %v", info, err)
			}
		})
	}
}

// TestShardingParts: a shard is a server, and one that is gone does not keep the others from being read.
func TestShardingParts(t *testing.T) {
	servers, reach := startShards(t, 300, layouts.Modulo(3))
	target := "redis://" + strings.Join(shardNames, ",") + "?shard=crc32" + reach
	s := openURL(t, target)
	shards, err := kv.Shards(t.Context(), s, 8)
	if err != nil || len(shards) != 3 {
		t.Fatalf("%v, %v", shards, err)
	}
	sum := 0
	for _, part := range shards {
		var marks int
		records, err := collect(t.Context(), s, kv.ScanOptions{Shard: part, Want: kv.FieldPlace, Mark: func(at kv.Shard) {
			if marks++; at.Name != part.Name {
				t.Errorf("%q goes on at %q", part.Name, at.Name)
			}
		}})
		if err != nil || marks == 0 {
			t.Errorf("%d marks, %v", marks, err)
		}
		for _, r := range records {
			if r.Place != part.Name {
				t.Errorf("%s of %s is on %s", r.Key, part.Name, r.Place)
			}
		}
		sum += len(records)
	}
	if sum != 300 {
		t.Errorf("%d keys", sum)
	}
	sender, ok := s.(kv.Sender)
	if !ok {
		t.Fatal("what the scans have sent is taken for what others ask the servers")
	}
	for _, server := range servers {
		if sent := sender.Sent()[server.Addr]; sent.Commands["scan"] == 0 {
			t.Errorf("to %s was sent %v", server.Addr, sent)
		}
	}
	if _, err := collect(t.Context(), s, kv.ScanOptions{Shard: kv.Shard{Name: "elsewhere"}}); !errors.Is(err, kv.ErrUsage) {
		t.Error(err)
	}
	exams, err := s.(kv.Examiner).Examine(t.Context())
	if err != nil || len(exams) != 3 {
		t.Errorf("%d exams, %v", len(exams), err)
	}
	for _, e := range exams {
		e.Close()
	}
	servers[1].Stop()
	s = openURL(t, target)
	records, err := collect(t.Context(), s, kv.ScanOptions{})
	if err == nil || !strings.Contains(err.Error(), shardNames[1]) || len(records) < 100 || len(records) >= 300 {
		t.Errorf("%d records, %v", len(records), err)
	}
	info, err := s.Info(t.Context())
	if err != nil || info.KeysKnown || !strings.Contains(strings.Join(info.Notes, " "), "Missing here") {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestShardingMistakes: what cannot be meant is said at once.
func TestShardingMistakes(t *testing.T) {
	one := servertest.Redis(t, servertest.Options{})
	socketless := strings.Replace(one.Addr, "127.0.0.1", "localhost", 1)
	for url, text := range map[string]string{
		"redis://a,b":                                            "names several hosts",
		"redis://a,b?shard=random":                               "shard is \"random\"",
		"redis://a?shard=ketama":                                 "spread over nothing",
		"redis://a,a:6379?shard=ketama":                          "twice",
		"redis://a,b?shard=ketama&shard_names=x":                 "1 names for 2 servers",
		"redis://a,b?shard=ketama&shard_tag=x":                   "shard_tag",
		"redis://a?shard_names=x":                                "without shard",
		"redis+cluster://a,b?shard=ketama":                       "say themselves",
		"redis://a,?shard=none&shard_names=x,y,z":                "3 names",
		"redis://" + one.Addr + "," + socketless + "?shard=none": "are one server",
	} {
		s, err := tryOpen(t, url)
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, kv.ErrUsage) || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := tryOpen(t, "redis://127.0.0.1:1,127.0.0.1:2?shard=ketama"); err == nil || errors.Is(err, kv.ErrUsage) {
		t.Errorf("none answers: %v", err)
	}
}
