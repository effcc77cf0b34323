package berkeleydb

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// TestStat reads what the real db_stat prints of each access method: its percentages come out of the numbers again, and its keys
// are those of the dump.
func TestStat(t *testing.T) {
	db := servertest.NewBerkeleyDB(t)
	dir := t.TempDir()
	growing := func(i int) string { return fmt.Sprintf("user:%d\n%0*d\n", i, 1+3*i%2000, 7) }
	number := func(i int) string { return fmt.Sprintln(i) }
	for name, c := range map[string]struct {
		args []string
		item func(i int) string
		keys int64
		want kv.Pages // Method, Items, and uses that must have pages
	}{
		"btree": {
			[]string{"-t", "btree"},
			growing,
			900,
			kv.Pages{Method: "btree", Items: 900, Kinds: uses("leaf", "internal", "overflow")},
		},
		"hash": {
			[]string{"-t", "hash"},
			growing,
			900,
			kv.Pages{Method: "hash", Items: 900, Kinds: uses("bucket", "overflow")},
		},
		"dups": {
			[]string{"-t", "btree", "-c", "duplicates=1"},
			func(i int) string { return fmt.Sprintf("k:%d\nv%060d\n", i%10, i) },
			10,
			kv.Pages{Method: "btree", Items: 900, Kinds: uses("leaf", "duplicate")},
		},
		"recno": {[]string{"-t", "recno"}, number, 900, kv.Pages{Method: "recno", Items: 900, Kinds: uses("leaf")}},
		"queue": {[]string{"-t", "queue", "-c", "re_len=20"}, number, 900, kv.Pages{Method: "queue", Items: 900, Kinds: uses("data")}},
		"small pages": {
			[]string{"-t", "btree", "-c", "db_pagesize=512"},
			func(i int) string { return fmt.Sprintf("%d\n%d\n", i, i) },
			900,
			kv.Pages{Method: "btree", Items: 900, Kinds: uses("leaf", "internal")},
		},
		"no keys": {[]string{"-t", "btree"}, func(int) string { return "" }, 0, kv.Pages{Method: "btree", Kinds: uses("leaf")}},
	} {
		t.Run(name, func(t *testing.T) {
			var in strings.Builder
			for i := range 900 {
				in.WriteString(c.item(i))
			}
			file := filepath.Join(dir, name)
			db.Load(t, file, in.String(), append([]string{"-T"}, c.args...)...)
			text := db.Stat(t, file)
			all, err := parseStat(text)
			if err != nil || len(all) != 1 {
				t.Fatalf("%v, %v\n%s", all, err, text)
			}
			p := all[0]
			if p.Method != c.want.Method || p.Keys != c.keys || p.Items != c.want.Items {
				t.Errorf("%+v\n%s", p, text)
			}
			for _, k := range c.want.Kinds {
				if p.Kind(k.Name).Pages == 0 {
					t.Errorf("no %s pages: %+v\n%s", k.Name, p, text)
				}
			}
			checkPercentages(t, &p, text)
			dump := writeFile(t, "dump", db.Dump(t, file))
			s := mustOpen(t, "bdb:"+dump+"?stat="+writeFile(t, "stat", text), "")
			if _, err := read(s); err != nil {
				t.Fatal(err)
			}
			info, err := s.Info(t.Context())
			if err != nil || info.Keys != c.keys || len(info.Pages) != 1 || strings.Contains(strings.Join(info.Notes, ""), "db_stat counts") {
				t.Errorf("%+v, %v", info, err)
			}
		})
	}
}

func uses(names ...string) (kinds []kv.PageKind) {
	for _, n := range names {
		kinds = append(kinds, kv.PageKind{Name: n})
	}
	return kinds
}

