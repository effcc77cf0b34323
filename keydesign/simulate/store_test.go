package simulate

import (
	"testing"

	"github.com/kvtool/kvtool/keydesign/schema"
)

func TestParseStore(t *testing.T) {
	for text, want := range map[string]Store{
		"redis": {schema.Redis, 0}, "redis-cluster:6": {schema.RedisCluster, 6}, "memcached:1": {schema.Memcached, 1},
	} {
		if got, err := ParseStore(text); err != nil || got != want || got.String() != text {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "redi", "redis:", "redis:0", "redis:-1", "redis:1001", "redis:x", ":3"} {
		if s, err := ParseStore(text); err == nil {
			t.Errorf("%q is %v", text, s)
		}
	}
}

// Every store can be simulated, and its report is one that the tools read.
func TestEveryStore(t *testing.T) {
	for _, kind := range kinds() {
		t.Run(string(kind), func(t *testing.T) {
			s := shop(t)
			r, err := Run(s, Options{Store: Store{kind, 4}, Sample: 50_000})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Check(); err != nil {
				t.Error(err)
			}
			for i := range r.Sections {
				for _, m := range r.Sections[i].Metrics {
					if m.Value.IsNull() {
						t.Errorf("%s: %s is not known", r.Sections[i].Name, m.Name)
					}
				}
			}
		})
	}
}
