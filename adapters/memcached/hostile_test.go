package memcached

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// A script is what a server answers to each command. A command that is not in it is answered with ERROR; an answer that ends in
// "<close>" ends the connection. Of several answers each is given once, and the last one from then on.
type script map[string][]string

// fake runs a server that answers by a script, and returns the target.
func fake(t *testing.T, s script) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	asked := map[string]*atomic.Int32{}
	for command := range s {
		asked[command] = new(atomic.Int32)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c, s, asked)
		}
	}()
	return "memcached://" + l.Addr().String()
}

func serve(c net.Conn, s script, asked map[string]*atomic.Int32) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		command := strings.TrimSpace(line)
		answers := s[command]
		if answers == nil {
			fmt.Fprint(c, "ERROR\r\n")
			continue
		}
		answer, end := strings.CutSuffix(answers[min(int(asked[command].Add(1)), len(answers))-1], "<close>")
		fmt.Fprint(c, answer)
		if end {
			return
		}
	}
}

const (
	version = "VERSION 1.6.18\r\n"
	hashed  = "lru_crawler metadump hash"
	lineA   = "key=a exp=-1 la=5 cas=1 fetch=no cls=1 size=60\n"
)

// scanned returns how many keys a scan yields, and its error.
func scanned(t *testing.T, url string) (n int, err error) {
	t.Helper()
	for _, err := range openURL(t, url).Scan(t.Context(), kv.ScanOptions{Want: kv.AllFields}) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func TestHostileServers(t *testing.T) {
	for name, x := range map[string]struct {
		s    script
		keys int
		text string // of the error; empty is none
		hint string
	}{
		"whole":            {script{"version": {version}, hashed: {lineA + lineA + "END\r\n"}}, 2, "", ""},
		"with OK":          {script{"version": {version}, hashed: {"OK\r\n" + lineA + "END\r\n"}}, 1, "", ""},
		"nothing in it":    {script{"version": {version}, hashed: {"END\r\n"}}, 0, "", ""},
		"not started":      {script{"version": {version}, hashed: {"NOTSTARTED no items to crawl\r\n"}}, 0, "", ""},
		"no hash":          {script{"version": {version}, hashed: {"BADCLASS invalid class id\r\n"}, "lru_crawler metadump all": {lineA + "END\r\n"}}, 1, "", ""},
		"busy for a while": {script{"version": {version}, hashed: {"BUSY currently processing crawler request\r\n", "BUSY x\r\n", lineA + "END\r\n"}}, 1, "", ""},
		"busy for ever":    {script{"version": {version}, hashed: {"BUSY currently processing crawler request\r\n"}}, 0, "crawler is busy", "try again"},
		"crawler off":      {script{"version": {version}, hashed: {"CLIENT_ERROR lru crawler disabled\r\n"}}, 0, "crawler is off", "lru_crawler enable"},
		"no dumps":         {script{"version": {version}, hashed: {"ERROR metadump not allowed\r\n"}}, 0, "-X", "without -X"},
		"dies":             {script{"version": {version}, hashed: {lineA + lineA + "key=b exp=<close>"}}, 2, "closed the connection", "proxies"},
		"dies before":      {script{"version": {version}, hashed: {"<close>"}}, 0, "closed the connection", "proxies"},
		"an error within":  {script{"version": {version}, hashed: {lineA + "SERVER_ERROR out of memory\r\n"}}, 1, "out of memory", ""},
		"a line too long":  {script{"version": {version}, hashed: {lineA + "key=" + strings.Repeat("a", 5000) + "\n"}}, 1, "no memcached", "proxy"},
		"no line ends":     {script{"version": {version}, hashed: {lineA + strings.Repeat("a", 70_000)}}, 1, "no memcached", "proxy"},
		"a key too long":   {script{"version": {version}, hashed: {"key=" + strings.Repeat("a", 251) + " exp=1\n"}}, 0, "a key of 251 bytes", "proxy"},
		"nonsense":         {script{"version": {version}, hashed: {lineA + "\x00\xff\n"}}, 1, "without a key", "proxy"},
		"silent":           {script{"version": {version}, hashed: {lineA}}, 1, "no answer within", "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := scanned(t, fake(t, x.s)+"?timeout=200ms")
			text := ""
			if err != nil {
				text = err.Error()
			}
			if n != x.keys || (err != nil) != (x.text != "") || !strings.Contains(text, x.text) || !strings.Contains(kv.Hint(err), x.hint) {
				t.Errorf("%d keys, %v (hint %q); want %d, %q (%q)", n, err, kv.Hint(err), x.keys, x.text, x.hint)
			}
		})
	}
}

