package berkeleydb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// A world is what a database was told to hold: the values of each key.
type world map[string][]string

// lines returns what read returns of a dump of w.
func (w world) lines(numbered bool) []string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(w)) {
		size := len(key)
		if numbered {
			size = 0
		}
		for _, v := range w[key] {
			size += len(v)
		}
		all = append(all, fmt.Sprintf("0 %q %d %d", key, len(w[key]), size))
	}
	slices.Sort(all)
	return all
}

// text writes pairs for db_load -T, with every byte escaped.
func text(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		for i := range len(p) {
			fmt.Fprintf(&b, "\\%02x", p[i])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestModel loads random pairs by db_load into each kind of database, and holds what is read of a dump of it against the pairs. Its
// keys and values are any bytes; some are larger than a page.
func TestModel(t *testing.T) {
	db := servertest.NewBerkeleyDB(t)
	piece := rapid.SliceOfN(rapid.Byte(), 0, 12)
	value := rapid.Custom(func(t *rapid.T) string {
		v := string(piece.Draw(t, "value"))
		if rapid.IntRange(0, 9).Draw(t, "large") == 0 {
			v = strings.Repeat(v+"\x00\\", rapid.IntRange(100, 1000).Draw(t, "times"))
		}
		return v
	})
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "db")
		kind := rapid.SampledFrom([]string{"btree", "hash", "dups", "dupsort", "hash dups", "recno", "queue"}).Draw(rt, "kind")
		method, options, _ := strings.Cut(kind, " ")
		args := []string{"-T", "-t", method}
		w := world{}
		var in []string
		numbered := false
		switch {
		case method == "recno" || method == "queue":
			numbered = true
			for i, v := range rapid.SliceOfN(value, 0, 30).Draw(rt, "values") {
				if method == "queue" {
					v = (v + "        ")[:8] // it pads with spaces, and takes no longer ones
				}
				in = append(in, v)
				w[fmt.Sprint(i+1)] = []string{v}
			}
			if method == "queue" {
				args = append(args, "-c", "re_len=8")
			}
		default:
			several := method == "dups" || method == "dupsort" || options == "dups"
			if several && method != "hash" {
				args[2] = "btree"
			}
			if several {
				args = append(args, "-c", "duplicates=1")
			}
			if method == "dupsort" {
				args = append(args, "-c", "dupsort=1")
			}
			for range rapid.IntRange(0, 30).Draw(rt, "pairs") {
				k, v := string(piece.Draw(rt, "key")), value.Draw(rt, "value")
				if !several && w[k] != nil || method == "dupsort" && slices.Contains(w[k], v) {
					continue
				}
				in = append(in, k, v)
				w[k] = append(w[k], v)
			}
		}
		db.Load(t, file, text(in...), args...)
		for _, flags := range [][]string{{}, {"-p"}, {"-k"}, {"-p", "-k"}} {
			if len(flags) > 0 && flags[len(flags)-1] == "-k" && !numbered {
				continue
			}
			dump := db.Dump(t, file, flags...)
			s, err := Adapter().Open(t.Context(), kv.Target{Scheme: "bdb", Path: "-", Stdin: strings.NewReader(dump)})
			if err != nil {
				rt.Fatalf("%v\n%.2000s", err, dump)
			}
			got, err := read(s)
			slices.Sort(got)
			want := w.lines(numbered && !slices.Contains(flags, "-k"))
			if err != nil || !slices.Equal(got, want) {
				rt.Fatalf("%s %q: %v\ngot  %.2000q\nwant %.2000q\n%.2000s", kind, flags, err, got, want, dump)
			}
		}
	})
}

// naive is a second reading of a dump, line by line and all in memory. ok is false where the dump is not sound.
func naive(in string) (keys []string, sizes []int, ok bool) {
	lines := strings.Split(in, "\n")
	at := slices.Index(lines, "HEADER=END")
	last := len(lines) - 1
	if at < 0 || lines[0] != "VERSION=3" || lines[last] != "" || lines[last-1] != "DATA=END" || (last-1-at-1)%2 != 0 {
		return nil, nil, false
	}
	print := slices.Contains(lines[:at], "format=print")
	for i, line := range lines[at+1 : last-1] {
		if !strings.HasPrefix(line, " ") {
			return nil, nil, false
		}
		var datum []byte
		if print {
			for j := 1; j < len(line); j++ {
				switch {
				case line[j] != '\\':
					datum = append(datum, line[j])
				case strings.HasPrefix(line[j:], `\\`):
					datum, j = append(datum, '\\'), j+1
				default:
					var c byte
					if n, err := fmt.Sscanf(line[j+1:min(j+3, len(line))], "%02x", &c); n != 1 || err != nil || j+3 > len(line) {
						return nil, nil, false
					}
					datum, j = append(datum, c), j+2
				}
			}
		} else if n, err := fmt.Sscanf(line[1:], "%x", &datum); len(line) > 1 && (n != 1 || err != nil || 2*len(datum) != len(line)-1) {
			return nil, nil, false
		}
		if i%2 == 0 {
			keys = append(keys, string(datum))
			sizes = append(sizes, len(datum))
		} else {
			sizes[len(sizes)-1] += len(datum)
		}
	}
	return keys, sizes, true
}

