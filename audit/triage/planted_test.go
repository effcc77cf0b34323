package triage_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// observe watches a server as the command does, and shorter.
func observe(t *testing.T, target string, window time.Duration) *triage.Observation {
	t.Helper()
	parsed, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	opt := triage.Options{Window: window}
	var e kv.Examiner
	store, err := adapters.Open(t.Context(), parsed)
	var unwell *kv.Unwell
	switch {
	case errors.As(err, &unwell):
		e, opt.Since = unwell, unwell.Since
	case err != nil:
		t.Fatal(err)
	default:
		defer store.Close()
		if e, err = kv.ExaminerOf(store); err != nil {
			t.Fatal(err)
		}
	}
	exams, err := e.Examine(t.Context())
	if err != nil || len(exams) != 1 {
		t.Fatal(exams, err)
	}
	defer exams[0].Close()
	return triage.Watch(context.WithoutCancel(t.Context()), exams[0], opt)
}

func causes(d triage.Diagnosis) []string {
	var ids []string
	for _, c := range d.Causes {
		ids = append(ids, c.Rule)
	}
	return ids
}

// windows is how often a server is watched whose plant has set in, until it must have been found: a machine that is kept busy by others
// may not let a client of the first window do anything. One that is well may look ill there as often, less one.
const windows = 2

// Each cause that is planted ranks first, and of two that are planted the first two are these.
func TestPlanted(t *testing.T) {
	var all [][]string
	for _, name := range slices.Sorted(maps.Keys(plants)) {
		all = append(all, []string{name})
	}
	for _, names := range append(all, [][]string{
		{"churn", "unread"},
		{"bigvalue", "unread"},
		{"clients", "full"},
		{"lua", "full"},
		{"lua", "orphan"},
		{"unread", "stopped"},
		{"churn", "nofolder"},
		{"bigvalue", "resync"},
		{"headroom", "waiting"},
		{"churn", "orphan"},
		{"misses", "unread"},
	}...) {
		t.Run(strings.Join(names, "+"), func(t *testing.T) { planted(t, names) })
	}
}

func planted(t *testing.T, names []string) {
	var args, want []string
	for _, n := range names {
		p := plants[n]
		args, want = append(args, p.args...), append(want, p.rule)
	}
	if !slices.ContainsFunc(names, func(n string) bool { return !plants[n].waits }) {
		t.Parallel()
	}
	s := plantedServer(t, names, args)
	slices.Sort(want)
	var d triage.Diagnosis
	for range windows {
		d = triage.Judge(observe(t, "redis://"+s.Addr, 300*time.Millisecond))
		got := causes(d)
		if len(got) >= len(want) && slices.Equal(slices.Sorted(slices.Values(got[:len(want)])), want) {
			return
		}
	}
	t.Errorf("want %v first\n%s", want, told(d))
}

func plantedServer(t *testing.T, names, args []string) *servertest.Server {
	if p := plants[names[0]]; p.elsewhere != nil {
		return p.elsewhere(t)
	}
	s := servertest.Redis(t, servertest.Options{Args: args})
	for _, name := range slices.Backward(names) { // what keeps the thread last, so that the other is sown in time
		plants[name].sow(t, s)
	}
	return s
}

func told(d triage.Diagnosis) string {
	var b strings.Builder
	for _, c := range d.Causes {
		fmt.Fprintf(&b, "%.2f %s %s: %s\n", c.Weight, c.Severity, c.Rule, c.Message)
	}
	return b.String()
}

// A server that is stopped is one that does not answer: before it is asked, and while it is watched.
func TestStopped(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	parsed, err := kv.ParseTarget("redis://" + s.Addr + "?timeout=500ms")
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
	t.Parallel()
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
	if ids := causes(d); len(ids) == 0 || ids[0] != "SV007" || !slices.Equal(unruled(d), []string{"big-value", "slow-command", "client-buffers"}) {
		t.Errorf("%v %v\n%s", ids, d.Unknown, told(d))
	}
}

// unruled are the names of the rules that could not be ruled out.
func unruled(d triage.Diagnosis) (names []string) {
	for _, u := range d.Unknown {
		names = append(names, u.Rule)
	}
	return names
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
	var d triage.Diagnosis
	for range windows {
		d = triage.Judge(observe(t, "redis://"+s.Addr, 300*time.Millisecond))
		if len(d.Causes) == 0 && len(d.Unknown) == 0 {
			return
		}
	}
	t.Errorf("%s%v", told(d), d.Unknown)
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
		d := triage.Judge(observe(t, "redis://triage:pw@"+s.Addr, 20*time.Millisecond))
		if len(d.Causes) > 0 || without < 0 && len(d.Unknown) > 0 {
			t.Errorf("with %v: %v, %v", left, told(d), d.Unknown)
		}
	}
}

// A memcached that is stopped says nothing: since when, and what the connection does.
func TestStoppedMemcached(t *testing.T) {
	t.Parallel()
	s := servertest.Memcached(t, servertest.MemcachedOptions{})
	if err := syscall.Kill(s.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	o := observe(t, "memcached://"+s.Addr+"?timeout=500ms", 100*time.Millisecond)
	d := triage.Judge(o)
	if !slices.Equal(causes(d), []string{"TR001"}) || !strings.Contains(d.Causes[0].Message, "nothing is answered") || o.Since.Before(began) {
		t.Errorf("since %s\n%s", o.Since, told(d))
	}
	if err := syscall.Kill(s.PID, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if d := triage.Judge(observe(t, "memcached://"+s.Addr, 50*time.Millisecond)); len(d.Causes) > 0 {
		t.Errorf("it goes on\n%s", told(d))
	}
}
