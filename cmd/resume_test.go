package cmd_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/internal/keygen"
	"github.com/kvtool/kvtool/internal/servertest"
)

// frozen is the time of audits that are compared.
const frozen = "2026-01-15T12:00:00Z"

// comparable returns a report without what differs between two audits of the same keys: what was looked at, and how long
// that took.
func comparable(t *testing.T, path string) string {
	t.Helper()
	var r map[string]any
	if err := json.Unmarshal([]byte(read(t, path)), &r); err != nil {
		t.Fatal(err)
	}
	delete(r, "target")
	delete(r["coverage"].(map[string]any), "elapsed")
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The dumps of a cluster's nodes, each audited by itself and saved, say together what the audit of all of them at once says.
func TestMergedDumpsEqualTheDirectory(t *testing.T) {
	t.Parallel()
	dir, out := t.TempDir(), t.TempDir()
	// These do not say when they were made, so that all are of the time that --now gives.
	files := []string{
		"keys_with_expiry", "multiple_databases", "parser_filters", "regular_set", "regular_sorted_set", "dictionary", "integer_keys",
		"hash_as_ziplist", "linkedlist", "ziplist_with_integers", "easily_compressible_string_key",
	}
	merge := []string{"report", "merge", "-o", "json=" + filepath.Join(out, "merged.json")}
	for _, name := range files {
		path, saved := filepath.Join(dir, name+".rdb"), filepath.Join(out, name+".kvr")
		write(t, path, read(t, filepath.Join("..", "testdata", "rdb", "corpus", name+".rdb")))
		run(t, 0, "audit", "rdb:"+path+"?cluster=on", "--now", frozen, "--save", saved, "-q")
		merge = append(merge, saved)
	}
	run(t, 0, merge...)
	run(t, 0, "audit", "rdb:"+dir, "--now", frozen, "-o", "json="+filepath.Join(out, "whole.json"))
	want := comparable(t, filepath.Join(out, "whole.json"))
	if d := cmp.Diff(want, comparable(t, filepath.Join(out, "merged.json"))); d != "" {
		t.Errorf("(-directory +merged):\n%s", d)
	}
	for _, section := range []string{`"name": "nodes"`, `"name": "slots"`, `"name": "templates"`} {
		if !strings.Contains(want, section) {
			t.Errorf("the report has no %s", section)
		}
	}
}

// An audit of a server that is interrupted, and once more, and then gone on with, says what one audit says; one of a server
// that has been started anew in between cannot be gone on with.
func TestResumedAuditEqualsTheWhole(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	load(t, s, keygen.New(20_000))
	out := t.TempDir()
	file := func(name string) string { return filepath.Join(out, name) }
	target := "redis://" + s.Addr
	// What is idle grows from one audit to the next, the server's own memory changes, and so does how fast it answers.
	only := "templates,totals,sizes,names,ttl,types,biggest,longest,streams"
	run(t, 4, "audit", target, "--only", only, "--max-impact", "off", "--now", frozen, "--rate", "4k/s", "--timeout", "1500ms", "--save", file("1.kvr"), "-q")
	run(t, 4, "audit", target, "--only", only, "--max-impact", "off", "--now", frozen, "--rate", "4k/s", "--timeout", "1500ms", "--resume", file("1.kvr"), "--save", file("2.kvr"), "-q")
	run(t, 0, "audit", "--only", only, "--max-impact", "off", "--now", frozen, "--resume", file("2.kvr"), "--save", file("3.kvr"), "-o", "json="+file("resumed.json"))
	run(t, 0, "audit", target, "--only", only, "--max-impact", "off", "--now", frozen, "-o", "json="+file("whole.json"))
	if d := cmp.Diff(comparable(t, file("whole.json")), comparable(t, file("resumed.json"))); d != "" {
		t.Errorf("(-whole +resumed):\n%s", d)
	}
	if !strings.Contains(read(t, file("resumed.json")), `"keys": 20010`) {
		t.Error("not all keys were read")
	}
	if text := fails(t, 2, "report", "merge", file("1.kvr"), file("3.kvr")); !strings.Contains(text, "hold the same audit") {
		t.Errorf("an interrupted audit and the same, gone on with: %s", text)
	}
	_, port, _ := strings.Cut(s.Addr, ":")
	s.Stop()
	servertest.Redis(t, servertest.Options{Args: []string{"--port", port}})
	text := fails(t, 2, "audit", target, "--only", only, "--max-impact", "off", "--now", frozen, "--resume", file("2.kvr"))
	if !strings.Contains(text, "started anew") || !strings.Contains(text, "hint: begin anew, without --resume") {
		t.Errorf("%s", text)
	}
}

// fails is run for what is printed on stderr.
func fails(t *testing.T, code int, args ...string) string {
	t.Helper()
	got, _, errs := invoke(args...)
	if got != code {
		t.Fatalf("kvtool %q: exit code %d, want %d: %s", args, got, code, errs)
	}
	return errs
}
