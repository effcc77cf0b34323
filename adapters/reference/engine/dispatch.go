package engine

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/kvtool/kvtool/internal/evict"
)

// Reasons to look closer at a command than is needed nearly always: bits of Engine.attention.
const (
	someBlocked uint32 = 1 << iota // clients wait for keys
	someWatch                      // keys are watched
	someMonitor
	someNotify // events of keys are published
	someTracking
	maxMemory
	paused
)

// attend sets or clears one of the reasons.
func (e *Engine) attend(reason uint32, on bool) {
	if on {
		e.attention.Or(reason)
		return
	}
	e.attention.And(^reason)
}

// Run runs one request: the name of a command and its arguments, which it does not keep. The reply is in Out when it returns, the
// locks are kept until Release.
func (s *Session) Run(args [][]byte) {
	if s.last == 0 {
		s.begin()
	}
	s.call.Args = args
	cmd := s.recent
	if cmd == nil || !sameName(args[0], cmd.name) {
		if cmd = s.look(args); cmd == nil {
			return
		}
	}
	if n := cmd.arity; n != len(args) && (n > 0 || len(args) < -n) {
		s.reject(cmd, "ERR wrong number of arguments for '"+cmd.name+"' command")
		return
	}
	if s.state != 0 || cmd.flags&Blocking != 0 {
		s.runClosely(cmd, args)
		return
	}
	s.call.now = s.last / 1000
	s.lockFor(cmd, args)
	// Only now: whoever makes commands need attention holds every shard, or does not mind that this one has begun.
	if s.e.attention.Load() != 0 {
		s.runClosely(cmd, args)
		return
	}
	mark := s.Out.Len()
	s.execute(cmd, args)
	if s.state != 0 {
		s.settle(cmd, mark)
	}
}

// look finds the command of a request; it answers the error itself.
func (s *Session) look(args [][]byte) *command {
	cmd, container := s.e.table.resolve(args)
	switch {
	case cmd == nil && (sameName(args[0], "post") || sameName(args[0], "host:")):
		s.kill() // somebody's browser was made to send it
	case cmd == nil:
		s.recent = nil
		s.reject(nil, unknown(container, args))
	case cmd.parent != nil || len(cmd.sub) > 0:
		s.recent = nil
	default:
		s.recent = cmd
	}
	return cmd
}

// runClosely is Run for a session, or at a time, where more has to be looked at (server.c: processCommand).
func (s *Session) runClosely(cmd *command, args [][]byte) {
	c := &s.call
	c.now = s.last / 1000
	mark := s.Out.Len()
	if s.admit(cmd) {
		if s.state&inMulti != 0 && !runsInMulti(cmd.name) {
			s.enqueue(cmd, args)
		} else {
			s.executeClosely(cmd, args)
		}
	}
	s.settle(cmd, mark)
}

// settle does to the reply of a command, which begins at mark, what its client wants of replies.
func (s *Session) settle(cmd *command, mark int) {
	if s.state&(replyOff|replySkip) != 0 && s.state&pushing == 0 {
		s.Out.Truncate(mark)
	}
	if len(s.invalidations) > 0 {
		s.Out.Raw(s.invalidations)
		s.invalidations = s.invalidations[:0]
	}
	if s.tracking != nil && s.state&inMulti == 0 && !strings.HasPrefix(cmd.name, "client|") {
		s.tracking.caching = false
	}
	s.state &^= replySkip | pushing
	if s.state&replySkipNext != 0 {
		s.state = s.state&^replySkipNext | replySkip
	}
}

// admit reports whether a command may run, or be queued. If not it answers why, or puts the command off.
func (s *Session) admit(cmd *command) bool {
	if s.Closing() {
		return false
	}
	if s.Guest() && cmd.flags&NoAuth == 0 {
		s.reject(cmd, ErrNoAuth)
		return false
	}
	if s.state&inMulti != 0 && cmd.flags&NoMulti != 0 {
		s.reject(cmd, ErrNoMulti)
		return false
	}
	reasons := s.e.attention.Load()
	if reasons&maxMemory != 0 && !s.hasMemory(cmd) {
		s.reject(cmd, ErrOOM)
		return false
	}
	if s.state&subscribed != 0 && !s.Out.RESP3() && !allowedToSubscribers(cmd.name) {
		s.reject(cmd, "ERR Can't execute '"+cmd.name+"': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed "+
			"in this context")
		return false
	}
	if reasons&paused != 0 && s.e.pauses(s.flagsOf(cmd), s.last) {
		s.delay()
		return false
	}
	return true
}

// flagsOf returns the flags of a command; EXEC has those of what it would run.
func (s *Session) flagsOf(cmd *command) Flag {
	if cmd.name == "exec" {
		return cmd.flags | s.multi.flags
	}
	return cmd.flags
}

func allowedToSubscribers(name string) bool {
	switch name {
	case "ping", "subscribe", "ssubscribe", "unsubscribe", "sunsubscribe", "psubscribe", "punsubscribe", "quit", "reset":
		return true
	}
	return false
}

