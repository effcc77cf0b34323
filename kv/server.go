package kv

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A Server is what a server says of how it is set up, and of what it was asked before it was read. What it does not say is
// empty.
type Server struct {
	Policy     string  // what it evicts at the limit of its memory, in its own words: noeviction, allkeys-lru, …
	AppendOnly string  // whether every write goes to a file as well: yes or no
	Calls      []Calls // since the server began to count
	MaxMemory  int64   // bytes that it may use; 0: no limit, or it does not say
	Started    time.Time
	Evicted    int64 // keys, since then
	// Since then, too, of a store that tells it: reads that found their key and that did not, keys that were evicted or expired without
	// having been read, and connections that were refused or had to wait.
	Hits, Misses, EvictedUnread, ExpiredUnread, Refused int64

	Classes []Class // of a store that keeps values in pieces of a few sizes, the smallest first
	// Settings are what else it is set to, by its own names; nil where it was not asked, or does not say.
	Settings map[string]string
}

// A Class is one of the sizes of pieces in which a store keeps values.
type Class struct {
	Chunk       int64 // bytes
	Used, Free  int64 // chunks
	Pages       int64 // that were given to it
	Evicted     int64 // keys, since the server was started, as are those below
	OutOfMemory int64 // writes that failed for want of a chunk
	// EvictedUnread are of those that were evicted: never read.
	EvictedUnread int64
	Age           time.Duration // how long ago the key was used that is evicted next
}

// Calls is how often a command was called, of whomever.
type Calls struct {
	Command string // its name in lower case; "other" for all those that are not told apart
	N       int64
}

// Count adds calls of a command. A sum that is too great for its place is the greatest there is.
func (s *Server) Count(command string, n int64) {
	i := slices.IndexFunc(s.Calls, func(c Calls) bool { return c.Command == command })
	if i < 0 {
		s.Calls = append(s.Calls, Calls{command, n})
		return
	}
	at := &s.Calls[i].N
	*at += min(n, math.MaxInt64-*at)
}

// Add adds what another server says: calls add up, and what the two say differently is not known of both.
func (s *Server) Add(o *Server) {
	if s.Policy != o.Policy {
		s.Policy = ""
	}
	if s.AppendOnly != o.AppendOnly {
		s.AppendOnly = ""
	}
	s.Settings = alike(s.Settings, o.Settings)
	s.Evicted += o.Evicted
	s.Hits, s.Misses, s.Refused = s.Hits+o.Hits, s.Misses+o.Misses, s.Refused+o.Refused
	s.EvictedUnread, s.ExpiredUnread = s.EvictedUnread+o.EvictedUnread, s.ExpiredUnread+o.ExpiredUnread
	s.Classes = addClasses(s.Classes, o.Classes)
	if o.Started.After(s.Started) { // what one of them has lost, not all have held since
		s.Started = o.Started
	}
	if s.MaxMemory == 0 || o.MaxMemory == 0 {
		s.MaxMemory = 0
	} else {
		s.MaxMemory += o.MaxMemory
	}
	if len(s.Calls) == 0 || len(o.Calls) == 0 {
		s.Calls = nil
		return
	}
	s.Calls = slices.Clone(s.Calls) // whoever gave them may hold them still
	for _, c := range o.Calls {
		s.Count(c.Command, c.N)
	}
}

// alike returns the settings that are the same in both; nil where one of them is not known.
func alike(a, b map[string]string) map[string]string {
	if a == nil || b == nil {
		return nil
	}
	both := map[string]string{}
	for name, value := range a {
		if b[name] == value {
			both[name] = value
		}
	}
	return both
}

// addClasses adds up the classes of two servers, by the size of their chunks. Of the ages the lesser is kept: the one that evicts
// sooner.
func addClasses(a, b []Class) []Class {
	sum := slices.Clone(a)
	for _, c := range b {
		i, ok := slices.BinarySearchFunc(sum, c.Chunk, func(x Class, chunk int64) int { return cmp.Compare(x.Chunk, chunk) })
		if !ok {
			sum = slices.Insert(sum, i, c)
			continue
		}
		s := &sum[i]
		s.Used, s.Free, s.Pages, s.Evicted = s.Used+c.Used, s.Free+c.Free, s.Pages+c.Pages, s.Evicted+c.Evicted
		s.EvictedUnread, s.OutOfMemory, s.Age = s.EvictedUnread+c.EvictedUnread, s.OutOfMemory+c.OutOfMemory, min(s.Age, c.Age)
	}
	return sum
}
