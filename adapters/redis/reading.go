package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// A reading is one scan of some slots of a cluster, wherever they are.
//
// A node is read with SCAN, which knows of no slots; while it runs, keys may leave for another node, before or after SCAN
// has come to them. So a reading goes in rounds:
//
//	1  look: who serves the slots, and where are those going that are on their way?
//	2  read the nodes that serve them, and then the nodes that they go to
//	3  look again. Slots that have left for a node which this round has not read are those of the next round,
//	   in which only keys are yielded that were not yielded before
//
// A key that exists all the time is then yielded once: either it was on the node that served it for as long as that was
// read, or its slot has moved, and it is met in the round after. Rounds come to an end because only slots of the round
// before can be in one, and a slot that moves after its node was read has been read. (A slot that leaves and is back
// before the node was read to its end is not noticed.)
//
// A node that fails is waited for. Of what another process has in its place nothing is known, so the reading ends with
// kv.ErrRestart if it has yielded keys of that node, or asked whoever consumes it about them.
type reading struct {
	c     *cluster
	ctx   context.Context // of the call that this reading is
	opt   kv.ScanOptions
	slots slot.Set
	yield func(*kv.Record) bool

	seen    seen
	again   bool     // not the first round: what was seen is not yielded again
	touched slot.Set // of which keys were yielded
	told    int64    // keys that were yielded, and those that Ask was asked about

	part  slot.Set // of the node that is being read
	place string   // its address
	queue []placed // names that are being asked for, in order
	next  int      // in queue
}

// A placed is a key with its slot, which is computed once.
type placed struct {
	key  string
	slot uint16
}

// A task is a node to read, by the id of its primary, for some slots: those that it serves, or those that it is being given.
type task struct {
	id     string
	coming bool
	slots  slot.Set
}

// maxRounds bounds how long a slot is run after.
const maxRounds = 10

// run reads all slots. What fails for good does not keep it from the rest: the errors come last, together.
func (r *reading) run() error {
	want := r.slots
	before, err := r.c.look(r.ctx, want)
	if err != nil {
		return r.wrap(err)
	}
	r.seen = newSeen(r.c.memory, before.leaving())
	failed := r.unserved(before, want)
	tasks := before.holders(want)
	for range maxRounds {
		o, err := r.round(before, tasks)
		if err != nil {
			return err
		}
		failed = append(failed, o.failed...)
		after, err := r.c.look(r.ctx, want)
		if err != nil {
			return errors.Join(append(failed, r.wrap(err))...)
		}
		failed = append(failed, r.unserved(after, want.And(o.broken))...)
		if tasks = o.unsettled(before, after, want.Without(o.lost)); len(tasks) == 0 {
			return errors.Join(failed...)
		}
		r.seen.index()
		want, err = r.followable(before, after, tasks)
		if errors.Is(err, kv.ErrRestart) {
			return err
		}
		if err != nil {
			failed = append(failed, err)
		}
		if tasks = only(tasks, want); len(tasks) == 0 {
			return errors.Join(failed...)
		}
		before, r.again = after, true
	}
	return errors.Join(append(failed, r.wrap(kv.WithHint(
		fmt.Errorf("slots %s keep moving: keys of theirs may be missing", short(&want)), hintMoving)))...)
}

// wrap says what an error kept from being done.
func (r *reading) wrap(err error) error { return fmt.Errorf("scanning %s: %w", r.c.cfg.target, err) }

// unserved returns an error if nobody serves some of the slots that are to be read.
func (r *reading) unserved(m *slotMap, slots slot.Set) []error {
	left := slots.Without(m.served())
	if left.Empty() {
		return nil
	}
	return []error{r.wrap(kv.WithHint(fmt.Errorf("nobody serves slots %s: keys of theirs may be missing", short(&left)),
		"CLUSTER SLOTS says who serves what; audit again when all slots are served"))}
}

// An outcome is how a round went.
type outcome struct {
	failed []error
	lost   slot.Set          // could not be read
	broken slot.Set          // could not be read to the end, and are to be read again
	readBy map[string]string // id of the node that was read for the primary with an id
}

