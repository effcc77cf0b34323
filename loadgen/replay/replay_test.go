package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kvtool/kvtool/adapters/reference"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/trace"
)

// A fake is a store under virtual time that takes a millisecond for each batch, and notes what it was asked.
type fake struct {
	mu    sync.Mutex
	asked []string // session, time since began, and words
	began time.Time
	opens int
	do    func(session int, words string) error // may be nil
}

func (f *fake) Session(context.Context, kv.SessionOptions) (kv.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opens++
	return &fakeSession{f, f.opens, time.Now()}, nil
}

type fakeSession struct {
	*fake
	id    int
	began time.Time
}

func (s *fakeSession) Close() error { return nil }

func (s *fakeSession) Do(ops []kv.Op, out []kv.Result) error {
	sent := time.Since(s.began)
	for _, op := range ops {
		var words []string
		for _, a := range op.Args {
			words = append(words, string(a))
		}
		line := strings.Join(words, " ")
		s.mu.Lock()
		s.asked = append(s.asked, fmt.Sprintf("%d %v %s", s.id, time.Since(s.fake.began), line))
		s.mu.Unlock()
		if s.do != nil {
			if err := s.do(s.id, line); err != nil {
				return err
			}
		}
	}
	time.Sleep(time.Millisecond)
	for i := range ops {
		out[i] = kv.Result{Sent: sent, Done: time.Since(s.began)}
	}
	return nil
}

// run replays a text under virtual time.
func run(t *testing.T, f *fake, text string, opt Options) *Result {
	t.Helper()
	f.began = time.Now()
	opt.Prefix = "p:"
	res, err := Run(t.Context(), f, trace.Commands(strings.NewReader(text), trace.CommandOptions{}), opt)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// times are all of one kind that were recorded.
func times(t *testing.T, res *Result, k recording.Kind) *latency.Histogram {
	t.Helper()
	h, err := res.Recording.Histogram(-1, k, 0, len(res.Recording.Seconds))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// What is due when, on which connection: to the nanosecond, in the order of each client, twice as fast on request.
func TestTimes(t *testing.T) {
	const text = "100.5 [0 a:1] \"get\" \"x\"\n100.6 [0 b:1] \"get\" \"y\"\n100.6 [0 a:1] \"get\" \"z\"\n102.5 [0 b:1] \"get\" \"x\"\n"
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		res := run(t, f, text, Options{Conns: 2, Speed: 2})
		slices.Sort(f.asked)
		want := []string{"1 0s get p:x", "1 50ms get p:z", "2 1s get p:x", "2 50ms get p:y"}
		if !slices.Equal(f.asked, want) {
			t.Errorf("%q\nwant %q", f.asked, want)
		}
		rec := res.Recording
		h, sum := times(t, res, recording.Response), rec.Sum()
		if !slices.Equal(rec.Meta.Classes, []string{"GET"}) || h.Count() != 4 || h.Max() != time.Millisecond || sum.Done != 4 || sum.Due != 4 {
			t.Errorf("%+v", rec)
		}
		if lag := times(t, res, recording.Lag); lag.Max() != 0 {
			t.Errorf("sent %v late", lag.Max())
		}
		if len(rec.Seconds) != 2 || rec.Seconds[0].Done != 3 || rec.Seconds[1].Done != 1 || rec.Parts[0].Took != time.Second+time.Millisecond {
			t.Errorf("%+v", rec)
		}
	})
}

// A store that stands still for a second makes all wait that were due meanwhile, and their response times say so: those of a
// thousand a second are spread evenly over the second.
func TestStall(t *testing.T) {
	var b strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&b, "%d.%06d [0 c:%d] \"get\" \"k\"\n", 10+i/1000, i%1000*1000, i%50)
	}
	synctest.Test(t, func(t *testing.T) {
		stalled := time.Now().Add(500 * time.Millisecond)
		f := &fake{}
		f.do = func(int, string) error {
			if now := time.Now(); now.After(stalled) {
				time.Sleep(max(0, time.Second-now.Sub(stalled)))
			}
			return nil
		}
		res := run(t, f, b.String(), Options{Conns: 50})
		h, lag, sum := times(t, res, recording.Response), times(t, res, recording.Lag), res.Recording.Sum()
		// Half of the requests waited from 1 s down to nothing; with one connection busy for each of 50 clients.
		if got := h.Quantile(0.75); got < 450*time.Millisecond || got > 560*time.Millisecond {
			t.Errorf("a quarter waits longer than %v", got)
		}
		if m := h.Max(); m < 990*time.Millisecond || m > 1050*time.Millisecond || lag.Max() > time.Millisecond {
			t.Errorf("max %v, lag %v", m, lag.Max())
		}
		if sum.Unsent != 0 || sum.Done != 2000 {
			t.Errorf("%+v", sum)
		}
	})
}

