package triage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
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

// A line is to one server, for being watched once.
type line struct {
	exam   kv.Exam
	opt    triage.Options
	hangUp func()
}

// open opens a target as the command does: a server that does not serve may be asked all the same.
func open(t *testing.T, target string, long time.Duration) line {
	t.Helper()
	parsed, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	l := line{opt: triage.Options{Window: long}}
	closing := func() error { return nil }
	var e kv.Examiner
	store, err := adapters.Open(t.Context(), parsed)
	var unwell *kv.Unwell
	switch {
	case errors.As(err, &unwell):
		e, l.opt.Since = unwell, unwell.Since
	case err != nil:
		t.Fatal(err)
	default:
		closing = store.Close
		if e, err = kv.ExaminerOf(store); err != nil {
			t.Fatal(err)
		}
	}
	exams, err := e.Examine(t.Context())
	if err != nil || len(exams) != 1 {
		t.Fatal(exams, err)
	}
	l.exam = exams[0]
	l.hangUp = func() { _ = errors.Join(exams[0].Close(), closing()) } // it was only read
	return l
}

// watch watches for a window.
func (l line) watch(t *testing.T) *triage.Observation {
	defer l.hangUp()
	return triage.Watch(context.WithoutCancel(t.Context()), l.exam, l.opt)
}

// observe watches a server as the command does, and shorter.
func observe(t *testing.T, target string, long time.Duration) *triage.Observation {
	t.Helper()
	return open(t, target, long).watch(t)
}

// A busied exam does something before its second sign of life.
type busied struct {
	kv.Exam
	pings int
	do    func()
}

func (b *busied) Ping(ctx context.Context) (time.Duration, error) {
	if b.pings++; b.pings == 2 {
		b.do()
	}
	return b.Exam.Ping(ctx)
}

func causes(d triage.Diagnosis) []string {
	var ids []string
	for _, c := range d.Causes {
		ids = append(ids, c.Rule)
	}
	return ids
}

// windows are for how long a server is watched whose plant has set in, until it was found: a machine that is kept busy by others may not
// let a client of the first window do anything, and most of what is planted shows in a tenth of a second. One that is well may look ill
// there as often, less one.
func windows() []time.Duration { return []time.Duration{window / 3, window, window} }

// window is for how long a server is watched that may need it.
const window = 300 * time.Millisecond

// Each cause that is planted ranks first, and of two that are planted the first two are these. A server beside, which is well, has none.
func TestPlanted(t *testing.T) {
	beside := servertest.Redis(t, servertest.Options{})
	c := beside.Client(t)
	again(t, func() bool {
		time.Sleep(5 * time.Millisecond)
		_, failed := c.Do("INCR", "visits").(error)
		return !failed
	})
	var all [][]string
	for _, name := range slices.Sorted(maps.Keys(plants())) {
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
		{"thread", "unread"},
		{"network", "waiting"},
		{"orphan", "copies"},
		{"forks", "resync"},
		{"nofolder", "holes"},
		{"headroom", "swapped"},
		{"restarted", "slots"},
		{"waiting", "gap"},
		{"disk", "unread"},
	}...) {
		t.Run(strings.Join(names, "+"), func(t *testing.T) { planted(t, names, "redis://"+beside.Addr) })
	}
}

func planted(t *testing.T, names []string, beside string) {
	all := plants()
	if !slices.ContainsFunc(names, func(n string) bool { return !all[n].waits }) {
		t.Parallel()
	}
	target, during := sow(t, names)
	var d, other triage.Diagnosis
	found, well := false, false
	for _, long := range windows() {
		l, near := open(t, target, long), open(t, beside, long)
		if during != nil {
			l.exam = &busied{Exam: l.exam, do: during}
		}
		var watched sync.WaitGroup
		watched.Go(func() { other = triage.Judge(near.watch(t)) })
		d = triage.Judge(l.watch(t))
		watched.Wait()
		found, well = found || lead(d, names), well || len(other.Causes) == 0
		if found && well {
			return
		}
	}
	if !found {
		t.Errorf("%v is not what comes first\n%s", names, told(d))
	}
	if !well {
		t.Errorf("the server beside is well\n%s", told(other))
	}
}

