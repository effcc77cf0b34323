package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/manifest"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// emitFlags say how the parts of a load are run by somebody else.
type emitFlags struct {
	emit      string
	parts     int
	startIn   time.Duration
	image     string
	name      string
	namespace string
	secret    string
	claim     string
}

// emitK8s is the one form that there is.
const emitK8s = "k8s-job"

func (e *emitFlags) bind(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&e.emit, "emit", "", "run nothing: print what a scheduler is to run, `k8s-job`: an Indexed Job of Kubernetes (1.29 or newer)")
	f.IntVar(&e.parts, "parts", 0, "with --emit: into how many parts the load is divided")
	f.DurationVar(&e.startIn, "start-in", 3*time.Minute, "with --emit: when all begin, from now on: until then the pods must be there, and keys filled")
	f.StringVar(&e.image, "k8s-image", "", "with --emit: an image whose entry point is this version of kvtool (default kvtool:VERSION)")
	f.StringVar(&e.name, "k8s-name", "", "with --emit: the job's name (default kvtool-SCENARIO)")
	f.StringVar(&e.namespace, "k8s-namespace", "", "with --emit: the job's namespace")
	f.StringVar(&e.secret, "k8s-secret", "", "with --emit: `NAME[/KEY]` of the secret that holds the store's password")
	f.StringVar(&e.claim, "k8s-claim", "", "with --emit: `NAME` of the volume claim that results are written to (default: into the log)")
	fixedValues(c, "emit", emitK8s)
}

// check refuses flags that do not go together.
func (e *emitFlags) check(c *cobra.Command) error {
	given := func(names ...string) string {
		for _, name := range names {
			if c.Flags().Changed(name) {
				return "--" + name
			}
		}
		return ""
	}
	if e.emit == "" {
		if name := given("parts", "start-in", "k8s-image", "k8s-name", "k8s-namespace", "k8s-secret", "k8s-claim"); name != "" {
			return kv.WithHint(kv.Usagef("%s without --emit", name), "--emit "+emitK8s+" prints a job; --part I/N runs one part")
		}
		return nil
	}
	switch {
	case e.emit != emitK8s:
		return kv.WithHint(kv.Usagef("--emit %s", e.emit), "there is "+emitK8s)
	case e.parts < 1 || e.parts > mostParts:
		return kv.WithHint(kv.Usagef("--emit without a number of parts"), fmt.Sprintf("--parts 8; %d at most", mostParts))
	case e.startIn < 0 || given("start-in") != "" && given("start-at") != "":
		return kv.WithHint(kv.Usagef("--start-in"), "a time from now on, 3m, or --start-at, not both")
	}
	if name := given("output", "out", "hlog", "part"); name != "" {
		return kv.WithHint(kv.Usagef("%s with --emit", name), "each part writes its run into its log, or with --k8s-claim into a volume; load merge reads either")
	}
	return nil
}

// emitLoad prints the job.
func emitLoad(ctx context.Context, env *Env, c *cobra.Command, o *loadFlags, e *emitFlags, args []string) error {
	l := &loading{loaded: loaded{env: env}, o: o}
	if err := l.read(); err != nil {
		return err
	}
	target, err := e.target(ctx, env, args)
	if err != nil {
		return err
	}
	if e.parts > 1 && !o.writes {
		return kv.WithHint(kv.Usagef("parts cannot tell whose keys a store holds: those of other parts are there, too"), "--allow-writes, if the store is not used by anybody else")
	}
	files, err := filesOf(l.scenario)
	if err != nil {
		return err
	}
	j := &manifest.Job{
		Name: e.name, Namespace: e.namespace, Image: e.image, Parts: e.parts, CPU: workersOf(o.workers, e.parts), Files: files, Claim: e.claim,
	}
	if j.Name == "" {
		j.Name = manifest.Name("kvtool-" + l.scenario.Name)
	}
	if j.Image == "" {
		j.Image = "kvtool:" + strings.Trim(notTag.ReplaceAllString(tool().Version, "-"), "-.")
	}
	begin := l.start
	if begin.IsZero() {
		begin = env.Now().Add(e.startIn).Truncate(time.Second)
	}
	secrets, hints := e.secrets(env, target, j.Name)
	j.Secrets = secrets
	j.Args = e.args(c, target, j, begin)
	j.Comment = append([]string{
		fmt.Sprintf("kvtool load run -s %s in %d parts, all from %s on.", l.scenario.Name, e.parts, begin.UTC().Format(time.RFC3339)),
		"Apply it before. The image must have kvtool " + tool().Version + " as its entry point.",
	}, hints...)
	j.Comment = append(j.Comment, e.collect(j))
	if err := j.Write(env.Stdout); err != nil {
		return &codeError{exitUsage, err}
	}
	return nil
}

