package clean

import (
	"context"

	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// What must still be so when a key goes is asked in the step that removes it. Only what is in another slot of a cluster cannot be
// looked at in that step: it is asked before and after, and where the answer is another after, the key is put back at once. A field
// of a JSON text is not understood by a server: it is read before, and the step asks whether the whole value is what it was then.

// apart reports whether another key cannot be looked at in the same step.
func (a *applying) apart(l *Line, other Text) bool {
	return other != "" && a.cluster && slot.Of(string(l.Key)) != slot.Of(string(other))
}

// A question is what a value must say for a key to go.
type question struct {
	step *step
	read *Reading
	sum  string // of the value before it was read, where it is a text in which a field is sought
}

// before decides what the step that removes cannot, and says of each key what that step is to ask.
func (a *applying) before(ctx context.Context, steps []step) error {
	if err := a.missing(ctx, steps, "", func(s *step) { s.out = kv.Parent }); err != nil {
		return err
	}
	open, err := a.open(ctx, steps)
	if err != nil {
		return err
	}
	var outside []question
	for _, q := range open {
		in := !a.apart(q.step.line, q.read.Key)
		if in {
			q.step.says = append(q.step.says, kv.Saying{Key: string(q.read.Key), Field: q.read.Field, Text: string(q.read.Says), Lost: q.read.Lost, SHA1: q.sum})
		}
		if !in || q.sum != "" {
			outside = append(outside, q)
		}
	}
	return a.ask(ctx, outside, func(q *question) { q.step.out = kv.Parent })
}

// open returns what values must say, with the digests of those that are texts in which a field is sought.
func (a *applying) open(ctx context.Context, steps []step) (open []question, err error) {
	var names []kv.Name
	var of []int
	for i := range steps {
		s := &steps[i]
		for j := range s.line.Reads {
			if s.out != "" {
				break
			}
			r := &s.line.Reads[j]
			if r.Field != "" {
				names, of = append(names, kv.Name{DB: s.line.DB, Key: string(r.Key)}), append(of, len(open))
			}
			open = append(open, question{step: s, read: r})
		}
	}
	if names == nil {
		return open, nil
	}
	return open, a.store.Digest(ctx, names, func(i int, d *kv.Digest) {
		if d != nil && d.Type != kv.TypeHash {
			open[of[i]].sum = d.SHA1
		}
	})
}

// ask reads values and calls otherwise for each that does not say what it must.
func (a *applying) ask(ctx context.Context, questions []question, otherwise func(q *question)) error {
	if len(questions) == 0 {
		return nil
	}
	asks := make([]kv.Ask, len(questions))
	for i := range questions {
		q := &questions[i]
		asks[i] = kv.Ask{Name: kv.Name{DB: q.step.line.DB, Key: string(q.read.Key)}, Part: kv.ContentValue, Text: q.read.Field}
		if q.read.Field != "" {
			asks[i].Part = kv.ContentField
		}
	}
	return a.values.ReadValues(ctx, asks, func(i int, answer kv.Answer, text []byte) {
		r := questions[i].read
		if answer == kv.Found && string(text) == string(r.Says) && !r.Lost || answer == kv.Lost && r.Lost {
			return
		}
		otherwise(&questions[i])
	})
}

// missing calls found for each step with the outcome whose key that must be missing, in another slot, is there.
func (a *applying) missing(ctx context.Context, steps []step, with kv.Outcome, found func(s *step)) error {
	var names []kv.Name
	var of []*step
	for i := range steps {
		if s := &steps[i]; s.out == with && a.apart(s.line, s.line.Missing) {
			names, of = append(names, kv.Name{DB: s.line.DB, Key: string(s.line.Missing)}), append(of, s)
		}
	}
	if names == nil {
		return nil
	}
	return a.getter.Get(ctx, kv.FieldName, names, func(i int, r *kv.Record) {
		if r != nil {
			found(of[i])
		}
	})
}

// change lets the keys go that are still as they were read.
func (a *applying) change(ctx context.Context, steps []step) error {
	var changes []kv.Change
	var of []*step
	for i := range steps {
		s := &steps[i]
		if s.out != "" {
			continue
		}
		c := kv.Change{Name: s.line.name(), Type: s.dump.Type, Digest: s.sum, Expires: s.line.Expiry, To: s.to, Says: s.says}
		if !a.apart(s.line, s.line.Missing) {
			c.Missing = string(s.line.Missing)
		}
		changes, of = append(changes, c), append(of, s)
	}
	if changes == nil {
		return nil
	}
	return a.store.Change(ctx, changes, func(i int, o kv.Outcome) { of[i].out = o })
}

// after puts back at once what was removed while another slot came to say otherwise: the key that was lost is back, or leads back.
func (a *applying) after(ctx context.Context, steps []step) error {
	var dumps []kv.Dump
	var of []*step
	back := func(s *step) {
		if s.line.Action == Delete {
			dumps, of = append(dumps, *s.dump), append(of, s)
		}
	}
	if err := a.missing(ctx, steps, kv.Done, back); err != nil {
		return err
	}
	var outside []question
	for i := range steps {
		s := &steps[i]
		for j := range s.line.Reads {
			if r := &s.line.Reads[j]; s.out == kv.Done && a.apart(s.line, r.Key) {
				outside = append(outside, question{step: s, read: r})
			}
		}
	}
	if err := a.ask(ctx, outside, func(q *question) { back(q.step) }); err != nil || dumps == nil {
		return err
	}
	return a.store.Restore(ctx, dumps, func(i int, o kv.Outcome) {
		if o == kv.Done || o == kv.Present {
			of[i].out = kv.Restored
		}
	})
}
