package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// Values are read in steps: each ask has one command on its way at a time, and the commands of all asks of a step go out in one
// write. What its answer is decides on the next one:
//
//	ContentValue    GETRANGE ─▶ the text
//	ContentField    HGET ─▶ the field, or where the type is another: GETRANGE ─▶ the field of a JSON object
//	ContentMembers  TYPE ─▶ SSCAN, ZSCAN, HSCAN or LRANGE, page by page
//	ContentHas      TYPE ─▶ SISMEMBER, ZSCORE, HEXISTS, or LRANGE page by page
//
// Over a connection that has said CLIENT NO-TOUCH ON (7.2), none of these resets the idle time of a key; Touches says where it
// does.

// valuePage is how many members are asked for at once.
const valuePage = 500

// errValue ends the reading of a value that is not what its type says.
var errValue = errors.New("a value that is answered otherwise")

// A step says what an ask waits for.
type step uint8

const (
	stepDone step = iota
	stepValue
	stepField
	stepDocument
	stepType
	stepPages // of members
	stepHas   // one answer to whether there is a member
)

// An inquiry is an ask on its way.
type inquiry struct {
	kv.Ask
	i      int // of the ask
	step   step
	typ    kv.Type
	cursor string // of the next page; of a list the position
	moved  bool
}

// A valueReading answers asks over one connection.
type valueReading struct {
	l      *asking
	c      map[string]resp.Command
	coming bool // the slots are on their way to this server: it answers after ASKING alone
	asking resp.Command
	fn     func(i int, a kv.Answer, text []byte)
}

// valueCommands are those that read parts of values, with the number of their arguments.
func valueCommands() map[string]int {
	return map[string]int{
		"GETRANGE": 3, "HGET": 2, "TYPE": 1, "LRANGE": 3, "SSCAN": 4, "HSCAN": 4, "ZSCAN": 4, "SISMEMBER": 2, "HEXISTS": 2, "ZSCORE": 2,
	}
}

// ReadValues asks one server.
func (s *store) ReadValues(ctx context.Context, asks []kv.Ask, fn func(int, kv.Answer, []byte)) error {
	_, err := s.readValues(ctx, asks, indices(len(asks)), false, fn)
	return err
}

// readValues answers the asks at which, and returns those whose key is on another node by now. Coming is as of get.
func (s *store) readValues(ctx context.Context, asks []kv.Ask, which []int, coming bool, fn func(int, kv.Answer, []byte)) (moved []int, err error) {
	defer s.governor.enter()()
	err = s.borrow(ctx, func(l *asking) error {
		r := valueReading{l: l, fn: fn, coming: coming, c: map[string]resp.Command{}}
		if r.asking, err = resp.Values.Command(0, "ASKING"); err != nil {
			return err
		}
		for name, args := range valueCommands() {
			if r.c[name], err = resp.Values.Command(args, name); err != nil {
				return err
			}
		}
		for len(which) > 0 {
			n := min(lookupPage, s.governor.count(), len(which))
			if err := s.governor.wait(ctx, n); err != nil {
				return err
			}
			page := make([]inquiry, n)
			for i, at := range which[:n] {
				page[i] = begin(asks[at], at)
			}
			if err := r.run(page); err != nil {
				return err
			}
			for i := range page {
				if page[i].moved {
					moved = append(moved, page[i].i)
				}
			}
			which = which[n:]
		}
		return nil
	})
	if err != nil {
		err = s.scanError(ctx, err)
	}
	return moved, err
}

func begin(a kv.Ask, i int) inquiry {
	q := inquiry{Ask: a, i: i, cursor: "0"}
	switch a.Part {
	case kv.ContentValue:
		q.step = stepValue
	case kv.ContentField:
		q.step = stepField
	case kv.ContentMembers, kv.ContentHas:
		q.step = stepType
	}
	return q
}

// run goes on until every inquiry is done.
func (r *valueReading) run(page []inquiry) error {
	for {
		var open []*inquiry
		var selects []bool
		for i := range page {
			if q := &page[i]; q.step != stepDone {
				open = append(open, q)
				selects = append(selects, r.l.choose(q.DB))
				r.send(q)
			}
		}
		if len(open) == 0 {
			return nil
		}
		if err := r.l.out.Send(r.l.link); err != nil {
			return err
		}
		for i, q := range open {
			if selects[i] {
				if err := r.l.chosen(); err != nil {
					return err
				}
			}
			if err := r.receive(q); err != nil {
				return err
			}
		}
	}
}

