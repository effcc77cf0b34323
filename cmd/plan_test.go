package cmd

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

// A billed is a store of one key whose scans cost something.
type billed struct {
	plan    kv.Plan
	scanned *bool
}

func (b billed) Plan(context.Context) (kv.Plan, error) { return b.plan, nil }
func (b billed) Close() error                          { return nil }
func (b billed) Info(context.Context) (*kv.Info, error) {
	return &kv.Info{Adapter: "dynamodb", Product: "dynamodb", Target: "dynamodb://shop", Facts: []kv.Fact{{Name: "name", Field: kv.FieldName, How: kv.Measured}}}, nil
}

func (b billed) Scan(context.Context, kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		*b.scanned = true
		yield(&kv.Record{Key: "a", Known: kv.FieldName}, nil)
	}
}

// What a scan costs is said before it begins, and without a yes it does not begin.
func TestAccept(t *testing.T) {
	cost := kv.Plan{Known: true, Units: 12_800_000, Unit: "read units", Cost: 1.6, Basis: "list prices"}
	burden := kv.Plan{Known: true, Burden: []string{"the server forks", "and sends 12800000 read units, 1.60 USD (list prices)"}, Instead: "use SCAN"}
	for name, c := range map[string]struct {
		plan     kv.Plan
		args     []string
		terminal bool
		typed    string
		code     int
	}{
		"off a terminal":        {cost, nil, false, "yes\n", exitUsage},
		"told so":               {cost, []string{"--yes"}, false, "", exitOK},
		"confirmed":             {cost, nil, true, "yes\n", exitOK},
		"not confirmed":         {cost, nil, true, "no\n", exitUsage},
		"free":                  {kv.Plan{Free: true}, nil, false, "", exitOK},
		"a burden":              {burden, nil, false, "", exitUsage},
		"a burden, a yes":       {burden, []string{"--yes"}, false, "", exitOK},
		"a burden, confirmed":   {burden, nil, true, "yes\n", exitOK},
		"size not known":        {kv.Plan{}, nil, false, "", exitUsage},
		"size not known, a yes": {kv.Plan{}, []string{"--yes"}, false, "", exitOK},
	} {
		t.Run(name, func(t *testing.T) {
			scanned := false
			var out, said bytes.Buffer
			env := OS()
			env.Stdin, env.Stdout, env.Stderr, env.TTY, env.StderrTTY = strings.NewReader(c.typed), &out, &said, c.terminal, c.terminal
			env.Getenv = func(string) string { return "" }
			env.Open = func(context.Context, kv.Target) (kv.Store, error) { return billed{c.plan, &scanned}, nil }
			code := Main(append([]string{"audit", "dynamodb://shop", "--progress", "none"}, c.args...), env)
			if code != c.code || scanned != (code == exitOK) {
				t.Errorf("exit %d, read: %v\n%s", code, scanned, said.String())
			}
			if !c.plan.Free && c.plan.Known && !strings.Contains(said.String(), "12800000 read units, 1.60 USD (list prices)") {
				t.Errorf("the plan was not said:\n%s", said.String())
			}
			if code == exitUsage && strings.Contains(name, "off") && !strings.Contains(said.String(), "--yes") {
				t.Errorf("no hint:\n%s", said.String())
			}
		})
	}
	if err := OS().accept(t.Context(), failing{}, toScan); !errors.Is(err, errPlan) {
		t.Error(err)
	}
}

var errPlan = errors.New("no plan")

type failing struct{ billed }

func (failing) Plan(context.Context) (kv.Plan, error) { return kv.Plan{}, errPlan }
