package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit/export"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// exportOptions are the flags of export.
type exportOptions struct {
	scanFlags
	args     []string
	outputs  []string
	columns  []string
	checksum string
	saved    string
	schema   schemaFlag
}

const exportLong = `Write one row a key, as CSV, JSON Lines or Parquet: for DuckDB, Spark, Trino,
Athena and whatever else takes over where one machine ends.

TARGET is what it is for audit. Without --columns there are those of
%s
that the target can tell. Others:
%s
Templates are learned in a reading of their own: the target is read twice,
unless template is not among the columns. With a schema, keys have the templates
that it declares, and only the others are learned. A file is complete: what
could not be read to its end is in PATH.partial, and the exit code is 4.`

const exportExample = `  kvtool export dump.rdb -o parquet=keys.parquet
  kvtool export redis://127.0.0.1:6379 -o csv=k.csv --columns key,bytes
  kvtool export dump.rdb -o jsonl --match 'user:*' | jq .bytes`

func newExportCmd(env *Env) *cobra.Command {
	var o exportOptions
	usual := columnNames(export.Default())
	c := &cobra.Command{
		Use:               "export [TARGET]",
		Short:             "Write one row a key as CSV, JSON Lines or Parquet",
		Long:              fmt.Sprintf(exportLong, listed(usual), listed(columnNames(export.All())[len(usual):])),
		Example:           exportExample,
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runExport(c.Context(), env, o)
		},
	}
	f := c.Flags()
	f.StringArrayVarP(&o.outputs, "output", "o", nil, "`FORMAT[=PATH]`, repeatable: "+strings.Join(exportFormats(), ", "))
	f.StringSliceVar(&o.columns, "columns", nil, "the columns, in this order: `NAME,…`")
	bindMatch(c, &o.match)
	f.StringVar(&o.checksum, "checksum", "", "on or off: whether a dump's checksum is verified; as ?checksum= of the target")
	f.StringVar(&o.saved, "templates", "", "take the templates from the saved audit `FILE`.kvr: the target is read once")
	o.schema.bind(c)
	bindRate(c, &o.rate)
	bindMaxImpact(c)
	bindTimeout(c, &o.timeout)
	bindNoDemo(c, &o.noDemo)
	bindProgress(c, &o.progress)
	complete(c, "templates", completeSnapshots)
	fixedValues(c, "checksum", "on", "off")
	fixedValues(c, "columns", columnNames(export.All())...)
	fixedValues(c, "output", exportFormats()...)
	return c
}

// listed returns names as indented lines of a help text.
func listed(names []string) string {
	var b strings.Builder
	width := 0
	for i, n := range names {
		if i < len(names)-1 {
			n += ","
		}
		if width += 1 + len(n); i == 0 || width > 78 {
			width = len(n) + 1
			b.WriteString("\n ")
		}
		b.WriteString(" " + n)
	}
	return b.String()[1:]
}

func columnNames(columns []export.Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}

