package command

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
)

var update = flag.Bool("update", false, "write catalog.resp.gz and ../engine/facts.txt from the server's answers")

// What the two files say of commands is what a server says today.
func TestCatalog(t *testing.T) {
	s := servertest.Redis(t, servertest.Options{})
	if v := serverVersion(t, s.Addr); v != "7.0.15" {
		t.Skipf("the distribution's server is %s", v)
	}
	infos := sortedInfos(ask(t, s.Addr, "COMMAND"))
	docs := sortedDocs(ask(t, s.Addr, "COMMAND DOCS"))
	var facts strings.Builder
	writeFacts(&facts, infos)
	if *update {
		var packed bytes.Buffer
		z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		z.Write(infos)
		z.Write(docs)
		z.Close()
		if err := os.WriteFile("catalog.resp.gz", packed.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("../engine/facts.txt", []byte(facts.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	z, err := gzip.NewReader(bytes.NewReader(catalogFile))
	if err != nil {
		t.Fatal(err)
	}
	var kept bytes.Buffer
	if _, err := kept.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept.Bytes(), slices.Concat(infos, docs)) {
		t.Error("catalog.resp.gz is not what the server says: scripts/command-facts makes it anew")
	}
	file, err := os.ReadFile("../engine/facts.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(file) != facts.String() {
		t.Error("facts.txt is not what the server says: scripts/command-facts makes it anew")
	}
}

// Every command of the table is in the catalog.
func TestCatalogIsComplete(t *testing.T) {
	all, err := catalog()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range Table() {
		if e := all[c.Name]; e.info == nil || e.docs == nil {
			t.Errorf("%s is not in the catalog", c.Name)
		}
		for _, s := range c.Sub {
			if e := all[c.Name+"|"+s.Name]; e.info == nil || e.docs == nil {
				t.Errorf("%s %s is not in the catalog", c.Name, s.Name)
			}
		}
	}
}

func serverVersion(t *testing.T, addr string) string {
	_, rest, _ := strings.Cut(text(ask(t, addr, "INFO server")), "redis_version:")
	version, _, _ := strings.Cut(rest, "\r\n")
	return version
}

// ask returns the reply to an inline command, in version 3.
func ask(t *testing.T, addr, command string) []byte {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "HELLO 3\r\n%s\r\nECHO end\r\n", command)
	var b []byte
	room := make([]byte, 64<<10)
	for !bytes.HasSuffix(b, []byte("$3\r\nend\r\n")) {
		n, err := conn.Read(room)
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, room[:n]...)
	}
	_, b = element(b) // of HELLO
	b, _ = element(b)
	if b[0] == '=' { // INFO is text with a format
		b = append([]byte("$"+string(b[1:bytes.IndexByte(b, '\r')])+"\r\n"), b[bytes.IndexByte(b, '\n')+1:]...)
	}
	return b
}

// sortedInfos returns an array of infos in the order of their names, and so that of subcommands. A server has them in an order of
// its own at each start.
func sortedInfos(array []byte) []byte {
	infos := elements(array)
	if len(infos) == 0 {
		return array
	}
	for i, info := range infos {
		fields := elements(info)
		fields[9] = sortedInfos(fields[9])
		infos[i] = append([]byte("*10\r\n"), bytes.Join(fields, nil)...)
	}
	slices.SortFunc(infos, func(a, b []byte) int { return strings.Compare(text(elements(a)[0]), text(elements(b)[0])) })
	return append(fmt.Appendf(nil, "*%d\r\n", len(infos)), bytes.Join(infos, nil)...)
}

func sortedDocs(m []byte) []byte {
	flat := elements(m)
	var pairs [][2][]byte
	for i := 0; i < len(flat); i += 2 {
		fields := elements(flat[i+1])
		for j := 0; j < len(fields); j += 2 {
			if text(fields[j]) == "subcommands" {
				fields[j+1] = sortedDocs(fields[j+1])
			}
		}
		pairs = append(pairs, [2][]byte{flat[i], append(fmt.Appendf(nil, "%%%d\r\n", len(fields)/2), bytes.Join(fields, nil)...)})
	}
	slices.SortFunc(pairs, func(a, b [2][]byte) int { return strings.Compare(text(a[0]), text(b[0])) })
	b := fmt.Appendf(nil, "%%%d\r\n", len(pairs))
	for _, p := range pairs {
		b = append(append(b, p[0]...), p[1]...)
	}
	return b
}

// writeFacts writes a line for each info: name, arity, flags, where the keys are.
func writeFacts(w *strings.Builder, infos []byte) {
	for _, info := range elements(infos) {
		f := elements(info)
		var flags, keys []string
		for _, x := range elements(f[2]) {
			flags = append(flags, line(x))
		}
		for _, x := range elements(f[8]) {
			keys = append(keys, keySpecLine(x))
		}
		fmt.Fprintf(w, "%s %s %s %s\n", text(f[0]), line(f[1]), orDash(flags, ","), orDash(keys, ";"))
		writeFacts(w, f[9])
	}
}

// line returns what stands between the type and the end of a line.
func line(b []byte) string { return strings.TrimSpace(string(b[1:])) }

func orDash(words []string, sep string) string {
	if len(words) == 0 {
		return "-"
	}
	return strings.Join(words, sep)
}

// fields returns a map by its names.
func fields(m []byte) map[string][]byte {
	flat, all := elements(m), map[string][]byte{}
	for i := 0; i < len(flat); i += 2 {
		all[text(flat[i])] = flat[i+1]
	}
	return all
}

func keySpecLine(b []byte) string {
	spec := fields(b)
	begin, find := fields(spec["begin_search"]), fields(spec["find_keys"])
	b1, f1 := fields(begin["spec"]), fields(find["spec"])
	var s string
	switch text(begin["type"]) {
	case "index":
		s = "i" + line(b1["index"])
	case "keyword":
		s = "k" + text(b1["keyword"]) + "@" + line(b1["startfrom"])
	default:
		return "u"
	}
	switch text(find["type"]) {
	case "range":
		s += ":r" + line(f1["lastkey"]) + "," + line(f1["keystep"]) + "," + line(f1["limit"])
	case "keynum":
		s += ":n" + line(f1["keynumidx"]) + "," + line(f1["firstkey"]) + "," + line(f1["keystep"])
	default:
		s += ":u"
	}
	var flags []string
	for _, x := range elements(spec["flags"]) {
		flags = append(flags, line(x))
	}
	return s + ":" + strings.Join(flags, "+")
}
