package reference

import (
	"testing"

	"pgregory.net/rapid"
)

// TestOrderedAgainstMap runs random histories against Go's map.
func TestOrderedAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, model := newOrdered[int](rapid.IntRange(0, 20).Draw(t, "room")), map[string]int{}
		keys := rapid.StringMatching(`[a-f]{0,2}`)
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				k, v := keys.Draw(t, "key"), rapid.Int().Draw(t, "value")
				want, wantHad := model[k]
				if old, had := d.Set(k, v); old != want || had != wantHad {
					t.Fatalf("set %q: before %d, %v, want %d, %v", k, old, had, want, wantHad)
				}
				model[k] = v
			},
			"delete": func(t *rapid.T) {
				k := keys.Draw(t, "key")
				want, wantHad := model[k]
				if old, had := d.Delete(k); old != want || had != wantHad {
					t.Fatalf("delete %q: %d, %v, want %d, %v", k, old, had, want, wantHad)
				}
				delete(model, k)
			},
			"": func(t *rapid.T) { compareOrdered(t, d, model) },
		})
	})
}

func compareOrdered(t *rapid.T, d *ordered[int], model map[string]int) {
	if d.Len() != len(model) {
		t.Fatalf("length %d, want %d", d.Len(), len(model))
	}
	seen := map[string]bool{}
	for i := range d.Len() {
		k, v := d.At(i)
		if want, ok := model[k]; !ok || v != want || seen[k] {
			t.Fatalf("position %d: %q = %d, want %d, %v; seen before: %v", i, k, v, want, ok, seen[k])
		}
		if got, ok := d.Get(k); !ok || got != v {
			t.Fatalf("get %q = %d, %v, want %d", k, got, ok, v)
		}
		seen[k] = true
	}
}

// TestDownwardWalk checks what the package comment promises of a walk that others write under.
func TestDownwardWalk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newOrdered[bool](0)
		stays := map[string]bool{}
		for _, k := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,3}`), 0, 60, rapid.ID[string]).Draw(t, "keys") {
			stay := rapid.Bool().Draw(t, "stays")
			d.Set(k, stay)
			if stay {
				stays[k] = true
			}
		}
		for i := d.Len() - 1; i >= 0; i-- {
			if i >= d.Len() {
				continue
			}
			k, _ := d.At(i)
			delete(stays, k)
			if victim, stay := d.At(rapid.IntRange(0, d.Len()-1).Draw(t, "victim")); !stay {
				d.Delete(victim)
			}
			d.Set(rapid.StringMatching(`[A-Z]{1,2}`).Draw(t, "new"), false)
		}
		if len(stays) > 0 {
			t.Fatalf("never seen, though never deleted: %v", stays)
		}
	})
}
