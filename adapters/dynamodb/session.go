package dynamodb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/kvtool/kvtool/kv"
)

// This file and command.go, change.go, read.go and transaction.go are what a load test runs on: it writes.
//
// The one idea is that a key is an item, and a command one request about it: so what Redis does at once to one key is one conditional
// write here, and what it does to several at once is refused. Of the operations of a Do those of one key come one after the other;
// others go side by side, each on a connection of its own.

// maxLanes is how many requests of a Do are under way at once: DynamoDB answers one request of a connection at a time.
const maxLanes = 16

// A session is a kv.Session.
type session struct {
	store   *store
	base    context.Context // ends with Close
	end     context.CancelFunc
	epoch   time.Time
	timeout time.Duration
	closed  atomic.Bool
	lanes   []*lane
	seed    maphash.Seed
	byName  map[string]*command
	watch   watch
}

// A lane is a connection and what is in work on it.
type lane struct {
	wire
	w      *session
	client *dynamodb.Client
	ops    []int // of a Do, those that go by this lane
	failed error
	values [][]byte
}

// Session implements kv.Driver.
func (s *store) Session(ctx context.Context, opt kv.SessionOptions) (kv.Session, error) {
	if err := s.drivable(); err != nil {
		return nil, err
	}
	w := &session{store: s, epoch: opt.Epoch, timeout: opt.Timeout, seed: maphash.MakeSeed(), byName: byName()}
	if w.epoch.IsZero() {
		w.epoch = time.Now()
	}
	w.base, w.end = context.WithCancel(context.WithoutCancel(ctx))
	// What is asked first is of no use but that the connection is there, and that this user may use it.
	err := w.lane(0).ping(ctx)
	if err == nil || denied(err) {
		return w, nil
	}
	return nil, errors.Join(s.explain(err), w.Close())
}

// drivable refuses a table whose keys cannot be text.
func (s *store) drivable() error {
	for _, name := range s.table.keys() {
		if kind := s.table.kinds[name]; kind == types.ScalarAttributeTypeN {
			return kv.WithHint(kv.Usagef("%s: %s, of its key, is a number: the keys of a load are text", s.target, name),
				"load a table whose key is of type S")
		}
	}
	return nil
}

// lane returns a connection by its number.
func (w *session) lane(i int) *lane {
	for len(w.lanes) <= i {
		o := w.store.client.Options()
		l := &lane{w: w, wire: wire{base: w.base, transport: transportOf(o.HTTPClient)}}
		o.HTTPClient = &l.wire
		l.client = dynamodb.New(o)
		w.lanes = append(w.lanes, l)
	}
	return w.lanes[i]
}

// transportOf returns one with the settings of the SDK's client, such as AWS_CA_BUNDLE.
func transportOf(client dynamodb.HTTPClient) *http.Transport {
	if c, ok := client.(*awshttp.BuildableClient); ok {
		return c.GetTransport()
	}
	return awshttp.NewBuildableClient().GetTransport()
}

// ping reads a key that is not there.
func (l *lane) ping(ctx context.Context) error {
	key, err := l.w.store.key([]byte("kvtool:ping"))
	if err != nil {
		return err
	}
	_, err = l.get(ctx, key)
	return err
}

// Close implements kv.Session.
func (w *session) Close() error {
	if w.closed.Swap(true) {
		return nil
	}
	w.end()
	return nil
}

// Do implements kv.Session.
func (w *session) Do(ops []kv.Op, out []kv.Result) error {
	if w.closed.Load() {
		return net.ErrClosed
	}
	ctx := w.base
	if w.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.timeout)
		defer cancel()
	}
	sent := time.Since(w.epoch)
	lanes := w.share(ops)
	if lanes == 1 {
		l := w.lanes[0]
		l.run(ctx, ops, out, sent)
		return l.failed
	}
	var wait sync.WaitGroup
	for _, l := range w.lanes[:lanes] {
		if len(l.ops) > 0 {
			wait.Go(func() { l.run(ctx, ops, out, sent) })
		}
	}
	wait.Wait()
	for _, l := range w.lanes[:lanes] {
		if l.failed != nil {
			return l.failed
		}
	}
	return nil
}

// share divides operations among lanes and returns among how many: those of one key go by one, and all of a transaction.
func (w *session) share(ops []kv.Op) int {
	n := min(len(ops), maxLanes)
	for i := range ops {
		if args := ops[i].Args; len(args) < 2 || bytes.EqualFold(args[0], []byte("WATCH")) { // as are MULTI and EXEC
			n = 1
		}
	}
	if w.watch.on() {
		n = 1
	}
	for i := range max(1, n) {
		l := w.lane(i)
		l.ops, l.failed, l.values = l.ops[:0], nil, l.values[:0]
	}
	for i := range ops {
		at := 0
		if n > 1 {
			at = int(maphash.Bytes(w.seed, ops[i].Args[1]) % uint64(n))
		}
		w.lanes[at].ops = append(w.lanes[at].ops, i)
	}
	return max(1, n)
}

