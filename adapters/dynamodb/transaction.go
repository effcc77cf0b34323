package dynamodb

import (
	"bytes"

	"github.com/kvtool/kvtool/kv"
)

// A watch is the transaction of a session: what was watched, what was read of it, and what waits for EXEC.
//
// DynamoDB has neither: what WATCH is for is a condition here. A write that has to find the attributes that were read as they were is
// refused if they are not, as EXEC is whose key was changed. What others changed besides, or changed back, is no matter.
type watch struct {
	key    []byte // nil: nothing is watched
	read   bool
	item   attributes // as it was read; nil: there was none
	names  []string   // of what was read of it; nil is all
	multi  bool
	queue  []waiting
	broken bool // something was refused that was to be part of the transaction
}

type waiting struct {
	command *command
	args    [][]byte
}

func (w *watch) on() bool { return w.key != nil || w.multi }

// saw notes what was read of the watched key.
func (w *watch) saw(key []byte, item attributes, names []string) {
	if w.key == nil || !bytes.Equal(w.key, key) || w.read {
		return
	}
	w.read, w.item, w.names = true, item, names
}

// condition holds if what was read is still so.
func (w *watch) condition(t *terms) string {
	if w.item == nil {
		return t.isGone()
	}
	names := w.names
	if names == nil {
		names = t.s.fields(w.item)
	}
	text := t.isThere()
	for _, name := range names {
		p := t.sign(name)
		v, ok := w.item[name]
		if !ok {
			text += " AND attribute_not_exists(#" + p + ")"
			continue
		}
		t.values[":was"+p] = v
		text += " AND #" + p + "=:was" + p
	}
	return text
}

// queued puts a command aside until EXEC; err says why it is none.
func (w *watch) queued(q *request, err error) error {
	if err != nil {
		w.broken = true
		return err
	}
	args := make([][]byte, len(q.args))
	for i := range q.args {
		args[i] = bytes.Clone(q.args[i])
	}
	w.queue = append(w.queue, waiting{q.command, args})
	return q.answer([]byte("QUEUED"))
}

func runWatch(q *request) error {
	w := &q.w.watch
	if len(q.args) != 2 || w.key != nil && !bytes.Equal(w.key, q.args[1]) {
		return errSeveral
	}
	*w = watch{key: bytes.Clone(q.args[1])}
	return q.answer([]byte("OK"))
}

func runUnwatch(q *request) error {
	q.w.watch = watch{multi: q.w.watch.multi, queue: q.w.watch.queue}
	return q.answer([]byte("OK"))
}

func runMulti(q *request) error {
	if q.w.watch.multi {
		return kv.ReplyError("ERR MULTI calls can not be nested")
	}
	q.w.watch.multi, q.w.watch.queue, q.w.watch.broken = true, nil, false
	return q.answer([]byte("OK"))
}

// runExec does what has waited in one request.
func runExec(q *request) error {
	w := q.w.watch
	q.w.watch = watch{}
	switch {
	case !w.multi:
		return kv.ReplyError("ERR EXEC without MULTI")
	case w.broken:
		return kv.ReplyError("EXECABORT Transaction discarded because of previous errors.")
	case w.key != nil && !w.read:
		return kv.ReplyError("ERR what is watched was not read")
	case len(w.queue) == 0:
		return nil
	}
	key := w.queue[0].args[1]
	if w.key != nil {
		key = w.key
	}
	for _, x := range w.queue {
		if len(x.args) < 2 || !bytes.Equal(x.args[1], key) {
			return errSeveral
		}
	}
	err := q.exec(&w, key)
	if err == errChanged { //nolint:errorlint // it is made here
		return q.nothing()
	}
	return err
}

func (q *request) exec(w *watch, key []byte) error {
	last := w.queue[len(w.queue)-1]
	if removes(last.command) {
		return q.execRemove(w, key)
	}
	c, err := q.w.store.change(key)
	if err != nil {
		return err
	}
	if w.key != nil {
		c.watch = w
	}
	for _, x := range w.queue {
		if x.command.part == nil {
			return errSeveral
		}
		if err := x.command.part(c, x.args); err != nil {
			return err
		}
	}
	old, there, err := q.commit(c)
	if err != nil {
		return err
	}
	for i := range c.parts {
		if err := q.answer(digits(c.parts[i].reply(old, there))); err != nil {
			return err
		}
	}
	return nil
}

// execRemove reads an item while it is removed.
func (q *request) execRemove(w *watch, key []byte) error {
	reads := w.queue[:len(w.queue)-1]
	for _, x := range reads {
		if x.command.takes == nil {
			return errSeveral
		}
	}
	k, err := q.w.store.key(key)
	if err != nil {
		return err
	}
	t, condition := q.w.store.terms(nowMS()), ""
	if w.key != nil {
		condition = w.condition(&t)
	}
	old, err := q.remove(k, &t, condition, q.want)
	if err != nil {
		if q.conditionFailed(err) {
			return errChanged
		}
		return err
	}
	for _, x := range reads {
		part := *q
		part.command, part.args = x.command, x.args
		if err := x.command.takes(&part, old); err != nil {
			return err
		}
	}
	return q.answer(digits(done(nil, old != nil)))
}
