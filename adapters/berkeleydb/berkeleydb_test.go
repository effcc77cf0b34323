package berkeleydb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

const known = kv.FieldName | kv.FieldSize | kv.FieldLen

func openTarget(t *testing.T, target, stdin string) (kv.Store, error) {
	t.Helper()
	tgt, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	tgt.Stdin = strings.NewReader(stdin)
	s, err := Adapter().Open(t.Context(), tgt)
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

func mustOpen(t *testing.T, target, stdin string) kv.Store {
	t.Helper()
	s, err := openTarget(t, target, stdin)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return s
}

// read returns each record in a line: database, key, values, bytes.
func read(s kv.Store) (lines []string, err error) {
	for r, err := range s.Scan(context.Background(), kv.ScanOptions{Want: kv.AllFields}) {
		if err != nil {
			return lines, err
		}
		lines = append(lines, fmt.Sprintf("%d %q %d %d", r.DB, r.Key, r.Len, r.Size))
	}
	return lines, nil
}

// writeFile writes a file of the test's and returns its path.
func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hexLines writes a dump by hand, of pairs in their order.
func hexLines(pairs ...string) string {
	var b strings.Builder
	b.WriteString("VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n")
	for _, p := range pairs {
		fmt.Fprintf(&b, " %x\n", p)
	}
	b.WriteString("DATA=END\n")
	return b.String()
}

// TestConformance runs the suite over a real file of four databases, in both formats, plain and compressed.
func TestConformance(t *testing.T) {
	db := servertest.NewBerkeleyDB(t)
	file := filepath.Join(t.TempDir(), "all.db")
	var records []kv.Record
	add := func(i int, key string, size int64, n int64, more kv.Field) {
		records = append(records, kv.Record{Key: key, DB: i, Size: size, Len: n, Known: known | more})
	}
	var users, tags, bin strings.Builder
	for i := range 1000 {
		key, value := fmt.Sprint("user:", i, ":cart"), strings.Repeat("x", i%90)
		if i%100 == 0 {
			value = strings.Repeat("large", 5000)
		}
		fmt.Fprintf(&users, "%s\n%s\n", key, value)
		add(3, key, int64(len(key)+len(value)), 1, 0)
	}
	for i := range 50 {
		key := fmt.Sprint("tag:", i)
		for j := range i + 1 {
			fmt.Fprintf(&tags, "%s\nmember%03d\n", key, j)
		}
		add(2, key, int64(len(key)+9*(i+1)), int64(i+1), kv.FieldLargest)
	}
	for i := range 256 {
		fmt.Fprintf(&bin, "\\%02x\\00b\\0a\\5c\nv\\ff\n", i)
		add(0, string([]byte{byte(i), 0, 'b', '\n', '\\'}), 7, 1, 0)
	}
	db.Load(t, file, users.String(), "-T", "-t", "hash", "-c", "database=users")
	db.Load(t, file, tags.String(), "-T", "-t", "btree", "-c", "database=tags", "-c", "duplicates=1", "-c", "dupsort=1")
	db.Load(t, file, bin.String(), "-T", "-t", "btree", "-c", "database=binary keys")
	db.Load(t, file, "a\nbb\nccc\n", "-T", "-t", "recno", "-c", "database=records")
	for i := range 3 {
		add(1, fmt.Sprint(i+1), int64(i+1), 1, 0)
	}
	for name, args := range map[string][]string{"bytevalue": nil, "print": {"-p"}} {
		dump := db.Dump(t, file, args...)
		for suffix, pack := range map[string]func(string) string{"": func(s string) string { return s }, ".gz": gzipped, ".zst": zstandard} {
			path := writeFile(t, "dump"+suffix, pack(dump))
			t.Run(name+suffix, func(t *testing.T) {
				kvtest.TestStore(t, kvtest.Config{
					Open: func(t *testing.T) kv.Store {
						s, err := openTarget(t, "bdb:"+path, "")
						if err != nil {
							t.Fatal(err)
						}
						return s
					},
					Records: records, Globs: []string{"user:*", "tag:[0-4]", "\xff*", "2"},
				})
			})
		}
	}
}

func gzipped(s string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(s))
	if err := errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return b.String()
}

func zstandard(s string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(w.EncodeAll([]byte(s), nil))
}

