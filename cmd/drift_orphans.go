package cmd

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/join"
	"github.com/kvtool/kvtool/drift/orphans"
	"github.com/kvtool/kvtool/drift/refs"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/propose"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// orphansOptions are the flags of drift orphans.
type orphansOptions struct {
	viewFlags
	gateFlags
	scanFlags
	args    []string
	schema  schemaFlag
	refs    []string
	plan    string
	memory  byteSize
	spill   string
	quick   bool
	every   bool
	recheck time.Duration
}

const orphansLong = `Find keys that have lost what they refer to: children whose parent is gone
(KD082), index entries and members that lead to no key (KD081), entries whose
key does not lead back, and keys without their entry (KD083). With a schema also
keys that no template takes (KD013); and locks without expiry (KD062), keys that
nobody has used for a month (KD084).

What refers to what is said by the refs of the schema, else by --ref, else it is
inferred, and what is found then is for information:
  'order:{uid}:{n} needs user:{uid}'   the key names the other one
  'mail:{h} needs user:{value}'        its value does; {value.FIELD} a field
  'friends:{uid} needs user:{member}'  each of its members does

Of a live store nothing is reported that was not asked about twice by name, with
--recheck between. More than 10,000 candidates of a reference are judged by 400
of them, unless --all says otherwise. -o jsonl=FILE lists every orphan.`

const orphansExample = `  kvtool drift orphans redis://127.0.0.1:6379 --schema keys.yaml
  kvtool drift orphans dump.rdb --ref 'order:{uid}:{n} needs user:{uid}'
  kvtool drift orphans --schema keys.yaml -o json -o jsonl=o.jsonl`

func newOrphansCmd(env *Env) *cobra.Command {
	o := orphansOptions{memory: 512 << 20}
	c := &cobra.Command{
		Use:               "orphans [TARGET]",
		Short:             "Find keys that have lost what they refer to",
		Long:              orphansLong,
		Example:           orphansExample,
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runOrphans(c.Context(), env, o)
		},
	}
	o.gateFlags.bind(c)
	o.bindOrphans(c)
	f := c.Flags()
	bindWord(c, &o.plan, "plan", "auto", "how it is counted: A in memory, B on disk (--spill), D a sample; auto is A as far as --memory goes, "+
		"then B, without --spill D", "auto", "A", "B", "D")
	f.BoolVar(&o.quick, "quick", false, "a sample is enough: --plan D")
	f.BoolVar(&o.every, "all", false, "re-check every candidate, however many there are")
	bindNow(c, &o.now)
	return c
}

// bindOrphans binds the flags that a clean-up has as well.
func (o *orphansOptions) bindOrphans(c *cobra.Command) {
	o.viewFlags.bind(c)
	o.schema.bind(c)
	f := c.Flags()
	f.StringArrayVar(&o.refs, "ref", nil, "a `REFERENCE`: 'order:{uid}:{n} needs user:{uid}'; repeatable")
	f.Var(&o.memory, "memory", "what is kept in memory at most")
	f.StringVar(&o.spill, "spill", "", "`FOLDER` for what does not fit into memory: about 20 bytes a key and a reference")
	bindRecheck(c, &o.recheck)
	bindDepth(c, &o.depth)
	bindRate(c, &o.rate)
	bindMaxImpact(c)
	bindTimeout(c, &o.timeout)
	bindNoDemo(c, &o.noDemo)
	bindProgress(c, &o.progress)
}

func runOrphans(ctx context.Context, env *Env, o orphansOptions) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	list, outs := listOf(outs)
	if len(outs) == 0 { // only the list was asked for, and it goes to a file
		if outs, err = textTo(list); err != nil {
			return err
		}
	}
	search, err := o.search(env)
	if err != nil {
		return err
	}
	g, err := env.gate(ctx, &o.gateFlags, o.now, env.targetOf(o.args))
	if err != nil {
		return err
	}
	search.Entries = true
	var found []orphans.Orphan
	if len(list) > 0 {
		search.All = true
		search.List = func(x *orphans.Orphan) error { found = append(found, *x); return nil }
	}
	s, err := o.open(ctx, env, o.quiet, opening{args: o.args, writes: writtenBy(outs, writtenBy(list)...)})
	if err != nil {
		return err
	}
	defer s.end()
	r, runErr := o.searchIn(s, search)
	runErr = ended(s.ctx, runErr)
	if r == nil || !worthReporting(r, runErr) {
		return targetError(runErr)
	}
	r.Tool = tool()
	s.progress.done(r.Coverage.Keys)
	return o.report(env, g, outs, list, r, found, runErr)
}

