package play

import (
	"bytes"
	"strconv"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
)

// The scripts: each answers 1 if it did it or admitted the request, and 0 otherwise. Times are the caller's, in milliseconds. A bucket
// lives for two windows and not for one, after which it is full anyway: one that was forgotten by the server's clock would begin anew
// at the caller's, which may be behind, and fill once more for that time.
const (
	compareDelete = `if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) end return 0`
	slidingWindow = `local now,window=tonumber(ARGV[2]),tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE',KEYS[1],'-inf','('..(now-window))
if redis.call('ZCARD',KEYS[1])>=tonumber(ARGV[3]) then return 0 end
redis.call('ZADD',KEYS[1],now,ARGV[1]) redis.call('PEXPIRE',KEYS[1],window) return 1`
	tokenBucket = `local b=redis.call('HMGET',KEYS[1],'tokens','at') local now,most,window=tonumber(ARGV[1]),tonumber(ARGV[2]),tonumber(ARGV[3])
local tokens=tonumber(b[1]) or most
if b[2] then tokens=math.min(most,tokens+math.max(0,now-tonumber(b[2]))*most/window) end
local ok=0 if tokens>=1 then ok=1 tokens=tokens-1 end
redis.call('HSET',KEYS[1],'tokens',tostring(tokens),'at',math.max(now,tonumber(b[2] or 0))) redis.call('PEXPIRE',KEYS[1],2*window) return ok`
)

// Where an atomic action is.
const (
	scripted = iota
	watching
	executing
)

// retries is how often an action is tried whose key was changed by another.
const retries = 20

// beginAtomic sends the first step of an action.
func (p *Player) beginAtomic(t *loadgen.Task, st *state, in *instr) {
	st.begin()
	st.stamp = t.Now.Truncate(time.Millisecond)
	for i := range in.cmds[0].words {
		p.word(t, st, &in.cmds[0].words[i])
	}
	n := len(st.args) // st.args[:n] stay: the key, and what it must hold
	op := p.ops[st.op].op
	if p.opt.Scripts {
		st.phase = scripted
		st.text("EVAL")
		switch in.atomic {
		case "compare_delete":
			st.text(compareDelete)
		case "sliding_window":
			st.text(slidingWindow)
		default:
			st.text(tokenBucket)
		}
		st.text("1")
		st.args = append(st.args, st.args[:n]...)
		if in.atomic != "compare_delete" {
			st.number(t.Now.Milliseconds())
			st.number(op.Limit)
			st.number(op.Window.Milliseconds())
		}
		st.end(n, true)
	} else {
		st.phase = watching
		st.text("WATCH")
		st.args = append(st.args, st.args[0])
		st.end(n, false)
		from := len(st.args)
		switch in.atomic {
		case "compare_delete":
			st.text("GET")
			st.args = append(st.args, st.args[0])
		case "sliding_window":
			st.text("ZCOUNT")
			st.args = append(st.args, st.args[0])
			st.number(t.Now.Milliseconds() - op.Window.Milliseconds())
			st.text("+inf")
		default:
			st.text("HMGET")
			st.args = append(st.args, st.args[0])
			st.text("tokens")
			st.text("at")
		}
		st.end(from, true)
	}
	if in.is == "release" {
		if e := p.keys.of(st.args[0]); e != nil {
			e.release(id(t))
		}
	}
	t.Ops = st.ops
}

// atomic is told the replies to a step of an action and reports whether the action goes on.
func (p *Player) atomic(t *loadgen.Task, st *state, in *instr, replies []kv.Result) (more bool) {
	r := &replies[len(replies)-1]
	for i := range replies {
		if replies[i].Status == kv.Failed {
			p.finish(st)
			return true
		}
	}
	done := false
	switch st.phase {
	case scripted:
		done = len(r.Values) == 1 && string(r.Values[0]) == "1"
	case watching:
		if p.commit(t, st, in, r) {
			return true
		}
	default:
		if done = !(r.Status == kv.Miss || len(r.Values) > 0 && r.Values[0] == nil); !done && st.try < retries {
			p.counts[contended].Add(1)
			st.try++
			p.beginAtomic(t, st, in)
			return true
		}
	}
	if in.is != "" {
		p.observeAtomic(t, st, in, r, done)
	}
	return false
}

// observeAtomic is observe with the key of the action.
func (p *Player) observeAtomic(t *loadgen.Task, st *state, in *instr, r *kv.Result, done bool) {
	e := p.keys.of(st.args[0])
	if e == nil {
		return
	}
	e.mu.Lock()
	e.op = st.op
	text := p.ofKey(t, st, e, in, r, done)
	e.mu.Unlock()
	if text != "" {
		t.Violation = p.violate(text)
	}
}

// commit decides on what was read, and sends the transaction if there is something to do.
func (p *Player) commit(t *loadgen.Task, st *state, in *instr, r *kv.Result) bool {
	op := p.ops[st.op].op
	key := st.args[0]
	args := st.args
	st.ops = st.ops[:0]
	one := func(words ...any) {
		from := len(st.args)
		for _, w := range words {
			switch w := w.(type) {
			case string:
				st.text(w)
			case []byte:
				st.args = append(st.args, w)
			case int64:
				st.number(w)
			}
		}
		st.end(from, false)
	}
	st.stamp = t.Now.Truncate(time.Millisecond)
	now, window := t.Now.Milliseconds(), op.Window.Milliseconds()
	act := false
	switch in.atomic {
	case "compare_delete":
		if act = len(r.Values) == 1 && bytes.Equal(r.Values[0], args[1]); act {
			one("MULTI")
			one("DEL", key)
		}
	case "sliding_window":
		if act = value(r) < op.Limit; act {
			one("MULTI")
			one("ZREMRANGEBYSCORE", key, "-inf", "("+strconv.FormatInt(now-window, 10))
			one("ZADD", key, now, args[1])
			one("PEXPIRE", key, window)
		}
	default:
		tokens, at := bucket(r.Values, now, op.Limit, op.Window)
		if act = tokens >= 1; act {
			one("MULTI")
			one("HSET", key, "tokens", strconv.FormatFloat(tokens-1, 'g', -1, 64), "at", at)
			one("PEXPIRE", key, 2*window)
		}
	}
	if !act {
		one("UNWATCH")
		st.phase = watching
		t.Ops = st.ops
		p.unwatched(t, st, in, r)
		return true
	}
	from := len(st.args)
	st.text("EXEC")
	st.end(from, true)
	st.phase, t.Ops = executing, st.ops
	return true
}

// unwatched ends an action that does nothing: what is refused is known before UNWATCH is answered.
func (p *Player) unwatched(t *loadgen.Task, st *state, in *instr, r *kv.Result) {
	if in.is != "" {
		p.observeAtomic(t, st, in, r, false)
	}
	st.pc = end
}

// bucket returns what is in a bucket now.
func bucket(values [][]byte, now, limit int64, window time.Duration) (tokens float64, at int64) {
	tokens, at = float64(limit), now
	if len(values) == 2 && values[0] != nil {
		had, _ := strconv.ParseFloat(string(values[0]), 64)
		since, _ := strconv.ParseInt(string(values[1]), 10, 64)
		at = max(now, since)
		tokens = min(tokens, had+float64(at-since)*float64(limit)/float64(window.Milliseconds()))
	}
	return tokens, at
}