// TestForms reads what dumps may look like, those of other releases and hands among them.
func TestForms(t *testing.T) {
	const head, end = "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n", "DATA=END\n"
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"empty":            {head + end, nil},
		"print":            {head + " a\\\\\\0a\n b\n" + end, []string{`0 "a\\\n" 1 4`}},
		"escapes in upper": {head + " \\FF\\fF\n \n" + end, []string{`0 "\xff\xff" 1 2`}},
		"hexadecimal":      {hexLines("k", "value"), []string{`0 "k" 1 6`}},
		"in upper case":    {"VERSION=3\nformat=bytevalue\ntype=hash\nHEADER=END\n 6B\n AF\n" + end, []string{`0 "k" 1 2`}},
		"nothing":          {hexLines("", ""), []string{`0 "" 1 0`}},
		"of Windows":       {strings.ReplaceAll(hexLines("k", "v", "", "x"), "\n", "\r\n"), []string{`0 "k" 1 2`, `0 "" 1 1`}},
		"no last newline":  {strings.TrimSuffix(hexLines("k", "v"), "\n"), []string{`0 "k" 1 2`}},
		"version 1":        {"VERSION=1\nformat=print\ntype=btree\nHEADER=END\na\nb\n c\nd", []string{`0 "a" 1 2`, `0 " c" 1 3`}},
		"version 2":        {"VERSION=2\nformat=print\ntype=btree\nHEADER=END\n a\n b\n" + end, []string{`0 "a" 1 2`}},
		"of 1.85":          {"format=print\ntype=btree\nHEADER=END\na\nb\n", []string{`0 "a" 1 2`}},
		"put together":     {hexLines("k", "v") + "\n" + hexLines("k", "w"), []string{`0 "k" 1 2`, `1 "k" 1 2`}},
		"unknown names": {
			"VERSION=3\nformat=print\ntype=btree\nchksum=1\nbt_minkey=4\nwhat=ever\nHEADER=END\n a\n b\n" + end, []string{`0 "a" 1 2`},
		},
		"duplicates": {
			"VERSION=3\nformat=print\ntype=btree\nduplicates=1\nHEADER=END\n a\n b\n a\n cd\n b\n \n" + end,
			[]string{`0 "a" 2 4`, `0 "b" 1 1`},
		},
		"recno":           {"VERSION=3\nformat=print\ntype=recno\nHEADER=END\n a\n bc\n" + end, []string{`0 "1" 1 1`, `0 "2" 1 2`}},
		"recno with keys": {"VERSION=3\nformat=print\ntype=recno\nkeys=1\nHEADER=END\n 7\n bc\n" + end, []string{`0 "7" 1 3`}},
		"queue":           {"VERSION=3\nformat=bytevalue\ntype=queue\nre_len=2\nHEADER=END\n 2020\n" + end, []string{`0 "1" 1 2`}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(mustOpen(t, "bdb:-", c.in))
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}

// TestLongLines has keys and values of about the buffer's size, so that escapes and digits lie across its pieces.
func TestLongLines(t *testing.T) {
	for n := bufferSize/4 - 3; n < bufferSize/4+3; n++ {
		for _, unit := range []string{"x", "\\\\", "\\0a"} {
			key := "k" + strings.Repeat("y", n%4)
			value := strings.Repeat(unit, 4*n)
			in := "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n " + key + "\n " + value + "\n " + value + "\n \nDATA=END\n"
			in = strings.ReplaceAll(in, "\n", "\r\n")
			got, err := read(mustOpen(t, "bdb:-", in))
			if err != nil || len(got) != 2 || !strings.HasSuffix(got[0], fmt.Sprintf(" 1 %d", 4*n+len(key))) ||
				!strings.HasSuffix(got[1], fmt.Sprintf(" 1 %d", 4*n)) {
				t.Fatalf("%d times %q: %.200q, %v", n, unit, got, err)
			}
		}
		in := hexLines("k", strings.Repeat("v", 2*n), strings.Repeat("w", 2*n), "")
		got, err := read(mustOpen(t, "bdb:-", in))
		if err != nil || len(got) != 2 || got[0] != fmt.Sprintf(`0 "k" 1 %d`, 2*n+1) || !strings.HasSuffix(got[1], fmt.Sprintf(" 1 %d", 2*n)) {
			t.Fatalf("%d digits: %.200q, %v", 4*n, got, err)
		}
	}
}

// TestDamage says where and what, and yields what was read before it.
func TestDamage(t *testing.T) {
	sound := hexLines("a", "1", "b", "2")
	line := func(n int, text string) string { // sound with another line n
		lines := strings.SplitAfter(sound, "\n")
		lines[n-1] = text
		return strings.Join(lines, "")
	}
	const printed = "VERSION=3\nformat=print\ntype=btree\nHEADER=END\n a\n 1\n"
	for name, c := range map[string]struct {
		in, want string
		read     int
	}{
		"no DATA=END":        {strings.TrimSuffix(sound, "DATA=END\n"), "line 10: the dump ends without DATA=END", 2},
		"half of it":         {strings.TrimSuffix(sound, "END\n"), "line 10: the dump ends without DATA=END", 2},
		"cut in a key":       {sound[:strings.Index(sound, "2\n 3")], "line 8: the dump ends within a line", 1},
		"cut behind a key":   {sound[:strings.Index(sound, " 32")], "line 9: the dump ends without DATA=END", 1},
		"cut in a header":    {sound[:40], "line 4: the dump ends within a header", 0},
		"odd digits":         {line(9, " 323\n"), "line 9: the data: an odd number of hexadecimal digits", 1},
		"odd key":            {line(8, " 6\n"), "line 8: the key: an odd number of hexadecimal digits", 1},
		"no digit":           {line(9, " 3z\n"), "line 9: the data: 'z' is no hexadecimal digit", 1},
		"no digit in a key":  {line(8, " g0\n"), "line 8: the key: 'g' is no hexadecimal digit", 1},
		"a byte of 0x80":     {line(9, " \x80\x81\n"), `line 9: the data: '\u0080' is no hexadecimal digit`, 1},
		"no leading space":   {line(8, "62\n"), `line 8: "62" is no line of data`, 1},
		"a key without data": {line(9, ""), "line 9: the last key has no data", 1},
		"another dump":       {sound[:strings.Index(sound, "DATA=END")] + sound, "line 10: another dump begins before DATA=END", 2},
		"rubbish behind it":  {sound + "what is this\n", `line 11: "what is this" where a header should be`, 2},
		"format":             {line(2, "format=xml\n"), `line 2: format is "xml"`, 0},
		"type":               {line(3, "type=rtree\n"), `line 3: type is "rtree"`, 0},
		"no type":            {line(3, ""), "line 4: a header without type=", 0},
		"version":            {line(1, "VERSION=9\n"), "line 1: a dump of version 9", 0},
		"no version":         {line(1, "VERSION=x\n"), `line 1: VERSION is "x"`, 0},
		"endless header":     {"VERSION=3\nformat=print\n" + strings.Repeat("a=b\n", 100), "a header without HEADER=END", 0},
		"a long header":      {"VERSION=3\nformat=print\n" + strings.Repeat("a=b", 100_000), "is longer than", 0},
		"a lone backslash":   {printed + " b\\\n 2\nDATA=END\n", "line 7: the key: a backslash", 1},
		"half an escape":     {printed + " b\n 2\\0\nDATA=END\n", "line 8: the data: a backslash", 1},
		"no escape":          {printed + " b\n 2\\n\nDATA=END\n", "line 8: the data: a backslash", 1},
		"no escape in a key": {printed + " \\0x\n 2\nDATA=END\n", "line 7: the key: a backslash", 1},
		"an endless key":     {printed + " " + strings.Repeat("k", 2*longestKey+bufferSize) + "\n", "line 7: a key is longer", 1},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(mustOpen(t, "bdb:-", c.in))
			if !errors.Is(err, kv.ErrCorrupt) || !strings.Contains(err.Error(), c.want) || len(got) != c.read {
				t.Errorf("%q, %v; want %d records and %q", got, err, c.read, c.want)
			}
		})
	}
	packed := gzipped(sound)
	if got, err := read(mustOpen(t, "bdb:-", packed[:len(packed)-9])); !errors.Is(err, kv.ErrCorrupt) {
		t.Errorf("a gzip that is cut: %q, %v", got, err)
	}
}