// listOf takes out of the outputs those that list orphans rather than the parts of a report.
func listOf(outs []output) (list, rest []output) {
	for _, o := range outs {
		if o.format.Name == "jsonl" {
			list = append(list, o)
		} else {
			rest = append(rest, o)
		}
	}
	return list, rest
}

// textTo returns the output that a report has which nobody asked for otherwise: none where the list has stdout.
func textTo(list []output) ([]output, error) {
	if slices.ContainsFunc(list, func(o output) bool { return o.path == "" }) {
		return nil, nil
	}
	text, err := parseOutput("text")
	return []output{text}, err
}

// search says what to look for and how.
func (o *orphansOptions) search(env *Env) (orphans.Options, error) {
	var s orphans.Options
	declared, err := o.declared(env)
	if err != nil {
		return s, err
	}
	s.Schema = declared
	if declared != nil {
		s.References, s.Skipped = refs.Of(declared)
	}
	if len(o.refs) > 0 {
		bound, more, err := refs.Parse(o.refs, declared)
		if err != nil {
			return s, err
		}
		s.Schema, s.References = bound, append(s.References, more...)
	}
	if declared != nil && len(s.References) == 0 && len(s.Skipped) == 0 {
		return s, kv.WithHint(kv.Usagef("no template of the schema has refs: nothing says which keys refer to which"),
			"--ref 'order:{uid}:{n} needs user:{uid}'; without --schema references are proposed")
	}
	if s.Schema != nil {
		if err := bindable(s.Schema); err != nil {
			return s, err
		}
	}
	chosen, err := choose(analyzersOf(declared, o.top), []string{"templates"})
	if err != nil {
		return s, err
	}
	s.Analyzers, s.Rules = chosen.run, []string{"KD062", "KD084"}
	if declared != nil {
		s.Rules = append(s.Rules, "KD013")
	}
	s.All, s.Recheck = o.every, o.recheck
	s.Join, err = o.joining()
	return s, err
}

// declared returns the schema of --schema, or without --ref that of the project; nil if there is none.
func (o *orphansOptions) declared(env *Env) (*schema.Schema, error) {
	if len(o.schema.paths) > 0 || len(o.refs) > 0 {
		return o.schema.load()
	}
	s, err := env.openSchema(nil)
	if err != nil {
		return nil, nil //nolint:nilerr // there is none, and references are proposed
	}
	return s, bindable(s)
}

// inferred returns the schema that a store seems to follow: an empty one where it lists its keys to nobody, with why.
func (s *scanning) inferred() (inferred *schema.Schema, unread, err error) {
	opt := s.options()
	opt.Every = 0 // what follows is what is waited for
	r, unread := audit.Run(s.ctx, s.store, keydesign.Inference(), opt)
	if r == nil || unread != nil && !blind(r) {
		return nil, nil, unread
	}
	facts, err := factsOf(r)
	if err != nil {
		return nil, nil, err
	}
	return propose.From(facts, propose.Options{Store: storeOf(&r.Target)}).Schema, unread, nil
}

// refer has a search follow the references that the names of keys seem to hold.
func (s *scanning) refer(search *orphans.Options) error {
	inferred, unread, err := s.inferred()
	if err != nil {
		return err
	}
	search.Schema, search.Proposed = inferred, true
	search.References, search.Skipped = refs.Of(inferred)
	if len(search.References) == 0 && unread == nil {
		return kv.WithHint(kv.Usagef("nothing says which keys refer to which, and by their names none seem to"),
			"--ref 'order:{uid}:{n} needs user:{uid}', or --schema with a keys.yaml whose templates have refs")
	}
	return bindable(inferred)
}

// previewSample is how many keys one stands for in a preview.
const previewSample = 16

func (o *orphansOptions) joining() (join.Options, error) {
	opt := join.Options{Memory: int64(o.memory), Spill: o.spill}
	plan := o.plan
	if o.quick {
		plan = "D"
	}
	switch plan {
	case "A":
		opt.Memory = 0
	case "B":
		if o.spill == "" {
			return opt, kv.WithHint(kv.Usagef("--plan B needs --spill FOLDER"), "it keeps what does not fit into memory there")
		}
		opt.Memory = 1
	case "D":
		opt.Sample, opt.Spill = previewSample, ""
	}
	if o.spill != "" {
		return opt, checkPath("--spill "+o.spill, o.spill+"/x")
	}
	return opt, nil
}

