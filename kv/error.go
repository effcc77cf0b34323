package kv

import (
	"errors"
	"fmt"
)

// Sentinels that a caller branches on with errors.Is.
var (
	// ErrUsage marks a target that cannot be right whatever the store does: an unknown parameter, a file of no known kind.
	ErrUsage = errors.New("usage")
	// ErrCorrupt marks input of a known kind that is cut or damaged, or goes on in a form that is not read. What was read
	// before it stands.
	ErrCorrupt = errors.New("corrupt input")
	// ErrRestart ends the scan of a shard that has moved to where its records cannot be told from those to come: after a
	// failover the cursor means nothing. What the scan has yielded is void, and the shard is to be scanned anew.
	ErrRestart = errors.New("the scan of this part must begin anew")
	// ErrImpact ends the reading of a server that answers others too slowly meanwhile. What was read before it stands.
	ErrImpact = errors.New("the server is slow for others")
)

// Usagef returns an error with the given text that is ErrUsage.
func Usagef(format string, args ...any) error {
	return &kindError{fmt.Errorf(format, args...), ErrUsage}
}

// Corruptf returns an error with the given text that is ErrCorrupt.
func Corruptf(format string, args ...any) error {
	return &kindError{fmt.Errorf(format, args...), ErrCorrupt}
}

// A kindError is an error of a kind, without the kind in its text.
type kindError struct{ err, kind error }

func (e *kindError) Error() string   { return e.err.Error() }
func (e *kindError) Unwrap() []error { return []error{e.err, e.kind} }

type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

// WithHint attaches to err one line on how to mend its cause. Only package cmd prints it.
func WithHint(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &hintError{err, hint}
}

// Hint returns the outermost hint of err, or "".
func Hint(err error) string {
	var h *hintError
	if errors.As(err, &h) {
		return h.hint
	}
	return ""
}
