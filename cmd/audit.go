package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/join"
	"github.com/kvtool/kvtool/drift/orphans"
	"github.com/kvtool/kvtool/drift/refs"
	"github.com/kvtool/kvtool/keydesign/fit"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// auditOptions are the flags of audit.
type auditOptions struct {
	viewFlags
	gateFlags
	fleetFlags
	scanFlags
	flags    *pflag.FlagSet                                    // of the command line: which were given
	settings func(context.Context, kv.Store) map[string]string // what is saved of them; nil: they are not asked for
	args     []string
	only     []string
	schema   schemaFlag
	declared *schema.Schema // nil without --schema
	save     saveFlag
	resume   string
	server   serverFlag
	ruled    []string // rules of servers that were judged
	refs     bool
	recheck  time.Duration
}

const auditLong = `Scan a store once and report what is in it, what it costs and what is wrong with
it.

TARGET is a URL (redis://HOST:PORT), scheme:path (rdb:FILE, keys:FILE), @NAME of
a target in .kvtool.yaml, the path of a file whose first bytes say what it is,
or - for stdin. No TARGET means the one that .kvtool.yaml names, else demo:, the
built-in store. Nothing is ever written to a store.

Of several targets, such as all that .kvtool.yaml names @prod-…, there is a row
each, the one first that needs somebody. One that is dead hides no other.`

const auditExample = `  kvtool audit redis://127.0.0.1:6379 --rate 50k/s
  kvtool audit dump.rdb --fail-on error
  kvtool audit dump.rdb --only sizes --top 100
  redis-cli --scan | kvtool audit keys:-
  kvtool audit dump.rdb -o text -o json=audit.json -o prom=kvtool.prom
  kvtool audit redis://127.0.0.1:6379 --save prod.kvr
  kvtool audit dump.rdb --schema keys.yaml
  kvtool audit '@prod-*' --out reports`

func newAuditCmd(env *Env) *cobra.Command {
	var o auditOptions
	c := &cobra.Command{
		Use:               "audit [TARGET…]",
		Short:             "Report what is in a store, what it costs and what is wrong with it",
		Long:              auditLong,
		Example:           auditExample,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args, o.flags = args, c.Flags()
			return runAudit(c.Context(), env, o)
		},
	}
	o.bind(c)
	o.fleetFlags.bind(c)
	return c
}

func (o *auditOptions) bind(c *cobra.Command) {
	o.viewFlags.bind(c)
	o.gateFlags.bind(c)
	o.scanFlags.bind(c)
	f := c.Flags()
	f.StringSliceVar(&o.only, "only", nil, "run only these `ANALYSES`, and read only what they need: "+
		strings.Join(analysisNames(analyzers(0)), ", ")+"; sizes brings biggest along")
	complete(c, "only", completeAnalyses)
	bindNow(c, &o.now)
	o.schema.bind(c)
	o.server.bind(c)
	f.BoolVar(&o.refs, "refs", false, "follow the refs of the schema, as drift orphans does: a live store is asked about each orphan twice")
	bindRecheck(c, &o.recheck)
	o.save.bind(c)
	f.StringVar(&o.resume, "resume", "", "go on with the interrupted audit in a snapshot `FILE`.kvr")
	complete(c, "resume", completeSnapshots)
}

func runAudit(ctx context.Context, env *Env, o auditOptions) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	if o.declared, err = o.schema.load(); err != nil {
		return err
	}
	if env.isFleet(o.args) {
		return auditFleet(ctx, env, o)
	}
	g, err := env.gate(ctx, &o.gateFlags, o.now, env.targetOf(o.args))
	if err != nil {
		return err
	}
	r, scanErr := o.read(ctx, env, outs)
	if r == nil {
		return scanErr
	}
	return o.report(env, g, outs, r, scanErr)
}

