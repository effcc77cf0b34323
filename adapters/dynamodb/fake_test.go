package dynamodb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A fake answers as the service would where no server that tests can have does: it throttles, refuses and fails. By operation it
// has a queue of answers, of which the last is for ever.
type fake struct {
	mu      sync.Mutex
	answers map[string][]string // status code, space, body
	asked   []string
	bodies  []string
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, _ := io.ReadAll(r.Body)
	f.asked, f.bodies = append(f.asked, op), append(f.bodies, string(body))
	queue := f.answers[op]
	if len(queue) == 0 {
		queue = []string{failure(400, "UnknownOperationException", "")}
	}
	if len(queue) > 1 {
		f.answers[op] = queue[1:]
	}
	status, text, _ := strings.Cut(queue[0], " ")
	code := 0
	_, _ = fmt.Sscan(status, &code)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text)
}

func failure(status int, name, more string) string {
	return fmt.Sprintf(`%d {"__type":"com.amazonaws.dynamodb.v20120810#%s","message":"no"%s}`, status, name, more)
}

const (
	fakeTable = `200 {"Table":{"TableName":"shop","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"ItemCount":1000,"TableSizeBytes":81920000,` +
		`"BillingModeSummary":{"BillingMode":"PAY_PER_REQUEST"}}}`
	fakeTTL  = `200 {"TimeToLiveDescription":{"TimeToLiveStatus":"ENABLED","AttributeName":"ttl"}}`
	fakePage = `200 {"Items":[{"pk":{"S":"a"}}],"Count":1,"ScannedCount":1,"ConsumedCapacity":{"TableName":"shop","CapacityUnits":0.5}}`
)

// serve starts the fake and returns the target of its table.
func serve(t *testing.T, f *fake) string {
	t.Helper()
	for op, text := range map[string]string{"DescribeTable": fakeTable, "DescribeTimeToLive": fakeTTL, "Scan": fakePage} {
		if f.answers[op] == nil {
			f.answers[op] = []string{text}
		}
	}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return "dynamodb://shop?endpoint=" + srv.URL
}

func scanAll(ctx context.Context, s kv.Store) (keys []string, err error) {
	for r, err := range s.Scan(ctx, kv.ScanOptions{}) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, r.Key)
	}
	return keys, nil
}

// What is throttled is waited for, and counted by the reason that DynamoDB gives.
func TestThrottled(t *testing.T) {
	const reason = "TableReadKeyRangeThroughputExceeded"
	refused := failure(400, "ProvisionedThroughputExceededException", `,"ThrottlingReasons":[{"reason":"`+reason+`","resource":"arn:x"}]`)
	s := openTable(t, serve(t, &fake{answers: map[string][]string{"Scan": {
		refused, failure(400, "ThrottlingException", ""), failure(500, "InternalServerError", ""), fakePage,
	}}}))
	keys, err := scanAll(t.Context(), s)
	if err != nil || len(keys) != 1 {
		t.Fatal(keys, err)
	}
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(info.Notes, "\n")
	for _, want := range []string{"again, 1 times: " + reason, "again, 1 times: ThrottlingException", "again, 1 times: the server failed", "took 0.5 read units in 1 pages"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in\n%s", want, notes)
		}
	}
}

