package rdbread

import (
	"errors"
	"fmt"

	"github.com/kvtool/kvtool/kv"
)

// An Error says where a dump is cut or damaged. It is kv.ErrCorrupt. Every record that came before it stands.
type Error struct {
	Offset  int64  // of the byte at which the walk stopped
	DB      int    // database that was being read
	Keys    int64  // how many were read whole before it
	LastKey string // the last of these, as it is; only if Keys is not 0
	Reading string // what was being read: "a hash"
	Reason  string
}

// Error names no key: an error ends up in logs and tickets, where key names are nobody's business.
func (e *Error) Error() string {
	return fmt.Sprintf("dump damaged at byte %d, in %s: %s (db %d, after %d whole keys)",
		e.Offset, e.Reading, e.Reason, e.DB, e.Keys)
}

// Is makes errors.Is(e, kv.ErrCorrupt) hold.
func (e *Error) Is(target error) bool { return target == kv.ErrCorrupt }

// A reason is an inconsistency of the file, in contrast to an error of reading it.
type reason string

func (r reason) Error() string { return string(r) }

func reasonf(format string, args ...any) error { return reason(fmt.Sprintf(format, args...)) }

// failure turns what stopped the window into the error of the walk.
func (r *Reader) failure() error {
	err := r.w.err
	e := &Error{Offset: r.w.failedAt, DB: r.db, Keys: r.keys, Reading: r.reading}
	if e.LastKey = r.last; e.Keys > 0 && !r.lastWanted {
		e.LastKey = string(r.skipped)
	}
	var inconsistent reason
	switch {
	case errors.Is(err, errCut):
		e.Reason = "the file ends before its content"
	case errors.As(err, &inconsistent):
		e.Reason = string(inconsistent)
	case errors.Is(err, kv.ErrCorrupt): // of the compression around the dump
		e.Reason = err.Error()
	default:
		return fmt.Errorf("reading dump at byte %d: %w", e.Offset, err)
	}
	return e
}