// send adds the command that q waits for.
func (r *valueReading) send(q *inquiry) {
	out, page := &r.l.out, strconv.Itoa(valuePage)
	if r.coming {
		out.Add(r.asking)
	}
	switch q.step {
	case stepValue:
		out.Add(r.c["GETRANGE"], q.Key, "0", strconv.Itoa(kv.LongestText))
	case stepDocument:
		out.Add(r.c["GETRANGE"], q.Key, "0", strconv.Itoa(kv.LongestDocument))
	case stepField:
		out.Add(r.c["HGET"], q.Key, q.Text)
	case stepType:
		out.Add(r.c["TYPE"], q.Key)
	case stepHas:
		out.Add(r.c[hasCommand(q.typ)], q.Key, q.Text)
	case stepPages:
		if q.typ == kv.TypeList {
			from, _ := strconv.Atoi(q.cursor)
			out.Add(r.c["LRANGE"], q.Key, q.cursor, strconv.Itoa(from+valuePage-1))
			return
		}
		out.Add(r.c[scanCommand(q.typ)], q.Key, q.cursor, "COUNT", page)
	}
}

func hasCommand(t kv.Type) string {
	switch t {
	case kv.TypeSet:
		return "SISMEMBER"
	case kv.TypeZSet:
		return "ZSCORE"
	}
	return "HEXISTS"
}

func scanCommand(t kv.Type) string {
	switch t {
	case kv.TypeSet:
		return "SSCAN"
	case kv.TypeZSet:
		return "ZSCAN"
	}
	return "HSCAN"
}

// receive reads the answer to what was sent for q.
func (r *valueReading) receive(q *inquiry) error {
	if r.coming {
		if err := r.l.chosen(); err != nil {
			return err
		}
	}
	rep, err := r.l.in.Next()
	if err != nil {
		return unexpected(err)
	}
	if rep.Kind == resp.Error {
		return r.refused(q, string(rep.Data))
	}
	switch q.step {
	case stepValue, stepDocument:
		return r.text(q, rep)
	case stepField:
		q.step = stepDone
		if rep.Kind == resp.Null {
			r.fn(q.i, kv.Lost, nil)
			return nil
		}
		r.name(q, rep.Data)
		return r.l.in.Skip(rep)
	case stepType:
		return r.typed(q, kv.Type(rep.Data))
	case stepHas:
		q.step = stepDone
		if rep.Kind == resp.Null || rep.Kind == resp.Int && rep.N == 0 {
			r.fn(q.i, kv.Lost, nil)
			return nil
		}
		r.fn(q.i, kv.Found, []byte(q.Text))
		return r.l.in.Skip(rep)
	}
	return r.page(q, rep)
}

// refused handles an error that is the answer to one question.
func (r *valueReading) refused(q *inquiry, text string) error {
	was := q.step
	q.step = stepDone
	switch {
	case strings.HasPrefix(text, "MOVED "), strings.HasPrefix(text, "ASK "):
		q.moved = true
	case strings.HasPrefix(text, "WRONGTYPE") && was == stepField:
		q.step = stepDocument
	case strings.HasPrefix(text, "WRONGTYPE"):
		r.fn(q.i, kv.Unlike, nil)
	case strings.HasPrefix(text, "NOPERM"), strings.HasPrefix(text, "ERR "):
		r.fn(q.i, kv.Forbidden, nil)
	default:
		return serverError(text)
	}
	return nil
}

// text takes a string: a name, or a document that has the field.
func (r *valueReading) text(q *inquiry, rep resp.Reply) error {
	was := q.step
	q.step = stepDone
	if rep.Kind != resp.Bulk {
		return fmt.Errorf("GETRANGE: %w", errValue)
	}
	switch {
	case was == stepValue && len(rep.Data) > kv.LongestText, was == stepDocument && len(rep.Data) > kv.LongestDocument:
		r.fn(q.i, kv.Unlike, nil)
	case was == stepValue && len(rep.Data) == 0: // GETRANGE of no key is empty, too
		r.fn(q.i, kv.Lost, nil)
	case was == stepValue:
		r.fn(q.i, kv.Found, rep.Data)
	default:
		text, a := kv.JSONField(rep.Data, q.Text)
		r.fn(q.i, a, text)
	}
	return nil
}

