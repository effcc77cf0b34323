// Package ddbexport reads what DynamoDB exports to S3, from a directory: the whole table, or what has changed in a time, in
// DynamoDB JSON or Ion text. It owns the layout of such a directory, its manifests and checksums; what a line is, package item
// knows.
//
// The one idea is that an export costs the table nothing and shows more than a scan: it is at least one file for each partition,
// and all items of a file are from the same range of hashes, so that the place of a record is its file and the sizes of the files
// are how the table is spread.
//
//	AWSDynamoDB/ID/manifest-summary.json   what was exported, when, how many items
//	AWSDynamoDB/ID/manifest-files.json     a line a file: its name, items, MD5
//	AWSDynamoDB/ID/data/*.json.gz          a line an item; AWSDynamoDB/data of an incremental export
//
// An export names neither the key of the table nor its TTL attribute. Both are told by parameters, or found in the items.
package ddbexport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Adapter opens ddb-export:DIR, and directories that hold an export.
func Adapter() *kv.Adapter {
	return &kv.Adapter{
		Name:  "ddb-export",
		Title: "DynamoDB export to S3",
		Doc: "A directory with an export of a DynamoDB table as S3 has it: full or incremental, DynamoDB JSON or Ion text. " +
			"Nothing is asked of the table. Sizes are those that DynamoDB counts; each file is a partition, or a part of one.",
		Schemes:  []string{"ddb-export"},
		Examples: []string{"ddb-export:DIR", "ddb-export:DIR?pk=customer&sk=order&ttl=expires"},
		Params: []kv.Param{
			{Name: "pk", Default: "found in the items", Doc: "the attribute that is the partition key"},
			{Name: "sk", Default: "found in the items", Doc: "the attribute that is the sort key; none where there is none"},
			{Name: "ttl", Default: "found in the items", Doc: "the attribute that items expire by; none where they do not"},
			{Name: "gsi", Default: "none are known", Doc: "attributes that are partition keys of global indexes, with commas between"},
			{Name: "checksum", Default: "on", Doc: "on or off: whether the MD5 of each file is verified"},
		},
		SniffDir: sniffDir,
		Open:     open,
	}
}

// The files and the directory that make an export.
const (
	summaryName = "manifest-summary.json"
	filesName   = "manifest-files.json"
	rootName    = "AWSDynamoDB"
	dataName    = "data"
)

// none is the parameter that says that there is no such attribute.
const none = "none"

// dataSuffixes are how the names of data files end.
var dataSuffixes = [...]string{".json.gz", ".ion.gz"}

func sniffDir(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return n == summaryName || n == rootName || isData(n) })
}

func isData(name string) bool {
	return slices.ContainsFunc(dataSuffixes[:], func(s string) bool { return strings.HasSuffix(name, s) })
}

// A store is one export.
type store struct {
	target   string
	manifest manifest
	files    []*file
	checksum bool
	key      keyNames
	ttl      attribute
	indexes  []string // attributes that are partition keys of indexes
	ion      bool

	mu   sync.Mutex
	sums map[string]fileSums // of the files that were read to their end
}

// A file is one data file.
type file struct {
	name  string // without its directory and suffix: the place of its records
	path  string
	items int64  // by the manifest; -1 if that does not say
	md5   string // the same, in Base64; empty
	size  int64  // in bytes as it is here
	gone  error  // why it cannot be read
}

// fileSums is what a file was found to hold.
type fileSums struct{ lines, deleted, malformed int64 }

// An attribute is a name and how it was come by.
type attribute struct {
	name string
	told bool // by a parameter, or by the export
	why  string
}

func open(ctx context.Context, t kv.Target) (kv.Store, error) {
	if err := Adapter().CheckParams(t); err != nil {
		return nil, err
	}
	s := &store{target: t.String(), checksum: true, sums: map[string]fileSums{}}
	switch v := t.Query.Get("checksum"); v {
	case "", "on":
	case "off":
		s.checksum = false
	default:
		return nil, kv.WithHint(kv.Usagef("%s: checksum is %q", t, v), "checksum is on or off")
	}
	if v := t.Query.Get("gsi"); v != "" {
		s.indexes = strings.Split(v, ",")
	}
	if t.Path == "" || t.Path == "-" {
		return nil, kv.WithHint(kv.Usagef("%s: no directory is named", t), "an export is a directory: ddb-export:DIR")
	}
	if err := s.find(t.Path); err != nil {
		return nil, err
	}
	if err := s.learn(ctx, t); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *store) Close() error { return nil }

// short leaves out the operation that a file error names: "x: no such file" says enough.
func short(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Path, pe.Err)
	}
	return err
}

// Info tells what the manifests say, and after the scan what was found.
func (s *store) Info(context.Context) (*kv.Info, error) {
	info := &kv.Info{
		Adapter: "ddb-export",
		Product: "dynamodb export",
		Version: s.format(),
		Target:  s.target,
		Clock:   s.manifest.at(),
		Facts:   s.facts(),
		Notes:   s.notes(),
		Table: kv.Table{
			Name: s.manifest.table(), Partition: s.key.partition, Sort: s.key.sort, Partitions: len(s.files),
			Items: s.manifest.ItemCount, Bytes: s.manifest.BilledSize,
		},
	}
	if s.ttl.name != "" {
		info.Table.TTLAttribute = s.ttl.name
	}
	if keys, ok := s.keys(); ok {
		info.Keys, info.KeysKnown = keys, true
	}
	return info, nil
}

