package kvtool_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/cmd"
	"github.com/kvtool/kvtool/kv"
)

// TestFleetLists runs the configuration that docs/fleets.md shows, with programs in the place of aws and kubectl that print what
// these print: each list has its targets, under their names and at their addresses.
func TestFleetLists(t *testing.T) {
	page, err := os.ReadFile("docs/fleets.md")
	if err != nil {
		t.Fatal(err)
	}
	yaml := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	if yaml == nil {
		t.Fatal("docs/fleets.md shows no configuration")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kvtool.yaml": string(yaml[1]),
		"aws": "#!/bin/sh\ncase \"$*\" in\n*'[?ClusterEnabled]'*) printf 'sessions\\tclustercfg.sessions.abc.use1.cache.amazonaws.com\\n' ;;\n" +
			"*) printf 'cart-1\\tmaster.cart-1.abc.use1.cache.amazonaws.com\\ncart-2\\tmaster.cart-2.abc.use1.cache.amazonaws.com\\n' ;;\nesac\n",
		"kubectl": "#!/bin/sh\nprintf 'shop.queue redis://queue.shop.svc:6379\\nshop.lock redis://lock.shop.svc:6379\\n'\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil { //nolint:gosec // two are programs
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	var out, errs bytes.Buffer
	env := &cmd.Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Now: time.Now, Adapters: adapters.All(),
		Getenv: func(name string) string { return map[string]string{"KVTOOL_AWS_PASSWORD": "sesame"}[name] },
		Open: func(ctx context.Context, target kv.Target) (kv.Store, error) {
			if strings.HasPrefix(target.Scheme, "rediss") != (target.Username == "auditor" && string(target.Password) == "sesame") {
				t.Errorf("%s: user %q, or not the password of its list", target, target.Username)
			}
			own, err := kv.ParseTarget("ref:?preset=empty") // of this target alone: triage sees what others ask a server
			if err != nil {
				return nil, err
			}
			return adapters.Open(ctx, own)
		},
	}
	if code := cmd.Main([]string{"triage", "@prod-*", "--config", filepath.Join(dir, "kvtool.yaml"), "--window", "50ms", "-o", "csv"}, env); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out.String(), errs.String())
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		cells := strings.Split(strings.TrimSpace(line), ",")
		if name, ok := strings.CutPrefix(cells[0], "'"); ok {
			got = append(got, name)
		}
	}
	want := "@prod-aws-clusters/sessions @prod-aws/cart-1 @prod-aws/cart-2 @prod-k8s/shop.lock @prod-k8s/shop.queue"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("targets\n%s\nwant\n%s\n%s", s, want, errs.String())
	}
}
