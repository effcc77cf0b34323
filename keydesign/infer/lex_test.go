package infer

import (
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// show writes a shape with the names of its marks.
func show(shape []byte) string {
	var b strings.Builder
	for _, c := range shape {
		switch {
		case c == mOpen:
			b.WriteString("{{")
		case c == mClose:
			b.WriteString("}}")
		case isMark(c):
			b.WriteString("<" + typeNames[c] + ">")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func TestLex(t *testing.T) {
	tests := []struct{ key, want string }{
		{"", ""},
		{"user", "user"},
		{"user:42", "user:<int>"},
		{"user:42:cart", "user:<int>:cart"},
		{"user::42", "user::<int>"},
		{":1:x", ":<int>:x"},
		{"a:9f1c2d3e-0000-4abc-8def-0123456789ab", "a:<uuid>"},
		{"a:9F1C2D3E-0000-4ABC-8DEF-0123456789AB:b", "a:<uuid>:b"},
		{"a:9f1c2d3e-0000-4abc-8def-0123456789abc", "a:<hex>-<int>-4abc-8def-<hex>"},
		{"dev:00:1b:44:11:3a:b7:x", "dev:<mac>:x"},
		{"ip:2001:db8::1:a", "ip:<ipv6>"},
		{"t:12:34:56", "t:<int>:<int>:<int>"},
		{"d:2026-01-02", "d:<date>"},
		{"d:2026-01-02T10:11:12.5Z:x", "d:<date>:x"},
		{"d:2026-01", "d:<month>"},
		{"d:2026-W03", "d:<week>"},
		{"d:2026-13-02", "d:<int>-13-02"},
		{"rl:10.0.255.1:x", "rl:<ip>:x"},
		{"rl:10.0.256.1", "rl:<int>.0.<int>.1"},
		{"v:1.2.3", "v:<int>.2.3"},
		{"geo:52.52,13.40", "geo:<float>"},
		{"u:https://a.b/c:d", "u:<url>"},
		{"e:a.b+c@x.co.uk:v", "e:<email>:v"},
		{"p:+4915112345678", "p:<phone>"},
		{"x:01ARZ3NDEKTSV4RRFFQ69G5FAV", "x:<ulid>"},
		{"s:3f9a0c22", "s:<hex>"},
		{"s:12345678", "s:<int>"},
		{"cus_Nf4Zx91KqLw0Tr", "cus_<opaque>"},
		{"s:V1StGXR8_Z5jdHi6B-myT", "s:<opaque>"},
		{"r:us-east-1:x", "r:us-east-1:x"},
		{"order-17", "order-<int>"},
		{"user17", "user<int>"},
		{"usr123cart", "usr<int>cart"},
		{"v1:s3:k8s:i18n", "v1:s3:k8s:i18n"},
		{"token3f9a0c223f9a0c22", "token<hex>"},
		{"{user:1}:cart", "{{user:<int>}}:cart"},
		{"flag:{5}:x", "flag:{{<int>}}:x"},
		{"a:{}:b", "a:{}:b"},
		{"a:{b", "a:{b"},
		{`q:{"a":1}`, "q:<json>"},
		{"t:a:\x00\xff", "t:a:<bin>"},
		{"\xff\xfe", "<bin>"},
		{"größe:7", "größe:<int>"},
		{"findSessionByPrincipalName", "findSessionByPrincipalName"},
		{strings.Repeat("a-", 40) + "b", strings.Repeat("a-", 32) + "<path>"},
	}
	var l lexer
	for _, tt := range tests {
		l.lex(tt.key)
		if got := show(l.shape); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.key, got, tt.want)
		}
	}
}

// check fails unless the values of a shape lie in the key, in order, and its
// pieces are no more than there may be.
func check(t interface{ Fatalf(string, ...any) }, l *lexer, key string) {
	l.lex(key)
	if got := marks(string(l.shape)); got != len(l.vals) {
		t.Fatalf("%q: %d marks, %d values", key, got, len(l.vals))
	}
	last := int32(0)
	for _, v := range l.vals {
		if v.lo < last || v.hi < v.lo || int(v.hi) > len(key) {
			t.Fatalf("%q: value %v", key, v)
		}
		last = v.hi
	}
	pieces := 0
	for rest := string(l.shape); rest != ""; pieces++ {
		_, rest = next(rest)
	}
	if pieces > 2*maxPieces+4 {
		t.Fatalf("%q: %d pieces", key, pieces)
	}
}

func FuzzLex(f *testing.F) {
	for _, k := range demoShop(newGen(3))[:50] {
		f.Add(k)
	}
	f.Add("{a}:{\"b\":1}")
	f.Add("a:\x01\x02{}::")
	f.Fuzz(func(t *testing.T, key string) {
		var l lexer
		check(t, &l, key)
	})
}

func FuzzAdd(f *testing.F) {
	f.Add("a:1\nb:2\nb:3")
	f.Add("{a}\n}{\n::\n\x00")
	f.Fuzz(func(t *testing.T, text string) {
		tree := New(newCount, Options{MaxNodes: 50})
		keys := strings.Split(text, "\n")
		for _, k := range keys {
			tree.Add(k).keys++
		}
		ended(t, tree.table.leaves)
		r := tree.Templates()
		var sum int64
		for _, x := range r.Templates {
			sum += x.Keys
			if x.Keys != x.Stats.keys {
				t.Fatalf("%s: %d keys, %d in its statistics", x.Text, x.Keys, x.Stats.keys)
			}
		}
		if sum != int64(len(keys)) {
			t.Fatalf("%d keys of %d", sum, len(keys))
		}
		for _, k := range keys {
			r.Match(k)
		}
	})
}

// randomKeys adds keys of random bytes, of an alphabet that is rich in
// separators every other time.
func randomKeys(n int, o Options) *Tree[*count] {
	g := newGen(77)
	tree := New(newCount, o)
	var l lexer
	b := make([]byte, 64)
	for i := range n {
		k := b[:g.IntN(len(b))]
		for j := range k {
			if i%2 == 0 {
				k[j] = byte(g.Uint32())
			} else {
				k[j] = ":/|#-_.{}@\"abcXYZ0123456789"[g.IntN(27)]
			}
		}
		key := string(k)
		if i%16 == 0 {
			check(panicker{}, &l, key)
		}
		tree.Add(key).keys++
	}
	return tree
}

type panicker struct{}

func (panicker) Fatalf(format string, args ...any) { panic(format) }

// TestRandomBytes spends a small budget as often as the default one is by more keys.
func TestRandomBytes(t *testing.T) { testRandom(t, 30_000, Options{MaxNodes: 25_000}) }

// TestSoak is TestRandomBytes with ten million keys; set KVTOOL_SOAK to run it.
func TestSoak(t *testing.T) {
	if os.Getenv("KVTOOL_SOAK") == "" {
		t.Skip("KVTOOL_SOAK is not set")
	}
	testRandom(t, 10_000_000, Options{MaxNodes: defaultNodes})
}

func testRandom(t *testing.T, n int, o Options) {
	before := heap()
	tree := randomKeys(n, o)
	held := heap() - before
	r := tree.Templates()
	t.Logf("%d keys, %.1f MiB held, %d templates, pruned %v, degraded %v", n, float64(held)/(1<<20), len(r.Templates), r.Pruned, r.Degraded)
	if bound := o.bound(); held > bound {
		t.Errorf("holds %d bytes, want at most %d", held, bound)
	}
	if tree.Keys() != int64(n) || !r.Degraded {
		t.Errorf("%d keys, degraded %v", tree.Keys(), r.Degraded)
	}
}

// bound is what a tree of so many nodes may hold: twice its budget, for slices grow by doubling.
func (o Options) bound() int64 { return 2 * int64(o.MaxNodes) * nodeCost }

func TestRenderParse(t *testing.T) {
	for _, set := range []keySet{saasSet(5000), frameworkSet(5000), unseenSet(5000), hostileSet(5000)} {
		for _, x := range treeOf(set.keys).Templates().Templates {
			s, err := parse(x.Text)
			if err != nil {
				t.Fatal(err)
			}
			if got := Render(s); got != x.Text {
				t.Errorf("%q is rendered as %q", x.Text, got)
			}
		}
	}
	for _, bad := range []string{"a}", "a:{", "a:{}", "{a{b}"} {
		if s, err := parse(bad); err == nil {
			t.Errorf("%q is parsed as %+v", bad, s)
		}
	}
}

func TestRenderParseRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var keys []string
		for range rapid.IntRange(1, 5).Draw(t, "keys") {
			keys = append(keys, rapid.StringOf(rapid.RuneFrom([]rune("ab1:/-{}é\"."))).Draw(t, "key"))
		}
		for _, x := range treeOf(keys).Templates().Templates {
			s, err := parse(x.Text)
			if err != nil {
				t.Fatalf("%q: %v", x.Text, err)
			}
			if got := Render(s); got != x.Text {
				t.Fatalf("%q is rendered as %q", x.Text, got)
			}
		}
	})
}

