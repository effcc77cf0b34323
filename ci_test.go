package kvtool_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// ciFence is a set-up of a CI service in a document.
var ciFence = regexp.MustCompile("(?ms)^```yml\n(.*?)^```$")

// TestCI holds the set-ups of docs/ci.md: each is YAML, and each command of kvtool in it runs and passes, with the demo store in
// the place of a server and what is wrong with that in a baseline.
func TestCI(t *testing.T) {
	text, err := os.ReadFile("docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := workplace(t)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, code := run(t, dir, strings.Fields("keydesign check demo: --write-baseline demo.json --exit-zero -q"), withoutServers); code != 0 {
		t.Fatal(out)
	}
	write(".kvtool.yaml", "keydesign: {schema: keys.yaml, baseline: demo.json}\n")
	ran := 0
	for _, m := range ciFence.FindAllSubmatch(text, -1) {
		var doc any
		if err := yaml.Unmarshal(m[1], &doc); err != nil {
			t.Errorf("%v in\n%s", err, m[1])
		}
		for _, line := range commands(doc) {
			ran++
			args, _ := kvtoolArgs(line)
			if out, code := run(t, dir, args, withoutServers); code != 0 {
				t.Errorf("%s: exit code %d\n%s", line, code, out)
			}
		}
	}
	if ran != 3 {
		t.Errorf("docs/ci.md runs %d commands of kvtool, not one in each of its three set-ups", ran)
	}
	for _, name := range []string{"kv.md", "kv.sarif", "kv.xml", "gl.json"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Size() == 0 {
			t.Errorf("%s is not written: %v", name, err)
		}
	}
}

// commands returns the command lines of kvtool in a set-up, as a shell would take them: lines that end in a backslash go on, and
// the file of a service has a name of its own.
func commands(v any) []string {
	var lines []string
	switch v := v.(type) {
	case string:
		text := strings.ReplaceAll(v, "\\\n", " ")
		text = strings.ReplaceAll(text, `"$GITHUB_STEP_SUMMARY"`, "summary.md")
		for line := range strings.Lines(text) {
			if args, _ := kvtoolArgs(line); len(args) > 0 {
				lines = append(lines, line)
			}
		}
	case []any:
		for _, x := range v {
			lines = append(lines, commands(x)...)
		}
	case map[string]any:
		for key, x := range v {
			if key != "name" {
				lines = append(lines, commands(x)...)
			}
		}
	}
	return lines
}