// What cannot be opened says why.
func TestRefused(t *testing.T) {
	for name, x := range map[string]struct {
		url, text, hint string
	}{
		"a web server":    {fake(t, script{"version": {"HTTP/1.1 400 Bad Request\r\n<close>"}}), "is no memcached", "check the port"},
		"closes":          {fake(t, script{"version": {"<close>"}}), "closed the connection", "TLS"},
		"wants a login":   {fake(t, script{"version": {"CLIENT_ERROR unauthenticated\r\n"}}), "needs a user and a password", "KVTOOL_PASSWORD"},
		"nobody":          {"memcached://127.0.0.1:1", "refuses the connection", "running"},
		"no such socket":  {"memcached+unix:///nowhere/s", "no such socket", "-s"},
		"a socket's host": {"memcached+unix://h/s", "names no socket", "three slashes"},
		"a database":      {"memcached://h/3", "no databases", "without a path"},
		"no port":         {"memcached://h:1:2", "is no server", "HOST:PORT"},
		"twice":           {"memcached://h,h:11211", "twice", ""},
		"a placement":     {"memcached://h?placement=x", "placement", "ketama"},
		"a timeout":       {"memcached://h?timeout=x", "timeout", "10s"},
		"a parameter":     {"memcached://h?retries=1", "no parameter", "placement"},
		"no user":         {"memcached://:pw@h", "without a user", "USER@"},
		"no password":     {"memcached://u@h", "without a password", "KVTOOL_PASSWORD"},
	} {
		target, err := kv.ParseTarget(x.url)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Adapter().Open(t.Context(), target)
		if err == nil || !strings.Contains(err.Error(), x.text) || !strings.Contains(kv.Hint(err), x.hint) {
			t.Errorf("%s: %v (hint %q)", name, err, kv.Hint(err))
		}
	}
}

// factOf returns what is said of a fact; nothing is said of one that is not there.
func factOf(info *kv.Info, name string) kv.Fact {
	for _, f := range info.Facts {
		if f.Name == name {
			return f
		}
	}
	return kv.Fact{}
}

