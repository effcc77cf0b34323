package cmd

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/faultproxy"
	"github.com/kvtool/kvtool/internal/servertest"
)

// A terminal is a tmux of its own, in which a shell runs kvtool.
type terminal struct {
	t      *testing.T
	socket string
	dir    string
}

// openTerminal starts a command in a terminal of the given size. Tmux is missing nowhere in CI.
func openTerminal(t *testing.T, columns, lines int, dir, command string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("tmux is missing: apt-get install tmux")
		}
		t.Skip("tmux is missing")
	}
	Program(t)
	x := &terminal{t: t, socket: filepath.Join(t.TempDir(), "s"), dir: dir}
	x.tmux("-f", os.DevNull, "new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(lines), "-c", dir,
		"-e", "TERM=screen-256color", "-e", "NO_COLOR=", "sh", "-c", command+"; echo code $?; sleep 600")
	t.Cleanup(func() { _ = exec.Command("tmux", "-S", x.socket, "kill-server").Run() })
	return x
}

func (x *terminal) tmux(args ...string) string {
	x.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", x.socket}, args...)...).CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

// press sends keys, by their names in tmux.
func (x *terminal) press(keys ...string) {
	x.t.Helper()
	x.tmux(append([]string{"send-keys"}, keys...)...)
}

// sees waits until the terminal shows every text.
func (x *terminal) sees(texts ...string) string {
	x.t.Helper()
	screen := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		screen = x.tmux("capture-pane", "-p")
		all := true
		for _, want := range texts {
			all = all && strings.Contains(screen, want)
		}
		if all {
			return screen
		}
	}
	x.t.Fatalf("no %q on:\n%s", texts, screen)
	return ""
}

// TestDashboard drives the dashboard as a user does: start, keys, resize, quit, and what is left on the terminal.
func TestDashboard(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.Command(Program(t), "audit", "demo:?keys=12000", "--save", filepath.Join(dir, "demo.kvr"), "-o", "brief").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	x := openTerminal(t, 80, 24, dir, "kvtool tui demo.kvr")
	x.sees("[1Over]", "cache:product:P{int}", "KD040")
	x.press("2")
	x.sees("[2Keys]", "▸ order:")
	x.press("/")
	x.press("-l", "lock")
	x.press("Enter")
	x.sees("filter: lock", "lock:")
	x.tmux("resize-window", "-x", "120", "-y", "40")
	x.sees("[2 Keyspace]", "KD062")
	x.tmux("resize-window", "-x", "52", "-y", "12")
	x.sees("terminal 52x12, need 60x15")
	x.tmux("resize-window", "-x", "60", "-y", "15")
	x.press("7")
	x.sees("[7Find]", "KD040")
	x.press("i")
	x.press("-l", "one report a day, on purpose")
	x.press("Enter")
	x.sees("+   - rule: KD040")
	x.press("y")
	x.sees("is accepted from the next run on")
	ignored, err := os.ReadFile(filepath.Join(dir, ".kvtool-ignore.yaml"))
	if err != nil || !strings.Contains(string(ignored), `reason: "one report a day, on purpose"`) {
		t.Errorf("%v: %s", err, ignored)
	}
	x.press("q")
	x.sees("[1Over]")
	x.press("Space")
	x.press("Space")
	x.sees("2 marked: 3.00k keys, 3.94 MiB")
	x.press("d")
	x.press("-l", "demo.kvr")
	x.press("Enter")
	x.sees("compared with demo.kvr", "+/-")
	x.tmux("resize-window", "-x", "110", "-y", "40") // what was above the end of the screen is not left there
	x.sees("[1 Overview]")
	x.press("q")
	if left := x.sees("code 0"); strings.Contains(left, "│") {
		t.Errorf("the screen is left on the terminal:\n%s", left)
	}
}

