package cmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/propose"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

// inferOptions are the flags of infer.
type inferOptions struct {
	scanFlags
	args     []string
	out      string
	merge    string
	minShare percent
}

const inferLong = `Write a keys.yaml that describes a keyspace: its templates with typed
placeholders, their types, TTLs, sizes and numbers, what belongs to what, and
what each seems to be for. It states what most keys do; what a few do otherwise
is for keydesign check to find.

TARGET is a URL, scheme:path, @NAME, a path or -, as for audit; or a snapshot
file that an audit has saved, in which case no store is asked anything. With
--merge only what the file does not declare yet is added to it, and what is
there stays as it is, with its comments.`

func newInferCmd(env *Env) *cobra.Command {
	o := inferOptions{minShare: 0.0001}
	c := &cobra.Command{
		Use:   "infer [TARGET | FILE.kvr]",
		Short: "Write a keys.yaml from a keyspace",
		Long:  inferLong,
		Example: "  kvtool keydesign infer redis://127.0.0.1:6379 --out keys.yaml\n" +
			"  kvtool keydesign infer prod.kvr --min-share 0.1%\n" +
			"  kvtool keydesign infer dump.rdb --merge keys.yaml --out keys.yaml",
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runInfer(c.Context(), env, o)
		},
	}
	o.scanFlags.bind(c)
	f := c.Flags()
	f.StringVar(&o.out, "out", "", "write to `FILE` instead of stdout")
	f.StringVar(&o.merge, "merge", "", "add to the `FILE` what it does not declare, and write the whole")
	f.Var(&o.minShare, "min-share", "leave out templates with less than this share of the keys and of the bytes")
	return c
}

func runInfer(ctx context.Context, env *Env, o inferOptions) error {
	if err := checkPath("--out "+o.out, o.out); err != nil {
		return err
	}
	base, have, err := o.declared()
	if err != nil {
		return err
	}
	k, err := o.keyspace(ctx, env, o.args, written{"--out " + o.out, o.out})
	if err != nil {
		return err
	}
	p := propose.From(k.Facts, propose.Options{MinShare: float64(o.minShare), Store: storeOf(&k.report.Target), Have: have})
	text, err := o.text(p, k.report, base)
	if err != nil {
		return err
	}
	if o.out == "" {
		if _, err := env.Stdout.Write(text); err != nil {
			return err
		}
		return k.incomplete()
	}
	if k.unread() { // what may be there already says more
		fmt.Fprintf(env.Stdout, "%s is not written: no key could be read\n", render.Clean(o.out, false))
		return k.incomplete()
	}
	if err := writeFile(o.out, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return fmt.Errorf("writing %s: %w", o.out, err)
	}
	o.summary(env, p, k)
	return k.incomplete()
}

// declared reads the file to add to; nil if there is none.
func (o *inferOptions) declared() ([]byte, *schema.Schema, error) {
	if o.merge == "" {
		return nil, nil, nil
	}
	s, err := loadSchema(o.merge)
	if err != nil {
		return nil, nil, err
	}
	base, err := os.ReadFile(o.merge)
	if err != nil {
		return nil, nil, meantFile(kv.Usagef("--merge %s: %w", o.merge, reason(err)), o.merge, "")
	}
	return base, s, nil
}

// text returns the file to write.
func (o *inferOptions) text(p *propose.Proposal, r *report.Report, base []byte) ([]byte, error) {
	var b bytes.Buffer
	if base == nil {
		head := append([]string{fmt.Sprintf("kvtool %s of %s, %s", tool().Version, r.Target.URL, r.Taken.UTC().Format(time.DateOnly))}, p.Notes...)
		if c := &r.Coverage; !c.Complete {
			head = append(head, "not complete: "+strings.Join(c.Why, "; "))
		}
		err := propose.Write(&b, p.Schema, head)
		return b.Bytes(), err
	}
	if err := p.Schema.Write(&b); err != nil {
		return nil, err
	}
	out, err := yamlfile.Add(base, b.Bytes(), "fields", "templates")
	if err != nil {
		return nil, kv.WithHint(kv.Usagef("--merge %s: %w", o.merge, err), "write it as a block, one key a line")
	}
	if _, err := schema.Parse(schema.Source{Name: o.merge, Data: out}); err != nil { // nothing that cannot be read is written
		return nil, fmt.Errorf("with what is added: %w", err)
	}
	return out, nil
}

// summary says what was written.
func (o *inferOptions) summary(env *Env, p *propose.Proposal, k *keyspace) {
	var keys int64
	for i := range p.Templates {
		keys += p.Templates[i].Inferred.Keys
	}
	fmt.Fprintf(env.Stdout, "%s: %s, %s, %s of %s\n", render.Clean(o.out, false), humanize.Counted(int64(len(p.Templates)), "template"),
		humanize.Counted(int64(len(p.Fields)), "shared field"), humanize.Exact(keys), humanize.Counted(k.Keys, "key"))
	for _, n := range p.Notes {
		fmt.Fprintf(env.Stdout, "  %s\n", render.Clean(n, false))
	}
}

// storeOf returns what a schema says of the store that a report is of.
func storeOf(t *report.Target) (s schema.Store) {
	switch {
	case strings.HasPrefix(t.URL, "redis+cluster") || strings.HasPrefix(t.URL, "rediss+cluster"):
		s.Kind = schema.RedisCluster
	case strings.EqualFold(t.Product, "valkey"):
		s.Kind = schema.Valkey
	case t.Adapter == "redis" || t.Adapter == "rdb" || t.Adapter == "reference":
		s.Kind = schema.Redis
	}
	return s
}
