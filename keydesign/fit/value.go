package fit

import (
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// What is large, what grows without end, and what is hardly there.

// largeTypical is a median value that is a file rather than a value; a default of kvtool.
const largeTypical = 1 << 20

// collections are the types whose values are read in parts: a long list is no file, however many bytes it has.
var collections = []string{"hash", "list", "set", "zset", "stream"}

func largeBlobs(f *facts) []line {
	var found []string
	limit := mostValue(f.declared())
	for i := range f.schema.Templates {
		t := &f.schema.Templates[i]
		size := t.Value.Size
		switch {
		case slices.Contains(collections, t.Type):
		case size.P50 > largeTypical:
			keys, _ := f.keys(t)
			found = append(found, fmt.Sprintf("%s: %s %s%s", t.Name, most(keys, "value"), humanize.Bytes(float64(size.P50)), at(t.Value.Pos)))
		case limit > 0 && size.Largest() > limit:
			found = append(found, fmt.Sprintf("%s: values of up to %s, the store takes %s%s", t.Name,
				humanize.Bytes(float64(size.Largest())), humanize.Bytes(float64(limit)), at(t.Value.Pos)))
		}
	}
	f.rows("templates", "templates", func(c cell) {
		name, _ := c("template").Text()
		typ, _ := c("type").Text()
		if p50, ok := c("p50_bytes").Number(); ok && p50 > largeTypical && !slices.Contains(collections, typ) {
			keys, _ := c("keys").Number()
			found = append(found, fmt.Sprintf("%s: %s %s", name, most(keys, "key"), humanize.Bytes(p50)))
		}
	})
	if found == nil {
		return nil
	}
	return []line{{
		"large-blob", join(found), "an object store, with its address under the key",
		"it costs less a byte, serves parts, and no small request waits behind a large one",
		"the values are cut into pieces, or compressed below 100 KiB",
	}}
}

// most says of so many things that their median is; of one there is no half.
func most(n float64, thing string) string {
	if n == 1 {
		return "its only " + thing + " has"
	}
	return "half of the " + thing + "s have over"
}

func histories(f *facts) []line {
	var found []string
	for i := range f.schema.Templates {
		t := &f.schema.Templates[i]
		log := t.Type == "list" || t.Type == "stream"
		if log && t.Value.MaxLen == 0 && t.Value.Trim == "" && t.TTL.Policy == schema.TTLNone && readsRange(t) {
			found = append(found, t.Name+": a "+t.Type+" without end is read by range"+at(t.Pos))
		}
	}
	if found == nil {
		return nil
	}
	return []line{{
		"history", join(found), "a log or a time-series store",
		"old entries are read rarely and are cheap on disk; in memory they cost what new ones do",
		"the past is trimmed (max_len) and moved elsewhere",
	}}
}

func readsRange(t *schema.Template) bool {
	for _, a := range t.Access {
		if a.Query == "range" && !isWrite(a.Op) {
			return true
		}
	}
	return false
}

// Below these a store of its own costs more than it gives; defaults of kvtool.
const (
	smallBytes = 1 << 30
	smallRate  = 100 // operations a second
)

func smallAndCold(f *facts) []line {
	bytes, whole := f.workingSet()
	rate := 0.0
	for i := range f.schema.Templates {
		t := &f.schema.Templates[i]
		if len(t.Access) == 0 || t.TTL.Policy != schema.TTLNone {
			return nil // not all is known, or what expires is a cache
		}
		for _, a := range t.Access {
			if a.Rate == 0 {
				return nil
			}
			rate += a.Rate
		}
	}
	if !whole || len(f.schema.Templates) == 0 || bytes >= smallBytes || rate >= smallRate {
		return nil
	}
	return []line{{
		"small-and-cold",
		fmt.Sprintf("all templates: %s in all, %s, nothing expires", humanize.Bytes(bytes), humanize.Rate(rate)),
		"the database already in use", "one system less to run, to watch and to back up",
		"it is to grow, or the latency of that database is too high",
	}}
}

// workingSet returns the bytes of all declared keys, and whether every template says enough for that; else it is what those
// take that do, which is the least there is.
func (f *facts) workingSet() (bytes float64, whole bool) {
	whole = len(f.schema.Templates) > 0
	for i := range f.schema.Templates {
		t := &f.schema.Templates[i]
		keys, known := f.keys(t)
		size := valueBytes(t)
		if !known || size == 0 {
			whole = false
			continue
		}
		bytes += keys * (size + keyOverhead)
	}
	return bytes, whole
}

// valueBytes is what a value takes as declared; 0 is not declared.
func valueBytes(t *schema.Template) float64 {
	if n := t.Value.Size.Typical(); n > 0 {
		return float64(n)
	}
	return float64(t.Value.Elements.Typical()) * float64(t.Value.ElementSize)
}

// keyOverhead is about what a key costs besides its value in a store in memory: its name, an entry, an object.
const keyOverhead = 90
