package cmd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/loadgen/manifest"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/report/kvr"
)

// emitted runs load run --emit k8s-job and returns the documents that it prints, which the published schema of Kubernetes accepts.
func emitted(t *testing.T, schemas string, args ...string) (files, job map[string]any, text string) {
	t.Helper()
	text, stderr, code := in(t, append([]string{"load", "run", "--emit", "k8s-job"}, args...)...)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	docs := strings.Split(text, "---\n")
	if len(docs) != 2 {
		t.Fatalf("%d documents:\n%s", len(docs), text)
	}
	var all [2]map[string]any
	for i, kind := range []string{"configmap-v1", "job-batch-v1"} {
		n, err := yamlfile.Read(kind, []byte(docs[i]), 1<<20)
		if err != nil {
			t.Fatalf("%v\n%s", err, docs[i])
		}
		value := anyOf(t, n)
		s, err := jsonschema.NewCompiler().Compile(filepath.Join(schemas, kind+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(value); err != nil {
			t.Fatalf("%v\n%s", err, docs[i])
		}
		all[i], _ = value.(map[string]any)
	}
	return all[0], all[1], text
}

// publishedSchemas is where those of Kubernetes are, whatever folder a test goes to.
func publishedSchemas(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../testdata/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// anyOf is a YAML value as JSON has it.
func anyOf(t *testing.T, n yamlfile.Node) any {
	t.Helper()
	switch {
	case n.IsMapping():
		m := map[string]any{}
		if err := n.Each(func(v yamlfile.Node) error { m[v.Name()] = anyOf(t, v); return nil }); err != nil {
			t.Fatal(err)
		}
		return m
	case n.IsList():
		items, err := n.Items()
		if err != nil {
			t.Fatal(err)
		}
		list := make([]any, len(items))
		for i := range items {
			list[i] = anyOf(t, items[i])
		}
		return list
	}
	return n.Value()
}

// at follows a path of keys and indexes.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[step.(string)]
		case []any:
			v = x[step.(int)]
		default:
			t.Fatalf("%v: nothing at %v", path, step)
		}
	}
	return v
}

const podded = `kvscenario: 1
name: Podded Load
schema: pods.yaml
load: {conns: 6}
ops:
  write: {steps: [{cmd: [SET, "@item", "@item.value", PX, "@item.ttl"]}]}
  read: {steps: [{cmd: [GET, "@item"]}]}
mix: {read: 3, write: 1}
phases:
  - {name: fill, fill: [item], rate: max}
  - {name: steady, for: 1s, rate: {poisson: 200/s}}
thresholds: ["p50 < 10s"]
`

const podSchema = `kvschema: 1
fields:
  id: {type: int, cardinality: 90}
templates:
  item: {key: "item:{id}", type: string, value: {size: 32B}, ttl: {policy: fixed, value: 1m}}
`

