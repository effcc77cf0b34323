package engine

import (
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
)

// Run runs one request: the name of a command and its arguments, which it does not keep. The reply is in Out when it returns, the
// locks are kept until Release.
func (s *Session) Run(args [][]byte) {
	c := &s.call
	c.Args = args
	cmd := s.recent
	if cmd == nil || !sameName(args[0], cmd.name) {
		var container *command
		if cmd, container = s.e.table.resolve(args); cmd == nil {
			s.reject(unknown(container, args))
			return
		}
		s.recent = cmd
		if cmd.parent != nil || len(cmd.sub) > 0 {
			s.recent = nil
		}
	}
	if n := cmd.arity; n != len(args) && (n > 0 || len(args) < -n) {
		s.reject("ERR wrong number of arguments for '" + cmd.name + "' command")
		return
	}
	if s.last == 0 {
		s.last = s.e.clock.Now()
	}
	if s.state != 0 || s.e.attention.Load() != 0 {
		if !s.admit(cmd) {
			return
		}
	}
	c.now = s.last / 1000
	s.lockFor(cmd, args)
	s.invoke(cmd)
	now := s.e.clock.Now()
	s.count(cmd, now-s.last)
	s.last = now
}

// lockFor takes the shards that a call needs.
func (s *Session) lockFor(cmd *command, args [][]byte) {
	c := &s.call
	c.hashed = nil
	switch cmd.lock {
	case lockNone:
		return
	case lockOne:
		c.hashed = args[cmd.keys[0].index]
		c.hash = keyspace.Hash(c.hashed)
		c.shard = s.e.shardOf(c.hash)
		s.lock(1 << c.shard)
		s.e.shards[c.shard].Tick(c.now)
		return
	case lockKeys:
		s.lock(s.shardsOf(cmd, args))
	case lockAll:
		s.lock(s.e.everyShard())
	}
	for i, held := 0, s.held; held != 0; i, held = i+1, held>>1 {
		if held&1 != 0 {
			s.e.shards[i].Tick(c.now)
		}
	}
}

// shardsOf returns the shards of the keys of a call.
func (s *Session) shardsOf(cmd *command, args [][]byte) uint64 {
	if len(s.e.shards) == 1 {
		return 1
	}
	var need uint64
	cmd.eachKey(args, func(i int, _ string) { need |= 1 << s.e.shardOf(keyspace.Hash(args[i])) })
	return need
}

// admit is what has to be looked at when something is not as it is nearly always.
func (s *Session) admit(*command) bool { return s.state&closing == 0 }

// invoke calls the handler. If it panics, the client is told so, the log has the stack, and the server goes on.
func (s *Session) invoke(cmd *command) {
	mark := s.Out.Len()
	defer func() {
		if p := recover(); p != nil {
			s.Out.Truncate(mark)
			s.Out.Error(ErrInternal)
			s.e.opts.Log(fmt.Sprintf("internal error in %s: %v\n%s", cmd.name, p, debug.Stack()))
		}
	}()
	cmd.run(&s.call)
}

// reject answers an error without running anything.
func (s *Session) reject(text string) { s.Out.Error(text) }

// unknown returns the error for a command that there is not (server.c: processCommand).
func unknown(container *command, args [][]byte) string {
	if container != nil {
		return fmt.Sprintf("ERR unknown subcommand '%.128s'. Try %s HELP.", args[1], strings.ToUpper(container.name))
	}
	var rest strings.Builder
	for _, a := range args[1:] {
		if rest.Len() >= 128 {
			break
		}
		fmt.Fprintf(&rest, "'%.*s' ", 128-rest.Len(), a)
	}
	return fmt.Sprintf("ERR unknown command '%.128s', with args beginning with: %s", args[0], rest.String())
}

// commandStats are what is counted of a command. Those of a command are atomic, those of a session are of its last run of one
// command and not yet added.
type commandStats struct {
	of    *command
	calls int64
	us    int64
}

// count adds a call of cmd that took us microseconds.
func (s *Session) count(cmd *command, us int64) {
	if s.counts.of != cmd {
		s.flushCounts()
		s.counts.of = cmd
	}
	s.counts.calls++
	s.counts.us += us
}

func (s *Session) flushCounts() {
	if n := &s.counts; n.of != nil {
		atomic.AddInt64(&n.of.stats.calls, n.calls)
		atomic.AddInt64(&n.of.stats.us, n.us)
		*n = commandStats{}
	}
}
