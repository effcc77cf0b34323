// Package dynamodb reads tables of DynamoDB and runs operations against them, with the SDK of AWS. It owns the client, what is
// asked of a table before it is scanned, the scan in parallel segments, and what becomes of throttling.
//
// The one idea is that a scan is bought: each page of up to 1 MB takes half a read unit for every 4 KiB begun. So what it will
// take is known before it begins (kv.Planner), it is held to so many units a second over all segments together, and what it took
// is counted. The SDK retries nothing: what was refused is counted here by its reason, and waited for.
//
//	DescribeTable, DescribeTimeToLive ──▶ key, indexes, capacity, TTL ──▶ plan
//	segment 1 ── page ──▶ units ─┐
//	segment 2 ── page ──▶ units ─┼─▶ one limiter
//	segment n ── page ──▶ units ─┘
//
// Nothing is written, but by a Driver's sessions. See the developer guide, "Scanning tables" and "Read and write operations".
package dynamodb

import (
	"context"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	"github.com/kvtool/kvtool/internal/price"
	"github.com/kvtool/kvtool/kv"
)

// Adapter opens dynamodb://TABLE.
func Adapter() *kv.Adapter {
	return &kv.Adapter{
		Name:  "dynamodb",
		Title: "DynamoDB table",
		Doc: "A table of DynamoDB, by the credentials of the AWS command line: environment, profile, SSO, role of the machine. A scan is " +
			"billed by AWS: what it will cost is said first, and it begins once that is confirmed, or with --yes.",
		Schemes:  []string{"dynamodb"},
		Examples: []string{"dynamodb://TABLE?region=eu-central-1", "dynamodb://TABLE?endpoint=http://127.0.0.1:8000"},
		Params: []kv.Param{
			{Name: "region", Default: "that of the environment or profile", Doc: "the AWS region"},
			{Name: "endpoint", Default: "that of the region", Doc: "URL of another server, such as DynamoDB Local"},
			{Name: "profile", Default: "that of the environment", Doc: "a profile of the AWS configuration"},
			{Name: "rcu", Default: "a quarter of what is provisioned, or 3000", Doc: "read units a second that a scan may take; 0 is no limit"},
			{Name: "reads", Default: "consistent", Doc: "those of a load: consistent, or eventual, which takes half the units"},
			{Name: "ttl", Default: "what the table says", Doc: "the attribute that items expire by, if this user may not ask"},
			{Name: "pk", Default: "what the table says", Doc: "the attribute that is the partition key, if this user may not ask"},
			{Name: "sk", Default: "what the table says", Doc: "the attribute that is the sort key, if this user may not ask"},
		},
		Open: open,
	}
}

// A store is one table.
type store struct {
	target   string
	name     string
	region   string
	local    bool   // on this machine: nothing is billed
	endpoint string // empty: that of the region
	asked    asked
	client   *dynamodb.Client
	prices   *price.List
	limiter  *kv.Limiter // of half read units

	consistent bool // reads of a load
	load       meter

	mu     sync.Mutex
	table  *table // nil until it was described
	counts counts
}

// asked are the parameters that say what the table otherwise does.
type asked struct {
	ttl, pk, sk string
	rcu         float64 // negative: not said
}

// counts are what the scans of a store have met.
type counts struct {
	halves    atomic.Int64 // half read units that were consumed
	pages     atomic.Int64
	mu        sync.Mutex
	throttles map[string]int64 // by reason
}

func (c *counts) throttled(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.throttles == nil {
		c.throttles = map[string]int64{}
	}
	c.throttles[reason]++
}

// refused returns how many requests were throttled.
func (c *counts) refused() (n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for reason, times := range c.throttles {
		if reason != serverFailed {
			n += times
		}
	}
	return n
}

func open(ctx context.Context, t kv.Target) (kv.Store, error) {
	if err := Adapter().CheckParams(t); err != nil {
		return nil, err
	}
	s := &store{target: t.String(), prices: price.Builtin()}
	if err := s.options(t); err != nil {
		return nil, err
	}
	if err := s.connect(ctx, t); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	table, err := s.describe(ctx)
	if err != nil {
		return nil, err
	}
	s.table = table
	s.limiter = kv.NewLimiter(2 * s.rate())
	return s, nil
}

// openTimeout bounds what is asked before a scan: a wrong region may not answer at all.
const openTimeout = 20 * time.Second

// options reads what a target says besides the connection.
func (s *store) options(t kv.Target) error {
	if t.URL == nil || t.URL.Host == "" {
		return kv.WithHint(kv.Usagef("%s names no table", t), "dynamodb://TABLE?region=REGION")
	}
	s.name = t.URL.Host
	if rest := strings.Trim(t.URL.Path, "/"); rest != "" {
		return kv.WithHint(kv.Usagef("%s: a table has no path", t), "dynamodb://"+rest+"?region="+s.name)
	}
	s.asked = asked{ttl: t.Query.Get("ttl"), pk: t.Query.Get("pk"), sk: t.Query.Get("sk"), rcu: -1}
	if v := t.Query.Get("rcu"); v != "" {
		rcu, err := strconv.ParseFloat(v, 64)
		if err != nil || rcu < 0 || rcu > 1e9 {
			return kv.WithHint(kv.Usagef("%s: rcu is %q", t, v), "rcu is a number of read units a second, such as 500")
		}
		s.asked.rcu = rcu
	}
	switch v := t.Query.Get("reads"); v {
	case "", "consistent":
		s.consistent = true
	case "eventual":
	default:
		return kv.WithHint(kv.Usagef("%s: reads is %q", t, v), "reads is consistent or eventual")
	}
	return nil
}

// connect makes the client. It sends nothing.
func (s *store) connect(ctx context.Context, t kv.Target) error {
	endpoint := t.Query.Get("endpoint")
	if endpoint != "" {
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return kv.WithHint(kv.Usagef("%s: endpoint is no URL", t), "endpoint=http://127.0.0.1:8000")
		}
		s.local, s.endpoint = loopback(u.Hostname()), endpoint
	}
	load := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
		config.WithLogger(logging.Nop{}), // what it says goes to stderr otherwise
	}
	if r := t.Query.Get("region"); r != "" {
		load = append(load, config.WithRegion(r))
	}
	if p := t.Query.Get("profile"); p != "" {
		load = append(load, config.WithSharedConfigProfile(p))
	}
	if s.local && t.Query.Get("profile") == "" && os.Getenv("AWS_ACCESS_KEY_ID") == "" { // such a server takes any, and wants some
		load = append(load, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("kvtool", "kvtool", "")))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return kv.WithHint(kv.Usagef("the AWS configuration cannot be read: %w", err), "aws configure list shows what is set")
	}
	if cfg.Region == "" {
		if !s.local {
			return kv.WithHint(kv.Usagef("%s: no region is set", t), "name it: ?region=eu-central-1, or set AWS_REGION")
		}
		cfg.Region = "us-east-1"
	}
	s.region = cfg.Region
	s.client = dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
	return nil
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// rate returns how many read units a second a scan may take; 0 is no limit.
func (s *store) rate() float64 {
	switch {
	case s.asked.rcu >= 0:
		return s.asked.rcu
	case s.local:
		return 0
	case s.table.ReadUnits > 0:
		return max(1, s.table.ReadUnits/4)
	}
	return onDemandRate
}

// onDemandRate is a quarter of what a new on-demand table takes in a second.
const onDemandRate = 3000

func (s *store) Close() error { return nil }