// searchIn searches the keys of a target.
func (o *orphansOptions) searchIn(s *scanning, search orphans.Options) (*report.Report, error) {
	s.progress.scanning()
	if s.env.Getenv("GOMEMLIMIT") == "" { // what is kept here is above what an audit holds
		was := debug.SetMemoryLimit(-1)
		debug.SetMemoryLimit(max(was, SoftMemoryLimit+int64(o.memory)))
		defer debug.SetMemoryLimit(was)
	}
	if search.Schema == nil {
		if err := s.refer(&search); err != nil {
			return nil, err
		}
	}
	search.Audit = s.options()
	search.Audit.Save = false
	search.Waiting = s.waiting()
	return orphans.Run(s.ctx, s.store, search)
}

// waiting says on stderr that orphans are asked about once more, where progress is told.
func (s *scanning) waiting() func(int, time.Duration) {
	if s.progress.every() <= 0 {
		return nil
	}
	return func(n int, d time.Duration) {
		s.progress.clear()
		fmt.Fprintf(s.env.Stderr, "kvtool: %s: asked about once more in %s\n", humanize.Counted(int64(n), "candidate"), d)
	}
}

// report judges r, writes it and the list, and decides the exit code.
func (o *orphansOptions) report(env *Env, g *gate, outs, list []output, r *report.Report, found []orphans.Orphan, runErr error) error {
	explain(r, runErr)
	addFixes(r)
	judged := map[string]bool{}
	for _, rule := range orphans.Rules() {
		judged[rule.ID] = true
	}
	if len(o.schema.paths) > 0 {
		s, err := o.schema.load()
		if err != nil {
			return err
		}
		r.Design = designOf(s, len(judged))
		g.policy.Suppressions = append(g.policy.Suppressions, lint.Suppressions(s)...)
	}
	code := partialCode(r, runErr)
	if o.plan == "auto" && !o.quick && sampledPlan(r) { // asked for a count, and has an estimate
		code = worst(code, exitIncomplete)
	}
	var failed error
	for _, l := range list {
		failed = errors.Join(failed, env.writeTo(l.path, func(w io.Writer) error { return writeOrphans(w, found) }))
	}
	return g.conclude(env, &o.viewFlags, outs, g.judge(env, r, judged), code, runErr, failed)
}

func sampledPlan(r *report.Report) bool {
	s := r.Section(orphans.SectionName)
	return s != nil && slices.ContainsFunc(s.Metrics, func(m report.Metric) bool {
		text, _ := m.Value.Text()
		return m.Name == "plan" && text == string(join.Sampled)
	})
}

// writeTo writes a file, or stdout where the path is empty.
func (e *Env) writeTo(path string, write func(io.Writer) error) error {
	if path == "" {
		return write(e.Stdout)
	}
	if err := writeFile(path, write); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// An orphanLine is one line of the list. Texts that are no UTF-8 are in base64, under a name of their own.
type orphanLine struct {
	Key       rawText    `json:"key"`
	DB        int        `json:"db"`
	Template  string     `json:"template"`
	Reference string     `json:"reference"`
	Reason    string     `json:"reason"`
	Rule      string     `json:"rule"`
	Target    rawText    `json:"target"`
	Text      *rawText   `json:"value,omitempty"`
	Type      string     `json:"type,omitempty"`
	Bytes     *int64     `json:"bytes"`
	ExpireAt  *time.Time `json:"expire_at"`
	Idle      *float64   `json:"idle_seconds"`
	Confirmed bool       `json:"confirmed"`
}

// A rawText is any bytes: {"b64": "…"} where they are no UTF-8, as in a report.
type rawText string

// MarshalJSON writes the text.
func (t rawText) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(map[string]string{"b64": base64.StdEncoding.EncodeToString([]byte(t))})
}

func writeOrphans(w io.Writer, found []orphans.Orphan) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range found {
		x := &found[i]
		line := orphanLine{
			Key: rawText(x.Key), DB: x.DB, Template: x.Template, Reference: x.Reference, Reason: x.Reason, Rule: x.Rule,
			Target: rawText(x.Target), Type: string(x.Record.Type), Confirmed: x.Confirmed,
		}
		if x.Text != "" {
			text := rawText(x.Text)
			line.Text = &text
		}
		if x.Record.Has(kv.FieldSize) {
			line.Bytes = &x.Record.Size
		}
		if x.Record.TTL == kv.TTLAt {
			at := x.Record.ExpireAt.UTC()
			line.ExpireAt = &at
		}
		if x.Record.Has(kv.FieldIdle) {
			idle := x.Record.Idle.Seconds()
			line.Idle = &idle
		}
		if err := enc.Encode(&line); err != nil {
			return err
		}
	}
	return nil
}
