package ddbexport

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

const fixtures = "../../testdata/ddb"

func openExport(t *testing.T, target string) kv.Store {
	t.Helper()
	s, err := tryOpen(t, target)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tryOpen(t *testing.T, target string) (kv.Store, error) {
	t.Helper()
	parsed, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	return open(t.Context(), parsed)
}

// expected reads what scripts/ddb-fixtures has reckoned of each item.
func expected(t *testing.T, name string) []kv.Record {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtures, name))
	if err != nil {
		t.Fatal(err)
	}
	var all []kv.Record
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		r := kv.Record{Type: kv.TypeItem, TTL: kv.TTLNone, Fault: kv.Fault(f[5])}
		r.Known = kv.FieldName | kv.FieldParts | kv.FieldType | kv.FieldSize | kv.FieldLen | kv.FieldTTL | kv.FieldFault
		r.Parts = make([]kv.Part, 2)
		for i, name := range []string{"pk", "sk"} {
			r.Parts[i].Name = name
			if err := json.Unmarshal([]byte(f[i]), &r.Parts[i].Value); err != nil {
				t.Fatal(err)
			}
		}
		r.Key = kv.Join(r.Parts)
		r.Size, _ = strconv.ParseInt(f[2], 10, 64)
		r.Len, _ = strconv.ParseInt(f[3], 10, 64)
		if ms, err := strconv.ParseInt(f[4], 10, 64); err == nil {
			r.TTL, r.ExpireAt = kv.TTLAt, time.UnixMilli(ms)
			if ms < 1_790_000_000_000 {
				r.TTL = kv.TTLExpired
			}
		}
		all = append(all, r)
	}
	if len(all) < 20 {
		t.Fatalf("%s holds %d items", name, len(all))
	}
	return all
}

// Each form of an export holds the items that were put into it, with the sizes that another program reckoned of them.
func TestStore(t *testing.T) {
	for _, c := range []struct{ dir, items string }{
		{"full", "shop.tsv"}, {"full-ion", "shop.tsv"}, {"incremental", "changes.tsv"}, {"incremental-ion", "changes.tsv"},
	} {
		t.Run(c.dir, func(t *testing.T) {
			want := expected(t, c.items)
			kvtest.TestStore(t, kvtest.Config{
				Open:    func(t *testing.T) kv.Store { return openExport(t, "ddb-export:"+filepath.Join(fixtures, c.dir)) },
				Records: want,
				Globs:   []string{"USER#*", `*|PROFILE`},
			})
			faults := map[string]kv.Fault{}
			for _, r := range want {
				faults[r.Key] = r.Fault
			}
			for r, err := range openExport(t, "ddb-export:"+filepath.Join(fixtures, c.dir)).Scan(t.Context(), kv.ScanOptions{}) {
				if err != nil {
					t.Fatal(err)
				}
				if r.Fault != faults[r.Key] || len(r.Parts) != 2 || r.Place == "" {
					t.Errorf("%q: fault %q in %q, want %q", r.Key, r.Fault, r.Place, faults[r.Key])
				}
			}
		})
	}
}

// Wherever in an export the directory lies, it is found.
func TestFind(t *testing.T) {
	root := filepath.Join(fixtures, "full")
	export := filepath.Join(root, "AWSDynamoDB", "01790000000000-aaaa0001")
	for _, dir := range []string{root, filepath.Join(root, "AWSDynamoDB"), export, filepath.Join(export, "data")} {
		s, err := tryOpen(t, "ddb-export:"+dir)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		if n := len(s.(*store).files); n != 4 {
			t.Errorf("%s: %d files", dir, n)
		}
	}
	two := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.CopyFS(filepath.Join(two, name), os.DirFS(export)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tryOpen(t, "ddb-export:"+two); !errors.Is(err, kv.ErrUsage) || !strings.Contains(kv.Hint(err), filepath.Join(two, "b")) {
		t.Errorf("two exports: %v, hint %q", err, kv.Hint(err))
	}
	for _, target := range []string{
		"ddb-export:", "ddb-export:" + t.TempDir(), "ddb-export:ddbexport.go", "ddb-export:" + root + "?checksum=x", "ddb-export:" + root + "?sk=sk",
		"ddb-export:" + root + "?table=x",
	} {
		if _, err := tryOpen(t, target); !errors.Is(err, kv.ErrUsage) || kv.Hint(err) == "" {
			t.Errorf("%s: %v, hint %q", target, err, kv.Hint(err))
		}
	}
}

// damage returns a copy of the full export in which one file of data was changed.
func damage(t *testing.T, change func(b []byte) []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(fixtures, "full"))); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "AWSDynamoDB", "*", "data", "aaaa*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if b = change(b); b == nil {
		err = os.Remove(files[0])
	} else {
		err = os.WriteFile(files[0], b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// A file that is not as it was written does not keep the others from being read, and is told.
func TestDamage(t *testing.T) {
	all := len(expected(t, "shop.tsv"))
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
		query  string
		says   string
		whole  bool
	}{
		{"another header", func(b []byte) []byte { b[4] ^= 1; return b }, "", "its MD5 is", true},
		{"cut", func(b []byte) []byte { return b[:len(b)/2] }, "", "the compression is damaged", false},
		{"flipped", func(b []byte) []byte { b[len(b)/2] ^= 0x10; return b }, "?checksum=off", "damaged", false},
		{"gone", func([]byte) []byte { return nil }, "", "no such file", false},
		{"empty", func([]byte) []byte { return []byte{} }, "", "its MD5 is", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openExport(t, "ddb-export:"+damage(t, c.change)+c.query)
			n, last := 0, error(nil)
			for _, err := range s.Scan(t.Context(), kv.ScanOptions{}) {
				if err != nil {
					last = err
					break
				}
				n++
			}
			if !errors.Is(last, kv.ErrCorrupt) || !strings.Contains(last.Error(), c.says) {
				t.Errorf("%v", last)
			}
			if n == 0 || c.whole != (n == all) {
				t.Errorf("%d of %d items", n, all)
			}
		})
	}
}

