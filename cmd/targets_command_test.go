package cmd

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/config"
	"github.com/kvtool/kvtool/kv"
)

// TestEndlessList: a program that is to print a list and does not end is ended, whether it says nothing, something now and then, more than a
// list may have, or has left another behind that holds its output. Nothing is looked at then.
func TestEndlessList(t *testing.T) {
	t.Parallel()
	file, err := config.Parse("kvtool.yaml", []byte(`targets:
  silent: {targets_command: [sleep, "600"]}
  slow: {targets_command: "while :; do echo a redis://h:1; sleep 0.05; done"}
  complains: {targets_command: "echo no inventory today >&2; exec sleep 600"}
  endless: {targets_command: [yes, "a redis://h:1"]}
  behind: {targets_command: "sleep 20 & echo a redis://h:1; exec sleep 600"}
  closed: {targets_command: "exec >&- 2>&-; exec sleep 600"}
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"silent": "no answer in 300ms", "slow": "no answer in 300ms", "complains": "no answer in 300ms: no inventory today",
		"endless": "more than 4 MiB", "behind": "no answer in 300ms", "closed": "no answer in 300ms",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var errs bytes.Buffer
			e := &Env{
				Stderr: &errs, Now: time.Now, Getenv: func(string) string { return "" }, patience: 300 * time.Millisecond,
				conf: configuration{configSource{File: file, dir: t.TempDir(), trusted: true}},
			}
			if name == "endless" { // it prints as fast as the machine lets it
				e.patience = time.Minute
			}
			targets, _, err := e.fleetOf(t.Context(), []string{"@" + name})
			if err == nil || targets != nil || !strings.Contains(err.Error(), want) || exitCode(err) != exitUsage {
				t.Errorf("%q, %v (%s)", targets, err, kv.Hint(err))
			}
		})
	}
}
