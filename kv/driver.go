package kv

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Driver runs operations against a store, as a load test does.
type Driver interface {
	// Session opens what one worker works with: one connection and its state.
	Session(ctx context.Context, opt SessionOptions) (Session, error)
}

// A Limited is a Driver that has only some of the operations that loads are made of.
type Limited interface {
	// Lacks returns why the store has no such command, and "" if it has it. The first word is its name; words that are not the same
	// each time, as keys and values, are empty.
	Lacks(words []string) string
}

// Lacks asks d, which can do everything unless it says otherwise.
func Lacks(d Driver, words []string) string {
	if l, ok := d.(Limited); ok {
		return l.Lacks(words)
	}
	return ""
}

// SessionOptions are the zero value, or bounds.
type SessionOptions struct {
	Timeout time.Duration // of one Do; 0 is none
	Epoch   time.Time     // what Result.Sent and Done count from, as one clock for many sessions; zero: when the session is opened
}

// A Session is not safe for concurrent use, except that Close may be called at any time and ends a Do that waits.
type Session interface {
	// Do sends ops together, waits for every reply and writes that of ops[i] into out[i], which is as long. A failure of one
	// operation is in its Result; an error means that the session is of no more use. Do keeps nothing of ops, and does not
	// allocate once warm.
	Do(ops []Op, out []Result) error
	Close() error
}

// A ReplicaDriver is a driver that reaches replicas, too. Operations of one session go to two servers then, in no order between those
// two; the session outlives the primary, as far as Op.Replica goes.
type ReplicaDriver interface {
	Driver
	// Replicas is from how many servers a read may be answered.
	Replicas() int
	// Primary is the server that takes writes, HOST:PORT: after a failover it is another one.
	Primary() string
}

// A Replicated store has replicas, or may have.
type Replicated interface {
	// ReplicaDriver finds them. An error says why there are none to be reached.
	ReplicaDriver(ctx context.Context) (ReplicaDriver, error)
}

// An Op is one operation: a command in the store's own words, which belong to the caller and may be reused after Do.
type Op struct {
	Class uint16 // the caller's label: which line of the mix
	Want  bool   // the reply is read: Result.Values
	// Replica sends it to a replica: of those drivers alone that are ReplicaDrivers.
	Replica bool
	Args    [][]byte
}

// A Status says how an operation went.
type Status uint8

// The statuses. Miss is a reply that says there is nothing, as that of GET for a key that is not there. Failed is an error,
// also one within a list, as EXEC returns it.
const (
	OK Status = iota
	Miss
	Failed
)

// A Result is the answer to one operation.
type Result struct {
	Status Status
	Bytes  int           // of the reply, as it would be on the wire
	Sent   time.Duration // since SessionOptions.Epoch; one reading of the clock for all ops of a Do
	Done   time.Duration // the same of the reply's arrival
	Hops   uint8         // how often the operation was sent on to another server (MOVED, ASK)
	Err    error         // with Failed: what the store said, a ReplyError, or why no server was reached
	// Values are, with Op.Want and unless the whole reply is an error, the elements of the reply: those of nested lists one
	// after the other, numbers as text, nil for what is not there, an error within a list with its "-". They are valid until
	// the next Do, and the slice is the session's.
	Values [][]byte
}

// A ReplyError is what a store answered in place of a reply, or within one: "OOM command not allowed …".
type ReplyError string

func (e ReplyError) Error() string { return string(e) }

// Class is the first word, by which such errors are counted: OOM, LOADING, WRONGTYPE, ERR.
func (e ReplyError) Class() string {
	word, _, _ := strings.Cut(string(e), " ")
	return word
}

// ReplicatedOf returns s as a Replicated, or an error that wraps errors.ErrUnsupported.
func ReplicatedOf(s Store) (Replicated, error) {
	if r, ok := s.(Replicated); ok {
		return r, nil
	}
	return nil, fmt.Errorf("this kind of target has no replicas: %w", errors.ErrUnsupported)
}

// DriverOf returns s as a Driver, or an error that wraps errors.ErrUnsupported.
func DriverOf(s Store) (Driver, error) {
	if d, ok := s.(Driver); ok {
		return d, nil
	}
	return nil, fmt.Errorf("this store runs no operations: %w", errors.ErrUnsupported)
}
