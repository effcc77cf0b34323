package audit

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// The limits of SV023 and SV024.
const (
	slabWaste   = 0.25
	wasteLeast  = 64 << 20 // bytes
	starvedAge  = 10       // times
	starvedLeft = 0.10     // of the pages
)

func slabs() *Analyzer {
	return &Analyzer{
		Name:  "slabs",
		Title: "SLAB CLASSES",
		Doc: "Of a store that keeps values in chunks of a few sizes: what each size holds, what is lost because a value is smaller than its " +
			"chunk, and which size lacks memory that another one has.",
		Uses:    kv.FieldChunk | kv.FieldSize,
		Rules:   []*report.Rule{wastedChunks(), starvedClass()},
		Version: slabsVersion,
		New:     func(time.Time) Collector { return &slabsOf{chunks: map[int64]*chunkLoad{}} },
	}
}

func wastedChunks() *report.Rule {
	return &report.Rule{
		ID: "SV023", Name: "slab-waste", Title: "Memory lost between values and their chunks", Severity: report.Warning, Stores: []string{"memcached"},
		Doc: `memcached keeps each item in a chunk of one of a few sizes, the smallest that it fits in. A quarter of the memory that items take is
the rest of their chunks, which is of no use to anybody. The sizes grow by a factor (-f, 1.25 by default), so that with sizes of items
spread evenly about a tenth is lost; more is lost where many items are just larger than a chunk, or the factor is great.`,
		Fix:  "a smaller growth factor (-f 1.08), or a first chunk of the items' size (-n); compress values that are just too large",
		Bad:  []string{"a million items of 600 bytes in chunks of 944"},
		Good: []string{"a million items of 590 bytes in chunks of 600"},
		Limits: []report.Limit{
			{Name: "share", Value: slabWaste, Unit: report.UnitRatio, Source: report.OwnDefault + ": of the chunks that hold something"},
			{Name: "bytes", Value: wasteLeast, Unit: report.UnitBytes, Source: report.OwnDefault + ": less is not worth a restart"},
		},
	}
}

func starvedClass() *report.Rule {
	return &report.Rule{
		ID: "SV024", Name: "slab-starved", Title: "A slab class that evicts while another has memory", Severity: report.Warning, Stores: []string{"memcached"},
		Doc: `Memory is given to the slab classes in pages, by what was needed when it was given. One class evicts keys that were used a short time
ago, while another keeps ten times older ones, or evicts none, and has a tenth of the pages or more. That is what is left when the
sizes of values have changed: the pages stay where they were given.`,
		Fix:  "let the server move pages: slabs automove 1 (-o slab_automove); or restart it, if the cache may be lost",
		Bad:  []string{"chunks of 192 bytes: evicted after 40 s unused; chunks of 1,184 bytes: the oldest was used 3 days ago"},
		Good: []string{"chunks of 192 bytes: evicted after 2 h unused; chunks of 1,184 bytes: after 3 h"},
		Limits: []report.Limit{
			{Name: "age", Value: starvedAge, Unit: report.UnitFactor, Source: report.OwnDefault + ": the other's oldest key by that of the one that evicts"},
			{Name: "pages", Value: starvedLeft, Unit: report.UnitRatio, Source: report.OwnDefault + ": of all, that the other has"},
			{Name: "evictions", Value: leastEvictions, Unit: report.UnitCount, Source: report.OwnDefault + ": since the start; fewer are chance"},
		},
	}
}

// A chunkLoad is what lies in chunks of one size.
type chunkLoad struct{ keys, bytes int64 }

// maxChunks bounds the sizes: a server has 63 classes, and several of them may be set up differently.
const maxChunks = 1024

type slabsOf struct {
	chunks map[int64]*chunkLoad
	others chunkLoad // beyond maxChunks: of several servers with nothing in common
	lost   int64     // in those
}

func (s *slabsOf) Observe(r *kv.Record) {
	if !r.Has(kv.FieldChunk|kv.FieldSize) || r.Chunk < r.Size {
		return
	}
	n := max(1, r.Stands())
	s.add(r.Chunk, chunkLoad{n, n * r.Size})
}

func (s *slabsOf) add(chunk int64, l chunkLoad) {
	to := s.chunks[chunk]
	if to == nil && len(s.chunks) >= maxChunks {
		s.lost += l.keys*chunk - l.bytes
		to = &s.others
	}
	if to == nil {
		to = &chunkLoad{}
		s.chunks[chunk] = to
	}
	to.keys += l.keys
	to.bytes += l.bytes
}

func (s *slabsOf) Merge(c Collector) {
	o := c.(*slabsOf)
	for _, chunk := range slices.Sorted(maps.Keys(o.chunks)) {
		s.add(chunk, *o.chunks[chunk])
	}
	s.others.keys += o.others.keys
	s.others.bytes += o.others.bytes
	s.lost += o.lost
}

const slabsVersion = 1