func (s *store) format() string {
	words := []string{"full"}
	if s.manifest.incremental() {
		words[0] = "incremental"
	}
	if s.ion {
		return words[0] + ", Ion"
	}
	return words[0] + ", DynamoDB JSON"
}

// keys returns how many items a scan would yield, where that is known: what has changed may also have been deleted.
func (s *store) keys() (n int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	whole := true
	for _, f := range s.files {
		sums, read := s.sums[f.name]
		whole = whole && read
		n += sums.lines - sums.deleted - sums.malformed
	}
	switch {
	case whole:
		return n, true
	case s.manifest.incremental() || s.manifest.path == "":
		return 0, false
	}
	return s.manifest.ItemCount, true
}

func (s *store) facts() []kv.Fact {
	const noAccess = "DynamoDB keeps no access times or counts"
	facts := []kv.Fact{
		{Name: "name", Field: kv.FieldName, How: kv.Measured, Why: s.key.why},
		{Name: "parts", Field: kv.FieldParts, How: kv.Measured, Why: s.key.why},
		{Name: "type", Field: kv.FieldType, How: kv.Measured},
		{Name: "encoding", Field: kv.FieldEncoding, Why: "an item has none"},
		{
			Name: "size", Field: kv.FieldSize, How: kv.Modelled,
			Why: "counted by DynamoDB's rules, names included; a number may take a byte more or less than is published",
		},
		{Name: "length", Field: kv.FieldLen, How: kv.Measured, Why: "attributes"},
		{Name: "idle", Field: kv.FieldIdle, Why: noAccess},
		{Name: "freq", Field: kv.FieldFreq, Why: noAccess, Hint: "Contributor Insights of the table counts its hottest keys"},
		{Name: "place", Field: kv.FieldPlace, How: kv.Measured, Why: "the file, which is a partition or a part of one"},
		{Name: "largest", Field: kv.FieldLargest, How: kv.Modelled, Why: "the largest attribute"},
		{Name: "indexes", Why: "an export says nothing of indexes, capacity or billing", Hint: "dynamodb://TABLE?region=REGION, or name attributes of index keys: ?gsi=NAME,NAME"},
	}
	if !s.key.told {
		for i := range facts[:2] {
			facts[i].How, facts[i].Hint = kv.Modelled, "name the key's attributes: ?pk=NAME&sk=NAME"
		}
	}
	ttl := kv.Fact{Name: "ttl", Field: kv.FieldTTL, How: kv.Measured, Why: s.ttl.why}
	fault := kv.Fact{Name: "ttl fault", Field: kv.FieldFault, How: kv.Measured, Why: s.ttl.why}
	switch {
	case s.ttl.told:
	case s.ttl.name == "":
		ttl.How, fault.How = kv.Missing, kv.Missing
		ttl.Hint = "name the attribute that items expire by: ?ttl=NAME, or ?ttl=none"
	default:
		ttl.How, fault.How = kv.Modelled, kv.Modelled
		ttl.Hint = "name the attribute if it is another, or none: ?ttl=NAME"
	}
	if len(s.indexes) > 0 {
		facts[len(facts)-1] = kv.Fact{Name: "indexes", Field: kv.FieldIndexes, How: kv.Measured, Why: "the attributes that were named"}
	}
	return append(facts, ttl, fault)
}

// notes says what a reader of a report must know of the export.
func (s *store) notes() []string {
	var n []string
	m := &s.manifest
	switch {
	case m.path == "":
		n = append(n, "There is no manifest: whether all files are here, and as they were written, is not known.")
	case !s.checksum:
		n = append(n, "The checksums of the files were not verified, as asked.")
	}
	if !s.key.told {
		n = append(n, fmt.Sprintf("The key is taken to be %s: %s.", s.key, s.key.why))
	}
	if s.ttl.name != "" && !s.ttl.told {
		n = append(n, fmt.Sprintf("Items are taken to expire by %s: %s.", s.ttl.name, s.ttl.why))
	}
	if m.incremental() {
		var deleted int64
		s.mu.Lock()
		for _, sums := range s.sums {
			deleted += sums.deleted
		}
		s.mu.Unlock()
		n = append(n, fmt.Sprintf("Only items that were written between %s and %s are here; %d others were deleted in that time.",
			m.From.UTC().Format(time.RFC3339), m.To.UTC().Format(time.RFC3339), deleted))
	}
	return n
}

// stat fills in what the file system knows of f.
func (f *file) stat() {
	st, err := os.Stat(f.path)
	switch {
	case err != nil:
		f.gone = short(err)
	case !st.Mode().IsRegular():
		f.gone = fmt.Errorf("%s: no regular file", f.path)
	default:
		f.size = st.Size()
	}
}