func exportFormats() []string {
	var names []string
	for _, f := range export.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func runExport(ctx context.Context, env *Env, o exportOptions) error {
	outs, err := o.parse(env)
	if err != nil {
		return err
	}
	asked, err := o.askedColumns()
	if err != nil {
		return err
	}
	declared, err := o.schema.load()
	if err != nil {
		return err
	}
	s, err := o.open(ctx, env, false, opening{args: o.args, writes: exportPaths(outs), before: o.verify})
	if err != nil {
		return err
	}
	defer s.end()
	x := &exporting{
		env: env, exportOptions: o, store: s.store, asked: asked, declared: declared, once: s.target.Path == "-", progress: s.progress,
	}
	return x.run(s.ctx, outs)
}

// verify adds to a target whether its checksum is verified.
func (o *exportOptions) verify(t *kv.Target) error {
	if o.checksum == "" {
		return nil
	}
	if t.Query == nil {
		t.Query = map[string][]string{}
	}
	t.Query.Set("checksum", o.checksum)
	return nil
}

// askedColumns returns the columns of --columns, or nil.
func (o *exportOptions) askedColumns() ([]export.Column, error) {
	var asked []export.Column
	all := export.All()
	for _, name := range o.columns {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(all, func(c export.Column) bool { return c.Name == name })
		switch {
		case i < 0:
			return nil, meantWord(kv.Usagef("--columns: there is no column %q", name), name, columnNames(all), "columns: "+strings.Join(columnNames(all), ", "))
		case slices.Contains(columnNames(asked), name):
			return nil, kv.WithHint(kv.Usagef("--columns: %s is there twice", name), "name each column once")
		}
		asked = append(asked, all[i])
	}
	return asked, nil
}

// exporting is one run of the command.
type exporting struct {
	env *Env
	exportOptions
	store    kv.Store
	info     *kv.Info
	asked    []export.Column // nil if none in particular
	declared *schema.Schema  // nil without --schema
	once     bool            // the store can be read once only
	progress *progress

	unlearned error // why the templates are not of all keys
}

// run reads the store, once or twice, and writes outs.
func (x *exporting) run(ctx context.Context, outs []exportOutput) error {
	info, err := x.store.Info(ctx)
	if err != nil {
		return targetError(ended(ctx, err))
	}
	x.info = info
	x.progress.clear() // what there is to say of the columns has lines of its own
	t := &export.Table{}
	if t.Columns, err = x.choose(); err != nil {
		return err
	}
	opt := export.Options{Match: x.match, Limiter: kv.NewLimiter(float64(x.rate)), Every: x.progress.every(), Update: x.update}
	opt.Expect = info.Measures()
	if info.Live { // the rows of another store come in the same order every time
		opt.Parallel = parallel
	}
	if slices.ContainsFunc(t.Columns, export.Column.Template) {
		c, err := x.classifier(ctx, opt)
		if err != nil {
			return err
		}
		t.Templates = c.Texts
		opt.Classify = func() func(string) int { return classify(c) }
	}
	t.Meta = x.meta()
	return x.write(ctx, t, outs, opt)
}

// choose returns the columns that there will be. One that was asked for must be known; the others are left out if they are
// not, and that is said.
func (x *exporting) choose() ([]export.Column, error) {
	columns := x.asked
	if columns == nil {
		columns = export.Default()
	}
	var chosen []export.Column
	var missing []string
	have := x.info.Provides()
	for _, c := range columns {
		switch why := x.whyNot(c, have); {
		case why == "":
			chosen = append(chosen, c)
			x.warnSampled(c)
		case x.asked != nil:
			return nil, x.cannot(c, why)
		case c.Template():
			fmt.Fprintf(x.env.Stderr, "kvtool: column template is left out: %s\n", why)
		default:
			missing = append(missing, c.Name)
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(x.env.Stderr, "kvtool: columns that this target cannot tell are left out: %s\n", strings.Join(missing, ", "))
	}
	if len(chosen) == 0 {
		return nil, kv.WithHint(kv.Usagef("this target tells nothing that a column holds"), "kvtool doctor says what it tells")
	}
	return chosen, nil
}

// warnSampled says that a column has a value for a sample of the keys only.
func (x *exporting) warnSampled(c export.Column) {
	for _, f := range x.info.Facts {
		if f.Field&c.Needs != 0 && f.How == kv.Sampled {
			fmt.Fprintf(x.env.Stderr, "kvtool: column %s is of a sample and empty for the other keys: %s\n", c.Name, f.Why)
		}
	}
}

// whyNot says why there can be no column c, or nothing.
func (x *exporting) whyNot(c export.Column, have kv.Field) string {
	missing := c.Needs &^ have
	switch {
	case missing == 0 && c.Template() && x.once && x.saved == "":
		return "standard input can be read once only, and templates are learned in a reading of their own"
	case missing == 0:
		return ""
	}
	for _, f := range x.info.Facts {
		if f.Field&missing != 0 && f.Why != "" {
			return f.Why
		}
	}
	return "this target does not tell " + missing.String()
}

// cannot is the error for a column that was asked for.
func (x *exporting) cannot(c export.Column, why string) error {
	err := kv.Usagef("--columns: no %s: %s", c.Name, why)
	if c.Template() {
		return kv.WithHint(err, "write the input to a file first, or take them from a saved audit: --templates FILE.kvr")
	}
	for _, f := range x.info.Facts {
		if f.Field&c.Needs != 0 && f.Hint != "" {
			return kv.WithHint(err, f.Hint)
		}
	}
	return kv.WithHint(err, "leave the column out: without --columns there are those that the target can tell")
}

// classifier returns what tells the templates: a saved audit, or the names of all keys.
func (x *exporting) classifier(ctx context.Context, opt export.Options) (*keydesign.Classifier, error) {
	if x.saved == "" {
		c, err := x.learn(ctx, opt)
		if err != nil {
			return nil, targetError(fmt.Errorf("learning the templates: %w", err))
		}
		return c, nil
	}
	r, err := x.env.readReport(ctx, x.saved)
	if err != nil {
		return nil, fmt.Errorf("--templates: %w", err)
	}
	c, err := keydesign.SavedClassifier(x.declared, r.Parts)
	if err != nil {
		return nil, fmt.Errorf("--templates %s: %w", x.saved, err)
	}
	if c == nil {
		return nil, kv.WithHint(kv.Usagef("--templates %s: it holds no templates", x.saved), "kvtool audit TARGET --save FILE.kvr, with templates among its analyses")
	}
	return c, nil
}

// learn reads the names of all keys and returns what tells their templates. Where the target cannot be read to its end the
// templates are those of what can be: the rows will end there, too, and with them the export says why.
func (x *exporting) learn(ctx context.Context, opt export.Options) (*keydesign.Classifier, error) {
	for restarts := 0; ; restarts++ {
		x.progress.scanning()
		names := keydesign.NewNames(x.declared)
		all := make(chan *keydesign.Names, 1)
		all <- names
		keys, err := export.Scan(ctx, x.store, kv.FieldName, opt, func() export.Sink {
			return &learner{keydesign.NewNames(x.declared), all}
		})
		switch {
		case errors.Is(err, kv.ErrRestart) && restarts < maxRestarts:
			continue
		case err != nil && (ctx.Err() != nil || keys == 0 && !errors.Is(err, kv.ErrCorrupt)):
			return nil, ended(ctx, err)
		}
		x.unlearned = err
		return names.Classifier(), nil
	}
}

// A learner learns the names of one shard.
type learner struct {
	names *keydesign.Names
	all   chan *keydesign.Names // of all shards; whoever takes it merges into it
}

func (l *learner) Take(r *kv.Record) error {
	if r.Has(kv.FieldName) {
		l.names.Add(r.Key)
	}
	return nil
}

func (l *learner) End() error {
	all := <-l.all
	all.Merge(l.names)
	l.all <- all
	return nil
}

// classify returns what tells the template of a key to one goroutine.
func classify(c *keydesign.Classifier) func(key string) int {
	match := c.Matcher()
	return func(key string) int {
		if i, ok := match(key); ok {
			return i
		}
		return export.NoTemplate
	}
}

// meta is what a file says of itself.
func (x *exporting) meta() []export.Meta {
	taken := x.info.Clock
	if taken.IsZero() {
		taken = x.env.Now()
	}
	return []export.Meta{
		{Name: "kvtool.version", Value: tool().Version},
		{Name: "kvtool.target", Value: x.info.Target},
		{Name: "kvtool.product", Value: strings.TrimSpace(x.info.Product + " " + x.info.Version)},
		{Name: "kvtool.taken", Value: taken.UTC().Format(time.RFC3339)},
	}
}

// update shows progress.
func (x *exporting) update(keys int64) {
	c := report.Coverage{Keys: keys}
	if x.info.KeysKnown && x.match == "" {
		c.Of = &x.info.Keys
	}
	x.progress.update(&report.Report{Coverage: c})
}

// maxRestarts is how often an export begins again because part of the store has moved to where it cannot be continued.
const maxRestarts = 3

// write writes the rows to outs, in one more reading.
func (x *exporting) write(ctx context.Context, t *export.Table, outs []exportOutput, opt export.Options) error {
	for restarts := 0; ; restarts++ {
		files, err := createFiles(x.env, outs, t)
		if err != nil {
			return err
		}
		x.progress.scanning()
		r, err := export.Keys(ctx, x.store, t, writers(files), opt)
		if errors.Is(err, kv.ErrRestart) && restarts < maxRestarts && !slices.ContainsFunc(files, exportFile.onward) {
			discard(files)
			x.progress.clear()
			x.env.say("warning", "beginning again: "+oneLine(err))
			continue
		}
		x.progress.done(r.Keys)
		switch err = ended(ctx, err); {
		case err == nil && x.unlearned != nil:
			err = fmt.Errorf("learning the templates: %w", x.unlearned)
		case err == nil && r.Lacking > 0:
			err = fmt.Errorf("%d keys did not tell all that they were asked", r.Lacking)
		}
		return x.end(files, r.Keys, err)
	}
}

// end closes the files, under the names that fit what is in them, and decides the exit code. That a store lists its keys to nobody
// is no failure.
func (x *exporting) end(files []exportFile, keys int64, err error) error {
	if err != nil && keys == 0 && exitCode(targetError(err)) == exitTarget {
		discard(files)
		if x.info.Provides()&kv.FieldName == 0 {
			return &codeError{exitIncomplete, err}
		}
		return targetError(err)
	}
	var errs []error
	code := exitOK
	for i := range files {
		f := &files[i]
		switch e := f.finish(err == nil); {
		case e != nil:
			errs, code = append(errs, e), exitUsage
		case err != nil && f.path != "":
			x.env.say("warning", fmt.Sprintf("%s is not complete: %d keys", f.name(), keys))
		}
	}
	if err != nil {
		code = worst(code, partialExport(err))
	}
	if err = errors.Join(append(errs, err)...); err == nil {
		return nil
	}
	return &codeError{code, err}
}

// partialExport is the code of an export that has written some rows before err.
func partialExport(err error) int {
	var unwritten *export.WriteError
	switch code := exitCode(err); {
	case errors.As(err, &unwritten):
		return exitUsage
	case code == exitInterrupted, code == exitInternal:
		return code
	}
	return exitIncomplete
}
