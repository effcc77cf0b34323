package audit

import (
	"cmp"
	"fmt"
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// The limits of SV025 to SV028.
const (
	sparseFill    = 0.5
	pagesLeast    = 4 << 20 // bytes
	unusedShare   = 0.25
	overflowShare = 0.25
	chainedShare  = 0.5
	chainedLeast  = 256 // pages
)

const pagesDocs = "docs.oracle.com, Berkeley DB Programmer's Reference"

func pages() *Analyzer {
	return &Analyzer{
		Name:  "pages",
		Title: "PAGES",
		Doc: "Of databases that keep their data in pages of a file, and where the store was asked for them: how full the pages of each " +
			"use are, and when compacting the file would win something.",
		Rules:   []*report.Rule{sparsePages(), unusedPages(), looseOverflow(), longBuckets()},
		Version: pagesVersion,
		New:     func(time.Time) Collector { return pagesOf{} },
	}
}

func sparsePages() *report.Rule {
	return &report.Rule{
		ID: "SV025", Name: "sparse-pages", Title: "Pages that are half empty", Severity: report.Warning, Stores: []string{"bdb"},
		Doc: `The pages that hold keys are less than half full. Pages that are filled in the order of the keys end up nearly full, in
random order about two thirds; less than half is what deleting leaves behind, as a page is only freed once it is empty. All of it
is read and cached with the rest: the cache holds half of what it could, and a walk over the keys takes twice as long.`,
		Fix:  "compact it: DB->compact from a program, or copy it while nobody writes: db5.3_dump FILE | db5.3_load NEW",
		Bad:  []string{"100,000 leaf pages of 4 KiB with 280 MB free (32% ff)"},
		Good: []string{"100,000 leaf pages of 4 KiB with 120 MB free (71% ff)"},
		Limits: []report.Limit{
			{Name: "fill", Value: sparseFill, Unit: report.UnitRatio, Source: report.OwnDefault + ": of leaf or bucket pages"},
			{Name: "bytes", Value: pagesLeast, Unit: report.UnitBytes, Source: report.OwnDefault + ": free; less is not worth a copy"},
		},
	}
}

func unusedPages() *report.Rule {
	return &report.Rule{
		ID: "SV026", Name: "unused-pages", Title: "Pages of the file that hold nothing", Severity: report.Info, Stores: []string{"bdb"},
		Doc: `A quarter of the file's pages are on its free list, or empty. They are taken again before the file grows, and never given
back: the file stays as large as it once was. That is as it should be where as many keys will come again, and disk for nothing where
they will not.`,
		Fix: "DB->compact with DB_FREE_SPACE gives them back; so does a copy: db5.3_dump FILE | db5.3_load NEW",
		Bad: []string{"10,000 pages, 6,000 of them on the free list"}, Good: []string{"10,000 pages, 300 of them on the free list"},
		Limits: []report.Limit{
			{Name: "share", Value: unusedShare, Unit: report.UnitRatio, Source: report.OwnDefault + ": of all pages"},
			{Name: "bytes", Value: pagesLeast, Unit: report.UnitBytes, Source: report.OwnDefault},
		},
	}
}

func looseOverflow() *report.Rule {
	return &report.Rule{
		ID: "SV027", Name: "loose-overflow", Title: "Values just too large for their pages", Severity: report.Warning,
		Stores: []string{"bdb"},
		Doc: `A key or value that is larger than about a quarter of a page takes pages of its own, the last of them as far as it
reaches. A quarter of all pages are such overflow pages, and less than half full: most values fit into one of them and are just too
large for the page of their key. Each read of one reads a second page, and half of that holds nothing.`,
		Fix: "larger pages, which hold values of a quarter of their size, 65536 at most: " +
			"db5.3_dump FILE | db5.3_load -c db_pagesize=16384 NEW",
		Bad: []string{"pages of 4 KiB, and 50,000 values of 1,500 bytes: 50,000 overflow pages (37% ff)"},
		Good: []string{
			"pages of 8 KiB, and 50,000 values of 1,500 bytes: none",
			"pages of 4 KiB, and 5,000 values of 100 KB: 125,000 overflow pages (98% ff)",
		},
		Limits: []report.Limit{
			{Name: "share", Value: overflowShare, Unit: report.UnitRatio, Source: report.OwnDefault + ": of all pages"},
			{Name: "fill", Value: sparseFill, Unit: report.UnitRatio, Source: report.OwnDefault},
			{Name: "bytes", Value: pagesLeast, Unit: report.UnitBytes, Source: report.OwnDefault + ": free"},
		},
	}
}

func longBuckets() *report.Rule {
	return &report.Rule{
		ID: "SV028", Name: "long-buckets", Title: "A hash whose buckets have outgrown their pages", Severity: report.Warning,
		Stores: []string{"bdb"},
		Doc: `A bucket that is full goes on in overflow pages of its own, and a lookup reads them one after the other. There is one for
every two buckets or more: looking a key up takes two reads often. The buckets are too few for the keys, as their number follows
h_ffactor and h_nelem, which were set for smaller items or fewer, or the hash function lets many keys meet.`,
		Fix: "load it with h_nelem of the keys and h_ffactor of (page size - 32) / (mean key + mean value + 8): " +
			"db5.3_dump FILE | db5.3_load -c h_ffactor=N NEW",
		Bad:  []string{"10,000 buckets, and 9,000 bucket overflow pages"},
		Good: []string{"10,000 buckets, and 400 bucket overflow pages"},
		Limits: []report.Limit{
			{
				Name: "share", Value: chainedShare, Unit: report.UnitRatio,
				Source: report.OwnDefault + ": bucket overflow pages by buckets; h_ffactor is as in " + pagesDocs,
			},
			{Name: "pages", Value: chainedLeast, Unit: report.UnitCount, Source: report.OwnDefault},
		},
	}
}

// pagesOf knows nothing of the keys: what it reports the store says.
type pagesOf struct{}

func (pagesOf) Observe(*kv.Record) {}

func (pagesOf) Merge(Collector) {}

const pagesVersion = 1

// AppendBinary saves that there is nothing.
func (pagesOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, pagesVersion, func(*saved.Form) {})
}

