package infer_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/keylist"
	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/propose"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// factsOf audits a list of keys.
func factsOf(t *testing.T, keys []string) *keydesign.Facts {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.txt")
	if err := os.WriteFile(path, []byte(strings.Join(keys, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	target, err := kv.ParseTarget("keys:" + path)
	if err != nil {
		t.Fatal(err)
	}
	store, err := keylist.Adapter().Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r, err := audit.Run(t.Context(), store, keydesign.Inference(), audit.Options{Save: true})
	if err != nil {
		t.Fatal(err)
	}
	f, err := keydesign.FactsOf(r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// hostile returns keys that nobody would choose, among some that somebody did.
func hostile(n int) []string {
	rng := rand.New(rand.NewPCG(7, 7))
	pieces := []string{
		"user", ":", ":", "/", "{", "}", "{{", "{}", "\"", "\\", "\x01", "\x1b[31m", "\xff\xfe", "é", "日本", "{\"a\":1}", "42", "007", "9f86d081884c7d65",
		"a.b-c_d", " ", "'", "#", "|", "%s", "http://x.example/?a=b", "2026-01-02", "-", "\u202e", "aB3dE5fG7hJ9kL", "::1", "1.5,2.5", "x@y.example", "\r",
	}
	var keys []string
	for i := range n {
		key := ""
		for range 1 + rng.IntN(6) {
			key += pieces[rng.IntN(len(pieces))]
		}
		keys = append(keys, key, fmt.Sprint("cart:", i))
	}
	return append(keys, strings.Repeat("long", 800), "hash:"+strings.Repeat("0a", 700))
}

// A schema that is proposed for a keyspace is one that can be read, every key of the keyspace is in it, and where two templates
// have keys in common it says whose these are: whatever the keys look like.
func TestProposalsHoldTheirKeys(t *testing.T) {
	sets := infer.KeySets(20_000)
	sets["hostile"] = hostile(2_000)
	for name, keys := range sets {
		t.Run(name, func(t *testing.T) {
			p := propose.From(factsOf(t, keys), propose.Options{})
			var b bytes.Buffer
			if err := propose.Write(&b, p.Schema, p.Notes); err != nil {
				t.Fatal(err)
			}
			s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: b.Bytes()})
			if err != nil {
				t.Fatalf("%v\n%s", err, b.String())
			}
			m, err := bind.New(s)
			if err != nil {
				t.Fatal(err)
			}
			lost := 0
			for _, k := range keys {
				if _, ok := m.Match(k); !ok {
					if lost++; lost <= 10 {
						t.Errorf("%q is in no template", k)
					}
				}
			}
			for _, f := range lint.Run(s) {
				if f.Rule == "KD005" && f.Status != report.Suppressed {
					t.Errorf("%s: %s", f.Subject, f.Message)
				}
			}
			t.Logf("%d of %d keys lost, %d templates, %d fields, %d notes", lost, len(keys), len(s.Templates), len(s.Fields), len(p.Notes))
		})
	}
}
