package redis

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// Who may log in, without what is secret of it.
func TestUserList(t *testing.T) {
	got := userList([]any{
		"user default on nopass sanitize-payload ~* &* +@all",
		"user app on #5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8 resetchannels ~app:* -@all +@read -keys (~x +@all)",
		"user old off", "nonsense", int64(3), nil,
	})
	want := []kv.User{
		{Name: "default", On: true, Rules: []string{"+@all"}},
		{Name: "app", On: true, Rules: []string{"-@all", "+@read", "-keys"}},
		{Name: "old"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// The lines of CLUSTER NODES, of which one is of a node that nobody knows yet, and one that has slots on their way.
func TestClusterNodes(t *testing.T) {
	got := clusterNodes("a 10.0.0.1:6379@16379,host-1 myself,master - 0 0 1 connected 0-5460 7000 [93-<-b]\n" +
		"b 10.0.0.2:6379@16379 slave,fail a 1 2 3 disconnected\nc :0@0 handshake - 0 0 0 connected\nshort line\n")
	want := []kv.Node{
		{ID: "a", Place: "10.0.0.1:6379", Myself: true, Slots: 5462},
		{ID: "b", Place: "10.0.0.2:6379", Primary: "a", Failed: true},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// FuzzSetup gives the readers of users and nodes any text: what they return has bounds, and no password is in it.
func FuzzSetup(f *testing.F) {
	f.Add("user default on nopass ~* +@all")
	f.Add("a 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-5460 [93-<-b] 16383-0 -1-99999")
	f.Fuzz(func(t *testing.T, text string) {
		for _, u := range userList([]any{text}) {
			for _, r := range u.Rules {
				if r[0] != '+' && r[0] != '-' {
					t.Errorf("%q is no rule of a command", r)
				}
			}
		}
		words := len(strings.Fields(text))
		for _, n := range clusterNodes(text) {
			if n.Slots < 0 || n.Slots > words*16384 {
				t.Errorf("%d slots", n.Slots)
			}
		}
		textPairs([]any{text, text, text})
		knownCommands([]any{[]any{text}, text})
	})
}

// Real servers of each version: which commands they know, who may log in, and that a scan knows what it has sent.
func TestSent(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		s := servertest.Redis(t, servertest.Options{Version: version, Args: []string{"--rename-command", "FLUSHALL", ""}})
		c := s.Client(t)
		c.Fill(t, 3000, func(i int) []string {
			return []string{"SET", "user:" + strings.Repeat("x", i%7) + string(rune('a'+i%26)), "1"}
		})
		opened := openURL(t, "redis://"+s.Addr)
		if _, err := opened.Info(t.Context()); err != nil { // which tries each command once
			t.Fatal(err)
		}
		e, _ := examOf(t, "redis://"+s.Addr)
		before, err := e.Vitals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range opened.Scan(t.Context(), kv.ScanOptions{Want: kv.FieldType | kv.FieldTTL | kv.FieldSize | kv.FieldEncoding}) {
			if err != nil {
				t.Fatal(err)
			}
		}
		after, err := e.Vitals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sent := opened.(kv.Sender).Sent()[s.Addr]
		for _, name := range slices.Sorted(maps.Keys(sent.Commands)) {
			counted := name
			if _, apart := after.Commands[name]; !apart { // before 7.0 subcommands are one
				counted, _, _ = strings.Cut(name, "|")
			}
			if grown := after.Commands[counted].Calls - before.Commands[counted].Calls; grown != sent.Commands[name] || grown == 0 {
				t.Errorf("%s: %d were sent, and the server has counted %d", name, sent.Commands[name], grown)
			}
		}
		if grown := after.Numbers["keyspace_hits"] - before.Numbers["keyspace_hits"]; int64(grown) != sent.Hits || len(sent.Commands) != 5 {
			t.Errorf("%d hits and %v; the server has counted %.0f hits", sent.Hits, sent.Commands, grown)
		}
		d, err := e.Details(t.Context(), after)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"keys", "flushdb", "debug", "config", "monitor", "shutdown"}
		slices.Sort(want)
		if got := slices.Sorted(slices.Values(d.Harmful)); !slices.Equal(got, want) || len(d.Users) != 1 || !d.Users[0].On {
			t.Errorf("%v, %+v", got, d.Users)
		}
	})
}

// A server that cannot save refuses PING, as it does writes, and can be read and examined.
func TestMisconf(t *testing.T) {
	addr := fake(t, func(command string) string {
		if strings.HasPrefix(command, "PING") {
			return "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.\r\n"
		}
		return ""
	})
	e, unwell := examOf(t, "redis://"+addr)
	if unwell != nil {
		t.Fatal(unwell)
	}
	if _, err := e.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
