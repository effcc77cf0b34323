package engine

import (
	"fmt"
	"slices"
	"strings"
)

// shown is what others may see of a session: it is copied at the end of a batch, so that a command costs nothing.
type shown struct {
	last     int64 // Unix µs
	db       int
	flags    state
	subs     [kinds]int
	queued   int // commands of a transaction, -1 if there is none
	queuedAt int // their bytes
	cmd      *command
	protocol int
	name     string
	redirect int64
}

// show copies what others may see. mu is locked.
func (s *Session) show() {
	name := s.shown.name
	s.shown = shown{
		last: s.last, db: s.db, flags: s.state, queued: -1, queuedAt: s.multi.bytes, cmd: s.call.cmd,
		protocol: s.Out.Protocol(), name: name, redirect: -1,
	}
	if s.state&inMulti != 0 {
		s.shown.queued = len(s.multi.queue)
	}
	for k := range kinds {
		s.shown.subs[k] = len(s.subs[k])
	}
	if s.tracking != nil {
		s.shown.redirect = s.tracking.Redirect
	}
}

func (s *Session) name() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.name
}

// ClientName returns what CLIENT SETNAME has set.
func (c *Call) ClientName() string { return c.s.name() }

// SetName names the session; it reports false for a name with what cannot be printed in it (networking.c: clientSetName).
func (c *Call) SetName(name []byte) bool {
	for _, b := range name {
		if b < '!' || b > '~' {
			return false
		}
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.shown.name = string(name)
	return true
}

// A Class is a type of clients, as CLIENT LIST TYPE names them.
type Class int

// The classes. There are neither masters nor replicas here.
const (
	AnyClass Class = iota - 1
	NormalClass
	ReplicaClass
	PubSubClass
	MasterClass
)

// ParseClass reads the name of a class.
func ParseClass(name []byte) (Class, bool) {
	i := slices.Index([]string{"normal", "replica", "pubsub", "master", "slave"}, strings.ToLower(string(name)))
	if i == 4 {
		i = int(ReplicaClass)
	}
	return Class(i), i >= 0
}

func (s *shown) class() Class {
	switch {
	case s.flags&monitoring != 0:
		return ReplicaClass
	case s.flags&subscribed != 0:
		return PubSubClass
	}
	return NormalClass
}

// snapshot returns what may be seen of a session.
func (s *Session) snapshot() shown {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown
}

// Show brings what may be seen of the caller's own session up to date.
func (c *Call) Show() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.show()
}

// Line returns the line of CLIENT LIST, without its end (networking.c: catClientInfoString).
func (s *Session) Line() string {
	v := s.snapshot()
	now := s.e.clock.Now()
	var b Buffers
	if s.origin.Buffers != nil {
		b = s.origin.Buffers()
	}
	name := "NULL"
	if v.cmd != nil {
		name = v.cmd.name
	}
	total := b.Query + b.QueryFree + b.Output + int64(v.queuedAt) + sessionBytes
	return fmt.Sprintf("id=%d addr=%s laddr=%s fd=%d name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d "+
		"qbuf=%d qbuf-free=%d argv-mem=%d multi-mem=%d rbs=%d rbp=%d obl=%d oll=%d omem=%d tot-mem=%d events=r "+
		"cmd=%s user=default redir=%d resp=%d",
		s.id, s.origin.Addr, s.origin.Local, s.origin.FD, v.name, (now-s.since)/1e6, max(0, now-v.last)/1e6, s.letters(v.flags),
		v.db,
		v.subs[Named], v.subs[Patterns], v.subs[Sharded], v.queued, b.Query, b.QueryFree, 0, v.queuedAt, replyBuffer, 0, b.Output,
		b.OutputChunks, b.Output, total, name, v.redirect, max(2, v.protocol))
}

// What a client takes, about: a Session with a small buffer each way. rbs is that of the replies.
const (
	sessionBytes = 1200
	replyBuffer  = 1024
)

