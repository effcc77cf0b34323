package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// replicating makes a user of the rights that the pages of support and of snapshots name for a reader of snapshots.
func replicating(t *testing.T, servers ...*servertest.Server) {
	t.Helper()
	for _, s := range servers {
		rights := strings.Fields(leastRights(false) + clusterGrant + " +psync +replconf")
		s.Client(t).Must(t, append([]string{"ACL", "SETUSER", "reader", "reset", "on", ">s3cret-word"}, rights...)...)
	}
}

// streamed reads a target by its stream, and returns the names of its keys with where they are.
func streamed(t *testing.T, url string) (places map[string]string, info *kv.Info) {
	t.Helper()
	s, plan := openPlanned(t, url)
	if strings.Contains(plan.String(), "word") || len(plan.Burden) == 0 {
		t.Errorf("the plan is %s", plan.String())
	}
	records, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.AllFields})
	if err != nil {
		t.Fatalf("after %d records: %v (%s)", len(records), err, kv.Hint(err))
	}
	places = map[string]string{}
	for _, r := range records {
		if _, again := places[r.Key]; again {
			t.Errorf("%s came twice", r.Key)
		}
		places[r.Key] = r.Place
		if r.Has(kv.FieldSlot) && r.Slot != slot.Of(r.Key) {
			t.Errorf("%s is in slot %d", r.Key, r.Slot)
		}
	}
	_, info = factsOf(t, s)
	return places, info
}

// fullSyncs returns how many snapshots a server has sent.
func fullSyncs(t *testing.T, s *servertest.Server, auth string) int64 {
	t.Helper()
	c := s.Client(t)
	if auth != "" {
		c.Must(t, "AUTH", auth)
	}
	text, _ := c.Must(t, "INFO", "stats").(string)
	return parseInfo(text).number("sync_full")
}

// TestStreamTLS reads a snapshot over TLS as a user who may do no more than that, from memory and by way of a disk; one without the rights
// is told what to grant.
func TestStreamTLS(t *testing.T) {
	t.Parallel()
	for _, diskless := range []string{"yes", "no"} {
		server := servertest.Redis(t, servertest.Options{TLS: true, Args: []string{
			"--requirepass", "default-word", "--repl-diskless-sync", diskless, "--repl-diskless-sync-delay", "0",
		}})
		c := server.Client(t)
		c.Must(t, "AUTH", "default-word")
		writeEveryType(t, c)
		rights := strings.Fields(leastRights(false) + " +psync +replconf")
		c.Must(t, append([]string{"ACL", "SETUSER", "reader", "reset", "on", ">s3cret-word"}, rights...)...)
		url := "rediss://reader:s3cret-word@" + server.Addr + "/0?via=psync&tls_ca=" + server.CA
		if got, info := streamed(t, url); len(got) != 337 || strings.Contains(fmt.Sprint(info), "s3cret") {
			t.Errorf("diskless %s: %d keys; %+v", diskless, len(got), info)
		}
		c.Must(t, "ACL", "SETUSER", "reader", "-psync")
		s, _ := openPlanned(t, url) // that right shows only when it is used
		if _, err := collect(t.Context(), s, kv.ScanOptions{}); err == nil || !strings.Contains(kv.Hint(err), "SETUSER reader +replconf +psync") {
			t.Errorf("%v (%s)", err, kv.Hint(err))
		}
		c.Must(t, "ACL", "SETUSER", "reader", "+psync", "-replconf")
		s = openURL(t, url)
		if _, err := s.(kv.Planner).Plan(t.Context()); err == nil || !strings.Contains(kv.Hint(err), "SETUSER reader +replconf +psync") {
			t.Errorf("%v (%s)", err, kv.Hint(err))
		}
	}
}

// TestStreamTLSEnds has the server end while its snapshot is read over TLS: what was read stands, and the rest is an error with a hint.
func TestStreamTLSEnds(t *testing.T) {
	t.Parallel()
	server := servertest.Redis(t, servertest.Options{TLS: true, Args: []string{"--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"}})
	server.Client(t).Fill(t, 4000, func(i int) []string {
		return []string{"SET", fmt.Sprint("key:", i), strings.Repeat(fmt.Sprint(i), 2000)}
	})
	s, _ := openPlanned(t, "rediss://"+server.Addr+"?via=psync&timeout=30s&tls_ca="+server.CA)
	n := 0
	var last error
	for _, err := range s.Scan(t.Context(), kv.ScanOptions{}) {
		if last = err; err != nil {
			break
		}
		if n++; n == 100 {
			server.Stop()
		}
	}
	if n < 100 || n == 4000 || last == nil || !strings.Contains(last.Error(), "ended the stream after") || kv.Hint(last) == "" {
		t.Errorf("after %d keys: %v (%s)", n, last, kv.Hint(last))
	}
}

