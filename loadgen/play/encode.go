package play

import (
	"hash/crc32"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/draw"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// A state is what a task keeps from step to step. It is reused by the next one.
type state struct {
	op    int
	pc    int
	try   int    // of an atomic action
	phase int    // of an atomic action
	epoch uint64 // of the workload
	ids   []int64
	buf   []byte
	args  [][]byte
	ops   []kv.Op
	reply []byte // the first value of the last one that is used later
	sent  time.Duration
	stamp time.Duration // of an atomic action: the time that it was told, in whole milliseconds
	mine  written       // what this task has written
	entry *keyState     // of the key that the check is about
	delta int64
	flag  bool
}

// id is a number that no other task has, up to 16 phases, 64 workers and a thousand million tasks of each: it fits in ten
// hexadecimal digits.
func id(t *loadgen.Task) uint64 {
	st := t.State.(*state)
	return st.epoch&15<<36 | uint64(t.Worker)&63<<30 | t.N&(1<<30-1)
}

// begin clears what a step has sent.
func (st *state) begin() { st.buf, st.args, st.ops = st.buf[:0], st.args[:0], st.ops[:0] }

// add ends an argument that began at from.
func (st *state) add(from int) { st.args = append(st.args, st.buf[from:len(st.buf):len(st.buf)]) }

func (st *state) text(s string) {
	from := len(st.buf)
	st.buf = append(st.buf, s...)
	st.add(from)
}

func (st *state) bytes(b []byte) {
	from := len(st.buf)
	st.buf = append(st.buf, b...)
	st.add(from)
}

func (st *state) number(n int64) {
	from := len(st.buf)
	st.buf = strconv.AppendInt(st.buf, n, 10)
	st.add(from)
}

// end makes an operation of the arguments since from.
func (st *state) end(from int, want bool) {
	st.ops = append(st.ops, kv.Op{Class: uint16(st.op), Want: want, Args: st.args[from:len(st.args):len(st.args)]})
}

// encode makes the operations of a step.
func (p *Player) encode(t *loadgen.Task, st *state, in *instr) {
	st.begin()
	if in.tx {
		st.text("MULTI")
		st.end(0, false)
	}
	for i := range in.cmds {
		c := &in.cmds[i]
		from := len(st.args)
		for j := range c.words {
			p.word(t, st, &c.words[j])
		}
		st.end(from, in.want && !in.tx)
		st.ops[len(st.ops)-1].Replica = c.replica
		if !in.tx {
			p.expire(t, st, c, st.args[from:len(st.args):len(st.args)])
		}
	}
	if in.tx {
		from := len(st.args)
		st.text("EXEC")
		st.end(from, in.want)
		for i := range in.cmds {
			p.expire(t, st, &in.cmds[i], st.ops[i+1].Args) // behind MULTI
		}
	}
	t.Ops = st.ops
}

// expire gives a life to the keys that the command with these arguments has written.
func (p *Player) expire(t *loadgen.Task, st *state, c *command, args [][]byte) {
	if len(c.expire) == 0 {
		return
	}
	if c.name == "MSET" {
		for i := 1; i+1 < len(args); i += 2 {
			p.renew(t, st, args[i], p.templates[c.words[1].template].life, true)
		}
		return
	}
	for _, i := range c.expire {
		tm := &p.templates[c.words[i].template]
		p.renew(t, st, args[i], tm.life, tm.gone || overwrites(c.name))
	}
}

// overwrites reports whether a command takes the life of what it writes over.
func overwrites(name string) bool {
	return name == "SET" || name == "GETSET" || name == "MSETNX" || name == "SETNX"
}

// renew appends a PEXPIRE of a key, unless it was given its life less than half of it ago and still has it.
func (p *Player) renew(t *loadgen.Task, st *state, key []byte, life time.Duration, always bool) {
	if !p.renewed.due(key, t.Now, life) && !always {
		return
	}
	p.counts[renewalsSent].Add(1)
	from := len(st.args)
	st.text("PEXPIRE")
	st.args = append(st.args, key)
	st.number(life.Milliseconds())
	st.end(from, false)
}

// renewals remembers when keys were last given their life, in constant memory: keys that share a place push each other out, and
// are given it oftener than need be.
type renewals [1 << 16]atomic.Uint64

// due reports whether the key is to be given its life now.
func (r *renewals) due(key []byte, now, life time.Duration) bool {
	h := hash(key)
	slot, tag := &r[h&0xffff], h>>16&0xffffff<<40
	ms := uint64(now.Milliseconds()) & (1<<40 - 1)
	if v := slot.Load(); v&(0xffffff<<40) == tag && v != 0 && ms-(v&(1<<40-1)) < uint64(life.Milliseconds())/2 {
		return false
	}
	slot.Store(tag | ms | 1)
	return true
}

// hash is FNV-1a with a finaliser.
func hash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h ^= h >> 32
	return h * 0x9e3779b97f4a7c15
}

