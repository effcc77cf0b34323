package ddbexport

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/item"
	"github.com/kvtool/kvtool/kv"
)

// keyNames are the attributes of the key; sort is empty where there is none.
type keyNames struct {
	partition, sort string
	told            bool // by parameters, or by the export
	why             string
}

func (k keyNames) String() string {
	if k.sort == "" {
		return k.partition
	}
	return k.partition + " and " + k.sort
}

// Bounds of the sample that the key and the TTL attribute are found in.
const (
	sampledFiles = 4
	sampledLines = 500 // of each
)

// learn finds out which attributes are the key and which the TTL, from the parameters or from the first items.
func (s *store) learn(ctx context.Context, t kv.Target) error {
	pk, sk, ttl := t.Query.Get("pk"), t.Query.Get("sk"), t.Query.Get("ttl")
	if sk == none {
		sk = ""
	}
	switch {
	case pk == "" && t.Query.Get("sk") != "":
		return kv.WithHint(kv.Usagef("%s: sk without pk", t), "name both: ?pk=NAME&sk=NAME")
	case pk != "":
		s.key = keyNames{pk, sk, true, "as told"}
	}
	switch ttl {
	case "":
	case none:
		s.ttl = attribute{told: true, why: "as told: items do not expire"}
	default:
		s.ttl = attribute{ttl, true, "the attribute that was named"}
	}
	if s.key.told && s.ttl.told {
		return nil
	}
	sm := s.sample(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.ttl.told {
		s.ttl = sm.ttl()
	}
	if s.key.told {
		return nil
	}
	var err error
	s.key, err = sm.key()
	return err
}

// A sample is the first items of some files.
type sample struct {
	items []map[string]item.Value
	keys  []string // of an incremental export: the names of the key
}

// sample reads the first items of files that lie far apart. What cannot be read is left to the scan, to complain about.
func (s *store) sample(ctx context.Context) *sample {
	sm := &sample{}
	step := max(1, len(s.files)/sampledFiles)
	read := 0
	for i := 0; i < len(s.files) && read < sampledFiles && ctx.Err() == nil; i++ {
		if i%step != 0 && len(sm.items) > 0 {
			continue
		}
		if sm.file(s, s.files[i]) {
			read++
		}
	}
	return sm
}

// file reads the first items of f and reports whether there are any.
func (sm *sample) file(s *store, f *file) bool {
	in, err := openFile(f, false)
	if err != nil {
		return false
	}
	defer in.file.Close()
	if in.zip == nil {
		return false
	}
	before := len(sm.items)
	lines := bufio.NewReaderSize(in.zip, lineSize)
	var line item.Line
	sc := &scan{}
	for range sampledLines {
		attributes := map[string]item.Value{}
		r := item.Reader{Each: func(name []byte, v item.Value) {
			attributes[string(name)] = item.Value{Kind: v.Kind, Text: bytes.Clone(v.Text)}
		}}
		b, err := sc.next(lines)
		if len(b) > 0 {
			read := r.JSON
			if s.ion {
				read = r.Ion
			}
			if read(b, &line) == nil {
				sm.add(&line, attributes)
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) { // what was read of a damaged file may be anything
				sm.items = sm.items[:before]
			}
			break
		}
	}
	return len(sm.items) > before
}

// add adds an item. Each saw the attributes of every image of the line; those that are no key count for no less.
func (sm *sample) add(l *item.Line, attributes map[string]item.Value) {
	if l.Change && sm.keys == nil {
		for _, name := range l.Keys {
			sm.keys = append(sm.keys, string(name))
		}
	}
	sm.items = append(sm.items, attributes)
}

// candidates lists the attributes that every item has, of one kind that a key may be of, by name.
func (sm *sample) candidates() []string {
	var names []string
	for name, first := range sm.items[0] {
		if !first.Kind.Key() || sm.keys != nil && !slices.Contains(sm.keys, name) {
			continue
		}
		if !slices.ContainsFunc(sm.items, func(it map[string]item.Value) bool { return it[name].Kind != first.Kind }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// conventions are names that tables give the two attributes of their key, in lower case without separators.
func conventions() [][2]string {
	return [][2]string{
		{"pk", "sk"},
		{"partitionkey", "sortkey"},
		{"hashkey", "rangekey"},
		{"hk", "rk"},
		{"partition", "sort"},
		{"hash", "range"},
		{"primarykey", "secondarykey"},
	}
}

// key finds out which attributes are the key.
func (sm *sample) key() (keyNames, error) {
	if len(sm.items) == 0 { // nothing to read, or nothing that can be read: the scan will say
		return keyNames{partition: "pk", told: true, why: "there is no item to find it in"}, nil
	}
	names := sm.candidates()
	for _, find := range []func([]string) (keyNames, bool){sm.byExport, sm.byConvention, sm.byOrder, sm.byUniqueness} {
		if k, ok := find(names); ok {
			return k, nil
		}
	}
	hint := "name it: ?pk=NAME, or ?pk=NAME&sk=NAME"
	if len(names) > 0 {
		hint += "; every item has " + strings.Join(names[:min(len(names), 8)], ", ")
	}
	return keyNames{}, kv.WithHint(kv.Usagef("which attributes are the key cannot be told from the items"), hint)
}

// byExport: an incremental export names the key, but not which of two is which.
func (sm *sample) byExport([]string) (keyNames, bool) {
	if len(sm.keys) == 1 {
		return keyNames{sm.keys[0], "", true, "the export says so"}, true
	}
	return keyNames{}, false
}

// byConvention: the attributes are called as keys are.
func (sm *sample) byConvention(names []string) (keyNames, bool) {
	for _, c := range conventions() {
		var k keyNames
		for _, name := range names {
			switch item.PlainName(name) {
			case c[0]:
				k.partition = name
			case c[1]:
				k.sort = name
			}
		}
		if k.partition != "" && sm.unique(k.partition, k.sort) {
			k.why = "called as keys are, and no two items have the same"
			return k, true
		}
	}
	return keyNames{}, false
}

// byOrder: an export has the items of a partition key one after the other, in the order of their sort key.
func (sm *sample) byOrder(names []string) (keyNames, bool) {
	var found []keyNames
	for _, p := range names {
		if !sm.grouped(p) {
			continue
		}
		for _, s := range names {
			if s != p && sm.sorted(p, s) {
				found = append(found, keyNames{p, s, false, "the items are grouped by the one and in the order of the other"})
			}
		}
	}
	if len(found) != 1 {
		return keyNames{}, false
	}
	return found[0], true
}

// byUniqueness: one attribute is an identifier, and no two items have the same.
func (sm *sample) byUniqueness(names []string) (keyNames, bool) {
	var unique, identifiers []string
	for _, name := range names {
		if !sm.unique(name, "") {
			continue
		}
		unique = append(unique, name)
		if plain := item.PlainName(name); strings.HasSuffix(plain, "id") || strings.HasSuffix(plain, "key") {
			identifiers = append(identifiers, name)
		}
	}
	if len(unique) != 1 && len(identifiers) == 1 {
		unique = identifiers
	}
	if len(unique) != 1 || len(sm.keys) > 1 {
		return keyNames{}, false
	}
	return keyNames{partition: unique[0], why: fmt.Sprintf("no two of the first %d items have the same", len(sm.items))}, true
}

// unique reports whether no two items have the same values. A key without sort has "".
func (sm *sample) unique(partition, sort string) bool {
	seen := map[string]bool{}
	for _, it := range sm.items {
		k := kv.Join([]kv.Part{{Value: string(it[partition].Text)}, {Value: string(it[sort].Text)}})
		if seen[k] {
			return false
		}
		seen[k] = true
	}
	return true
}

// grouped reports whether equal values of the attribute stand together, and there are several values and several equal ones.
func (sm *sample) grouped(name string) bool {
	seen := map[string]bool{}
	last, values, equal := "", 0, 0
	for i, it := range sm.items {
		v := string(it[name].Text)
		if i > 0 && v == last {
			equal++
			continue
		}
		if seen[v] {
			return false
		}
		seen[v] = true
		values++
		last = v
	}
	return values > 1 && equal > 0
}

// sorted reports whether an attribute rises among the items that have another in common.
func (sm *sample) sorted(partition, sort string) bool {
	for i := 1; i < len(sm.items); i++ {
		a, b := sm.items[i-1], sm.items[i]
		if bytes.Equal(a[partition].Text, b[partition].Text) && !less(a[sort], b[sort]) {
			return false
		}
	}
	return true
}

// less compares as DynamoDB sorts: numbers by value, the others by bytes.
func less(a, b item.Value) bool {
	if a.Kind == item.N {
		return item.CompareNumbers(a.Text, b.Text) < 0
	}
	return bytes.Compare(a.Text, b.Text) < 0
}

// ttl finds the attribute that is called as a TTL is, at the top of most items, or of any.
func (sm *sample) ttl() attribute {
	count := map[string]int{}
	for _, it := range sm.items {
		for name := range it {
			if _, ok := item.CalledTTL(name); ok {
				count[name]++
			}
		}
	}
	if len(count) == 0 {
		return attribute{why: "no attribute is called as a TTL is, and an export does not say which is one"}
	}
	best := slices.MinFunc(slices.Collect(maps.Keys(count)), func(a, b string) int {
		i, _ := item.CalledTTL(a)
		j, _ := item.CalledTTL(b)
		return cmp.Or(cmp.Compare(i, j), cmp.Compare(count[b], count[a]), strings.Compare(a, b))
	})
	return attribute{best, false, "called as a TTL is; an export does not say whether it is one"}
}
