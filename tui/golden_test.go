package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/kvtool/kvtool/report/render"
)

// Sizes that every screen is drawn in.
var sizes = [][2]int{{60, 15}, {80, 24}, {100, 30}, {120, 40}}

// TestFrames holds every screen against what it was: in colour, without, and in ASCII. A file holds a screen: of each size its text
// without colour; how it is coloured, as runs of styles; and of ASCII the lines that are not the text with other characters for
// frames and bars.
func TestFrames(t *testing.T) {
	for _, s := range screens() {
		t.Run(s.name, func(t *testing.T) {
			a := &txtar.Archive{Comment: []byte("frames of " + s.name + "; -update rewrites them\n")}
			for _, size := range sizes {
				name := fmt.Sprintf("%dx%d", size[0], size[1])
				mono := frameOf(t, s.name, size, func(o *Options) { o.Plain = true })
				colour := frameOf(t, s.name, size, func(*Options) {})
				ascii := frameOf(t, s.name, size, func(o *Options) { o.Plain, o.ASCII = true, true })
				if got := strip(colour); got != mono {
					t.Errorf("%s: colours change the text:\n%s\nwithout:\n%s", name, got, mono)
				}
				checkFrame(t, name, mono, size)
				checkFrame(t, name+" in ASCII", ascii, size)
				if i := strings.IndexFunc(ascii, func(r rune) bool { return r >= utf8.RuneSelf }); i >= 0 {
					t.Errorf("%s: ASCII holds %q", name, ascii[i:min(len(ascii), i+20)])
				}
				a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(trimLines(mono))},
					txtar.File{Name: name + " colours", Data: []byte(runs(colour))}, txtar.File{Name: name + " ascii", Data: []byte(otherLines(mono, ascii))})
			}
			golden(t, s.name+".txtar", txtar.Format(a))
		})
	}
}

func frameOf(t *testing.T, screen string, size [2]int, set func(*Options)) string {
	t.Helper()
	o := options(sampleOf(screen))
	o.Screen = screen
	set(&o)
	frame, err := Frame(o, size[0], size[1])
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// checkFrame holds a frame to its size, and to no byte that drives a terminal.
func checkFrame(t *testing.T, name, frame string, size [2]int) {
	t.Helper()
	lines := strings.Split(frame, "\n")
	if len(lines) != size[1] {
		t.Errorf("%s: %d lines", name, len(lines))
	}
	for i, l := range lines {
		if n := render.Columns(l); n != size[0] {
			t.Errorf("%s: line %d has %d columns: %q", name, i+1, n, l)
		}
		if strings.ContainsFunc(l, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e }) {
			t.Errorf("%s: line %d drives the terminal: %q", name, i+1, l)
		}
	}
}

var sgr = regexp.MustCompile("\x1b\\[([0-9;]*)m")

func strip(s string) string { return sgr.ReplaceAllString(s, "") }

func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// runs writes how a frame is coloured: a line for each of its lines that is, with the first column and the length of what has a style.
func runs(frame string) string {
	var b strings.Builder
	for n, line := range strings.Split(frame, "\n") {
		var out []string
		column := 0
		for line != "" {
			at := sgr.FindStringSubmatchIndex(line)
			if at == nil {
				break
			}
			column += render.Columns(line[:at[0]])
			style := line[at[2]:at[3]]
			line = line[at[1]:]
			end := strings.Index(line, "\x1b[m")
			length := render.Columns(line[:end])
			out = append(out, fmt.Sprintf("%s@%d+%d", style, column, length))
			column, line = column+length, line[end+len("\x1b[m"):]
		}
		if out != nil {
			fmt.Fprintf(&b, "%d: %s\n", n+1, strings.Join(merged(out), " "))
		}
	}
	return b.String()
}

// merged leaves out the frames at both ends of a line, which every line of a pane has.
func merged(runs []string) []string {
	kept := runs[:0:0]
	for _, r := range runs {
		if r != "2@0+1" && !(strings.HasPrefix(r, "2@") && strings.HasSuffix(r, "+1")) {
			kept = append(kept, r)
		}
	}
	return kept
}

// otherLines are the lines of a frame in ASCII that are not those of the other with plainer characters.
func otherLines(mono, ascii string) string {
	plain := strings.NewReplacer("┌", "+", "┐", "+", "└", "+", "┘", "+", "─", "-", "│", "|", "▾", "-", "▸", "+")
	var b strings.Builder
	as := strings.Split(ascii, "\n")
	for i, l := range strings.Split(mono, "\n") {
		if i < len(as) && plain.Replace(l) != as[i] {
			fmt.Fprintf(&b, "%d: %s\n", i+1, strings.TrimRight(as[i], " "))
		}
	}
	return b.String()
}

// golden compares with a file of testdata, or writes it with -update, as make golden does.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("%s has changed; go test ./tui -update rewrites it, and git diff shows how:\n%s", name, firstDifference(string(want), string(got)))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range g {
		if i >= len(w) || w[i] != g[i] {
			was := ""
			if i < len(w) {
				was = w[i]
			}
			return fmt.Sprintf("line %d\nwas %s\nis  %s", i+1, was, g[i])
		}
	}
	return "it has become shorter"
}