// round reads the nodes of tasks, one after the other. An error ends the reading.
func (r *reading) round(m *slotMap, tasks []task) (outcome, error) {
	o := outcome{readBy: map[string]string{}}
	for _, t := range tasks {
		if t.coming { // after the nodes that they leave: what comes while it is read was seen there
			r.again = true
			r.seen.index()
			if left := r.forgotten(t.slots); !left.Empty() {
				o.failed = append(o.failed, r.tooMany(left))
				o.lost = o.lost.Or(left)
				if t.slots = t.slots.Without(left); t.slots.Empty() {
					continue
				}
			}
		}
		g := m.byID(t.id)
		began := r.told
		s, n, err := r.pass(g, t, r.opt.Want)
		if !t.coming {
			o.readBy[t.id] = n.id
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, errEnough), r.ctx.Err() != nil:
			return o, err
		case fleeting(err):
			wait := r.c.await(r.ctx, t, err)
			if r.ctx.Err() != nil {
				return o, r.ctx.Err()
			}
			if wait == nil && (r.told == began || down(err) && r.follows(t.slots)) {
				o.broken = o.broken.Or(t.slots)
				continue
			}
			if wait == nil {
				return o, r.wrap(fmt.Errorf("%s has failed (%w) and is read anew: %w", g, r.word(s, err), kv.ErrRestart))
			}
			if down(err) && r.told == began {
				_, _, err = r.pass(g, t, 0)
				if err == nil {
					err = kv.WithHint(errors.New("the cluster is down and answers for no key: names were read, and nothing else of them"),
						"CLUSTER INFO says which slots nobody serves; with cluster-allow-reads-when-down the others are read all the same")
				}
			}
		}
		o.failed = append(o.failed, r.word(s, err))
		o.lost = o.lost.Or(t.slots)
	}
	return o, nil
}

// follows reports whether slots of which a part was yielded can be read again. Whoever decides what to ask is asked about each
// key once, and has been asked about some that were not yielded.
func (r *reading) follows(slots slot.Set) bool {
	left := r.forgotten(slots)
	return r.opt.Ask == nil && left.Empty()
}

// word says of an error which node it is of.
func (r *reading) word(s *store, err error) error {
	if s == nil {
		return r.wrap(err)
	}
	return s.scanError(r.ctx, err)
}

// pass reads one node of a group for some slots. Of slots that are still to come to the group its replicas know nothing:
// they name the keys and send whoever asks about them away.
func (r *reading) pass(g *group, t task, want kv.Field) (*store, node, error) {
	s, n, err := r.c.reader(r.ctx, g)
	switch {
	case err != nil:
		return nil, n, err
	case t.coming && r.c.cfg.replica == replicaOnly:
		want = 0
	case t.coming:
		s, n = r.c.store(g.primary.addr, false), g.primary
	}
	r.part, r.place = t.slots, n.addr
	r.queue, r.next = r.queue[:0], 0
	opt := r.opt
	opt.Shard, opt.Mark, opt.Want = kv.Shard{}, nil, want
	return s, n, s.scanKeys(r.ctx, opt, portion{r.keep, t.coming}, r.emit)
}

// keep says of a name whether it is to be read, and remembers its slot until emit is told of it.
func (r *reading) keep(db int, key string) bool {
	n := slot.Of(key)
	if !r.part.Has(n) || r.again && r.seen.has(n, db, key) {
		return false
	}
	if r.next > 2*countMost { // what emit is done with
		r.queue = slices.Delete(r.queue, 0, r.next)
		r.next = 0
	}
	r.queue = append(r.queue, placed{key, n})
	return true
}

// emit yields a record. Names that keep was told before it and that are not in a record were gone.
func (r *reading) emit(rec *kv.Record) bool {
	n, found := uint16(0), false
	for !found && r.next < len(r.queue) {
		p := &r.queue[r.next]
		n, found = p.slot, p.key == rec.Key
		p.key = ""
		r.next++
	}
	if r.opt.Want&kv.FieldPlace != 0 {
		rec.Place = r.place
		rec.Known |= kv.FieldPlace
	}
	if r.opt.Want&kv.FieldSlot != 0 {
		rec.Slot = n
		rec.Known |= kv.FieldSlot
	}
	r.seen.add(n, rec.DB, rec.Key)
	r.touched[n/64] |= 1 << (n % 64)
	r.told++
	return r.yield(rec)
}

