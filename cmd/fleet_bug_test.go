package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/cmd"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A buggy store is examined by code that has a bug.
type buggy struct{ kv.Store }

func (b buggy) Examine(context.Context) ([]kv.Exam, error) {
	return []kv.Exam{buggyExam{}, buggyExam{}}, nil
}

type buggyExam struct{}

func (buggyExam) Place() string                               { return "here" }
func (buggyExam) Ping(context.Context) (time.Duration, error) { return 0, nil }
func (buggyExam) Vitals(context.Context) (*kv.Vitals, error)  { panic("a bug of the test") }
func (buggyExam) Close() error                                { return nil }
func (buggyExam) Details(context.Context, *kv.Vitals) (*kv.Details, error) {
	return nil, nil
}

// TestFleetBug: a bug that shows at one target, in whichever goroutine, is the row of that one, and the exit code says that there was one;
// the others are looked at. Of one target alone it is the exit code.
func TestFleetBug(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	s.Client(t).Must(t, "SET", "a", "b")
	do := func(args ...string) (code int, out, errs string) {
		var o, e bytes.Buffer
		code = cmd.Main(args, &cmd.Env{
			Stdin: strings.NewReader(""), Stdout: &o, Stderr: &e, Getenv: func(string) string { return "" }, Now: time.Now, Adapters: adapters.All(),
			Open: func(ctx context.Context, target kv.Target) (kv.Store, error) {
				store, err := adapters.Open(ctx, target)
				if strings.HasPrefix(target.String(), "ref:") && err == nil {
					return buggy{store}, nil
				}
				return store, err
			},
		})
		return code, o.String(), e.String()
	}
	good, bad := "redis://"+s.Addr, "ref:?keys=1000"
	for _, command := range [][]string{{"triage", "--window", "20ms"}, {"audit", "--server", "--only", "totals"}} {
		code, out, errs := do(append(command, bad, good, "-o", "json", "--progress", "none")...)
		var r report.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil || code != 5 {
			t.Fatalf("%q: exit %d, %v: %s%.6000s", command, code, err, errs, out)
		}
		rows := map[string]string{}
		for _, row := range r.Sections[0].Tables[0].Rows {
			name, _ := row[0].Text()
			state, _ := row[1].Text()
			what, _ := row[5].Text()
			rows[name] = strings.TrimSpace(state + " " + what)
		}
		if rows[bad] != "crashed internal: a bug of the test" || !strings.HasPrefix(rows[good], "ok") {
			t.Errorf("%q: %q", command, rows)
		}
		if _, _, errs := do(append(command, bad, good, "-o", "json", "--progress", "none", "--debug")...); !strings.Contains(errs, "buggyExam.Vitals") {
			t.Errorf("%q: no stack in %s", command, errs)
		}
		code, out, errs = do(append(command, bad)...)
		if code != 5 || out != "" || !strings.Contains(errs, "internal: a bug of the test\n") || !strings.Contains(errs, "--debug") {
			t.Errorf("%q: exit %d: %s%s", command, code, out, errs)
		}
	}
}