// What is known to the second only is spread over it, in order.
func TestSpread(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, "%d,k%d,3,100,7,get,0\n", 50+i/1000, i)
	}
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		res := run(t, f, b.String(), Options{Conns: 1, Pipeline: 100})
		var sum time.Duration
		for i, line := range f.asked {
			var id int
			var at, key, get string
			fmt.Sscan(line, &id, &at, &get, &key)
			if key != fmt.Sprintf("p:k%d", i) {
				t.Fatalf("command %d is %q", i, line)
			}
			d, _ := time.ParseDuration(at)
			sum += d
		}
		if mean := sum / 3000; mean < 1450*time.Millisecond || mean > 1550*time.Millisecond || res.Recording.Parts[0].Took < 2900*time.Millisecond {
			t.Errorf("asked at %v in the middle, over %v", mean, res.Recording.Parts[0].Took)
		}
	})
}

func TestAsFastAndAmplified(t *testing.T) {
	const text = `{"op":"set","key":"a","size":3,"client":"x"}
{"op":"get","key":"a","client":"x"}
`
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		res := run(t, f, text, Options{Conns: 3, AsFast: true, Amplify: 3, Pipeline: 8, TTL: time.Minute})
		sum, took := res.Recording.Sum(), res.Recording.Parts[0].Took
		if sum.Done != 6 || took != time.Millisecond || !res.Recording.Meta.Closed {
			t.Errorf("%+v in %v", sum, took)
		}
		if !slices.Equal(res.Recording.Meta.Classes, []string{"GET", "SET"}) {
			t.Errorf("operations %q", res.Recording.Meta.Classes)
		}
		var keys []string
		for _, line := range f.asked {
			words := strings.Fields(line)
			keys = append(keys, words[2]+" "+words[3])
		}
		slices.Sort(keys)
		want := []string{"GET p:a", "GET p:a#1", "GET p:a#2", "SET p:a", "SET p:a#1", "SET p:a#2"}
		if !slices.Equal(keys, want) {
			t.Errorf("%q", keys)
		}
		if _, err := Run(t.Context(), f, trace.Commands(strings.NewReader(text), trace.CommandOptions{}), Options{Prefix: "p:"}); !errors.Is(err, ErrNoTimes) {
			t.Errorf("without times: %v", err)
		}
		if _, err := Run(t.Context(), f, nil, Options{}); err == nil {
			t.Error("without a prefix")
		}
	})
}

// A run ends when it is to end: what was due and not sent has waited until then, and what was not yet due is not counted.
func TestEnds(t *testing.T) {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, "{\"ts\":%d.5,\"op\":\"get\",\"key\":\"a\",\"client\":\"x\"}\n", i)
	}
	synctest.Test(t, func(t *testing.T) {
		f := &fake{do: func(_ int, _ string) error { time.Sleep(4 * time.Second); return nil }}
		res := run(t, f, b.String(), Options{Conns: 1, For: 10 * time.Second})
		// Due at 0 … 10; each takes 4 s, so that three are sent and eight of them wait at the end.
		sum := res.Recording.Sum()
		if sum.Done != 3 || sum.Unsent != 8 || sum.Due != 11 || res.Recording.Parts[0].Took != 10*time.Second {
			t.Errorf("%+v in %v", sum, res.Recording.Parts[0].Took)
		}
		if n := times(t, res, recording.Response).Count(); n != 11 {
			t.Errorf("%d response times", n)
		}
		if v, why := res.Recording.Verdict(); v != recording.RateMissed {
			t.Errorf("%s: %s", v, why)
		}
	})
}