// What cannot succeed is not tried again, and is explained.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ op, answer, says, hint string }{
		{"Scan", failure(400, "AccessDeniedException", ""), "AccessDenied", "grant"},
		{"Scan", failure(400, "ExpiredTokenException", ""), "ExpiredToken", "expired"},
		{"DescribeTable", failure(400, "UnrecognizedClientException", ""), "UnrecognizedClient", "credentials"},
		{"DescribeTable", failure(400, "ResourceNotFoundException", ""), "no table shop", "region"},
		{"Scan", failure(400, "ValidationException", ""), "ValidationException", ""},
		{"Scan", `200 {"Items":[{"id":{"S":"a"}}]}`, `no "pk"`, "?pk="},
	} {
		f := &fake{answers: map[string][]string{c.op: {c.answer}}}
		s, err := tryOpen(t, serve(t, f))
		if err == nil {
			_, err = scanAll(t.Context(), s)
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(kv.Hint(err), c.hint) {
			t.Errorf("%s: %v, hint %q", c.says, err, kv.Hint(err))
		}
		n := 0
		for _, op := range f.asked {
			if op == c.op {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s was asked %d times", c.op, n)
		}
	}
}

// A user who may only scan gets all but what the table would have told.
func TestFewRights(t *testing.T) {
	denied := failure(400, "AccessDeniedException", "")
	page := `200 {"Items":[{"pk":{"S":"a"},"ttl":{"N":"1"}}],"LastEvaluatedKey":{"pk":{"S":"a"}}}`
	target := serve(t, &fake{answers: map[string][]string{
		"DescribeTable": {denied}, "DescribeTimeToLive": {denied}, "Scan": {page, fakePage},
	}})
	s := openTable(t, target)
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.Table.Partition != "pk" || info.Provides()&kv.FieldTTL != 0 || info.KeysKnown {
		t.Errorf("%+v", info)
	}
	if keys, err := scanAll(t.Context(), s); err != nil || len(keys) != 1 {
		t.Error(keys, err)
	}
	two := `200 {"Items":[],"LastEvaluatedKey":{"pk":{"S":"a"},"sk":{"S":"b"}}}`
	if _, err := tryOpen(t, serve(t, &fake{answers: map[string][]string{"DescribeTable": {denied}, "Scan": {two}}})); err == nil || !strings.Contains(kv.Hint(err), "pk and sk") {
		t.Errorf("%v, hint %q", err, kv.Hint(err))
	}
}

// The TTL table of the design on a live table: what is wrong with each value; and with TTL off, that it is.
func TestTTL(t *testing.T) {
	now := time.Now().Unix()
	var items []string
	want := map[string]kv.Fault{}
	for name, v := range map[string]struct {
		attribute string
		fault     kv.Fault
	}{
		"past": {fmt.Sprintf(`"ttl":{"N":"%d"}`, now-60), ""}, "ms": {fmt.Sprintf(`"ttl":{"N":"%d000"}`, now), kv.FaultMilliseconds},
		"text": {fmt.Sprintf(`"ttl":{"S":"%d"}`, now), kv.FaultType}, "old": {`"ttl":{"N":"0"}`, kv.FaultOld},
		"nest": {fmt.Sprintf(`"m":{"M":{"ttl":{"N":"%d"}}}`, now), kv.FaultNested}, "none": {`"x":{"NULL":true}`, ""},
	} {
		items = append(items, fmt.Sprintf(`{"pk":{"S":%q},%s}`, name, v.attribute))
		want[name] = v.fault
	}
	page := fmt.Sprintf(`200 {"Items":[%s]}`, strings.Join(items, ","))
	off := `200 {"TimeToLiveDescription":{"TimeToLiveStatus":"DISABLED"}}`
	for _, state := range []string{fakeTTL, off} {
		s := openTable(t, serve(t, &fake{answers: map[string][]string{"Scan": {page}, "DescribeTimeToLive": {state}}}))
		seen := 0
		for r, err := range s.Scan(t.Context(), kv.ScanOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
			seen++
			fault := want[r.Key]
			if state == off {
				if fault = kv.FaultOff; r.Key == "none" || r.Key == "nest" {
					fault = ""
				}
			}
			if r.Fault != fault || (r.TTL == kv.TTLExpired) != (r.Key == "past" && state != off) {
				t.Errorf("%s: TTL %d, fault %q, want %q", r.Key, r.TTL, r.Fault, fault)
			}
		}
		if seen != len(want) {
			t.Errorf("%d items of %d", seen, len(want))
		}
	}
}

// A scan keeps to its read units. The table is paged as the units of the pages say, not by the clock of the test: eight pages of
// 20 units at 200 a second take seven tenths of a second, as the first is not waited for.
func TestRate(t *testing.T) {
	more := `200 {"Items":[{"pk":{"S":"a"}}],"LastEvaluatedKey":{"pk":{"S":"a"}},"ConsumedCapacity":{"CapacityUnits":20}}`
	f := &fake{answers: map[string][]string{"Scan": {more, more, more, more, more, more, more, fakePage}}}
	s := openTable(t, serve(t, f)+"&rcu=200")
	began := time.Now()
	if _, err := scanAll(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 650*time.Millisecond {
		t.Errorf("140 units at 200 a second took %v", took)
	}
	var in struct{ Limit int }
	if err := json.Unmarshal([]byte(f.bodies[len(f.bodies)-1]), &in); err != nil || in.Limit != 0 {
		t.Errorf("a page is bounded to %d items at 200 units a second", in.Limit)
	}
}

func TestPlan(t *testing.T) {
	s := openTable(t, serve(t, &fake{answers: map[string][]string{}})).(*store)
	if p, err := s.Plan(t.Context()); err != nil || !p.Free {
		t.Errorf("%+v, %v", p, err)
	}
	s.local = false
	p, err := s.Plan(t.Context())
	if err != nil || p.Free || p.Units != 10_000 || p.Rate != onDemandRate || p.Cost != 10_000*0.125/1e6 {
		t.Errorf("%+v, %v", p, err)
	}
	if text := p.String(); !strings.Contains(text, "10000 read units") || !strings.Contains(text, "2024-11-01") {
		t.Error(text)
	}
}

// A scan that is cancelled while it waits ends.
func TestCancelled(t *testing.T) {
	s := openTable(t, serve(t, &fake{answers: map[string][]string{"Scan": {failure(400, "ThrottlingException", "")}}}))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := scanAll(ctx, s); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
