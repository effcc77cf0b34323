package dynamodb

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kvtool/kvtool/kv"
)

// How a key of a load lies in an item: a string or a set is the attribute "value", a hash has an attribute for each field. When it
// ends is in two: the table's TTL attribute, in seconds, by which the table removes it some day; and "expires_ms", by which it is
// taken to be gone at once.
const (
	valueName  = "value"
	expiryName = "expires_ms"
	// ttlName is the TTL attribute where the table names none.
	ttlName = "ttl"
)

type attributes = map[string]types.AttributeValue

// keys are the names of the table's key.
func (t *table) keys() []string {
	if t.Sort == "" {
		return []string{t.Partition}
	}
	return []string{t.Partition, t.Sort}
}

// onlySort is the sort key of a key that has one part, where the table wants two.
const onlySort = "-"

// key makes the key of an item. The parts of a key are as kv.Join has them.
func (s *store) key(key []byte) (attributes, error) {
	names := s.table.keys()
	parts := kv.Split(string(key))
	if len(parts) < len(names) {
		parts = append(parts, onlySort)
	}
	if len(parts) > len(names) {
		return nil, errParts
	}
	item := make(attributes, len(names)+4) // as many as SET adds
	for i, name := range names {
		switch {
		case parts[i] == "":
			return nil, errNoKey
		case s.table.kinds[name] == types.ScalarAttributeTypeB:
			item[name] = &types.AttributeValueMemberB{Value: []byte(parts[i])}
		default:
			item[name] = &types.AttributeValueMemberS{Value: parts[i]}
		}
	}
	return item, nil
}

// ttlAttribute is the attribute by which the table removes items.
func (s *store) ttlAttribute() string {
	if s.table.TTLAttribute != "" {
		return s.table.TTLAttribute
	}
	return ttlName
}

// reserved reports whether a field cannot be called so.
func (s *store) reserved(name string) bool {
	t := s.table
	return name == t.Partition || name == t.Sort || name == valueName || name == expiryName || name == s.ttlAttribute()
}

// get reads an item; nil where there is none, or it has expired and is still there.
func (l *lane) get(ctx context.Context, key attributes) (attributes, error) {
	out, err := l.client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &l.w.store.name, Key: key, ConsistentRead: &l.w.store.consistent, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		return nil, err
	}
	l.w.store.load.read(out.ConsumedCapacity)
	return alive(out.Item, nowMS()), nil
}

// alive returns an item that has not expired.
func alive(item attributes, now int64) attributes {
	if n, ok := item[expiryName].(*types.AttributeValueMemberN); ok {
		if ms, err := strconv.ParseInt(n.Value, 10, 64); err == nil && ms <= now {
			return nil
		}
	}
	if len(item) == 0 {
		return nil
	}
	return item
}

// item reads the item that the operation is about. What is read of a watched one is what EXEC wants to find there again.
func (q *request) item(read ...string) (attributes, error) {
	key, err := q.w.store.key(q.args[1])
	if err != nil {
		return nil, err
	}
	item, err := q.get(q.ctx, key)
	if err == nil {
		q.w.watch.saw(q.args[1], item, read)
	}
	return item, err
}

func runGet(q *request) error {
	item, err := q.item(valueName)
	if err != nil {
		return err
	}
	if item == nil {
		return q.nothing()
	}
	return giveValue(q, item)
}

// giveValue answers with the string that an item holds, and nil without an item.
func giveValue(q *request, item attributes) error {
	if item == nil {
		return q.answer(nil)
	}
	text, ok := textOf(item[valueName])
	if !ok {
		return errWrongType
	}
	return q.answer(text)
}

// valueOf is a string as an attribute: a whole number is one, so that it can be added to.
func valueOf(b []byte) types.AttributeValue {
	switch {
	case len(b) == 0:
		return &types.AttributeValueMemberNULL{Value: true}
	case isCanonical(b):
		return &types.AttributeValueMemberN{Value: string(b)}
	case utf8.Valid(b):
		return &types.AttributeValueMemberS{Value: string(b)}
	}
	return &types.AttributeValueMemberB{Value: append([]byte(nil), b...)}
}

