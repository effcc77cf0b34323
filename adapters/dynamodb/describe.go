package dynamodb

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kvtool/kvtool/kv"
)

// A table is what was learned of one before it is scanned.
type table struct {
	kv.Table
	refused map[string]string                    // by what is not known: why
	ttlTold bool                                 // the state of TTL is known
	kinds   map[string]types.ScalarAttributeType // of the attributes that are in keys
}

// describe asks for all that is asked of a table, apart from its items. What this user may not ask is left out, with the reason.
func (s *store) describe(ctx context.Context) (*table, error) {
	t := &table{Table: kv.Table{Name: s.name}, refused: map[string]string{}}
	out, err := s.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.name})
	switch {
	case denied(err):
		t.refused["table"] = why(err)
		if err := s.guessKey(ctx, t); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, s.explain(err)
	default:
		t.fill(out.Table)
	}
	if err := s.describeTTL(ctx, t); err != nil {
		return nil, err
	}
	backups, err := s.client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &s.name})
	if err == nil && backups.ContinuousBackupsDescription != nil {
		t.Backup = "off"
		if p := backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription; p != nil && p.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled {
			t.Backup = "on"
		}
	}
	return t, ctx.Err()
}

// fill takes in the answer of DescribeTable.
func (t *table) fill(d *types.TableDescription) {
	t.Partition, t.Sort = keyNames(d.KeySchema)
	t.kinds = map[string]types.ScalarAttributeType{}
	for _, a := range d.AttributeDefinitions {
		if a.AttributeName != nil {
			t.kinds[*a.AttributeName] = a.AttributeType
		}
	}
	t.Billing, t.Class = "provisioned", "standard"
	if b := d.BillingModeSummary; b != nil && b.BillingMode == types.BillingModePayPerRequest {
		t.Billing = "on-demand"
	}
	if c := d.TableClassSummary; c != nil && c.TableClass == types.TableClassStandardInfrequentAccess {
		t.Class = "standard-ia"
	}
	if p := d.ProvisionedThroughput; p != nil && t.Billing == "provisioned" {
		t.ReadUnits, t.WriteUnits = number(p.ReadCapacityUnits), number(p.WriteCapacityUnits)
	}
	t.Items, t.Bytes = int64(number(d.ItemCount)), int64(number(d.TableSizeBytes))
	t.Replicas = len(d.Replicas)
	for i := range d.LocalSecondaryIndexes {
		x := &d.LocalSecondaryIndexes[i]
		t.Indexes = append(t.Indexes, index(x.IndexName, true, x.KeySchema, x.Projection, x.ItemCount, x.IndexSizeBytes))
	}
	for i := range d.GlobalSecondaryIndexes {
		x := &d.GlobalSecondaryIndexes[i]
		made := index(x.IndexName, false, x.KeySchema, x.Projection, x.ItemCount, x.IndexSizeBytes)
		if p := x.ProvisionedThroughput; p != nil && t.Billing == "provisioned" {
			made.ReadUnits, made.WriteUnits = number(p.ReadCapacityUnits), number(p.WriteCapacityUnits)
		}
		t.Indexes = append(t.Indexes, made)
	}
}

func index(name *string, local bool, keys []types.KeySchemaElement, p *types.Projection, items, bytes *int64) kv.Index {
	x := kv.Index{Local: local, Projection: "all", Items: int64(number(items)), Bytes: int64(number(bytes))}
	if name != nil {
		x.Name = *name
	}
	x.Partition, x.Sort = keyNames(keys)
	if p == nil {
		return x
	}
	switch p.ProjectionType {
	case types.ProjectionTypeKeysOnly:
		x.Projection = "keys"
	case types.ProjectionTypeInclude:
		x.Projection, x.Attributes = "include", p.NonKeyAttributes
	}
	return x
}

func number(n *int64) float64 {
	if n == nil {
		return 0
	}
	return float64(*n)
}

// keyNames returns the attributes of a key: of one of several, joined.
func keyNames(keys []types.KeySchemaElement) (partition, sort string) {
	var pk, sk []string
	for _, k := range keys {
		if k.AttributeName == nil {
			continue
		}
		if k.KeyType == types.KeyTypeHash {
			pk = append(pk, *k.AttributeName)
		} else {
			sk = append(sk, *k.AttributeName)
		}
	}
	return strings.Join(pk, ","), strings.Join(sk, ",")
}

// guessKey learns the names of the key from where a scan of one item ends, for a user who may scan the table and not describe it.
func (s *store) guessKey(ctx context.Context, t *table) error {
	if s.asked.pk != "" {
		t.Partition, t.Sort = s.asked.pk, s.asked.sk
		return nil
	}
	one := int32(1)
	out, err := s.client.Scan(ctx, &dynamodb.ScanInput{TableName: &s.name, Limit: &one})
	if err != nil {
		return s.explain(err)
	}
	names := slices.Sorted(maps.Keys(out.LastEvaluatedKey))
	if len(names) == 1 {
		t.Partition = names[0]
		return nil
	}
	return kv.WithHint(fmt.Errorf("%s: this user may not describe the table, and which attribute is its partition key is not known", s.target),
		"grant dynamodb:DescribeTable, or name the key: ?pk=NAME&sk=NAME"+among(names))
}

func among(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " (they are " + strings.Join(names, " and ") + ")"
}

