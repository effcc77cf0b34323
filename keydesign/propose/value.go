package propose

import (
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// typeOf returns the type that most keys have, in the words of a schema; empty where it is not known.
func (d *draft) typeOf() string {
	if len(d.Types) == 0 {
		return ""
	}
	all := int64(0)
	for _, t := range d.Types {
		all += t.Keys
	}
	most := d.Types[0]
	for _, t := range d.Types[1:] {
		d.note("%s of %s are of type %s, the others %s", humanize.Counted(t.Keys, "key"), humanize.Exact(all), t.Type, most.Type)
	}
	if 2*most.Keys <= all {
		d.note("no type has the majority, so that none is proposed")
		return ""
	}
	return typeName(most.Type)
}

// typeName returns the name of a type in a schema, or "" for what it cannot name.
func typeName(t kv.Type) string {
	switch t {
	case kv.TypeString, kv.TypeHash, kv.TypeList, kv.TypeSet, kv.TypeZSet, kv.TypeStream:
		return string(t)
	case "ReJSON-RL":
		return "json"
	}
	return ""
}

// valueOf returns how large the values are. A maximum that breaks a rule is not proposed: then it would be allowed.
func (d *draft) valueOf() (v schema.Value) {
	if d.Size.Known {
		v.Size = schema.Dim{P50: roundSize(exact(d.Size.P50, d.Size.Max)), P99: roundSize(exact(d.Size.P99, d.Size.Max)), Max: roundSize(d.Size.Max)}
	}
	if d.Longest > 0 {
		v.Elements.Max = roundCount(d.Longest)
	}
	switch {
	case d.Oversized > 0:
		d.limit(&v)
	case d.Longest == 0 && d.collects() && d.Size.Known && d.Size.P50 < largeBlob:
		v.Elements.Max = keydesign.LargeCollection
		d.note("how many elements there are is not known: the maximum is that of the rule")
	}
	if d.out.Kind == schema.Queue { // a queue that nobody takes from is not one for long
		v.Trim = "consumer"
	} else if (d.out.Type == "list" || d.out.Type == "stream") && v.Elements.Max > 0 && d.TTL.Expiring == 0 {
		v.MaxLen = v.Elements.Max
		d.note("max_len is the most that there is: what keeps it short is not known")
	}
	return v
}

// limit proposes the maximum of a template of which some values are too large: that of the rule if they are few, and none if
// they are most.
func (d *draft) limit(v *schema.Value) {
	v.Size.Max, v.Elements.Max = 0, 0
	values := humanize.Counted(d.Oversized, "value") + " of " + humanize.Exact(d.Keys)
	if float64(d.Oversized) > strays*float64(d.Keys) {
		d.note("too large: %s, so that no maximum is proposed", values)
		return
	}
	d.note("too large: %s; the maximum is that of the rule", values)
	if d.out.Type == "string" {
		v.Size.Max = keydesign.LargeString
		v.Size.P99 = min(v.Size.P99, v.Size.Max)
		return
	}
	v.Elements.Max = keydesign.LargeCollection
}

// collects reports whether the keys hold collections that may grow.
func (d *draft) collects() bool {
	switch d.out.Type {
	case "list", "set", "zset", "stream":
		return true
	}
	return false
}

// exact returns the maximum for a quantile that is as near to it as quantiles are told.
func exact(quantile, most int64) int64 {
	if quantile >= most-most/256 {
		return most
	}
	return quantile
}

// roundSize rounds a size up to what is easy to read: 8 bytes, 64 bytes, whole KiB, whole MiB.
func roundSize(n int64) int64 {
	switch {
	case n < 1<<10:
		return up(n, 8)
	case n < 10<<10:
		return up(n, 64)
	case n < 10<<20:
		return up(n, 1<<10)
	}
	return up(n, 1<<20)
}

// roundCount rounds a count up to two digits.
func roundCount(n int64) int64 {
	unit := int64(1)
	for n/unit >= 100 {
		unit *= 10
	}
	return up(n, unit)
}

// up rounds n up to a multiple of unit.
func up(n, unit int64) int64 { return (n + unit - 1) / unit * unit }
