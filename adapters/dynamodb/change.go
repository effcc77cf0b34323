package dynamodb

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kvtool/kvtool/kv"
)

// terms are the names and values that the expressions of a request stand for. Names always stand for one: many are reserved words.
type terms struct {
	s      *store
	now    int64             // by which what expires is there or gone
	place  map[string]string // by the name of an attribute: the sign that stands for it
	names  map[string]string // by that sign, "#0": the name
	values attributes        // ":0"
}

func (s *store) terms(now int64) terms {
	return terms{s: s, now: now, place: map[string]string{}, names: map[string]string{}, values: attributes{}}
}

// A change is an UpdateItem in the making: what one command, or several of a transaction, do to one item.
type change struct {
	terms
	key    attributes
	verbs  [4][]string // the clauses of each
	watch  *watch      // what has to hold besides; nil: nothing
	exists bool        // a part makes the item if it is not there
	parts  []part
}

// The verbs of an update expression.
const (
	verbSet = iota
	verbAdd
	verbRemove
	verbDelete
)

// A part is one command of a change.
type part struct {
	reply func(old attributes, there bool) int64 // by what the attributes were that it has changed
	fresh func(item attributes)                  // what it makes of an item that is not there
}

func (s *store) change(key []byte) (*change, error) {
	k, err := s.key(key)
	if err != nil {
		return nil, err
	}
	return &change{terms: s.terms(nowMS()), key: k}, nil
}

// sign returns what stands for the name of an attribute, without "#".
func (t *terms) sign(name string) string {
	p, ok := t.place[name]
	if !ok {
		p = strconv.Itoa(len(t.place))
		t.place[name], t.names["#"+p] = p, name
	}
	return p
}

// clause adds one to a verb, once for each attribute, with the value if there is one.
func (c *change) clause(verb int, name string, v types.AttributeValue) {
	p := c.sign(name)
	text := "#" + p
	switch {
	case v == nil:
	case verb == verbSet:
		text += "=:" + p
	default:
		text += " :" + p
	}
	if v != nil {
		c.values[":"+p] = v
	}
	if !slices.Contains(c.verbs[verb], text) {
		c.verbs[verb] = append(c.verbs[verb], text)
	}
}

// expression writes the clauses.
func (c *change) expression() string {
	var b strings.Builder
	for i, word := range [...]string{"SET ", "ADD ", "REMOVE ", "DELETE "} {
		if len(c.verbs[i]) == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(word)
		b.WriteString(strings.Join(c.verbs[i], ","))
	}
	return b.String()
}

// Conditions on whether the item is there: what has expired is not, although the table has not removed it yet.
func (t *terms) isThere() string {
	return "attribute_exists(#" + t.sign(t.s.table.Partition) + ") AND (" + t.isAlive() + ")"
}

func (t *terms) isGone() string {
	x := "#" + t.sign(expiryName)
	t.values[":now"] = integer(t.now)
	return "attribute_not_exists(#" + t.sign(t.s.table.Partition) + ") OR " + x + "<=:now"
}

// isAlive holds for what is not there, too.
func (t *terms) isAlive() string {
	x := "#" + t.sign(expiryName)
	t.values[":now"] = integer(t.now)
	return "attribute_not_exists(" + x + ") OR " + x + ">:now"
}

func partFields(c *change, args [][]byte) error {
	if len(args)%2 != 0 {
		return errSyntax
	}
	set := attributes{}
	for i := 2; i < len(args); i += 2 {
		name := string(args[i])
		if name == "" || c.s.reserved(name) {
			return errReserved
		}
		set[name] = valueOf(args[i+1])
		c.clause(verbSet, name, set[name])
	}
	c.exists = true
	c.parts = append(c.parts, part{
		reply: func(old attributes, _ bool) (n int64) {
			for name := range set {
				if old[name] == nil {
					n++
				}
			}
			return n
		},
		fresh: func(item attributes) {
			for name, v := range set {
				item[name] = v
			}
		},
	})
	return nil
}

// partCount adds to a counter, which is one of the item's attributes.
func partCount(c *change, args [][]byte) error {
	name, by := valueName, int64(1)
	ok := true
	switch {
	case len(args) == 4: // HINCRBY
		if name = string(args[2]); name == "" || c.s.reserved(name) {
			return errReserved
		}
		by, ok = number64(args[3])
	case len(args) == 3:
		by, ok = number64(args[2])
	}
	if !ok {
		return errNotNumber
	}
	if args[0][0]|0x20 == 'd' {
		by = -by
	}
	c.clause(verbAdd, name, integer(by))
	c.exists = true
	c.parts = append(c.parts, part{
		reply: func(old attributes, _ bool) int64 {
			n, _ := old[name].(*types.AttributeValueMemberN)
			if n == nil {
				return by
			}
			was, _ := strconv.ParseInt(n.Value, 10, 64)
			return was + by
		},
		fresh: func(item attributes) { item[name] = integer(by) },
	})
	return nil
}