// TestStreamSentinel reads what sentinels name: the primary, or a replica that is better left to fork.
func TestStreamSentinel(t *testing.T) {
	t.Parallel()
	w := servertest.StartSentinels(t, servertest.Distribution,
		[]string{"--requirepass", "server-word", "--masterauth", "server-word"},
		[]string{"requirepass sentinel-word", "sentinel sentinel-pass sentinel-word", "sentinel auth-pass main server-word"})
	primary := w.Servers[0].Client(t)
	primary.Must(t, "AUTH", "server-word")
	for _, s := range w.Servers { // a replica has users of its own
		c := s.Client(t)
		c.Must(t, "AUTH", "server-word")
		rights := strings.Fields(leastRights(false) + " +psync +replconf")
		c.Must(t, append([]string{"ACL", "SETUSER", "reader", "reset", "on", ">s3cret-word"}, rights...)...)
	}
	primary.Fill(t, 500, func(i int) []string { return []string{"SET", fmt.Sprint("key:", i), "x"} })
	w.WaitReplicas(t)
	base := "redis+sentinel://reader:s3cret-word@" + w.Sentinels[0].Addr + "/main?sentinel_password=sentinel-word&via=psync"
	before := fullSyncs(t, w.Servers[0], "server-word")
	got, info := streamed(t, base+"&replica=prefer")
	if len(got) != 500 || !strings.Contains(fmt.Sprint(info.Notes), "This is a replica") {
		t.Errorf("%d keys, %q", len(got), info.Notes)
	}
	if n := fullSyncs(t, w.Servers[0], "server-word"); n != before {
		t.Errorf("the primary has forked %d times", n-before)
	}
	if got, _ := streamed(t, base); len(got) != 500 {
		t.Errorf("%d keys", len(got))
	}
	if n := fullSyncs(t, w.Servers[0], "server-word"); n != before+1 {
		t.Errorf("the primary has sent %d snapshots, want one", n-before)
	}
}

// TestStreamCluster reads a cluster over TLS by its snapshots: each primary's, or each of a replica; and one node alone.
func TestStreamCluster(t *testing.T) {
	t.Parallel()
	c := servertest.Cluster(t, servertest.ClusterOptions{TLS: true})
	replicating(t, c.Primaries...)
	replicating(t, c.Replicas...)
	of := map[string]int{}
	for i := range 300 {
		key := fmt.Sprint("key:", i)
		of[key] = first(slot.Of(key))
		c.Primaries[of[key]].Client(t).Must(t, "SET", key, "x")
	}
	c.WaitReplicas(t)
	params := "?via=psync&tls_ca=" + c.Primaries[0].CA
	for mode, servers := range map[string][]*servertest.Server{"no": c.Primaries, "only": c.Replicas} {
		got, info := streamed(t, "rediss+cluster://reader:s3cret-word@"+c.Primaries[1].Addr+params+"&replica="+mode)
		if len(got) != len(of) || len(info.Ledger) == 0 {
			t.Errorf("replica=%s: %d keys of %d", mode, len(got), len(of))
		}
		for key, place := range got {
			if want := servers[of[key]].Addr; place != want {
				t.Errorf("replica=%s: %s is at %s, want %s", mode, key, place, want)
			}
		}
	}
	own := 0
	for _, at := range of {
		if at == 2 {
			own++
		}
	}
	for _, node := range []*servertest.Server{c.Primaries[2], c.Replicas[2]} {
		got, info := streamed(t, "rediss://reader:s3cret-word@"+node.Addr+params)
		if len(got) != own || !strings.Contains(fmt.Sprint(info.Notes), "one node of a cluster") {
			t.Errorf("%d keys of one node, want %d: %q", len(got), own, info.Notes)
		}
	}
}