// checkPercentages holds the fill that db_stat prints of each use against that of its numbers.
func checkPercentages(t *testing.T, p *kv.Pages, text string) {
	t.Helper()
	seen := 0
	for _, k := range p.Kinds {
		for _, known := range kinds[map[string]string{"btree": "btree", "recno": "btree", "hash": "hash", "queue": "queue"}[p.Method]] {
			if known[0] != k.Name || k.Pages == 0 {
				continue
			}
			full := 100 * (1 - float64(k.Free)/float64(k.Pages*p.Size))
			var printed float64
			_, after, ok := strings.Cut(text, known[2]+" (")
			if _, err := fmt.Sscanf(after, "%f%%", &printed); !ok || err != nil || full-printed > 1.01 || printed-full > 1.01 {
				t.Errorf("%s is %.1f %% full, db_stat says %v", k.Name, full, printed)
			}
			seen++
		}
	}
	if seen == 0 {
		t.Errorf("nothing was compared: %+v", p)
	}
}

// TestStatForms reads the forms that numbers take, and other releases.
func TestStatForms(t *testing.T) {
	const head = "Mon\tLocal time\n53162\tBtree magic number\n9\tBtree version number\n4096\tUnderlying database page size\n"
	for name, c := range map[string]struct {
		text string
		want string // free, pages, keys of leaves; or the error
	}{
		"large": {
			head + "12M\tNumber of unique keys in the tree (12345678)\n20M\tNumber of tree leaf pages (20000001)\n" +
				"12M\tNumber of bytes free in tree leaf pages (53% ff)\n", "12000000 20000001 12345678",
		},
		"before 4.3": {
			"53162\tBtree magic number.\n8192\tUnderlying tree page size.\n8192\tUnderlying database page size.\n5\tNumber of keys in the tree.\n" +
				"3\tNumber of tree leaf pages.\n100\tNumber of bytes free in tree leaf pages (99% ff).\n", "100 3 5",
		},
		"Windows":       {strings.ReplaceAll(head+"3\tNumber of tree leaf pages\n", "\n", "\r\n"), "0 3 0"},
		"more than all": {head + "1\tNumber of tree leaf pages\n50M\tNumber of bytes free in tree leaf pages (0% ff)\n", "4096 1 0"},
		"list of databases": {
			"53162\tBtree magic number\nmultiple-databases\tFlags\n4096\tUnderlying database page size\n",
			"these are the statistics of the list of databases that the file has, not of one of them",
		},
		"no page size": {"53162\tBtree magic number\n", "pages of 0 bytes: Berkeley DB has pages of 512 to 65,536"},
		"heap":         {"74582\tHeap magic number\n", `statistics of a database of the method "heap", which is not known`},
		"too many":     {head + "9223372036854775807\tNumber of tree leaf pages\n", "9223372036854775807 pages: more than a file can have"},
		"of a cache":   {"256KB\tTotal cache size\n", "this is not what db_stat -d prints of a database"},
		"nothing":      {"", "this is not what db_stat -d prints of a database"},
	} {
		all, err := parseStat(c.text)
		got := fmt.Sprint(err)
		if err == nil {
			k := all[0].Kind("leaf")
			got = fmt.Sprint(k.Free, k.Pages, all[0].Keys)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
	all, err := parseStat("database=a\n" + head + "3\tNumber of tree leaf pages\ndatabase=b\n" + head + "4\tNumber of tree leaf pages\n")
	if err != nil || len(all) != 2 || all[0].Database != "a" || all[1].Database != "b" || all[1].Total() != 4 {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestStatOfOthers says where statistics and dump are not of the same keys, or nothing was counted.
func TestStatOfOthers(t *testing.T) {
	db := servertest.NewBerkeleyDB(t)
	file := filepath.Join(t.TempDir(), "db")
	db.Load(t, file, "a\n1\nb\n2\n", "-T", "-t", "btree")
	for want, stat := range map[string]string{
		"db_stat counts 2 keys, and the dump holds 1": db.Stat(t, file),
		"db_stat -f": db.Stat(t, file, "-f"),
	} {
		s := mustOpen(t, "bdb:"+writeFile(t, "dump", hexLines("a", "1"))+"?stat="+writeFile(t, "stat", stat), "")
		if _, err := read(s); err != nil {
			t.Fatal(err)
		}
		info, err := s.Info(t.Context())
		if notes := strings.Join(info.Notes, "\n"); err != nil || !strings.Contains(notes, want) {
			t.Errorf("%s, %v, want %s", notes, err, want)
		}
	}
}
