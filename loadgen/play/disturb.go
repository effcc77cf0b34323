package play

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// A Subject is what an event is done to.
type Subject struct {
	Session kv.Session
	Network Network // nil: no event needs one
	Promote bool    // a replica takes over only if it is told so: nobody watches the servers
}

// A Network is the way to the store.
type Network interface {
	Reset()                 // ends all connections
	Delay(by time.Duration) // makes replies come later; 0 ends that
}

// fault returns the events of one that is a fault: what is done to the server, or to the way to it.
func (p *Player) fault(e scenario.Event) []Event {
	one := func(at time.Duration, name string, do func(Subject) error) Event {
		return Event{At: at, Name: name, Fault: true, Takes: e.During, Do: do}
	}
	ms := strconv.FormatInt(e.During.Milliseconds(), 10)
	switch e.Kind {
	case "server_sleep":
		return []Event{one(e.At, e.Kind+" "+e.During.String(), func(s Subject) error {
			return send(s.Session, false, "DEBUG", "SLEEP", strconv.FormatFloat(e.During.Seconds(), 'f', -1, 64))
		})}
	case "server_pause":
		return []Event{one(e.At, e.Kind+" "+e.During.String(), func(s Subject) error {
			return send(s.Session, false, "CLIENT", "PAUSE", ms)
		})}
	case "conn_reset":
		return []Event{one(e.At, e.Kind, func(s Subject) error { s.Network.Reset(); return nil })}
	case "added_delay":
		set := func(by time.Duration) func(Subject) error {
			return func(s Subject) error { s.Network.Delay(by); return nil }
		}
		return []Event{one(e.At, e.Kind+" "+e.By.String(), set(e.By)), one(e.At+e.During, e.Kind+" ends", set(0))}
	}
	return []Event{one(e.At, e.Kind, p.failover)}
}

// failover ends the primary and, where nobody else does, has its replica take over.
func (p *Player) failover(s Subject) error {
	how, err := kill(s.Session)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.notes = append(p.notes, "the primary was ended by "+how)
	p.mu.Unlock()
	if !s.Promote {
		return nil
	}
	if err := send(s.Session, true, "REPLICAOF", "NO", "ONE"); err != nil {
		return fmt.Errorf("the replica does not take over: %w", err)
	}
	return nil
}

// kill ends the server of a session and says how: by a crash where that is allowed, or else by a shutdown, which hands replicas what
// is in their buffers first, so that less is lost than by a crash. Before Redis 7 there is no NOW, and no waiting for replicas.
func kill(s kv.Session) (how string, err error) {
	for _, words := range [][]string{{"DEBUG", "SEGFAULT"}, {"SHUTDOWN", "NOSAVE", "NOW", "FORCE"}, {"SHUTDOWN", "NOSAVE"}} {
		err = send(s, false, words...)
		var refused kv.ReplyError
		if err != nil && !errors.As(err, &refused) {
			return fmt.Sprint(words), nil // the connection ended with it
		}
		if err == nil {
			err = errors.New("it goes on")
		}
	}
	return "", fmt.Errorf("the primary does not end: %w", err)
}

// send sends one command.
func send(s kv.Session, replica bool, words ...string) error {
	op, out := kv.Op{Replica: replica}, make([]kv.Result, 1)
	for _, w := range words {
		op.Args = append(op.Args, []byte(w))
	}
	if err := s.Do([]kv.Op{op}, out); err != nil {
		return err
	}
	return out[0].Err
}

// Notes say what was done to the store beside the load.
func (p *Player) Notes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.notes...)
}
