package triage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// A plant makes a server slow in one way, until the test ends, and returns once it is so.
type plant struct {
	rule string
	args []string // of the server
	sow  func(t *testing.T, s *servertest.Server)
}

// again calls f in a goroutine until the test ends or f says that it is over.
func again(t *testing.T, f func() bool) {
	t.Helper()
	var running sync.WaitGroup
	end := make(chan struct{})
	running.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
				if !f() {
					return
				}
			}
		}
	})
	t.Cleanup(func() { close(end); running.Wait() })
}

// loop sends one command after the other.
func loop(t *testing.T, s *servertest.Server, words ...string) {
	t.Helper()
	c := s.Client(t)
	c.Must(t, words...) // once is enough to know that it works
	again(t, func() bool { _, failed := c.Do(words...).(error); return !failed })
}

const plantedKeys = 20_000

func sowLua(t *testing.T, s *servertest.Server) {
	loop(t, s, "EVAL", "local x = 0 for i = 1, 150000 do x = x + i end return x", "0")
}

func sowBigValue(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	c.Fill(t, 5000, func(i int) []string {
		return []string{"HSET", "profile:all", "f" + strconv.Itoa(i), strings.Repeat("x", 1000)}
	})
	loop(t, s, "HGETALL", "profile:all")
}

func sowFull(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	n := 0
	set := func(int) []string { n++; return []string{"SET", "page:" + strconv.Itoa(n), strings.Repeat("x", 1000)} }
	servertest.Until(t, "memory is full", func() bool {
		c.Fill(t, 2000, set)
		return number(c, "stats", "evicted_keys") > 0
	})
	again(t, func() bool { return c.Send(20, set) == nil })
}

func sowUnread(t *testing.T, s *servertest.Server) {
	s.Client(t).Must(t, "SET", "blob", strings.Repeat("x", 256<<10))
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, strings.Repeat("GET blob\r\n", 200)); err != nil {
		t.Fatal(err)
	}
	c := s.Client(t)
	servertest.Until(t, "answers wait", func() bool { return number(c, "memory", "mem_clients_normal") > 32<<20 })
}

