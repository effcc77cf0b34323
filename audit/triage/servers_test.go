package triage_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// examsOf opens a target and returns the lines to its servers.
func examsOf(t *testing.T, target string) []kv.Exam {
	t.Helper()
	parsed, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	store, err := adapters.Open(t.Context(), parsed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	e, err := kv.ExaminerOf(store)
	if err != nil {
		t.Fatal(err)
	}
	exams, err := e.Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range exams {
		t.Cleanup(func() { x.Close() })
	}
	return exams
}

// span watches a server while something is done.
func span(t *testing.T, e kv.Exam, do func()) *triage.Observation {
	t.Helper()
	s := triage.Begin(t.Context(), e)
	do()
	return s.End(context.WithoutCancel(t.Context()))
}

// broken lists the rules about how a server is set up that it breaks, with what is said of each.
func broken(o *triage.Observation) (rules map[string]string, unknown []triage.Unknown) {
	d := triage.Setup(o)
	rules = map[string]string{}
	for _, c := range d.Causes {
		rules[c.Rule] += c.Message + "\n"
	}
	return rules, d.Unknown
}

// A real server that is set up wrongly in one way after the other, and used wrongly while it is watched.
func TestSetupOfARealServer(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{Args: []string{"--maxmemory", "64mb", "--maxmemory-policy", "volatile-lru", "--appendonly", "yes"}})
	c := s.Client(t)
	config := func(name, value string) func() { return func() { c.Must(t, "CONFIG", "SET", name, value) } }
	fill := func(n int, args ...string) func() {
		return func() {
			c.Fill(t, n, func(i int) []string {
				return append([]string{"SET", "page:" + strconv.Itoa(i), strings.Repeat("x", 1000)}, args...)
			})
		}
	}
	same := func(command ...string) func() {
		return func() { c.Fill(t, 12_000, func(int) []string { return command }) }
	}
	lasting := .9
	queue := func(o *triage.Observation) { o.Design = &triage.Design{Kept: []string{"q"}} }
	exam := examsOf(t, "redis://"+s.Addr)[0]
	for _, step := range []struct {
		rule, says string
		do         func()
		know       func(*triage.Observation)
	}{
		{"SV004", "whoever is on the host", func() {}, nil},
		{"SV013", "the user default may send KEYS, FLUSHALL", func() {}, nil},
		{"SV035", "take 90% of the memory", func() {}, func(o *triage.Observation) { o.Lasting = &lasting }},
		{"SV036", "at this rate the memory is full in", fill(10_000), nil},
		{"SV006", "of the reads found nothing, while it was watched", same("GET", "nobody"), nil},
		{"SV029", "SCAN is used as a query", same("SCAN", "0"), nil},
		{"SV032", "appendfsync no", config("appendfsync", "no"), nil},
		{"SV034", "never rewritten", config("auto-aof-rewrite-percentage", "0"), nil},
		{"SV002", "allkeys-lru may evict what must not be lost: q", config("maxmemory-policy", "allkeys-lru"), queue},
		{"SV007", "it may have evicted q", config("maxmemory", "8mb"), queue},
		{"SV002", "and the schema says noeviction", func() {}, func(o *triage.Observation) { o.Design = &triage.Design{Policy: "noeviction"} }},
		{"SV001", "caches are never evicted", func() { config("maxmemory", "0")(); config("maxmemory-policy", "noeviction")() }, func(o *triage.Observation) {
			o.Design = &triage.Design{Caches: []string{"page"}}
		}},
	} {
		none, _ := broken(span(t, exam, func() {}))
		if strings.Contains(none[step.rule], step.says) && step.rule != "SV004" && step.rule != "SV013" {
			t.Errorf("%s is broken before it was: %s", step.rule, none[step.rule])
		}
		o := span(t, exam, step.do)
		if step.know != nil {
			step.know(o)
		}
		if got, unknown := broken(o); !strings.Contains(got[step.rule], step.says) {
			t.Errorf("%s: %q; %v, %v", step.rule, step.says, got, unknown)
		}
	}
	c.Must(t, "ACL", "SETUSER", "default", "resetpass", "nocommands", "+@all", "-@dangerous", "+info", ">pw")
	exam = examsOf(t, "redis://:pw@"+s.Addr)[0]
	got, unknown := broken(span(t, exam, func() {}))
	if got["SV004"] != "" || got["SV013"] != "" || !slices.ContainsFunc(unknown, func(u triage.Unknown) bool { return u.Rule == "dangerous-commands" }) {
		t.Errorf("a user without rights: %v, %v", got, unknown)
	}
}

// Calls of ours are no use that others make of a server.
func TestSpanWithoutOurs(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	c := s.Client(t)
	c.Must(t, "SET", "x", "1")
	exam := examsOf(t, "redis://"+s.Addr)[0]
	o := span(t, exam, func() {
		c.Fill(t, 2000, func(int) []string { return []string{"SCAN", "0"} })
		c.Fill(t, 200, func(int) []string { return []string{"OBJECT", "ENCODING", "x"} })
	})
	if got, _ := broken(o); got["SV029"] == "" {
		t.Errorf("%v", got)
	}
	o.Own["scan"], o.Own["object|encoding"] = 2000, 200
	if got, _ := broken(o); got["SV029"] != "" {
		t.Errorf("ours: %s", got["SV029"])
	}
}