// read reads the target. The report is nil if there is nothing to report; with one, the error is what ended the scan early.
func (o *auditOptions) read(ctx context.Context, env *Env, outs []output) (*report.Report, error) {
	chosen, err := choose(analyzersOf(o.declared, o.top), o.only)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(o.checkDepth(chosen), o.checkRefs(), o.save.check(outs)); err != nil {
		return nil, err
	}
	var old *report.Report
	if o.resume != "" {
		if old, o.args, err = env.resumed(ctx, o.resume, o.args); err != nil {
			return nil, err
		}
	}
	s, err := o.open(ctx, env, o.quiet, opening{args: o.args, writes: writtenBy(outs, o.save.written())})
	if err != nil {
		return nil, err
	}
	defer s.end()
	r, scanErr := o.scan(s, chosen, old)
	if old != nil && errors.Is(scanErr, kv.ErrUsage) { // it is not the rest of what the file holds
		return nil, scanErr
	}
	if scanErr = ended(s.ctx, scanErr); r == nil || !worthReporting(r, scanErr) {
		return nil, targetError(scanErr)
	}
	return r, scanErr
}

// followed adds the rules about references to those that were judged.
func (o *auditOptions) followed(judged map[string]bool) {
	if !o.refs {
		return
	}
	for _, rule := range orphans.Rules() {
		judged[rule.ID] = true
	}
}

// withTimeout returns a context that --timeout ends; 0 is never.
func withTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, timeout, fmt.Errorf("%w %s", errTimeout, timeout))
}

// checkDepth refuses what cannot be meant: a depth that nobody is there to decide on.
func (o *auditOptions) checkDepth(c choice) error {
	templates := slices.ContainsFunc(c.run, func(a *audit.Analyzer) bool { return a.Name == "templates" })
	if o.depth == audit.DepthAdaptive && !templates {
		return kv.WithHint(kv.Usagef("--depth adaptive without the analysis templates, which decides what to ask"), "add templates to --only")
	}
	return nil
}

// scan folds the target. The report is nil if the store could not be asked anything.
func (o *auditOptions) scan(s *scanning, chosen choice, old *report.Report) (*report.Report, error) {
	s.progress.scanning()
	opt := s.options()
	opt.Save = o.save.path != "" || o.out != ""
	opt.Settings = o.set(s.ctx, s.store)
	opt.Resume = old
	end, err := o.examine(s.ctx, s.store)
	if err != nil {
		return nil, err
	}
	r, err := o.run(s, chosen.run, opt)
	if r == nil {
		return nil, targetError(err)
	}
	end(r)
	r.Tool = tool()
	r.Skipped = append(r.Skipped, chosen.out...)
	s.progress.done(r.Coverage.Keys)
	return r, err
}

// run reads a store, and follows what its keys refer to if that was asked for.
func (o *auditOptions) run(s *scanning, as []*audit.Analyzer, opt audit.Options) (*report.Report, error) {
	if !o.refs {
		return audit.Run(s.ctx, s.store, as, opt)
	}
	search := orphans.Options{
		Schema: o.declared, Analyzers: as, Whole: true, Entries: true, Audit: opt, Join: join.Options{Memory: referenceMemory},
		Waiting: s.waiting(), Recheck: o.recheck,
	}
	search.References, search.Skipped = refs.Of(o.declared)
	return orphans.Run(s.ctx, s.store, search)
}

// referenceMemory is what references may take beside an audit, in bytes: of more a sample is followed, and the report says so.
const referenceMemory = 512 << 20

// checkRefs refuses what would call keys orphans whose parents were not read.
func (o *auditOptions) checkRefs() error {
	switch {
	case !o.refs:
	case o.declared == nil:
		return kv.WithHint(kv.Usagef("--refs without --schema: nothing says which keys refer to which"), "kvtool drift orphans infers them, too")
	case o.match != "":
		return kv.WithHint(kv.Usagef("--refs with --match: what is not read would be missed by what refers to it"), "leave one of the two out")
	case o.resume != "":
		return kv.WithHint(kv.Usagef("--refs with --resume: what was read before is not known by name"), "leave one of the two out")
	case o.only != nil:
		return kv.WithHint(kv.Usagef("--refs with --only"), "leave --only out: to follow references all is read; kvtool drift orphans does that alone")
	}
	return nil
}

// parallel is how many shards are scanned at once: enough to fill what waits for the network or a second core, few
// enough not to be felt by a server.
const parallel = 4

