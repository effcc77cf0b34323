package schema

import (
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/report"
)

func readShop(t testing.TB) *Schema {
	t.Helper()
	text, err := os.ReadFile("testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(Source{"shop.yaml", text})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParseShop(t *testing.T) {
	s := readShop(t)
	if len(s.Fields) != 2 || len(s.Templates) != 10 {
		t.Fatalf("%d fields, %d templates", len(s.Fields), len(s.Templates))
	}
	if want := (Store{Kind: RedisCluster, Version: "7.2", Nodes: 6, MaxMemory: 8 << 30, Policy: "volatile-lru", Pos: report.Pos{File: "shop.yaml", Line: 2}}); s.Store != want {
		t.Errorf("store %+v", s.Store)
	}
	if f := s.Field("uid"); f.Cardinality != 2_000_000 || f.Growth != 3000.0/86400 || f.Dist != (Dist{Kind: Zipf, A: 0.9}) || f.Pos.Line != 5 {
		t.Errorf("uid %+v", f)
	}
	want := &Template{
		Name: "cart", Type: "hash", Pos: report.Pos{File: "shop.yaml", Line: 25}, KeyPos: report.Pos{File: "shop.yaml", Line: 26},
		Key:   Key{{Literal: "{user:"}, {Field: "uid", Shared: true, Type: &Type{Kind: TypeInt}}, {Literal: "}:cart"}},
		Value: Value{Elements: Dim{P50: 4, Max: 200}, Size: Dim{Max: 32 << 10}, Pos: report.Pos{File: "shop.yaml", Line: 28}},
		TTL:   TTL{Policy: TTLSliding, Idle: 14 * 24 * time.Hour, Pos: report.Pos{File: "shop.yaml", Line: 29}},
		Refs:  []Ref{{Kind: RefParent, To: "profile", On: "uid", Pos: report.Pos{File: "shop.yaml", Line: 30}}},
		Access: []Access{
			{Op: "HINCRBY", Rate: 1500, Pos: report.Pos{File: "shop.yaml", Line: 32}},
			{Op: "MULTI", Query: "tx", Keys: []string{"cart", "profile"}, Rate: 300, Pos: report.Pos{File: "shop.yaml", Line: 33}},
		},
	}
	if diff := cmp.Diff(want, s.Template("cart")); diff != "" {
		t.Error(diff)
	}
	if j := s.Template("leaderboard").TTL.Jitter; j != (Jitter{High: time.Hour}) {
		t.Errorf("jitter %+v", j)
	}
	if j := s.Template("product_cache").TTL.Jitter; j != (Jitter{LowShare: -.2, HighShare: .2}) {
		t.Errorf("jitter %+v", j)
	}
	if f := s.Template("session").Value.Fields[0]; f.Field != "uid" || f.Type.Kind != TypeInt {
		t.Errorf("field of a value %+v", f)
	}
}

// Each template matches what it is meant for, and nothing else.
func TestKeyRegexp(t *testing.T) {
	s := readShop(t)
	for name, keys := range map[string][2]string{
		"session":       {"session:9f1c2d3e-0000-4abc-8def-0123456789ab", "session:17"},
		"profile":       {"{user:17}:profile", "user:17:profile"},
		"email_index":   {"idx:user:email:0123456789abcdef0123456789abcdef", "idx:user:email:a@b.c"},
		"leaderboard":   {"lb:go:2026-W03", "lb:golf:2026-W03"},
		"ratelimit":     {"rl:10.0.0.1:1767225600", "rl:10.0.0.256:1767225600"},
		"flag":          {"flag:new-cart_2", "flag:New Cart"},
		"product_cache": {"cache:product:ABC-0Z9Y8X", "cache:product:ABC-0Z9Y8"},
	} {
		re := regexp.MustCompile(s.Template(name).Key.Regexp())
		if !re.MatchString(keys[0]) || re.MatchString(keys[1]) {
			t.Errorf("%s: %s is matched by %q: %v, %q: %v", name, re, keys[0], re.MatchString(keys[0]), keys[1], re.MatchString(keys[1]))
		}
	}
}