// sow plants in a server of its own, and returns the target that suffers and what is to happen while it is watched.
func sow(t *testing.T, names []string) (target string, during func()) {
	all := plants()
	if p := all[names[0]]; p.elsewhere != nil {
		return p.elsewhere(t), nil
	}
	var o servertest.Options
	var libs []string
	for _, n := range names {
		o.Args = append(o.Args, all[n].args...)
		if lib := all[n].lib; lib != "" {
			libs = append(libs, servertest.Library(t, lib))
		}
	}
	o.Preload = strings.Join(libs, ":")
	s := servertest.Redis(t, o)
	for _, n := range slices.Backward(names) { // what keeps the thread last, so that the other is sown in time
		p := all[n]
		if p.sow != nil {
			p.sow(t, s)
		}
		if p.during != nil {
			during = func() { p.during(t, s) }
		}
	}
	return "redis://" + s.Addr, during
}

// lead reports whether the causes that were planted are the first ones.
func lead(d triage.Diagnosis, names []string) bool {
	if len(d.Causes) < len(names) {
		return false
	}
	for _, n := range names {
		p := plants()[n]
		if !slices.ContainsFunc(d.Causes[:len(names)], func(c triage.Cause) bool { return c.Rule == p.rule && strings.Contains(c.Message, p.says) }) {
			return false
		}
	}
	return true
}

// docs/triage.md says of each cause how it is planted in the tests.
func TestPlantedDocs(t *testing.T) {
	how := map[string][]string{"TR022": {"a proxy before a server of DynamoDB's protocol that turns an audit's reads away"}}
	for _, name := range slices.Sorted(maps.Keys(plants())) {
		p := plants()[name]
		how[p.rule] = append(how[p.rule], p.how)
	}
	var b strings.Builder
	b.WriteString("| rule | planted by |\n|---|---|\n")
	for _, r := range triage.CauseRules() {
		if len(how[r.ID]) == 0 {
			t.Errorf("no test plants %s", r.ID)
		}
		fmt.Fprintf(&b, "| `%s` %s | %s |\n", r.ID, r.Name, strings.Join(how[r.ID], "; "))
	}
	writeTable(t, "planted", b.String())
}

func told(d triage.Diagnosis) string {
	var b strings.Builder
	for _, c := range d.Causes {
		fmt.Fprintf(&b, "%.2f %s %s: %s\n", c.Weight, c.Severity, c.Rule, c.Message)
	}
	return b.String()
}

// A server that is stopped before it is asked does not answer, and that is known since it was asked first.
func TestStopped(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	halt(t, s)
	l := open(t, "redis://"+s.Addr+"?timeout=500ms", 100*time.Millisecond)
	d := triage.Judge(l.watch(t))
	if since := l.opt.Since; since.IsZero() || !slices.Equal(causes(d), []string{"TR001"}) || !strings.Contains(d.Causes[0].Message, since.UTC().Format("15:04:05.0")) {
		t.Errorf("since %s\n%s", since, told(d))
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
	l := open(t, "memcached://"+s.Addr, window)
	l.opt.Every = 20 * time.Millisecond
	l.exam = &storing{l.exam, store}
	d := triage.Judge(l.watch(t))
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
	for range 2 { // a machine that is kept busy by others may make the first one look ill
		d = triage.Judge(observe(t, "redis://"+s.Addr, window))
		if len(d.Causes) == 0 && len(d.Unknown) == 0 {
			return
		}
	}
	t.Errorf("%s%v", told(d), d.Unknown)
}

// A client that has announced a large value and not sent it yet has memory of the server that nobody has touched: it is not swapped out.
func TestAnnounced(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	conn, err := net.Dial("unix", s.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, "*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$419430400\r\n"); err != nil {
		t.Fatal(err)
	}
	c := s.Client(t)
	servertest.Until(t, "there is a place for it", func() bool { return number(c, "memory", "mem_clients_normal") > 400<<20 })
	for _, x := range triage.Judge(observe(t, "redis://"+s.Addr, 20*time.Millisecond)).Causes {
		if x.Rule == "SV008" {
			t.Errorf("%s", x.Message)
		}
	}
}

// The rights that docs/triage.md names are enough, and without any one of them nothing is taken for a fault.
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
	halt(t, s)
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
