package conformance

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// engineCommands returns the names of all commands of the engine, with subcommands as "config|get".
func engineCommands() []string {
	var names []string
	for _, c := range command.Table() {
		names = append(names, c.Name)
		for _, sub := range c.Sub {
			names = append(names, c.Name+"|"+sub.Name)
		}
	}
	slices.Sort(names)
	return names
}

// exercised returns the names of all commands that histories and plays send.
func exercised(t *testing.T) map[string]bool {
	names := map[string]bool{}
	for _, s := range specs() {
		names[s.name] = true
	}
	files, err := filepath.Glob("testdata/plays/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range parseCues(t, string(text)) {
			if len(c.args) == 0 {
				continue
			}
			name := strings.ToLower(c.args[0])
			names[name] = true
			if len(c.args) > 1 {
				names[name+"|"+strings.ToLower(c.args[1])] = true
			}
		}
	}
	return names
}

// TestEveryCommand fails for a command of the engine that no history and no play sends, and for one that is sent without being
// there.
func TestEveryCommand(t *testing.T) {
	sent, have := exercised(t), engineCommands()
	for _, name := range have {
		if !sent[name] {
			t.Errorf("%s: no grammar in specs, and no play", name)
		}
	}
	for _, s := range specs() {
		if !slices.Contains(have, s.name) {
			t.Errorf("%s: the engine does not have it", s.name)
		}
	}
}

// page is where the engine's commands are listed, and its differences from Redis.
const page = "../../../docs/reference-engine.md"

// TestPage holds the list of commands in docs/reference-engine.md to those that the engine has; -record writes it.
func TestPage(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- commands:begin -->\n", "<!-- commands:end -->\n"
	before, rest, ok1 := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatal("the page has no place for the commands")
	}
	fresh := before + begin + commandList(t) + end + after
	if fresh == string(text) {
		return
	}
	if *record {
		if err := os.WriteFile(page, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s does not list the engine's commands: go test ./adapters/reference/conformance -run TestPage -record", page)
}

// commandList writes the engine's commands by group, as a table. Subcommands stand behind their container.
func commandList(t *testing.T) string {
	c, err := dial(engineAddr(t, engine.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	groups := map[string][]string{}
	for _, command := range command.Table() {
		name := strings.ToUpper(command.Name)
		if len(command.Sub) > 0 {
			var subs []string
			for _, s := range command.Sub {
				subs = append(subs, strings.ToUpper(s.Name))
			}
			slices.Sort(subs)
			name += " (" + strings.Join(subs, " ") + ")"
		}
		g := group(t, c, command.Name)
		groups[g] = append(groups[g], name)
	}
	var b strings.Builder
	b.WriteString("| group | commands |\n|---|---|\n")
	for _, g := range slices.Sorted(maps.Keys(groups)) {
		slices.Sort(groups[g])
		b.WriteString("| " + g + " | " + strings.Join(groups[g], ", ") + " |\n")
	}
	return b.String()
}

// group returns the group of a command, as COMMAND DOCS has it.
func group(t *testing.T, c *conn, name string) string {
	r, err := c.do("COMMAND", "DOCS", name)
	if err != nil || len(r.items) != 2 {
		t.Fatalf("COMMAND DOCS %s: %v %v", name, r, err)
	}
	docs := r.items[1].items
	for i := 0; i+1 < len(docs); i += 2 {
		if docs[i].text == "group" {
			return docs[i+1].text
		}
	}
	t.Fatalf("%s has no group", name)
	return ""
}
