package cmd

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report/render"
)

// What kvtool says about itself goes to stderr, one line each, and begins with its name:
//
//	kvtool: error: what went wrong and where      at most one, last; of a file with several mistakes one each
//	kvtool: hint: what would mend it              at most one, after the error
//	kvtool: warning: what is not as it should be
//
// Nothing but this file prints an error or a hint.

// The exit codes. When several apply the first of precedence wins.
const (
	exitOK          = 0
	exitGate        = 1   // a finding is over the limit
	exitUsage       = 2   // bad flag, argument or file of no known kind
	exitTarget      = 3   // could not resolve, connect, authenticate, read
	exitIncomplete  = 4   // a partial report was written, or the gate could not decide
	exitInternal    = 5   // a bug
	exitInterrupted = 130 // Ctrl-C
)

// precedence orders codes: an interrupt explains all that follows from it, a bug explains anything.
var precedence = [...]int{exitInternal, exitInterrupted, exitUsage, exitTarget, exitGate, exitIncomplete, exitOK}

// worst returns the code that says most.
func worst(codes ...int) int {
	for _, c := range precedence {
		if slices.Contains(codes, c) {
			return c
		}
	}
	return exitInternal
}

// Causes of a cancelled run.
var (
	errInterrupted = errors.New("interrupted")
	errTimeout     = errors.New("stopped by --timeout")
)

// A codeError is an error whose exit code has been decided. With a nil err all has been said already.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *codeError) Unwrap() error { return e.err }

// targetError marks err as the target's fault unless it is of a kind of its own.
func targetError(err error) error {
	if err == nil || exitCode(err) != exitUsage || errors.Is(err, kv.ErrUsage) {
		return err
	}
	return &codeError{exitTarget, err}
}

// exitCode maps an error to an exit code. It is the only place that does. What nobody has classified comes from parsing
// the command line.
func exitCode(err error) int {
	var c *codeError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &c):
		return c.code
	case errors.Is(err, errInterrupted):
		return exitInterrupted
	case errors.Is(err, errTimeout), errors.Is(err, kv.ErrCorrupt), errors.Is(err, kv.ErrImpact):
		return exitIncomplete
	}
	return exitUsage
}

// finish prints err with its hint and returns the exit code.
func (e *Env) finish(ctx context.Context, err error) int {
	if cause := context.Cause(ctx); err != nil && errors.Is(err, context.Canceled) && cause != nil {
		err = cause
	}
	code := exitCode(err)
	var c *codeError
	if err == nil || errors.As(err, &c) && c.err == nil {
		return code
	}
	e.explain(err)
	return code
}

// explain prints err with its hint; of a file with several mistakes each with its own.
func (e *Env) explain(err error) {
	all := &yamlfile.Mistakes{First: []error{err}}
	if several := (*yamlfile.Mistakes)(nil); errors.As(err, &several) && err.Error() == several.Error() {
		all = several
	}
	hinted := false
	for _, one := range all.First {
		e.say("error", oneLine(one))
		if h := kv.Hint(one); h != "" {
			e.say("hint", h)
			hinted = true
		}
	}
	if all.More > 0 {
		e.say("error", fmt.Sprintf("and %d more mistakes", all.More))
	}
	if h := kv.Hint(err); h != "" && !hinted { // of the file as a whole
		e.say("hint", h)
	}
}

// say prints one line about kvtool itself.
func (e *Env) say(kind, text string) {
	fmt.Fprintf(e.Stderr, "kvtool: %s: %s\n", kind, render.Clean(scrub(text), false))
}

// userinfo is what may be a user and a password in a mistyped target: redis:/u:pw@host. A well-formed one is redacted by
// kv.Target, which leaves //user@host.
var userinfo = regexp.MustCompile(`:[^\s@/][^\s@]*@|:/[^\s@/][^\s@]*@`)

// scrub hides what may be a password, wherever in an error it comes from.
func scrub(text string) string { return userinfo.ReplaceAllString(text, ":***@") }

// oneLine returns the text of err. Several shards may have failed in the same way; that is said once.
func oneLine(err error) string {
	var lines []string
	for l := range strings.Lines(err.Error()) {
		if l = strings.TrimSpace(l); l != "" && !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	if len(lines) == 0 {
		return "unknown error"
	}
	if len(lines) > 1 {
		return fmt.Sprintf("%s (and %d more errors)", lines[0], len(lines)-1)
	}
	return lines[0]
}

// crash reports a bug.
func (e *Env) crash(p any) int {
	why := e.bug(p)
	e.say("error", why)
	if !slices.Contains(e.args, "--debug") {
		e.say("hint", "this is a bug: run again with --debug and report what it prints")
	}
	return exitInternal
}

// bug says in a line what a panic is. With --debug it prints the stack, of the goroutine in which it was where that is not this one.
func (e *Env) bug(p any) string {
	what, where, _ := strings.Cut(fmt.Sprint(p), "\n")
	if slices.Contains(e.args, "--debug") {
		fmt.Fprintf(e.Stderr, "%s\n%s", where, debug.Stack())
	}
	return "internal: " + what
}