// UnmarshalBinary reads what AppendBinary saved.
func (pagesOf) UnmarshalBinary(b []byte) error {
	return saved.Read(b, pagesVersion, func(*saved.Form) {})
}

// bytesOf returns what n pages take. Numbers of a saved file may be any.
func bytesOf(p *kv.Pages, n int64) float64 { return float64(n) * float64(p.Size) }

// fillOf returns how full pages of one use are.
func fillOf(p *kv.Pages, k kv.PageKind) float64 { return 1 - float64(k.Free)/bytesOf(p, k.Pages) }

func (pagesOf) Report(out *Output) {
	if out.Store == nil || len(out.Store.Pages) == 0 {
		return
	}
	t := report.Table{Name: "pages", Title: "PAGES BY USE", Columns: []report.Column{
		{Name: "database", Unit: report.UnitText},
		{Name: "method", Unit: report.UnitText, Rank: 1},
		{Name: "page_size", Title: "page", Unit: report.UnitBytes, Rank: 2},
		{Name: "use", Unit: report.UnitText},
		{Name: "pages", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Unit: report.UnitBytes, Sum: true},
		{Name: "free", Unit: report.UnitBytes, Sum: true},
		{Name: "fill", Title: "full %", Unit: report.UnitRatio},
	}}
	var all, free, unused float64
	for i := range out.Store.Pages {
		p := &out.Store.Pages[i]
		if p.Size <= 0 || p.Total() <= 0 { // nothing was counted, or a file says what cannot be
			continue
		}
		row := func(use string, pages int64, free float64) {
			if pages == 0 {
				return
			}
			size := bytesOf(p, pages)
			t.Rows = append(t.Rows, []report.Value{
				report.Text(p.Database), report.Text(p.Method), report.Number(p.Size), report.Text(use), report.Number(pages),
				report.Number(size), report.Number(free), report.Number(1 - free/size),
			})
		}
		for _, k := range p.Kinds {
			row(k.Name, k.Pages, float64(k.Free))
			all += bytesOf(p, k.Pages)
			free += float64(k.Free)
		}
		row("unused", p.Unused, bytesOf(p, p.Unused))
		unused += bytesOf(p, p.Unused)
		judgePages(p, out)
	}
	if all+unused == 0 {
		return
	}
	out.Metrics = []report.Metric{
		{Name: "bytes", Value: report.Number(all + unused), Unit: report.UnitBytes},
		{Name: "free", Value: report.Number(free + unused), Unit: report.UnitBytes},
		{Name: "fill", Value: report.Number(1 - (free+unused)/(all+unused)), Unit: report.UnitRatio},
	}
	out.Tables = []report.Table{t}
}

