package dynamodb

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	"github.com/kvtool/kvtool/kv"
)

// A paged answers scans without a network: each segment has pages of so many units, which take a while. Of some it says no units, as a
// page without items takes none.
type paged struct {
	pages int // of a segment
	takes time.Duration

	mu    sync.Mutex
	asked map[int]int
	units float64
}

func (p *paged) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	var in struct{ Segment int }
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	time.Sleep(p.takes)
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.asked[in.Segment]
	p.asked[in.Segment]++
	units := []float64{128, 0.5, 0, 100, 64.5, 128, 3}[(n+in.Segment)%7]
	p.units += units
	text := fmt.Sprintf(`{"Items":[],"Count":0,"ConsumedCapacity":{"CapacityUnits":%g}`, units)
	if n+1 < p.pages {
		text += `,"LastEvaluatedKey":{"pk":{"S":"x"}}`
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text + "}"))}, nil
}

// A scan takes the read units a second that it was given, within five parts of a hundred, however many segments there are; in
// virtual time.
func TestRateIsKept(t *testing.T) {
	for _, c := range []struct {
		rate     float64
		segments int
		takes    time.Duration
	}{{500, 1, 20 * time.Millisecond}, {500, 4, 20 * time.Millisecond}, {3000, 8, 50 * time.Millisecond}, {25, 2, 5 * time.Millisecond}} {
		synctest.Test(t, func(t *testing.T) {
			p := &paged{pages: int(40 * c.rate / 60 / float64(c.segments)), takes: c.takes, asked: map[int]int{}}
			s := &store{
				name: "shop", target: "dynamodb://shop", asked: asked{rcu: c.rate}, limiter: kv.NewLimiter(2 * c.rate),
				table: &table{Table: kv.Table{Partition: "pk"}},
				client: dynamodb.New(dynamodb.Options{
					Region: "us-east-1", Logger: logging.Nop{}, HTTPClient: p, Retryer: aws.NopRetryer{},
					Credentials: aws.CredentialsProviderFunc(anybody),
				}),
			}
			shards, err := s.Shards(t.Context(), c.segments)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			var wait sync.WaitGroup
			for _, shard := range shards {
				wait.Go(func() {
					for _, err := range s.Scan(t.Context(), kv.ScanOptions{Shard: shard}) {
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			wait.Wait()
			took := time.Since(began).Seconds()
			got := p.units / took
			t.Logf("%d segments at %g units a second: %.0f units at %.1f", c.segments, c.rate, p.units, got)
			last := float64(128 * c.segments) // nothing waits for the last page of each to be paid for
			if p.units > c.rate*1.05*took+last || got < c.rate*0.95 {
				t.Errorf("%d segments at %g units a second: %.0f units at %.1f a second", c.segments, c.rate, p.units, got)
			}
		})
	}
}
