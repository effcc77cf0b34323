package cmd

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/report"
)

// gateFlags decide whether what a report says is a failure.
type gateFlags struct {
	failOn   report.Severity
	exitZero bool
}

func (g *gateFlags) bind(c *cobra.Command) {
	c.Flags().Var(&g.failOn, "fail-on", "exit 1 if there is a finding as bad as this: error, warning, info, never")
	c.Flags().BoolVar(&g.exitZero, "exit-zero", false, "exit 0 where the gate would exit 1 or 4")
	fixedValues(c, "fail-on", "error", "warning", "info", "never")
}

// judge sets the gate of a report that an audit with the flag --top has made.
func (g *gateFlags) judge(r *report.Report, top int) {
	r.Judge(g.failOn)
	if left := unjudged(analyzers(top), r.Skipped); r.Gate != nil && left != "" {
		r.Gate.Why = append(r.Gate.Why, left)
	}
	if r.Gate != nil && isDemo(r) {
		r.Gate.Why = append(r.Gate.Why, "(demo: data, not your store)")
	}
}

// conclude writes r, which has been judged, and decides the exit code: that of the gate, unless code says more. Err is what
// kept the report from being complete, if anything did; failed what could not be written before.
func (g *gateFlags) conclude(env *Env, v *viewFlags, outs []output, r *report.Report, code int, err, failed error) error {
	code = worst(gateCode(r.Gate), code)
	if g.exitZero && (code == exitGate || code == exitIncomplete) {
		code = exitOK
	}
	if failed = errors.Join(failed, v.write(env, outs, r, code)); failed != nil {
		return &codeError{worst(exitUsage, code), errors.Join(failed, err)}
	}
	if code == exitOK && err == nil {
		return nil
	}
	return &codeError{code, err}
}
