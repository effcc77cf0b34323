package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/kvtool/kvtool/kv"
)

// Examine answers for the table: the service has no server that could be asked.
func (s *store) Examine(context.Context) ([]kv.Exam, error) { return []kv.Exam{&exam{store: s}}, nil }

// An exam asks about a table, with DescribeTable: it costs no capacity.
type exam struct {
	store *store
	asked time.Time     // when Ping asked last
	took  time.Duration // and how long that took
}

// pingEvery is how often a sign of life is asked for: control planes allow few requests a second.
const pingEvery = time.Second

// Place is the table's name.
func (e *exam) Place() string { return e.store.name }

// Close does nothing: the connections are the store's.
func (e *exam) Close() error { return nil }

func (e *exam) describe(ctx context.Context) (*types.TableDescription, error) {
	began := time.Now()
	out, err := e.store.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &e.store.name})
	e.asked, e.took = began, time.Since(began)
	switch {
	case denied(err):
		return nil, kv.ReplyError(why(err))
	case err != nil:
		return nil, &kv.Silence{Err: e.store.explain(err), Asked: began, Waited: e.took}
	case out.Table == nil:
		return nil, fmt.Errorf("%s: the description is empty", e.store.target)
	}
	return out.Table, nil
}

// Ping asks for a description once a second.
func (e *exam) Ping(ctx context.Context) (time.Duration, error) {
	if time.Since(e.asked) < pingEvery {
		return e.took, nil
	}
	_, err := e.describe(ctx)
	return e.took, err
}

// whyThrottled is why nobody can tell whether requests are throttled who has sent none.
const whyThrottled = "DynamoDB tells CloudWatch alone how much it throttles (ReadThrottleEvents, WriteThrottleEvents), and kvtool does not ask that"

// Vitals are the state of the table and its indexes, and how many reads of the store were throttled, if it has read anything.
func (e *exam) Vitals(ctx context.Context) (*kv.Vitals, error) {
	v := &kv.Vitals{Product: "dynamodb", Numbers: map[string]float64{}, Texts: map[string]string{}, Lacks: map[string]string{}}
	d, err := e.describe(ctx)
	v.At = time.Now()
	var refused kv.ReplyError
	if errors.As(err, &refused) {
		v.Lacks["info"] = string(refused)
		return v, nil
	}
	if err != nil {
		return nil, err
	}
	throttled := e.store.counts.refused()
	if throttled == 0 && e.store.counts.pages.Load() == 0 {
		v.Lacks["throttled_requests"] = whyThrottled
	}
	v.Numbers["throttled_requests"] = float64(throttled)
	v.Texts["table_status"] = string(d.TableStatus)
	v.Numbers["keys"], v.Numbers["table_bytes"], v.Numbers["indexes_building"] = number(d.ItemCount), number(d.TableSizeBytes), 0
	for i := range d.GlobalSecondaryIndexes {
		x := &d.GlobalSecondaryIndexes[i]
		if x.IndexStatus == types.IndexStatusActive || x.IndexName == nil {
			continue
		}
		v.Numbers["indexes_building"]++
		v.Texts["index"] = *x.IndexName + " " + string(x.IndexStatus)
	}
	return v, nil
}

// Details ask whether there are backups, and whether items expire.
func (e *exam) Details(ctx context.Context, _ *kv.Vitals) (*kv.Details, error) {
	d := &kv.Details{Settings: map[string]string{}, Lacks: map[string]string{}}
	out, err := e.store.client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &e.store.name})
	switch {
	case err != nil:
		d.Lacks["settings"] = why(err)
	case out.ContinuousBackupsDescription != nil:
		d.Settings["point-in-time-recovery"] = "off"
		if p := out.ContinuousBackupsDescription.PointInTimeRecoveryDescription; p != nil && p.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled {
			d.Settings["point-in-time-recovery"] = "on"
		}
	}
	t := table{refused: map[string]string{}}
	if err := e.store.describeTTL(ctx, &t); err != nil {
		return d, err
	}
	if d.Settings["ttl"] = t.TTL; !t.ttlTold {
		d.Lacks["ttl"] = t.refused["ttl"]
	}
	return d, ctx.Err()
}
