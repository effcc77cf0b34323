package cmd

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/fit"
	"github.com/kvtool/kvtool/keydesign/simulate"
	"github.com/kvtool/kvtool/kv"
)

// simulateOptions are the flags of simulate.
type simulateOptions struct {
	viewFlags
	gateFlags
	store     storeFlag
	slots     []string
	entities  entities
	growth    span
	seed      uint64
	sample    count
	allocator string
	now       instant
}

const simulateLong = `Say what the keys of a schema would do before there is any code or server: how
they lie over slots, nodes or partitions, what memory they take, which are hot,
when they expire, and which are lost where memory is short. No store is touched.

The same file, flags and seed print the same report. Populations of more than
--sample keys are drawn in part, and the report says by how much it may be off.`

func newSimulateCmd(env *Env) *cobra.Command {
	var o simulateOptions
	c := &cobra.Command{
		Use:   "simulate [FILE…]",
		Short: "Say what a schema would do, before there are any keys",
		Long:  simulateLong,
		Example: "  kvtool keydesign simulate keys.yaml\n" +
			"  kvtool keydesign simulate --store redis-cluster:12 --entities uid=5M\n" +
			"  kvtool keydesign simulate keys.yaml --growth 90d --section hot_keys\n" +
			"  kvtool keydesign simulate keys.yaml -o text -o svg=slots.svg -o json=a.json",
		ValidArgsFunction: completeSchemas,
		RunE: func(c *cobra.Command, args []string) error {
			return runSimulate(c.Context(), env, o, args)
		},
	}
	o.viewFlags.bind(c)
	o.gateFlags.bind(c)
	f := c.Flags()
	f.Var(&o.store, "store", "place keys in this `KIND[:NODES]` (default: that of the schema)")
	f.StringArrayVar(&o.slots, "slots", nil, "`RANGES` of slots of one master, as in 0-5460,7000; once for each (default: evenly spread)")
	f.Var(&o.entities, "entities", "so many values of a field, or keys of a template, `NAME=COUNT`, repeatable")
	f.Var(&o.growth, "growth", "let fields grow for so long, as they are declared to: 90d")
	f.Uint64Var(&o.seed, "seed", 0, "draw other keys, sizes and TTLs")
	f.Var(&o.sample, "sample", "draw so many keys at most (default 1M)")
	f.StringVar(&o.allocator, "allocator", "jemalloc-8", "`NAME` of the server's allocator: jemalloc-8, jemalloc-16 (Debian, Ubuntu, RHEL), libc")
	bindNow(c, &o.now)
	fixedValues(c, "allocator", "jemalloc-8", "jemalloc-16", "libc")
	return c
}

func runSimulate(ctx context.Context, env *Env, o simulateOptions, paths []string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	so, err := o.options()
	if err != nil {
		return err
	}
	g, err := env.gate(ctx, &o.gateFlags, o.now, paths...)
	if err != nil {
		return err
	}
	s, err := env.openJudged(paths, g)
	if err != nil {
		return err
	}
	r, err := simulate.Run(s, so)
	if err != nil {
		return err
	}
	r.Tool = tool()
	if advice := fit.Section(s, nil); fit.Advises(advice) {
		r.Sections = append(r.Sections, *advice)
	}
	addFixes(r)
	r = g.judge(env, r, simulate.Judged())
	return g.conclude(env, &o.viewFlags, outs, r, exitOK, nil, nil)
}

// options turns flags into what simulate takes.
func (o *simulateOptions) options() (simulate.Options, error) {
	so := simulate.Options{
		Store: o.store.Store, Entities: o.entities, Growth: time.Duration(o.growth), Seed: o.seed, Sample: int64(o.sample), Now: o.now.Time,
	}
	var err error
	if so.Memory, err = memory.ParseAllocator(o.allocator); err != nil {
		return so, kv.WithHint(kv.Usagef("--allocator: %w", err), "jemalloc-16 is what most servers are built with on a machine of 64 bits")
	}
	taken := slot.Set{}
	for _, text := range o.slots {
		set, err := slot.ParseSet(text)
		if err != nil {
			return so, kv.WithHint(kv.Usagef("--slots: %w", err), "once for each master: --slots 0-8191 --slots 8192-16383")
		}
		if both := taken.And(set); !both.Empty() {
			return so, kv.WithHint(kv.Usagef("--slots: two masters have the slots %s", both.String()), "give each master slots of its own: --slots 0-8191 --slots 8192-16383")
		}
		taken = taken.Or(set)
		so.Slots = append(so.Slots, set)
	}
	if free := slot.Count - taken.Len(); len(o.slots) > 0 && free > 0 {
		return so, kv.WithHint(kv.Usagef("--slots: %d slots are with nobody", free), "give --slots once for each master")
	}
	return so, nil
}

// A storeFlag is a simulate.Store as a flag.
type storeFlag struct{ simulate.Store }

// Set reads KIND or KIND:NODES.
func (f *storeFlag) Set(s string) (err error) {
	f.Store, err = simulate.ParseStore(s)
	return err
}

// Type names the flag's value in help.
func (*storeFlag) Type() string { return "store" }

// entities are numbers by name, as a flag: uid=5M,session=400k.
type entities map[string]int64

// Set adds what it reads.
func (e *entities) Set(s string) error {
	if *e == nil {
		*e = entities{}
	}
	for _, one := range strings.Split(s, ",") {
		name, text, has := strings.Cut(one, "=")
		n, ok := yamlfile.ParseCount(text)
		if !has || name == "" || !ok || n < 1 {
			return fmt.Errorf("%.60q: want NAME=COUNT, such as uid=5M", one)
		}
		(*e)[name] = n
	}
	return nil
}

func (e *entities) String() string {
	var b []string
	for _, name := range slices.Sorted(maps.Keys(*e)) {
		b = append(b, fmt.Sprintf("%s=%d", name, (*e)[name]))
	}
	return strings.Join(b, ",")
}

// Type names the flag's value in help.
func (*entities) Type() string { return "counts" }

// A span is a duration as keys.yaml has it, as a flag: 90d, 1w, 12h.
type span time.Duration

// Set reads what String writes.
func (s *span) Set(text string) error {
	d, ok := yamlfile.ParseDuration(text)
	if !ok {
		return fmt.Errorf("want a time such as 90d or 12h")
	}
	*s = span(d)
	return nil
}

func (s *span) String() string {
	if *s == 0 {
		return ""
	}
	return yamlfile.FormatDuration(time.Duration(*s))
}

// Type names the flag's value in help.
func (*span) Type() string { return "duration" }

// A count is a number of things as keys.yaml has it, as a flag: 5M, 20k.
type count int64

// Set reads a number from 1.
func (c *count) Set(text string) error {
	n, ok := yamlfile.ParseCount(text)
	if !ok || n < 1 {
		return fmt.Errorf("want a number such as 5M")
	}
	*c = count(n)
	return nil
}

func (c *count) String() string {
	if *c == 0 {
		return ""
	}
	return fmt.Sprint(int64(*c))
}

// Type names the flag's value in help.
func (*count) Type() string { return "count" }