// describeTTL asks by which attribute items expire.
func (s *store) describeTTL(ctx context.Context, t *table) error {
	if s.asked.ttl != "" {
		t.TTLAttribute, t.TTL, t.ttlTold = s.asked.ttl, "on", true
		return nil
	}
	out, err := s.client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &s.name})
	switch {
	case denied(err) || unknownOperation(err):
		t.refused["ttl"] = why(err)
		return nil
	case err != nil:
		return s.explain(err)
	}
	t.TTL, t.ttlTold = "off", true
	d := out.TimeToLiveDescription
	if d == nil {
		return nil
	}
	if d.AttributeName != nil {
		t.TTLAttribute = *d.AttributeName
	}
	if d.TimeToLiveStatus == types.TimeToLiveStatusEnabled || d.TimeToLiveStatus == types.TimeToLiveStatusEnabling {
		t.TTL = "on"
	}
	return nil
}

// Info tells what the table says of itself, and after a scan what that took.
func (s *store) Info(context.Context) (*kv.Info, error) {
	s.mu.Lock()
	t := *s.table
	s.mu.Unlock()
	info := &kv.Info{
		Adapter: "dynamodb", Product: "dynamodb", Version: s.region, Target: s.target, Live: true, Table: t.Table, Facts: s.facts(&t), Notes: s.notes(&t),
	}
	if t.Items > 0 {
		info.Keys, info.KeysKnown = t.Items, true
	}
	return info, nil
}

func (s *store) facts(t *table) []kv.Fact {
	const noAccess = "DynamoDB keeps no access times or counts"
	facts := []kv.Fact{
		{Name: "name", Field: kv.FieldName, How: kv.Measured},
		{Name: "parts", Field: kv.FieldParts, How: kv.Measured},
		{Name: "type", Field: kv.FieldType, How: kv.Measured},
		{Name: "encoding", Field: kv.FieldEncoding, Why: "an item has none"},
		{
			Name: "size", Field: kv.FieldSize, How: kv.Modelled,
			Why: "counted by DynamoDB's rules, names included; a number may take a byte more or less than is published",
		},
		{Name: "length", Field: kv.FieldLen, How: kv.Measured, Why: "attributes"},
		{Name: "idle", Field: kv.FieldIdle, Why: noAccess},
		{Name: "freq", Field: kv.FieldFreq, Why: noAccess, Hint: "Contributor Insights of the table counts its hottest keys"},
		{Name: "place", Field: kv.FieldPlace, Why: "DynamoDB does not tell which partition an item is in", Hint: "an export to S3 has a file for each: ddb-export:DIR"},
		{Name: "largest", Field: kv.FieldLargest, How: kv.Modelled, Why: "the largest attribute"},
		{Name: "cost", How: kv.Modelled, Why: s.plan(t).String()},
	}
	ttl := kv.Fact{Name: "ttl", Field: kv.FieldTTL, How: kv.Measured, Why: "by the attribute " + t.TTLAttribute}
	switch {
	case !t.ttlTold:
		ttl.How, ttl.Why = kv.Missing, t.refused["ttl"]
		ttl.Hint = "grant dynamodb:DescribeTimeToLive, or name the attribute: ?ttl=NAME"
	case t.TTL != "on":
		ttl.Why = "TTL is off: nothing expires"
	}
	fault := ttl
	fault.Name, fault.Field = "ttl fault", kv.FieldFault
	facts = append(facts, ttl, fault)
	described := kv.Fact{Name: "indexes", How: kv.Measured, Why: fmt.Sprintf("%d", len(t.Indexes))}
	if w := t.refused["table"]; w != "" {
		described.How, described.Why, described.Hint = kv.Missing, w, "grant dynamodb:DescribeTable"
	}
	if len(indexedBy(t.Indexes)) > 0 {
		described.Field = kv.FieldIndexes
	}
	return append(facts, described)
}

// notes says what a reader must know of the table, and what the scans took so far.
func (s *store) notes(t *table) []string {
	var n []string
	if w := t.refused["table"]; w != "" {
		n = append(n, "What the table is was not told: "+w+". Its indexes and capacity are not judged.")
	}
	if pages := s.counts.pages.Load(); pages > 0 {
		n = append(n, fmt.Sprintf("The scan took %g read units in %d pages.", float64(s.counts.halves.Load())/2, pages))
	}
	n = append(n, s.loadNotes(t)...)
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	for _, reason := range slices.Sorted(maps.Keys(s.counts.throttles)) {
		n = append(n, fmt.Sprintf("Refused or failed, and asked again, %d times: %s.", s.counts.throttles[reason], reason))
	}
	return n
}

// loadNotes says what the sessions took.
func (s *store) loadNotes(t *table) []string {
	reads, writes := float64(s.load.reads.Load())/2, float64(s.load.writes.Load())/2
	if s.load.done.Load() == 0 {
		return nil
	}
	text := fmt.Sprintf("The load took %g read units and %g write units", reads, writes)
	if c := s.prices.Class(t.Class); !s.local && t.Billing == "on-demand" {
		text += fmt.Sprintf(", %.4f USD by %s", (reads*c.ReadMillion+writes*c.WriteMillion)/1e6, s.prices)
	}
	n := []string{text + "; writes whose condition did not hold are not among them."}
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	for _, reason := range slices.Sorted(maps.Keys(s.load.throttles)) {
		n = append(n, fmt.Sprintf("Throttled %d times: %s.", s.load.throttles[reason], reason))
	}
	return n
}
