package redis

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// A canned connection has all of a scan's answers ready, so that what is left is the client's own work.
type canned struct {
	net.Conn
	data []byte
}

func (c *canned) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.data)
	c.data = c.data[n:]
	return n, nil
}
func (c *canned) Write(p []byte) (int, error)      { return len(p), nil }
func (c *canned) Close() error                     { return nil }
func (c *canned) SetReadDeadline(time.Time) error  { return nil }
func (c *canned) SetWriteDeadline(time.Time) error { return nil }

// cannedScan returns a scan of pages of 500 keys and the answers to it.
func cannedScan(pages int) (sc *scan, answers []byte) {
	attributes := ""
	for range countMost {
		attributes += "+string\r\n:86400000\r\n$6\r\nembstr\r\n:88\r\n"
	}
	text := ""
	for p := range pages {
		cursor := fmt.Sprint(p + 1)
		if p == pages-1 {
			cursor = "0"
		}
		var keys []string
		for i := range 500 {
			keys = append(keys, fmt.Sprintf("session:%016x", p*500+i))
		}
		text += page(cursor, keys...)
		if p > 0 {
			text += attributes
		}
	}
	text += attributes
	return &scan{
		opt: kv.ScanOptions{Want: kv.FieldType | kv.FieldTTL | kv.FieldEncoding | kv.FieldSize}, abilities: &abilities{}, count: countMost, words: map[string]string{},
		yield: func(*kv.Record) bool { return true },
	}, []byte(text)
}

// run reads the answers as the scan of one database.
func (c *canned) run(sc *scan, answers []byte) error {
	c.data = answers
	sc.link, sc.plans, sc.place = newLink(c, time.Second), nil, place{cursor: "0"}
	if err := sc.prepare(); err != nil {
		return err
	}
	return sc.database()
}

// TestAllocations holds the scan to one allocation a key, its name, besides what a page and a scan cost.
func TestAllocations(t *testing.T) {
	sc, answers := cannedScan(20)
	sc.ctx = t.Context()
	n := testing.AllocsPerRun(5, func() {
		if err := (&canned{}).run(sc, answers); err != nil {
			t.Fatal(err)
		}
	})
	if perKey := n / 10000; perKey > 1.05 {
		t.Errorf("%.3f allocations a key", perKey)
	}
}

// BenchmarkClient measures what the client does for a key, without a server or a socket.
func BenchmarkClient(b *testing.B) {
	sc, answers := cannedScan(20)
	sc.ctx = b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if err := (&canned{}).run(sc, answers); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10000, "ns/key")
}

// BenchmarkServer scans 200,000 keys of a real server: CPU of the client and of the server by key, and the rate.
func BenchmarkServer(b *testing.B) {
	server := servertest.Redis(b, servertest.Options{})
	c := server.Client(b)
	const keys = 200000
	c.Fill(b, keys, func(i int) []string {
		return []string{"SET", fmt.Sprintf("session:%016x", i), "some value", "EX", "100000"}
	})
	s := openURL(b, "redis://"+server.Addr)
	b.ReportAllocs()
	cpu, serverCPU := cpuTime(b, os.Getpid()), cpuTime(b, server.PID)
	for b.Loop() {
		n := 0
		for _, err := range s.Scan(b.Context(), kv.ScanOptions{Want: kv.AllFields}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n < keys {
			b.Fatalf("%d keys", n)
		}
	}
	all := float64(b.N) * keys
	b.ReportMetric(float64(cpuTime(b, os.Getpid())-cpu)/all, "client-ns/key")
	b.ReportMetric(float64(cpuTime(b, server.PID)-serverCPU)/all, "server-ns/key")
	b.ReportMetric(all/b.Elapsed().Seconds(), "keys/s")
}

// cpuTime reads the CPU time that a process has used, user and system: fields 14 and 15 of its stat, in ticks of 10 ms.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skip("no /proc to read CPU times from")
	}
	var ticks int64
	_, fields, _ := strings.Cut(string(text), ") ") // the name before may hold blanks
	for i, field := range strings.Fields(fields) {
		if i == 11 || i == 12 {
			var n int64
			fmt.Sscan(field, &n)
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}
