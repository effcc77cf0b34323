package schema

import (
	"fmt"
	"testing"
	"time"
)

func TestLives(t *testing.T) {
	of := func(name string) TTL { return TTL{Policy: TTLInherit, Of: name} }
	hour := TTL{Policy: TTLFixed, Value: time.Hour}
	day := TTL{Policy: TTLSliding, Idle: 24 * time.Hour}
	s := &Schema{Defaults: Defaults{TTL: day}, Templates: []Template{
		{Name: "heir of an heir", TTL: of("heir")},
		{Name: "heir", TTL: of("own")},
		{Name: "own", TTL: hour},
		{Name: "default"},
		{Name: "heir of the default", TTL: of("default")},
		{Name: "none", TTL: TTL{Policy: TTLNone}},
		{Name: "a", TTL: of("b")},
		{Name: "b", TTL: of("a")},
		{Name: "into the circle", TTL: of("a")},
		{Name: "of nobody", TTL: of("nobody")},
	}}
	want := []TTL{hour, hour, hour, day, day, {Policy: TTLNone}, {}, {}, {}, {}}
	for i, got := range s.Lives() {
		if got != want[i] {
			t.Errorf("%s: %+v, want %+v", s.Templates[i].Name, got, want[i])
		}
	}
}

// A chain through all of a large file is followed once, not once from each of its links.
func TestLongChain(t *testing.T) {
	s := &Schema{Defaults: Defaults{TTL: TTL{Policy: TTLNone}}}
	const n = 50_000
	for i := range n {
		s.Templates = append(s.Templates, Template{Name: fmt.Sprint(i), TTL: TTL{Policy: TTLInherit, Of: fmt.Sprint(i + 1)}})
	}
	s.Templates = append(s.Templates, Template{Name: fmt.Sprint(n)})
	began := time.Now()
	for i, ttl := range s.Lives() {
		if ttl.Policy != TTLNone {
			t.Fatalf("%d: %+v", i, ttl)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("%s", took)
	}
}