// FuzzDump reads any bytes as a dump: no panic, every error is corrupt input, and what a plain reader reads too comes out the
// same.
func FuzzDump(f *testing.F) {
	f.Add([]byte(hexLines("a", "1", "b", "")))
	f.Add([]byte("VERSION=3\nformat=print\ndatabase=x\ntype=btree\nduplicates=1\nHEADER=END\n a\\\\\n \\00\n a\n b\nDATA=END\n"))
	f.Add([]byte("VERSION=3\nformat=print\ntype=hash\nHEADER=END\n a\n b\n \\41\n c\nDATA=END\n"))
	f.Add([]byte("VERSION=1\nformat=print\ntype=recno\nHEADER=END\na\r\nb"))
	f.Add([]byte("VERSION=3\ntype=queue\nkeys=1\nHEADER=END\n 31\n 2020\nDATA=END\n\nVERSION=3\ntype=btree\nHEADER=END\nDATA=END"))
	f.Fuzz(func(t *testing.T, in []byte) {
		big := readPairs(in, 4<<10)
		small := readPairs(in, 64) // most lines come in pieces
		if small.err == nil && fmt.Sprint(small) != fmt.Sprint(big) {
			t.Fatalf("by pieces\n%+v, whole\n%+v", small, big)
		}
		if big.err != nil {
			if !strings.HasPrefix(big.err.Error(), "line ") || !errors.Is(big.err, kv.ErrCorrupt) {
				t.Fatalf("%v", big.err)
			}
			return
		}
		keys, sizes, ok := naive(string(in))
		if !ok || !big.plain || bytes.ContainsAny(in, "\r") {
			return
		}
		if !slices.Equal(big.keys, keys) || !slices.Equal(big.sizes, sizes) {
			t.Fatalf("%+v, want %q %v", big, keys, sizes)
		}
	})
}

// What was read of a dump. It is plain where the naive reader reads it, too: one database of today's form, with keys.
type pairs struct {
	keys  []string
	sizes []int
	plain bool
	err   error
}

// readPairs reads in with a buffer of so many bytes.
func readPairs(in []byte, buffer int) (p pairs) {
	r := &reader{in: bufio.NewReaderSize(bytes.NewReader(in), buffer)}
	p.plain = true
	for {
		d, done, err := r.header()
		if err != nil || done {
			p.plain, p.err = p.plain && r.databases == 1, err
			return p
		}
		p.plain = p.plain && !d.numbered && d.version == 3
		for {
			size, done, err := r.pair(d)
			if err != nil {
				p.err = err
				return p
			}
			if done {
				break
			}
			p.keys = append(p.keys, string(r.key))
			p.sizes = append(p.sizes, len(r.key)+int(size))
		}
	}
}

// FuzzStat reads any text as what db_stat prints.
func FuzzStat(f *testing.F) {
	f.Add("53162\tBtree magic number\n4096\tUnderlying database page size\n7\tNumber of tree leaf pages\n8490\tNumber of bytes free in tree leaf pages (70% ff)\n")
	f.Add("database=a\n61561\tHash magic number\n512\tUnderlying database page size\n12M\tNumber of hash buckets (12345678)\n9223372036854775807M\tNumber of overflow pages\n")
	f.Fuzz(func(t *testing.T, in string) {
		all, err := parseStat(in)
		if err != nil {
			return
		}
		for _, p := range all {
			for _, k := range p.Kinds {
				if k.Free < 0 || k.Pages < 0 || k.Free > k.Pages*p.Size {
					t.Fatalf("%+v", p)
				}
			}
			if p.Total() < 0 || p.Total()*p.Size < 0 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