func partExpire(c *change, args [][]byte) error {
	unit := time.Second
	if args[0][0]|0x20 == 'p' {
		unit = time.Millisecond
	}
	ms, ok := life(args[2], unit, c.now)
	if !ok {
		return errNotNumber
	}
	c.expire(max(1, ms))
	return nil
}

// expire gives the item an end.
func (c *change) expire(ms int64) {
	c.clause(verbSet, c.s.ttlAttribute(), integer(seconds(ms)))
	c.clause(verbSet, expiryName, integer(ms))
	c.parts = append(c.parts, part{reply: done, fresh: func(item attributes) { c.s.expire(item, ms) }})
}

func done(_ attributes, there bool) int64 {
	if there {
		return 1
	}
	return 0
}

func partPersist(c *change, _ [][]byte) error {
	c.clause(verbRemove, c.s.ttlAttribute(), nil)
	c.clause(verbRemove, expiryName, nil)
	c.parts = append(c.parts, part{
		reply: func(old attributes, _ bool) int64 { return done(nil, old[expiryName] != nil) },
		fresh: func(attributes) {},
	})
	return nil
}

func partDropFields(c *change, args [][]byte) error {
	var names []string
	for _, f := range args[2:] {
		name := string(f)
		if name == "" || c.s.reserved(name) {
			return errReserved
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
			c.clause(verbRemove, name, nil)
		}
	}
	c.parts = append(c.parts, part{
		reply: func(old attributes, _ bool) (n int64) {
			for _, name := range names {
				n += done(nil, old[name] != nil)
			}
			return n
		},
		fresh: func(attributes) {},
	})
	return nil
}

// partMembers adds to a set, or takes from it.
func partMembers(c *change, args [][]byte) error {
	var members []string
	for _, m := range args[2:] {
		if len(m) == 0 || !utf8.Valid(m) {
			return kv.ReplyError("ERR a member of a set of DynamoDB is text of at least one byte")
		}
		if !slices.Contains(members, string(m)) {
			members = append(members, string(m))
		}
	}
	adds := len(args[0]) > 1 && args[0][1]|0x20 == 'a'
	verb := verbDelete
	if adds {
		verb, c.exists = verbAdd, true
	}
	set := &types.AttributeValueMemberSS{Value: members}
	c.clause(verb, valueName, set)
	c.parts = append(c.parts, part{
		reply: func(old attributes, there bool) (n int64) {
			was, _ := old[valueName].(*types.AttributeValueMemberSS)
			for _, m := range members {
				had := was != nil && slices.Contains(was.Value, m)
				n += done(nil, there && had != adds)
			}
			return n
		},
		fresh: func(item attributes) {
			if adds {
				item[valueName] = set
			}
		},
	})
	return nil
}

func runChange(q *request) error {
	c, err := q.w.store.change(q.args[1])
	if err != nil {
		return err
	}
	if err := q.command.part(c, q.args); err != nil {
		return err
	}
	old, there, err := q.commit(c)
	if err != nil {
		return err
	}
	return q.answer(digits(c.parts[0].reply(old, there)))
}

// commits is how often a change is tried whose item ends, or comes to be, meanwhile.
const commits = 4

// commit makes a change. Old are the attributes that it has changed as they were, if they are wanted; there is false if nothing was
// changed, as there is no item.
func (q *request) commit(c *change) (old attributes, there bool, err error) {
	for range commits {
		old, err = q.update(c)
		switch {
		case err == nil:
			return old, true, nil
		case !q.conditionFailed(err):
			return nil, false, err
		case c.watch != nil:
			return nil, false, errChanged
		case !c.exists:
			return nil, false, nil
		}
		// It is there and has expired: it is made anew, unless another was faster.
		err = q.renew(c)
		if err == nil {
			return nil, true, nil
		}
		if !q.conditionFailed(err) {
			return nil, false, err
		}
	}
	return nil, false, errChanged
}

// errChanged says that others change the item all the time.
const errChanged = kv.ReplyError("CHANGED the item is not as it was")

func (q *request) update(c *change) (old attributes, err error) {
	var condition string
	switch {
	case c.watch != nil:
		condition = c.watch.condition(&c.terms)
	case c.exists:
		condition = c.isAlive()
	default:
		condition = c.isThere()
	}
	text := c.expression()
	in := &dynamodb.UpdateItemInput{
		TableName: &q.w.store.name, Key: c.key, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		UpdateExpression: &text, ConditionExpression: &condition, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	}
	if q.want {
		in.ReturnValues = types.ReturnValueUpdatedOld
	}
	out, err := q.client.UpdateItem(q.ctx, in)
	if err != nil {
		return nil, err
	}
	q.w.store.load.wrote(out.ConsumedCapacity)
	return out.Attributes, nil
}

// renew makes the item as if there were none, where there is none or it has expired.
func (q *request) renew(c *change) error {
	item := maps.Clone(c.key)
	for i := range c.parts {
		c.parts[i].fresh(item)
	}
	t := q.w.store.terms(c.now)
	_, err := q.put(item, &t, t.isGone(), false)
	return err
}

