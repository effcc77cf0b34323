// Package browsertest opens pages in a headless Chromium, for tests: what it draws, says and asks for.
//
// The one idea is that a browser is driven through two pipes, as its DevTools protocol allows, so that no port is open and nothing
// needs another library. One that is missing is named and its tests are skipped; with CI=true it has to be there.
package browsertest

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"
)

// patience is how long a browser may take for anything on a busy machine.
const patience = 60 * time.Second

// A Browser is a running Chromium.
type Browser struct {
	in    io.WriteCloser
	cmd   *exec.Cmd
	ended chan struct{}

	mu      sync.Mutex
	last    int
	waiting map[int]chan message
	pages   map[string]*Page // by session
}

// A message is what the protocol has on its wire: a call, its answer or an event.
type message struct {
	ID      int             `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// Start starts a browser that ends with the test, or ends the test: skipped, or failed with CI=true.
func Start(t testing.TB) *Browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser"} {
		if p, err := exec.LookPath(name); err == nil && path == "" {
			path = p
		}
	}
	switch {
	case path != "":
	case os.Getenv("CI") == "true":
		t.Fatal("chromium is missing: scripts/servers installs it")
	default:
		t.Skip("chromium is missing: scripts/servers says how to get it")
	}
	b, err := start(path, t.TempDir())
	if err != nil {
		t.Fatalf("starting %s: %v", path, err)
	}
	t.Cleanup(b.stop)
	return b
}

func start(path, dir string) (*Browser, error) {
	theirs, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, answers, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	// Without its sandbox, which needs a user that is not root, and with no network but this machine.
	c := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
		"--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--user-data-dir="+dir,
		"--force-color-profile=srgb", "--font-render-hinting=none", "--remote-debugging-pipe", "about:blank")
	c.ExtraFiles = []*os.File{theirs, answers} // 3, where it reads, and 4, where it writes
	if err := c.Start(); err != nil {
		return nil, err
	}
	theirs.Close()
	answers.Close()
	b := &Browser{in: in, cmd: c, ended: make(chan struct{}), waiting: map[int]chan message{}, pages: map[string]*Page{}}
	go b.listen(out)
	return b, nil
}

// stop ends the browser. Closing its pipe is what it takes; one that does not obey is killed.
func (b *Browser) stop() {
	b.in.Close()
	select {
	case <-b.ended:
	case <-time.After(5 * time.Second):
	}
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
}

// listen takes in what the browser says, each message ended by a NUL.
func (b *Browser) listen(out io.ReadCloser) {
	defer close(b.ended)
	defer out.Close()
	r := bufio.NewReaderSize(out, 1<<20)
	for {
		line, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			message
			Params json.RawMessage `json:"params"`
		}
		if json.Unmarshal(line[:len(line)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		if c := b.waiting[m.ID]; c != nil {
			delete(b.waiting, m.ID)
			c <- m.message
		} else if p := b.pages[m.Session]; p != nil {
			p.event(m.Method, m.Params)
		}
		b.mu.Unlock()
	}
}

// call calls a method and waits for its answer, which is read into result unless that is nil.
func (b *Browser) call(session, method string, params, result any) error {
	answer := make(chan message, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.waiting[id] = answer
	b.mu.Unlock()
	line, err := json.Marshal(message{ID: id, Method: method, Params: params, Session: session})
	if err != nil {
		return err
	}
	if _, err := b.in.Write(append(line, 0)); err != nil {
		return err
	}
	select {
	case m := <-answer:
		switch {
		case m.Error != nil:
			return fmt.Errorf("%s: %s", method, m.Error.Message)
		case result != nil:
			return json.Unmarshal(m.Result, result)
		}
		return nil
	case <-b.ended:
		return fmt.Errorf("%s: the browser has ended", method)
	case <-time.After(patience):
		return fmt.Errorf("%s: no answer", method)
	}
}

// Options say how a page is looked at.
type Options struct {
	Width, Height int
	Dark          bool // the reader prefers dark
	Print         bool // as on paper
}

// A Page is one that is open.
type Page struct {
	b       *Browser
	session string
	url     string
	loaded  chan struct{}
	once    sync.Once

	console  []string
	requests []string
}

// Open opens a page and waits until it is loaded.
func (b *Browser) Open(t testing.TB, url string, o Options) *Page {
	t.Helper()
	p, err := b.open(url, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (b *Browser) open(url string, o Options) (*Page, error) {
	var target struct {
		ID      string `json:"targetId"`
		Session string `json:"sessionId"`
	}
	if err := b.call("", "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return nil, err
	}
	if err := b.call("", "Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &target); err != nil {
		return nil, err
	}
	p := &Page{b: b, session: target.Session, url: url, loaded: make(chan struct{})}
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	scheme, media := "light", ""
	if o.Dark {
		scheme = "dark"
	}
	if o.Print {
		media = "print"
	}
	for _, c := range []struct {
		method string
		params any
	}{
		{"Page.enable", nil},
		{"Runtime.enable", nil},
		{"Log.enable", nil},
		{"Network.enable", nil},
		{"Emulation.setDeviceMetricsOverride", map[string]any{"width": o.Width, "height": o.Height, "deviceScaleFactor": 1, "mobile": false}},
		{"Emulation.setEmulatedMedia", map[string]any{"media": media, "features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}},
		{"Page.navigate", map[string]any{"url": url}},
	} {
		if err := b.call(p.session, c.method, c.params, nil); err != nil {
			return nil, err
		}
	}
	select {
	case <-p.loaded:
		return p, nil
	case <-b.ended:
		return nil, fmt.Errorf("%s: the browser has ended", url)
	case <-time.After(patience):
		return nil, fmt.Errorf("%s: it does not load", url)
	}
}

// event notes what happens on the page. The browser's lock is held.
func (p *Page) event(method string, params json.RawMessage) {
	switch method {
	case "Page.loadEventFired":
		p.once.Do(func() { close(p.loaded) })
	case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded":
		p.console = append(p.console, method+" "+string(params))
	case "Network.requestWillBeSent":
		var e struct {
			Request struct {
				URL string `json:"url"`
			} `json:"request"`
		}
		if json.Unmarshal(params, &e) == nil && e.Request.URL != p.url {
			p.requests = append(p.requests, e.Request.URL)
		}
	}
}

// Console is what the browser has said about the page so far: what scripts logged, errors, what the page's policy has forbidden.
func (p *Page) Console() []string {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	return slices.Clone(p.console)
}

// Requests are the URLs that the page has asked for so far, itself apart.
func (p *Page) Requests() []string {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	return slices.Clone(p.requests)
}

// Eval runs a script, waits for what it promises, and reads the JSON of that into result.
func (p *Page) Eval(t testing.TB, script string, result any) {
	t.Helper()
	var out struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	err := p.b.call(p.session, "Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true}, &out)
	switch {
	case err != nil:
		t.Fatal(err)
	case out.Exception != nil:
		t.Fatalf("%s: %s", out.Exception.Text, out.Exception.Exception.Description)
	case result != nil && len(out.Result.Value) > 0:
		if err := json.Unmarshal(out.Result.Value, result); err != nil {
			t.Fatal(err)
		}
	}
}

// Picture returns the page as a PNG: all of it, or as much as is seen at once.
func (p *Page) Picture(t testing.TB, whole bool) []byte {
	t.Helper()
	var out struct {
		Data string `json:"data"`
	}
	params := map[string]any{"format": "png"}
	if whole {
		var size struct {
			Content struct {
				Width  float64 `json:"width"`
				Height float64 `json:"height"`
			} `json:"cssContentSize"`
		}
		if err := p.b.call(p.session, "Page.getLayoutMetrics", nil, &size); err != nil {
			t.Fatal(err)
		}
		params["captureBeyondViewport"] = true
		params["clip"] = map[string]any{"x": 0, "y": 0, "width": size.Content.Width, "height": size.Content.Height, "scale": 1}
	}
	if err := p.b.call(p.session, "Page.captureScreenshot", params, &out); err != nil {
		t.Fatal(err)
	}
	png, err := base64.StdEncoding.DecodeString(out.Data)
	if err != nil {
		t.Fatal(err)
	}
	return png
}
