package engine

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// Tracking is what CLIENT TRACKING sets for a session (tracking.c).
type Tracking struct {
	Redirect                         int64 // the client that is told instead; 0 is none
	Broadcast, OptIn, OptOut, NoLoop bool
	Prefixes                         []string // of Broadcast, sorted

	caching bool // CLIENT CACHING was given for the next command
	broken  bool // the client of Redirect is gone
}

// trackers know which keys clients may have in their caches. Their lock is taken with those of shards held, never before them.
type trackers struct {
	mu        sync.Mutex
	readers   map[string]map[int64]struct{} // by key: numbers of sessions, some of which may be gone
	broadcast map[int64]*Session
	all       map[int64]*Session // that track
}

// Tracking returns what is set for the session, or nil.
func (c *Call) Tracking() *Tracking { return c.s.tracking }

// HasSession reports whether there is a client of that number.
func (e *Engine) HasSession(id int64) bool { return e.sessionByID(id) != nil }

// CachingNext is CLIENT CACHING: the next command is treated otherwise than OptIn or OptOut say.
func (c *Call) CachingNext() { c.s.tracking.caching = true }

// StartTracking sets what is tracked, and returns the text of the error, or "".
func (c *Call) StartTracking(t Tracking) string {
	old := c.s.tracking
	if text := compatible(old, &t); text != "" {
		return text
	}
	if old != nil && t.Broadcast {
		t.Prefixes = append(t.Prefixes, old.Prefixes...)
	}
	if t.Broadcast && len(t.Prefixes) == 0 {
		t.Prefixes = []string{""}
	}
	slices.Sort(t.Prefixes)
	c.s.state |= isTracking
	tr := &c.e.trackers
	tr.mu.Lock()
	defer tr.mu.Unlock()
	c.s.tracking = &t
	if tr.all == nil {
		tr.all = map[int64]*Session{}
	}
	tr.all[c.s.id] = c.s
	if t.Broadcast {
		if tr.broadcast == nil {
			tr.broadcast = map[int64]*Session{}
		}
		tr.broadcast[c.s.id] = c.s
	}
	c.e.attend(someTracking, true)
	return ""
}

// Parts of texts of errors.
const (
	reEnable  = "and then re-enabling it with a different mode."
	noOverlap = "Prefixes for a single client must not overlap."
)

// compatible returns why options cannot be set together, or after those that are set.
func compatible(old, t *Tracking) string {
	switch {
	case !t.Broadcast && len(t.Prefixes) > 0:
		return "ERR PREFIX option requires BCAST mode to be enabled"
	case old != nil && old.Broadcast != t.Broadcast:
		return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, " + reEnable
	case t.Broadcast && (t.OptIn || t.OptOut):
		return "ERR OPTIN and OPTOUT are not compatible with BCAST"
	case t.OptIn && t.OptOut:
		return "ERR You can't specify both OPTIN mode and OPTOUT mode"
	case old != nil && (t.OptIn && old.OptOut || t.OptOut && old.OptIn):
		return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, " + reEnable
	}
	for i, p := range t.Prefixes {
		if old != nil {
			for _, q := range old.Prefixes {
				if overlap(p, q) {
					return fmt.Sprintf("ERR Prefix '%s' overlaps with an existing prefix '%s'. %s", p, q, noOverlap)
				}
			}
		}
		for _, q := range t.Prefixes[i+1:] {
			if overlap(p, q) {
				return fmt.Sprintf("ERR Prefix '%s' overlaps with another provided prefix '%s'. %s", p, q, noOverlap)
			}
		}
	}
	return ""
}

