package dynamodb

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kvtool/kvtool/internal/item"
	"github.com/kvtool/kvtool/kv"
)

// Shards are segments of the table: ranges of hashes that are read side by side.
func (s *store) Shards(_ context.Context, most int) ([]kv.Shard, error) {
	parts := make([]kv.Shard, max(1, most))
	for i := range parts {
		parts[i].Name = fmt.Sprintf("%d/%d", i+1, len(parts))
	}
	return parts, nil
}

// maxSegments is how many DynamoDB allows.
const maxSegments = 1_000_000

// segment returns which segment of how many a shard is.
func (s *store) segment(shard kv.Shard) (i, of int32, err error) {
	if shard.Name == "" {
		return 0, 1, nil
	}
	if _, err := fmt.Sscanf(shard.Name, "%d/%d", &i, &of); err != nil || of < 1 || of > maxSegments || i < 1 || i > of {
		return 0, 0, kv.Usagef("%s has no segment %q", s.target, shard.Name)
	}
	return i - 1, of, nil
}

// Scan reads a segment page by page. Reads may be stale, which costs half.
func (s *store) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		i, of, err := s.segment(opt.Shard)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(nil, err)
			return
		}
		sc := s.newScan(opt)
		in := &dynamodb.ScanInput{
			TableName: &s.name, Segment: &i, TotalSegments: &of, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal, Limit: s.pageItems(),
		}
		if in.ExclusiveStartKey, err = decodeKey(opt.Shard.From); err != nil {
			yield(nil, err)
			return
		}
		if err := sc.run(ctx, in, yield); err != nil {
			yield(nil, fmt.Errorf("%s: %w", s.target, err))
		}
	}
}

// pageUnits is what a full page takes: 1 MB, half a unit for 4 KiB.
const pageUnits = 128

// pageItems bounds the items of a page where a full one would take more than a second's units at once; nil is no bound.
func (s *store) pageItems() *int32 {
	rate := s.rate()
	if rate <= 0 || rate >= pageUnits || s.table.Items == 0 {
		return nil
	}
	mean := max(1, float64(s.table.Bytes)/float64(s.table.Items))
	n := int32(max(1, min(1e6, rate*bytesPerUnit/mean)))
	return &n
}

// A scan is one pass over a segment.
type scan struct {
	s     *store
	opt   kv.ScanOptions
	table *table
	rec   kv.Record
	parts []kv.Part
	index []indexed
	// values of the key of an index.
	values []kv.Part
	names  map[string]bool // of attributes: whether it is called as a TTL is
}

func (s *store) newScan(opt kv.ScanOptions) *scan {
	sc := &scan{s: s, opt: opt, table: s.table, names: map[string]bool{}}
	for _, name := range s.table.keys() {
		sc.parts = append(sc.parts, kv.Part{Name: name})
	}
	if opt.Want&kv.FieldIndexes != 0 {
		sc.index = indexedBy(sc.table.Indexes)
	}
	return sc
}

