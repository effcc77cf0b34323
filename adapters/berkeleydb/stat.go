package berkeleydb

import (
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/kv"
)

// longestStat bounds the file of db_stat's: one database takes 1 KB.
const longestStat = 4 << 20

// readStat reads what db_stat -d printed.
func (s *store) readStat(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return short(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, longestStat+1))
	switch {
	case err != nil:
		return short(err)
	case len(text) > longestStat:
		return kv.WithHint(kv.Usagef("%s is larger than %d MiB: it is no text of db_stat", path, longestStat>>20), statHint)
	}
	all, err := parseStat(string(text))
	if err != nil {
		return kv.WithHint(kv.Usagef("%s: %w", path, err), statHint)
	}
	for _, p := range all {
		if s.name == "" || p.Database == "" && len(all) == 1 || p.Database == s.name {
			s.stats = append(s.stats, p)
		}
	}
	if len(s.stats) == 0 {
		return kv.WithHint(kv.Usagef("%s has nothing of the database %q", path, s.name),
			"write a line database=NAME before what db_stat -d FILE -s NAME prints")
	}
	return nil
}

const statHint = "db5.3_stat -d FILE > FILE.stat; of a file with several databases: db5.3_stat -d FILE -s NAME"

// A figures is the numbers of one database by what db_stat calls them.
type figures struct {
	database string
	method   string
	flags    string
	n        map[string]int64
}

// parseStat reads what db_stat -d prints, of any release: a line a number, a tab, and what it counts.
//
//	53162	Btree magic number
//	57	Number of tree leaf pages
//	108990	Number of bytes free in tree leaf pages (53% ff)
//	12M	Number of bytes free in tree leaf pages (53% ff)
//	12M	Number of data items in the tree (12345678)
//
// Several databases follow each other, each after a line database=NAME, which db_stat does not write.
func parseStat(text string) ([]kv.Pages, error) {
	var all []kv.Pages
	var f *figures
	name := ""
	flush := func() error {
		if f == nil {
			return nil
		}
		p, err := f.pages()
		all = append(all, p)
		f = nil
		return err
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if next, ok := strings.CutPrefix(line, "database="); ok {
			if err := flush(); err != nil {
				return nil, err
			}
			name = next
			continue
		}
		value, label, ok := strings.Cut(line, "\t")
		if !ok {
			continue
		}
		label = strings.TrimSuffix(label, ".") // of releases before 4.3
		if method, ok := strings.CutSuffix(label, " magic number"); ok {
			if err := flush(); err != nil {
				return nil, err
			}
			f = &figures{database: name, method: strings.ToLower(method), n: map[string]int64{}}
			name = ""
		}
		if f != nil {
			f.set(value, label)
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("this is not what db_stat -d prints of a database")
	}
	return all, nil
}

// set takes one line.
func (f *figures) set(value, label string) {
	if label == "Flags" {
		f.flags = value
		return
	}
	number, millions := strings.CutSuffix(value, "M")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 {
		return // of another form, such as the byte order
	}
	label, after, _ := strings.Cut(label, " (")
	if millions {
		// A large number is rounded, and follows whole unless a percentage does.
		exact, err := strconv.ParseInt(strings.TrimSuffix(after, ")"), 10, 64)
		switch {
		case err == nil && exact >= 0:
			n = exact
		case n > math.MaxInt64/1_000_000:
			return
		default:
			n *= 1_000_000
		}
	}
	f.n[label] = n
}

// kinds are the pages of each access method: what they are called here, what counts them, what counts their free bytes.
var kinds = map[string][][3]string{
	"btree": {
		{"leaf", "Number of tree leaf pages", "Number of bytes free in tree leaf pages"},
		{"internal", "Number of tree internal pages", "Number of bytes free in tree internal pages"},
		{"duplicate", "Number of tree duplicate pages", "Number of bytes free in tree duplicate pages"},
		{"overflow", "Number of tree overflow pages", "Number of bytes free in tree overflow pages"},
	},
	"hash": {
		{"bucket", "Number of hash buckets", "Number of bytes free on bucket pages"},
		{"bucket overflow", "Number of bucket overflow pages", "Number of bytes free in bucket overflow pages"},
		{"duplicate", "Number of duplicate pages", "Number of bytes free in duplicate pages"},
		{"overflow", "Number of overflow pages", "Number of bytes free in overflow pages"},
	},
	"queue": {
		{"data", "Number of database pages", "Number of bytes free in database pages"},
	},
}

// pages makes of the numbers what analyses know.
func (f *figures) pages() (kv.Pages, error) {
	p := kv.Pages{Database: f.database, Method: f.method, Size: f.n["Underlying database page size"]}
	if f.method == "btree" && strings.Contains(f.flags, "recno") {
		p.Method = "recno"
	}
	switch {
	case kinds[f.method] == nil:
		return p, fmt.Errorf("statistics of a database of the method %.20q, which is not known", f.method)
	case p.Size < 512 || p.Size > 64<<10 || p.Size&(p.Size-1) != 0:
		return p, fmt.Errorf("pages of %d bytes: Berkeley DB has pages of 512 to 65,536", p.Size)
	case strings.Contains(f.flags, "multiple-databases"):
		return p, fmt.Errorf("these are the statistics of the list of databases that the file has, not of one of them")
	}
	for _, label := range [...]string{
		"Number of unique keys in the tree", "Number of keys in the tree", "Number of keys in the database",
		"Number of records in the tree", "Number of records in the database",
	} {
		p.Keys = max(p.Keys, f.n[label])
	}
	p.Items = max(f.n["Number of data items in the tree"], f.n["Number of data items in the database"])
	p.Levels = f.n["Number of levels in the tree"]
	p.Inline = f.n["Overflow key/data size"]
	p.Unused = f.n["Number of pages on the free list"] + f.n["Number of empty pages"]
	most := math.MaxInt64 / p.Size
	for _, k := range kinds[f.method] {
		kind := kv.PageKind{Name: k[0], Pages: f.n[k[1]], Free: f.n[k[2]]}
		if kind.Pages > most/16 || p.Unused > most/16 {
			return p, fmt.Errorf("%d pages: more than a file can have", max(kind.Pages, p.Unused))
		}
		// A free count that was rounded may be larger than all there is.
		kind.Free = min(kind.Free, kind.Pages*p.Size)
		p.Kinds = append(p.Kinds, kind)
	}
	return p, nil
}
