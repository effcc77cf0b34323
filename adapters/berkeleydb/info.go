package berkeleydb

import (
	"context"
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/kv"
)

// Info tells what the header says, and after a scan what was found.
func (s *store) Info(context.Context) (*kv.Info, error) {
	s.mu.Lock()
	sum := s.sum
	s.mu.Unlock()
	info := &kv.Info{
		Adapter: "bdb",
		Product: "berkeley db dump",
		Target:  s.target,
		Clock:   s.written,
		Pages:   s.stats,
		Facts:   s.facts(&sum),
		Notes:   s.notes(&sum),
	}
	switch {
	case len(sum.databases) > 1:
		info.Version = fmt.Sprintf("%d databases", len(sum.databases))
	case len(sum.databases) == 1:
		info.Version = sum.databases[0].method
	case s.head != nil && s.picks(s.head):
		info.Version = s.head.method
	}
	if sum.whole {
		info.Keys, info.KeysKnown = sum.keys, true
	} else if n := s.counted(); n > 0 && s.name == "" {
		info.Keys, info.KeysKnown = n, true
	}
	return info, nil
}

// counted returns how many keys db_stat counted.
func (s *store) counted() (n int64) {
	for i := range s.stats {
		n += s.stats[i].Keys
	}
	return n
}

func (s *store) facts(sum *summary) []kv.Fact {
	const (
		noExpiry = "Berkeley DB expires nothing: what an application keeps of an expiry is in its values"
		noAccess = "Berkeley DB keeps no access times or counts"
	)
	name := kv.Fact{Name: "name", Field: kv.FieldName, How: kv.Measured}
	if d := numbered(sum, s.head); d != nil {
		name.How, name.Why, name.Hint = kv.Modelled,
			"record numbers of "+d.method+" are not in the dump: records are numbered as they come", "db5.3_dump -k writes them"
	}
	pages := kv.Fact{Name: "pages", How: kv.Measured, Why: "by db_stat"}
	if len(s.stats) == 0 {
		pages.How, pages.Hint = kv.Missing, "db5.3_stat -d FILE > FILE.stat, and '?stat=FILE.stat'"
		pages.Why = "a dump says nothing of the pages of the file: how full they are, what would be won by compaction"
	}
	return []kv.Fact{
		name,
		{Name: "type", Field: kv.FieldType, Why: "Berkeley DB keeps bytes"},
		{Name: "encoding", Field: kv.FieldEncoding, Why: "Berkeley DB keeps bytes"},
		{Name: "size", Field: kv.FieldSize, How: kv.Measured, Why: "bytes of key and data, without what pages take"},
		{Name: "length", Field: kv.FieldLen, How: kv.Measured, Why: "values of the key"},
		{Name: "largest", Field: kv.FieldLargest, How: kv.Measured, Why: "the largest value, where a key may have several"},
		{Name: "ttl", Field: kv.FieldTTL, Why: noExpiry},
		{Name: "idle", Field: kv.FieldIdle, Why: noAccess},
		{Name: "freq", Field: kv.FieldFreq, Why: noAccess},
		pages,
	}
}

// numbered returns a database whose records have no keys in the dump, nil if there is none.
func numbered(sum *summary, head *database) *database {
	for _, d := range sum.databases {
		if d.numbered {
			return d
		}
	}
	if len(sum.databases) == 0 && head != nil && head.numbered {
		return head
	}
	return nil
}

// notes say what a reader of a report must know of the dump.
func (s *store) notes(sum *summary) []string {
	var notes []string
	if len(sum.databases) > 1 || len(sum.databases) == 1 && sum.databases[0].index > 0 {
		names := make([]string, len(sum.databases))
		for i, d := range sum.databases {
			names[i] = fmt.Sprintf("%d is %s", d.index, d)
		}
		notes = append(notes, "Databases are numbered as they come in the dump: "+strings.Join(names, ", ")+".")
	}
	if d := numbered(sum, s.head); d != nil {
		notes = append(notes, "Records of "+d.method+" were dumped without their numbers, and are numbered as they come.")
	}
	if n := s.counted(); n > 0 && sum.whole && s.name == "" && n != sum.keys {
		notes = append(notes, fmt.Sprintf("db_stat counts %d keys, and the dump holds %d: "+
			"they are not of the same moment, or not of the same databases.", n, sum.keys))
	}
	for i := range s.stats {
		if s.stats[i].Total() == 0 { // a tree of no keys has one, too
			notes = append(notes, "The statistics are of db_stat -f, which counts no pages: db5.3_stat -d FILE counts them.")
			break
		}
	}
	return notes
}
