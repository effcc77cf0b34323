package kv

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// An Examiner can be asked how its servers are doing, without reading a key and at next to no cost for them.
type Examiner interface {
	// Examine opens a line to each server that there is to be asked. Of one that cannot be reached there is an Exam all the same: its
	// questions fail with the reason.
	Examine(ctx context.Context) ([]Exam, error)
}

// An Exam is a line to one server. It is not safe for concurrent use, except that Close may be called at any time and ends a
// question that waits. After an error that is no ReplyError, the next question is asked over a new connection.
type Exam interface {
	// Place names the server among those of its store: host and port.
	Place() string
	// Ping asks for a sign of life, and returns how long the answer took.
	Ping(ctx context.Context) (time.Duration, error)
	// Vitals is one reading. A server that answers with a refusal to answer anything (LOADING, BUSY) is a ReplyError.
	Vitals(ctx context.Context) (*Vitals, error)
	// Details are what is asked once, of what v says there is.
	Details(ctx context.Context, v *Vitals) (*Details, error)
	Close() error
}

// Vitals are what one server says of itself at one moment. Numbers and texts have the names that INFO of Redis gives them: a store of
// another kind uses these where it counts the same, and its own for the rest. What it does not say is not there.
type Vitals struct {
	At       time.Time // when the answer came, by our clock
	Product  string
	Version  string
	Numbers  map[string]float64
	Texts    map[string]string
	Commands map[string]Command // by name in lower case: get, config|get; nil where it does not count them
	Errors   map[string]int64   // answers that were errors, by their first word; nil where it does not count them
	Replicas []Replica          // of a primary
	Lacks    map[string]string  // by the name of a group that was asked for and refused: why
}

// A Command is what a server counts of one command since it began to count.
type Command struct {
	Calls, Failed, Rejected int64
	CPU                     time.Duration // in the thread that runs commands
	P50, P99                time.Duration // of a call; 0 where it does not tell
}

// A Replica is what a primary says of one of its replicas.
type Replica struct {
	Place  string
	State  string        // online, wait_bgsave, send_bulk, …
	Offset int64         // that it has confirmed
	Lag    time.Duration // since it has confirmed anything
}

// Details are what of one server is read once. What was refused, or was not asked for, is in Lacks with the reason, by the name of the
// field in lower case.
type Details struct {
	Slow     []SlowCall        // the latest first
	Spikes   []Spike           // of the server's own monitor of latencies
	Clients  []Client          // connections
	Settings map[string]string // by the server's own names
	Memory   map[string]float64
	Cluster  map[string]string // of a node of a cluster
	Nodes    []Node            // of that cluster, as this node sees them
	Sentinel map[string]string // what a sentinel says of the server, by its own names: quorum, num-other-sentinels, …
	Default  []string          // flags of the user that needs no name: on, nopass, …
	Users    []User            // who may log in
	Harmful  []string          // of the commands that can stop or empty a server, those that it knows by their names, in lower case
	Lacks    map[string]string
}

// A Node is one of a cluster.
type Node struct {
	ID      string
	Place   string // host and port
	Myself  bool   // it is the one that was asked
	Primary string // ID of the one that it copies; "" of a primary
	Failed  bool   // the others hold it to be down
	Slots   int
}

// A User is an account of a server, without its passwords.
type User struct {
	Name  string
	On    bool     // it can log in
	Rules []string // of commands, in their order: +@all, -flushall, …
}

// A SlowCall is one that a server has noted as slow. Of its arguments only the key is kept: the others may be values.
type SlowCall struct {
	At      time.Time // by the server's clock, to a second
	Took    time.Duration
	Command string // in lower case
	Key     string // "" where it has none, or where it is not known which argument it is
}

// A Spike is the last and the worst of the delays of one kind that a server has noted.
type Spike struct {
	Event     string // fork, aof-fsync-always, expire-cycle, eviction-cycle, …
	At        time.Time
	Last, Max time.Duration
}

// A Client is a connection of a server.
type Client struct {
	ID      string
	Addr    string
	Name    string
	Flags   string // in the server's letters: N normal, S replica, M primary, P subscriber, b blocked, …
	Command string // the last one
	Age     time.Duration
	Idle    time.Duration
	Output  int64 // bytes of answers that it has not read
	Input   int64 // bytes of requests that are not whole
}

// Sent is what a store has sent to one of its servers since it was opened.
type Sent struct {
	Commands map[string]int64 // calls, by the names of Vitals.Commands
	Hits     int64            // that the server counts of them as reads that found their key
}

// A Sender tells what it has sent, by the Place of the server: who looks at what servers count subtracts it.
type Sender interface {
	Sent() map[string]Sent
}

// SentBy returns what s has sent, if it tells.
func SentBy(s Store) (map[string]Sent, bool) {
	if x, ok := s.(Sender); ok {
		return x.Sent(), true
	}
	return nil, false
}

// ExaminerOf returns s as an Examiner, or an error that wraps errors.ErrUnsupported.
func ExaminerOf(s Store) (Examiner, error) {
	if e, ok := s.(Examiner); ok {
		return e, nil
	}
	return nil, fmt.Errorf("this kind of target is no server that could be asked how it is doing: %w", errors.ErrUnsupported)
}

// An Unwell error says that a server was reached and does not serve: it is loading, busy, or says nothing at all. It can still be
// examined, as far as that goes.
type Unwell struct {
	Err   error
	Since time.Time // when it was asked what it has not answered; zero: it has answered something
	Examiner
}

// Error is that of Err.
func (u *Unwell) Error() string { return u.Err.Error() }

// Unwrap returns Err.
func (u *Unwell) Unwrap() error { return u.Err }

// A Silence is an error of a question that a server has not answered: when it was asked, and how far it got.
type Silence struct {
	Err       error
	Asked     time.Time
	Waited    time.Duration
	Connected time.Duration // how long connecting took; 0: the connection was there before, or there is none
	Reached   bool          // there was a connection, and the request was sent
	Closed    bool          // the other side has closed it
}

// Error is that of Err.
func (s *Silence) Error() string { return s.Err.Error() }

// Unwrap returns Err.
func (s *Silence) Unwrap() error { return s.Err }
