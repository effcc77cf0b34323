package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/drift/clean"
	"github.com/kvtool/kvtool/drift/orphans"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// cleanOptions are the flags of drift clean.
type cleanOptions struct {
	orphansOptions
	what     string
	free     byteSize
	plan     string
	show     string
	apply    string
	undo     string
	undoFile string
	undoMost byteSize
	log      string
	maxShare percent
	allow    bool
	scanned  int64 // keys that were looked at for a plan; 0 is not told
	prod     bool  // the target is one that a configuration says is in production
	restored bool  // the server is another process than when the undo file was written
	noInput  bool
}

const cleanLong = `Plan a clean-up, look at it, apply it, and take it back. Nothing is written to
a store but by --apply and --undo.

  kvtool drift clean TARGET --schema keys.yaml --plan p.jsonl     plan
  kvtool drift clean --show p.jsonl                               look at it
  kvtool drift clean TARGET --apply p.jsonl                       apply it
  kvtool drift clean TARGET --undo p.jsonl.undo.zst               take it back

A plan is a line a key, with the reason. Lines may be taken out, nothing else.
--what orphans deletes children without parents and index entries that lead to
no key or the wrong one; --what ttl gives keys the expiry that keys.yaml
declares, --what ttl-less those alone that have none; --free 2GiB deletes what
is missed least, by kind, idle time, expiry and the cost of making it again, and
just as much as is wanted.

--apply reads each key, writes it to the undo file, waits until that is on the
disk, and then deletes the key in one atomic step, if it is still as it was
read and its parent still missing. It refuses a plan that is older than a day,
of another server or of a sample, a replica, a target of env: prod, and more
than a tenth of a template's keys, unless --max-share says otherwise.`

func newCleanCmd(env *Env) *cobra.Command {
	o := cleanOptions{maxShare: clean.DefaultMaxShare, undoMost: clean.DefaultMaxValue}
	o.memory, o.orphansOptions.plan = 512<<20, "auto"
	c := &cobra.Command{
		Use:   "clean [TARGET]",
		Short: "Plan a clean-up, apply it, take it back",
		Long:  cleanLong,
		Example: "  kvtool drift clean redis://127.0.0.1:6379 --schema keys.yaml --plan p.jsonl\n" +
			"  kvtool drift clean redis://127.0.0.1:6379 --free 2GiB --plan p.jsonl\n" +
			"  kvtool drift clean redis://127.0.0.1:6379 --apply p.jsonl --yes",
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runClean(c.Context(), env, o)
		},
	}
	o.bindOrphans(c)
	f := c.Flags()
	f.Lookup("rate").Usage = "read, and with --apply and --undo change, at most so many keys a second: 50k/s; changes have 1k/s by themselves"
	bindWord(c, &o.what, "what", "orphans", "`WHAT` to plan: orphans; ttl-less, keys without the expiry that is declared; ttl, and those with "+
		"a far longer one", "orphans", "ttl-less", "ttl")
	f.Var(&o.free, "free", "plan to delete so much of what is missed least")
	f.StringVar(&o.plan, "plan", "", "write the plan to `FILE`")
	f.StringVar(&o.show, "show", "", "show the plan in `FILE`")
	f.StringVar(&o.apply, "apply", "", "apply the plan in `FILE`")
	f.StringVar(&o.undo, "undo", "", "write back what the undo `FILE` holds")
	f.StringVar(&o.undoFile, "undo-file", "", "with --apply: the `FILE` that takes it back (default: that of the plan with .undo.zst); appended to")
	f.Var(&o.undoMost, "undo-max", "leave values alone that are longer")
	f.StringVar(&o.log, "log", "", "with --apply: the `FILE` for what became of each key (default: that of the plan with .log.jsonl); appended to")
	f.Var(&o.maxShare, "max-share", "the most of a template's keys that may be deleted")
	f.BoolVar(&o.restored, "restarted", false, "with --undo: the server was started anew since, or another has taken its place")
	f.BoolVar(&o.allow, "allow-writes", false, "write to a target that .kvtool.yaml calls env: prod, too")
	f.BoolVar(&o.noInput, "no-input", false, "never ask: without --yes nothing is written")
	return c
}

func runClean(ctx context.Context, env *Env, o cleanOptions) error {
	modes := 0
	for _, path := range []string{o.plan, o.show, o.apply, o.undo} {
		if path != "" {
			modes++
		}
	}
	if modes != 1 {
		return kv.WithHint(kv.Usagef("kvtool drift clean takes one of --plan, --show, --apply and --undo"), "begin with --plan p.jsonl, which writes nothing to the store")
	}
	outs, err := o.parse()
	if err != nil {
		return err
	}
	ctx, cancel := withTimeout(ctx, o.timeout)
	defer cancel()
	switch {
	case o.show != "":
		p, err := readPlan(o.show)
		if err != nil {
			return err
		}
		return o.write(env, outs, planReport(env, p, "plan "+o.show), exitOK)
	case o.apply != "":
		return o.runApply(ctx, env, outs)
	case o.undo != "":
		return o.runUndo(ctx, env, outs)
	}
	return o.runPlan(ctx, env, outs)
}

func readPlan(path string) (*clean.Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, meantFile(kv.Usagef("%s: %w", path, reason(err)), path, "")
	}
	defer f.Close()
	p, err := clean.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// runPlan makes a plan and writes it.