// TestEveryCut cuts a dump everywhere: no cut is mistaken for the end, and what was whole before it is yielded.
func TestEveryCut(t *testing.T) {
	sound := hexLines("a", "1", "b", "2", "key", "value")
	all, err := read(mustOpen(t, "bdb:-", sound))
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < len(sound)-1; n++ {
		s, err := openTarget(t, "bdb:-", sound[:n])
		if err != nil {
			if !errors.Is(err, kv.ErrUsage) || n > len("VERSION=") {
				t.Errorf("cut at %d: %v", n, err)
			}
			continue
		}
		got, err := read(s)
		if !errors.Is(err, kv.ErrCorrupt) || !slices.Equal(got, all[:len(got)]) {
			t.Errorf("cut at %d: %q, %v", n, got, err)
		}
		if want := max(0, strings.Count(sound[:n], "\n")-5) / 2; len(got) != min(want, 3) {
			t.Errorf("cut at %d: %d records, want %d", n, len(got), want)
		}
	}
}

// TestRefused says what a wrong file is, and what to do.
func TestRefused(t *testing.T) {
	db := servertest.NewBerkeleyDB(t)
	dir := t.TempDir()
	target := func(method string) string {
		file := filepath.Join(dir, method)
		args := []string{"-T", "-t", method}
		if method == "queue" {
			args = append(args, "-c", "re_len=8")
		}
		db.Load(t, file, "a\nb\n", args...)
		return "bdb:" + file
	}
	stat := writeFile(t, "stat", db.Stat(t, strings.TrimPrefix(target("btree"), "bdb:")))
	good := writeFile(t, "good", hexLines("a", "b"))
	target("hash")
	others := writeFile(t, "others", "database=y\n"+db.Stat(t, filepath.Join(dir, "hash")))
	for name, c := range map[string]struct{ target, stdin, want, hint string }{
		"btree":          {target("btree"), "", "a database file of Berkeley DB (btree)", "db5.3_dump " + dir + "/btree |"},
		"hash":           {target("hash"), "", "a database file of Berkeley DB (hash)", "db5.3_dump"},
		"queue":          {target("queue"), "", "a database file of Berkeley DB (queue)", "db5.3_dump"},
		"recno":          {target("recno"), "", "a database file of Berkeley DB (btree)", "db5.3_dump"},
		"big-endian":     {"bdb:-", strings.Repeat("\x00", 12) + "\x00\x05\x31\x62", "standard input is a database file", "db5.3_dump FILE |"},
		"empty":          {"bdb:-", "", "standard input is empty", "did db_dump fail"},
		"UTF-16":         {"bdb:-", "\xff\xfeV\x00", "UTF-16", "-f FILE"},
		"rdb":            {"bdb:-", "REDIS0011", "no dump of Berkeley DB", "db5.3_dump"},
		"statistics":     {"bdb:" + stat, "", "is what db_stat prints", "?stat="},
		"a directory":    {"bdb:" + dir, "", "is a directory", "db5.3_dump"},
		"no name":        {"bdb:", "", "no file is named", ""},
		"parameter":      {"bdb:" + good + "?db=x", "", `no parameter "db"`, "database, stat"},
		"stat is none":   {"bdb:" + good + "?stat=" + good, "", "not what db_stat -d prints", "db5.3_stat -d"},
		"stat of others": {"bdb:" + good + "?database=x&stat=" + others, "", `nothing of the database "x"`, "database=NAME"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openTarget(t, c.target, c.stdin)
			if !errors.Is(err, kv.ErrUsage) || !strings.Contains(err.Error(), c.want) || !strings.Contains(kv.Hint(err), c.hint) {
				t.Errorf("%v (hint: %s), want %q", err, kv.Hint(err), c.want)
			}
		})
	}
	if _, err := openTarget(t, "bdb:"+dir+"/none", ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if got, err := read(mustOpen(t, "bdb:"+good+"?database=none", "")); !errors.Is(err, kv.ErrUsage) || len(got) > 0 {
		t.Errorf("a database that is not there: %q, %v", got, err)
	}
	if !sniff([]byte(hexLines("a", "b"))) || sniff([]byte("VERSION=1.2\nNAME=x\n")) || sniff([]byte("user:1\nuser:2\n")) {
		t.Error("sniff")
	}
}

func TestStdinOnce(t *testing.T) {
	s := mustOpen(t, "bdb:-", hexLines("a", "b"))
	if got, err := read(s); err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if _, err := read(s); err == nil {
		t.Error("standard input could be read twice")
	}
}

// TestDatabase reads one of several, under the number that it has in the dump.
func TestDatabase(t *testing.T) {
	named := func(name, dump string) string { return strings.Replace(dump, "type=", "database="+name+"\ntype=", 1) }
	path := writeFile(t, "all", named("users", hexLines("a", "b"))+named("b\\5cc", hexLines("c", "d", "e", "f")))
	s := mustOpen(t, `bdb:`+path+`?database=b\c`, "")
	got, err := read(s)
	if want := []string{`1 "c" 1 2`, `1 "e" 1 2`}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	info, err := s.Info(t.Context())
	if err != nil || info.Keys != 2 || !strings.Contains(strings.Join(info.Notes, "\n"), `1 is "b\\c" (hash)`) {
		t.Errorf("%+v, %v", info, err)
	}
}
