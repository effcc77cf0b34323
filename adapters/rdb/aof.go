package rdb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/rdbread"
	"github.com/kvtool/kvtool/kv"
)

// An append-only file is a base, a dump unless the server was told to write it as commands, and the commands since. Until
// Redis 7 it is one file; since then a directory with a manifest that names the parts:
//
//	file appendonly.aof.2.base.rdb seq 2 type b
//	file appendonly.aof.2.incr.aof seq 2 type i
//
// Only a base that is a dump is read. The commands since are counted, and a scan that leaves some out is not complete.

const (
	manifestMagic = "file "
	maxManifest   = 1 << 20
	maxLine       = 1024 // as aof.c of Redis
)

// A manifest names the parts of an append-only file. Names are of files beside it.
type manifest struct {
	base string // "" if there is none yet
	incr []string
}

// parseManifest reads a manifest as Redis does: lines of names and values, of which it must know file, seq and type; types
// are b (base), i (incremental) and h (history, of no use any more).
func parseManifest(text []byte) (manifest, error) {
	var m manifest
	for n, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" || line[0] == '#' {
			continue
		}
		name, kind, err := manifestLine(line)
		if err != nil {
			return m, fmt.Errorf("line %d: %w", n+1, err)
		}
		switch {
		case kind == "b" && m.base != "":
			return m, fmt.Errorf("line %d: a second base", n+1)
		case kind == "b":
			m.base = name
		case kind == "i":
			m.incr = append(m.incr, name)
		}
	}
	if m.base == "" && len(m.incr) == 0 {
		return m, fmt.Errorf("it names no file")
	}
	return m, nil
}

func manifestLine(line string) (name, kind string, err error) {
	if len(line) > maxLine {
		return "", "", fmt.Errorf("%d bytes long", len(line))
	}
	words, ok := splitWords(line)
	if !ok || len(words)%2 != 0 {
		return "", "", fmt.Errorf("not names and values")
	}
	seq := ""
	for i := 0; i < len(words); i += 2 {
		switch strings.ToLower(words[i]) {
		case "file":
			name = words[i+1]
		case "seq":
			seq = words[i+1]
		case "type":
			kind = words[i+1]
		}
	}
	if _, err := strconv.ParseUint(seq, 10, 63); err != nil {
		return "", "", fmt.Errorf("no sequence number")
	}
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00"):
		return "", "", fmt.Errorf("no name of a file beside it")
	case kind != "b" && kind != "i" && kind != "h":
		return "", "", fmt.Errorf("no type of file")
	}
	return name, kind, nil
}

// splitWords splits a line at spaces. A word may be quoted, as Redis quotes a name with a space in it.
func splitWords(line string) (words []string, ok bool) {
	for {
		line = strings.TrimLeft(line, " \t")
		switch {
		case line == "":
			return words, true
		case line[0] == '"':
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, false
			}
			word, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, false
			}
			words, line = append(words, word), line[len(quoted):]
			if line != "" && line[0] != ' ' && line[0] != '\t' {
				return nil, false
			}
		default:
			end := strings.IndexAny(line, " \t")
			if end < 0 {
				end = len(line)
			}
			words, line = append(words, line[:end]), line[end:]
		}
	}
}

// openManifest opens the base of the append-only file whose manifest is at path. s has the parameters.
func openManifest(ctx context.Context, t kv.Target, s *store, path string) (kv.Store, error) {
	m, err := readManifest(path)
	if err != nil {
		return nil, err
	}
	if m.base == "" {
		return nil, kv.WithHint(kv.Usagef("%s: the append-only file has no base yet: all of it is commands, which are not read", path), commandHint)
	}
	dir := filepath.Dir(path)
	s.path, s.base, s.target = filepath.Join(dir, m.base), m.base, t.String()
	for _, name := range m.incr {
		rest := commands{name: name}
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil {
			rest.missing = true
		} else {
			rest.bytes = st.Size()
		}
		s.rest = append(s.rest, rest)
	}
	if _, err := os.Stat(s.path); err != nil {
		return nil, fmt.Errorf("%s: %w", path, short(err))
	}
	return s, s.probe(ctx)
}

func readManifest(path string) (manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return manifest{}, short(err)
	}
	defer func() { _ = f.Close() }() // read only
	text, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return manifest{}, short(err)
	}
	if len(text) > maxManifest {
		return manifest{}, kv.Corruptf("%s: a manifest of more than %d bytes", path, maxManifest)
	}
	m, err := parseManifest(text)
	if err != nil {
		return m, kv.Corruptf("%s: the manifest is damaged: %w", path, err)
	}
	return m, nil
}

// isManifest reports whether a file that begins with head is a manifest.
func isManifest(head []byte) bool {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	return bytes.HasPrefix(head, []byte(manifestMagic)) && bytes.Contains(line, []byte(" type "))
}

// isCommands reports whether a file that begins with head is an append-only file in command form.
func isCommands(head []byte) bool {
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	if len(line) < 2 || line[0] != '*' || !bytes.HasPrefix(rest, []byte("$")) {
		return false
	}
	_, err := strconv.ParseUint(string(line[1:]), 10, 32)
	return err == nil
}

const commandHint = "have the server write a base that is a dump (aof-use-rdb-preamble yes, BGREWRITEAOF), or audit the server itself: redis://HOST:PORT"

// commands are a part of an append-only file that is not read.
type commands struct {
	name    string
	bytes   int64
	missing bool
}

// unread says which commands follow the dump that sum is of, or "".
func (s *store) unread(sum *rdbread.Summary) string {
	var parts []string
	if inside := sum.Trailing; inside > 0 && s.isAOF(sum) {
		parts = append(parts, fmt.Sprintf("%d bytes in the same file", inside))
	}
	for _, c := range s.rest {
		switch {
		case c.missing:
			parts = append(parts, c.name+", which is missing")
		case c.bytes > 0:
			parts = append(parts, fmt.Sprintf("%d bytes in %s", c.bytes, c.name))
		}
	}
	return strings.Join(parts, ", ")
}

func (s *store) isAOF(sum *rdbread.Summary) bool {
	return s.base != "" || sum.AOF || strings.HasSuffix(s.path, ".aof")
}

// complete returns an error if the dump is not all there is and nobody said that it may be.
func (s *store) complete(sum *rdbread.Summary) error {
	rest := s.unread(sum)
	if rest == "" || s.baseOnly {
		return nil
	}
	return kv.WithHint(kv.Corruptf("the base of the append-only file was read, and the commands since were not: %s", rest),
		"to take the base for all there is: ?base_only=on")
}

// aofNotes says what was read of an append-only file.
func (s *store) aofNotes(sum *rdbread.Summary, scanned bool) []string {
	var n []string
	if s.base != "" {
		n = append(n, fmt.Sprintf("Read is the base of an append-only file, %s.", s.base))
	}
	if rest := s.unread(sum); rest != "" && scanned && s.baseOnly {
		n = append(n, "The commands since the base were not read, as asked: "+rest+".")
	}
	return n
}
