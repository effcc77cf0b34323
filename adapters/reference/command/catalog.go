package command

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// catalog.resp.gz is what a redis-server 7.0.15 answers to COMMAND and to COMMAND DOCS in version 3 of the protocol, one reply
// after the other, packed. scripts/command-facts makes it.
//
//go:embed catalog.resp.gz
var catalogFile []byte

// A catalogEntry has the replies of COMMAND INFO and COMMAND DOCS for one command.
type catalogEntry struct{ info, docs []byte }

// catalog is read when somebody asks for it first: most runs never do.
var catalog = sync.OnceValues(func() (map[string]catalogEntry, error) { return readCatalog(catalogFile) })

func readCatalog(file []byte) (map[string]catalogEntry, error) {
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("catalog of commands: %w", err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("catalog of commands: %w", err)
	}
	all := map[string]catalogEntry{}
	infos, rest := element(b)
	addInfos(all, infos)
	docs, _ := element(rest)
	addDocs(all, docs)
	return all, nil
}

// addInfos adds the elements of an array of infos, and those of their subcommands.
func addInfos(all map[string]catalogEntry, array []byte) {
	for _, info := range elements(array) {
		fields := elements(info)
		all[text(fields[0])] = catalogEntry{info: info}
		addInfos(all, fields[9])
	}
}

func addDocs(all map[string]catalogEntry, m []byte) {
	pairs := elements(m)
	for i := 0; i+1 < len(pairs); i += 2 {
		name := text(pairs[i])
		all[name] = catalogEntry{all[name].info, pairs[i+1]}
		fields := elements(pairs[i+1])
		for j := 0; j+1 < len(fields); j += 2 {
			if text(fields[j]) == "subcommands" {
				addDocs(all, fields[j+1])
			}
		}
	}
}

// element divides b after its first reply.
func element(b []byte) (first, rest []byte) {
	end := elementEnd(b, 0)
	return b[:end], b[end:]
}

func elementEnd(b []byte, at int) int {
	kind, n, at := header(b, at)
	switch kind {
	case '$', '=':
		return at + n + 2
	case '%':
		n *= 2
	case '*', '~':
	default:
		return at
	}
	for range n {
		at = elementEnd(b, at)
	}
	return at
}

// header reads one line of a reply: its type, its number if it has one, and where the next line begins.
func header(b []byte, at int) (kind byte, n, next int) {
	end := at + bytes.IndexByte(b[at:], '\r')
	n, _ = strconv.Atoi(string(b[at+1 : end]))
	return b[at], n, end + 2
}

// elements returns those of an aggregate.
func elements(b []byte) (all [][]byte) {
	kind, n, at := header(b, 0)
	if kind == '%' {
		n *= 2
	}
	for range n {
		end := elementEnd(b, at)
		all = append(all, b[at:end])
		at = end
	}
	return all
}

// text returns what a string says.
func text(b []byte) string {
	_, n, at := header(b, 0)
	return string(b[at : at+n])
}

// copyReply writes a reply of version 3 in the version that the client reads.
func copyReply(w *wire.Writer, b []byte) {
	for at := 0; at < len(b); {
		kind, n, next := header(b, at)
		switch kind {
		case '%':
			w.Map(n)
		case '~':
			w.Set(n)
		case '$':
			next += n + 2
			w.Raw(b[at:next])
		default:
			w.Raw(b[at:next])
		}
		at = next
	}
}

// writeInfo answers with the reply of COMMAND INFO for a command, null if there is none; subcommands that are not there are left
// out.
func writeInfo(c *engine.Call, all map[string]catalogEntry, name string) {
	if name == "" {
		c.Out.Null()
		return
	}
	fields := elements(all[name].info)
	c.Out.Array(len(fields))
	for _, f := range fields[:9] {
		copyReply(c.Out, f)
	}
	subs := c.Engine().Subcommands(name)
	if len(subs) == 0 {
		c.Out.Set(0)
		return
	}
	c.Out.Array(len(subs))
	for _, s := range subs {
		writeInfo(c, all, s)
	}
}

// writeDocs answers with the name of a command and the reply of COMMAND DOCS for it.
func writeDocs(c *engine.Call, all map[string]catalogEntry, name string) {
	c.Out.Text(name)
	fields, subs := elements(all[name].docs), c.Engine().Subcommands(name)
	pairs := len(fields) / 2
	c.Out.Map(pairs)
	for i := 0; i+1 < len(fields); i += 2 {
		copyReply(c.Out, fields[i])
		if text(fields[i]) != "subcommands" {
			copyReply(c.Out, fields[i+1])
			continue
		}
		c.Out.Map(len(subs))
		for _, s := range subs {
			writeDocs(c, all, s)
		}
	}
}

// hasCategory reports whether a command is in an ACL category, given without its @.
func (e catalogEntry) hasCategory(category string) bool {
	for _, f := range elements(elements(e.info)[6]) {
		if string(f) == "+@"+strings.ToLower(category)+"\r\n" {
			return true
		}
	}
	return false
}
