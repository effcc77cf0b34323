// Package cmd is the command line: it turns arguments into options, options into a run of the packages that do the work,
// and what comes back into text, files and an exit code. It is the composition root, the one package that may import
// every other, and it holds no analysis and no format.
//
// The one idea is that a command touches the outside only through Env: arguments and Env go in, bytes and an exit code
// come out. Each command is one file with an options struct, a constructor that binds flags to it and a run function.
// Errors come up as values; exit.go alone prints them, with their hints, and maps them to codes.
package cmd

import (
	"context"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/term"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/kv"
)

// SoftMemoryLimit is where the garbage collector starts to work harder, in bytes, unless GOMEMLIMIT says otherwise. An audit
// holds a fraction of it; without a limit, making a report of a bad keyspace would let garbage pile up to several times
// that. Only a store that is itself in memory (ref: with a million keys) needs more, and gets it, with slower collection.
const SoftMemoryLimit = 200 << 20

// Env is all that a command may touch of the outside, files that the user names apart.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	TTY            bool // Stdout is a terminal
	StderrTTY      bool
	Width          int // columns of the terminal; 0 if unknown
	Getenv         func(string) string
	Now            func() time.Time
	Adapters       []*kv.Adapter
	Open           func(ctx context.Context, t kv.Target) (kv.Store, error) // a fake in tests
	conf           configuration                                            // of a command that is configured
	yes            bool                                                     // --yes: what a scan costs is accepted
	impact         kv.Impact                                                // --max-impact, of a command that has it
	configured     bool
	args           []string          // of the command line
	listed         map[string]string // URLs of targets that a list has named, by LIST/NAME
	patience       time.Duration     // with a program that a profile names; 0: commandTimeout
}

// OS returns the environment of the process.
func OS() *Env {
	e := &Env{
		Stdin:     os.Stdin,
		Stdout:    os.Stdout,
		Stderr:    os.Stderr,
		TTY:       term.IsTerminal(int(os.Stdout.Fd())),
		StderrTTY: term.IsTerminal(int(os.Stderr.Fd())),
		Getenv:    os.Getenv,
		Now:       time.Now,
		Adapters:  adapters.All(),
		Open:      adapters.Open,
	}
	e.Width = terminalWidth(e)
	return e
}

// terminalWidth asks the terminal that the report goes to, then $COLUMNS.
func terminalWidth(e *Env) int {
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w > 0 {
		return w
	}
	w, _ := strconv.Atoi(e.Getenv("COLUMNS"))
	return max(0, w)
}

// dumb reports whether the terminal takes no escape codes.
func (e *Env) dumb() bool { return e.Getenv("TERM") == "dumb" }

// colored reports whether to colour what goes to stdout or, if not toStdout, to a file.
func (e *Env) colored(when string, toStdout bool) bool {
	if when != "auto" {
		return when == "always"
	}
	return toStdout && e.TTY && e.Getenv("NO_COLOR") == "" && !e.dumb()
}