// TestNoDashboard asks for a dashboard on a terminal that can show none: a file is printed, a store refused, and no escape code is sent.
func TestNoDashboard(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "keys.txt"), []byte("user:1\nuser:\x1b[31m2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	x := openTerminal(t, 80, 40, dir, "export TERM=dumb; kvtool audit keys:keys.txt --save k.kvr -q; kvtool tui k.kvr >out; cat out; "+
		"kvtool tui k.kvr; kvtool tui keys:keys.txt")
	x.sees("no dashboard: TERM=dumb", "this is the report as text", "user:{int}", "hint: kvtool audit TARGET prints a report", "code 2")
	if styled := x.tmux("capture-pane", "-p", "-e"); strings.Contains(styled, "\x1b[3") {
		t.Errorf("a dumb terminal is sent colours: %q", styled)
	}
	out, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil || len(out) == 0 || bytes.ContainsRune(out, 0x1b) {
		t.Errorf("%v: %q", err, out)
	}
}

// TestDashboardOfLostStore watches a server that goes away and comes back.
func TestDashboardOfLostStore(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	fill(t, s.Client(t))
	p := faultproxy.Start(t, s.Addr)
	x := openTerminal(t, 100, 30, t.TempDir(), "kvtool tui redis://"+p.Addr+" --every 1s --window 0")
	x.sees("[1Over", "next in 1s")
	p.Set(faultproxy.Fault{Refuse: true})
	p.Reset()
	x.sees("next try in", "[1Over", "session:{int}") // what was read before still shows
	p.Set(faultproxy.Fault{})
	x.press("r")
	x.sees("next in 1s", "[1Over")
	x.press("q")
	x.sees("code 0")
}

// TestDashboardOfWatchedKeys looks at which keys of a server are used that tells it, and looks again.
func TestDashboardOfWatchedKeys(t *testing.T) {
	t.Parallel()
	s := servertest.Memcached(t, servertest.MemcachedOptions{})
	stop := make(chan struct{})
	done := make(chan struct{})
	t.Cleanup(func() { close(stop); <-done })
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { // somebody uses a key
		defer close(done)
		for in := bufio.NewReader(conn); ; {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			if _, err := io.WriteString(conn, "set feed:front 0 0 1\r\nx\r\nget feed:front\r\n"); err != nil {
				return
			}
			for line := ""; line != "END\r\n"; {
				var err error
				if line, err = in.ReadString('\n'); err != nil {
					return
				}
			}
		}
	}()
	x := openTerminal(t, 80, 24, t.TempDir(), "kvtool tui memcached://"+s.Addr+" --window 1s --screen hotkeys")
	accesses := regexp.MustCompile(`accesses +[0-9]\S*`)
	first := accesses.FindString(x.sees("[3Hot]", "> feed:front", "accesses"))
	x.press("w")
	x.press("-l", "3s")
	x.press("Enter")
	for end := time.Now().Add(time.Minute); accesses.FindString(x.sees("> feed:front", "accesses")) == first; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("a longer look has seen no more than %s", first)
		}
	}
	x.press("1", "q")
	x.sees("code 0")
}

// TestDashboardOfLoad watches a run, and leaves it before its end: it stops, what it wrote is removed, and it reports; what the user has
// noted is kept with it.
func TestDashboardOfLoad(t *testing.T) {
	t.Parallel()
	s := servertest.Redis(t, servertest.Options{})
	dir := t.TempDir()
	x := openTerminal(t, 80, 24, dir, "kvtool load run redis://"+s.Addr+" -s session-cache --rate 500/s -d 5m --tui --out run.kvr")
	x.sees("[6Load]", "Second by second", "p99")
	x.press("a")
	x.press("-l", "deploy")
	x.press("Enter")
	x.sees("noted: deploy")
	x.press("1")
	x.press("q")
	x.sees("stop the run and leave? y/n")
	x.press("y")
	x.sees("code 130")
	if out, err := exec.Command(Program(t), "report", "convert", filepath.Join(dir, "run.kvr"), "-o", "json").Output(); !strings.Contains(string(out), `"deploy"`) {
		t.Errorf("%v: what was noted is not among the events of the report", err)
	}
	if n := s.Client(t).Must(t, "DBSIZE"); fmt.Sprint(n) != "0" {
		t.Errorf("%v keys are left", n)
	}
}

// TestPictureOfDashboard holds the picture of README and docs/tui.md to what kvtool draws.
func TestPictureOfDashboard(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tui.svg")
	if _, stderr, code := in(t, "tui", "demo:", "--snapshot", "--size", "100x30", "--svg", path); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	drawn(t, "../docs/tui.svg", got)
}