// put writes an item, on a condition unless it is empty, and returns the one that was there if that is wanted.
func (q *request) put(item attributes, t *terms, condition string, old bool) (attributes, error) {
	in := &dynamodb.PutItemInput{TableName: &q.w.store.name, Item: item, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	if condition != "" {
		in.ConditionExpression, in.ExpressionAttributeNames, in.ExpressionAttributeValues = &condition, t.names, t.values
	}
	if old {
		in.ReturnValues = types.ReturnValueAllOld
	}
	out, err := q.client.PutItem(q.ctx, in)
	if err != nil {
		return nil, err
	}
	q.w.store.load.wrote(out.ConsumedCapacity)
	return out.Attributes, nil
}

// remove deletes an item, on a condition unless it is empty, and returns it if that is wanted and it had not expired.
func (q *request) remove(key attributes, t *terms, condition string, old bool) (attributes, error) {
	in := &dynamodb.DeleteItemInput{TableName: &q.w.store.name, Key: key, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	if condition != "" {
		in.ConditionExpression, in.ExpressionAttributeNames = &condition, t.names
		if len(t.values) > 0 {
			in.ExpressionAttributeValues = t.values
		}
	}
	if old {
		in.ReturnValues = types.ReturnValueAllOld
	}
	out, err := q.client.DeleteItem(q.ctx, in)
	if err != nil {
		return nil, err
	}
	q.w.store.load.wrote(out.ConsumedCapacity)
	return alive(out.Attributes, nowMS()), nil
}

func (q *request) conditionFailed(err error) bool {
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return false
	}
	q.w.store.load.refused.Add(1)
	return true
}

// runSet writes a string over whatever is there: SET and its like.
func runSet(q *request) error {
	s, now := q.w.store, nowMS()
	value, options := q.args[2], q.args[3:]
	e, err := expiry{}, error(nil)
	switch q.command.name {
	case "SETEX", "PSETEX":
		unit := time.Second
		if q.command.name[0] == 'P' {
			unit = time.Millisecond
		}
		var ok bool
		if e.ms, ok = life(q.args[2], unit, now); !ok || e.ms <= now {
			return errSyntax
		}
		value = q.args[3]
	case "SETNX":
		e.nx = true
	default:
		e, err = expiryOf(options, now)
	}
	if err != nil {
		return err
	}
	item, err := s.key(q.args[1])
	if err != nil {
		return err
	}
	item[valueName] = valueOf(value)
	if e.ms != 0 {
		s.expire(item, e.ms)
	}
	t, condition := terms{}, ""
	if e.nx || e.xx {
		t = s.terms(now)
		if condition = t.isThere(); e.nx {
			condition = t.isGone()
		}
	}
	swaps := q.command.name == "GETSET"
	old, err := q.put(item, &t, condition, swaps)
	switch {
	case err != nil && !q.conditionFailed(err):
		return err
	case q.command.name == "SETNX":
		return q.answer(digits(done(nil, err == nil)))
	case err != nil:
		return q.nothing()
	case swaps && alive(old, now) == nil:
		return q.nothing()
	case swaps:
		return giveValue(q, old)
	}
	return q.answer([]byte("OK"))
}

// runTake reads and removes.
func runTake(q *request) error {
	key, err := q.w.store.key(q.args[1])
	if err != nil {
		return err
	}
	old, err := q.remove(key, nil, "", true)
	switch {
	case err != nil:
		return err
	case old == nil:
		return q.nothing()
	}
	return giveValue(q, old)
}

// runGetEx reads and gives an end: one write.
func runGetEx(q *request) error {
	if len(q.args) == 2 {
		return runGet(q)
	}
	c, err := q.w.store.change(q.args[1])
	if err != nil {
		return err
	}
	e, err := expiryOf(q.args[2:], c.now)
	if err != nil || e.nx || e.xx {
		return errSyntax
	}
	c.expire(e.ms)
	text, condition := c.expression(), c.isThere()
	out, err := q.client.UpdateItem(q.ctx, &dynamodb.UpdateItemInput{
		TableName: &q.w.store.name, Key: c.key, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, ReturnValues: types.ReturnValueAllNew,
		UpdateExpression: &text, ConditionExpression: &condition, ExpressionAttributeNames: c.names, ExpressionAttributeValues: c.values,
	})
	if err != nil {
		if q.conditionFailed(err) {
			return q.nothing()
		}
		return err
	}
	q.w.store.load.wrote(out.ConsumedCapacity)
	return giveValue(q, out.Attributes)
}

// runDelete removes items, one after the other.
func runDelete(q *request) error {
	n := int64(0)
	for _, k := range q.args[1:] {
		key, err := q.w.store.key(k)
		if err != nil {
			return err
		}
		old, err := q.remove(key, nil, "", q.want)
		if err != nil {
			return err
		}
		n += done(nil, old != nil)
	}
	return q.answer(digits(n))
}