// letters returns the flags of CLIENT LIST.
func (s *Session) letters(f state) string {
	var b []byte
	for _, l := range [...]struct {
		on     bool
		letter byte
	}{
		{f&monitoring != 0, 'O'},
		{f&subscribed != 0, 'P'},
		{f&inMulti != 0, 'x'},
		{s.Blocked(), 'b'},
		{f&isTracking != 0, 't'},
		{s.dirty.Load(), 'd'},
		{f&closing != 0, 'c'},
		{s.killed.Load(), 'A'},
		{s.origin.Unix, 'U'},
		{f&noEvict != 0, 'e'},
	} {
		if l.on {
			b = append(b, l.letter)
		}
	}
	if len(b) == 0 {
		return "N"
	}
	return string(b)
}

// Sessions returns all sessions in the order in which they came.
func (e *Engine) Sessions() []*Session {
	e.sessions.mu.Lock()
	defer e.sessions.mu.Unlock()
	all := make([]*Session, 0, len(e.sessions.byID))
	for _, s := range e.sessions.byID {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *Session) int { return int(a.id - b.id) })
	return all
}

// Class returns the type of the client.
func (s *Session) Class() Class {
	v := s.snapshot()
	return v.class()
}

// A Kill says which clients to disconnect: those that all of its conditions hold for.
type Kill struct {
	ID          int64 // 0 is any
	Addr, Local string
	Class       Class
	SkipSelf    bool
}

// Kill disconnects clients and returns how many. The caller itself still gets its reply.
func (c *Call) Kill(k Kill) (n int64) {
	for _, s := range c.e.Sessions() {
		switch {
		case k.ID != 0 && s.id != k.ID,
			k.Addr != "" && s.origin.Addr != k.Addr,
			k.Local != "" && s.origin.Local != k.Local,
			k.Class != AnyClass && s.Class() != k.Class,
			k.SkipSelf && s == c.s:
			continue
		}
		n++
		if s == c.s {
			c.s.Quit()
		} else {
			s.kill()
		}
	}
	return n
}

// Replies is what CLIENT REPLY sets.
type Replies int

// The modes of CLIENT REPLY.
const (
	RepliesOn Replies = iota
	RepliesOff
	RepliesSkip
)

// SetReplies changes whether commands are answered.
func (c *Call) SetReplies(r Replies) {
	s := c.s
	switch r {
	case RepliesOn:
		s.state &^= replyOff | replySkip
	case RepliesOff:
		s.state |= replyOff
	case RepliesSkip:
		if s.state&replyOff == 0 {
			s.state |= replySkipNext
		}
	}
}

// SetNoEvict is CLIENT NO-EVICT, which CLIENT LIST shows.
func (c *Call) SetNoEvict(on bool) { c.s.set(noEvict, on) }

func (s *Session) set(bit state, on bool) {
	if on {
		s.state |= bit
		return
	}
	s.state &^= bit
}

// Authenticate checks a password of the only user there is, and reports whether it is right.
func (c *Call) Authenticate(user, password []byte) bool {
	want := c.e.settings.Password()
	if string(user) != "default" || want != "" && string(password) != want {
		return false
	}
	c.s.state &^= guest
	return true
}

// HasPassword reports whether clients have to authenticate.
func (c *Call) HasPassword() bool { return c.e.settings.Password() != "" }

// Authenticated reports whether this one has.
func (c *Call) Authenticated() bool { return c.s.state&guest == 0 }

// SetProtocol changes the version of RESP, from the reply to this command on.
func (c *Call) SetProtocol(version int) { c.s.setProtocol(version) }

// Reset makes the session as it was when it connected (networking.c: clearClientConnectionState).
func (c *Call) Reset() {
	s := c.s
	s.stopMonitor()
	s.stopTracking()
	s.unsubscribeAll()
	s.discard()
	s.db = 0
	s.setProtocol(2)
	s.state &^= replyOff | replySkipNext
	if c.HasPassword() {
		s.state |= guest
	}
	c.SetName(nil)
}

// Subscribed reports whether the session listens to channels.
func (c *Call) Subscribed() bool { return c.s.state&subscribed != 0 }

// without returns a list without a session.
func without(list []*Session, s *Session) []*Session {
	for i, other := range list {
		if other == s {
			return append(list[:i:i], list[i+1:]...)
		}
	}
	return list
}