// run yields the items of in and of the pages after it. It returns nil when the consumer has had enough, too.
func (sc *scan) run(ctx context.Context, in *dynamodb.ScanInput, yield func(*kv.Record, error) bool) error {
	for {
		var out *dynamodb.ScanOutput
		err := sc.s.patiently(ctx, func(ctx context.Context) (err error) {
			out, err = sc.s.client.Scan(ctx, in)
			return err
		})
		if err != nil {
			return sc.s.explain(err)
		}
		if err := sc.pay(ctx, out); err != nil {
			return err
		}
		now := time.Now()
		for _, it := range out.Items {
			if err := sc.record(it, now); err != nil {
				return err
			}
			if sc.opt.Match != "" && !kv.MatchGlob(sc.opt.Match, sc.rec.Key) {
				continue
			}
			if !yield(&sc.rec, nil) {
				return nil
			}
		}
		if len(out.LastEvaluatedKey) == 0 {
			return nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
		if sc.opt.Mark != nil {
			sc.opt.Mark(kv.Shard{Name: sc.opt.Shard.Name, From: encodeKey(out.LastEvaluatedKey)})
		}
	}
}

// pay counts what a page took and waits until the limits allow it. It comes after the page, since its price is not known before:
// the next page waits for what this one took.
func (sc *scan) pay(ctx context.Context, out *dynamodb.ScanOutput) error {
	sc.s.counts.pages.Add(1)
	halves := int64(0)
	if c := out.ConsumedCapacity; c != nil && c.CapacityUnits != nil {
		halves = int64(2 * *c.CapacityUnits)
	}
	sc.s.counts.halves.Add(halves)
	if err := sc.s.limiter.Wait(ctx, int(halves)); err != nil {
		return err
	}
	return sc.opt.Limiter.Wait(ctx, len(out.Items))
}

// record makes the record of an item.
func (sc *scan) record(it map[string]types.AttributeValue, now time.Time) error {
	for i := range sc.parts {
		v := scalar(it[sc.parts[i].Name])
		if !v.Kind.Key() {
			return kv.WithHint(fmt.Errorf("an item has no %q that could be its key", sc.parts[i].Name), "name the key: ?pk=NAME&sk=NAME")
		}
		sc.parts[i].Value = string(v.Text)
	}
	m := measure{}
	if sc.table.TTL == "on" {
		m.ttl = sc.table.TTLAttribute
	}
	m.item(it)
	sc.rec = kv.Record{
		Indexes: sc.rec.Indexes[:0],
		Key:     kv.Join(sc.parts), Parts: sc.parts, Type: kv.TypeItem, Size: m.size, Len: int64(len(it)), Largest: m.largest,
		Known: kv.FieldName | kv.FieldParts | kv.FieldType | kv.FieldSize | kv.FieldLen | kv.FieldLargest,
	}
	sc.indexes(it)
	sc.expiry(it, m.nested, now)
	return nil
}

// An indexed is a global index by the attributes of its partition key.
type indexed struct {
	name string
	by   []string
}

func indexedBy(all []kv.Index) (global []indexed) {
	for i := range all {
		if x := &all[i]; !x.Local && x.Partition != "" {
			global = append(global, indexed{x.Name, strings.Split(x.Partition, ",")})
		}
	}
	return global
}

// indexes fills in which indexes hold the item: those of whose key it has every attribute.
func (sc *scan) indexes(it attributes) {
	if len(sc.index) == 0 {
		return
	}
	sc.rec.Known |= kv.FieldIndexes
	for i := range sc.index {
		x := &sc.index[i]
		sc.values = sc.values[:0]
		for _, name := range x.by {
			if v := scalar(it[name]); v.Kind.Key() {
				sc.values = append(sc.values, kv.Part{Value: string(v.Text)})
			}
		}
		if len(sc.values) == len(x.by) {
			sc.rec.Indexes = append(sc.rec.Indexes, kv.Part{Name: x.name, Value: kv.Join(sc.values)})
		}
	}
}

// expiry fills in what is known of the item's expiry.
func (sc *scan) expiry(it map[string]types.AttributeValue, nested bool, now time.Time) {
	if !sc.table.ttlTold {
		return
	}
	r := &sc.rec
	r.Known |= kv.FieldTTL | kv.FieldFault
	r.TTL = kv.TTLNone
	if sc.table.TTL == "on" {
		r.TTL, r.ExpireAt, r.Fault = item.Expiry(scalar(it[sc.table.TTLAttribute]), nested, now)
		return
	}
	for name := range it {
		called, seen := sc.names[name]
		if !seen {
			_, called = item.CalledTTL(name)
			if len(sc.names) < maxNames {
				sc.names[name] = called
			}
		}
		if called {
			r.Fault = kv.FaultOff
		}
	}
}

// maxNames bounds the names of attributes that are remembered: a table may have a name of its own in each item.
const maxNames = 10_000

// encodeKey writes where a page ended, for a later scan: the attributes of its last key.
func encodeKey(key map[string]types.AttributeValue) []byte {
	out := map[string][2]string{}
	for name, v := range key {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			out[name] = [2]string{"S", v.Value}
		case *types.AttributeValueMemberN:
			out[name] = [2]string{"N", v.Value}
		case *types.AttributeValueMemberB:
			out[name] = [2]string{"B", base64.StdEncoding.EncodeToString(v.Value)}
		}
	}
	b, _ := json.Marshal(out) // strings can always be written
	return b
}

// decodeKey reads what encodeKey wrote; nil is the beginning.
func decodeKey(b []byte) (map[string]types.AttributeValue, error) {
	if b == nil {
		return nil, nil
	}
	var in map[string][2]string
	if err := json.Unmarshal(b, &in); err != nil || len(in) == 0 {
		return nil, kv.Usagef("where the scan is to go on is not readable")
	}
	key := map[string]types.AttributeValue{}
	for name, v := range in {
		switch v[0] {
		case "S":
			key[name] = &types.AttributeValueMemberS{Value: v[1]}
		case "N":
			key[name] = &types.AttributeValueMemberN{Value: v[1]}
		case "B":
			raw, err := base64.StdEncoding.DecodeString(v[1])
			if err != nil {
				return nil, kv.Usagef("where the scan is to go on is not readable")
			}
			key[name] = &types.AttributeValueMemberB{Value: raw}
		default:
			return nil, kv.Usagef("where the scan is to go on is not readable")
		}
	}
	return key, nil
}
