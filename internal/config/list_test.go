package config

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode"
)

func TestParseList(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"\n# none\r\n \t\n":              "",
		"a redis://h:1\nb\tredis://h:2 ": "a=redis://h:1 b=redis://h:2",
		"redis://h:1\n@q":                "h:1=redis://h:1 @q",
		"a redis://h:1\r\na redis://h:1\nb redis://h:1\n@q\n@q": "a=redis://h:1 @q; 3 duplicates",
		"a redis://h:1\na redis://h:2\nb redis://h:3":           "a=redis://h:1 b=redis://h:3; 2: a is in line 1 already, with another URL",
		"d demo:\nr ref:?keys=5":                                "d=demo: r=ref:?keys=5",
		"a rdb:/etc/passwd":                                     "; 1: no URL of a server, such as redis://HOST:PORT",
		"a keys:-":                                              "; 1: no URL of a server, such as redis://HOST:PORT",
		"a redis://u:p@h":                                       "; 1: a password in a list: the target of the list says where it is (password_command, password_file, password_env)",
		"a redis://h?password=x":                                "; 1: a password in a list: the target of the list says where it is (password_command, password_file, password_env)",
		"\x1b[31ma redis://h":                                   "; 1: bytes that no target has",
		"a redis://h\u202e":                                     "; 1: bytes that no target has",
		"a redis://\xff":                                        "; 1: bytes that no target has",
		"a b c":                                                 "; 1: want NAME URL, a URL, or @NAME of a target",
		"a/b redis://h":                                         "; 1: no name before the URL: letters, digits, '.', '_' and '-'",
		"-a redis://h":                                          "; 1: no name before the URL: letters, digits, '.', '_' and '-'",
		"@q redis://h":                                          "; 1: want NAME URL, a URL, or @NAME of a target",
		"@q*":                                                   "; 1: @ without the name of a target: letters, digits, '.', '_' and '-'",
		"demo:":                                                 "; 1: a URL without a host needs a name before it",
		"a " + strings.Repeat("x", maxLine):                     "; 1: longer than 4096 bytes",
		"<html><body>502":                                       "; 1: no URL of a server, such as redis://HOST:PORT",
	} {
		if got := says(ParseList("x", []byte(text))); got != want {
			t.Errorf("%.40q: %s\nwant %s", text, got, want)
		}
	}
}

// TestLongList: ten thousand lines of a dozen targets are a dozen targets, and ten thousand targets as many.
func TestLongList(t *testing.T) {
	for _, distinct := range []int{12, 10_000} {
		var b strings.Builder
		for i := range 10_000 {
			fmt.Fprintf(&b, "t%d redis://h:%d\n", i%distinct, 1+i%distinct)
		}
		l := ParseList("x", []byte(b.String()))
		if len(l.Targets) != distinct || l.Duplicates != 10_000-distinct || l.Bad != nil {
			t.Errorf("%d targets, %d duplicates, %d bad; want %d", len(l.Targets), l.Duplicates, len(l.Bad), distinct)
		}
	}
}

// TestBadLists: four megabytes of lines that name no target are a few mistakes and their number, in memory of about the text's size.
func TestBadLists(t *testing.T) {
	for _, line := range []string{"x y z\n", "\x00\n", "a redis://u:p@h\n", "@*\n", "\n", "#\n"} {
		text := []byte(strings.Repeat(line, MaxList/len(line)))
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		l := ParseList("x", text)
		runtime.GC()
		runtime.ReadMemStats(&after)
		want := MaxList / len(line)
		if line == "\n" || line == "#\n" {
			want = 0
		}
		if l.Wrong != want || len(l.Bad) != min(want, maxBad) || want > 0 && l.Bad[maxBad-1].Line != maxBad {
			t.Errorf("%q: %d wrong, %d of them told, want %d", line, l.Wrong, len(l.Bad), want)
		}
		if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 1<<20 {
			t.Errorf("%q: %d bytes are kept", line, kept)
		}
		runtime.KeepAlive(l)
	}
}

func says(l *List) string {
	var targets []string
	for _, t := range l.Targets {
		if t.Known != "" {
			targets = append(targets, "@"+t.Known)
			continue
		}
		targets = append(targets, t.Name+"="+t.URL)
	}
	s := strings.Join(targets, " ")
	if l.Duplicates > 0 {
		s += fmt.Sprintf("; %d duplicates", l.Duplicates)
	}
	for _, b := range l.Bad {
		s += fmt.Sprintf("; %d: %s", b.Line, b.Text)
	}
	return s
}

// FuzzParseList: whatever a command prints, every line is a target, a duplicate, a mistake or nothing; names are names, unique, and
// nothing that drives a terminal gets into them or into what is said.
func FuzzParseList(f *testing.F) {
	for _, s := range []string{"a redis://h:1\n@b\nredis://h:2\n# c\n", "a redis://u:p@h\n\x1b[2J", "a ref:?x=1 b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l := ParseList("x", text)
		if n := len(l.Targets) + l.Wrong + l.Duplicates; n > 1+strings.Count(string(text), "\n") {
			t.Errorf("%d results of %q", n, text)
		}
		seen := map[string]bool{}
		for _, x := range l.Targets {
			name := x.Name + "@" + x.Known
			if seen[name] || name == "@" || strings.ContainsFunc(name+x.URL, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%+v of %q", x, text)
			}
			seen[name] = true
		}
		for _, b := range l.Bad {
			if strings.ContainsFunc(b.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q of %q", b.Error(), text)
			}
		}
	})
}