// isCanonical reports whether text is a whole number as one is written back.
func isCanonical(b []byte) bool {
	digits := b
	if digits[0] == '-' {
		digits = digits[1:]
	}
	if len(digits) == 0 || len(digits) > 18 || digits[0] == '0' && len(b) > 1 {
		return false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// textOf is the reverse of valueOf.
func textOf(v types.AttributeValue) ([]byte, bool) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return []byte(v.Value), true
	case *types.AttributeValueMemberN:
		return []byte(v.Value), true
	case *types.AttributeValueMemberB:
		return v.Value, true
	case *types.AttributeValueMemberNULL:
		return []byte{}, true
	}
	return nil, false
}

func integer(n int64) *types.AttributeValueMemberN {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func digits(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

func runLength(q *request) error {
	item, err := q.item(valueName)
	if err != nil {
		return err
	}
	text, ok := textOf(item[valueName])
	if item != nil && !ok {
		return errWrongType
	}
	return q.answer(digits(int64(len(text))))
}

func runExists(q *request) error {
	n := int64(0)
	for _, k := range q.args[1:] {
		key, err := q.w.store.key(k)
		if err != nil {
			return err
		}
		item, err := q.get(q.ctx, key)
		if err != nil {
			return err
		}
		if item != nil {
			n++
		}
	}
	return q.answer(digits(n))
}

func runTTL(q *request) error {
	item, err := q.item(expiryName)
	left := int64(-2)
	if err != nil {
		return err
	}
	if item != nil {
		left = -1
	}
	if n, ok := item[expiryName].(*types.AttributeValueMemberN); ok {
		ms, _ := strconv.ParseInt(n.Value, 10, 64)
		if left = max(0, ms-nowMS()); q.command.name == "TTL" {
			left = (left + 500) / 1000
		}
	}
	return q.answer(digits(left))
}

// fields returns the names of a hash's fields, sorted, as an item has no order.
func (s *store) fields(item attributes) []string {
	names := slices.Sorted(maps.Keys(item))
	return slices.DeleteFunc(names, s.reserved)
}

func runHash(q *request) error {
	item, err := q.item()
	if err != nil {
		return err
	}
	if item == nil && q.command.name != "HLEN" {
		q.result.Status = kv.Miss
	}
	return giveHash(q, item)
}

// giveHash answers with the fields of an item, their values, both or their number.
func giveHash(q *request, item attributes) error {
	names := q.w.store.fields(item)
	if len(names) == 0 && item[valueName] != nil {
		return errWrongType
	}
	if q.command.name == "HLEN" {
		return q.answer(digits(int64(len(names))))
	}
	if !q.want {
		return nil
	}
	for _, name := range names {
		if q.command.name != "HVALS" {
			q.values = append(q.values, []byte(name))
		}
		if q.command.name != "HKEYS" {
			text, _ := textOf(item[name])
			q.values = append(q.values, text)
		}
	}
	return nil
}

func runFields(q *request) error {
	names := make([]string, len(q.args)-2)
	for i, f := range q.args[2:] {
		names[i] = string(f)
	}
	item, err := q.item(names...)
	if err != nil {
		return err
	}
	if item == nil && q.command.name == "HGET" {
		return q.nothing()
	}
	for _, name := range names {
		text, ok := textOf(item[name])
		if !ok || q.w.store.reserved(name) {
			text = nil
		}
		if text == nil && q.command.name == "HGET" {
			return q.nothing()
		}
		if err := q.answer(text); err != nil {
			return err
		}
	}
	return nil
}

func runSetOf(q *request) error {
	item, err := q.item(valueName)
	if err != nil {
		return err
	}
	return giveSet(q, item)
}

// giveSet answers with the members of a set, their number, or whether one is in it.
func giveSet(q *request, item attributes) error {
	set, ok := item[valueName].(*types.AttributeValueMemberSS)
	if !ok {
		if item != nil && (item[valueName] != nil || len(q.w.store.fields(item)) > 0) {
			return errWrongType
		}
		set = &types.AttributeValueMemberSS{}
	}
	switch q.command.name {
	case "SCARD":
		return q.answer(digits(int64(len(set.Value))))
	case "SISMEMBER":
		n := int64(0)
		if slices.Contains(set.Value, string(q.args[2])) {
			n = 1
		}
		return q.answer(digits(n))
	}
	for _, m := range slices.Sorted(slices.Values(set.Value)) {
		if err := q.answer([]byte(m)); err != nil {
			return err
		}
	}
	return nil
}

// mostKeys is how many keys BatchGetItem takes.
const mostKeys = 100

// runMany reads several items: not at one moment, as each is by itself.
func runMany(q *request) error {
	found := map[string]attributes{}
	for keys := range slices.Chunk(q.args[1:], mostKeys) {
		if err := q.batch(keys, found); err != nil {
			return err
		}
	}
	for _, k := range q.args[1:] {
		text, ok := textOf(found[string(k)][valueName])
		if !ok {
			text = nil
		}
		if err := q.answer(text); err != nil {
			return err
		}
	}
	return nil
}

// batch reads items into found, by their keys. What the table leaves out for now is asked for again, and counted as throttled.
func (q *request) batch(keys [][]byte, found map[string]attributes) error {
	s := q.w.store
	var want []attributes
	byText := map[string]string{} // of the key's text in the table: the key
	for _, k := range keys {
		key, err := s.key(k)
		if err != nil {
			return err
		}
		if text := s.keyText(key); byText[text] == "" {
			byText[text] = string(k)
			want = append(want, key)
		}
	}
	now := nowMS()
	return s.fetch(q.ctx, &fetch{client: q.client, keys: want, consistent: s.consistent, took: s.load.read, left: func(try int) error {
		s.load.throttled(unprocessed)
		if try == failures {
			return kv.ReplyError(unprocessed + " the table takes no more for now")
		}
		return kv.Sleep(q.ctx, firstWait<<try)
	}, each: func(item attributes) {
		found[byText[s.keyText(item)]] = alive(item, now)
	}})
}

// unprocessed is why keys are left out of an answer, in the API's word.
const unprocessed = "UnprocessedKeys"

// A fetch is a BatchGetItem of up to a hundred keys, each once.
type fetch struct {
	client     *dynamodb.Client
	keys       []attributes
	consistent bool
	took       func(*types.ConsumedCapacity)
	left       func(try int) error // is called where the table has left some out, before they are asked for again
	each       func(attributes)
}

func (s *store) fetch(ctx context.Context, f *fetch) error {
	want := types.KeysAndAttributes{Keys: f.keys, ConsistentRead: &f.consistent}
	for try := 0; len(want.Keys) > 0; try++ {
		out, err := f.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{s.name: want}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		if err != nil {
			return err
		}
		for i := range out.ConsumedCapacity {
			f.took(&out.ConsumedCapacity[i])
		}
		for _, item := range out.Responses[s.name] {
			f.each(item)
		}
		if want = out.UnprocessedKeys[s.name]; len(want.Keys) > 0 {
			if err := f.left(try); err != nil {
				return err
			}
		}
	}
	return nil
}

// keyText is the key of an item as Join has it.
func (s *store) keyText(item attributes) string {
	var parts []kv.Part
	for _, name := range s.table.keys() {
		parts = append(parts, kv.Part{Value: string(scalar(item[name]).Text)})
	}
	return kv.Join(parts)
}

// runPing reads what is not there.
func runPing(q *request) error {
	if err := q.ping(q.ctx); err != nil {
		return err
	}
	return q.answer([]byte("PONG"))
}

// runInfo answers with what was taken, in the form of INFO. It is about all sessions of the store, and asks no server.
func runInfo(q *request) error {
	if !q.want {
		return nil
	}
	m := &q.w.store.load
	var b []byte
	add := func(name string, n float64) {
		b = append(append(b, name...), ':')
		b = append(strconv.AppendFloat(b, n, 'f', -1, 64), "\r\n"...)
	}
	add("total_commands_processed", float64(m.done.Load()))
	add("keyspace_hits", float64(m.hits.Load()))
	add("keyspace_misses", float64(m.misses.Load()))
	add("read_units", float64(m.reads.Load())/2)
	add("write_units", float64(m.writes.Load())/2)
	add("failed_conditions", float64(m.refused.Load()))
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := int64(0)
	for _, reason := range slices.Sorted(maps.Keys(m.throttles)) {
		sum += m.throttles[reason]
		add("throttled_"+reason, float64(m.throttles[reason]))
	}
	add("throttled", float64(sum))
	return q.answer(b)
}

// expire gives an item an end.
func (s *store) expire(item attributes, ms int64) {
	item[s.ttlAttribute()], item[expiryName] = integer(seconds(ms)), integer(ms)
}