// writeLines writes data without a manifest.
func writeLines(t *testing.T, lines ...string) string {
	t.Helper()
	dir := t.TempDir()
	pack(t, filepath.Join(dir, "a.json.gz"), strings.Join(lines, "\n")+"\n")
	return dir
}

// Lines that are no items are skipped and told, the first of them by its number.
func TestMalformed(t *testing.T) {
	dir := writeLines(t, `{"Item":{"pk":{"S":"a"}}}`, `{"Item":{"pk":{"S":"b"`, `{"Item":{"id":{"S":"c"}}}`, "", `{"Item":{"pk":{"S":"d"}}}`)
	s := openExport(t, "ddb-export:"+dir+"?pk=pk")
	var keys []string
	var last error
	for r, err := range s.Scan(t.Context(), kv.ScanOptions{}) {
		if last = err; err == nil {
			keys = append(keys, r.Key)
		}
	}
	if !slices.Equal(keys, []string{"a", "d"}) || !errors.Is(last, kv.ErrCorrupt) || !strings.Contains(last.Error(), "line 2") ||
		!strings.Contains(last.Error(), "1 more") {
		t.Errorf("%q, %v", keys, last)
	}
}

// The key is found by what it is called, by the order of the items or by being unique; else the user is asked.
func TestKey(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"convention", []string{`{"Item":{"PK":{"S":"a"},"SK":{"N":"1"},"id":{"S":"x"}}}`, `{"Item":{"PK":{"S":"a"},"SK":{"N":"2"},"id":{"S":"y"}}}`}, "PK and SK"},
		{"partition alone", []string{`{"Item":{"pk":{"S":"a"}}}`, `{"Item":{"pk":{"S":"b"},"sk":{"S":"b"}}}`}, "pk"},
		{"order", []string{
			`{"Item":{"user":{"S":"b"},"at":{"N":"9"},"v":{"S":"x"}}}`, `{"Item":{"user":{"S":"b"},"at":{"N":"10"},"v":{"S":"y"}}}`,
			`{"Item":{"user":{"S":"a"},"at":{"N":"3"},"v":{"S":"x"}}}`, `{"Item":{"user":{"S":"a"},"at":{"N":"4"},"v":{"S":"w"}}}`,
		}, "user and at"},
		{"unique", []string{`{"Item":{"mail":{"S":"a"},"n":{"N":"1"}}}`, `{"Item":{"mail":{"S":"b"},"n":{"N":"1"}}}`}, "mail"},
		{"an identifier", []string{`{"Item":{"userId":{"S":"a"},"n":{"N":"1"}}}`, `{"Item":{"userId":{"S":"b"},"n":{"N":"2"}}}`}, "userId"},
		{"nothing", []string{`{"Item":{"a":{"S":"a"},"n":{"N":"1"}}}`, `{"Item":{"a":{"S":"b"},"n":{"N":"2"}}}`}, ""},
		{"no candidate", []string{`{"Item":{"a":{"BOOL":true}}}`}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := tryOpen(t, "ddb-export:"+writeLines(t, c.lines...))
			if c.want == "" {
				if !errors.Is(err, kv.ErrUsage) || !strings.Contains(kv.Hint(err), "?pk=NAME") {
					t.Errorf("%v, hint %q", err, kv.Hint(err))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := s.(*store).key.String(); got != c.want {
				t.Errorf("the key is %s, want %s", got, c.want)
			}
		})
	}
}
