package cmd_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/internal/servertest"
)

// A schema that is inferred from a keyspace says what most of its keys do. So a check of the keyspace by it finds what was
// planted there, and nothing else that is worse than a hint: not what inference has made up.
func TestInferThenCheck(t *testing.T) {
	t.Parallel()
	want := []string{
		"KD001 {", "KD002 user:{", "KD009 user:email:{", "KD010 order:{", "KD040 report:daily:{", "KD041 feed:global", "KD041 recent:P{",
		"KD042 feed:global", // once more: it is known by now that nothing trims it
		"KD049 session:{", "KD061 cart:{", "KD062 lock:order:{", "KD063 promo:{", "KD065 cache:product:P{",
	}
	if d := cmp.Diff(want, inferThenCheck(t, "demo:")); d != "" {
		t.Errorf("demo: (-planted +found)\n%s", d)
	}
}

// The same on a real server.
func TestInferThenCheckServer(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	c := s.Client(t)
	c.Fill(t, 8000, faultyShop)
	want := []string{"KD001 {", "KD049 session:{", "KD061 cart:{", "KD062 lock:order:{", "KD063 promo:{"}
	if d := cmp.Diff(want, inferThenCheck(t, "redis://"+s.Addr)); d != "" {
		t.Errorf("(-planted +found)\n%s", d)
	}
}

// faultyShop is the i-th command that makes a shop of five templates with a fault in each.
func faultyShop(i int) []string {
	n := i / 5
	id := strconv.Itoa(n)
	value := strings.Repeat("v", 40+n%20)
	switch i % 5 {
	case 0:
		if n%80 == 0 { // KD049: a service that was rolled back
			return []string{"SET", fmt.Sprintf("session:%032x", n*7919), value, "EX", "1800"}
		}
		return []string{
			"EVAL", "redis.call('HSET', KEYS[1], 'uid', ARGV[1], 'v', ARGV[2]); return redis.call('EXPIRE', KEYS[1], ARGV[3])", "1",
			fmt.Sprintf("session:%032x", n*7919), id, value, within(n, 600, 1800),
		}
	case 1:
		if n%20 == 0 { // KD061: the expiry was lost
			return []string{"SET", "cart:" + id, value}
		}
		return []string{"SET", "cart:" + id, value, "EX", within(n, 86_400, 1_209_600)}
	case 2:
		if n%100 == 0 { // KD062: the holder died
			return []string{"SET", "lock:order:" + id, "1"}
		}
		return []string{"SET", "lock:order:" + id, "1", "EX", within(n, 100, 300)}
	case 3:
		ttl := within(n, 100, 4320)
		if n%50 == 0 { // KD063: milliseconds for seconds
			ttl += "000"
		}
		return []string{"SET", "promo:" + id, value, "EX", ttl}
	}
	if n%4 == 0 { // KD001: whose is it?
		return []string{"SET", id, value}
	}
	return []string{"HSET", "user:" + id + ":profile", "name", "n" + id, "city", value}
}

// within is a number of seconds between low and high, another for each n.
func within(n, low, high int) string { return strconv.Itoa(low + n*7919%(high-low)) }

// inferThenCheck infers a schema from a target and checks the target by it. It returns the findings that are an error or a
// warning, each as its rule and the beginning of its subject, up to the first placeholder.
func inferThenCheck(t *testing.T, target string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.yaml")
	run(t, 0, "keydesign", "infer", target, "--out", file)
	var doc struct {
		Findings []struct{ Rule, Severity, Subject, Message, Status string }
	}
	if err := json.Unmarshal([]byte(run(t, 1, "keydesign", "check", target, "--schema", file, "--server=false", "-o", "json")), &doc); err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, f := range doc.Findings {
		if f.Severity == "info" || f.Status == "suppressed" {
			continue
		}
		t.Logf("%s %s: %s", f.Rule, f.Subject, f.Message)
		if i := strings.IndexByte(f.Subject, '{'); i >= 0 {
			f.Subject = f.Subject[:i+1]
		}
		found = append(found, f.Rule+" "+f.Subject)
	}
	slices.Sort(found)
	return found
}
