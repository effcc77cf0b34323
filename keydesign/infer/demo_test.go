package infer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/internal/saved"
)

// count is the least a caller may keep.
type count struct{ keys int64 }

func (c *count) Merge(o *count) { c.keys += o.keys }
func (c *count) Clone() *count  { d := *c; return &d }

func (c *count) Form(f *saved.Form) { saved.Count(f, &c.keys) }

func newCount() *count { return &count{} }

func treeOf(keys []string) *Tree[*count] {
	t := New(newCount, Options{})
	for _, k := range keys {
		t.Add(k).keys++
	}
	return t
}

// gen makes random parts of keys.
type gen struct{ *rand.Rand }

func newGen(seed uint64) gen { return gen{rand.New(rand.NewPCG(seed, 7))} }

func (g gen) text(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[g.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	hexDigits = "0123456789abcdef"
	lowers    = "abcdefghijklmnopqrstuvwxyz"
	uppers    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	decimals  = "0123456789"
)

func (g gen) hex(n int) string { return g.text(hexDigits, n) }
func (g gen) int(n int) string { return fmt.Sprint(g.IntN(n)) }
func (g gen) uuid() string {
	return g.hex(8) + "-" + g.hex(4) + "-4" + g.hex(3) + "-a" + g.hex(3) + "-" + g.hex(12)
}
func (g gen) pick(s ...string) string { return s[g.IntN(len(s))] }
func (g gen) sku() string             { return g.text(uppers, 3) + "-" + g.text(decimals+uppers, 6) }

func (g gen) ip() string {
	return fmt.Sprintf("%d.%d.%d.%d", g.IntN(256), g.IntN(256), g.IntN(256), g.IntN(256))
}

func (g gen) email() string {
	return g.name() + g.int(100) + "@" + g.pick("example.com", "mail.org", "corp.co.uk")
}

func (g gen) name() string {
	var b strings.Builder
	for range 2 + g.IntN(2) {
		b.WriteByte("bcdfghjklmnprstvwz"[g.IntN(18)])
		b.WriteByte("aeiou"[g.IntN(5)])
	}
	return b.String()
}

func distinctKeys(n int, key func() string) []string {
	seen := map[string]bool{}
	var out []string
	for tries := 0; len(out) < n && tries < 50*n; tries++ {
		if k := key(); !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

func demoShop(g gen) []string {
	var keys []string
	add := func(n int, key func() string) { keys = append(keys, distinctKeys(n, key)...) }
	add(20000, func() string { return "session:" + g.hex(32) })
	add(3000, func() string { return "session:" + g.uuid() })
	add(20000, func() string { return "user:" + g.int(1e6) + ":profile" })
	add(8000, func() string { return "user:" + g.int(1e6) + "/prefs" })
	add(9000, func() string { return "cart:" + g.int(1e6) })
	add(9000, func() string { return "order:" + g.int(1e6) })
	add(3000, func() string { return "order:" + g.uuid() })
	add(12000, func() string { return "cache:product:" + g.sku() })
	add(300, func() string { return "promo:" + g.text(uppers, 4+g.IntN(4)) + g.int(100) })
	add(300, func() string { return "lock:order:" + g.int(1e6) })
	add(6000, func() string { return "user:email:" + g.email() })
	add(3000, func() string { return g.int(1e6) })
	add(3000, func() string { return "{" + g.name() + "}:stock:" + g.sku() })
	keys = append(keys, "report:daily:2026-01-02", "report:daily:2026-01-03", "report:daily:2026-01-04")
	keys = append(keys, "feed:global", "q:mail", "q:ship", "idx:products", "idx:users")
	add(2000, func() string { return "recent:" + g.sku() })
	add(5000, func() string { return "rl:" + g.ip() + ":" + fmt.Sprint(1700000000+g.IntN(1e7)) })
	for _, game := range []string{"chess", "go", "poker"} {
		for w := range 30 {
			keys = append(keys, fmt.Sprintf("lb:%s:2026-W%02d", game, w+1))
		}
	}
	add(60, func() string {
		return "flag:" + g.pick("new", "old", "fast", "beta", "dark", "lazy") + "-" + g.pick("checkout", "cart", "search", "nav", "login", "mail", "feed", "pay", "map", "chat")
	})
	add(4000, func() string { return "order:" + g.int(1e5) + ":" + g.int(20) })
	return keys
}

func auditSet(g gen, n int) []string {
	var keys []string
	for i := range n {
		id := fmt.Sprint(i)
		var k string
		switch r := g.Float64() * 100; {
		case r < 25:
			k = "session:" + g.hex(16)
		case r < 38:
			k = "counter:page:" + id
		case r < 50:
			k = "cache:v" + g.int(3) + ":html:" + id
		case r < 55:
			k = "flag:{" + fmt.Sprint(i%1000) + "}:" + g.text(lowers+decimals, 8)
		case r < 75:
			k = "user:" + id
		case r < 76:
			k = "cart:" + id
		case r < 84:
			k = "queue:" + id
		case r < 90:
			k = "ids:" + id
		case r < 94:
			k = "tags:" + id
		case r < 98.5:
			k = "lb:" + id
		case r < 99.5:
			k = "rank:" + id
		default:
			k = "events:" + id
		}
		keys = append(keys, k)
	}
	for i := range 3 {
		keys = append(keys, fmt.Sprint("big:hash:", i), fmt.Sprint("big:zset:", i), fmt.Sprint("big:list:", i))
	}
	return append(keys, "big:blob")
}

func texts(r Result[*count]) []string {
	var out []string
	for _, t := range r.Templates {
		out = append(out, t.Text)
	}
	slices.Sort(out)
	return out
}

func TestEveryday(t *testing.T) {
	tests := []struct {
		name string
		keys []string
		want []string
	}{
		{"shop", demoShop(newGen(1)), []string{
			"cache:product:{str}", "cart:{int}", "feed:global", "flag:{str}", "idx:products", "idx:users",
			"lb:chess:{week}", "lb:go:{week}", "lb:poker:{week}", "lock:order:{int}", "order:{int}", "order:{int}:{int}",
			"order:{uuid}", "promo:{str}{int}", "q:mail", "q:ship", "recent:{str}", "report:daily:{date}", "rl:{ip}:{ts_s}",
			"session:{hex(32)}", "session:{uuid}", "user:email:{email}", "user:{int}/prefs", "user:{int}:profile",
			"{int}", "{{{str}}}:stock:{str}",
		}},
		{"audit", auditSet(newGen(42), 120000), []string{
			"big:blob", "big:hash:{int}", "big:list:{int}", "big:zset:{int}", "cache:v0:html:{int}", "cache:v1:html:{int}",
			"cache:v2:html:{int}", "cart:{int}", "counter:page:{int}", "events:{int}", "flag:{{{int}}}:{opaque}", "ids:{int}",
			"lb:{int}", "queue:{int}", "rank:{int}", "session:{hex(16)}", "tags:{int}", "user:{int}",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := texts(treeOf(tt.keys).Templates())
			slices.Sort(tt.want)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
