package play

import (
	"context"
	"fmt"
	"strconv"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// Verify holds what the store has in the end against all that it acknowledged, once nothing is sent any more. Whoever has killed
// a server asks the one that took over. What it finds is in Metrics and Evidence. A part of a load knows what it has done itself, and
// the keys are those of all: it adds nothing up.
func (p *Player) Verify(ctx context.Context, s kv.Session) error {
	v := verifier{ctx: ctx, p: p, s: s, out: make([]kv.Result, 1)}
	p.keys.each(func(e *keyState) {
		if v.err == nil {
			v.key(e)
		}
	})
	for i := range p.ops {
		if v.err == nil && !p.divided() && p.ops[i].op.Check == "exactly_once" {
			v.queue(i)
		}
	}
	return v.err
}

// divided reports whether others, too, play this run.
func (p *Player) divided() bool { return p.opt.Parts > 1 }

type verifier struct {
	ctx  context.Context
	p    *Player
	s    kv.Session
	out  []kv.Result
	err  error
	done bool // the queues
}

// ask returns the reply to one command, or nil with err set.
func (v *verifier) ask(words ...string) *kv.Result {
	if v.err = v.ctx.Err(); v.err != nil {
		return nil
	}
	args := make([][]byte, len(words))
	for i := range words {
		args[i] = []byte(words[i])
	}
	if v.err = v.s.Do([]kv.Op{{Want: true, Args: args}}, v.out); v.err == nil {
		v.err = v.out[0].Err
	}
	if v.err != nil {
		return nil
	}
	return &v.out[0]
}

// key holds one key against its check.
func (v *verifier) key(e *keyState) {
	op := v.p.ops[e.op].op
	key := string(e.key)
	if v.p.divided() && op.Check != "acknowledged" {
		return
	}
	switch op.Check {
	case "sum":
		got, ok := v.total(e, key)
		if ok && (got < e.sum || got > e.sum+e.pending) {
			v.p.violate(fmt.Sprintf("%s: %q adds up to %d, acknowledged were %d", op.Name, key, got, e.sum))
		}
	case "nothing_lost":
		got, ok := v.total(e, key)
		if !ok {
			return
		}
		got += e.taken
		if got > e.sum+e.pending || got < e.sum && !(e.fuzzy && e.pending > 0) {
			v.p.violate(fmt.Sprintf("%s: of %q were taken or left %d, put there were %d", op.Name, key, got, e.sum))
		}
	case "fixed_window":
		if e.admitted > op.Limit*(e.ones+e.pending) { // of what is pending each may have begun a window
			v.p.violate(fmt.Sprintf("%s: %q admitted %d in %d windows of %d", op.Name, key, e.admitted, e.ones, op.Limit))
		}
		if r := v.ask("PTTL", key); r != nil && value(r) == -1 {
			v.p.violate(fmt.Sprintf("%s: the counter %q has no TTL", op.Name, key))
		}
	case "acknowledged":
		v.acknowledged(e, op, key)
	}
}

// acknowledged reads a key that was written once.
func (v *verifier) acknowledged(e *keyState, op *scenario.Op, key string) {
	if e.n == 0 {
		return
	}
	r := v.ask("GET", key)
	if r == nil || len(r.Values) == 1 && r.Values[0] != nil {
		return
	}
	v.p.counts[lostWrites].Add(1)
	how := "without WAIT"
	if e.writes[0].everywhere != 0 {
		v.p.counts[lostConfirmed].Add(1)
		how = "with WAIT"
	}
	v.p.violate(fmt.Sprintf("%s: %q was acknowledged %s, and is gone", op.Name, key, how))
}

// total returns the sum of what a key holds.
func (v *verifier) total(e *keyState, key string) (sum int64, ok bool) {
	kind := v.kind(e)
	switch kind {
	case "hash":
		r := v.ask("HVALS", key)
		if r == nil {
			return 0, false
		}
		for _, x := range r.Values {
			n, _ := strconv.ParseInt(string(x), 10, 64)
			sum += n
		}
		return sum, true
	case "zset":
		return v.scores(key)
	}
	r := v.ask("GET", key)
	if r == nil {
		return 0, false
	}
	return value(r), true
}

func (v *verifier) scores(key string) (sum int64, ok bool) {
	const page = 1000
	for from := 0; ; from += page {
		r := v.ask("ZRANGE", key, strconv.Itoa(from), strconv.Itoa(from+page-1), "WITHSCORES")
		if r == nil {
			return 0, false
		}
		for i := 1; i < len(r.Values); i += 2 {
			f, err := strconv.ParseFloat(string(r.Values[i]), 64)
			if err != nil {
				v.err = fmt.Errorf("%q: a score is %q", key, r.Values[i])
				return 0, false
			}
			sum += int64(f)
		}
		if len(r.Values) < 2*page {
			return sum, true
		}
	}
}

// kind returns the type of the values of the template that the operation's steps are about.
func (v *verifier) kind(e *keyState) string {
	for _, in := range v.p.ops[e.op].code {
		for _, c := range in.cmds {
			if in.is != "" && len(c.words) > 1 && c.words[1].template >= 0 {
				return kindOf(v.p.templates[c.words[1].template].t)
			}
		}
	}
	return ""
}

// queue reads what is left in the lists of an operation, and wants every item that was put there to be in one of them, or to have
// been delivered.
func (v *verifier) queue(op int) {
	if v.done {
		return
	}
	v.done = true
	left := map[uint64]bool{}
	seen := map[int]bool{}
	for i := range v.p.ops {
		for _, in := range v.p.ops[i].code {
			for _, c := range in.cmds {
				for _, w := range c.words {
					if w.template >= 0 && kindOf(v.p.templates[w.template].t) == "list" && !seen[w.template] && v.err == nil {
						seen[w.template] = true
						v.lists(w.template, left)
					}
				}
			}
		}
	}
	if v.err != nil {
		return
	}
	for page, bytes := range v.p.items.pages {
		for i, b := range bytes {
			if n := page<<14 | uint64(i); b&pushed != 0 && b&delivered == 0 && !left[n] {
				v.p.violate(fmt.Sprintf("%s: item %d was acknowledged, and is lost", v.p.names[op], n))
			}
		}
	}
}

// lists reads every list of a template.
func (v *verifier) lists(template int, left map[uint64]bool) {
	st := &state{ids: make([]int64, len(v.p.fields))}
	t := &loadgen.Task{State: st}
	for n := range scenario.Keys(v.p.s.Schema, template) {
		key := string(v.p.appendKey(nil, t, st, &v.p.templates[template], n))
		const page = 1000
		for from := 0; v.err == nil; from += page {
			r := v.ask("LRANGE", key, strconv.Itoa(from), strconv.Itoa(from+page-1))
			if r == nil {
				return
			}
			for _, x := range r.Values {
				if n, err := strconv.ParseUint(string(x), 10, 64); err == nil {
					left[n] = true
				}
			}
			if len(r.Values) < page {
				break
			}
		}
	}
}
