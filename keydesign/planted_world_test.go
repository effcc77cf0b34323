package keydesign_test

import (
	"context"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// A world is a keyspace that is as its schema says, until faults are planted in it. What the schema leaves open, such as a TTL,
// is as applications have it.
type world struct {
	*schema.Schema
	rng   *rand.Rand
	keys  [][]kv.Record // by template
	extra []kv.Record   // of no template
	taken map[int]bool  // templates that have a fault: one each
}

func family(t testing.TB, name string) *schema.Schema {
	t.Helper()
	path := "testdata/families/" + name + ".yaml"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Parse(schema.Source{Name: path, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newWorld(s *schema.Schema, seed uint64) *world {
	w := &world{Schema: s, rng: rand.New(rand.NewPCG(seed, 11)), keys: make([][]kv.Record, len(s.Templates)), taken: map[int]bool{}}
	for i := range s.Templates {
		w.keys[i] = w.make(i, 0, int(s.Templates[i].Cardinality.Live))
	}
	return w
}

// make returns n records of a template, the numbers of whose keys begin at from.
func (w *world) make(template, from, n int) []kv.Record {
	t := &w.Templates[template]
	gens := make([]*schema.Generator, len(t.Key))
	for i, p := range t.Key {
		if p.Type != nil {
			gens[i] = schema.NewGenerator(*p.Type, audittest.Now)
		}
	}
	seen := map[string]bool{}
	rs := make([]kv.Record, 0, n)
	for i := from; len(rs) < n && i < from+50*n; i++ {
		var key []byte
		first := true
		for j, p := range t.Key {
			switch {
			case p.Type == nil:
				key = append(key, p.Literal...)
			case first && (gens[j].Count() == 0 || gens[j].Count() > int64(n)):
				key, first = gens[j].Append(key, int64(i)), false
			default:
				key = gens[j].Append(key, w.rng.Int64N(200))
			}
		}
		if k := string(key); !seen[k] {
			seen[k] = true
			rs = append(rs, w.record(t, k))
		}
	}
	return rs
}

func (w *world) record(t *schema.Template, key string) kv.Record {
	r := w.plain(key)
	if t.Type != "" {
		r.Type = kv.Type(t.Type)
	}
	if r.Type != kv.TypeString {
		r.Len = w.draw(t.Value.Elements)
		r.Known |= kv.FieldLargest
		r.Largest = 12 + w.rng.Int64N(20)
		if r.Encoding = kv.EncodingListpack; r.Len > 128 {
			r.Encoding = kv.EncodingHashtable
		}
	}
	r.Size = w.draw(t.Value.Size)*9/8 + int64(len(key)) + 64
	if r.Encoding == kv.EncodingHashtable {
		r.Size += 80 * r.Len
	}
	w.live(&r, &t.TTL)
	return r
}

var nodes = [...]string{"node-a", "node-b", "node-c"}

// plain returns a small string without TTL that was used lately.
func (w *world) plain(key string) kv.Record {
	return kv.Record{
		Key: key, Type: kv.TypeString, Len: 1, Size: 180 + int64(len(key)), TTL: kv.TTLNone, Slot: slot.Of(key),
		Idle: time.Duration(w.rng.ExpFloat64() * float64(2*time.Hour)), Place: nodes[slot.Of(key)%3],
		Known: kv.Universal | kv.FieldSlot | kv.FieldIdle | kv.FieldPlace,
	}
}

// draw draws from a log-normal distribution with the median of d, cut at its maximum.
func (w *world) draw(d schema.Dim) int64 {
	if d.P50 == d.Max {
		return d.Max
	}
	v := float64(d.P50) * math.Exp(w.rng.NormFloat64()*math.Log(float64(d.Max)/float64(d.P50))/3)
	return max(1, min(d.Max, int64(v)))
}

// live gives r a TTL. Steady writes leave any part of a fixed one; a sliding one is mostly fresh. Where none is declared, some
// keys have none, some an hour and some a day.
func (w *world) live(r *kv.Record, ttl *schema.TTL) {
	switch u := w.rng.Float64(); ttl.Policy {
	case schema.TTLFixed:
		j := ttl.Jitter
		low, high := float64(j.Low)+j.LowShare*float64(ttl.Value), float64(j.High)+j.HighShare*float64(ttl.Value)
		w.expire(r, time.Duration(w.rng.Float64()*(float64(ttl.Value)+low+u*(high-low))))
	case schema.TTLSliding:
		w.expire(r, time.Duration(math.Cbrt(u)*float64(ttl.Idle)))
	case "":
		switch {
		case u < 0.4:
		case u < 0.8:
			w.expire(r, time.Duration(w.rng.Float64()*float64(time.Hour)))
		default:
			w.expire(r, time.Duration(w.rng.Float64()*float64(24*time.Hour)))
		}
	}
}

func (w *world) expire(r *kv.Record, left time.Duration) {
	r.TTL, r.ExpireAt = kv.TTLAt, audittest.Now.Add(left.Round(time.Millisecond)+time.Millisecond)
}

// records returns all records, in an order of chance.
func (w *world) records() store {
	all := store(slices.Concat(append(w.keys[:len(w.keys):len(w.keys)], w.extra)...))
	w.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// A store is records, as a store.
type store []kv.Record

func (s store) Close() error { return nil }

func (s store) Info(context.Context) (*kv.Info, error) {
	info := &kv.Info{Adapter: "planted", Product: "planted", Target: "planted:", Clock: audittest.Now, Keys: int64(len(s)), KeysKnown: true}
	for bit := kv.Field(1); bit <= kv.AllFields; bit <<= 1 {
		info.Facts = append(info.Facts, kv.Fact{Name: bit.String(), Field: bit, How: kv.Measured})
	}
	return info, nil
}

func (s store) Scan(context.Context, kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		var r kv.Record
		for i := range s {
			if r = s[i]; !yield(&r, nil) {
				return
			}
		}
	}
}