// A connection that is lost is opened again; one that is always lost is given up, and the run ends.
func TestConnectionsLost(t *testing.T) {
	const text = "1.5 [0 a:1] \"get\" \"x\"\n2.5 [0 a:1] \"get\" \"y\"\n3.5 [0 a:1] \"get\" \"z\"\n"
	reset := fmt.Errorf("reading: %w", syscall.ECONNRESET)
	synctest.Test(t, func(t *testing.T) {
		f := &fake{do: func(_ int, words string) error {
			if strings.HasSuffix(words, "y") {
				return reset
			}
			return nil
		}}
		res := run(t, f, text, Options{Conns: 1})
		sum := res.Recording.Sum()
		if v, _ := res.Recording.Verdict(); sum.Done != 3 || sum.ErrorCount() != 1 || sum.Errors["reset"] != 1 || f.opens != 2 || v != recording.Unstable {
			t.Errorf("%s: %+v", v, sum)
		}
		f = &fake{do: func(int, string) error { return reset }}
		if sum := run(t, f, text, Options{Conns: 1}).Recording.Sum(); sum.ErrorCount() == 0 || sum.Due != 3 || sum.Done+sum.Unsent != 3 {
			t.Errorf("%+v", sum)
		}
	})
}

// On the reference engine: whatever a trace does, every key that is there afterwards is under the prefix and has a TTL.
func TestWritesAreFenced(t *testing.T) {
	target, err := kv.ParseTarget("ref:?preset=empty")
	if err != nil {
		t.Fatal(err)
	}
	store, err := reference.Adapter().Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	driver, err := kv.DriverOf(store)
	if err != nil {
		t.Fatal(err)
	}
	commands := []string{
		`set a 1`, `set b 2 ex 60`, `set c 3 keepttl`, `set d 4 exat 99`, `set d2 4 pxat 9999999999999`, `setex e 60 v`, `append f x`,
		`hset h f v`, `lpush l a b`, `sadd s a`, `zadd z 1 a`, `xadd x * f v`, `incr n`, `mset m1 1 m2 2`, `rename m1 m3`, `getset g 1`,
		`expire a 100`, `pexpireat b 1`, `expireat c 1`, `persist a`, `getex a persist`, `copy a a2`, `copy a a3 db 1`, `move a 1`,
		`sort l store sorted`, `sunionstore u s s`, `zunionstore zu 1 z`, `bitop not bo a`, `setrange sr 5 x`, `pfadd hll a`,
		`georadius geo 1 1 1 km store away`, `flushall`, `config set maxmemory 1`, `select 3`, `swapdb 0 1`, `eval "redis.call('set','x','y')" 0`,
		`blpop nothing 0`, `brpoplpush l l2 0`, `xreadgroup group g c block 0 streams x >`, `set nx v nx`, `del n`, `incr n`, `hset h g w`,
	}
	var text strings.Builder
	for i, c := range commands {
		fmt.Fprintf(&text, "1500000000.%06d [%d 127.0.0.1:%d]", i, i%2*7, 1000+i%5)
		for _, w := range strings.Fields(c) {
			fmt.Fprintf(&text, " %q", strings.Trim(w, `"`))
		}
		text.WriteByte('\n')
	}
	opt := Options{Prefix: "kvtool:r1:", AsFast: true, Conns: 3, Pipeline: 4, TTL: time.Hour}
	res, err := Run(t.Context(), driver, trace.Commands(strings.NewReader(text.String()), trace.CommandOptions{}), opt)
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	for r, err := range store.Scan(t.Context(), kv.ScanOptions{Want: kv.FieldTTL}) {
		if err != nil {
			t.Fatal(err)
		}
		keys++
		if !strings.HasPrefix(r.Key, "kvtool:r1:") || r.DB != 0 || r.TTL != kv.TTLAt || time.Until(r.ExpireAt) > 2*time.Hour {
			t.Errorf("%q in database %d: TTL %v, %v", r.Key, r.DB, r.TTL, r.ExpireAt)
		}
	}
	want := map[string]uint64{whyKeyless: 5, whyOutside: 4, whyBlocking: 3, whyForever: 2}
	for why, n := range want {
		if res.Skipped[why] != n {
			t.Errorf("%s: %d left out, want %d", why, res.Skipped[why], n)
		}
	}
	if keys < 20 || res.Armed < 12 || res.Read != uint64(len(commands)) {
		t.Errorf("%d keys, %d armed, %+v", keys, res.Armed, res)
	}
}
