package engine

import (
	"strconv"
	"sync"

	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// A Channels is one of the three kinds of subscriptions.
type Channels int

// The kinds: by name, by pattern, and by name for SPUBLISH, which knows no patterns.
const (
	Named Channels = iota
	Patterns
	Sharded
	kinds
)

// subscribeWords are what a client is told of each kind: that it has subscribed, that it no longer has, and a message.
var subscribeWords = [kinds][3]string{
	Named:    {"subscribe", "unsubscribe", "message"},
	Patterns: {"psubscribe", "punsubscribe", "pmessage"},
	Sharded:  {"ssubscribe", "sunsubscribe", "smessage"},
}

// pubsub knows who listens to what. Its lock is taken with those of shards held, never before them.
type pubsub struct {
	mu       sync.RWMutex
	sessions [kinds]map[string][]*Session
}

// subscriptions are those of one session, in the order in which they were made.
type subscriptions [kinds][]string

func (s *subscriptions) index(kind Channels, name string) int {
	for i, n := range s[kind] {
		if n == name {
			return i
		}
	}
	return -1
}

// count returns what a client is told of: channels and patterns count together.
func (s *subscriptions) count(kind Channels) int64 {
	if kind == Sharded {
		return int64(len(s[Sharded]))
	}
	return int64(len(s[Named]) + len(s[Patterns]))
}

// Subscribe adds a subscription and tells the client of it.
func (c *Call) Subscribe(kind Channels, name []byte) {
	s, p, key := c.s, &c.e.pubsub, string(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	s.state |= pushing | subscribed
	if s.subs.index(kind, key) < 0 {
		s.subs[kind] = append(s.subs[kind], key)
		if p.sessions[kind] == nil {
			p.sessions[kind] = map[string][]*Session{}
		}
		p.sessions[kind][key] = append(p.sessions[kind][key], s)
	}
	c.tellSubscribed(subscribeWords[kind][0], kind, name)
}

// tellSubscribed writes what a client is told of a subscription. A nil name is none.
func (c *Call) tellSubscribed(word string, kind Channels, name []byte) {
	c.Out.Push(3)
	c.Out.Text(word)
	if name == nil {
		c.Out.Null()
	} else {
		c.Out.Bulk(name)
	}
	c.Out.Int(c.s.subs.count(kind))
}

// Unsubscribe ends subscriptions and tells the client of each; without names it ends all of the kind.
func (c *Call) Unsubscribe(kind Channels, names [][]byte) {
	s, p := c.s, &c.e.pubsub
	p.mu.Lock()
	defer p.mu.Unlock()
	s.collect()
	s.state |= pushing
	word := subscribeWords[kind][1]
	if len(names) == 0 {
		all := s.subs[kind]
		if len(all) == 0 {
			c.tellSubscribed(word, kind, nil)
		}
		for _, name := range append([]string(nil), all...) {
			p.remove(s, kind, name)
			c.tellSubscribed(word, kind, []byte(name))
		}
	}
	for _, name := range names {
		p.remove(s, kind, string(name))
		c.tellSubscribed(word, kind, name)
	}
	if s.subs.count(Named)+s.subs.count(Sharded) == 0 {
		s.state &^= subscribed
	}
}

func (p *pubsub) remove(s *Session, kind Channels, name string) {
	i := s.subs.index(kind, name)
	if i < 0 {
		return
	}
	s.subs[kind] = append(s.subs[kind][:i:i], s.subs[kind][i+1:]...)
	if rest := without(p.sessions[kind][name], s); len(rest) > 0 {
		p.sessions[kind][name] = rest
	} else {
		delete(p.sessions[kind], name)
	}
}

// unsubscribeAll ends all subscriptions, and tells nobody.
func (s *Session) unsubscribeAll() {
	p := &s.e.pubsub
	p.mu.Lock()
	defer p.mu.Unlock()
	for kind := range kinds {
		for _, name := range append([]string(nil), s.subs[kind]...) {
			p.remove(s, kind, name)
		}
	}
	s.state &^= subscribed
}

// Publish sends a message to who listens to a channel, and returns to how many. kind is Named or Sharded.
func (c *Call) Publish(kind Channels, channel, message []byte) int64 {
	return c.e.publish(c.mail, c.s, kind, channel, message)
}

// publish sends a message. from, which may be nil, reads it before the reply to what it does.
func (e *Engine) publish(m *mail, from *Session, kind Channels, channel, message []byte) int64 {
	p := &e.pubsub
	p.mu.RLock()
	defer p.mu.RUnlock()
	b := &broadcast{m: m, from: from}
	for _, s := range p.sessions[kind][string(channel)] {
		b.to(s, func(w *wire.Writer) {
			w.Push(3)
			w.Text(subscribeWords[kind][2])
			w.Bulk(channel)
			w.Bulk(message)
		})
	}
	if kind == Sharded {
		return b.n
	}
	for pattern, sessions := range p.sessions[Patterns] {
		if !Match(pattern, channel) {
			continue
		}
		b.reset()
		for _, s := range sessions {
			b.to(s, func(w *wire.Writer) {
				w.Push(4)
				w.Text("pmessage")
				w.Text(pattern)
				w.Bulk(channel)
				w.Bulk(message)
			})
		}
	}
	return b.n
}

// A broadcast sends one thing to many sessions: it is written once for each version of the protocol.
type broadcast struct {
	m       *mail
	from    *Session
	written [2]wire.Writer
	n       int64
}

func (b *broadcast) reset() { b.written[0].Reset(); b.written[1].Reset() }

func (b *broadcast) to(s *Session, write func(*wire.Writer)) {
	b.n++
	version := 0
	if s.resp3.Load() {
		version = 1
	}
	w := &b.written[version]
	if w.Len() == 0 {
		w.SetProtocol(version + 2)
		write(w)
	}
	if s == b.from {
		s.state |= pushing
		s.Out.Raw(w.Bytes())
		return
	}
	s.send(b.m, w.Bytes())
}

// EachChannel calls fn for each channel that somebody listens to and that matches pattern; "" is all.
func (e *Engine) EachChannel(kind Channels, pattern string, fn func(name string)) {
	e.pubsub.mu.RLock()
	defer e.pubsub.mu.RUnlock()
	for name := range e.pubsub.sessions[kind] {
		if pattern == "" || Match(pattern, []byte(name)) {
			fn(name)
		}
	}
}

// Subscribers returns how many listen to a channel; those who listen to a pattern that it matches are not counted.
func (e *Engine) Subscribers(kind Channels, name []byte) int64 {
	e.pubsub.mu.RLock()
	defer e.pubsub.mu.RUnlock()
	return int64(len(e.pubsub.sessions[kind][string(name)]))
}

// Subscriptions returns the number of channels, or patterns, that somebody listens to.
func (e *Engine) Subscriptions(kind Channels) int64 {
	e.pubsub.mu.RLock()
	defer e.pubsub.mu.RUnlock()
	return int64(len(e.pubsub.sessions[kind]))
}

// Changed says that a key has been changed: watchers fail, trackers are told, and the event is published (db.c:
// signalModifiedKey; notify.c). An empty event is none.
func (c *Call) Changed(key []byte, class byte, event string) {
	c.dirty++
	if c.e.attention.Load()&(someWatch|someNotify|someTracking) != 0 {
		c.e.changed(c.mail, c.s, c.s.db, key, class, event)
	}
}

// Touched is Changed without an event.
func (c *Call) Touched(key []byte) { c.Changed(key, 0, "") }

// Notify publishes an event of a key that is no change of it: class is the letter of notify-keyspace-events.
func (c *Call) Notify(class byte, event string, key []byte) { c.NotifyIn(c.s.db, class, event, key) }

// NotifyIn is Notify for a key of another database than the one that is selected.
func (c *Call) NotifyIn(db int, class byte, event string, key []byte) {
	if c.e.attention.Load()&someNotify != 0 {
		c.e.notify(c.mail, c.s, db, key, class, event)
	}
}

// ChangedIn is Changed for a key of another database than the one that is selected.
func (c *Call) ChangedIn(db int, key []byte, class byte, event string) {
	c.dirty++
	c.e.changed(c.mail, c.s, db, key, class, event)
}

func (e *Engine) changed(m *mail, by *Session, db int, key []byte, class byte, event string) {
	reasons := e.attention.Load()
	if reasons&someWatch != 0 {
		e.touchWatchers(db, key)
	}
	if reasons&someTracking != 0 {
		e.invalidate(m, by, key)
	}
	if event != "" && reasons&someNotify != 0 {
		e.notify(m, by, db, key, class, event)
	}
}

// notify publishes an event if its class is among those that are wanted (notify.c: notifyKeyspaceEvent).
func (e *Engine) notify(m *mail, by *Session, db int, key []byte, class byte, event string) {
	wanted := e.settings.events.Load()
	if wanted&eventClass(class) == 0 {
		return
	}
	if wanted&eventClass('K') != 0 {
		channel := strconv.AppendInt([]byte("__keyspace@"), int64(db), 10)
		channel = append(append(channel, "__:"...), key...)
		e.publish(m, by, Named, channel, []byte(event))
	}
	if wanted&eventClass('E') != 0 {
		channel := strconv.AppendInt([]byte("__keyevent@"), int64(db), 10)
		channel = append(append(channel, "__:"...), event...)
		e.publish(m, by, Named, channel, key)
	}
}

// eventClasses are the letters of notify-keyspace-events, as CONFIG GET writes them.
const eventClasses = "g$lshzxetdnKEm"

// allEvents are those that the letter A means.
const allEvents = "g$lshzxetd"

// eventClass returns the bit of a class, 0 for a letter that is none.
func eventClass(letter byte) uint32 {
	for i := range len(eventClasses) {
		if eventClasses[i] == letter {
			return 1 << i
		}
	}
	return 0
}

// parseEvents reads notify-keyspace-events.
func parseEvents(text string) (classes uint32, ok bool) {
	for i := range len(text) {
		if text[i] == 'A' {
			for j := range len(allEvents) {
				classes |= eventClass(allEvents[j])
			}
			continue
		}
		bit := eventClass(text[i])
		if bit == 0 {
			return 0, false
		}
		classes |= bit
	}
	return classes, true
}

// formatEvents is the reverse of parseEvents (notify.c: keyspaceEventsFlagsToString).
func formatEvents(classes uint32) string {
	all, _ := parseEvents("A")
	var b []byte
	if classes&all == all {
		b = append(b, 'A')
	}
	for i := range len(eventClasses) {
		letter := eventClasses[i]
		bit := eventClass(letter)
		if classes&bit == 0 || classes&all == all && (bit&all != 0 || letter == 'n') {
			continue
		}
		b = append(b, letter)
	}
	return string(b)
}
