package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/drift/clean"
	"github.com/kvtool/kvtool/kv"
)

// runApply applies a plan.
func (o *cleanOptions) runApply(ctx context.Context, env *Env, outs []output) error {
	p, err := readPlan(o.apply)
	if err != nil {
		return err
	}
	if len(p.Lines) == 0 {
		return kv.WithHint(kv.Usagef("%s has no lines: there is nothing to do", o.apply), "a plan is made by kvtool drift clean TARGET --plan FILE")
	}
	store, err := o.openToWrite(ctx, env, p.Target, fmt.Sprintf("%d keys of", len(p.Lines)))
	if err != nil {
		return err
	}
	defer store.Close()
	if o.undoFile == "" {
		o.undoFile = o.apply + ".undo.zst"
	}
	if o.log == "" {
		o.log = o.apply + ".log.jsonl"
	}
	if err := errors.Join(checkPath("--undo-file "+o.undoFile, o.undoFile), checkPath("--log "+o.log, o.log)); err != nil {
		return err
	}
	if u := filepath.Clean(o.undoFile); u == filepath.Clean(o.log) || u == filepath.Clean(o.apply) || filepath.Clean(o.log) == filepath.Clean(o.apply) {
		return kv.WithHint(kv.Usagef("--apply, --undo-file and --log are three files: %s, %s, %s", o.apply, o.undoFile, o.log), "leave the last two out: they are named after the plan")
	}
	log, err := os.OpenFile(o.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return kv.Usagef("--log %s: %w", o.log, reason(err))
	}
	defer log.Close()
	result, err := clean.Apply(ctx, store, p, clean.Options{
		Undo: o.undoFile, Log: log, Limiter: o.pace(), MaxShare: float64(o.maxShare), MaxValue: int64(o.undoMost),
		Now: env.Now, Seed: uint64(env.Now().UnixNano()), User: env.Getenv("USER"),
	})
	err = ended(ctx, err)
	if len(result.Counts) == 0 && err != nil {
		return targetError(err)
	}
	r := resultReport(env, p.Target, "applied "+o.apply, result)
	r.Target.Notes = append(r.Target.Notes, "To take it back: kvtool drift clean TARGET --undo "+o.undoFile)
	return o.concludeClean(env, outs, r, result, err)
}

// runUndo writes back what an undo file holds.
func (o *cleanOptions) runUndo(ctx context.Context, env *Env, outs []output) error {
	f, err := os.Open(o.undo)
	if err != nil {
		return meantFile(kv.Usagef("%s: %w", o.undo, reason(err)), o.undo, "")
	}
	defer f.Close()
	u, err := clean.ReadUndo(f)
	if err != nil {
		return fmt.Errorf("%s: %w", o.undo, err)
	}
	store, err := o.openToWrite(ctx, env, u.Target, fmt.Sprintf("%d keys to", u.Keys()))
	if err != nil {
		return err
	}
	defer store.Close()
	result, err := clean.Restore(ctx, store, u, o.restored, o.pace())
	err = ended(ctx, err)
	if len(result.Counts) == 0 && err != nil {
		return targetError(err)
	}
	r := resultReport(env, u.Target, "restored "+o.undo, result)
	if u.Cut {
		r.Target.Notes = append(r.Target.Notes, "The end of the undo file is missing: it is of keys that were not touched.")
	}
	return o.concludeClean(env, outs, r, result, err)
}

// openToWrite opens the target that a file was made of, if it may be written to.
func (o *cleanOptions) openToWrite(ctx context.Context, env *Env, of, what string) (kv.Store, error) {
	if len(o.args) == 0 { // the default target is for reading
		return nil, kv.WithHint(kv.Usagef("what is written to has to be named"), "the file is of "+of)
	}
	allowed := func(t *kv.Target) error {
		if t.String() != of {
			return kv.WithHint(kv.Usagef("the file is of %s, not of %s", of, t), "name that target")
		}
		prod := env.prodOf(o.args[0], *t)
		if o.prod = prod != ""; o.prod && !o.allow {
			return kv.WithHint(kv.Usagef("%s is env: prod", prod), "--allow-writes, if that is meant")
		}
		return o.confirm(env, what, of)
	}
	store, _, err := env.open(ctx, opening{args: o.args, noDemo: true, before: allowed})
	if err != nil {
		return nil, err
	}
	if _, err := kv.RemoverOf(store); err != nil {
		return nil, errors.Join(kv.WithHint(kv.Usagef("%s: %w", of, err), "only servers of the Redis family are written to"), store.Close())
	}
	return store, nil
}

// confirm asks for the target's name, where somebody is there to answer.
func (o *cleanOptions) confirm(env *Env, what, name string) error {
	if env.yes {
		return nil
	}
	if !env.TTY || o.noInput {
		return kv.WithHint(kv.Usagef("nothing is written without being confirmed"), "--yes, once the plan was looked at: --show")
	}
	fmt.Fprintf(env.Stderr, "kvtool: this will write %s %s. Type the target's name to go on: ", what, name)
	line, err := readLine(env.Stdin)
	if err != nil || line != name {
		return kv.Usagef("not confirmed: nothing was written")
	}
	return nil
}

// readLine reads one line, a byte at a time: what follows is not for this.
func readLine(r io.Reader) (string, error) {
	var line []byte
	var b [1]byte
	for len(line) < 4096 {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
	return "", errors.New("a line without an end")
}

// pace is how fast keys are changed: as --rate says, which a target in production has by itself for reading.
func (o *cleanOptions) pace() *kv.Limiter {
	r := float64(o.rate)
	if r == 0 || o.prod {
		r = clean.DefaultRate
	}
	return kv.NewLimiter(r)
}

// prodOf returns the name of the profile in production that a target is: by its name, or because it has the address of one.
// "" is none.
func (e *Env) prodOf(arg string, t kv.Target) string {
	for _, name := range e.conf.names() {
		p := e.conf.profile(name)
		if p == nil || p.Settings.Text("env") != "prod" {
			continue
		}
		if arg == "@"+name {
			return arg
		}
		if its, err := kv.ParseTarget(p.Settings.Text("url")); err == nil && sameServer(its, t) {
			return "@" + name
		}
	}
	return ""
}

// sameServer reports whether two targets have an address in common, however they are written: with TLS or without, as a cluster or
// as one of its nodes.
func sameServer(a, b kv.Target) bool {
	if a.URL == nil || b.URL == nil {
		return false
	}
	its := addressesOf(a)
	return slices.ContainsFunc(addressesOf(b), func(addr string) bool { return slices.Contains(its, addr) })
}

// addressesOf returns the addresses of a target as host:port, in lower case. The names of this machine are one.
func addressesOf(t kv.Target) (all []string) {
	const redisPort = "6379"
	if t.URL.Host == "" {
		return []string{t.URL.Path} // a socket
	}
	for h := range strings.SplitSeq(strings.ToLower(t.URL.Host), ",") {
		host, port, err := net.SplitHostPort(h)
		if err != nil {
			host, port = strings.Trim(h, "[]"), redisPort
		}
		if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
			host = "localhost"
		} else if ip != nil {
			host = ip.String()
		}
		all = append(all, net.JoinHostPort(strings.TrimSuffix(host, "."), cmp.Or(port, redisPort)))
	}
	return all
}
