package rdb

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

// dir writes files into a directory of their own.
func dir(t *testing.T, files map[string][]byte) string {
	t.Helper()
	d := t.TempDir()
	for name, b := range files {
		path := filepath.Join(d, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func TestDirectory(t *testing.T) {
	d := dir(t, map[string][]byte{
		"node-1.rdb": read(t, streams), "node-2.rdb.gz": gzipped(t, read(t, "set_listpack.rdb")), "node-3.rdb.zst": zstdPacked(t, read(t, "keys_with_expiry.rdb")),
		"temp-17.rdb": []byte("REDIS0009 half"), "readme.txt": []byte("not a dump"), ".hidden.rdb": nil, "deeper/node-4.rdb": []byte("x"),
	})
	want := wantStreams()
	for _, name := range []string{"set_listpack.rdb", "keys_with_expiry.rdb"} {
		s, err := openTarget(t, "rdb:"+corpus+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		all, err := records(t, s, kv.ScanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, all...)
	}
	open := func(t *testing.T) kv.Store {
		s, err := openTarget(t, "rdb:"+d, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	kvtest.TestStore(t, kvtest.Config{Open: open, Records: want, Globs: []string{"*zipped*", "mystream"}})

	s := open(t)
	got, err := records(t, s, kv.ScanOptions{Want: kv.AllFields})
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]int{}
	for _, r := range got {
		if !r.Has(kv.FieldPlace | kv.FieldSlot) {
			t.Fatalf("%q knows %s", r.Key, r.Known)
		}
		places[r.Place]++
	}
	if got := slices.Sorted(maps.Keys(places)); !slices.Equal(got, []string{"node-1.rdb", "node-2.rdb.gz", "node-3.rdb.zst"}) || places["node-1.rdb"] != 14 {
		t.Errorf("places %v", places)
	}
	info, err := s.Info(t.Context())
	if err != nil || info.Keys != int64(len(want)) || info.Clock.IsZero() || info.Version != "RDB 4, redis 255.255.255, RDB 11, redis 999.999.999, RDB 9" {
		t.Errorf("%+v, %v", info, err)
	}
}

// TestShardsAreEven holds the dealing of files to its promise: all of them, each once, the largest apart.
func TestShardsAreEven(t *testing.T) {
	d := &directory{target: "rdb:x"}
	for _, size := range []int64{5, 100, 5, 90, 5, 5} {
		d.nodes = append(d.nodes, &node{size: size})
	}
	shards, err := d.Shards(t.Context(), 3)
	if err != nil || len(shards) != 3 {
		t.Fatal(shards, err)
	}
	var all int
	for _, s := range shards {
		nodes, err := d.part(s)
		if err != nil {
			t.Fatal(err)
		}
		all += len(nodes)
		bytes := int64(0)
		for _, n := range nodes {
			bytes += n.size
		}
		if bytes > 100 {
			t.Errorf("part %s has %d bytes", s.Name, bytes)
		}
	}
	if all != len(d.nodes) {
		t.Errorf("%d files in parts, of %d", all, len(d.nodes))
	}
	for _, name := range []string{"0/2", "3/2", "1/99", "x", "1/0"} {
		if _, err := d.part(kv.Shard{Name: name}); err == nil {
			t.Errorf("part %q is accepted", name)
		}
	}
}

// TestDamagedNode has one file that cannot be opened and one that is cut: the others are read, and both are named.
func TestDamagedNode(t *testing.T) {
	plain := read(t, streams)
	d := dir(t, map[string][]byte{"a.rdb": []byte("no dump at all"), "b.rdb": plain[:700], "c.rdb": plain})
	s, err := openTarget(t, "rdb:"+d, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, s)
	got, err := records(t, s, kv.ScanOptions{Want: kv.FieldPlace})
	if !errors.Is(err, kv.ErrCorrupt) || !strings.Contains(err.Error(), "a.rdb") || !strings.Contains(err.Error(), "b.rdb") {
		t.Errorf("%v names not both", err)
	}
	if last := got[len(got)-1]; len(got) < 14 || last.Place != "c.rdb" {
		t.Errorf("%d records, the last of %q", len(got), last.Place)
	}
	if _, err := openTarget(t, "rdb:"+dir(t, map[string][]byte{"a.rdb": []byte("no dump at all")}), nil); err == nil {
		t.Error("a directory without a readable dump was opened")
	}
	if _, err := openTarget(t, "rdb:"+t.TempDir(), nil); !errors.Is(err, kv.ErrUsage) || kv.Hint(err) == "" {
		t.Errorf("an empty directory: %v", err)
	}
}

const base = "appendonly.aof.1.base.rdb"

// aof is a directory with an append-only file in parts.
func aof(t *testing.T, files map[string][]byte) map[string][]byte {
	t.Helper()
	all := map[string][]byte{
		"appendonly.aof.manifest":   []byte("file " + base + " seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"),
		base:                        read(t, streams),
		"appendonly.aof.1.incr.aof": []byte("*1\r\n$4\r\nPING\r\n"),
	}
	maps.Copy(all, files)
	return all
}

func TestAOF(t *testing.T) {
	plain := read(t, streams)
	d := dir(t, aof(t, nil))
	quiet := dir(t, aof(t, map[string][]byte{"appendonly.aof.1.incr.aof": nil}))
	gone := dir(t, aof(t, nil))
	if err := os.Remove(filepath.Join(gone, "appendonly.aof.1.incr.aof")); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	if err := os.Rename(dir(t, aof(t, nil)), filepath.Join(data, "appendonlydir")); err != nil {
		t.Fatal(err)
	}
	single := write(t, "appendonly.aof", append(bytes.Clone(plain), "*1\r\n$4\r\nPING\r\n"...))
	whole := write(t, "whole.aof", plain)
	for _, c := range []struct{ target, want string }{
		{"rdb:" + d, "14 bytes in appendonly.aof.1.incr.aof"},
		{"rdb:" + filepath.Join(d, "appendonly.aof.manifest"), "14 bytes in appendonly.aof.1.incr.aof"},
		{"rdb:" + data, "14 bytes in appendonly.aof.1.incr.aof"},
		{"rdb:" + single, "14 bytes in the same file"},
		{"rdb:" + gone, "appendonly.aof.1.incr.aof, which is missing"},
		{"rdb:" + quiet, ""},
		{"rdb:" + whole, ""},
		{"rdb:" + d + "?base_only=on", ""},
		{"rdb:" + single + "?base_only=on", ""},
	} {
		s, err := openTarget(t, c.target, nil)
		if err != nil {
			t.Errorf("%s: %v", c.target, err)
			continue
		}
		got, err := records(t, s, kv.ScanOptions{})
		if len(got) != 14 || (err != nil) != (c.want != "") {
			t.Errorf("%s: %d records, %v", c.target, len(got), err)
		}
		if c.want != "" && (!errors.Is(err, kv.ErrCorrupt) || !strings.Contains(err.Error(), c.want) || !strings.Contains(kv.Hint(err), "base_only")) {
			t.Errorf("%s: %v (hint %q), want %q", c.target, err, kv.Hint(err), c.want)
		}
		info, err := s.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if asked := strings.Contains(strings.Join(info.Notes, "\n"), "14 bytes in"); asked != strings.Contains(c.target, "base_only") {
			t.Errorf("%s: notes %q", c.target, info.Notes)
		}
		closing(t, s)
	}
}

func TestAOFRefused(t *testing.T) {
	commands := []byte("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n")
	for name, c := range map[string]struct {
		files map[string][]byte
		kind  error
		want  string
	}{
		"commands":     {map[string][]byte{base: commands}, kv.ErrUsage, "command form"},
		"no base":      {map[string][]byte{"appendonly.aof.manifest": []byte("file a.aof seq 1 type i\n")}, kv.ErrUsage, "no base"},
		"outside":      {map[string][]byte{"appendonly.aof.manifest": []byte("file ../x.rdb seq 1 type b\n")}, kv.ErrCorrupt, "line 1"},
		"not one":      {map[string][]byte{"b.manifest": []byte("file x seq 1 type b\n")}, kv.ErrUsage, "2 manifests"},
		"base missing": {map[string][]byte{"appendonly.aof.manifest": []byte("file y.rdb seq 1 type b\n")}, os.ErrNotExist, "y.rdb"},
		"large":        {map[string][]byte{"appendonly.aof.manifest": bytes.Repeat([]byte("#\n"), maxManifest)}, kv.ErrCorrupt, "more than"},
	} {
		_, err := openTarget(t, "rdb:"+dir(t, aof(t, c.files)), nil)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if c.kind == kv.ErrUsage && kv.Hint(err) == "" {
			t.Errorf("%s: %v has no hint", name, err)
		}
	}
}

func TestManifest(t *testing.T) {
	for text, want := range map[string]manifest{
		"file a.rdb seq 1 type b\n":                              {base: "a.rdb"},
		"# made by hand\r\nfile a.rdb seq 1 type b\r\n":          {base: "a.rdb"},
		"seq 1  type b\tFILE \"a b.rdb\"":                        {base: "a b.rdb"},
		"file h seq 1 type h\nfile i seq 2 type i startoffset 7": {incr: []string{"i"}},
	} {
		if m, err := parseManifest([]byte(text)); err != nil || m.base != want.base || !slices.Equal(m.incr, want.incr) {
			t.Errorf("%q: %+v, %v", text, m, err)
		}
	}
	for _, text := range []string{
		"", "#", "file a seq 1", "file a seq x type b", "file a seq 1 type z", "file a/b seq 1 type b", "file a seq 1 type b file", "file .. seq 1 type b",
		`file "a seq 1 type b`, `file "a"b seq 1 type b`, "file a seq 1 type b\nfile b seq 1 type b", "file " + strings.Repeat("a", maxLine) + " seq 1 type b",
	} {
		if m, err := parseManifest([]byte(text)); err == nil {
			t.Errorf("%q is accepted: %+v", text, m)
		}
	}
}

// FuzzManifest reads anything as a manifest: what it names lies beside it.
func FuzzManifest(f *testing.F) {
	f.Add([]byte("file appendonly.aof.1.base.rdb seq 1 type b\nfile \"a b\" seq 1 type i\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text)
		if err != nil {
			return
		}
		for _, name := range append(m.incr, m.base) {
			if name != "" && filepath.Base(name) != name || strings.ContainsRune(name, 0) {
				t.Fatalf("%q names %q", text, name)
			}
		}
	})
}

func TestSniff(t *testing.T) {
	for head, want := range map[string]bool{
		"REDIS0011\xfa": true, "VALKEY080": true, "*2\r\n$6\r\nSELECT\r\n": true, "file a.rdb seq 1 type b\n": true,
		"* a list\r\n- b": false, "*2\r\nx": false, "file under: misc\n type ": false, "user:1\n": false, "": false,
	} {
		if sniff([]byte(head)) != want {
			t.Errorf("%q: %v", head, !want)
		}
	}
	for name, want := range map[string]bool{"a.rdb": true, "a.rdb.gz": true, "a.rdb.zst": true, "appendonlydir": true, "x.manifest": true, "a.txt": false} {
		if sniffDir([]string{"x", name}) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}