func TestAddAllocatesNothing(t *testing.T) {
	set := saasSet(20_000)
	tree := treeOf(set.keys)
	i := 0
	if n := testing.AllocsPerRun(5000, func() {
		tree.Add(set.keys[i%len(set.keys)]).keys++
		i++
	}); n != 0 {
		t.Errorf("%v allocations per key", n)
	}
}

// ended fails if a leaf belongs to no template.
func ended(t *testing.T, leaves []leaf) {
	root := plant(leaves)
	f := newFolder(root, len(leaves))
	f.fold(root)
	f.floor(root)
	ends := map[int32]bool{}
	root.each(nil, func(p pattern) { ends[f.find(p[len(p)-1].leaf)] = true })
	for i := range leaves {
		if !ends[f.find(int32(i))] {
			t.Fatalf("%q is lost", leaves[i].shape)
		}
	}
}

func TestNoLeafIsLost(t *testing.T) {
	for _, set := range []keySet{saasSet(20_000), frameworkSet(20_000), unseenSet(20_000), hostileSet(20_000)} {
		ended(t, treeOf(set.keys).table.leaves)
	}
	ended(t, randomKeys(50_000, Options{}).table.leaves)
	tree := sharded(hostileSet(60_000).keys, 1, Options{MaxNodes: 30_000})
	ended(t, tree.table.leaves)
}