// run does the operations of a lane, one after the other. Where one shows that the session is of no more use, the rest is left.
func (l *lane) run(ctx context.Context, ops []kv.Op, out []kv.Result, sent time.Duration) {
	for _, i := range l.ops {
		op, r := &ops[i], &out[i]
		*r = kv.Result{Sent: sent}
		l.bytes = 0
		from := len(l.values)
		err := l.one(ctx, op, r)
		r.Done, r.Bytes = time.Since(l.w.epoch), int(l.bytes)
		if err != nil {
			if r.Err, l.failed = l.w.judge(ctx, err); l.failed != nil {
				return
			}
			r.Status, r.Values = kv.Failed, nil
			continue
		}
		l.w.store.load.did(op.Args[0], r.Status)
		if op.Want {
			r.Values = l.values[from:len(l.values):len(l.values)]
		}
	}
}

func (l *lane) one(ctx context.Context, op *kv.Op, r *kv.Result) error {
	if len(op.Args) == 0 {
		return errSyntax
	}
	c, err := l.w.find(op.Args)
	q := &request{lane: l, ctx: ctx, command: c, args: op.Args, want: op.Want, result: r}
	switch {
	case l.w.watch.multi && (err != nil || !c.ends):
		return l.w.watch.queued(q, err)
	case err != nil:
		return err
	}
	return c.run(q)
}

// A request is an operation in work.
type request struct {
	*lane
	ctx     context.Context
	command *command
	args    [][]byte
	want    bool
	result  *kv.Result
}

// answer adds values to the reply.
func (q *request) answer(values ...[]byte) error {
	if q.want {
		q.values = append(q.values, values...)
	}
	return nil
}

// nothing answers that there is nothing.
func (q *request) nothing() error {
	q.result.Status = kv.Miss
	return q.answer(nil)
}

// judge tells what failed: one operation, or the session. Throttling is not waited for, as whoever was throttled has to know.
func (w *session) judge(ctx context.Context, err error) (reply, session error) {
	var said kv.ReplyError
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	switch {
	case errors.As(err, &said):
		return said, nil
	case w.closed.Load():
		return nil, net.ErrClosed
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, os.ErrDeadlineExceeded
	}
	if reason := throttling(err); reason != "" {
		w.store.load.throttled(reason)
		return kv.ReplyError(reason + " the table takes no more for now"), nil
	}
	switch {
	case errors.As(err, &api):
		return kv.ReplyError(oneLine(api.ErrorCode() + " " + api.ErrorMessage())), nil
	case errors.As(err, &response):
		return kv.ReplyError(fmt.Sprintf("HTTP%d without a reason", response.HTTPStatusCode())), nil
	}
	return nil, w.store.explain(err)
}

// longestText is how much of what a server says is kept.
const longestText = 300

func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
	return text[:min(len(text), longestText)]
}

// A meter counts what the sessions of a store have taken.
type meter struct {
	reads, writes atomic.Int64 // in half units
	done          atomic.Int64
	hits, misses  atomic.Int64
	refused       atomic.Int64 // writes whose condition did not hold
	mu            sync.Mutex
	throttles     map[string]int64 // by reason
}

// did counts an operation, and whether what looked for a key has found it.
func (m *meter) did(name []byte, status kv.Status) {
	m.done.Add(1)
	switch c := name[0] | 0x20; { // GET, HGET and their like; whether a write finds something is no hit
	case c != 'g' && c != 'h' || len(name) < 3 || c == 'h' && name[1]|0x20 != 'g':
	case status == kv.Miss:
		m.misses.Add(1)
	case status == kv.OK:
		m.hits.Add(1)
	}
}

func (m *meter) throttled(reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.throttles == nil {
		m.throttles = map[string]int64{}
	}
	m.throttles[reason]++
}

// read counts units that a reply names.
func (m *meter) read(c *types.ConsumedCapacity) { m.reads.Add(halves(c)) }

func (m *meter) wrote(c *types.ConsumedCapacity) { m.writes.Add(halves(c)) }

func halves(c *types.ConsumedCapacity) int64 {
	if c == nil || c.CapacityUnits == nil {
		return 0
	}
	return int64(2 * *c.CapacityUnits)
}
