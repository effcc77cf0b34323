package cmd_test

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/report"
)

// Where only a sample of the keys is asked, a budget is judged by its interval, which holds what a full scan says: a limit above
// all of it passes, one below fails, and one within is for nobody to say.
func TestSampledBudgets(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	s.Client(t).Fill(t, 120_000, func(i int) []string {
		key, value := "user:"+strconv.Itoa(i/2), strings.Repeat("v", 20+i*7919%400)
		if i%2 == 1 {
			return []string{"SET", "cart:" + strconv.Itoa(i/2), value}
		}
		if i/2%10 < 3 {
			return []string{"SET", key, value}
		}
		return []string{"SET", key, value, "EX", strconv.Itoa(10_000 + i)}
	})
	dir := t.TempDir()
	schema := filepath.Join(dir, "keys.yaml")
	text := "kvschema: 1\nfields: {uid: {type: int}}\ntemplates:\n  user: {key: \"user:{uid}\"}\n  cart: {key: \"cart:{uid}\"}\n"
	write(t, schema, text)
	// check returns the budgets by their names, and the exit code, with the given limits.
	check := func(target, bytesLimit, ttlLimit string, flags ...string) (map[string]report.Check, int) {
		config := filepath.Join(dir, "config.yaml")
		text := fmt.Sprintf("budgets:\n  - {metric: bytes_per_entity, entity: uid, max: %s}\n  - {metric: no_ttl_memory_share, max: %s}\n", bytesLimit, ttlLimit)
		write(t, config, text)
		args := []string{"keydesign", "check", target, "--schema", schema, "--config", config, "--fail-on", "never", "-o", "json", "--max-impact", "off"}
		code, out, errs := invoke(append(args, flags...)...)
		var r report.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%v: %s%s", err, errs, out)
		}
		checks := map[string]report.Check{}
		for _, c := range r.Gate.Checks {
			checks[c.Name] = c
		}
		return checks, code
	}
	full, code := check("redis://"+s.Addr, "1MiB", "100%")
	if code != 0 {
		t.Fatalf("exit code %d: %+v", code, full)
	}
	one := filepath.Join(dir, "sample.kvr") // the next sample would be another
	sampled, _ := check("redis://"+s.Addr, "1MiB", "100%", "--depth", "adaptive", "--save", one)
	for name, c := range sampled {
		truth, _ := full[name].Head.Number()
		head, _ := c.Head.Number()
		if c.Interval == nil || math.Abs(truth-head) > 1.5*(c.Interval.High-c.Interval.Low) { // once in 10⁸ runs
			t.Errorf("%s is %v, and %+v with the interval %+v", name, truth, c.Head, c.Interval)
		} else {
			t.Logf("%s is %.4g, and sampled within %.4g and %.4g", name, truth, c.Interval.Low, c.Interval.High)
		}
	}
	size, _ := sampled["bytes/uid"].Head.Number()
	within := strconv.Itoa(int(size)) + "B"
	share, _ := sampled["no-TTL memory"].Head.Number()
	half := strconv.FormatFloat(100*share, 'f', 4, 64) + "%"
	for _, c := range []struct {
		bytes, ttl string
		want       int
	}{
		{"1MiB", "100%", 0},
		{"1B", "100%", 1},
		{"1MiB", "1%", 1},
		{"1MiB", half, 4},
		{within, "100%", 4},
		{"1B", half, 1}, // what fails beats what nobody knows
	} {
		if checks, code := check(one, c.bytes, c.ttl); code != c.want {
			t.Errorf("%s, %s: exit code %d, want %d: %+v", c.bytes, c.ttl, code, c.want, checks)
		}
	}
}
