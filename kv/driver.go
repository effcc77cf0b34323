package kv

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Driver runs operations against a store, as a load test does.
type Driver interface {
	// Session opens what one worker works with: one connection and its state.
	Session(ctx context.Context, opt SessionOptions) (Session, error)
}

// SessionOptions are the zero value, or bounds.
type SessionOptions struct {
	Timeout time.Duration // of one Do; 0 is none
}

// A Session is not safe for concurrent use, except that Close may be called at any time and ends a Do that waits.
type Session interface {
	// Do sends ops together, waits for every reply and writes that of ops[i] into out[i], which is as long. A failure of one
	// operation is in its Result; an error means that the session is of no more use. Do keeps nothing of ops, and does not
	// allocate once warm.
	Do(ops []Op, out []Result) error
	Close() error
}

// An Op is one operation: a command in the store's own words, which belong to the caller and may be reused after Do.
type Op struct {
	Class uint16 // the caller's label: which line of the mix
	Args  [][]byte
}

// A Status says how an operation went.
type Status uint8

// The statuses. Miss is a reply that says there is nothing, as that of GET for a key that is not there.
const (
	OK Status = iota
	Miss
	Failed
)

// A Result is the answer to one operation.
type Result struct {
	Status Status
	Bytes  int           // of the reply, as it would be on the wire
	Sent   time.Duration // since a point that is the session's; one reading of the clock for all ops of a Do
	Done   time.Duration // the same of the reply's arrival
	Err    error         // with Failed: what the store said
}

// DriverOf returns s as a Driver, or an error that wraps errors.ErrUnsupported.
func DriverOf(s Store) (Driver, error) {
	if d, ok := s.(Driver); ok {
		return d, nil
	}
	return nil, fmt.Errorf("this store runs no operations: %w", errors.ErrUnsupported)
}
