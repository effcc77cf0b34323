package play

import (
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// A program is an operation as a list of instructions.
type program struct {
	op     *scenario.Op
	code   []instr
	fields []int // that are drawn once for the operation
}

// An instr is a step.
type instr struct {
	is     string
	cmds   []command
	tx     bool
	keyed  bool // its first command has a key
	atomic string
	want   bool
	keep   bool // the first value of the reply is used later
	wait   scenario.Wait
	again  time.Duration // asked again until what the task has written is seen; 0: it is not
	onNil  int           // where to go if there is nothing: next, or end
	next   int
}

const end = -1

// A command is the words of one, compiled.
type command struct {
	name    string
	words   []word
	expire  []int // words that are keys to which a life is given behind it
	replica bool
}

// A word is an argument: a literal, a part of a template, or pieces.
type word struct {
	literal  []byte
	template int
	part     scenario.Part
	pieces   []piece
}

func (p *Player) compile(op *scenario.Op) program {
	g := program{op: op}
	p.steps(&g, op.Steps)
	g.fields = p.drawn(&g)
	return g
}

// steps appends the steps and, behind them, their branches.
func (p *Player) steps(g *program, steps []scenario.Step) {
	first := len(g.code)
	for i := range steps {
		s := &steps[i]
		in := instr{is: s.Is, tx: s.Tx, atomic: s.Atomic, wait: s.Wait, again: s.Again, next: first + i + 1}
		in.onNil = in.next
		for j := range s.Cmds {
			in.cmds = append(in.cmds, p.command(&s.Cmds[j], s.Atomic != "", g.op))
		}
		if in.keyed = s.Atomic != ""; len(s.Cmds) > 0 {
			s.Cmds[0].Places(func(int, kv.OpKind) { in.keyed = true })
		}
		if s.Tx {
			carried(s, in.cmds)
		}
		in.want = s.Is != "" || s.Atomic != ""
		if i+1 < len(steps) && usesReply(steps[i+1:]) {
			in.want, in.keep = true, true
		}
		if i == len(steps)-1 {
			in.next, in.onNil = end, end
		}
		g.code = append(g.code, in)
	}
	for i := range steps {
		switch {
		case steps[i].End:
			g.code[first+i].onNil = end
		case steps[i].OnNil != nil:
			g.code[first+i].onNil = len(g.code)
			p.steps(g, steps[i].OnNil)
		}
	}
}

func usesReply(steps []scenario.Step) bool {
	return slices.ContainsFunc(steps, func(s scenario.Step) bool {
		return slices.ContainsFunc(s.Cmds, func(c scenario.Cmd) bool {
			return slices.ContainsFunc(c.Words, func(w scenario.Word) bool { return w.Pieces.Has(scenario.Reply) })
		})
	})
}

func (p *Player) command(c *scenario.Cmd, args bool, op *scenario.Op) command {
	out := command{name: strings.ToUpper(c.Name()), replica: c.Replica}
	for i := range c.Words {
		w := &c.Words[i]
		cw := word{template: w.Template, part: w.Part}
		switch text, literal := w.Literal(); {
		case literal:
			if cw.literal = []byte(text); i == 0 && !args {
				cw.literal = []byte(out.name)
			}
		case w.Template < 0:
			cw.pieces = p.pieces(w.Pieces)
		}
		out.words = append(out.words, cw)
	}
	if !args {
		p.reads[out.name] = true
		c.Places(func(_ int, kind kv.OpKind) { p.reads[out.name] = p.reads[out.name] && kind == kv.OpRead })
	}
	if args || removes(out.name) || carries(c) {
		return out
	}
	c.Places(func(i int, kind kv.OpKind) {
		if kind == kv.OpWrite && !expires(op.Steps, c.Words[i].Template) {
			out.expire = append(out.expire, i)
		}
	})
	if len(out.expire) == 2 && out.name != "MSET" {
		out.expire = out.expire[1:] // of what is moved, where it goes to
	}
	return out
}

// carried takes back the lives that would be given to keys which get one within the same transaction.
func carried(s *scenario.Step, cmds []command) {
	for i := range cmds {
		cmds[i].expire = slices.DeleteFunc(cmds[i].expire, func(word int) bool {
			return slices.ContainsFunc(s.Cmds, func(c scenario.Cmd) bool {
				return carries(&c) && c.Words[1].Template == cmds[i].words[word].template
			})
		})
	}
}

// removes reports whether a command only takes away, or is about the life itself.
func removes(name string) bool {
	return slices.Contains([]string{
		"DEL", "UNLINK", "GETDEL", "HDEL", "SREM", "ZREM", "LREM", "LTRIM", "LPOP", "RPOP", "SPOP", "ZPOPMIN", "ZPOPMAX",
		"ZREMRANGEBYSCORE", "ZREMRANGEBYRANK", "ZREMRANGEBYLEX", "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "SETEX", "PSETEX",
		"BLPOP", "BRPOP", "XDEL", "XTRIM",
	}, name)
}

// carries reports whether a command gives the key a life itself.
func carries(c *scenario.Cmd) bool {
	name := strings.ToUpper(c.Name())
	if name != "SET" && name != "GETEX" {
		return false
	}
	return slices.ContainsFunc(c.Words, func(w scenario.Word) bool {
		text, literal := w.Literal()
		return literal && slices.Contains([]string{"EX", "PX", "EXAT", "PXAT"}, strings.ToUpper(text))
	})
}

// expires reports whether one of the steps gives the keys of a template their life: that is part of what is tested then.
func expires(steps []scenario.Step, template int) bool {
	return slices.ContainsFunc(steps, func(s scenario.Step) bool {
		return expires(s.OnNil, template) || slices.ContainsFunc(s.Cmds, func(c scenario.Cmd) bool {
			name := strings.ToUpper(c.Name())
			return (name == "EXPIRE" || name == "PEXPIRE") && len(c.Words) > 1 && c.Words[1].Template == template
		})
	})
}

// drawn returns the fields that the commands of a program use.
func (p *Player) drawn(g *program) []int {
	var all []int
	add := func(ps []piece) {
		for _, pc := range ps {
			if pc.field >= 0 && p.fields[pc.field].own == "" && !slices.Contains(all, pc.field) {
				all = append(all, pc.field)
			}
		}
	}
	for _, in := range g.code {
		for _, c := range in.cmds {
			for _, w := range c.words {
				add(w.pieces)
				if w.template >= 0 {
					t := &p.templates[w.template]
					add(t.pieces)
					if w.part == scenario.PartMember {
						add(t.members)
					}
					for _, f := range t.fields {
						add([]piece{{field: f.field}})
					}
				}
			}
		}
	}
	return all
}
