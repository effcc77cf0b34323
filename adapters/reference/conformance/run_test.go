package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A difference is where two servers part.
type difference struct {
	history
	unit int // which unit showed it; -1 for the state afterwards
	args []string
	want string
	got  string
	why  string
}

func (d *difference) String() string {
	return fmt.Sprintf("%s: %s\nredis  %s\nengine %s\nafter:\n%s", line(d.args), d.why, d.want, d.got, d.history)
}

// signature tells differences apart as far as can be without knowing their causes.
func (d *difference) signature() string {
	name := strings.ToLower(d.args[0])
	if d.unit < 0 {
		name = "state " + name
	}
	return name + ": " + d.why
}

// A duel is two servers, with a connection to each: the reference, and the one that is held against it.
type duel struct {
	addr  [2]string
	conns [2]*conn
	has   func(name string) bool // whether the second has a command
	calls int                    // compared so far
	brief bool                   // what the servers hold in the end is not compared

	batch  []step
	bytes  int
	queued []step // in the transaction that is open
	open   bool
	stored bool // SORT has stored a list
	listed reply
}

func (d *duel) connect() error {
	for i, addr := range d.addr {
		if d.conns[i] != nil {
			d.conns[i].Close()
		}
		c, err := dial(addr)
		if err != nil {
			return err
		}
		d.conns[i] = c
	}
	return nil
}

// A failure is a difference on its way up, or an error of a connection.
type failure struct {
	step
	want, got string
	why       string
}

func (f *failure) Error() string { return f.why }

// run plays a history and returns how the servers differ, or nil. The error is one of the reference.
func (d *duel) run(h history) (*difference, error) {
	d.batch, d.bytes, d.queued, d.open, d.stored, d.listed = nil, 0, nil, false, false, reply{}
	if d.conns[0] == nil {
		if err := d.connect(); err != nil {
			return nil, err
		}
	}
	at := -1
	fail := d.prologue(h)
	for i := 0; fail == nil && i < len(h.units); i++ {
		at = i
		for _, s := range h.units[i] {
			if fail = d.step(s); fail != nil {
				break
			}
		}
	}
	if fail == nil {
		fail = d.flush()
	}
	if fail == nil && !d.brief {
		at = -1
		fail = d.epilogue()
	}
	if fail == nil {
		return nil, nil
	}
	d.close()
	if fail.want == "" {
		return nil, fmt.Errorf("%s: %w, in\n%s", line(fail.args), fail, h)
	}
	return &difference{history: h, unit: at, args: fail.args, want: fail.want, got: fail.got, why: fail.why}, nil
}

func (d *duel) close() {
	for i, c := range d.conns {
		c.Close()
		d.conns[i] = nil
	}
}

func (d *duel) prologue(h history) *failure {
	for _, args := range h.prologue() {
		for i := range d.conns {
			if i == 1 && !d.has(strings.ToLower(args[0])) {
				continue
			}
			if r, err := d.conns[i].do(args...); err != nil || r.isError() {
				f := &failure{step: step{args: args}, why: fmt.Sprintf("server %d: %v %v", i, r, err)}
				if i == 1 {
					f.want, f.got, f.why = "(works)", f.why, "the history cannot begin"
				}
				return f
			}
		}
	}
	return nil
}

const (
	mostSteps = 64 // in a batch
	mostBytes = 32 << 10
)

// step takes a step, which may be held back until there are more.
func (d *duel) step(s step) *failure {
	switch s.act {
	case send, list, draw:
		d.batch = append(d.batch, s)
		for _, a := range s.args {
			d.bytes += len(a)
		}
		if s.wait > 0 || len(d.batch) >= mostSteps || d.bytes >= mostBytes {
			if fail := d.flush(); fail != nil {
				return fail
			}
			time.Sleep(s.wait)
		}
		return nil
	}
	if fail := d.flush(); fail != nil || d.open {
		return fail
	}
	switch s.act {
	case adopt:
		return d.adopt(s.args[0])
	case clone:
		return d.clone(s.args[0], s.args[1])
	}
	return d.scan(s)
}

// flush sends what was held back, and compares the replies.
func (d *duel) flush() *failure {
	_, fail := d.told()
	return fail
}

// told is flush that returns the replies of the reference.
func (d *duel) told() ([]reply, *failure) {
	if len(d.batch) == 0 {
		return nil, nil
	}
	batch := d.batch
	d.batch, d.bytes = nil, 0
	var b []byte
	for _, s := range batch {
		b = appendCommand(b, s.args)
	}
	for i, c := range d.conns {
		c.SetDeadline(time.Now().Add(patience))
		if _, err := c.Write(b); err != nil && i == 0 {
			return nil, &failure{step: batch[0], why: err.Error()}
		}
	}
	all := make([]reply, len(batch))
	for i, s := range batch {
		want, got, fail := d.replies(s)
		if fail == nil {
			fail = d.judge(s, want, got)
		}
		if fail != nil {
			return nil, fail
		}
		all[i] = want
	}
	return all, nil
}