// Servers that can do less say so before they are read.
func TestLesserServers(t *testing.T) {
	for name, x := range map[string]struct {
		s         script
		why, note string
	}{
		"old":         {script{"version": {"VERSION 1.4.25\r\n"}, "stats": {"STAT curr_items 3\r\nEND\r\n"}}, "1.4.31", ""},
		"oldish":      {script{"version": {"VERSION 1.5.0-Ubuntu\r\n"}, "stats": {"STAT curr_items 3\r\nEND\r\n"}}, "", "older than 1.5.6"},
		"no dumps":    {script{"version": {version}, "stats settings": {"STAT dump_enabled no\r\nEND\r\n"}}, "-X", ""},
		"crawler off": {script{"version": {version}, "stats settings": {"STAT lru_crawler no\r\nEND\r\n"}}, "crawler is off", ""},
		"a proxy":     {script{"version": {"VERSION mcrouter-38.0\r\n"}}, "", "a proxy, perhaps"},
		"a clock":     {script{"version": {version}, "stats": {fmt.Sprintf("STAT time %d\r\nSTAT uptime 5\r\nEND\r\n", time.Now().Unix()-7200)}}, "", "clock is 2h"},
	} {
		info, err := openURL(t, fake(t, x.s)).Info(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f := factOf(info, "scan")
		if (f.How == kv.Missing) != (x.why != "") || !strings.Contains(f.Why, x.why) || f.How == kv.Missing && f.Hint == "" {
			t.Errorf("%s: %+v", name, f)
		}
		if notes := strings.Join(info.Notes, "\n"); !strings.Contains(notes, x.note) || x.note == "" && notes != "" {
			t.Errorf("%s: notes %q", name, notes)
		}
	}
}

// TTLs are by the server's clock, and told by ours.
func TestServersClock(t *testing.T) {
	now := time.Now().Unix()
	url := fake(t, script{
		"version": {version}, "stats": {fmt.Sprintf("STAT time %d\r\nEND\r\n", now-7200)},
		hashed: {fmt.Sprintf("key=a exp=%d la=%d cas=1 fetch=no cls=1 size=60\nEND\r\n", now-7200+60, now-7200-30)},
	})
	seen := 0
	for r, err := range openURL(t, url).Scan(t.Context(), kv.ScanOptions{Want: kv.AllFields}) {
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if left := time.Until(r.ExpireAt); left < 50*time.Second || left > 61*time.Second || r.Idle < 29*time.Second || r.Idle > 40*time.Second {
			t.Errorf("%v left, idle %v", left, r.Idle)
		}
	}
	if seen != 1 {
		t.Errorf("%d keys of one", seen)
	}
}

// One server of several that is dead does not keep the others from being read.
func TestDeadServer(t *testing.T) {
	server := servertest.Memcached(t, servertest.MemcachedOptions{})
	server.MemcachedClient(t).Must(t, "STORED", "set a 0 0 1\r\nv")
	url := "memcached://127.0.0.1:1," + server.Addr
	info, err := openURL(t, url).Info(t.Context())
	if err != nil || info.KeysKnown || !strings.Contains(strings.Join(info.Notes, "\n"), "127.0.0.1:1 refuses the connection") {
		t.Errorf("%+v, %v", info, err)
	}
	if n, err := scanned(t, url); n != 1 || err == nil || !strings.Contains(err.Error(), "refuses the connection") {
		t.Errorf("%d keys, %v", n, err)
	}
}

// Authentication comes before anything else, and is never tried where nobody asks for it: there it would store the password.
func TestAuthentication(t *testing.T) {
	dir := t.TempDir() // the server is somebody else
	file := dir + "/auth"
	writeFile(t, file, "auditor:canary\n")
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	server := servertest.Memcached(t, servertest.MemcachedOptions{Args: []string{"-Y", file}})
	for url, want := range map[string]string{
		"memcached://auditor:canary@" + server.Addr: "",
		"memcached://auditor:wrong@" + server.Addr:  "refuses this user and password",
		"memcached://" + server.Addr:                "needs a user and a password",
	} {
		target, err := kv.ParseTarget(url)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Adapter().Open(t.Context(), target)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if (err == nil) != (want == "") || !strings.Contains(text, want) || strings.Contains(text, "canary") {
			t.Errorf("%s: %v", target, err)
		}
		if err == nil {
			if _, err := s.(kv.Driver).Session(t.Context(), kv.SessionOptions{}); err != nil {
				t.Errorf("a session: %v", err)
			}
		}
	}
	open := servertest.Memcached(t, servertest.MemcachedOptions{})
	if n, err := scanned(t, "memcached://auditor:secret@"+open.Addr); n != 0 || err != nil {
		t.Errorf("the login was stored: %d keys, %v", n, err)
	}
}

// What the real server says of what it does not do.
func TestLimitedServers(t *testing.T) {
	for _, x := range []struct {
		args []string
		why  string
	}{{[]string{"-X"}, "-X"}, {[]string{"-o", "no_lru_crawler"}, "crawler is off"}} {
		server := servertest.Memcached(t, servertest.MemcachedOptions{Args: x.args})
		server.MemcachedClient(t).Must(t, "STORED", "set a 0 0 1\r\nv")
		url := "memcached://" + server.Addr
		info, err := openURL(t, url).Info(t.Context())
		if err != nil || factOf(info, "scan").How != kv.Missing || !strings.Contains(factOf(info, "name").Why, x.why) {
			t.Errorf("%v: %+v, %v", x.args, info, err)
		}
		if n, err := scanned(t, url); n != 0 || err == nil || !strings.Contains(err.Error(), x.why) || kv.Hint(err) == "" {
			t.Errorf("%v: %d keys, %v", x.args, n, err)
		}
	}
}

func TestUnixSocket(t *testing.T) {
	server := servertest.Memcached(t, servertest.MemcachedOptions{Socket: true})
	server.MemcachedClient(t).Must(t, "STORED", "set a 0 0 1\r\nv")
	if n, err := scanned(t, "memcached+unix://"+server.Socket); n != 1 || err != nil {
		t.Errorf("%d keys, %v", n, err)
	}
}

// Evictions and what nobody had read of them are in what the server says.
func TestEvictions(t *testing.T) {
	server := servertest.Memcached(t, servertest.MemcachedOptions{Args: []string{"-m", "2"}})
	server.MemcachedClient(t).Fill(t, 10_000, func(i int) (string, int, string) { return fmt.Sprint("key:", i), 0, strings.Repeat("v", 1000) })
	info, err := openURL(t, "memcached://"+server.Addr).Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := info.Server
	if s.Evicted == 0 || s.EvictedUnread != s.Evicted || s.MaxMemory != 2<<20 || s.Policy != "lru" || len(s.Classes) == 0 {
		t.Errorf("%+v", s)
	}
	evicted := int64(0)
	for _, c := range s.Classes {
		evicted += c.Evicted
	}
	if evicted != s.Evicted {
		t.Errorf("classes have evicted %d, the server %d", evicted, s.Evicted)
	}
}

func FuzzStats(f *testing.F) {
	f.Add("STAT 5:chunk_size 240", "STAT items:5:evicted 7")
	f.Add("STAT a", "END")
	f.Fuzz(func(t *testing.T, a, b string) {
		s := stats{}
		for _, line := range []string{a, b} {
			if done, err := s.add([]byte(line)); done || err != nil {
				return
			}
		}
		for _, c := range classesOf(s, s) {
			if c.id < 0 || c.id > 255 {
				t.Errorf("%+v", c)
			}
		}
	})
}
