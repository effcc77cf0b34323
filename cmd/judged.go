package cmd

import (
	"context"
	"errors"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// judgedFlags are those of commands that read one target, hold what they find against rules, and may keep their report.
type judgedFlags struct {
	viewFlags
	gateFlags
	scanFlags
	args     []string
	schema   schemaFlag
	declared *schema.Schema // by the flag
	save     saveFlag
}

// begin refuses what cannot be, check first, before anything is read.
func (o *judgedFlags) begin(ctx context.Context, env *Env, check func() error) ([]output, *gate, error) {
	outs, err := o.parse()
	if err != nil {
		return nil, nil, err
	}
	if err := errors.Join(check(), o.save.check(outs)); err != nil {
		return nil, nil, err
	}
	if o.declared, err = o.schema.load(); err != nil {
		return nil, nil, err
	}
	g, err := env.gate(ctx, &o.gateFlags, o.now, env.targetOf(o.args))
	return outs, g, err
}

// writes lists what the command writes.
func (o *judgedFlags) writes(outs []output) []written { return writtenBy(outs, o.save.written()) }