// hasMemory evicts what is needed to come below maxmemory, and reports whether the command may run if that was not enough.
func (s *Session) hasMemory(cmd *command) bool {
	s.lockFor(cmd, s.call.Args)
	enough := true
	more := s.e.argumentBytes(s.call.Args)
	expired := s.e.budget(s.e.settings.evictUS.Load())
	for i, held := 0, s.held; held != 0; i, held = i+1, held>>1 {
		if held&1 == 0 {
			continue
		}
		switch s.e.shards[i].Reclaim(more, expired) {
		case evict.Failed:
			enough = false
		case evict.Running:
			s.e.evictOn()
		}
	}
	if enough {
		return true
	}
	if s.state&inMulti != 0 {
		switch cmd.name {
		case "exec", "discard", "quit", "reset":
		default:
			return false
		}
	}
	return s.flagsOf(cmd)&DenyOOM == 0
}

// argumentBytes returns what the arguments of a call take in a server, which has them in memory when it makes room for the call.
func (e *Engine) argumentBytes(args [][]byte) int64 {
	m := e.shards[0].Model()
	var n int64
	for _, a := range args {
		n += m.String(int64(len(a)), false)
	}
	return n
}

// executeClosely runs a command with all that may have to be done around it.
func (s *Session) executeClosely(cmd *command, args [][]byte) {
	s.lockFor(cmd, args)
	if s.e.attention.Load()&someBlocked != 0 && cmd.flags&Write != 0 && !s.hasAll() {
		s.lock(s.e.everyShard()) // who waits for a key is served under this lock
		s.tick()
	}
	if cmd.flags&Blocking != 0 {
		args = copyArgs(args) // it may be served long after
		s.call.Args = args
	}
	s.execute(cmd, args)
	if s.hasAll() && len(s.e.ready) > 0 {
		s.e.serveReady(&s.post, s.call.now)
	}
}

// execute runs a command: its shards are locked.
func (s *Session) execute(cmd *command, args [][]byte) {
	c := &s.call
	c.cmd, c.failed = cmd, false
	if s.state&executing != 0 {
		c.hashed = nil // of EXEC
	}
	s.invoke(cmd)
	now := s.e.clock.Now()
	us := now - s.last
	s.count(cmd, us, c.failed)
	if us >= s.e.slow.Load() {
		s.noteSlow(cmd, args, us)
	}
	if s.e.attention.Load()&(someMonitor|someTracking) != 0 {
		s.after(cmd, args)
	}
	s.last = now
}

// after tells monitors and trackers of a command.
func (s *Session) after(cmd *command, args [][]byte) {
	if cmd.flags&(SkipMonitor|Admin) == 0 {
		s.feedMonitors(cmd, args)
	}
	if s.state&isTracking != 0 && cmd.flags&ReadOnly != 0 {
		s.remember(cmd, args)
	}
}

// invoke calls the handler. If it panics, the client is told so, the log has the stack, and the server goes on.
func (s *Session) invoke(cmd *command) {
	mark := s.Out.Len()
	s.call.mark = mark
	defer func() {
		if p := recover(); p != nil {
			s.call.mark = mark
			s.call.Fail(ErrInternal)
			s.e.opts.Log(fmt.Sprintf("internal error in %s: %v\n%s", cmd.name, p, debug.Stack()))
		}
	}()
	cmd.run(&s.call)
}

// reject answers an error without running anything (server.c: rejectCommand). cmd is nil if there is none of the name.
func (s *Session) reject(cmd *command, text string) {
	if s.state&inMulti != 0 {
		s.state |= dirtyExec
	}
	if cmd != nil {
		cmd.stats.rejected.Add(1)
		if cmd.name == "exec" {
			s.discard()
			text = "EXECABORT Transaction discarded because of: " + strings.TrimPrefix(text, "ERR ")
		}
	}
	if s.state&(replyOff|replySkip) != 0 {
		s.state &^= replySkip
		return
	}
	s.call.mark = s.Out.Len()
	s.call.Fail(text)
}

// unknown returns the error for a command that there is not (server.c: commandCheckExistence).
func unknown(container *command, args [][]byte) string {
	if container != nil {
		return fmt.Sprintf("ERR unknown subcommand '%s'. Try %s HELP.", cString(args[1], 128), strings.ToUpper(container.name))
	}
	var rest strings.Builder
	for _, a := range args[1:] {
		if rest.Len() >= 128 {
			break
		}
		fmt.Fprintf(&rest, "'%s' ", cString(a, 128-rest.Len()))
	}
	return fmt.Sprintf("ERR unknown command '%s', with args beginning with: %s", cString(args[0], 128), rest.String())
}

// cString returns what printf("%.*s") prints of b.
func cString(b []byte, n int) []byte {
	for i, c := range b {
		if i == n || c == 0 {
			return b[:i]
		}
	}
	return b
}