// ended replaces the error of a run that was stopped from outside by what stopped it. A connection has its deadline from
// ctx and may notice an instant earlier.
func ended(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if at, ok := ctx.Deadline(); ok && time.Until(at) < 50*time.Millisecond {
		<-ctx.Done()
	}
	if ctx.Err() == nil {
		return err
	}
	return context.Cause(ctx)
}

// blind reports whether the store of a report lists its keys to nobody, or not to this user. What else is known of it is reported.
func blind(r *report.Report) bool {
	return r.Coverage.Keys == 0 && r.Target.How("name") == kv.Missing.String()
}

// worthReporting reports whether the report of a scan that ended with err says anything: one that failed before its
// first record says nothing, unless no record was to be had, the input is damaged or somebody stopped it.
func worthReporting(r *report.Report, err error) bool {
	return err == nil || r.Coverage.Keys > 0 || blind(r) || exitCode(err) == exitIncomplete || exitCode(err) == exitInterrupted
}

// report saves and judges r, writes it and decides the exit code.
func (o *auditOptions) report(env *Env, g *gate, outs []output, r *report.Report, scanErr error) error {
	judged := o.finish(r, scanErr)
	if s := o.declared; s != nil {
		g.policy.Suppressions = append(g.policy.Suppressions, lint.Suppressions(s)...)
	}
	failed := o.save.write(r)
	if r.Resume != nil && failed == nil && kv.Hint(scanErr) == "" {
		scanErr = kv.WithHint(scanErr, "go on where it ended: kvtool audit TARGET --resume "+o.save.path)
	}
	code := partialCode(r, scanErr)
	r = g.judge(env, r, judged)
	return g.conclude(env, &o.viewFlags, outs, r, code, scanErr, failed)
}

// finish adds to what was read what follows from it, and returns the rules that were judged.
func (o *auditOptions) finish(r *report.Report, scanErr error) (judged map[string]bool) {
	explain(r, scanErr)
	advise(r, o.declared)
	addFixes(r)
	judged = ran(r, analyzersOf(o.declared, 0))
	o.followed(judged)
	for _, id := range o.ruled {
		judged[id] = true
	}
	if s := o.declared; s != nil {
		r.Design = designOf(s, len(judged))
	}
	return judged
}

// advise adds whether a key-value store is the right kind of store, where anything can be said of that.
func advise(r *report.Report, s *schema.Schema) {
	if sec := fit.Section(s, r); s != nil || fit.Advises(sec) {
		r.Sections = append(r.Sections, *sec)
	}
}

// explain says in the report why it is not complete, in the words of what stopped it rather than of what noticed.
func explain(r *report.Report, err error) {
	c := &r.Coverage
	if err == nil || len(c.Why) == 0 {
		return
	}
	rest := c.Why[1:]
	if errors.Is(err, errInterrupted) || errors.Is(err, errTimeout) {
		c.Why = append([]string{err.Error()}, rest...)
		return
	}
	var lines []string
	for _, l := range strings.Split(c.Why[0], "\n") {
		if !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	c.Why = append(lines, rest...)
}

// addFixes gives each finding that knows no better the advice of its rule, so that a report can be read without kvtool.
func addFixes(r *report.Report) {
	fixes := map[string]string{}
	for _, rule := range rules() {
		fixes[rule.ID] = rule.Fix
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Fix == "" {
			f.Fix = fixes[f.Rule]
		}
	}
}

func isDemo(r *report.Report) bool { return strings.HasPrefix(r.Target.URL, demoTarget) }

func gateCode(g *report.Gate) int {
	switch {
	case g == nil || g.Verdict == report.Pass:
		return exitOK
	case g.Verdict == report.Fail:
		return exitGate
	}
	return exitIncomplete
}

// partialCode is the code of a run that has written a report although the scan ended with err, or without all that it
// asked for.
func partialCode(r *report.Report, err error) int {
	switch code := exitCode(err); {
	case err == nil && r.Coverage.Complete, code == exitInterrupted, code == exitInternal:
		return code
	}
	return exitIncomplete
}
