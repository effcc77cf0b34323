package dynamodb

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kvtool/kvtool/kv"
)

// Get implements kv.Getter with consistent reads, a hundred keys a request: what is not there now was not written.
func (s *store) Get(ctx context.Context, want kv.Field, names []kv.Name, fn func(i int, r *kv.Record)) error {
	sc := s.newScan(kv.ScanOptions{Want: want})
	first := 0
	for chunk := range slices.Chunk(names, mostKeys) {
		found, err := s.lookUp(ctx, chunk)
		if err != nil {
			return fmt.Errorf("%s: %w", s.target, s.explain(err))
		}
		now := time.Now()
		for i, n := range chunk {
			item := found[n.Key]
			if item == nil {
				fn(first+i, nil)
				continue
			}
			if err := sc.record(item, now); err != nil {
				return err
			}
			fn(first+i, &sc.rec)
		}
		first += len(chunk)
	}
	return nil
}

// lookUp reads items by the names of their keys. A name that cannot be one of the table's is of no item.
func (s *store) lookUp(ctx context.Context, names []kv.Name) (map[string]attributes, error) {
	var keys []attributes
	found := map[string]attributes{}
	seen := map[string]bool{}
	for _, n := range names {
		if key := s.exactKey(n.Key); key != nil && !seen[n.Key] {
			seen[n.Key] = true
			keys = append(keys, key)
		}
	}
	err := s.patiently(ctx, func(ctx context.Context) error {
		clear(found)
		halfUnits := int64(0)
		err := s.fetch(ctx, &fetch{client: s.client, keys: keys, consistent: true, took: func(c *types.ConsumedCapacity) {
			halfUnits += halves(c)
		}, left: func(try int) error {
			s.counts.throttled(unprocessed)
			return kv.Sleep(ctx, min(firstWait<<min(try, 10), longestWait))
		}, each: func(item attributes) { found[s.keyText(item)] = item }})
		s.counts.halves.Add(halfUnits)
		if err != nil {
			return err
		}
		return s.limiter.Wait(ctx, int(halfUnits))
	})
	return found, err
}

// exactKey makes the key of an item by its name as a scan has it, of any type; nil if no item can be called so.
func (s *store) exactKey(name string) attributes {
	parts, names := kv.Split(name), s.table.keys()
	if len(parts) != len(names) {
		return nil
	}
	key := attributes{}
	for i, attribute := range names {
		switch s.table.kinds[attribute] {
		case types.ScalarAttributeTypeN:
			if _, err := strconv.ParseFloat(parts[i], 64); err != nil {
				return nil
			}
			key[attribute] = &types.AttributeValueMemberN{Value: parts[i]}
		case types.ScalarAttributeTypeB:
			key[attribute] = &types.AttributeValueMemberB{Value: []byte(parts[i])}
		default:
			key[attribute] = &types.AttributeValueMemberS{Value: parts[i]}
		}
		if parts[i] == "" {
			return nil
		}
	}
	return key
}

var _ kv.Getter = (*store)(nil)