// A cluster all of whose nodes are on one host, then one whose primary has lost its replica, then one that has lost slots.
func TestSetupOfACluster(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, servertest.ClusterOptions{})
	target := "redis+cluster://" + c.Primaries[0].Addr
	look := func() []map[string]string {
		var all []map[string]string
		for _, e := range examsOf(t, target) {
			got, _ := broken(span(t, e, func() {}))
			all = append(all, got)
		}
		return all
	}
	all := look()
	if len(all) != 3 {
		t.Fatalf("%d primaries", len(all))
	}
	for _, got := range all {
		if !strings.Contains(got["SV031"], "every replica is on the host of its primary, 127.0.0.1") || got["SV030"] != "" || got["TR015"] != "" {
			t.Errorf("%v", got)
		}
	}
	c.Replicas[0].Stop()
	servertest.Until(t, "the replica is missed", func() bool {
		return slices.ContainsFunc(look(), func(got map[string]string) bool { return strings.Contains(got["SV030"], "its 5,461 slots are gone") })
	})
	for _, p := range c.Primaries { // each by itself: what one gives up the others keep in mind
		p.Client(t).Do("CLUSTER", "DELSLOTS", "16383")
	}
	servertest.Until(t, "the slot is missed", func() bool {
		return !slices.ContainsFunc(look(), func(got map[string]string) bool { return !strings.Contains(got["TR015"], "1 of 16,384 slots") })
	})
	var seen []*triage.Observation
	for _, e := range examsOf(t, target) {
		seen = append(seen, span(t, e, func() {}))
	}
	var r report.Report
	triage.Report(&r, seen)
	r.Findings = slices.DeleteFunc(r.Findings, func(f report.Finding) bool { return f.Rule != "TR015" })
	if len(r.Findings) != 1 || r.Findings[0].Subject != "cluster" {
		t.Errorf("each of three nodes says that the cluster is not whole, and once is enough: %+v", r.Findings)
	}
}

// A primary whose backlog holds less than a tenth of a second of what is written, and one whose backlog is larger.
func TestSetupOfABacklog(t *testing.T) {
	t.Parallel()
	primary, _ := servertest.Pair(t, nil, nil)
	c, value := primary.Client(t), strings.Repeat("x", 256<<10)
	look := func() string {
		exam := examsOf(t, "redis://"+primary.Addr)[0]
		got, _ := broken(span(t, exam, func() {
			c.Fill(t, 400, func(int) []string { return []string{"SET", "page", value} })
			c.Must(t, "WAIT", "1", "0") // what is confirmed is no gap
		}))
		return got["SV016"]
	}
	if got := look(); !strings.Contains(got, "the backlog of 1.00 MiB holds") {
		t.Errorf("%q", got)
	}
	c.Must(t, "CONFIG", "SET", "repl-backlog-size", "1gb")
	if got := look(); got != "" {
		t.Errorf("of a larger one: %q", got)
	}
}

// A table whose reads are throttled while it is audited, which is known of no table that nobody has read.
func TestPlantedThrottling(t *testing.T) {
	t.Parallel()
	endpoint := servertest.DynamoDB(t)
	makeTable(t, endpoint)
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	server := httputil.NewSingleHostReverseProxy(to)
	var scans, refused atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Scan") && scans.Add(1) <= refused.Load() {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"no"}`)
			return
		}
		server.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	parsed, err := kv.ParseTarget("dynamodb://shop?endpoint=" + proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	store, err := adapters.Open(t.Context(), parsed)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	exams, err := store.(kv.Examiner).Examine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	throttling := func(u triage.Unknown) bool { return u.Rule == "throttled" }
	read := func() {
		for _, err := range store.Scan(t.Context(), kv.ScanOptions{}) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, unknown := broken(span(t, exams[0], func() {})); !slices.ContainsFunc(unknown, throttling) {
		t.Errorf("nobody has read, and throttling is ruled out: %v", unknown)
	}
	if got, unknown := broken(span(t, exams[0], read)); got["TR022"] != "" || slices.ContainsFunc(unknown, throttling) {
		t.Errorf("nothing is throttled: %v, %v", got, unknown)
	}
	refused.Store(scans.Load() + 2)
	if got, _ := broken(span(t, exams[0], read)); !strings.HasPrefix(got["TR022"], "2 of the requests") {
		t.Errorf("two reads are throttled: %v", got)
	}
}

// Sentinels that agree too soon, and one that has nobody to put in a primary's place.
func TestSetupBehindSentinels(t *testing.T) {
	t.Parallel()
	w := servertest.StartSentinels(t, "", nil, nil)
	target := "redis+sentinel://" + w.Sentinels[0].Addr + "/main"
	look := func() (map[string]string, []triage.Unknown) { return broken(span(t, examsOf(t, target)[0], func() {})) }
	if got, _ := look(); got["SV033"] != "" || got["SV030"] != "" || got["SV031"] == "" {
		t.Errorf("%v", got)
	}
	c := w.Sentinels[0].Client(t)
	c.Must(t, "SENTINEL", "SET", "main", "quorum", "1")
	if got, _ := look(); !strings.Contains(got["SV033"], "the quorum is 1 of 3 sentinels") {
		t.Errorf("%v", got)
	}
	c.Must(t, "SENTINEL", "SET", "main", "quorum", "5")
	if got, _ := look(); !strings.Contains(got["SV033"], "they never agree") {
		t.Errorf("%v", got)
	}
}