func sowStopped(t *testing.T, s *servertest.Server) {
	replica := servertest.Redis(t, servertest.Options{Args: []string{"--repl-ping-replica-period", "1"}})
	host, port, _ := net.SplitHostPort(s.Addr)
	replica.Client(t).Must(t, "REPLICAOF", host, port)
	c := s.Client(t)
	servertest.Until(t, "the replica follows", func() bool { return strings.Contains(info(c, "replication"), "state=online") })
	if err := syscall.Kill(replica.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	servertest.Until(t, "the replica lags", func() bool {
		_, rest, _ := strings.Cut(info(c, "replication"), "lag=")
		lag, _, _ := strings.Cut(rest, "\r\n")
		n, _ := strconv.Atoi(lag)
		return n >= 3
	})
}

func sowKeys(t *testing.T, s *servertest.Server) {
	s.Client(t).Fill(t, plantedKeys, func(i int) []string { return []string{"SET", "user:" + strconv.Itoa(i), "x"} })
	loop(t, s, "KEYS", "*nobody*")
}

func sowChurn(t *testing.T, s *servertest.Server) {
	for range 2 {
		again(t, func() bool {
			c, err := servertest.Dial("tcp", s.Addr)
			if err != nil {
				return false
			}
			defer c.Close()
			_, failed := c.Do("PING").(error)
			return !failed
		})
	}
}

func sowExpired(t *testing.T, s *servertest.Server) {
	c := s.Client(t)
	c.Must(t, "CONFIG", "SET", "hz", "1") // one search a second, of 250 ms
	at := time.Now().Add(1500 * time.Millisecond).UnixMilli()
	for i := range 4 {
		c.Must(t, "EVAL", "for i = 1, 50000 do redis.call('SET', KEYS[1] .. i, '', 'PXAT', ARGV[1]) end", "1", fmt.Sprint("session:", i, ":"), fmt.Sprint(at))
	}
	servertest.Until(t, "keys are past their time", func() bool {
		return time.Now().UnixMilli() > at && number(c, "stats", "expired_stale_perc") > 10
	})
}

func info(c *servertest.Client, section string) string {
	text, _ := c.Do("INFO", section).(string)
	return text
}

func number(c *servertest.Client, section, name string) float64 {
	_, rest, _ := strings.Cut(info(c, section), name+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	x, _ := strconv.ParseFloat(value, 64)
	return x
}

var plants = map[string]plant{
	"lua":      {"TR003", nil, sowLua},
	"keys":     {"TR004", nil, sowKeys},
	"bigvalue": {"TR005", nil, sowBigValue},
	"full":     {"SV007", []string{"--maxmemory", "24mb", "--maxmemory-policy", "allkeys-lru"}, sowFull},
	"unread":   {"TR010", nil, sowUnread},
	"stopped":  {"SV016", []string{"--repl-diskless-sync-delay", "0"}, sowStopped},
	"churn":    {"TR011", nil, sowChurn},
	"expired":  {"SV011", nil, sowExpired},
}

// observe watches a server as the command does, and shorter.
func observe(t *testing.T, target string) *triage.Observation {
	t.Helper()
	return observeFor(t, target, 300*time.Millisecond)
}

func observeFor(t *testing.T, target string, window time.Duration) *triage.Observation {
	t.Helper()
	parsed, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	store, err := adapters.Open(t.Context(), parsed)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	e, err := kv.ExaminerOf(store)
	if err != nil {
		t.Fatal(err)
	}
	exams, err := e.Examine(t.Context())
	if err != nil || len(exams) != 1 {
		t.Fatal(exams, err)
	}
	defer exams[0].Close()
	return triage.Watch(context.WithoutCancel(t.Context()), exams[0], triage.Options{Window: window})
}

func causes(d triage.Diagnosis) []string {
	var ids []string
	for _, c := range d.Causes {
		ids = append(ids, c.Rule)
	}
	return ids
}

// Each cause that is planted ranks first, and of two that are planted the first two are these.
func TestPlanted(t *testing.T) {
	for _, names := range [][]string{
		{"lua"},
		{"keys"},
		{"bigvalue"},
		{"full"},
		{"unread"},
		{"stopped"},
		{"churn"},
		{"expired"},
		{"churn", "unread"},
		{"bigvalue", "unread"},
		{"keys", "stopped"},
		{"lua", "full"},
	} {
		t.Run(strings.Join(names, "+"), func(t *testing.T) {
			var args, want []string
			for _, n := range names {
				args = append(args, plants[n].args...)
				want = append(want, plants[n].rule)
			}
			s := servertest.Redis(t, servertest.Options{Args: args})
			for i := len(names) - 1; i >= 0; i-- { // what keeps the thread last, so that the other is sown in time
				plants[names[i]].sow(t, s)
			}
			slices.Sort(want)
			var d triage.Diagnosis
			for range attempts {
				d = triage.Judge(observe(t, "redis://"+s.Addr))
				got := causes(d)
				if len(got) >= len(want) && slices.Equal(slices.Sorted(slices.Values(got[:len(want)])), want) {
					return
				}
			}
			t.Errorf("want %v first\n%s", want, told(d))
		})
	}
}

// attempts is how often a server is watched: on a machine that has no time for it, what is planted may do nothing for a while.
const attempts = 8

func told(d triage.Diagnosis) string {
	var b strings.Builder
	for _, c := range d.Causes {
		fmt.Fprintf(&b, "%.2f %s %s: %s\n", c.Weight, c.Severity, c.Rule, c.Message)
	}
	return b.String()
}

// A server that is stopped is one that does not answer: before it is asked, and while it is watched.
func TestStopped(t *testing.T) {
	s := servertest.Redis(t, servertest.Options{})
	parsed, err := kv.ParseTarget("redis://" + s.Addr + "?timeout=100ms")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(s.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	_, err = adapters.Open(t.Context(), parsed)
	var unwell *kv.Unwell
	if !errors.As(err, &unwell) {
		t.Fatal(err)
	}
	exams, err := unwell.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer exams[0].Close()
	d := triage.Judge(triage.Watch(t.Context(), exams[0], triage.Options{Window: 100 * time.Millisecond, Since: unwell.Since}))
	if !slices.Equal(causes(d), []string{"TR001"}) || !strings.Contains(d.Causes[0].Message, unwell.Since.UTC().Format("15:04:05.0")) {
		t.Errorf("since %s\n%s", unwell.Since, told(d))
	}
	if err := syscall.Kill(s.PID, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	e := &stopping{Exam: exams[0], pid: s.PID}
	d = triage.Judge(triage.Watch(t.Context(), e, triage.Options{Window: 2 * time.Second}))
	if !slices.Equal(causes(d), []string{"TR001"}) || !strings.Contains(d.Causes[0].Message, "nothing is answered") {
		t.Errorf("%v\n%s", causes(d), told(d))
	}
}

// A stopping exam stops the process before its second sign of life.
type stopping struct {
	kv.Exam
	pid, pings int
}

func (s *stopping) Ping(ctx context.Context) (time.Duration, error) {
	if s.pings++; s.pings == 2 {
		if err := syscall.Kill(s.pid, syscall.SIGSTOP); err != nil {
			return 0, err
		}
	}
	return s.Exam.Ping(ctx)
}

// A script that runs for longer than the server's patience is named, and the rest is not ruled out.
func TestScriptRuns(t *testing.T) {
	s := servertest.Redis(t, servertest.Options{Args: []string{"--lua-time-limit", "10"}})
	script := s.Client(t)
	again(t, func() bool { script.Do("EVAL", "while true do end", "0"); return false })
	c := s.Client(t)
	servertest.Until(t, "the script runs", func() bool { return strings.HasPrefix(fmt.Sprint(c.Do("PING")), "BUSY") })
	t.Cleanup(func() { c.Do("SCRIPT", "KILL") })
	parsed, err := kv.ParseTarget("redis://" + s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	_, err = adapters.Open(t.Context(), parsed)
	var unwell *kv.Unwell
	if !errors.As(err, &unwell) {
		t.Fatal(err)
	}
	exams, err := unwell.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer exams[0].Close()
	d := triage.Judge(triage.Watch(t.Context(), exams[0], triage.Options{Window: 50 * time.Millisecond}))
	if !slices.Equal(causes(d), []string{"TR020"}) || len(d.Unknown) == 0 {
		t.Errorf("%v\n%s", causes(d), told(d))
	}
}

// Memcached that evicts with each write.
func TestPlantedMemcached(t *testing.T) {
	s := servertest.Memcached(t, servertest.MemcachedOptions{Args: []string{"-m", "2"}})
	c := s.MemcachedClient(t)
	n := 0
	store := func(count int) {
		c.Fill(t, count, func(int) (string, int, string) { n++; return fmt.Sprint("page:", n), 0, strings.Repeat("x", 2000) })
	}
	store(20_000)
	e := &storing{store: store}
	parsed, err := kv.ParseTarget("memcached://" + s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := adapters.Open(t.Context(), parsed)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	examiner, err := kv.ExaminerOf(opened)
	if err != nil {
		t.Fatal(err)
	}
	exams, err := examiner.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer exams[0].Close()
	e.Exam = exams[0]
	d := triage.Judge(triage.Watch(t.Context(), e, triage.Options{Window: 300 * time.Millisecond, Every: 20 * time.Millisecond}))
	if ids := causes(d); len(ids) == 0 || ids[0] != "SV007" || len(d.Unknown) > 0 {
		t.Errorf("%v %v\n%s", ids, d.Unknown, told(d))
	}
}

// A storing exam stores before each sign of life.
type storing struct {
	kv.Exam
	store func(n int)
}

func (s *storing) Ping(ctx context.Context) (time.Duration, error) {
	s.store(300)
	return s.Exam.Ping(ctx)
}

// A server that is busy and well has no cause named.
func TestHealthy(t *testing.T) {
	s := servertest.Redis(t, servertest.Options{Args: []string{"--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"}})
	fill := s.Client(t)
	fill.Fill(t, 10_000, func(i int) []string { return []string{"SET", "user:" + strconv.Itoa(i), "value", "EX", "3600"} })
	fill.Fill(t, 1000, func(i int) []string { return []string{"HSET", "cart:" + strconv.Itoa(i), "a", "1", "b", "2", "c", "3"} })
	for w := range 3 {
		c, i := s.Client(t), 0
		again(t, func() bool {
			i++
			id := strconv.Itoa(i * 7919 % 1000)
			commands := [][]string{
				{"GET", "user:" + id},
				{"HGETALL", "cart:" + id},
				{"SET", "user:" + id, "value", "EX", "3600"},
				{"EVAL", "return redis.call('GET', KEYS[1])", "1", "user:" + id},
				{"LPUSH", fmt.Sprint("log:", w), id},
				{"LTRIM", fmt.Sprint("log:", w), "0", "99"},
			}
			_, failed := c.Do(commands[i%len(commands)]...).(error)
			return !failed
		})
	}
	d := triage.Judge(observe(t, "redis://"+s.Addr))
	if len(d.Causes) > 0 || len(d.Unknown) > 0 {
		t.Errorf("%s%v", told(d), d.Unknown)
	}
}

// The rights that docs/triage.md names are enough, and without any one of them there is less, and no failure.
func TestRights(t *testing.T) {
	doc, err := os.ReadFile("../../docs/triage.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "ACL SETUSER triage on >PASSWORD ")
	line, _, ok2 := strings.Cut(rest, "```")
	if !ok || !ok2 {
		t.Fatal("docs/triage.md names no rights")
	}
	rights := strings.Fields(line)
	s := servertest.Redis(t, servertest.Options{})
	c := s.Client(t)
	for without := -1; without < len(rights); without++ {
		left := slices.Clone(rights)
		if without >= 0 {
			if !strings.HasPrefix(rights[without], "+") {
				continue
			}
			left = slices.Delete(left, without, without+1)
		}
		c.Must(t, append([]string{"ACL", "SETUSER", "triage", "reset", "on", ">pw"}, left...)...)
		d := triage.Judge(observeFor(t, "redis://triage:pw@"+s.Addr, 20*time.Millisecond))
		if len(d.Causes) > 0 || without < 0 && len(d.Unknown) > 0 {
			t.Errorf("with %v: %v, %v", left, told(d), d.Unknown)
		}
	}
}