// judgePages holds the pages of one database against the rules.
func judgePages(p *kv.Pages, out *Output) {
	find := func(rule *report.Rule, measure report.Metric, evidence []report.Metric, format string, args ...any) {
		out.Findings = append(out.Findings, report.Finding{
			Rule: rule.ID, Severity: rule.Severity, Subject: cmp.Or(p.Database, "database"), Message: fmt.Sprintf(format, args...),
			Measure: &measure, Evidence: evidence,
		})
	}
	total := float64(p.Total())
	number := func(name string, n int64) report.Metric {
		return report.Metric{Name: name, Value: report.Number(n), Unit: report.UnitCount}
	}
	fill := func(f float64) report.Metric {
		return report.Metric{Name: "fill", Value: report.Number(f), Unit: report.UnitRatio}
	}
	free := func(n float64) report.Metric {
		return report.Metric{Name: "free", Value: report.Number(n), Unit: report.UnitBytes}
	}
	for _, name := range [...]string{"leaf", "bucket"} {
		if k := p.Kind(name); k.Pages > 0 && float64(k.Free) >= pagesLeast && fillOf(p, k) < sparseFill {
			find(sparsePages(), free(float64(k.Free)), []report.Metric{fill(fillOf(p, k)), number("pages", k.Pages)},
				"%s pages are %s full", name, percent(fillOf(p, k)))
		}
	}
	if unused := bytesOf(p, p.Unused); unused >= pagesLeast && float64(p.Unused) >= unusedShare*total {
		find(unusedPages(), free(unused), []report.Metric{number("unused", p.Unused), number("pages", p.Total())},
			"%s of the pages hold nothing", percent(float64(p.Unused)/total))
	}
	if k := p.Kind("overflow"); float64(k.Free) >= pagesLeast && float64(k.Pages) >= overflowShare*total && fillOf(p, k) < sparseFill {
		evidence := []report.Metric{fill(fillOf(p, k)), number("overflow", k.Pages), number("pages", p.Total())}
		if p.Inline > 0 {
			evidence = append(evidence, report.Metric{Name: "inline", Value: report.Number(p.Inline), Unit: report.UnitBytes})
		}
		find(looseOverflow(), free(float64(k.Free)), evidence, "%s of the pages are overflow pages, and those are %s full",
			percent(float64(k.Pages)/total), percent(fillOf(p, k)))
	}
	buckets, chained := p.Kind("bucket"), p.Kind("bucket overflow")
	if chained.Pages >= chainedLeast && float64(chained.Pages) >= chainedShare*float64(buckets.Pages) {
		evidence := []report.Metric{number("buckets", buckets.Pages), number("keys", p.Keys)}
		find(longBuckets(), number("bucket_overflow", chained.Pages), evidence,
			"%d overflow pages of %d buckets", chained.Pages, buckets.Pages)
	}
}
