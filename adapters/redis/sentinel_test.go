package redis

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

// TestSentinel resolves what sentinels watch, and has it fail over in mid-scan.
func TestSentinel(t *testing.T) {
	t.Parallel()
	w := servertest.StartSentinels(t, servertest.Distribution, nil, nil)
	primary := w.Servers[0].Client(t)
	records := fill(t, primary)
	keys := map[string]bool{}
	for _, r := range records {
		keys[r.Key] = true
	}
	target := func(params string) string {
		return "redis+sentinel://127.0.0.1:1," + w.Sentinels[0].Addr + "," + w.Sentinels[1].Addr + "/main?timeout=20s" + params
	}
	t.Run("records", func(t *testing.T) {
		kvtest.TestStore(t, kvtest.Config{
			Open:    func(t *testing.T) kv.Store { return openOnly(t, target("")) },
			Records: records,
			Globs:   []string{"db*"},
		})
	})
	t.Run("unknown name", func(t *testing.T) {
		_, err := tryOpen(t, strings.Replace(target(""), "/main", "/other", 1))
		if err == nil || !strings.Contains(err.Error(), `nothing by the name of "other"`) {
			t.Errorf("%v", err)
		}
	})
	t.Run("no sentinel", func(t *testing.T) {
		_, err := tryOpen(t, "redis+sentinel://"+w.Servers[0].Addr+"/main")
		if err == nil || !strings.Contains(err.Error(), "does not answer as a sentinel") || !strings.Contains(kv.Hint(err), "26379") {
			t.Errorf("%v (%s)", err, kv.Hint(err))
		}
	})
	t.Run("replicas", func(t *testing.T) { testSentinelReplicas(t, w, target, len(records)) })
	primary.Fill(t, 6000, func(i int) []string { return []string{"SET", fmt.Sprintf("bulk:%d", i), "x"} })
	for i := range 6000 {
		keys[fmt.Sprintf("bulk:%d", i)] = true
	}
	t.Run("failover", func(t *testing.T) { testSentinelFailover(t, w, target(""), keys) })
}

func testSentinelReplicas(t *testing.T, w *servertest.Sentinels, target func(string) string, n int) {
	w.WaitReplicas(t)
	for _, mode := range []string{"prefer", "only"} {
		for _, s := range w.Servers {
			s.Client(t).Must(t, "CONFIG", "RESETSTAT")
		}
		urls := []string{target("&replica=" + mode), "redis://" + w.Servers[0].Addr + "?replica=" + mode}
		for _, url := range urls {
			s := openURL(t, url)
			if got := all(t, s, kv.ScanOptions{Want: kv.FieldType}); len(got) != n {
				t.Errorf("%s: %d keys of %d", url, len(got), n)
			}
			if _, info := factsOf(t, s); !strings.Contains(fmt.Sprint(info.Notes), "This is a replica") {
				t.Errorf("%s: %q", url, info.Notes)
			}
		}
		if n := commandCalls(t, w.Servers[0].Client(t)); n["scan"]+n["type"] > 0 {
			t.Errorf("replica=%s: the primary was asked %v", mode, n)
		}
	}
	alone := servertest.Redis(t, servertest.Options{})
	if _, err := tryOpen(t, "redis://"+alone.Addr+"?replica=only"); err == nil || !strings.Contains(err.Error(), "no replica can be read: there is none") {
		t.Errorf("%v", err)
	}
	openURL(t, "redis://"+alone.Addr+"?replica=prefer")
}

// testSentinelFailover ends the primary while it is read.
func testSentinelFailover(t *testing.T, w *servertest.Sentinels, url string, keys map[string]bool) {
	w.WaitReplicas(t)
	s := openURL(t, url)
	var once sync.Once
	got := gather(t, s, kv.FieldType|kv.FieldTTL, func(_, n int) {
		if n == 2000 {
			once.Do(w.Servers[0].Stop)
		}
	})
	got.check(t, keys)
	if got.restarts != 1 {
		t.Errorf("it began anew %d times", got.restarts)
	}
	_, info := factsOf(t, s)
	if notes := fmt.Sprint(info.Notes); strings.Contains(notes, w.Servers[0].Addr) || !strings.Contains(notes, "The sentinels name 127.0.0.1:") {
		t.Errorf("%q", info.Notes)
	}
}

// TestSentinelPasswords gives sentinels and servers a password each.
func TestSentinelPasswords(t *testing.T) {
	t.Parallel()
	w := servertest.StartSentinels(t, servertest.Distribution,
		[]string{"--requirepass", "server-word", "--masterauth", "server-word"},
		[]string{"requirepass sentinel-word", "sentinel sentinel-pass sentinel-word", "sentinel auth-pass main server-word"})
	base := "redis+sentinel://:server-word@" + w.Sentinels[0].Addr + "/main"
	s := openURL(t, base+"?sentinel_password=sentinel-word")
	if got := all(t, s, kv.ScanOptions{}); len(got) != 0 {
		t.Errorf("%d keys", len(got))
	}
	if _, info := factsOf(t, s); strings.Contains(fmt.Sprint(info), "-word") {
		t.Errorf("a password is told: %+v", info)
	}
	for _, tt := range []struct{ url, text, hint string }{
		{base, "the server needs a password", "KVTOOL_SENTINEL_PASSWORD"},
		{base + "?sentinel_password=wrong-word", "refuses this user and password", "KVTOOL_SENTINEL_PASSWORD"},
		{strings.Replace(base, "server-word", "wrong-word", 1) + "?sentinel_password=sentinel-word", "refuses this user and password", "KVTOOL_PASSWORD"},
	} {
		_, err := tryOpen(t, tt.url)
		if err == nil || !strings.Contains(err.Error(), tt.text) || !strings.Contains(kv.Hint(err), tt.hint) {
			t.Errorf("%v (%s), want %q (%s)", err, kv.Hint(err), tt.text, tt.hint)
		}
		if strings.Contains(fmt.Sprint(err, kv.Hint(err)), "-word") {
			t.Errorf("a password is told: %v", err)
		}
	}
}

// TestSentinelIsBehind has a sentinel name what says of itself that it is a replica.
func TestSentinelIsBehind(t *testing.T) {
	replica := fake(t, on("INFO", bulk("role:slave\r\nmaster_link_status:up\r\n")))
	host, port, _ := strings.Cut(replica, ":")
	sentinel := fake(t, on("SENTINEL GET-MASTER-ADDR-BY-NAME", "*2\r\n"+bulk(host)+bulk(port)))
	_, err := tryOpen(t, "redis+sentinel://"+sentinel+"/main")
	if err == nil || !strings.Contains(err.Error(), "there is no primary: the sentinel "+sentinel+" names "+replica+", which is a replica") || kv.Hint(err) == "" {
		t.Errorf("%v (%s)", err, kv.Hint(err))
	}
}
