package tui

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/kvtool/kvtool/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// A user presses keys and reads the screen.
type user struct {
	t *testing.T
	m *Model
}

func sit(t *testing.T, o Options) *user {
	t.Helper()
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	u := &user{t, m}
	m.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
	return u
}

// press sends keys by their names and returns the last command.
func (u *user) press(keys ...string) tea.Cmd {
	var cmd tea.Cmd
	for _, k := range keys {
		_, cmd = u.m.Update(keyOf(k))
	}
	return cmd
}

// write types a text.
func (u *user) write(text string) {
	for _, r := range text {
		u.m.Update(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func keyOf(name string) tea.KeyPressMsg {
	codes := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
		"backspace": tea.KeyBackspace, "pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp, "home": tea.KeyHome, "end": tea.KeyEnd, "space": tea.KeySpace,
	}
	if c, ok := codes[name]; ok {
		return tea.KeyPressMsg{Code: c}
	}
	if name == "shift+tab" {
		return tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}
	}
	if rest, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(rest[0]), Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

func (u *user) screen() string { return strip(u.m.View().Content) }

func (u *user) sees(texts ...string) {
	u.t.Helper()
	for _, want := range texts {
		if !strings.Contains(u.screen(), want) {
			u.t.Errorf("no %q on:\n%s", want, u.screen())
		}
	}
}

func (u *user) misses(text string) {
	u.t.Helper()
	if strings.Contains(u.screen(), text) {
		u.t.Errorf("%q on:\n%s", text, u.screen())
	}
}

// under returns the line under the cursor.
func (u *user) under() string {
	for _, l := range strings.Split(u.screen(), "\n") {
		if strings.Contains(l, "│> ") {
			return l
		}
	}
	return ""
}

func TestScreensByNumber(t *testing.T) {
	u := sit(t, options(sample()))
	u.m.resize(160, 30)
	for i, s := range screens() {
		u.press(fmt.Sprint(i + 1))
		u.sees("[" + fmt.Sprintf("%d %s", i+1, s.title) + "]")
	}
	u.press("q")
	u.sees("[1 Overview]")
	if cmd := u.press("q"); cmd == nil || cmd() != tea.Quit() {
		t.Error("q on Overview does not leave")
	}
}

// Where there are more screens than their names have room for, those that are not shown have their numbers alone.
func TestTabsOfManyScreens(t *testing.T) {
	u := sit(t, options(sample()))
	u.press("9")
	for width, want := range map[int]string{
		60:  " 1  2  3  4  5  6  7  8 [9Fleet]",
		80:  " 1Over  2Keys  3Hot  4TTL  5Slots  6Load  7Find  8Why [9Fleet]",
		100: " 6Load  7Findings  8Triage [9Fleet]",
		160: " 8 Triage [9 Fleet]",
	} {
		u.m.resize(width, 20)
		u.sees(want)
		if width == 60 {
			u.m.click(strings.Index(want, "4"), 1)
			u.sees("[4TTL]")
			u.press("9")
		}
	}
}

func TestTree(t *testing.T) {
	u := sit(t, options(sample()))
	u.press("2")
	u.sees("▸ session:", "▸ user:{uid}:") // what has one child only is joined with it
	u.press("enter", "down")
	u.sees("▾ session:", "{uid}")
	if !strings.Contains(u.under(), "{uid}") {
		t.Errorf("the cursor is at %q", u.under())
	}
	u.sees("KD061", "no TTL on 4.6M keys") // the detail of the template
	u.press("left")
	if !strings.Contains(u.under(), "session:") {
		t.Errorf("left leads to %q", u.under())
	}
	u.press("left")
	u.sees("▸ session:")
}

// What a tree adds up is what its table holds, whatever the names are.
func TestTreeAddsUp(t *testing.T) {
	d := docOf(sample())
	if len(d.tree.at) < 2 {
		t.Fatal("keys and bytes add up, and the tree has not both")
	}
	for i, c := range d.tree.at {
		want := 0.0
		for _, r := range d.templates.Rows {
			v, _ := r[c].Number()
			want += v
		}
		leaves := 0.0
		var walk func(n *node)
		walk = func(n *node) {
			if len(n.children) == 0 || n.row != nil {
				v, _ := n.row[c].Number()
				leaves += v
			}
			for _, x := range n.children {
				walk(x)
			}
		}
		walk(d.tree.root)
		if got := d.tree.root.sums[i]; got != want || leaves != want {
			t.Errorf("%s: root %g, leaves %g, want %g", d.templates.Columns[c].Name, got, leaves, want)
		}
	}
}

func TestParts(t *testing.T) {
	for _, c := range []struct{ template, want string }{
		{"session:{uid}", "session:|{uid}"},
		{"user:{int}/prefs", "user:|{int}/|prefs"},
		{"{{shop}}:stock:{hash(sha256,32,of:mail)}", "{{shop}}:|stock:|{hash(sha256,32,of:mail)}"},
		{"", ""},
		{":", ":"},
		{"a::b", "a:|:|b"},
		{"un{closed:x", "un{closed:x"},
		{"}x:y", "}x:|y"},
	} {
		if got := strings.Join(parts(c.template), "|"); got != c.want {
			t.Errorf("parts(%q) = %q, want %q", c.template, got, c.want)
		}
	}
}

func TestFilter(t *testing.T) {
	u := sit(t, options(sample()))
	u.press("2", "/")
	u.write("cart")
	u.sees("filter: cart", "cart:", "{uid}", "tmp:{id}")
	u.misses("img:")
	u.press("enter")
	u.sees("filter: cart")
	u.press("esc")
	u.sees("img:")
	u.press("7", "/")
	u.write("!session")
	u.press("enter")
	u.misses("KD061")
	u.press("/")
	for range len("!session") {
		u.press("backspace")
	}
	u.write("r:KD0[46]1")
	u.press("enter")
	u.sees("KD061", "KD041")
	u.misses("KD065")
	u.press("/")
	u.write("[")
	u.press("enter")
	u.sees("error: not an expression")
}

func TestFilterTakes(t *testing.T) {
	for _, c := range []struct {
		filter string
		text   string
		want   bool
	}{
		{"", "x", true},
		{"AB", "xaby", true},
		{"ab", "xy", false},
		{"!ab", "xy", true},
		{"!ab", "xABy", false},
		{"!", "a!", true},
		{"r:^x.$", "xy", true},
		{"r:^x.$", "xyz", false},
	} {
		f, err := filterOf(c.filter)
		if err != nil {
			t.Fatal(err)
		}
		l := list{cols: make([]report.Column, 2), rows: []row{{cells: []report.Value{report.Text(c.text), report.Number(1)}}}}
		if got := f.takes(c.text); got != c.want || l.takes(&f, 0) != c.want {
			t.Errorf("%q takes %q: %v, its row: %v, want %v", c.filter, c.text, got, l.takes(&f, 0), c.want)
		}
	}
	f, _ := filterOf("!b")
	l := list{cols: make([]report.Column, 2), rows: []row{{cells: []report.Value{report.Text("a"), report.Text("b")}}}}
	if l.takes(&f, 0) {
		t.Error("!b takes a row with a b in it")
	}
}

func TestSort(t *testing.T) {
	u := sit(t, options(sample()))
	u.press("3", "s", "s", "s") // by reads
	u.sees("sort: reads")
	if !strings.Contains(u.under(), "feed:front") {
		t.Errorf("most reads: %q", u.under())
	}
	u.press("S")
	u.sees("sort: reads reversed")
	if strings.Contains(u.under(), "feed:front") {
		t.Errorf("fewest reads: %q", u.under())
	}
	u.press("7", "S") // without s: as it is reported, from its end
	u.sees("reversed")
	if strings.Contains(u.under(), "KD061") {
		t.Errorf("the worst finding is first: %q", u.under())
	}
	u.press("S")
	u.misses("reversed")
}

// Enter leads from a key, a law of expiry or a row of Overview to its template, and says so where the report has none.
func TestOpenTemplate(t *testing.T) {
	u := sit(t, options(sample()))
	u.press("3", "enter")
	u.sees("[2Keyspace]")
	if !strings.Contains(u.under(), "feed:{id}") {
		t.Errorf("feed:front leads to %q", u.under())
	}
	u.press("4", "enter")
	u.sees("[2Keyspace]")
	r := sample()
	r.Sections = slices.DeleteFunc(r.Sections, func(s report.Section) bool { return s.Name == "templates" || s.Name == "drift" || s.Name == "ttl_laws" })
	u = sit(t, options(r))
	u.press("3", "enter")
	u.sees("[3Hot keys]", "feed:{id} is no template of this report")
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		a, b    report.Value
		reverse bool
		want    int
	}{
		{report.Number(2), report.Number(1), false, -1},
		{report.Number(2), report.Number(1), true, 1},
		{report.Text("a"), report.Text("b"), false, -1},
		{report.Null, report.Number(1), false, 1},
		{report.Null, report.Number(1), true, 1},
		{report.Null, report.Null, false, 0},
	} {
		if got := compare(c.a, c.b, c.reverse); got != c.want {
			t.Errorf("compare(%v, %v, %v) = %d, want %d", c.a, c.b, c.reverse, got, c.want)
		}
	}
}

func TestCopy(t *testing.T) {
	u := sit(t, options(sample()))
	u.press("3", "down", "down", "down", "down")
	cmd := u.press("y") // the fifth is hostile: it is copied as it is, and shown harmless
	if got := fmt.Sprint(cmd()); got != hostile()[0] {
		t.Errorf("copied %q", got)
	}
	u.sees(`copied \x1b]0;owned`)
	if got := fmt.Sprint(u.press("Y")()); got != "kvtool report show prod.kvr --section hotkeys" {
		t.Errorf("copied %q", got)
	}
}

// A live source: the newest snapshot is taken at a tick, unless the view is paused, and leaving asks while something runs.
func TestLive(t *testing.T) {
	s := &Snapshot{State: "scan", Busy: "the scan"}
	o := options(nil)
	o.Live, o.Source = true, func() *Snapshot { return s }
	u := sit(t, o)
	u.sees("opening prod.kvr")
	s = &Snapshot{Report: sample(), State: "scan 61%", Busy: "the scan"}
	u.m.Update(tickMsg{})
	u.sees("scan 61%", "session:{uid}")
	u.press("p")
	s = &Snapshot{Report: sample(), State: "scan 62%", Busy: "the scan"}
	u.m.Update(tickMsg{})
	u.sees("PAUSED", "scan 61%")
	u.press("p")
	u.sees("scan 62%")
	s = &Snapshot{Report: s.Report, Trouble: "connection refused; next try in 2s"}
	u.m.Update(tickMsg{})
	u.sees("connection refused; next try in 2s", "session:{uid}")
	s = &Snapshot{Report: s.Report, Busy: "the scan"}
	u.m.Update(tickMsg{})
	u.press("q")
	u.sees("stop the scan and leave? y/n")
	u.press("n")
	u.misses("y/n")
	u.press("q")
	if cmd := u.press("y"); cmd == nil || u.m.leaving != Stopped {
		t.Errorf("y leaves: %v, %v", cmd != nil, u.m.leaving)
	}
	u.press("Q")
	if u.m.leaving != Aborted {
		t.Error("Q does not stop what runs")
	}
}

func TestSuppress(t *testing.T) {
	written := ""
	o := options(sample())
	o.Suppress = func(f *report.Finding, reason string, write bool) (string, error) {
		if len(reason) < 10 {
			return "", errors.New("reason: want why, in 10 characters or more")
		}
		if write {
			written = f.Rule + " " + reason
		}
		return "  .kvtool-ignore.yaml\n+   - rule: " + f.Rule + "\n", nil
	}
	u := sit(t, o)
	u.press("7", "i")
	u.write("short")
	u.press("enter")
	u.sees("error: reason: want why")
	u.write(" but now long enough")
	u.press("enter")
	u.sees("+   - rule: KD061", "y: write this to the file")
	u.press("n")
	if written != "" {
		t.Error("written without a yes")
	}
	u.press("i")
	u.write("known since the launch")
	u.press("enter", "y")
	if written != "KD061 known since the launch" {
		t.Errorf("written %q", written)
	}
	u.sees("is accepted from the next run on", "accepted")
}

func TestExport(t *testing.T) {
	var got []string
	o := options(sample())
	o.Export = func(format, section, frame string) (string, error) {
		got = append(got, format+" "+section)
		if format == "txt" && !strings.Contains(frame, "[2Keyspace]") {
			t.Errorf("the frame is %q", frame)
		}
		return "out." + format, nil
	}
	u := sit(t, o)
	u.press("2", "e")
	u.sees("t: txt   j: json   c: csv   m: md")
	for _, k := range []string{"t", "c"} {
		u.press("2", "e")
		u.m.Update(u.press(k)())
		u.sees("wrote out.")
	}
	u.press("e")
	if u.press("x") != nil {
		t.Error("x exports")
	}
	if strings.Join(got, ", ") != "txt templates, csv templates" {
		t.Errorf("exported %v", got)
	}
}

func TestHelpNamesEveryKey(t *testing.T) {
	for i, s := range screens() {
		o := options(sample())
		u := sit(t, o)
		u.m.Update(tea.WindowSizeMsg{Width: 120, Height: 60})
		u.press(fmt.Sprint(i+1), "?")
		for _, b := range append(s.keys, general(len(screens()))...) {
			u.sees(b.doc[:min(len(b.doc), 40)])
		}
		u.press("x")
		u.sees("?:help")
	}
}

// No key of a screen's own is bound twice, and each does something.
func TestBindings(t *testing.T) {
	for _, s := range screens() {
		own := map[string]bool{}
		for _, b := range s.keys {
			for _, k := range strings.Fields(b.keys) {
				if own[k] {
					t.Errorf("%s: %s is bound twice", s.name, k)
				}
				own[k] = true
			}
			if b.do == nil {
				t.Errorf("%s: %s does nothing", s.name, b.keys)
			}
		}
	}
}

func TestSmall(t *testing.T) {
	u := sit(t, options(sample()))
	for _, size := range [][2]int{{59, 15}, {60, 14}, {52, 12}, {10, 3}, {1, 1}} {
		u.m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		got := strings.Split(u.screen(), "\n")
		if len(got) != size[1] {
			t.Errorf("%v: %d lines", size, len(got))
		}
		if size[0] > 30 {
			u.sees(fmt.Sprintf("terminal %dx%d, need 60x15", size[0], size[1]))
		}
	}
}

// Every size from the smallest on is filled exactly, with whatever report.
func TestEverySize(t *testing.T) {
	empty := &report.Report{Kind: report.KindAudit}
	for _, r := range []*report.Report{sample(), empty} {
		for i := range screens() {
			u := sit(t, options(r))
			u.press(fmt.Sprint(i + 1))
			for w := LeastWidth; w <= 130; w += 7 {
				for h := LeastHeight; h <= 45; h += 5 {
					u.m.Update(tea.WindowSizeMsg{Width: w, Height: h})
					checkFrame(t, fmt.Sprintf("%s at %dx%d", screens()[i].name, w, h), u.screen(), [2]int{w, h})
				}
			}
		}
	}
}

// Whatever keys are pressed, in whatever order, the screen stays whole.
func FuzzKeys(f *testing.F) {
	f.Add("q")
	f.Add("2\r\r\x1bj/cart\r")
	f.Add("5lllhnnmm\tjjjG7iabcdefghijkl\ry?jjjq:hot\rcYTMps")
	f.Fuzz(func(t *testing.T, keys string) {
		u := sit(t, options(sample()))
		for _, r := range keys[:min(len(keys), 200)] {
			k := tea.KeyPressMsg{Code: r, Text: string(r)}
			switch r {
			case '\r':
				k = tea.KeyPressMsg{Code: tea.KeyEnter}
			case '\t':
				k = tea.KeyPressMsg{Code: tea.KeyTab}
			case 0x1b:
				k = tea.KeyPressMsg{Code: tea.KeyEscape}
			}
			u.m.Update(k)
		}
		if u.m.left {
			return // whose last frame is empty
		}
		checkFrame(t, "after keys", u.screen(), [2]int{100, 30})
	})
}

// A picture is XML that holds all the text of its frame, whatever the names are.
func TestSVG(t *testing.T) {
	for _, s := range screens() {
		frame := frameOf(t, s.name, [2]int{100, 30}, func(*Options) {})
		d := xml.NewDecoder(strings.NewReader(SVG(frame)))
		var got strings.Builder
		for {
			tok, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			if text, ok := tok.(xml.CharData); ok {
				got.Write(text)
			}
		}
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if !strings.Contains(squeeze(got.String()), squeeze(strings.Split(strip(frame), "\n")[0])) {
			t.Errorf("%s: the head is not in the picture", s.name)
		}
	}
}

// All that is said of a finding can be read where it has the screen, and so can the help.
func TestScrolledTexts(t *testing.T) {
	u := sit(t, options(sample()))
	u.m.resize(60, 15)
	u.press("7", "enter")
	u.sees("KD061 ttl-less-keys", "pgup pgdn: 1-10 of ")
	seen := u.screen()
	for range 5 {
		u.press("pgdown")
		seen += u.screen()
	}
	if !strings.Contains(seen, "more       kvtool keydesign explain KD061") || !strings.Contains(seen, "print") {
		t.Errorf("the end of the finding was not seen:\n%s", seen)
	}
	u.press("pgup", "pgup", "pgup", "pgup", "pgup")
	u.sees("about      session:{uid}")
	u.press("down") // another finding begins at its beginning
	u.sees("about      feed:{id}")
	u.press("esc", "?")
	seen = u.screen()
	for range 60 {
		u.press("j")
		seen += u.screen()
	}
	for _, want := range []string{"1 to 9", "!text:", "an expression", "Q  ctrl+c", "what runs is stopped"} {
		if !strings.Contains(seen, want) {
			t.Errorf("no %q in the help", want)
		}
	}
}

// The most of a series is told although some seconds did not tell theirs.
func TestSeriesWithGaps(t *testing.T) {
	r := sample()
	seconds := tableOf(r, "seconds", "seconds")
	c := 1 + slices.IndexFunc(seconds.Columns[1:], func(c report.Column) bool { return c.Unit == report.UnitRate })
	seconds.Rows[0][c] = report.Null
	u := sit(t, options(r))
	u.m.resize(120, 60)
	u.press("6")
	u.misses("most -")
}
