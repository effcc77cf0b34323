package cmd

import (
	"context"
	"os"

	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/kvr"
)

// A keyspace is what is known of the keys of a target or of a snapshot file.
type keyspace struct {
	*keydesign.Facts
	report *report.Report
	code   int   // of the exit, where not all was read
	err    error // why
}

// keyspace reads the target or the snapshot file that args name, or the target that stands for none.
func (o *scanFlags) keyspace(ctx context.Context, env *Env, args []string, writes ...written) (*keyspace, error) {
	k := &keyspace{}
	var err error
	if len(args) > 0 && isSnapshot(args[0]) {
		err = k.load(ctx, env, args[0], writes)
	} else {
		err = k.scan(ctx, env, o, args, writes)
	}
	if err != nil {
		return nil, err
	}
	if k.Facts, err = factsOf(k.report); err != nil {
		return nil, kv.WithHint(err, "save the audit with its templates and without --schema: kvtool audit TARGET --save FILE.kvr")
	}
	return k, nil
}

// load reads a snapshot file.
func (k *keyspace) load(ctx context.Context, env *Env, path string, writes []written) error {
	if err := spareTarget(kv.Target{Path: path}, writes...); err != nil {
		return err
	}
	r, damage := env.readReport(ctx, path)
	if r == nil {
		return damage
	}
	k.report, k.code, k.err = r, exitCode(damage), damage
	return nil
}

// isSnapshot reports whether a snapshot file is at the path.
func isSnapshot(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, headSize)
	n, _ := f.Read(head) // what cannot be read is none
	return kvr.IsFile(head[:n])
}

// scan reads the keys of a target.
func (k *keyspace) scan(ctx context.Context, env *Env, o *scanFlags, args []string, writes []written) error {
	s, err := o.open(ctx, env, false, opening{args: args, writes: writes})
	if err != nil {
		return err
	}
	defer s.end()
	r, err := s.audit(keydesign.Inference(), s.options())
	if r == nil {
		return err
	}
	explain(r, err)
	k.report, k.code, k.err = r, partialCode(r, err), err
	return nil
}

// factsOf returns what a report knows of templates: nothing where the store lists its keys to nobody.
func factsOf(r *report.Report) (*keydesign.Facts, error) {
	if blind(r) {
		return &keydesign.Facts{Match: func(string) (int, bool) { return 0, false }}, nil
	}
	return keydesign.FactsOf(r)
}

// unread reports whether no key could be read, and nobody knows how many there are.
func (k *keyspace) unread() bool { return k.err != nil && k.Keys == 0 }

// incomplete returns the error of a command that has done what it could with a keyspace of which not all was read, or nil.
func (k *keyspace) incomplete() error {
	if k.code == exitOK {
		return nil
	}
	return &codeError{k.code, k.err}
}
