package engine

import (
	"sync"
	"sync/atomic"

	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// A Session is the state of one client. One goroutine at a time runs its requests, in batches:
//
//	for !s.Blocked() && !s.Closing() { s.Run(the next request that has arrived) }
//	s.Release()       // locks are free; Out has the replies, and what others have sent to this client meanwhile
//	s.Deliver()       // the clients that this batch has sent something to are woken
//
// What others send between two batches is returned by Inbox.
type Session struct {
	Out wire.Writer

	e      *Engine
	id     int64
	origin Origin
	since  int64 // Unix µs

	// Of the goroutine that runs it, and of who serves it while it is blocked.
	db            int
	call          Call
	held          uint64 // the shards whose locks it has
	run           int    // commands since it took them
	state         state
	last          int64    // Unix µs at the end of the last command of this batch; 0 before the first
	recent        *command // the last command, which the next is likely to be
	counts        commandCounts
	multi         transaction
	watches       []*watch
	post          mail
	delayed       [][]byte  // a request that waits for the end of a pause
	tracking      *Tracking // under the lock of the engine's trackers, too
	invalidations []byte    // of keys that its own command has changed: they follow the reply

	resp3   atomic.Bool // as Out has it, for those who send to it
	dirty   atomic.Bool // a key that it watches has changed
	waiting atomic.Pointer[waiter]
	killed  atomic.Bool
	woken   atomic.Bool // it was blocked and may go on

	mu    sync.Mutex
	busy  bool   // it runs: what others send goes into its inbox and stays there
	inbox []byte // what others have sent
	shown shown
	subs  subscriptions // under the lock of the engine's pubsub
}

// An Origin says where a client comes from, and how to reach what connects it.
type Origin struct {
	Addr, Local string // as CLIENT LIST prints them
	Unix        bool
	FD          int // of the socket; -1 if there is none
	// Wake is called when Inbox has something, or when a blocked session may go on; from any goroutine, with no lock held.
	Wake func()
	// Kill ends the connection at once; from any goroutine, perhaps with locks held.
	Kill func()
	// Buffers tells what the connection has in its buffers. Nil is nothing.
	Buffers func() Buffers
}

// Buffers are what a connection holds, in bytes.
type Buffers struct{ Query, QueryFree, Output, OutputChunks int64 }

// state has a bit for each reason to look closer at the commands of a session.
type state uint32

const (
	closing    state = 1 << iota // no more requests; the replies still go out
	guest                        // has to authenticate first
	inMulti                      // commands are queued
	dirtyExec                    // one of them cannot be run
	executing                    // EXEC runs them
	subscribed                   // in RESP2 it may do little else
	monitoring
	replyOff
	replySkip     // nothing is answered to this command
	replySkipNext // nor to the next
	noEvict
	isTracking
	pushing // what the command writes is no reply: it goes out even when replies are off
)

// mail are the sessions that something was sent to and that are not yet woken.
type mail struct{ to []*Session }

// deliver wakes them. No lock may be held.
func (m *mail) deliver() {
	for i, s := range m.to {
		if s.origin.Wake != nil {
			s.origin.Wake()
		}
		m.to[i] = nil
	}
	m.to = m.to[:0]
}

// sessionList are the sessions there are.
type sessionList struct {
	mu       sync.Mutex
	next     int64
	byID     map[int64]*Session
	received int64 // connections ever
	rejected int64 // because of maxclients
}

// ErrMaxClients is what a client reads for whom there is no place, before it is disconnected.
const ErrMaxClients = "ERR max number of clients reached"

// Connect returns a new Session, or nil if there are as many as maxclients allows.
func (e *Engine) Connect(o Origin) *Session {
	s := &Session{e: e, origin: o, since: e.clock.Now()}
	s.call = Call{Out: &s.Out, s: s, e: e, mail: &s.post}
	if e.settings.Password() != "" {
		s.state |= guest
	}
	l := &e.sessions
	l.mu.Lock()
	defer l.mu.Unlock()
	if int64(len(l.byID)) >= e.settings.maxClients.Load() {
		l.rejected++
		return nil
	}
	l.received++
	l.next++
	s.id = l.next
	s.shown.last = s.since
	if l.byID == nil {
		l.byID = map[int64]*Session{}
	}
	l.byID[s.id] = s
	return s
}

// Close ends a session. It must have been released.
func (s *Session) Close() {
	s.e.forget(s)
	s.unwatch()
	s.stopMonitor()
	s.unsubscribeAll()
	s.stopTracking()
	l := &s.e.sessions
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byID, s.id)
}

