package cmd_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/internal/servertest"
)

// What a server says of itself is advice where it is used as no key-value store should be, and none where it is a cache.
func TestAdviceOnAServer(t *testing.T) {
	t.Parallel()
	const keys = 12_000
	set := func(i int) []string { return []string{"SET", fmt.Sprint("user:", i), "value"} }
	cached := func(i int) []string { return append(set(i), "EX", "1000") }
	for name, c := range map[string]struct {
		args           []string
		fill           func(int) []string
		then           func(int) []string // a tenth as often
		slug, evidence string             // of the one advice, as it begins
	}{
		"cache": {[]string{"--maxmemory-policy", "allkeys-lru"}, cached, cached, "", ""},
		"database": {
			[]string{"--maxmemory-policy", "noeviction", "--appendonly", "yes"},
			set, set,
			"system-of-record", "maxmemory-policy noeviction, appendonly yes, 0% of the keys expire",
		},
		"scripts": {
			nil, cached, func(int) []string { return []string{"EVAL", "return 1", "0"} },
			"multi-key-transaction", "commandstats: 0 MULTI, 0 WATCH and 1200 EVAL or FCALL of 132",
		},
		"transactions": {
			nil, cached, func(i int) []string { return [][]string{{"MULTI"}, {"EXEC"}}[i%2] },
			"multi-key-transaction", "commandstats: 600 MULTI, 0 WATCH and 0 EVAL or FCALL of 132",
		},
		"scans": {
			nil, cached, func(int) []string { return []string{"SCAN", "0"} },
			"range-and-order", "commandstats: 0 KEYS and 1200 SCAN of 132",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Redis(t, servertest.Options{Args: c.args})
			client := s.Client(t)
			client.Fill(t, keys, c.fill)
			client.Fill(t, keys/10, c.then)
			got := adviceOf(audit(t, "redis://"+s.Addr, adapters.Open))
			if (got[c.slug] == "") != (c.slug == "") || !strings.HasPrefix(got[c.slug], c.evidence) || len(got) > 1 {
				t.Errorf("advice %q, want %s: %s", got, c.slug, c.evidence)
			}
		})
	}
}

// adviceOf returns the evidence of each advice by its slug.
func adviceOf(d document) map[string]string {
	advice := map[string]string{}
	for _, s := range d.Sections {
		for _, table := range s.Tables {
			if s.Name != "fit" || table.Name != "advice" {
				continue
			}
			for _, row := range table.Rows {
				advice[fmt.Sprint(row[0])] = fmt.Sprint(row[1])
			}
		}
	}
	return advice
}