func overlap(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// Flags returns what CLIENT TRACKINGINFO prints.
func (t *Tracking) Flags() []string {
	flags := []string{"on"}
	for _, f := range [...]struct {
		on   bool
		name string
	}{
		{t.Broadcast, "bcast"},
		{t.OptIn, "optin"},
		{t.OptIn && t.caching, "caching-yes"},
		{t.OptOut, "optout"},
		{t.OptOut && t.caching, "caching-no"},
		{t.NoLoop, "noloop"},
		{t.broken, "broken_redirect"},
	} {
		if f.on {
			flags = append(flags, f.name)
		}
	}
	return flags
}

// StopTracking ends it.
func (c *Call) StopTracking() { c.s.stopTracking() }

func (s *Session) stopTracking() {
	if s.tracking == nil {
		return
	}
	s.state &^= isTracking
	tr := &s.e.trackers
	tr.mu.Lock()
	defer tr.mu.Unlock()
	s.tracking = nil
	delete(tr.broadcast, s.id)
	if delete(tr.all, s.id); len(tr.all) == 0 {
		tr.readers = nil
	}
	s.e.attend(someTracking, len(tr.all) > 0)
}

// remember notes that the client may now have the keys of a command in its cache (trackingRememberKeys).
func (s *Session) remember(cmd *command, args [][]byte) {
	t := s.tracking
	if t.Broadcast || t.OptIn && !t.caching || t.OptOut && t.caching || cmd.flags&PubSub != 0 {
		return
	}
	tr := &s.e.trackers
	tr.mu.Lock()
	defer tr.mu.Unlock()
	cmd.eachKey(args, func(i int, _ string) {
		key := string(args[i])
		if tr.readers == nil {
			tr.readers = map[string]map[int64]struct{}{}
		}
		if tr.readers[key] == nil {
			tr.readers[key] = map[int64]struct{}{}
		}
		tr.readers[key][s.id] = struct{}{}
	})
	s.e.boundTrackers(&s.post, s)
}

// boundTrackers forgets keys at random, and tells who has them so, until there are as many as tracking-table-max-keys allows
// (trackingLimitUsedSlots, which does it before the next command). trackers.mu is locked.
func (e *Engine) boundTrackers(m *mail, by *Session) {
	tr, most := &e.trackers, e.settings.trackedKeys.Load()
	if most == 0 {
		return
	}
	for key, readers := range tr.readers {
		if int64(len(tr.readers)) <= most {
			return
		}
		for id := range readers {
			if s := tr.all[id]; s != nil && s.tracking != nil && !s.tracking.Broadcast {
				e.tell(m, by, s, s.tracking, []byte(key))
			}
		}
		delete(tr.readers, key)
	}
}

// invalidate tells who may have a key in its cache that it has changed. by, which may be nil, is told after its reply.
func (e *Engine) invalidate(m *mail, by *Session, key []byte) {
	tr := &e.trackers
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for id := range tr.readers[string(key)] {
		s := tr.all[id]
		if s == nil {
			continue
		}
		if t := s.tracked(by); t != nil && !t.Broadcast {
			e.tell(m, by, s, t, key)
		}
	}
	delete(tr.readers, string(key))
	for _, s := range tr.broadcast {
		t := s.tracked(by)
		if t != nil && slices.ContainsFunc(t.Prefixes, func(p string) bool { return strings.HasPrefix(string(key), p) }) {
			e.tell(m, by, s, t, key)
		}
	}
}

// tracked returns what a session tracks, or nil if it wants to know nothing of what by does.
func (s *Session) tracked(by *Session) *Tracking {
	if t := s.tracking; t != nil && !(t.NoLoop && s == by) {
		return t
	}
	return nil
}

// tell sends an invalidation of one key, or of all if key is nil (sendTrackingMessage). trackers.mu is locked.
func (e *Engine) tell(m *mail, by, s *Session, t *Tracking, key []byte) {
	to := s
	if t.Redirect != 0 {
		if to = e.sessionByID(t.Redirect); to == nil {
			t.broken = true
			if s.resp3.Load() {
				var w wire.Writer
				w.SetProtocol(3)
				w.Push(2)
				w.Text("tracking-redir-broken")
				w.Int(t.Redirect)
				e.pass(m, by, s, w.Bytes())
			}
			return
		}
	}
	var w wire.Writer
	switch {
	case to.resp3.Load():
		w.SetProtocol(3)
		w.Push(2)
		w.Text("invalidate")
	case to != s && to.Class() == PubSubClass:
		w.Push(3)
		w.Text("message")
		w.Text("__redis__:invalidate")
	default:
		return
	}
	if key == nil {
		w.Null()
	} else {
		w.Array(1)
		w.Bulk(key)
	}
	e.pass(m, by, to, w.Bytes())
}

// pass sends b, or keeps it until the reply to the command that is running if its own client is to have it.
func (e *Engine) pass(m *mail, by, to *Session, b []byte) {
	if by != nil && to == by {
		by.invalidations = append(by.invalidations, b...)
		return
	}
	to.send(m, b)
}

// invalidateAll tells every client that tracks to forget all (trackingInvalidateKeysOnFlush).
func (e *Engine) invalidateAll(m *mail, by *Session) {
	if e.attention.Load()&someTracking == 0 {
		return
	}
	for _, s := range e.Sessions() {
		e.trackers.mu.Lock()
		if t := s.tracking; t != nil {
			e.tell(m, by, s, t, nil)
		}
		e.trackers.mu.Unlock()
	}
	e.trackers.mu.Lock()
	e.trackers.readers = nil
	e.trackers.mu.Unlock()
}