// sessionByID returns the session of that number, or nil.
func (e *Engine) sessionByID(id int64) *Session {
	e.sessions.mu.Lock()
	defer e.sessions.mu.Unlock()
	return e.sessions.byID[id]
}

// Closing reports whether the session takes no more requests.
func (s *Session) Closing() bool { return s.state&closing != 0 || s.killed.Load() }

// Quit says that the session takes no more requests.
func (s *Session) Quit() { s.state |= closing }

// ID returns the number that CLIENT ID prints.
func (s *Session) ID() int64 { return s.id }

// Guest reports whether the client has yet to authenticate.
func (s *Session) Guest() bool { return s.state&guest != 0 && s.e.settings.Password() != "" }

// begin is called before the first command of a batch. What others have sent so far, such as the reply to the command that the
// session was blocked by, goes out before the replies of this batch.
func (s *Session) begin() {
	s.mu.Lock()
	s.busy = true
	if len(s.inbox) > 0 {
		s.Out.Raw(s.inbox)
		s.inbox = s.inbox[:0]
	}
	s.mu.Unlock()
	s.last = s.e.clock.Now()
}

// Release ends a batch: all locks are free, and Out holds what is to be sent.
func (s *Session) Release() {
	s.unlock()
	if s.last == 0 {
		return
	}
	s.flushCounts()
	s.mu.Lock()
	s.busy = false
	if len(s.inbox) > 0 {
		s.Out.Raw(s.inbox)
		s.inbox = s.inbox[:0]
	}
	s.show()
	s.mu.Unlock()
	s.last = 0
}

// Deliver wakes those whom this batch has sent something. No lock may be held.
func (s *Session) Deliver() {
	if len(s.post.to) > 0 {
		s.post.deliver()
	}
}

// Inbox appends to dst what others have sent to a session that runs nothing now, and forgets it.
func (s *Session) Inbox(dst []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		return dst // Release sends it, after the replies that come before it
	}
	dst = append(dst, s.inbox...)
	s.inbox = s.inbox[:0]
	return dst
}

// send leaves b in the session's inbox, and has it woken by who has m.
func (s *Session) send(m *mail, b []byte) {
	s.mu.Lock()
	first := len(s.inbox) == 0
	s.inbox = append(s.inbox, b...)
	s.mu.Unlock()
	if first {
		m.to = append(m.to, s)
	}
}

// collect moves what others have sent so far in front of what this session writes from here on.
func (s *Session) collect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Out.Raw(s.inbox)
	s.inbox = s.inbox[:0]
}

// kill ends a session from outside.
func (s *Session) kill() {
	s.killed.Store(true)
	if s.origin.Kill != nil {
		s.origin.Kill()
	}
}

// setProtocol changes the version of RESP that the client reads.
func (s *Session) setProtocol(version int) {
	s.Out.SetProtocol(version)
	s.resp3.Store(version == 3)
}

// Protocol ends the session with the error that a request was none.
func (s *Session) Protocol(text string) {
	if s.last == 0 {
		s.begin()
	}
	s.call.mark = s.Out.Len()
	s.call.Fail("ERR " + text)
	s.Quit()
}

// Yield lets go of all locks in the middle of a batch.
func (s *Session) Yield() { s.unlock() }

// Woken reports whether the session may go on after it was blocked; it does so once.
func (s *Session) Woken() bool { return s.woken.Swap(false) }