// AppendBinary saves s.
func (s *slabsOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, slabsVersion, s.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (s *slabsOf) UnmarshalBinary(b []byte) error { return saved.Read(b, slabsVersion, s.form) }

func (s *slabsOf) form(f *saved.Form) {
	saved.OrderedMap(f, s.chunks, func(chunk *int64, l **chunkLoad) {
		saved.Count(f, chunk)
		if f.Reading() {
			*l = &chunkLoad{}
		}
		saved.Count(f, &(*l).keys, &(*l).bytes)
	})
	f.Check(len(s.chunks) <= maxChunks, "%d sizes of chunks", len(s.chunks))
	saved.Count(f, &s.others.keys, &s.others.bytes, &s.lost)
}

// Report says nothing of a store without chunks.
func (s *slabsOf) Report(out *Output) {
	if len(s.chunks) == 0 {
		return
	}
	var keys, bytes int64
	lost := s.lost
	for chunk, l := range s.chunks {
		keys, bytes, lost = keys+l.keys, bytes+l.bytes, lost+chunk*l.keys-l.bytes
	}
	keys, bytes = keys+s.others.keys, bytes+s.others.bytes
	share := report.Metric{Name: "lost_share", Value: ratio(lost, lost+bytes), Unit: report.UnitRatio}
	out.Metrics = []report.Metric{
		{Name: "items", Value: report.Number(keys), Unit: report.UnitCount},
		{Name: "bytes", Value: report.Number(bytes), Unit: report.UnitBytes},
		{Name: "lost", Value: report.Number(lost), Unit: report.UnitBytes},
		share,
	}
	if lost >= wasteLeast && float64(lost) > slabWaste*float64(lost+bytes) {
		out.Findings = append(out.Findings, report.Finding{
			Rule: "SV023", Severity: report.Warning, Subject: serverSubject,
			Message: fmt.Sprintf("%s of the memory that items take is the rest of their chunks", percent(float64(lost)/float64(lost+bytes))),
			Measure: &report.Metric{Name: "lost", Value: report.Number(lost), Unit: report.UnitBytes}, Evidence: []report.Metric{share},
		})
	}
	var classes []kv.Class
	if out.Store != nil {
		classes = out.Store.Server.Classes
	}
	out.Tables = []report.Table{s.table(classes)}
	starved(classes, out)
}

// table lists the sizes, the smallest first, with what the server says of each.
func (s *slabsOf) table(classes []kv.Class) report.Table {
	t := report.Table{Name: "classes", Columns: []report.Column{
		{Name: "chunk", Unit: report.UnitBytes},
		{Name: "items", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "lost", Unit: report.UnitBytes, Sum: true},
		{Name: "lost_share", Title: "lost %", Unit: report.UnitRatio, Rank: 1},
		{Name: "pages", Unit: report.UnitCount, Sum: true, Rank: 2},
		{Name: "free", Title: "free chunks", Unit: report.UnitCount, Sum: true, Rank: 3},
		{Name: "oldest", Unit: report.UnitDuration, Rank: 1},
		{Name: "evicted", Unit: report.UnitCount, Sum: true},
		{Name: "evicted_unread", Title: "unread", Unit: report.UnitCount, Sum: true, Rank: 1},
		{Name: "out_of_memory", Title: "refused", Unit: report.UnitCount, Sum: true, Rank: 4},
	}}
	for _, chunk := range slices.Sorted(maps.Keys(s.chunks)) {
		l := s.chunks[chunk]
		lost := chunk*l.keys - l.bytes
		row := []report.Value{
			report.Number(chunk), report.Number(l.keys), report.Number(l.bytes), report.Number(lost), ratio(lost, chunk*l.keys),
			report.Null, report.Null, report.Null, report.Null, report.Null, report.Null,
		}
		if i := slices.IndexFunc(classes, func(c kv.Class) bool { return c.Chunk == chunk }); i >= 0 {
			c := &classes[i]
			row[5], row[6], row[7] = report.Number(c.Pages), report.Number(c.Free), report.Seconds(c.Age)
			row[8], row[9], row[10] = report.Number(c.Evicted), report.Number(c.EvictedUnread), report.Number(c.OutOfMemory)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// starved holds the classes against SV024: each that evicts against the one that has kept its keys for longest.
func starved(classes []kv.Class, out *Output) {
	pages := int64(0)
	for i := range classes {
		pages += classes[i].Pages
	}
	for i := range classes {
		c := &classes[i]
		if c.Evicted < leastEvictions {
			continue
		}
		var rich *kv.Class
		for j := range classes {
			o := &classes[j]
			if j != i && float64(o.Pages) >= starvedLeft*float64(pages) && o.Used > 0 && o.Age > starvedAge*max(c.Age, time.Second) &&
				(rich == nil || o.Age > rich.Age) {
				rich = o
			}
		}
		if rich == nil {
			continue
		}
		out.Findings = append(out.Findings, report.Finding{
			Rule: "SV024", Severity: report.Warning, Subject: fmt.Sprintf("chunks of %d bytes", c.Chunk),
			Message: fmt.Sprintf("keys go here after %s unused, and those in chunks of %d bytes stay for %s", c.Age, rich.Chunk, rich.Age),
			Measure: &report.Metric{Name: "evicted", Value: report.Number(c.Evicted), Unit: report.UnitCount},
			Evidence: []report.Metric{
				{Name: "oldest", Value: report.Seconds(c.Age), Unit: report.UnitDuration},
				{Name: "pages", Value: report.Number(c.Pages), Unit: report.UnitCount},
				{Name: "others_pages", Value: report.Number(rich.Pages), Unit: report.UnitCount},
			},
		})
	}
}
