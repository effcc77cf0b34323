package cmd_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/adapters/redis"
	"github.com/kvtool/kvtool/cmd"
	"github.com/kvtool/kvtool/internal/faultproxy"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/report"
)

// hosted plays in front of a server what is documented of a service: commands that it does not have, what INFO does not tell, and the
// one node that some show in place of a cluster.
func hosted(t *testing.T, server string, s *redis.Service) string {
	t.Helper()
	var own atomic.Pointer[string]
	addr := faultproxy.Play(t, server, func(words []string, pass func() []byte) []byte {
		if refusal := s.Answers(words); refusal != "" {
			return []byte("-" + refusal + "\r\n")
		}
		if s.OneNode && strings.EqualFold(words[0], "CLUSTER") {
			return oneNode(words[1], *own.Load())
		}
		reply := pass()
		if strings.EqualFold(words[0], "INFO") && len(reply) > 0 && reply[0] == '$' {
			return faultproxy.Bulk(told(s, string(reply[bytes.IndexByte(reply, '\n')+1:])))
		}
		return reply
	})
	own.Store(&addr)
	return addr
}

// oneNode answers as a cluster whose slots are all on the node at addr.
func oneNode(question, addr string) []byte {
	host, port, _ := net.SplitHostPort(addr)
	id := strings.Repeat("a", 40)
	switch strings.ToUpper(question) {
	case "SLOTS":
		return fmt.Appendf(nil, "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$%d\r\n%s\r\n:%s\r\n$40\r\n%s\r\n", len(host), host, port, id)
	case "NODES":
		return faultproxy.Bulk(id + " " + addr + "@0 myself,master - 0 0 1 connected 0-16383\n")
	}
	return faultproxy.Bulk("cluster_enabled:1\r\ncluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\n")
}

// told is what the service tells of what a server says in INFO.
func told(s *redis.Service, info string) string {
	var text strings.Builder
	says, _, _ := strings.Cut(s.Says, ":")
	for line := range strings.Lines(strings.TrimSuffix(info, "\r\n")) {
		name, _, _ := strings.Cut(line, ":")
		lacks := slices.ContainsFunc(s.Lacks, func(l string) bool { return strings.HasPrefix(name, l) })
		if lacks || name == says || name == "cluster_enabled" || slices.Contains(s.Lacks, "db") && strings.HasPrefix(line, "# Keyspace") {
			continue
		}
		text.WriteString(line)
	}
	if s.Says != "" {
		text.WriteString(s.Says + "\r\n")
	}
	if s.OneNode {
		text.WriteString("cluster_enabled:1\r\n")
	}
	return text.String()
}

// invoke runs kvtool and returns how it ends.
func invoke(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = cmd.Main(args, &cmd.Env{
		Stdin: strings.NewReader(""), Stdout: &o, Stderr: &e, Getenv: func(string) string { return "" }, Now: time.Now,
		Adapters: adapters.All(), Open: adapters.Open,
	})
	return code, o.String(), e.String()
}

// reading are the commands that read a live server: {} is the target, {dir} a folder of the test's own. They come in this order.
var reading = [...]string{
	"doctor {}",
	"audit {}",
	"triage {} --window 100ms",
	"skew {}",
	"drift ttl {}",
	"drift orphans {} --recheck 1ms --ref order:{uid}:{n}=user:{uid}",
	"drift snapshot {} --out {dir}/1.kvr",
	"drift snapshot {} --out {dir}/2.kvr",
	"drift growth {dir}/1.kvr {dir}/2.kvr",
	"export {} -o csv",
	"hotkeys {} --source lfu",
	"keydesign infer {}",
}

// command returns the arguments of one of reading.
func command(of, target, dir string) []string {
	args := strings.Fields(strings.ReplaceAll(of, "{dir}", filepath.ToSlash(dir)))
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "{}", target)
		if ref, refers, ok := strings.Cut(a, "}=user"); ok {
			args[i] = ref + "} needs user" + refers
		}
	}
	return args
}

// readable starts a server with something for each of these commands to find.
func readable(t *testing.T) *servertest.Server {
	t.Helper()
	server := servertest.Redis(t, servertest.Options{Args: []string{"--maxmemory-policy", "allkeys-lfu", "--maxmemory", "100mb"}})
	c := server.Client(t)
	c.Fill(t, 60, func(i int) []string {
		return []string{"SET", fmt.Sprint("user:", i), strings.Repeat("v", i), "EX", "10000"}
	})
	c.Fill(t, 60, func(i int) []string { return []string{"HSET", fmt.Sprintf("order:%d:%d", i, i+100), "f", "v"} })
	return server
}

// TestHostedServices has every reading command at every service: each ends with a report of all keys, in which what the service does
// not tell is missing or modelled, and said to be. Where nothing tells which keys are used, that is the report of hot ones.
func TestHostedServices(t *testing.T) {
	t.Parallel()
	server := readable(t)
	for _, s := range redis.Services() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			addr := hosted(t, server.Addr, &s)
			targets := []string{"redis://" + addr}
			if s.OneNode {
				targets = append(targets, "redis+cluster://"+addr)
			}
			for _, target := range targets {
				dir := t.TempDir()
				for _, of := range reading {
					code, out, errs := invoke(command(of, target, dir)...)
					heatless := strings.HasPrefix(of, "hotkeys") && s.Answers([]string{"OBJECT", "FREQ"}) != ""
					if heatless && (code != 4 || out == "" || !strings.Contains(errs, "--trace")) || !heatless && (code != 0 || out == "") {
						t.Errorf("%s: exit %d: %s%s", of, code, errs, out)
					}
				}
				checkHosted(t, &s, target)
			}
		})
	}
}

// checkHosted holds the audit of a service to what it can tell.
func checkHosted(t *testing.T, s *redis.Service, target string) {
	t.Helper()
	_, out, errs := invoke("audit", target, "-o", "json")
	var r report.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v: %s", err, errs)
	}
	if r.Coverage.Keys != 120 || !r.Coverage.Complete {
		t.Errorf("coverage %+v", r.Coverage)
	}
	for fact, words := range map[string][]string{"size": {"MEMORY", "USAGE"}, "encoding": {"OBJECT", "ENCODING"}, "type": {"TYPE"}, "ttl": {"PTTL"}} {
		how := r.Target.How(fact)
		if refused := s.Answers(words) != ""; refused == (how == "measured") {
			t.Errorf("%s is %s", fact, how)
		}
	}
	notes := strings.Join(r.Target.Notes, "\n")
	if told := s.Says != ""; told != strings.Contains(notes, "This is "+s.Name+".") {
		t.Errorf("notes: %s", notes)
	}
	_, out, _ = invoke("triage", target, "--window", "100ms")
	if slices.Contains(s.Blocked, "config") && !strings.Contains(out, "NOT RULED OUT") && len(s.Lacks) > 0 {
		t.Errorf("a triage without CONFIG that rules everything out: %s", out)
	}
}
