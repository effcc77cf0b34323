package keydesign

import (
	"testing"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func factsOfDemo(t *testing.T) *Facts {
	t.Helper()
	r, err := audit.Run(t.Context(), demo(t), Inference(), audit.Options{Save: true, Parallel: 2})
	if err != nil {
		t.Fatal(err)
	}
	f, err := FactsOf(r)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The facts of a saved run are those of its keys.
func TestFacts(t *testing.T) {
	f := factsOfDemo(t)
	if f.Keys != 120_000 || f.Bytes == 0 || f.Sampled || f.Inference != "exact" {
		t.Errorf("%d keys, %d bytes, sampled %v, inference %s", f.Keys, f.Bytes, f.Sampled, f.Inference)
	}
	byText := map[string]*TemplateFacts{}
	for i := range f.Templates {
		byText[f.Templates[i].Text] = &f.Templates[i]
	}
	cart := byText["cart:{int}"]
	if cart == nil || cart.Keys != 9000 || cart.TTL.Keys != 9000 || cart.TTL.Persistent != 640 || cart.TTL.Expiring != 8360 {
		t.Fatalf("carts: %+v", cart)
	}
	if n := len(cart.TTL.Groups); n != 1 {
		t.Errorf("carts have %d TTLs", n)
	}
	if session := byText["session:{uuid}"]; len(session.Types) != 2 || session.Types[0] != (TypeFacts{kv.TypeHash, 25_965}) {
		t.Errorf("sessions: %+v", session.Types)
	}
	if promo := byText["promo:{opaque}"].TTL.Groups; len(promo) != 2 || !UnitMistake(promo[0].End, promo[1].End) {
		t.Errorf("promotions: %+v", promo)
	}
	if lock := byText["lock:order:{int}"]; !lock.Lock {
		t.Error("locks are no locks")
	}
	if address := byText["user:email:{email}"]; address.Personal == "" {
		t.Error("addresses are not personal")
	}
	users, carts := byText["user:{int}:profile"].Populations()[1], cart.Populations()[1]
	if share, ok := carts.Within(users); !ok || share < 0.95 {
		t.Errorf("%v of the carts are of users", share)
	}
}

// The parts of a run that ended early are one a shard: the facts are of all of them.
func TestFactsOfShards(t *testing.T) {
	r, err := audit.Run(t.Context(), demo(t), Inference(), audit.Options{Save: true})
	if err != nil {
		t.Fatal(err)
	}
	second := *r
	for _, p := range r.Parts {
		p.Shard = 1
		second.Parts = append(second.Parts[:len(second.Parts):len(second.Parts)], p)
	}
	f, err := FactsOf(&second)
	if err != nil {
		t.Fatal(err)
	}
	if f.Keys != 240_000 || f.Templates[0].Keys != 60_000 {
		t.Errorf("%d keys, %d of them in %s", f.Keys, f.Templates[0].Keys, f.Templates[0].Text)
	}
}

// A report that was not saved holds no facts, and that is an error rather than an empty keyspace.
func TestFactsOfNothing(t *testing.T) {
	if f, err := FactsOf(&report.Report{}); err == nil {
		t.Errorf("facts %+v", f)
	}
	r, err := audit.Run(t.Context(), demo(t), Inference(), audit.Options{Save: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range r.Parts {
		r.Parts[i].Data = r.Parts[i].Data[:len(r.Parts[i].Data)/2]
	}
	if _, err := FactsOf(r); err == nil {
		t.Error("half of a part is a part")
	}
}