// word appends an argument, or the many of one that stands for many.
func (p *Player) word(t *loadgen.Task, st *state, w *word) {
	switch {
	case w.literal != nil:
		st.bytes(w.literal)
	case w.template < 0:
		from := len(st.buf)
		st.buf = p.append(st.buf, t, st, w.pieces, -1)
		st.add(from)
	default:
		p.ofTemplate(t, st, w)
	}
}

func (p *Player) ofTemplate(t *loadgen.Task, st *state, w *word) {
	tm := &p.templates[w.template]
	from := len(st.buf)
	switch w.part {
	case scenario.PartKey:
		st.buf = p.appendKey(st.buf, t, st, tm, -1)
		st.add(from)
	case scenario.PartValue:
		st.buf = p.appendValue(st.buf, t, st, tm)
		st.add(from)
	case scenario.PartMember:
		st.buf = p.append(st.buf, t, st, tm.members, -1)
		st.add(from)
	case scenario.PartTTL:
		st.number(draw.TTL(&tm.t.TTL, p.s.MaxTTL, &t.Rand).Milliseconds())
	case scenario.PartSeconds:
		st.number(max(1, int64(draw.TTL(&tm.t.TTL, p.s.MaxTTL, &t.Rand).Seconds())))
	case scenario.PartFields:
		p.appendFields(t, st, tm)
	case scenario.PartAll, scenario.PartPairs:
		n := scenario.Keys(p.s.Schema, w.template)
		st.buf = p.appendValue(st.buf, t, st, tm)
		value := st.buf[from:len(st.buf):len(st.buf)]
		for i := range n {
			at := len(st.buf)
			st.buf = p.appendKey(st.buf, t, st, tm, i)
			st.add(at)
			if w.part == scenario.PartPairs {
				st.args = append(st.args, value)
			}
		}
	}
}

func (p *Player) appendFields(t *loadgen.Task, st *state, tm *template) {
	for i := range tm.fields {
		st.bytes(tm.fields[i].name)
		from := len(st.buf)
		f := tm.fields[i].field
		st.buf = p.fields[f].gen.Append(st.buf, st.ids[f])
		st.add(from)
	}
}

// appendKey appends a key of a template: the drawn one, or the one of a number. It is the only place in which keys come to be.
func (p *Player) appendKey(dst []byte, t *loadgen.Task, st *state, tm *template, number int64) []byte {
	return p.append(append(dst, p.prefix...), t, st, tm.pieces, number)
}

// append appends pieces, with the drawn fields or, if number is not negative, those of a number.
func (p *Player) append(dst []byte, t *loadgen.Task, st *state, ps []piece, number int64) []byte {
	for i := range ps {
		if ps[i].field < 0 {
			dst = append(dst, ps[i].literal...)
			continue
		}
		f := &p.fields[ps[i].field]
		switch f.own {
		case "":
			n := st.ids[ps[i].field]
			if number >= 0 {
				n, number = number%f.n, number/f.n
			}
			dst = f.gen.Append(dst, n)
		case scenario.Token:
			dst = strconv.AppendUint(append(dst, 't'), id(t), 16)
		case scenario.Seq:
			dst = strconv.AppendUint(dst, id(t), 10)
		case scenario.Now:
			dst = strconv.AppendInt(dst, t.Now.Milliseconds(), 10)
		case scenario.Reply:
			dst = append(dst, st.reply...)
		}
	}
	return dst
}

// header is how many bytes of a value say which key it belongs to and which task has written it.
const header = 16

// appendValue appends a value: the header, six digits of the key's hash and ten of the task, then letters.
func (p *Player) appendValue(dst []byte, t *loadgen.Task, st *state, tm *template) []byte {
	size := max(int(min(tm.size.Load().Draw(&t.Rand), int64(len(p.block)))), header)
	from := len(dst)
	dst = p.appendKey(dst, t, st, tm, -1)
	sum := keySum(dst[from:])
	dst = appendHex(dst[:from], uint64(sum), 6)
	dst = appendHex(dst, id(t), 10)
	at := int(t.Rand.Uint64() % uint64(len(p.block)-size+header+1))
	return append(dst, p.block[at:at+size-header]...)
}

func keySum(key []byte) uint32 { return crc32.ChecksumIEEE(key) & 0xffffff }

func appendHex(dst []byte, x uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, "0123456789abcdef"[x>>(4*i)&15])
	}
	return dst
}

// parseHeader reads the header of a value.
func parseHeader(v []byte) (sum uint32, writer uint64, ok bool) {
	if len(v) < header {
		return 0, 0, false
	}
	for i, c := range v[:header] {
		d := uint64(0)
		switch {
		case c >= '0' && c <= '9':
			d = uint64(c - '0')
		case c >= 'a' && c <= 'f':
			d = uint64(c-'a') + 10
		default:
			return 0, 0, false
		}
		if i < 6 {
			sum = sum<<4 | uint32(d)
		} else {
			writer = writer<<4 | d
		}
	}
	return sum, writer, true
}
