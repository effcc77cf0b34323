package table

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func capacity() *audit.Analyzer {
	return &audit.Analyzer{
		Name:  "capacity",
		Title: "CAPACITY UNITS",
		Doc: "What it takes to read and to write each item once, how many bytes are billed for keeping them, and which items are near " +
			"the largest that there may be.",
		Needs:   kv.FieldParts | kv.FieldSize,
		Kind:    kv.FieldParts,
		Rules:   documented(largeItem),
		Version: capacityVersion,
		New:     func(time.Time) audit.Collector { return &capacityOf{large: map[string]*largeItems{}} },
	}
}

// The limits of an item, in bytes.
const (
	itemWarning = 64 << 10
	itemError   = 360 << 10 // a tenth below 400 KiB, which is refused
)

type capacityOf struct {
	items, bytes, read, write int64
	biggest                   int64
	large                     map[string]*largeItems // by prefix
}

// largeItems are those of one prefix beyond the limit.
type largeItems struct {
	items, biggest int64
	key            string // of the biggest
}

const maxPrefixes = 1024

func (c *capacityOf) Observe(r *kv.Record) {
	if !r.Has(kv.FieldParts | kv.FieldSize) {
		return
	}
	read, write := units(r.Size)
	c.items++
	c.bytes += r.Size
	c.read += read
	c.write += write
	c.biggest = max(c.biggest, r.Size)
	if r.Size > itemWarning {
		c.of(prefix(r)).add(&largeItems{1, r.Size, r.Key})
	}
}

func (c *capacityOf) of(name string) *largeItems {
	l := c.large[name]
	if l == nil && len(c.large) >= maxPrefixes {
		name = otherPrefixes
		l = c.large[name]
	}
	if l == nil {
		l = &largeItems{}
		c.large[name] = l
	}
	return l
}

func (l *largeItems) add(o *largeItems) {
	if o.biggest > l.biggest || o.biggest == l.biggest && o.key < l.key {
		l.biggest, l.key = o.biggest, o.key
	}
	l.items += o.items
}

func (c *capacityOf) Merge(other audit.Collector) {
	o := other.(*capacityOf)
	c.items += o.items
	c.bytes += o.bytes
	c.read += o.read
	c.write += o.write
	c.biggest = max(c.biggest, o.biggest)
	for name, l := range o.large {
		c.of(name).add(l)
	}
}

const capacityVersion = 1

// AppendBinary saves c.
func (c *capacityOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, capacityVersion, c.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (c *capacityOf) UnmarshalBinary(b []byte) error { return saved.Read(b, capacityVersion, c.form) }

func (c *capacityOf) form(f *saved.Form) {
	saved.Count(f, &c.items, &c.bytes, &c.read, &c.write, &c.biggest)
	saved.OrderedMap(f, c.large, func(name *string, l **largeItems) {
		saved.String(f, name)
		if f.Reading() {
			*l = &largeItems{}
		}
		saved.Count(f, &(*l).items, &(*l).biggest)
		saved.String(f, &(*l).key)
	})
	f.Check(len(c.large) <= maxPrefixes+1, "%d prefixes", len(c.large))
}

// Report tells sums over all items.
func (c *capacityOf) Report(out *audit.Output) {
	if c.items == 0 {
		return
	}
	mean := func(name string, n int64) report.Metric {
		return report.Metric{Name: name, Value: report.Number(float64(n) / float64(c.items)), Unit: report.UnitFactor}
	}
	out.Metrics = []report.Metric{
		mean("read_units_per_item", c.read), mean("write_units_per_item", c.write),
		count("items", c.items), bytes("bytes", c.bytes), count("read_units", c.read), count("write_units", c.write),
		bytes("billed_bytes", c.bytes+storageOverhead*c.items), bytes("biggest_item", c.biggest),
	}
	for _, name := range slices.Sorted(maps.Keys(c.large)) {
		l := c.large[name]
		f := report.Finding{
			Rule: largeItem, Severity: report.Warning, Subject: name, Message: fmt.Sprintf("%s over %d KiB", humanize.Counted(l.items, "item"), itemWarning>>10),
			Measure:  &report.Metric{Name: "max_bytes", Value: report.Number(l.biggest), Unit: report.UnitBytes},
			Evidence: []report.Metric{count("items", l.items)}, Samples: samples(l.key),
		}
		if l.biggest > itemError {
			f.Severity = report.Error
		}
		out.Findings = append(out.Findings, f)
	}
}
