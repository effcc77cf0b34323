package rdbread

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/kvtool/kvtool/kv"
)

// An Error says where a dump is cut or damaged. It is kv.ErrCorrupt. Every record that came before it stands.
type Error struct {
	Offset  int64  // of the byte at which the walk stopped
	DB      int    // database that was being read
	LastKey string // last key that was read whole, as it is; only if HasKey
	HasKey  bool
	Reading string // what was being read: "a hash"
	Reason  string
}

// Error names keys quoted and shortened, so that a hostile key can neither drive a terminal nor fill it.
func (e *Error) Error() string {
	last := "no key was read before it"
	if e.HasKey {
		last = "last good key " + quote(e.LastKey)
	}
	return fmt.Sprintf("dump damaged at byte %d, in %s: %s (db %d, %s)", e.Offset, e.Reading, e.Reason, e.DB, last)
}

// Is makes errors.Is(e, kv.ErrCorrupt) hold.
func (e *Error) Is(target error) bool { return target == kv.ErrCorrupt }

const quoted = 80 // bytes of a key that an error shows

func quote(key string) string {
	if len(key) > quoted {
		return strconv.QuoteToASCII(key[:quoted]) + fmt.Sprintf("… (%d bytes)", len(key))
	}
	return strconv.QuoteToASCII(key)
}

// A reason is an inconsistency of the file, in contrast to an error of reading it.
type reason string

func (r reason) Error() string { return string(r) }

func reasonf(format string, args ...any) error { return reason(fmt.Sprintf(format, args...)) }

// failure turns what stopped the window into the error of the walk.
func (r *Reader) failure() error {
	err := r.w.err
	e := &Error{Offset: r.w.failedAt, DB: r.db, HasKey: r.keys > 0, Reading: r.reading}
	if e.LastKey = r.last; e.HasKey && !r.lastWanted {
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
