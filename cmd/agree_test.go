package cmd_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/cmd"
	"github.com/kvtool/kvtool/internal/keygen"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// What a live server says of its keys and what kvtool makes of the server's dump come by entirely different ways: one asks
// for MEMORY USAGE, the other computes it from length prefixes. They must agree.
func TestLiveAndDumpAgree(t *testing.T) {
	t.Parallel()
	keys := int64(60_000)
	if os.Getenv("KVTOOL_SOAK") != "" {
		keys = 200_000
	}
	s := servertest.Redis(t, servertest.Options{Args: []string{"--hash-max-listpack-entries", "128"}})
	space := keygen.New(keys)
	load(t, s, space)
	live := audit(t, "redis://"+s.Addr, adapters.Open, "--max-impact", "off")
	dump := audit(t, "rdb:"+save(t, s.Client(t)), adapters.Open)
	made := audit(t, "demo:", func(context.Context, kv.Target) (kv.Store, error) { return space.Store(), nil })

	for _, d := range []document{live, dump, made} {
		if got := d.Coverage.Keys; got != keys+10 || !d.Coverage.Complete {
			t.Errorf("%s: %d keys, complete: %v", d.Target.URL, got, d.Coverage.Complete)
		}
	}
	a, b := live.templates(t), dump.templates(t)
	if d := cmp.Diff(facts(a), facts(b)); d != "" {
		t.Errorf("templates, keys, keys without TTL (-live +dump):\n%s", d)
	}
	if d := cmp.Diff(facts(a), facts(made.templates(t))); d != "" {
		t.Errorf("what internal/keygen says of the keys it makes is not so (-live +keygen):\n%s", d)
	}
	liveSum, dumpSum := sum(a), sum(b)
	t.Logf("live %.0f B, dump %.0f B: %+.3f %%", liveSum, dumpSum, 100*(dumpSum/liveSum-1))
	if math.Abs(dumpSum/liveSum-1) > 0.01 {
		for name := range a {
			t.Logf("%-40s live %12.0f B, dump %12.0f B", name, a[name].Bytes, b[name].Bytes)
		}
		t.Errorf("the sums of bytes differ by more than 1 %%")
	}
	for _, d := range []document{live, dump} {
		// What neither knows is what its tables hold in a moment of growth, and of the live one how many elements they have.
		if left := d.residual(t); math.Abs(left) > 0.03 {
			t.Errorf("%s: %.1f %% of the memory in use is in no part", d.Target.URL, 100*left)
		} else {
			t.Logf("%s: residual %+.2f %%", d.Target.URL, 100*left)
		}
	}
}

// residual is the share of the memory in use that the section memory leaves unexplained.
func (d document) residual(t *testing.T) float64 {
	t.Helper()
	for _, s := range d.Sections {
		for _, m := range s.Metrics {
			if share, ok := m.Value.(float64); ok && s.Name == "memory" && m.Name == "residual_share" {
				return share
			}
		}
	}
	t.Fatalf("%s: no reconciliation", d.Target.URL)
	return 0
}

// A document is what the test reads of a report.
type document struct {
	Target struct {
		URL   string
		Facts []struct{ Name, How string }
	}
	Coverage struct {
		Keys     int64
		Complete bool
		Why      []string
	}
	Sections []struct {
		Name    string
		Metrics []struct {
			Name  string
			Value any
		}
		Tables []struct {
			Name    string
			Columns []struct{ Name string }
			Rows    [][]any
		}
	}
}

// audit runs the command on what open opens, checks its JSON against the published schema and returns it.
func audit(t *testing.T, target string, open func(context.Context, kv.Target) (kv.Store, error), flags ...string) document {
	t.Helper()
	var out, errs bytes.Buffer
	code := cmd.Main(append([]string{"audit", target, "-o", "json", "--progress", "none"}, flags...), &cmd.Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }, Now: time.Now,
		Adapters: adapters.All(), Open: open,
	})
	if code != 0 {
		t.Fatalf("audit %s: exit code %d: %s", target, code, errs.String())
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("..", "docs", "schema", "report-v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("audit %s: %v", target, err)
	}
	var d document
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// how returns how the document knows a fact.
func (d *document) how(fact string) string {
	for _, f := range d.Target.Facts {
		if f.Name == fact {
			return f.How
		}
	}
	return "missing"
}

// A template is one row of the table templates.
type template struct {
	Keys, NoTTL any
	Bytes       float64
}

// templates returns the rows of the table templates by template and type.
func (d document) templates(t *testing.T) map[string]template {
	t.Helper()
	rows := map[string]template{}
	for _, s := range d.Sections {
		for _, table := range s.Tables {
			if s.Name != "templates" || table.Name != "templates" {
				continue
			}
			for _, row := range table.Rows {
				cell := map[string]any{}
				for i, c := range table.Columns {
					cell[c.Name] = row[i]
				}
				size, _ := cell["bytes"].(float64)
				rows[fmt.Sprint(cell["template"], " ", cell["type"])] = template{cell["keys"], cell["no_ttl"], size}
			}
		}
	}
	if len(rows) < 12 {
		t.Fatalf("%s: %d templates: %v", d.Target.URL, len(rows), rows)
	}
	return rows
}

// facts returns what must be equal, without the bytes.
func facts(rows map[string]template) map[string]template {
	out := map[string]template{}
	for name, r := range rows {
		out[name] = template{Keys: r.Keys, NoTTL: r.NoTTL}
	}
	return out
}

func sum(rows map[string]template) float64 {
	total := 0.0
	for _, r := range rows {
		total += r.Bytes
	}
	return total
}

// load sends the keyspace to s in one stream, and waits until all of it has been answered.
func load(t *testing.T, s *servertest.Server, k *keygen.Keyspace) {
	t.Helper()
	conn, err := net.Dial("unix", s.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	done := make(chan error, 1)
	go func() { done <- awaitPong(conn) }()
	if _, err := k.WriteTo(conn); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// awaitPong reads replies up to the one to PING.
func awaitPong(conn net.Conn) error {
	for lines := bufio.NewScanner(conn); ; {
		if !lines.Scan() {
			return errors.Join(errors.New("the server hung up"), lines.Err())
		}
		switch line := lines.Text(); {
		case line == "+PONG":
			return nil
		case strings.HasPrefix(line, "-"):
			return errors.New(line)
		}
	}
}

// save has a server write its dump and returns the path.
func save(t *testing.T, c *servertest.Client) string {
	t.Helper()
	c.Must(t, "SAVE")
	dir := c.Must(t, "CONFIG", "GET", "dir").([]any)[1].(string)
	return filepath.Join(dir, "dump.rdb")
}
