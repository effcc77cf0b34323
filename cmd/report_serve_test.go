package cmd

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/report/render"
)

// savedReports are a folder with a report in each form that can be read, one damaged and a file that is none.
func savedReports(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys.txt")
	if err := os.WriteFile(keys, []byte("user:1\nuser:2\ncart:<b>\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	if _, stderr, code := in(t, "audit", "keys:"+keys, "--save", at("a.kvr"), "-o", "json="+at("b.json"), "-o", "html="+at("c.html")); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	whole, err := os.ReadFile(at("a.kvr"))
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"cut.kvr": whole[:len(whole)-20], "none.json": []byte("hello")} {
		if err := os.WriteFile(at(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func get(t *testing.T, h http.Handler, host, target string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, http.NoBody)
	r.Host = host
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The site lists what it was given and shows it; it gives nothing else, and nothing to who calls it by another name.
func TestReportSite(t *testing.T) {
	t.Parallel()
	dir := savedReports(t)
	env := &Env{}
	site := newReportSite(env, []string{dir}, render.KeysTemplate)
	list := get(t, site, "127.0.0.1:8380", "/")
	if list.Code != http.StatusOK || !strings.Contains(list.Body.String(), "5 reports") || !strings.Contains(list.Body.String(), "holds no report") {
		t.Fatalf("%d: %s", list.Code, list.Body)
	}
	links := regexp.MustCompile(`href="(/report[^"]*)"`).FindAllStringSubmatch(list.Body.String(), -1)
	if len(links) != 4 {
		t.Errorf("%d links in %s", len(links), list.Body)
	}
	for _, l := range links {
		page := get(t, site, "localhost:8380", strings.ReplaceAll(l[1], "&amp;", "&"))
		if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "user:{int}") {
			t.Errorf("%s: %d: %.200s", l[1], page.Code, page.Body)
		}
		if page.Header().Get("Content-Type") != "text/html; charset=utf-8" || page.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", l[1], page.Header())
		}
	}
	file := func(path string) string { return "/report?file=" + url.QueryEscape(path) }
	for _, c := range []struct {
		host, target string
		want         int
	}{
		{"127.0.0.1", file(filepath.Join(dir, "none.json")), http.StatusUnprocessableEntity},
		{"[::1]:80", "/", http.StatusOK},
		{"127.0.0.1", file(filepath.Join(dir, "keys.txt")), http.StatusNotFound},
		{"127.0.0.1", file("/etc/passwd"), http.StatusNotFound},
		{"127.0.0.1", file(filepath.Join(dir, "..", filepath.Base(dir), "a.kvr")) + "/../x", http.StatusNotFound},
		{"127.0.0.1", "/other", http.StatusNotFound},
		{"evil.example", "/", http.StatusMisdirectedRequest},
		{"127.0.0.1.evil.example:8380", file(filepath.Join(dir, "a.kvr")), http.StatusMisdirectedRequest},
		{"", "/", http.StatusMisdirectedRequest},
	} {
		if got := get(t, site, c.host, c.target); got.Code != c.want {
			t.Errorf("%s%s: %d, want %d: %.100s", c.host, c.target, got.Code, c.want, got.Body)
		}
	}
}

// lockedBuffer is a buffer that is written to and read at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// The command listens where it says, and ends when it is told to.
func TestReportServe(t *testing.T) {
	t.Parallel()
	dir := savedReports(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var said lockedBuffer
	ended := make(chan error, 1)
	o := reportServeOptions{listen: "127.0.0.1:0", keys: render.KeysTemplate}
	go func() { ended <- runReportServe(ctx, &Env{Stderr: &said}, o, []string{filepath.Join(dir, "a.kvr")}) }()
	var at string
	servertest.Until(t, "it says where it listens", func() bool {
		at = regexp.MustCompile(`http://[0-9.:]+/`).FindString(said.String())
		return at != ""
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !bytes.Contains(body, []byte("a.kvr")) {
		t.Errorf("%v: %s", err, body)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