// inFolder makes a folder that holds some files, for the time of the test.
func inFolder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestEmittedJobRuns does what a cluster does with the manifest: as many processes as it has completions, each with its arguments, its
// files and its index, which begin at the same time. What their logs hold, merged, is the sum of what each has counted, bucket for
// bucket; and together they have done what one process would have done.
func TestEmittedJobRuns(t *testing.T) {
	kvtool := Program(t)
	server := servertest.Redis(t, servertest.Options{})
	schemas := publishedSchemas(t)
	t.Chdir(inFolder(t, map[string]string{"pods.yaml": podSchema, "load.yaml": podded}))
	files, job, _ := emitted(t, schemas, "redis://"+server.Addr, "-s", "load.yaml", "--parts", "3", "--start-in", "4s", "--rate", "300/s", "--constant",
		"-d", "2s", "--allow-writes", "--keep", "--threshold", "p50 < 20s")
	const parts = 3
	if n := at(t, job, "spec", "completions"); n != parts {
		t.Fatalf("%v parts", n)
	}
	pod := at(t, job, "spec", "template", "spec", "containers", 0)
	folder := t.TempDir()
	for name, text := range at(t, files, "data").(map[string]any) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text.(string)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if at(t, pod, "workingDir") != manifest.Folder || at(t, pod, "volumeMounts", 0, "mountPath") != manifest.Folder {
		t.Error("the files are not where the process is")
	}
	logs := make([]string, parts)
	var wg sync.WaitGroup
	for i := range parts {
		var args []string
		for _, a := range at(t, pod, "args").([]any) {
			args = append(args, strings.ReplaceAll(strings.ReplaceAll(a.(string), "$("+manifest.Index+")", strconv.Itoa(i)), "$$(", "$("))
		}
		wg.Go(func() {
			c := exec.Command(kvtool, args...)
			c.Dir = folder
			c.Env = []string{manifest.Index + "=" + strconv.Itoa(i), "HOME=" + folder}
			out, _ := c.CombinedOutput() // its verdict on a busy machine is not what this is about
			logs[i] = filepath.Join(folder, "log-"+strconv.Itoa(i))
			if err := os.WriteFile(logs[i], out, 0o600); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	equalsSum(t, folder, logs)
}

// equalsSum merges logs by the command, and holds the result against a sum made here.
func equalsSum(t *testing.T, folder string, logs []string) {
	t.Helper()
	merged := filepath.Join(folder, "all.kvr")
	_, stderr, code := in(t, append([]string{"load", "merge", "--out", merged, "-q"}, logs...)...)
	all, err := OS().readRecording(t.Context(), merged)
	if err != nil {
		t.Fatalf("%v; merge: exit %d, %s", err, code, stderr)
	}
	var sum [3]latency.Histogram
	var due, done uint64
	names := map[int]bool{}
	for _, log := range logs {
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		runs, damaged := kvr.Armoured(b)
		if len(runs) != 1 || damaged != 0 {
			t.Fatalf("%d runs, %d damaged, in\n%s", len(runs), damaged, b)
		}
		doc, err := parseReport(log, runs[0])
		if err != nil {
			t.Fatal(err)
		}
		rec, err := recording.Load(doc)
		if err != nil {
			t.Fatal(err)
		}
		names[rec.Parts[0].Number] = true
		due, done = due+rec.Sum().Due, done+rec.Sum().Done
		for k := range sum {
			h, err := rec.Histogram(-1, recording.Kind(k), 0, len(rec.Seconds))
			if err != nil {
				t.Fatal(err)
			}
			sum[k].Merge(h)
		}
	}
	if len(names) != len(logs) || all.Sum().Due != due || all.Sum().Done != done || done == 0 {
		t.Errorf("parts %v: due %d, done %d, and merged %+v", names, due, done, all.Sum())
	}
	if due != 600 { // 300 a second for two seconds, evenly, whoever sends which and whenever it began
		t.Errorf("%d were due, and 600 are", due)
	}
	for k := range sum {
		h, err := all.Histogram(-1, recording.Kind(k), 0, len(all.Seconds))
		if err != nil || !h.Equal(&sum[k]) {
			t.Errorf("kind %d: %v, %d counts, and %d in the parts", k, err, h.Count(), sum[k].Count())
		}
	}
}

// TestEmit: a password is never printed, a volume takes the place of the log, and what no pod could run is refused.
func TestEmit(t *testing.T) {
	schemas := publishedSchemas(t)
	t.Chdir(inFolder(t, map[string]string{
		"pods.yaml": podSchema, "load.yaml": podded, "far.yaml": strings.Replace(podded, "pods.yaml", "./pods.yaml", 1),
		".kvtool.yaml": "version: 1\ntargets:\n  live: {url: 'redis://cache:6379', env: prod}\n",
	}))
	usual := []string{"redis://shop:" + canary + "@cache.shop.svc:6379", "-s", "load.yaml", "--parts", "8", "--allow-writes"}
	files, job, text := emitted(t, schemas, append(usual, "--k8s-claim", "results", "--k8s-secret", "shop/redis", "--k8s-namespace", "load", "--threshold", "p99 < 5ms")...)
	if strings.Contains(text, canary) {
		t.Errorf("the password is in\n%s", text)
	}
	data := at(t, files, "data").(map[string]any)
	if data["kvscenario.yaml"] != podded || data["pods.yaml"] != podSchema {
		t.Errorf("files: %q", data)
	}
	pod := at(t, job, "spec", "template", "spec", "containers", 0)
	args := strings.Join(strs(at(t, pod, "args")), "\n")
	for _, want := range []string{
		"redis://shop@cache.shop.svc:6379", "--part=env:JOB_COMPLETION_INDEX/8", "--start-at=20", "--threshold=p99 < 5ms", "--workers=2",
		"--allow-writes=true", "--out=/results/kvtool-podded-load-$(JOB_COMPLETION_INDEX).kvr", "--scenario=kvscenario.yaml",
	} {
		if !strings.Contains(args, want) {
			t.Errorf("no %s in\n%s", want, args)
		}
	}
	if at(t, pod, "env", 0, "valueFrom", "secretKeyRef", "name") != "shop" || at(t, pod, "env", 0, "valueFrom", "secretKeyRef", "key") != "redis" {
		t.Errorf("%v", at(t, pod, "env"))
	}
	if at(t, job, "metadata", "name") != "kvtool-podded-load" || at(t, job, "metadata", "namespace") != "load" {
		t.Errorf("%v", at(t, job, "metadata"))
	}
	for want, args := range map[string][]string{
		"--parts 8":                      {"redis://h:1", "-s", "load.yaml"},
		"there is k8s-job":               {"redis://h:1", "-s", "load.yaml", "--parts", "2", "--emit", "nomad"},
		"no scenario":                    {"redis://h:1", "--parts", "2"},
		"without a TARGET":               {"-s", "load.yaml", "--parts", "2"},
		"a store of its own":             {"ref:?preset=empty", "-s", "load.yaml", "--parts", "2"},
		"file of this machine":           {"rediss://h:1?tls_ca=ca.pem", "-s", "load.yaml", "--parts", "2"},
		"env: prod":                      {"@live", "-s", "load.yaml", "--parts", "2"},
		"--allow-writes, if":             {"redis://h:1", "-s", "load.yaml", "--parts", "2"},
		"--out with --emit":              {"redis://h:1", "-s", "load.yaml", "--parts", "2", "--out", "x.kvr"},
		"have no folders":                {"redis://h:1", "-s", "far.yaml", "--parts", "2", "--allow-writes"},
		"small letters":                  {"redis://h:1", "-s", "load.yaml", "--parts", "2", "--allow-writes", "--k8s-name", "A"},
		"not both":                       {"redis://h:1", "-s", "load.yaml", "--parts", "2", "--start-in", "1s", "--start-at", "2026-03-01T10:00:00Z"},
		"--k8s-claim without --emit":     {"redis://h:1", "-s", "load.yaml", "--emit", "", "--k8s-claim", "x"},
		"JOB_COMPLETION_INDEX is not se": {"ref:?preset=empty", "-s", "load.yaml", "--emit", "", "--part", "env:JOB_COMPLETION_INDEX/2"},
	} {
		stdout, stderr, code := in(t, append([]string{"load", "run", "--emit", "k8s-job"}, args...)...)
		if code != exitUsage || !strings.Contains(stderr, want) || stdout != "" {
			t.Errorf("%v: exit %d, want %q in\n%s%s", args, code, want, stdout, stderr)
		}
	}
}

func strs(list any) []string {
	var all []string
	for _, v := range list.([]any) {
		s, _ := v.(string)
		all = append(all, s)
	}
	return all
}
