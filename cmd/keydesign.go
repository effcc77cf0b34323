package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

func newKeydesignCmd(env *Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "keydesign",
		Short: "Design keys: judge a schema, and say what the rules mean",
		Args:  noSuchCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		newCheckCmd(env),
		newDiffCmd(env),
		newDocsCmd(env),
		newExplainCmd(env),
		newDesignExportCmd(env),
		newImportCmd(env),
		newInferCmd(env),
		newLintCmd(env),
		newRulesCmd(env),
		newSimulateCmd(env),
	)
	return c
}

// rulesOptions are the flags of the commands that print rules.
type rulesOptions struct {
	format   string
	width    int
	severity report.Severity
	store    string
}

func (o *rulesOptions) bind(c *cobra.Command) {
	c.Flags().StringVarP(&o.format, "output", "o", "text", "`FORMAT`: text, json, md")
	bindWidth(c, &o.width)
	fixedValues(c, "output", "text", "json", "md")
}

func newExplainCmd(env *Env) *cobra.Command {
	var o rulesOptions
	c := &cobra.Command{
		Use:     "explain RULE",
		Short:   "Say what a rule means, why it matters and what to do",
		Example: "  kvtool keydesign explain KD061\n  kvtool keydesign explain ttl-less-keys -o md",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return kv.WithHint(kv.Usagef("%s takes one rule", c.CommandPath()), "kvtool keydesign rules lists them")
			}
			return nil
		},
		ValidArgsFunction: completeRules,
		RunE: func(_ *cobra.Command, args []string) error {
			return runExplain(env, o, args[0])
		},
	}
	o.bind(c)
	return c
}

func runExplain(env *Env, o rulesOptions, name string) error {
	r, err := findRule(name)
	if err != nil {
		return err
	}
	return o.write(env, r, func(w io.Writer, opt render.Options) error { return render.Rule(w, r, opt) }, []*report.Rule{r})
}

// findRule finds a rule by its id or name, in any case.
func findRule(name string) (*report.Rule, error) {
	var names []string
	for _, r := range rules() {
		if strings.EqualFold(r.ID, name) || strings.EqualFold(r.Name, name) {
			return r, nil
		}
		names = append(names, r.ID, r.Name)
	}
	err := kv.Usagef("no rule %q", name)
	if n := nearest(name, names); n != "" {
		return nil, kv.WithHint(err, "did you mean "+n+"? kvtool keydesign rules lists them all")
	}
	return nil, kv.WithHint(err, "kvtool keydesign rules lists them")
}

func newRulesCmd(env *Env) *cobra.Command {
	var o rulesOptions
	c := &cobra.Command{
		Use:     "rules",
		Short:   "List the rules",
		Example: "  kvtool keydesign rules --severity error\n  kvtool keydesign rules -o json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.checkStore(); err != nil {
				return err
			}
			rs := o.choose(rules())
			return o.write(env, rs, func(w io.Writer, opt render.Options) error { return render.Rules(w, rs, opt) }, rs)
		},
	}
	o.bind(c)
	c.Flags().Var(&o.severity, "severity", "only rules that can be as bad as this: error, warning, info")
	fixedValues(c, "severity", "error", "warning", "info")
	c.Flags().StringVar(&o.store, "store", "", "only rules that apply to this store, such as redis")
	return c
}

// checkStore refuses a store that no rule is of: most likely it is misspelt, and the list would look as if none were.
func (o *rulesOptions) checkStore() error {
	var known []string
	for _, r := range rules() {
		known = append(known, r.Stores...)
	}
	slices.Sort(known)
	if known = slices.Compact(known); o.store == "" || containsFold(known, o.store) {
		return nil
	}
	return meantWord(kv.Usagef("--store %s: no rule is of it", o.store), o.store, known, "stores: "+strings.Join(known, ", "))
}

// choose returns the rules that the flags ask for.
func (o *rulesOptions) choose(all []*report.Rule) []*report.Rule {
	chosen := []*report.Rule{}
	for _, r := range all {
		applies := o.store == "" || len(r.Stores) == 0 || containsFold(r.Stores, o.store)
		if applies && (o.severity == "" || r.Severity.AtLeast(o.severity)) {
			chosen = append(chosen, r)
		}
	}
	return chosen
}

func containsFold(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}

// write writes rules in the format that was asked for: doc as JSON, with text for a terminal.
func (o *rulesOptions) write(env *Env, doc any, text func(io.Writer, render.Options) error, rs []*report.Rule) error {
	opt := render.Options{Width: o.width}
	switch o.format {
	case "text":
		if opt.Width == 0 {
			opt.Width = env.Width
		}
		opt.Color = env.colored("auto", true)
		return text(env.Stdout, opt)
	case "md":
		return render.RulesMarkdown(env.Stdout, rs, opt)
	case "json":
		b, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "%s\n", b)
		return err
	}
	return kv.WithHint(kv.Usagef("-o %s: unknown format", o.format), "formats: text, json, md")
}
