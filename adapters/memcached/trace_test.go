package memcached

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

func TestParseEvent(t *testing.T) {
	var e event
	for line, want := range map[string]string{
		"ts=1795391770.81231 gid=7 type=item_get key=user%3A2 status=found clsid=1 cfd=22 size=5":                "1795391770.081231 1 user:2 found 22 5 0 false",
		"ts=1795391770.5 gid=8 type=item_store key=a status=stored cmd=set ttl=60 clsid=1 cfd=22 size=5":         "1795391770.000005 2 a stored 22 5 60 false",
		"ts=1795391770.5 gid=8 type=item_store key=a status=stored cmd=set ttl=4294967200 clsid=1 cfd=22 size=5": "1795391770.000005 2 a stored 22 5 4294967200 true",
		"ts=1795391770.5 gid=8 type=conn_new rip=127.0.0.1 rport=5 transport=tcp cfd=23":                         "1795391770.000005 0  - 23 0 0 false",
		"ts=1795391770.5 gid=8 type=eviction key=b fetch=no ttl=-1 la=5 clsid=1 size=3":                          "1795391770.000005 0 b - 0 3 -1 false",
		"skipped=12": "skipped 12",
		"skipped=-1": "", "skipped=x": "", "": "", "ts=5 type=item_get": "", "type=item_get key=a": "", "ts=1.9999999 key=a": "", "ts=1.5 key=%": "", "ts=1.5 size=x": "",
	} {
		got := ""
		if err := e.parse([]byte(line)); err == nil {
			status := e.status
			if status == "" {
				status = "-"
			}
			got = fmt.Sprintf("%d.%06d %d %s %s %d %d %d %v", e.at.Unix(), e.at.Nanosecond()/1000, e.kind, e.key, status, e.conn, e.bytes, e.ttl, e.dead())
			if e.kind == eventSkipped {
				got = fmt.Sprint("skipped ", e.skipped)
			}
		} else if !errors.Is(err, errProtocol) {
			t.Errorf("%q: %v", line, err)
		}
		if got != want {
			t.Errorf("%.60q: %q, want %q", line, got, want)
		}
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add([]byte("ts=1795391770.81231 gid=7 type=item_get key=user%3A2 status=found clsid=1 cfd=22 size=5"))
	f.Add([]byte("skipped=3"))
	f.Fuzz(func(t *testing.T, line []byte) {
		var e event
		x := sorter{reads: map[int64]kv.Access{}}
		if err := e.parse(line); err != nil {
			return
		}
		for _, a := range x.rest(x.add(nil, &e)) {
			if len(a.Key) > longestKey || a.Lost < 0 || a.N != 1 && a.Lost == 0 {
				t.Errorf("%q: %+v", line, a)
			}
		}
	})
}

// watched runs what do does while the server is watched, from the first access to the key begin to one to the key end.
func watched(t *testing.T, url string, do func()) []kv.Access {
	t.Helper()
	tracer, err := kv.TracerOf(openURL(t, url))
	if err != nil {
		t.Fatal(err)
	}
	facts, err := tracer.Traces(t.Context())
	if err != nil || facts[0].Name != string(kv.TraceWatch) || facts[0].How != kv.Measured {
		t.Fatalf("%+v, %v", facts, err)
	}
	var all []kv.Access
	started := false
	for a, err := range tracer.Trace(t.Context(), kv.TraceOptions{Source: kv.TraceWatch, Window: time.Minute}) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Key == "begin" {
			if !started {
				started = true
				go do()
			}
			continue
		}
		if a.Key == "end" {
			break
		}
		all = append(all, *a)
	}
	return all
}

// Reads are reads, writes are writes, once each; and a value that was gone as it was written is told.
func TestWatch(t *testing.T) {
	server := servertest.Memcached(t, servertest.MemcachedOptions{})
	c := server.MemcachedClient(t)
	done := make(chan bool)
	knock := server.MemcachedClient(t)
	go func() { // shows when the watch is on
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				knock.Must(t, "END", "get begin")
			}
		}
	}()
	ended := make(chan bool)
	all := watched(t, "memcached://"+server.Addr, func() {
		defer close(ended)
		for i := range 100 {
			c.Must(t, "STORED", fmt.Sprintf("set page:%d 0 60 5\r\nhello", i))
			c.Must(t, "STORED", fmt.Sprintf("set trap:%d 0 2592001 5\r\nhello", i))
			c.Must(t, "END", "get nothing")
			c.Send(t, "get page:0\r\n")
			for c.Line(t) != "END" {
			}
		}
		c.Must(t, "END", "get end")
		c.Must(t, "END", "get end") // a read is known for one when the next one has come
	})
	<-ended
	close(done)
	count := map[string]int{}
	for _, a := range all {
		template, _, _ := strings.Cut(a.Key, ":")
		if a.Key == "page:0" && a.Kind == kv.OpRead {
			template = "page:0"
		}
		count[fmt.Sprintf("%s %d %v", template, a.Kind, a.Dead)]++
		if a.Kind == kv.OpWrite && a.Bytes != 5 {
			t.Fatalf("%+v", a)
		}
	}
	for what, want := range map[string]int{
		"page 2 false": 100, "trap 2 true": 100, "nothing 1 false": 100, "page:0 1 false": 100,
	} {
		if count[what] != want {
			t.Errorf("%s: %d, want %d; all: %v", what, count[what], want, count)
		}
	}
}