// holders returns the nodes that may have keys of want: those that serve them, and then those that they are going to.
func (m *slotMap) holders(want slot.Set) []task {
	var b taskList
	want.Each(func(n uint16) {
		if g := m.ownerOf(n); g != nil {
			b.add(g.primary.id, false, n)
		}
	})
	want.Each(func(n uint16) { b.addComing(m, n) })
	return b.tasks
}

// A taskList gathers tasks, in the order in which their nodes come up.
type taskList struct{ tasks []task }

func (b *taskList) add(id string, coming bool, n uint16) {
	i := slices.IndexFunc(b.tasks, func(t task) bool { return t.id == id && t.coming == coming })
	if i < 0 {
		i = len(b.tasks)
		b.tasks = append(b.tasks, task{id: id, coming: coming})
	}
	b.tasks[i].slots.Add(int(n), int(n))
}

// addComing adds the node that the slot n is on its way to, if it is on its way.
func (b *taskList) addComing(m *slotMap, n uint16) {
	if id := m.moving[n]; id != "" && m.byID(id) != nil {
		b.add(id, true, n)
	}
}

// only returns the tasks as far as they are about want.
func only(tasks []task, want slot.Set) []task {
	var rest []task
	for _, t := range tasks {
		if t.slots = t.slots.And(want); !t.slots.Empty() {
			rest = append(rest, t)
		}
	}
	return rest
}

// unsettled returns what is to be read for the slots of want which, since before, have gone where the round has not read.
func (o *outcome) unsettled(before, after *slotMap, want slot.Set) []task {
	all := want.And(o.broken)
	var begun slot.Set // on their way now, and not before: only the node that they go to is news
	rest := want.Without(all)
	rest.Each(func(n uint16) {
		from, to := before.idOf(n), after.idOf(n)
		going, gone := before.moving[n], after.moving[n]
		switch {
		case to == "" || from == to && going == gone:
		case going == to && gone == "": // it has arrived where the round has read last
		case o.readBy[from] == to && going == gone: // the replica that was read is the primary now
		case from == to && going == "":
			begun.Add(int(n), int(n))
		default:
			all.Add(int(n), int(n))
		}
	})
	b := taskList{after.holders(all)}
	begun.Each(func(n uint16) { b.addComing(after, n) })
	return b.tasks
}

// idOf returns the id of the primary that serves n, or "".
func (m *slotMap) idOf(n uint16) string {
	if g := m.ownerOf(n); g != nil {
		return g.primary.id
	}
	return ""
}

// followable returns the slots of tasks that can be read on without counting a key twice: those of which nothing was
// yielded, and those whose keys are remembered. Where a primary has been replaced, the others are to be read anew; where
// they have moved, it is an error.
func (r *reading) followable(before, after *slotMap, tasks []task) (slot.Set, error) {
	var want slot.Set
	for _, t := range tasks {
		want = want.Or(t.slots)
	}
	forgotten := r.forgotten(want)
	if forgotten.Empty() {
		return want, nil
	}
	replaced := false
	forgotten.Each(func(n uint16) { replaced = replaced || after.byID(before.idOf(n)) == nil })
	if replaced {
		return want, r.wrap(fmt.Errorf("slots %s have another primary: %w", short(&forgotten), kv.ErrRestart))
	}
	return want.Without(forgotten), r.tooMany(forgotten)
}

// forgotten returns those of some slots of which keys were yielded that are not remembered.
func (r *reading) forgotten(of slot.Set) slot.Set {
	return of.And(r.touched).Without(r.seen.remembers())
}

// tooMany says of slots that moved why they are not followed.
func (r *reading) tooMany(slots slot.Set) error {
	return r.wrap(kv.WithHint(
		fmt.Errorf("%s moved while they were read, more than are remembered: keys of theirs may be missing (slots %s)",
			humanize.Counted(int64(slots.Len()), "slot"), short(&slots)), hintMoving))
}

const hintMoving = "audit again when no slots are moving"
