package kv

import (
	"math"
	"slices"
	"testing"
)

// What servers say differently, or one of them not at all, is not known of them together.
func TestAddServers(t *testing.T) {
	one := Server{Policy: "noeviction", AppendOnly: "yes", Calls: []Calls{{"scan", 3}, {"other", math.MaxInt64 - 1}}}
	for name, c := range map[string]struct{ other, want Server }{
		"alike": {
			Server{Policy: "noeviction", AppendOnly: "yes", Calls: []Calls{{"other", 5}, {"multi", 2}, {"scan", 4}}},
			Server{Policy: "noeviction", AppendOnly: "yes", Calls: []Calls{{"scan", 7}, {"other", math.MaxInt64}, {"multi", 2}}},
		},
		"otherwise": {
			Server{Policy: "allkeys-lru", AppendOnly: "yes", Calls: []Calls{{"scan", 1}}},
			Server{AppendOnly: "yes", Calls: []Calls{{"scan", 4}, {"other", math.MaxInt64 - 1}}},
		},
		"silent": {Server{}, Server{}},
	} {
		got := one
		got.Add(&c.other)
		if got.Policy != c.want.Policy || got.AppendOnly != c.want.AppendOnly || !slices.Equal(got.Calls, c.want.Calls) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if one.Calls[0].N != 3 {
		t.Errorf("the calls of the one have become %+v", one.Calls)
	}
}
