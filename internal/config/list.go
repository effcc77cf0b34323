package config

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kvtool/kvtool/kv"
)

// MaxList is how long a list of targets may be, in bytes.
const MaxList = 4 << 20

// maxLine is how long one of its lines may be, in bytes.
const maxLine = 4 << 10

// maxBad is how many of the lines that name no target are told apart: what prints more of them prints no list.
const maxBad = 100

// A List is what a targets_command has printed, one target a line:
//
//	cart-1 rediss://cart-1.example.com:6379     a name, which is unique in the list, and a URL
//	rediss://10.0.0.7:6379                      a URL alone, which is called as its host
//	@queue                                      a target that the configuration knows
//
// Empty lines, and those that begin with #, say nothing. A line that is none of these spoils no other.
type List struct {
	Targets    []Listed
	Bad        []*Error // lines that name no target, in their order: the first of them
	Wrong      int      // how many such lines there are
	Duplicates int      // lines that name a target of a line before
}

// A Listed is one target of a list: Known is the name of a target of the configuration, or else Name and URL say all.
type Listed struct {
	Name, URL, Known string
	Line             int
}

// ParseList reads a list, which errors call name. Its input is hostile: nothing of it goes into an error but what has been found
// to be a name.
func ParseList(name string, text []byte) *List {
	l := &lister{file: name, seen: map[string]int{}, names: forms()[profiles].MatchString}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		line = bytes.TrimRight(line, "\r\n")
		if s := strings.TrimSpace(string(line[:min(len(line), maxLine+1)])); s != "" && s[0] != '#' {
			l.line(n, s)
		}
	}
	return &l.list
}

type lister struct {
	file  string
	list  List
	seen  map[string]int // line, by name, by URL and by what is known
	names func(string) bool
}

func (l *lister) bad(line int, format string, args ...any) {
	if l.list.Wrong++; l.list.Wrong > maxBad {
		return
	}
	l.list.Bad = append(l.list.Bad, &Error{File: l.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

func (l *lister) line(n int, s string) {
	switch {
	case len(s) > maxLine:
		l.bad(n, "longer than %d bytes", maxLine)
		return
	case !utf8.ValidString(s), strings.ContainsFunc(s, func(r rune) bool { return r != '\t' && !unicode.IsPrint(r) }):
		l.bad(n, "bytes that no target has")
		return
	}
	words := strings.Fields(s)
	switch known, is := strings.CutPrefix(words[0], "@"); {
	case len(words) > 2, is && len(words) > 1:
		l.bad(n, "want NAME URL, a URL, or @NAME of a target")
	case is && !l.names(known):
		l.bad(n, "@ without the name of a target: letters, digits, '.', '_' and '-'")
	case is:
		l.add(Listed{Known: known, Line: n}, "@"+known)
	case len(words) == 1:
		l.target(Listed{URL: words[0], Line: n})
	case !l.names(words[0]):
		l.bad(n, "no name before the URL: letters, digits, '.', '_' and '-'")
	default:
		l.target(Listed{Name: words[0], URL: words[1], Line: n})
	}
}

// target adds a target by its URL, which is that of a server: a list has no say about files of this machine.
func (l *lister) target(t Listed) {
	u, err := kv.ParseTarget(t.URL)
	switch {
	case err != nil, u.URL == nil && u.Path != "":
		l.bad(t.Line, "no URL of a server, such as redis://HOST:PORT")
		return
	case u.HasSecret():
		l.bad(t.Line, "a password in a list: the target of the list says where it is (password_command, password_file, password_env)")
		return
	case t.Name == "" && (u.URL == nil || u.URL.Host == ""):
		l.bad(t.Line, "a URL without a host needs a name before it")
		return
	case t.Name == "":
		t.Name = u.URL.Host
	}
	if was := l.seen[t.Name]; was > 0 && l.seen[u.String()] != was {
		l.bad(t.Line, "%s is in line %d already, with another URL", t.Name, was)
		return
	}
	l.add(t, t.Name, u.String())
}

// add adds a target, unless one of its names stands for another already.
func (l *lister) add(t Listed, names ...string) {
	for _, n := range names {
		if l.seen[n] > 0 {
			l.list.Duplicates++
			return
		}
	}
	for _, n := range names {
		l.seen[n] = t.Line
	}
	l.list.Targets = append(l.list.Targets, t)
}
