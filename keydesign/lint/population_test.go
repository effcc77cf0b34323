package lint

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// The sum of many terms is that of adding them one by one.
func TestHarmonic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := float64(rapid.IntRange(1, 20_000).Draw(t, "n"))
		a := rapid.SampledFrom([]float64{0, 0.5, 0.9, 1, 1.05, 2}).Draw(t, "a")
		want := 0.0
		for k := 1.0; k <= n; k++ {
			want += math.Pow(k, -a)
		}
		if got := harmonic(n, a); math.Abs(got-want) > 1e-6*want {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func TestTopShare(t *testing.T) {
	for _, c := range []struct {
		dist schema.Dist
		n    float64
		want float64
	}{
		{schema.Dist{}, 4, 0.25},
		{schema.Dist{}, 0, 0},
		{schema.Dist{Kind: schema.Hot, Share: 0.6, Keys: 3}, 0, 0.2},
		{schema.Dist{Kind: schema.Zipf, A: 1}, 2, 2.0 / 3},
		{schema.Dist{Kind: schema.Zipf, A: 1}, 0, 0},
		{schema.Dist{Kind: schema.Latest, A: 1}, 2, 2.0 / 3},
	} {
		if got := topShare(c.dist, c.n); !same(got, c.want) {
			t.Errorf("%v over %v: %v, want %v", c.dist, c.n, got, c.want)
		}
	}
}

// How many keys there are, as far as the file says.
func TestKeys(t *testing.T) {
	for _, c := range []struct {
		template string
		want     float64
	}{
		{`{key: "a:{uid}"}`, 1000},
		{`{key: "a:{uid}", cardinality: {live: 7}}`, 7},
		{`{key: "a:{uid}", cardinality: {max: 7}}`, 7},
		{`{key: "a:{uid}:{n:int}", cardinality: {per: {uid: 3}}}`, 3000},
		{`{key: "a:{uid}:{n:int}"}`, 0},
		{`{key: "a:{uid}:{s:enum[x,y]}"}`, 2000},
		{`{key: "a:{b:bucket(16)}:{c:uint(1,4)}"}`, 64},
		{`{key: "a"}`, 1},
		{`{key: "a:{d:date(yyyymmdd)}"}`, 0},
		{`{key: "a:{d:date(yyyymmdd)}", ttl: {policy: fixed, value: 7d}}`, 8},
		{`{key: "a:{uid}", ttl: {policy: fixed, value: 10s}, access: [{op: SET, rate: 20/s}]}`, 200}, // no more are written
	} {
		d := newDesign(parse(t, fmt.Sprintf("kvschema: 1\nfields: {uid: {type: int, cardinality: 1k}}\ntemplates:\n  t: %s\n", c.template)))
		if got := d.templates[0].keys; got != c.want {
			t.Errorf("%s: %v keys, want %v", c.template, got, c.want)
		}
	}
}
