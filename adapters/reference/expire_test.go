package reference

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestQueueAgainstSlice runs random histories against a plain slice of entries.
func TestQueueAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bucket
		var model []*entry
		draw := func(t *rapid.T) *entry { return rapid.SampledFrom(model).Draw(t, "entry") }
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				en := &entry{}
				model = append(model, en)
				b.setExpiry(en, rapid.Int64Range(1, 50).Draw(t, "at"))
			},
			"change": func(t *rapid.T) {
				if len(model) > 0 {
					b.setExpiry(draw(t), rapid.Int64Range(0, 50).Draw(t, "at"))
				}
			},
			"": func(t *rapid.T) {
				set, first := 0, int64(1<<62)
				for _, en := range model {
					if en.at != 0 {
						set, first = set+1, min(first, en.at)
						if b.due[en.pos] != en {
							t.Fatalf("an entry does not know its place")
						}
					}
				}
				if len(b.due) != set || set > 0 && b.due[0].at != first {
					t.Fatalf("%d entries, want %d; the first is due at %v, want %d", len(b.due), set, b.due, first)
				}
			},
		})
	})
}

// A testClock is moved by the test alone.
type testClock struct{ now time.Time }

func newClock() *testClock                   { return &testClock{DemoClock()} }
func (c *testClock) time() time.Time         { return c.now }
func (c *testClock) advance(d time.Duration) { c.now = c.now.Add(d) }

// TestExpiryIsExact looks at a key in every way there is, one millisecond before it is due and when it is.
func TestExpiryIsExact(t *testing.T) {
	looks := map[string]func(e *Engine) bool{
		"Exists":  func(e *Engine) bool { return e.Exists("k") },
		"Len":     func(e *Engine) bool { return e.Len() == 1 },
		"Get":     func(e *Engine) bool { _, ok, _ := e.Get("k"); return ok },
		"Type":    func(e *Engine) bool { return e.Type("k") != "" },
		"TTL":     func(e *Engine) bool { _, _, ok := e.TTL("k"); return ok },
		"Del":     func(e *Engine) bool { return e.Del("k") == 1 },
		"Persist": func(e *Engine) bool { return e.Persist("k") },
		"Scan":    func(e *Engine) bool { return len(records(t, e)) == 1 },
		"HSet":    func(e *Engine) bool { _, err := e.HSet("k", "f", "v"); return err != nil },
		"IncrBy":  func(e *Engine) bool { n, _ := e.IncrBy("k", 1); return n == 8 },
	}
	for name, present := range looks {
		for _, due := range []bool{false, true} {
			clock := newClock()
			e := New(Options{Clock: clock.time})
			e.Set("k", "7")
			e.Expire("k", time.Second)
			clock.advance(999 * time.Millisecond)
			if due {
				clock.advance(time.Millisecond)
			}
			if present(e) == due {
				t.Errorf("%s: due: %v, there: %v", name, due, !due)
			}
		}
	}
}

// TestExpiryFreesMemory checks that what is due is dropped by any later write to its bucket and by Len, not only hidden.
func TestExpiryFreesMemory(t *testing.T) {
	clock := newClock()
	e := New(Options{Clock: clock.time})
	for i := range 1000 {
		key := string(rune('a'+i%26)) + string(rune(i))
		e.Set(key, "v")
		e.Expire(key, time.Minute)
	}
	clock.advance(time.Minute)
	e.Len()
	for i := range e.buckets {
		if b := &e.buckets[i]; b.keys.Len() > 0 || len(b.due) > 0 {
			t.Errorf("bucket %d holds %d keys and %d expiries", i, b.keys.Len(), len(b.due))
		}
	}
}

func TestSetClearsExpiry(t *testing.T) {
	e := New(Options{Clock: newClock().time})
	e.Set("k", "1")
	e.Expire("k", time.Second)
	e.Set("k", "2")
	if _, expires, _ := e.TTL("k"); expires {
		t.Error("SET keeps the expiry")
	}
	if e.Expire("k", 0); e.Exists("k") {
		t.Error("an expiry that has come leaves the key")
	}
	if e.Expire("k", time.Second) {
		t.Error("a key that is not there can expire")
	}
}