// typed takes a type, which decides how members are read.
func (r *valueReading) typed(q *inquiry, t kv.Type) error {
	q.typ = t
	q.step = stepPages
	switch {
	case t == "none":
		q.step = stepDone
		r.fn(q.i, kv.Lost, nil)
	case t != kv.TypeSet && t != kv.TypeZSet && t != kv.TypeHash && t != kv.TypeList:
		q.step = stepDone
		r.fn(q.i, kv.Unlike, nil)
	case q.Part == kv.ContentHas && t != kv.TypeList:
		q.step = stepHas
	}
	return nil
}

// page takes a page of members.
func (r *valueReading) page(q *inquiry, rep resp.Reply) error {
	in, stride := r.l.in, int64(2) // a member and its score, a field and its value
	n := rep.N
	if q.typ == kv.TypeSet || q.typ == kv.TypeList {
		stride = 1
	}
	if rep.Kind != resp.Array {
		return fmt.Errorf("members: %w", errValue)
	}
	if q.typ == kv.TypeList {
		from, _ := strconv.Atoi(q.cursor)
		q.cursor = strconv.FormatInt(int64(from)+n, 10)
		if n < valuePage {
			q.step = stepDone
		}
	} else {
		cursor, err := in.Next()
		if err != nil {
			return unexpected(err)
		}
		if q.cursor = string(cursor.Data); q.cursor == "0" {
			q.step = stepDone
		}
		list, err := in.Next()
		if err != nil {
			return unexpected(err)
		}
		n = list.N
	}
	for i := range n {
		rep, err := in.Next()
		if err != nil {
			return unexpected(err)
		}
		if i%stride == 0 {
			r.member(q, rep.Data)
		}
		if err := in.Skip(rep); err != nil {
			return err
		}
	}
	if q.step == stepDone && q.Part == kv.ContentHas && q.typ == kv.TypeList {
		r.fn(q.i, kv.Lost, nil)
	}
	return nil
}

// name answers with a field's value or a member, if it may be a name.
func (r *valueReading) name(q *inquiry, text []byte) {
	if len(text) > kv.LongestText {
		r.fn(q.i, kv.Unlike, nil)
		return
	}
	r.fn(q.i, kv.Found, text)
}

// member takes one member; of a list that is searched, it may be the one.
func (r *valueReading) member(q *inquiry, text []byte) {
	switch {
	case q.Part == kv.ContentMembers:
		r.name(q, text)
	case string(text) == q.Text && q.typ == kv.TypeList:
		r.fn(q.i, kv.Found, text)
		q.step, q.typ = stepDone, "" // the rest of the page is read and means nothing
	}
}

// Touches says whether reading values resets idle times.
func (s *store) Touches(ctx context.Context) (string, error) {
	a, err := s.abilities(ctx)
	if err != nil || a.noTouch == "" {
		return "", err
	}
	return "values were read without CLIENT NO-TOUCH, which this server does not have (" + a.noTouch +
		"): the idle times of the keys that were read begin anew", nil
}

// ReadValues asks the primary of each key.
func (c *cluster) ReadValues(ctx context.Context, asks []kv.Ask, fn func(int, kv.Answer, []byte)) error {
	names := make([]kv.Name, len(asks))
	for i := range asks {
		names[i] = asks[i].Name
	}
	return c.route(ctx, names, func(s *store, which []int, coming bool) ([]int, error) {
		return s.readValues(ctx, asks, which, coming, fn)
	})
}

// Touches asks one of the primaries.
func (c *cluster) Touches(ctx context.Context) (string, error) {
	var why string
	err := c.route(ctx, []kv.Name{{}}, func(s *store, _ []int, _ bool) (moved []int, err error) {
		why, err = s.Touches(ctx)
		return nil, err
	})
	return why, err
}

// ReadValues asks the server that the sentinels name now.
func (w *watched) ReadValues(ctx context.Context, asks []kv.Ask, fn func(int, kv.Answer, []byte)) error {
	s, err := w.server(ctx)
	if err != nil {
		return err
	}
	return s.ReadValues(ctx, asks, fn)
}

// Touches asks the server that the sentinels name now.
func (w *watched) Touches(ctx context.Context) (string, error) {
	s, err := w.server(ctx)
	if err != nil {
		return "", err
	}
	return s.Touches(ctx)
}
