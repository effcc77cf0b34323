package cmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// resolveProfile returns the target that a configuration calls name, with its password.
func (e *Env) resolveProfile(ctx context.Context, name string) (kv.Target, error) {
	p := e.conf.profile(name)
	if p == nil {
		return kv.Target{}, e.noProfile(name)
	}
	p, err := e.ofList(ctx, p, name)
	if err != nil {
		return kv.Target{}, err
	}
	t, err := kv.ParseTarget(p.Settings.Text("url"))
	if err != nil {
		return t, err
	}
	if !e.opens(t.Scheme) {
		return t, fmt.Errorf("%s: %w", p.from.origin(p.Settings["url"]), e.unknownScheme(t.Scheme))
	}
	if t.URL == nil && t.Path != "" && t.Path != "-" {
		t.Path = p.from.path(t.Path, "")
	}
	if u := p.Settings.Text("username"); u != "" {
		t.Username = u
	}
	p.addParams(&t, e.Getenv("HOME"))
	t = e.complete(ctx, t)
	password, err := e.password(ctx, p)
	if err == nil && password != "" {
		t.Password = password
	}
	return t, err
}

func (e *Env) noProfile(name string) error {
	if isPattern(name) {
		return kv.WithHint(kv.Usagef("@%s is a pattern of targets, and one target is wanted", name), fleetHint)
	}
	err := kv.Usagef("no target @%s", name)
	switch n := nearest(name, e.conf.names()); {
	case n != "":
		return kv.WithHint(err, "did you mean @"+n+"?")
	case e.conf == nil:
		return kv.WithHint(err, "there is no .kvtool.yaml here or above, nor a kvtool/config.yaml of the user")
	case len(e.conf.names()) == 0:
		return kv.WithHint(err, e.conf[0].Name+" names no targets")
	}
	return kv.WithHint(err, "targets: @"+strings.Join(e.conf.names(), ", @"))
}

// addParams adds what the profile says as parameters of the target. The target is checked for them when it is opened.
func (p *profile) addParams(t *kv.Target, home string) {
	for path, param := range map[string]string{
		"scan.replica": "replica", "tls.ca": "tls_ca", "tls.cert": "tls_cert", "tls.key": "tls_key",
		"tls.server_name": "tls_server_name", "tls.skip_verify": "tls_skip_verify",
	} {
		v := p.Settings.Text(path)
		switch path {
		case "tls.ca", "tls.cert", "tls.key":
			v = p.from.path(v, home)
		}
		if v == "" || t.Query.Get(param) != "" {
			continue
		}
		if t.Query == nil {
			t.Query = url.Values{}
		}
		t.Query.Set(param, v)
	}
}

// path returns a path that a file names, which counts from the file's folder, or from home after "~/". A path in the
// working folder is left as it is written.
func (s *configSource) path(path, home string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok && home != "" {
		return filepath.Join(home, rest)
	}
	if wd, err := os.Getwd(); err == nil && wd == s.dir {
		return path
	}
	return filepath.Join(s.dir, path)
}

// Bounds of what gives a password.
const (
	maxPassword    = 64 << 10 // bytes of a file or of what a command prints
	maxComplaint   = 4 << 10  // bytes of what a command says when it fails
	commandTimeout = time.Minute
)

// password returns the password of a profile, "" if it names none.
func (e *Env) password(ctx context.Context, p *profile) (kv.Secret, error) {
	for _, way := range []struct {
		key string
		get func(context.Context, *profile) (kv.Secret, error)
	}{{"password_command", e.passwordOfCommand}, {"password_file", e.passwordOfFile}, {"password_env", e.passwordOfEnv}} {
		v, ok := p.Settings[way.key]
		if !ok {
			continue
		}
		secret, err := way.get(ctx, p)
		if err != nil {
			err = fmt.Errorf("%s: %s of @%s: %w", p.from.origin(v), way.key, p.Name, err)
		}
		return secret, err
	}
	return "", nil
}

func (e *Env) passwordOfEnv(_ context.Context, p *profile) (kv.Secret, error) {
	name := p.Settings.Text("password_env")
	if !p.from.trusted && !strings.HasPrefix(name, ownVariables) {
		return "", errUntrusted("read the variable " + name)
	}
	if v := e.Getenv(name); v != "" {
		return kv.Secret(v), nil
	}
	return "", kv.Usagef("%s is not set", name)
}

