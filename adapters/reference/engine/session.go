package engine

import (
	"sync"

	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// A Session is the state of one client. One goroutine at a time runs its requests, in batches:
//
//	for each request that has arrived { s.Run(args) }
//	s.Release()
//
// Out has the replies then.
type Session struct {
	Out wire.Writer

	e     *Engine
	id    int64
	db    int
	call  Call
	held  uint64 // the shards whose locks it has
	run   int    // commands since it took them
	state state
	last  int64 // Unix µs at the end of the last command of this batch; 0 before the first

	recent *command // the last command, which the next is likely to be
	counts commandStats
}

// state has a bit for each reason to look closer at the commands of a session.
type state uint32

const (
	closing state = 1 << iota // no more requests; the replies still go out
)

// sessionList are the sessions there are.
type sessionList struct {
	mu   sync.Mutex
	next int64
	byID map[int64]*Session
}

// Connect returns a new Session.
func (e *Engine) Connect() *Session {
	l := &e.sessions
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	s := &Session{e: e, id: l.next}
	s.call = Call{Out: &s.Out, s: s, e: e}
	if l.byID == nil {
		l.byID = map[int64]*Session{}
	}
	l.byID[s.id] = s
	return s
}

// Close ends a session. It must have been released.
func (s *Session) Close() {
	l := &s.e.sessions
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byID, s.id)
}

// Closing reports whether the session takes no more requests.
func (s *Session) Closing() bool { return s.state&closing != 0 }

// Release lets go of all locks: the end of a batch.
func (s *Session) Release() {
	s.unlock()
	s.flushCounts()
	s.last = 0
}

// lock takes the shards of need, unless it has them. Those that it has and does not need go if it has to take others: locks are
// only ever taken in ascending order.
func (s *Session) lock(need uint64) {
	if need&^s.held == 0 {
		if s.run++; s.run < longRun {
			return
		}
	}
	s.unlock()
	s.held, s.run = need, 0
	for i := 0; need != 0; i, need = i+1, need>>1 {
		if need&1 != 0 {
			s.e.shards[i].Mu.Lock()
		}
	}
}

// longRun is after how many commands a session lets others have its shards, in the middle of a batch.
const longRun = 256

func (s *Session) unlock() {
	held := s.held
	s.held = 0
	for i := 0; held != 0; i, held = i+1, held>>1 {
		if held&1 != 0 {
			s.e.shards[i].Mu.Unlock()
		}
	}
}

// Quit says that the session takes no more requests.
func (s *Session) Quit() { s.state |= closing }

// ID returns the number that CLIENT ID prints.
func (s *Session) ID() int64 { return s.id }