// notTag is what a tag of an image must not hold.
var notTag = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// collect says how the parts are put together.
func (e *emitFlags) collect(j *manifest.Job) string {
	if j.Claim != "" {
		return "Then, where the volume is mounted: kvtool load merge " + j.Name + "-*.kvr"
	}
	in := ""
	if j.Namespace != "" {
		in = "-n " + j.Namespace + " "
	}
	return "Then: kubectl logs " + in + "-l app.kubernetes.io/instance=" + j.Name + " --tail=-1 | kvtool load merge -"
}

// target resolves what is to be loaded, and refuses what a pod cannot load.
func (e *emitFlags) target(ctx context.Context, env *Env, args []string) (kv.Target, error) {
	if len(args) == 0 {
		return kv.Target{}, kv.WithHint(kv.Usagef("--emit without a TARGET"), "name the store as the pods reach it: redis://cache.shop.svc:6379")
	}
	t, err := env.resolve(ctx, args, true)
	if err != nil {
		return t, err
	}
	if prod := env.prodOf(args[0], t); prod != "" {
		return t, kv.WithHint(kv.Usagef("%s is env: prod: it is never loaded", prod), "load a copy: kvtool serve dump.rdb")
	}
	if t.URL == nil || t.URL.Host == "" {
		return t, kv.WithHint(kv.Usagef("%s is no server: every pod would load a store of its own", t), "name one: redis://HOST:PORT")
	}
	for name := range t.Query {
		if slices.Contains([]string{"tls_ca", "tls_cert", "tls_key"}, name) {
			return t, kv.WithHint(kv.Usagef("%s: %s names a file of this machine, which is not in the pods", t, name), "an image that trusts the store's authority needs none")
		}
	}
	return t, nil
}

// secrets are the variables with passwords, and how the secret is made that holds them.
func (e *emitFlags) secrets(env *Env, t kv.Target, job string) ([]manifest.Secret, []string) {
	name, key, _ := strings.Cut(e.secret, "/")
	if name == "" {
		name = job
	}
	if key == "" {
		key = "password"
	}
	var all []manifest.Secret
	if t.Password != "" || e.secret != "" {
		all = append(all, manifest.Secret{Variable: "KVTOOL_PASSWORD", Name: name, Key: key})
	}
	if env.Getenv("KVTOOL_SENTINEL_PASSWORD") != "" || len(t.Query["sentinel_password"]) > 0 {
		all = append(all, manifest.Secret{Variable: "KVTOOL_SENTINEL_PASSWORD", Name: name, Key: "sentinel-" + key})
	}
	if len(all) == 0 {
		return nil, nil
	}
	hint := "The password is that of a secret: kubectl create secret generic " + name
	for _, s := range all {
		hint += " --from-literal=" + s.Key + "=…"
	}
	return all, []string{hint}
}

// podScenario is what every part finds the scenario in.
const podScenario = "kvscenario.yaml"

// filesOf are the scenario and the schema that it names.
func filesOf(s *scenario.Scenario) ([]manifest.File, error) {
	files := []manifest.File{{Name: podScenario, Text: string(s.Text)}}
	_, err := scenario.Parse(podScenario, s.Text, func(path string) ([]byte, error) {
		if path != filepath.Base(path) || path == podScenario {
			return nil, fmt.Errorf("%s: the files of a job have no folders: name it by its name alone, and not %s", path, podScenario)
		}
		data, err := os.ReadFile(path)
		files = append(files, manifest.File{Name: path, Text: string(data)})
		return data, reason(err)
	})
	return files, err
}

// workersOf is how many workers, and processors, each part has: the same everywhere, so that the arrivals are those of one run.
func workersOf(asked, parts int) int {
	if asked > 0 {
		return asked
	}
	const told = 64 // workers that a scenario's checks can tell apart
	return min(max(told/parts, 1), 2)
}

// args are those of every part: what was given here, but for what says where and when.
func (e *emitFlags) args(c *cobra.Command, t kv.Target, j *manifest.Job, begin time.Time) []string {
	args := []string{
		"load", "run", literal(t.String()), "--scenario=" + podScenario,
		"--part=env:" + manifest.Index + "/" + strconv.Itoa(j.Parts), "--start-at=" + begin.UTC().Format(time.RFC3339),
		"--workers=" + strconv.Itoa(j.CPU), "--progress=none",
	}
	own := []string{"scenario", "workers", "start-at", "progress", "emit", "parts", "start-in", "config", "trust-project", "debug"}
	c.Flags().Visit(func(f *pflag.Flag) {
		switch list, several := f.Value.(pflag.SliceValue); {
		case slices.Contains(own, f.Name) || strings.HasPrefix(f.Name, "k8s-"):
		case several:
			for _, v := range list.GetSlice() {
				args = append(args, literal("--"+f.Name+"="+v))
			}
		default:
			args = append(args, literal("--"+f.Name+"="+f.Value.String()))
		}
	})
	if j.Claim != "" {
		return append(args, "--out="+manifest.Results+"/"+j.Name+"-$("+manifest.Index+").kvr")
	}
	return append(args, "--out=-")
}

// literal keeps a cluster from taking a part of an argument for a variable.
func literal(arg string) string { return strings.ReplaceAll(arg, "$(", "$$(") }
