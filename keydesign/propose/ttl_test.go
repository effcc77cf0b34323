package propose

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// draftOf is a template of keys with what they have left, in seconds; and others without TTL.
func draftOf(t *testing.T, left []float64, persistent int) *draft {
	t.Helper()
	s := &records{}
	add := func(ttl kv.TTLState, seconds float64) {
		s.list = append(s.list, kv.Record{
			Key: fmt.Sprint("x:", len(s.list)), Known: kv.FieldName | kv.FieldTTL | kv.FieldType,
			Type: kv.TypeString, TTL: ttl, ExpireAt: clock.Add(time.Duration(seconds * float64(time.Second))),
		})
	}
	for _, l := range left {
		add(kv.TTLAt, l)
	}
	for range persistent {
		add(kv.TTLNone, 0)
	}
	f := factsOf(t, s)
	all := &keydesign.TemplateFacts{}
	for i := range f.Templates {
		if f.Templates[i].Keys > all.Keys {
			all = &f.Templates[i]
		}
	}
	if all.Keys != int64(len(s.list)) {
		t.Fatalf("%d keys in %s, of %d", all.Keys, all.Text, len(s.list))
	}
	return &draft{TemplateFacts: all}
}

func TestLaw(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	many := func(n int, left func() float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = left()
		}
		return out
	}
	fixed := func(ttl float64) func() float64 { return func() float64 { return ttl * rng.Float64() } }
	spread := func(ttl, share float64) func() float64 { // length-biased: a longer TTL is seen longer
		return func() float64 {
			for {
				if x := ttl * (1 - share + 2*share*rng.Float64()); rng.Float64()*ttl*(1+share) < x {
					return x * rng.Float64()
				}
			}
		}
	}
	sliding := func(ttl float64) func() float64 {
		return func() float64 { return ttl * max(rng.Float64(), rng.Float64()) }
	}
	hour, day := time.Hour.Seconds(), 24*time.Hour.Seconds()
	tests := []struct {
		name       string
		left       []float64
		persistent int
		want       schema.TTL
	}{
		{"no key expires", nil, 500, schema.TTL{Policy: schema.TTLNone}},
		{"a few expire", many(20, fixed(hour)), 500, schema.TTL{Policy: schema.TTLNone}},
		{"half of them expire", many(500, fixed(hour)), 500, schema.TTL{}},
		{"written steadily", many(3000, fixed(hour)), 0, schema.TTL{Policy: schema.TTLFixed, Value: time.Hour}},
		{"some lost their TTL", many(3000, fixed(hour)), 200, schema.TTL{Policy: schema.TTLFixed, Value: time.Hour}},
		{"an odd TTL", many(3000, fixed(4321)), 0, schema.TTL{Policy: schema.TTLFixed, Value: 73 * time.Minute}},
		{"few keys", many(30, fixed(30)), 0, schema.TTL{Policy: schema.TTLFixed, Value: 30 * time.Second}},
		{
			"spread by a fifth", many(20_000, spread(hour, .2)), 0,
			schema.TTL{Policy: schema.TTLFixed, Value: time.Hour, Jitter: schema.Jitter{LowShare: -.2, HighShare: .2}},
		},
		{
			"spread by a third, nearly", many(20_000, spread(day, .3)), 0,
			schema.TTL{Policy: schema.TTLFixed, Value: 24 * time.Hour, Jitter: schema.Jitter{LowShare: -.3, HighShare: .3}},
		},
		{"set anew at each use", many(3000, sliding(30*60)), 0, schema.TTL{Policy: schema.TTLSliding, Idle: 30 * time.Minute}},
		{"some in another unit", append(many(2400, fixed(hour)), many(120, fixed(1000*hour))...), 0, schema.TTL{Policy: schema.TTLFixed, Value: time.Hour}},
		{"some for ever, nearly", append(many(2400, fixed(hour)), many(120, fixed(20*365*day))...), 0, schema.TTL{Policy: schema.TTLFixed, Value: time.Hour}},
		{
			"a warm-up with one TTL", append(many(24_000, fixed(hour)), many(6000, func() float64 { return 0.7*hour + rng.Float64() })...), 0,
			schema.TTL{Policy: schema.TTLFixed, Value: time.Hour},
		},
		{"written at once", many(3000, func() float64 { return 3500 + rng.Float64() }), 0, schema.TTL{Policy: schema.TTLFixed, Value: time.Hour}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := draftOf(t, tt.left, tt.persistent)
			if got := d.law(); got != tt.want {
				t.Errorf("law %+v, want %+v; notes %q", got, tt.want, d.notes)
			}
		})
	}
}

func TestRounded(t *testing.T) {
	for seconds, want := range map[float64]time.Duration{
		0.25: 300 * time.Millisecond, 1: time.Second, 29.4: 30 * time.Second, 61: time.Minute, 3590: time.Hour, 3600: time.Hour, 86_000: 24 * time.Hour,
		75: 75 * time.Second, 4321: 73 * time.Minute, 1e6: 12 * 24 * time.Hour, 33 * 86400: 33 * 24 * time.Hour,
	} {
		if got := rounded(seconds); got != want {
			t.Errorf("rounded(%v) = %v, want %v", seconds, got, want)
		}
	}
}