func (d *duel) replies(s step) (want, got reply, fail *failure) {
	want, err := d.conns[0].next()
	if err != nil {
		return want, got, &failure{step: s, why: err.Error()}
	}
	got, err = d.conns[1].next()
	if err != nil {
		return want, got, &failure{step: s, want: want.String(), got: err.Error(), why: "no reply"}
	}
	d.calls++
	return want, got, nil
}

// judge compares the replies to a step, and follows transactions.
func (d *duel) judge(s step, want, got reply) *failure {
	queued := d.queued
	name := strings.ToLower(s.args[0])
	switch {
	case want.text == "QUEUED" && want.kind == '+' && d.open:
		d.queued = append(d.queued, s)
		s.same = nil
	case name == "multi" && !want.isError():
		d.open, d.queued = true, nil
	case d.open && (name == "exec" && len(s.args) == 1 || name == "discard" && !want.isError()):
		d.open, d.queued = false, nil
		if name == "exec" && want.kind == '*' && !want.null && len(want.items) == len(queued) && len(got.items) == len(queued) {
			return d.judgeAll(queued, want, got)
		}
	}
	c := call{s.args, want, got, reply{}}
	switch s.act {
	case list:
		d.listed = want
	case draw:
		c.listing, d.listed = d.listed, reply{}
	}
	if d.open && s.act == draw {
		return nil
	}
	stores := func(a string) bool { return strings.EqualFold(a, "store") }
	d.stored = d.stored || name == "sort" && slices.ContainsFunc(s.args, stores)
	if why := compare(s.same, c); why != "" && !(d.stored && name == "dump" && renoded(want, got)) {
		return &failure{step: s, want: want.String(), got: got.String(), why: why}
	}
	return nil
}

// judgeAll compares the replies of a transaction.
func (d *duel) judgeAll(queued []step, want, got reply) *failure {
	for i, s := range queued {
		d.calls++
		if why := compare(s.same, call{args: s.args, want: want.items[i], got: got.items[i]}); why != "" {
			return &failure{step: s, want: want.items[i].String(), got: got.items[i].String(), why: why}
		}
	}
	return nil
}

// both sends a command to both servers and compares the replies.
func (d *duel) both(s same, args ...string) (reply, *failure) {
	d.batch = []step{{args: args, same: s}}
	all, fail := d.told()
	if fail != nil {
		return reply{}, fail
	}
	return all[0], nil
}

// adopt gives both servers what the reference has as key.
func (d *duel) adopt(key string) *failure {
	dump, err := d.conns[0].do("DUMP", key)
	if err != nil {
		return &failure{step: step{args: []string{"DUMP", key}}, why: err.Error()}
	}
	return d.restore(key, dump)
}

// clone gives both servers what the reference has as key, under the name to.
func (d *duel) clone(key, to string) *failure {
	dump, fail := d.both(dumpReply, "DUMP", key)
	if fail != nil {
		return fail
	}
	return d.restore(to, dump)
}

func (d *duel) restore(key string, dump reply) *failure {
	if dump.null || dump.isError() {
		_, fail := d.both(nil, "DEL", key)
		return fail
	}
	_, fail := d.both(nil, "RESTORE", key, "0", dump.text, "REPLACE")
	return fail
}

// scan calls a command of the SCAN family until its cursor is 0, and compares what came in all.
func (d *duel) scan(s step) *failure {
	var all [2]reply
	for i, c := range d.conns {
		r, err := scanAll(c, s.args)
		switch {
		case err != nil && i == 0:
			return &failure{step: s, why: err.Error()}
		case err != nil:
			return &failure{step: s, want: all[0].String(), got: err.Error(), why: "no reply"}
		}
		all[i] = r
	}
	d.calls++
	if why := compare(s.same, call{args: s.args, want: all[0], got: all[1]}); why != "" {
		return &failure{step: s, want: all[0].String(), got: all[1].String(), why: why}
	}
	return nil
}

// scanAll returns the items of all calls as one reply, or an error's.
func scanAll(c *conn, args []string) (reply, error) {
	args = append([]string(nil), args...)
	at := 2
	if strings.EqualFold(args[0], "scan") {
		at = 1
	}
	all := reply{kind: '*'}
	for range 10_000 {
		r, err := c.do(args...)
		if err != nil || r.isError() {
			return r, err
		}
		if len(r.items) != 2 || r.items[0].kind != '$' {
			return reply{}, fmt.Errorf("not a reply of SCAN: %s", r)
		}
		for _, item := range r.items[1].items {
			all.items = append(all.items, item)
			all.raw += item.raw
		}
		if args[at] = r.items[0].text; args[at] == "0" {
			return all, nil
		}
	}
	return reply{}, fmt.Errorf("the cursor never came to 0")
}