func (o *cleanOptions) runPlan(ctx context.Context, env *Env, outs []output) error {
	if err := checkPath("--plan "+o.plan, o.plan); err != nil {
		return err
	}
	p := &clean.Plan{Head: clean.Head{What: o.what, Templates: map[string]int64{}}}
	if o.free > 0 {
		p.What = "free"
	}
	s, err := o.open(ctx, env, o.quiet, opening{args: o.args, writes: []written{{"--plan " + o.plan, o.plan}}})
	if err != nil {
		return err
	}
	defer s.end()
	s.progress.clear() // what is read says how far it is, or is read in silence
	p.Tool, p.Target = tool().Version, s.target.String()
	writable, err := kv.RemoverOf(s.store)
	if err == nil {
		id, err := writable.Identify(ctx)
		if err != nil {
			return targetError(ended(ctx, err))
		}
		p.Server, p.Version = id.ID, id.Version
	}
	notes, err := o.make(s, p)
	if err == nil {
		p.Sort()
		err = o.seal(s, writable, p)
	}
	if err != nil {
		return targetError(ended(ctx, err))
	}
	p.Created = env.Now().UTC() // what is used from now on stays
	p.Expires = p.Created.Add(clean.Lifetime)
	if err := writeFile(o.plan, p.Write); err != nil {
		return fmt.Errorf("writing %s: %w", o.plan, err)
	}
	r := planReport(env, p, "plan "+o.plan)
	r.Coverage.Keys = o.scanned
	r.Target.Notes = append(r.Target.Notes, notes...)
	return o.write(env, outs, r, exitOK)
}

// seal notes what the values are, and what the server does to its counters; writable is nil for what is never written to.
func (o *cleanOptions) seal(s *scanning, writable kv.Remover, p *clean.Plan) error {
	if writable == nil {
		return nil
	}
	if p.What == "free" {
		p.Decay = decoder(s.ctx, s.store).DecayTime
	}
	return p.Seal(s.ctx, writable, int64(o.undoMost), kv.NewLimiter(float64(o.rate)))
}

// make fills the plan, and says what a reader of it must know.
func (o *cleanOptions) make(s *scanning, p *clean.Plan) ([]string, error) {
	limiter := kv.NewLimiter(float64(o.rate))
	if p.What == "orphans" {
		return o.makeOrphans(s, p)
	}
	declared, err := o.declaredOrInferred(s, p.What == "free")
	if err != nil {
		return nil, err
	}
	p.Schema = schemaDigest(o.schema.paths)
	if p.What != "free" {
		p.Lines, p.Templates, err = clean.TTLs(s.ctx, s.store, declared, limiter)
		if p.What == "ttl-less" {
			p.Lines = slices.DeleteFunc(p.Lines, func(l clean.Line) bool { return l.Rule != "KD061" })
		}
		return nil, err
	}
	var sources []clean.Source
	p.Lines, sources, p.Templates, err = clean.Free(s.ctx, s.store, declared, int64(o.free), limiter, s.env.Now())
	return freeNotes(sources, int64(o.free)), err
}

// schemaDigest returns the first 12 bytes of the SHA-256 of files, in hex; "" if there are none, or one cannot be read.
func schemaDigest(paths []string) string {
	h := sha256.New()
	for _, path := range paths {
		data, err := readBounded(path, schema.MaxSize)
		if err != nil {
			return ""
		}
		h.Write(data)
	}
	if len(paths) == 0 {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// makeOrphans plans the removal of orphans.
func (o *cleanOptions) makeOrphans(s *scanning, p *clean.Plan) ([]string, error) {
	search, err := o.search(s.env)
	if err != nil {
		return nil, err
	}
	if search.Schema == nil {
		return nil, kv.WithHint(kv.Usagef("nothing says which keys refer to which, and nothing is deleted by what is only inferred"),
			"--ref 'order:{uid}:{n} needs user:{uid}', or --schema keys.yaml whose templates have refs; kvtool drift orphans proposes them")
	}
	p.Schema = schemaDigest(o.schema.paths)
	left := 0
	search.Analyzers, search.All, search.Keys = nil, true, p.Templates // names are enough
	search.List = func(x *orphans.Orphan) error {
		if l, ok := clean.OfOrphan(x); ok {
			p.Lines = append(p.Lines, l)
		} else {
			left++
		}
		return nil
	}
	r, err := o.searchIn(s, search)
	if err != nil {
		return nil, err
	}
	o.scanned = r.Coverage.Keys
	p.Sampled = sampledPlan(r) || !r.Coverage.Complete
	var notes []string
	if left > 0 {
		notes = append(notes, fmt.Sprintf("%d orphans are members or fields of values that hold others as well: they are not in the plan.", left))
	}
	return append(r.Target.Notes, notes...), nil
}

// declaredOrInferred returns the schema of the flags or the project; without one, where that will do, what is inferred.
func (o *cleanOptions) declaredOrInferred(s *scanning, infer bool) (*schema.Schema, error) {
	if len(o.schema.paths) > 0 {
		return o.schema.load()
	}
	declared, err := s.env.openSchema(nil)
	switch {
	case err == nil:
		return declared, bindable(declared)
	case infer:
		inferred, unread, err := s.inferred()
		return inferred, errors.Join(unread, err)
	}
	return nil, err
}
