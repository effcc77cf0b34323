package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/kvtool/kvtool/kv"
)

func demo(t testing.TB, p Preset) *store {
	t.Helper()
	e := newTestStore(t, kv.Target{Scheme: "demo"}, DemoClock())
	if err := e.fill(p); err != nil {
		t.Fatal(err)
	}
	return e
}

// get returns a string, field one of a hash; "" and false where there is none.
func (s *store) get(key string) (string, bool) { return s.ask(kv.ContentValue, key, "") }

func (s *store) field(key, field string) (string, bool) { return s.ask(kv.ContentField, key, field) }

func (s *store) ask(part kv.Content, key, field string) (text string, ok bool) {
	s.readValue(&kv.Ask{Name: kv.Name{Key: key}, Part: part, Text: field}, func(a kv.Answer, b []byte) { text, ok = string(b), a == kv.Found })
	return text, ok
}

func (s *store) exists(key string) bool {
	_, it, unlock := s.find([]byte(key))
	defer unlock()
	return it.OK()
}

func records(t testing.TB, e *store) []kv.Record {
	t.Helper()
	var all []kv.Record
	for r, err := range e.Scan(t.Context(), kv.ScanOptions{Want: kv.Universal}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *r)
	}
	return all
}

// docRows returns the cells of the table rows under a heading of docs/demo.md.
func docRows(t *testing.T, heading string) [][]string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/demo.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, ok := strings.Cut(string(doc), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("docs/demo.md has no heading %q", heading)
	}
	part, _, _ = strings.Cut(part, "\n## ")
	var rows [][]string
	for line := range strings.Lines(part) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		rows = append(rows, cells)
	}
	return rows[1:]
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// matcher returns the regular expression of a template's keys, from what its placeholders stand for and not from the code
// that wrote them.
func matcher(t *testing.T, template string) *regexp.Regexp {
	t.Helper()
	const uuid = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`
	kinds := map[string]string{
		"sku": `P\d{7}`, "sid": uuid, "hash": `[0-9a-f]{32}`, "uid": `\d{5}`, "n": `\d+`, "minute": `\d{10}`, "oid": `(\d+|` + uuid + `)`,
		"code": `[A-Z0-9]{8}`, "address": `[a-z]+\.[a-z]+\d+@example\.(com|org|net)`, "number": `\d+`, "board": `[a-z]+`,
		"week": `20\d\d-W\d\d`, "name": `[a-z-]+`, "date": `20\d\d-\d\d-\d\d`,
	}
	var b strings.Builder
	for rest := template; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "{{"):
			b.WriteString(`\{`)
			rest = rest[2:]
		case strings.HasPrefix(rest, "}}"):
			b.WriteString(`\}`)
			rest = rest[2:]
		case strings.HasPrefix(rest, "…"):
			b.WriteString(".+")
			rest = rest[len("…"):]
		case rest[0] == '{':
			field, after, _ := strings.Cut(rest[1:], "}")
			if kinds[field] == "" {
				t.Fatalf("%s: what is {%s}?", template, field)
			}
			b.WriteString(kinds[field])
			rest = after
		default:
			b.WriteString(regexp.QuoteMeta(rest[:1]))
			rest = rest[1:]
		}
	}
	return regexp.MustCompile(`^` + b.String() + `$`)
}

// byTemplate sorts the records of the demo under the templates of docs/demo.md. Each must fit exactly one.
func byTemplate(t *testing.T, all []kv.Record, rows [][]string) map[string][]kv.Record {
	t.Helper()
	matchers := map[string]*regexp.Regexp{}
	for _, row := range rows {
		matchers[row[0]] = matcher(t, row[0])
	}
	found := map[string][]kv.Record{}
	for _, r := range all {
		fits := 0
		for template, m := range matchers {
			if prefix, _, _ := strings.Cut(template, "{"); strings.HasPrefix(r.Key, strings.TrimSuffix(prefix, "…")) && m.MatchString(r.Key) {
				found[template] = append(found[template], r)
				fits++
			}
		}
		if fits != 1 {
			t.Fatalf("%s fits %d templates", r.Key, fits)
		}
	}
	return found
}

func TestDemo(t *testing.T) {
	e := demo(t, DemoPreset())
	all := records(t, e)
	if len(all) != DemoKeys {
		t.Errorf("%d keys, want %d", len(all), DemoKeys)
	}
	found := byTemplate(t, all, docRows(t, "Templates"))
	t.Run("templates", func(t *testing.T) { checkTemplates(t, found) })
	t.Run("faults", func(t *testing.T) { checkFaults(t, e, found) })
	t.Run("references", func(t *testing.T) { checkReferences(t, e, all) })
	t.Run("bursts", func(t *testing.T) { checkBursts(t, found) })
}

// checkTemplates holds the first table of docs/demo.md against what the engine holds.
func checkTemplates(t *testing.T, found map[string][]kv.Record) {
	rows := docRows(t, "Templates")
	settled := map[string]bool{}
	for _, f := range families() {
		settled[f.template] = f.settled
	}
	if len(rows) != len(settled) {
		t.Errorf("%d templates in the table, %d in the shop", len(rows), len(settled))
	}
	for _, row := range rows {
		template, rs := row[0], found[row[0]]
		if len(rs) != number(t, row[1]) {
			t.Errorf("%s: %d keys, the table says %s", template, len(rs), row[1])
		}
		if got := strings.Contains(row[4], "settled"); got != settled[template] {
			t.Errorf("%s: settled is %v in the table", template, got)
		}
		types, persistent := map[kv.Type]int{}, 0
		for _, r := range rs {
			types[r.Type]++
			if r.TTL == kv.TTLNone {
				persistent++
			}
		}
		if types[kv.Type(row[2])]*10 < len(rs)*9 {
			t.Errorf("%s: types %v, the table says %s", template, types, row[2])
		}
		if none := row[3] == "none"; none && persistent != len(rs) || !none && persistent*10 > len(rs) {
			t.Errorf("%s: %d of %d without TTL, the table says %s", template, persistent, len(rs), row[3])
		}
	}
}

// checkFaults holds the second table of docs/demo.md, Faults, and what the engine holds against each other.
func checkFaults(t *testing.T, e *store, found map[string][]kv.Record) {
	var inDoc []Fault
	for _, row := range docRows(t, "Planted faults") {
		inDoc = append(inDoc, Fault{
			Rule: row[0], Template: row[1], Keys: number(t, row[2]),
			Error: strings.HasPrefix(row[3], "error"), Later: strings.HasSuffix(row[3], "later"),
		})
	}
	if d := cmp.Diff(Faults(), inDoc); d != "" {
		t.Errorf("Faults (-) and docs/demo.md (+):\n%s", d)
	}
	for _, f := range Faults() {
		faulty := atFault(e, f.Rule)
		n := 0
		for _, r := range found[f.Template] {
			if faulty(r) {
				n++
			}
		}
		if over := n - f.Keys; over < 0 || over > 0 && f.Rule != "KD065" || over > 40 { // some expire with the burst by chance
			t.Errorf("%s: %s: %d keys at fault, want %d", f.Rule, f.Template, n, f.Keys)
		}
	}
}

// atFault returns what the keys that a rule is about have in common.
func atFault(e *store, rule string) func(kv.Record) bool {
	get := func(key string) string { s, _ := e.get(key); return s }
	dash := func(r kv.Record) bool { return strings.Contains(r.Key, "-") }
	all := func(kv.Record) bool { return true }
	switch rule {
	case "KD010":
		return dash
	case "KD040":
		return func(r kv.Record) bool { return r.Size > 1<<20 }
	case "KD041":
		return func(r kv.Record) bool { return r.Len > 5000 }
	case "KD049":
		return func(r kv.Record) bool { return r.Type == kv.TypeString }
	case "KD061", "KD062":
		return func(r kv.Record) bool { return r.TTL == kv.TTLNone }
	case "KD063":
		return func(r kv.Record) bool { return r.ExpireAt.Sub(DemoClock()) > time.Hour }
	case "KD065":
		burst := DemoClock().Add(29 * time.Minute)
		return func(r kv.Record) bool {
			return !r.ExpireAt.Before(burst) && r.ExpireAt.Before(burst.Add(2*time.Second))
		}
	case "KD081":
		return func(r kv.Record) bool { return !e.exists("user:" + get(r.Key) + ":profile") }
	case "KD082":
		return func(r kv.Record) bool { return !e.exists("user:" + strings.Split(r.Key, ":")[1] + ":profile") }
	case "KD083":
		return func(r kv.Record) bool {
			address, ok := e.field("user:"+get(r.Key)+":profile", "email")
			sum := sha256.Sum256([]byte(address))
			return ok && r.Key != "idx:user:email:"+hex.EncodeToString(sum[:16])
		}
	default:
		return all
	}
}

// checkReferences follows every reference of the shop that is not planted to be broken.
func checkReferences(t *testing.T, e *store, all []kv.Record) {
	for _, r := range all {
		uid := ""
		parts := strings.FieldsFunc(r.Key, func(c rune) bool { return c == ':' || c == '/' })
		switch parts[0] {
		case "session":
			uid, _ = e.field(r.Key, "uid") // a string has none
		case "cart", "wish":
			uid = parts[1]
		case "rl":
			uid = parts[2]
		case "lock":
			if !e.exists("order:" + parts[2]) {
				t.Errorf("%s locks no order", r.Key)
			}
		case "user":
			if uid = parts[1]; uid == "email" {
				uid, _ = e.get(r.Key)
				if address, _ := e.field("user:"+uid+":profile", "email"); address != parts[2] {
					t.Errorf("%s leads to an account with the address %s", r.Key, address)
				}
			}
		}
		if uid != "" && !e.exists("user:"+uid+":profile") {
			t.Errorf("%s refers to user %s, who does not exist", r.Key, uid)
		}
	}
}

// checkBursts looks at what synchronised expiry looks at, on every template that has a TTL: of the keys that
// expire within the template's own TTL, no hundredth of that time takes a tenth, but for the planted burst.
func checkBursts(t *testing.T, found map[string][]kv.Record) {
	windows := map[string]time.Duration{
		"cache:product:{sku}": 72 * time.Minute, "session:{sid}": 30 * time.Minute, "cart:{uid}": 14 * day,
		"rl:api:{uid}:{minute}": 2 * time.Minute, "promo:{code}": time.Hour, "lock:order:{oid}": 30 * time.Second,
	}
	for template, window := range windows {
		bins, n, most := [100]int{}, 0, 0
		for _, r := range found[template] {
			if left := r.ExpireAt.Sub(DemoClock()); r.TTL == kv.TTLAt && left <= window {
				i := int((left - 1) * 100 / window)
				bins[i]++
				n++
				most = max(most, bins[i])
			}
		}
		if planted := template == "cache:product:{sku}"; most*10 > n != planted {
			t.Errorf("%s: %d of %d keys expire in a hundredth of %s", template, most, n, window)
		}
	}
}

// TestPresetSizes fills every preset at sizes from none on: exactly as many keys as asked for, or a usage error.
func TestPresetSizes(t *testing.T) {
	for _, p := range presets() {
		for _, keys := range []int{0, 1, 7, 50, 133, 456} {
			e := newTestStore(t, kv.Target{Scheme: "demo"}, DemoClock())
			err := e.fill(Preset{Name: p.name, Keys: keys, Seed: 3})
			if p.name == "shop" && keys < 50 {
				if err == nil || kv.Hint(err) == "" {
					t.Errorf("a shop of %d keys: %v", keys, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s of %d keys: %v", p.name, keys, err)
				continue
			}
			if p.name == "empty" {
				keys = 0
			}
			if e.Len() != keys || len(records(t, e)) != keys {
				t.Errorf("%s: %d keys, %d when scanned, want %d", p.name, e.Len(), len(records(t, e)), keys)
			}
		}
	}
}

// TestShopGrows checks that faults grow with the shop, and settled templates do not.
func TestShopGrows(t *testing.T) {
	e := demo(t, Preset{Name: "shop", Keys: DemoKeys * 3 / 2, Seed: 2})
	persistent, flags := 0, 0
	for _, r := range records(t, e) {
		if strings.HasPrefix(r.Key, "cart:") && r.TTL == kv.TTLNone {
			persistent++
		}
		if strings.HasPrefix(r.Key, "flag:") {
			flags++
		}
	}
	if e.Len() != DemoKeys*3/2 || persistent != persistentCarts*3/2 || flags != 48 {
		t.Errorf("%d keys, %d carts without TTL, %d flags", e.Len(), persistent, flags)
	}
}

func BenchmarkDemo(b *testing.B) {
	b.ReportAllocs()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var e *store
	for b.Loop() {
		e = demo(b, DemoPreset())
	}
	e.Len()
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "heap-MB")
	runtime.KeepAlive(e)
}
