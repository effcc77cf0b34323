package cmd

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kvtool/kvtool/adapters"
)

// commandTree calls fn for every command.
func commandTree(fn func(*cobra.Command)) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		fn(c)
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(newRootCmd(&Env{Adapters: adapters.All(), Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard}))
}

// Every help text has room on a terminal of 80 columns.
func TestHelpFits(t *testing.T) {
	commandTree(func(c *cobra.Command) {
		for _, text := range []string{c.Long, c.Example, c.Use} {
			for line := range strings.Lines(text) {
				if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > 80 {
					t.Errorf("%s: %q has more than 80 columns", c.CommandPath(), line)
				}
			}
		}
	})
}

// ofItsOwn are the flags that differ from command to command, and why. What is not here is the same wherever it is.
var ofItsOwn = map[string]string{
	"allow-writes": "what keeps from writing: keys that are there, or env: prod",
	"baseline":     "a dashboard has no gate",
	"columns":      "those that are read, or those that are written",
	"conns":        "a replay keeps each client of its trace to a connection",
	"duration":     "of a run, of a trace, of what is written into a file",
	"fail-on":      "the commands that check have a gate by themselves; diff of schemas knows breaks, not findings",
	"keys":         "serve: how many there are; report serve: what others may look at",
	"listen":       "two servers, two ports",
	"maxmemory":    "what is held to it, or what a server has",
	"min-share":    "a scenario has an operation for each template: it leaves out more",
	"out":          "a report as a snapshot file; in the place of stdout; a run, which can go into the log",
	"output":       "formats of a report, of rows, of a page, of one rule",
	"pipeline":     "a replay sends what is due; a closed loop always",
	"plan":         "by contract: drift clean writes one, skew makes one, drift orphans counts by one",
	"rate":         "of reading; of load; drift clean changes at one, too",
	"seed":         "of a load it is the scenario's, of a model and a trace its own",
	"show":         "findings; a plan; a scenario",
	"source":       "learning needs reads and writes apart, which LFU does not tell",
	"store":        "where keys are placed, or which rules are listed",
	"timeout":      "doctor asks a few questions, and waits for none for ever",
	"window":       "as long as the source bears it",
}

// A flag that several commands have means the same in each of them: words, type, shorthand and default are those of the others.
func TestFlags(t *testing.T) {
	seen := map[string]map[string][]string{}
	commandTree(func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name == "help" {
				return
			}
			form := fmt.Sprintf("%s, -%s, default %q: %s", f.Value.Type(), f.Shorthand, f.DefValue, f.Usage)
			if seen[f.Name] == nil {
				seen[f.Name] = map[string][]string{}
			}
			seen[f.Name][form] = append(seen[f.Name][form], c.CommandPath())
		})
	})
	for name := range ofItsOwn {
		if seen[name] == nil {
			t.Errorf("--%s is an exception, and no flag", name)
		}
	}
	for name, forms := range seen {
		if ofItsOwn[name] != "" && len(forms) == 1 {
			t.Errorf("--%s is the same everywhere: it needs no excuse", name)
		}
		if ofItsOwn[name] != "" || len(forms) == 1 {
			continue
		}
		var lines []string
		for form, commands := range forms {
			lines = append(lines, "\t"+form+"\n\t\t"+strings.Join(commands, ", "))
		}
		slices.Sort(lines)
		t.Errorf("--%s is not the same everywhere:\n%s", name, strings.Join(lines, "\n"))
	}
}
