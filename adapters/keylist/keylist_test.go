package keylist

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

func openList(t *testing.T, target, stdin string) kv.Store {
	t.Helper()
	tgt, err := kv.ParseTarget(target)
	if err != nil {
		t.Fatal(err)
	}
	tgt.Stdin = strings.NewReader(stdin)
	s, err := Adapter().Open(t.Context(), tgt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// names scans s to its end or its error.
func names(t *testing.T, s kv.Store) ([]string, error) {
	t.Helper()
	var all []string
	for r, err := range s.Scan(t.Context(), kv.ScanOptions{}) {
		if err != nil {
			return all, err
		}
		all = append(all, r.Key)
	}
	return all, nil
}

func TestConformance(t *testing.T) {
	keys := []string{"user:1", "user:2:cart", "a key", "\x1b[31mred", "caf\xe9", strings.Repeat("x", 1<<20)}
	path := filepath.Join(t.TempDir(), "keys.txt")
	if err := os.WriteFile(path, []byte(strings.Join(keys, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	records := make([]kv.Record, len(keys))
	for i, k := range keys {
		records[i] = kv.Record{Key: k, Known: kv.FieldName}
	}
	kvtest.TestStore(t, kvtest.Config{
		Open:    func(t *testing.T) kv.Store { return openList(t, "keys:"+path, "") },
		Records: records,
		Globs:   []string{"user:*", "*\xe9"},
	})
}

func TestLines(t *testing.T) {
	for _, c := range []struct {
		name, target, in string
		want             []string
	}{
		{"empty", "keys:-", "", nil},
		{"empty lines", "keys:-", "\n\na\n\nb\n\n", []string{"a", "b"}},
		{"no line break at the end", "keys:-", "a\nb", []string{"a", "b"}},
		{"spaces are part of a name", "keys:-", " a \n\tb\n", []string{" a ", "\tb"}},
		{"CR LF", "keys:-", "a\r\nb\r\n\r\nc", []string{"a", "b", "c"}},
		{"CR in a name", "keys:-", "a\nb\r\n", []string{"a", "b\r"}},
		{"nul", "keys:-?sep=nul", "a\nb\x00c\r\x00\x00", []string{"a\nb", "c\r"}},
		{"line", "keys:-?sep=line", "a\x00b\n", []string{"a\x00b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := names(t, openList(t, c.target, c.in))
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestNotAList(t *testing.T) {
	for name, in := range map[string]string{
		"rdb": "REDIS0011\xfa", "utf-16": "\xff\xfea\x00\n\x00", "gzip": "\x1f\x8b\x08",
	} {
		if _, err := names(t, openList(t, "keys:-", in)); !errors.Is(err, kv.ErrUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := openList(t, "keys:-", "a\n"+strings.Repeat("x", longest+1<<20))
	if got, err := names(t, long); !errors.Is(err, kv.ErrCorrupt) || len(got) != 1 {
		t.Errorf("a name without end: %d names, %v", len(got), err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for target, usage := range map[string]bool{
		"keys:":             true,
		"keys:.":            true,
		"keys:x?sep=comma":  true,
		"keys:x?separator=": true,
		"keys:no such file": false,
	} {
		tgt, err := kv.ParseTarget(target)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Adapter().Open(t.Context(), tgt)
		if err == nil || errors.Is(err, kv.ErrUsage) != usage {
			t.Errorf("%s: %v, usage error: %v", target, err, usage)
		}
	}
}

func TestStdinOnce(t *testing.T) {
	s := openList(t, "keys:-", "a\n")
	if got, err := names(t, s); err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if _, err := names(t, s); err == nil {
		t.Error("stdin could be read twice")
	}
}

// A failing reader must not be mistaken for the end of the list.
func TestReadError(t *testing.T) {
	tgt := kv.Target{Scheme: "keys", Path: "-", Stdin: io.MultiReader(strings.NewReader("a\nb"), failing{})}
	s, err := Adapter().Open(t.Context(), tgt)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := names(t, s); err == nil || !slices.Equal(got, []string{"a"}) {
		t.Errorf("got %q, %v", got, err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("device is gone") }