// ownVariables begin the names of the variables that are meant for kvtool. A project's file may read no others: it also says
// where the password is sent.
const ownVariables = "KVTOOL_"

// errUntrusted is why a project's file is not followed.
func errUntrusted(what string) error {
	return kv.WithHint(kv.Usagef("a project's file may not %s by itself", what),
		"--trust-project allows it, if you know who wrote the file; a file of the user or of --config always may")
}

func (e *Env) passwordOfFile(_ context.Context, p *profile) (kv.Secret, error) {
	path := p.from.path(p.Settings.Text("password_file"), e.Getenv("HOME"))
	if !p.from.trusted && !p.from.holds(path) {
		return "", errUntrusted("read a file outside of its folder")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", kv.Usagef("%s: %w", path, reason(err))
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return "", kv.Usagef("%s: %w", path, reason(err))
	case !st.Mode().IsRegular():
		return "", kv.Usagef("%s is no regular file", path)
	case st.Mode().Perm()&0o077 != 0:
		e.say("warning", fmt.Sprintf("%s: others may read the password of @%s: chmod 600", path, p.Name))
	}
	b, err := io.ReadAll(io.LimitReader(f, maxPassword+1))
	if err != nil {
		return "", kv.Usagef("%s: %w", path, reason(err))
	}
	return firstLine(b)
}

// holds reports whether path is in the folder of the file, links followed.
func (s *configSource) holds(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return true // there is nothing to read
	}
	dir, err := filepath.EvalSymlinks(s.dir)
	if err != nil {
		return false
	}
	real, err = filepath.Abs(real)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(dir, real)
	return err == nil && filepath.IsLocal(rel)
}

// errTooLong is why a file or an output holds no password.
var errTooLong = kv.Usagef("more than %d KiB", maxPassword>>10)

// firstLine returns the password in what was read: its first line, as password managers print it.
func firstLine(b []byte) (kv.Secret, error) {
	if len(b) > maxPassword {
		return "", errTooLong
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	line = bytes.TrimRight(line, "\r")
	if len(line) == 0 {
		return "", kv.Usagef("the first line is empty")
	}
	return kv.Secret(line), nil
}

// passwordOfCommand runs the program that prints the password. What it prints is never shown.
func (e *Env) passwordOfCommand(ctx context.Context, p *profile) (kv.Secret, error) {
	out, err := e.output(ctx, p, "password_command", &head{most: maxPassword, full: errTooLong})
	if err != nil {
		return "", err
	}
	return firstLine(out)
}

// output runs the program that a key of a profile names, and returns what it prints, which is no more than out takes. What it complains
// of is shown when it fails. It reads nothing: stdin may be what the audit is of.
func (e *Env) output(ctx context.Context, p *profile, key string, out *head) ([]byte, error) {
	if !p.from.trusted {
		return nil, errUntrusted("run a program")
	}
	v := p.Settings[key]
	words := v.List
	if words == nil {
		words = []string{"sh", "-c", v.Text}
	}
	patience := cmp.Or(e.patience, commandTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer in %s", patience))
	defer cancel()
	complaint := &head{most: maxComplaint}
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Dir, c.Stdout, c.Stderr = p.from.dir, out, complaint
	c.WaitDelay = time.Second // for what it has left running
	err := c.Run()
	if out.over {
		return nil, out.full
	}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) && !errors.Is(err, errInterrupted) && !errors.Is(err, errTimeout) {
			err = kv.Usagef("%w", err)
		}
		if said := strings.Join(strings.Fields(complaint.kept.String()), " "); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
		return nil, err
	}
	return out.kept.Bytes(), nil
}

// A head keeps the beginning of what is written to it. It hides its buffer's ReadFrom, which knows no bound.
type head struct {
	kept bytes.Buffer
	most int
	full error // what a writer of more is told; nil: nothing
	over bool
}

func (h *head) Write(p []byte) (int, error) {
	n := min(len(p), h.most-h.kept.Len())
	h.kept.Write(p[:n])
	if n < len(p) && h.full != nil {
		h.over = true
		return n, h.full
	}
	return len(p), nil
}
