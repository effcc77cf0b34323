package redis

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// lookupKeys writes a key of each kind, and a list that is longer than a page.
func lookupKeys(t *testing.T, c *servertest.Client, tag string) {
	t.Helper()
	key := func(name string) string { return tag + name }
	c.Must(t, "SET", key("str"), "17")
	c.Must(t, "SET", key("doc"), `{"uid":42,"who":{"name":"ann"},"none":null,"list":[1]}`)
	c.Must(t, "SET", key("long"), strings.Repeat("x", kv.LongestText+1))
	c.Must(t, "SET", key("timed"), "1", "PX", "500000")
	c.Must(t, "HSET", key("hash"), "uid", "7", "name", "x")
	c.Must(t, "SADD", key("set"), "1", "2", "3")
	c.Must(t, "ZADD", key("zset"), "1", "a", "2", "b")
	push := []string{"RPUSH", key("list")}
	for i := range valuePage + 3 {
		push = append(push, fmt.Sprint(i))
	}
	c.Must(t, push...)
	c.Must(t, "XADD", key("stream"), "*", "f", "v")
}

// checkLookups asks about what lookupKeys has written.
func checkLookups(t *testing.T, s kv.Store, tag string) {
	t.Helper()
	g, err := kv.GetterOf(s)
	if err != nil {
		t.Fatal(err)
	}
	names := []kv.Name{{Key: tag + "str"}, {Key: tag + "gone"}, {Key: tag + "timed"}, {Key: tag + "hash"}}
	var got []string
	err = g.Get(t.Context(), kv.FieldType, names, func(i int, r *kv.Record) {
		text := fmt.Sprint(i, " -")
		if r != nil {
			text = fmt.Sprint(i, " ", strings.TrimPrefix(r.Key, tag), " ", r.Type, " ", r.TTL == kv.TTLAt)
		}
		got = append(got, text)
	})
	if want := []string{"0 str string false", "1 -", "2 timed string true", "3 hash hash false"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	v, err := kv.ValueReaderOf(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key  string
		part kv.Content
		text string
		want string
	}{
		{"str", kv.ContentValue, "", "0 17"},
		{"gone", kv.ContentValue, "", "1 "},
		{"long", kv.ContentValue, "", "2 "},
		{"hash", kv.ContentValue, "", "2 "},
		{"hash", kv.ContentField, "uid", "0 7"},
		{"hash", kv.ContentField, "no", "1 "},
		{"gone", kv.ContentField, "no", "1 "},
		{"doc", kv.ContentField, "uid", "0 42"},
		{"doc", kv.ContentField, "who.name", "0 ann"},
		{"doc", kv.ContentField, "none", "1 "},
		{"doc", kv.ContentField, "list", "2 "},
		{"str", kv.ContentField, "uid", "2 "},
		{"set", kv.ContentField, "uid", "2 "},
		{"set", kv.ContentMembers, "", "0 1,0 2,0 3"},
		{"zset", kv.ContentMembers, "", "0 a,0 b"},
		{"hash", kv.ContentMembers, "", "0 name,0 uid"},
		{"str", kv.ContentMembers, "", "2 "},
		{"stream", kv.ContentMembers, "", "2 "},
		{"gone", kv.ContentMembers, "", "1 "},
		{"set", kv.ContentHas, "2", "0 2"},
		{"set", kv.ContentHas, "4", "1 "},
		{"zset", kv.ContentHas, "b", "0 b"},
		{"hash", kv.ContentHas, "uid", "0 uid"},
		{"hash", kv.ContentHas, "7", "1 "},
		{"list", kv.ContentHas, "501", "0 501"},
		{"list", kv.ContentHas, "x", "1 "},
		{"gone", kv.ContentHas, "x", "1 "},
	} {
		var got []string
		err := v.ReadValues(t.Context(), []kv.Ask{{Name: kv.Name{Key: tag + c.key}, Part: c.part, Text: c.text}}, func(_ int, a kv.Answer, text []byte) {
			got = append(got, fmt.Sprint(a, " ", string(text)))
		})
		slices.Sort(got)
		if strings.Join(got, ",") != c.want || err != nil {
			t.Errorf("%s, part %d %q: %q, %v; want %q", c.key, c.part, c.text, got, err, c.want)
		}
	}
	n := 0
	err = v.ReadValues(t.Context(), []kv.Ask{{Name: kv.Name{Key: tag + "list"}, Part: kv.ContentMembers}}, func(_ int, _ kv.Answer, text []byte) {
		if string(text) != fmt.Sprint(n) {
			t.Errorf("element %d is %q", n, text)
		}
		n++
	})
	if n != valuePage+3 || err != nil {
		t.Errorf("%d elements, %v", n, err)
	}
}

func TestLookup(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		lookupKeys(t, c, "k:")
		c.Must(t, "SELECT", "5")
		c.Must(t, "SET", "k:str", "five")
		s := openURL(t, "redis://"+server.Addr)
		checkLookups(t, s, "k:")
		var got []string
		asks := []kv.Ask{{Name: kv.Name{DB: 5, Key: "k:str"}, Part: kv.ContentValue}, {Name: kv.Name{Key: "k:str"}, Part: kv.ContentValue}}
		err := s.(kv.ValueReader).ReadValues(t.Context(), asks, func(_ int, _ kv.Answer, text []byte) { got = append(got, string(text)) })
		if err != nil || !slices.Equal(got, []string{"five", "17"}) {
			t.Errorf("of two databases: %q, %v", got, err)
		}
	})
}

// Looking up counts as no access; reading a value does not either where a server can be told, and where it cannot that is said.
func TestLookupDoesNotTouch(t *testing.T) {
	t.Parallel()
	servertest.Matrix(t, func(t *testing.T, version string) {
		t.Parallel()
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		c.Must(t, "SET", "str", "1")
		time.Sleep(2100 * time.Millisecond) // idle times are in seconds
		s := openURL(t, "redis://"+server.Addr)
		if err := s.(kv.Getter).Get(t.Context(), kv.FieldType|kv.FieldSize, []kv.Name{{Key: "str"}}, func(int, *kv.Record) {}); err != nil {
			t.Fatal(err)
		}
		if idle := c.Must(t, "OBJECT", "IDLETIME", "str").(int64); idle < 1 {
			t.Errorf("idle for %d s after Get", idle)
		}
		v := s.(kv.ValueReader)
		why, err := v.Touches(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := v.ReadValues(t.Context(), []kv.Ask{{Name: kv.Name{Key: "str"}, Part: kv.ContentValue}}, func(int, kv.Answer, []byte) {}); err != nil {
			t.Fatal(err)
		}
		if idle := c.Must(t, "OBJECT", "IDLETIME", "str").(int64); idle < 1 != (why != "") {
			t.Errorf("idle for %d s after ReadValues, of which it says %q", idle, why)
		}
	})
}

// testLookup asks about keys of each of three nodes.
func (c *testCluster) testLookup(t *testing.T) {
	s := openURL(t, c.url("&replica=prefer"))
	for _, tag := range []string{"{a}:", "{b}:", "{c}:", "{d}:"} { // slots 15495, 3300, 7365, 11298
		lookupKeys(t, c.clients[first(slot.Of(tag))], tag)
		checkLookups(t, s, tag)
	}
	c.tidy(t, "{?}:*")
}
