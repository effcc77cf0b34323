package lint

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
)

func TestLife(t *testing.T) {
	const hour = 3600
	inf := math.Inf(1)
	for _, c := range []struct {
		ttl  string
		want life
	}{
		{"{policy: none}", life{inf, inf}},
		{"{policy: fixed, value: 1h}", life{hour, hour}},
		{"{policy: fixed, value: 1h, jitter: ±20%}", life{0.8 * hour, 1.2 * hour}},
		{"{policy: fixed, value: 1h, jitter: 0-30m}", life{hour, 1.5 * hour}},
		{"{policy: sliding, idle: 1h}", life{hour, inf}},
		{"{policy: sliding, idle: 1h, max_age: 24h}", life{hour, 24 * hour}},
		{"{policy: sliding, idle: 1h, jitter: ±20%}", life{0.8 * hour, inf}},
		{"{policy: sliding, idle: 1h, max_age: 24h, jitter: ±20%}", life{0.8 * hour, 24 * hour}},
		{"{policy: sliding, max_age: 24h}", life{24 * hour, 24 * hour}},
		{"{policy: sliding, max_age: 24h, jitter: 0-1h}", life{24 * hour, 25 * hour}},
		{"{policy: inherit, of: other}", life{2 * hour, 2 * hour}},
		{"{policy: inherit, of: heir}", life{2 * hour, 2 * hour}},
		{"{policy: inherit, of: plain}", life{inf, inf}},
	} {
		d := newDesign(parse(t, fmt.Sprintf(`
kvschema: 1
templates:
  it:    {key: "it:{id:int}", ttl: %s}
  heir:  {key: "heir:{id:int}", ttl: {policy: inherit, of: other}}
  other: {key: "other:{id:int}", ttl: {policy: fixed, value: 2h}}
  plain: {key: "plain:{id:int}"}
`, c.ttl)))
		got := d.templates[0].life
		if !same(got.min, c.want.min) || !same(got.max, c.want.max) {
			t.Errorf("%s: %v, want %v", c.ttl, got, c.want)
		}
	}
}

func same(a, b float64) bool { return a == b || math.Abs(a-b) < 1e-6*math.Abs(b) }

// The lives of child and parent, and whether that is a finding.
func TestOutlives(t *testing.T) {
	for _, c := range []struct {
		child, parent string
		want          bool
	}{
		{"{policy: none}", "{policy: none}", false},
		{"{policy: none}", "{policy: fixed, value: 1d}", true},
		{"{policy: fixed, value: 1d}", "{policy: none}", false},
		{"{policy: fixed, value: 1d}", "{policy: fixed, value: 1d}", false},
		{"{policy: fixed, value: 25h}", "{policy: fixed, value: 1d}", false}, // within the slack
		{"{policy: fixed, value: 27h}", "{policy: fixed, value: 1d}", true},
		{"{policy: fixed, value: 10m, jitter: ±20%}", "{policy: fixed, value: 10m, jitter: ±20%}", true},
		{"{policy: sliding, idle: 30m}", "{policy: sliding, idle: 30m}", true},
		{"{policy: inherit, of: parent}", "{policy: sliding, idle: 30m}", false},
		{"{policy: sliding, idle: 20m, max_age: 30m}", "{policy: sliding, idle: 30m}", false},
	} {
		s := parse(t, fmt.Sprintf(`
kvschema: 1
defaults: {owner: shop}
templates:
  child:  {key: "child:{id:int}", ttl: %s, refs: [{kind: parent, to: parent, on: id}]}
  parent: {key: "parent:{id:int}", ttl: %s}
`, c.child, c.parent))
		if got := len(Run(s)) == 1; got != c.want {
			t.Errorf("child %s of %s: %q", c.child, c.parent, ids(Run(s)))
		}
	}
}

// What inherits in a circle has no end, and no loop either; schema.Parse refuses it.
func TestCircle(t *testing.T) {
	s := &schema.Schema{Templates: []schema.Template{
		{Name: "a", TTL: schema.TTL{Policy: schema.TTLInherit, Of: "b"}},
		{Name: "b", TTL: schema.TTL{Policy: schema.TTLInherit, Of: "a"}},
		{Name: "c", TTL: schema.TTL{Policy: schema.TTLFixed, Value: time.Hour}},
	}}
	d := newDesign(s)
	if l := d.templates[0].life; l.ends() {
		t.Errorf("%v", l)
	}
	if d.inherits(d.templates[0], d.templates[2]) {
		t.Error("a inherits from c")
	}
}
