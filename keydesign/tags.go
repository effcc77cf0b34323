package keydesign

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/report"
)

// Bounds of what is kept of hash tags, in a collector of which a scan has a few.
const (
	maxTags   = 8192 // that are known exactly, all or a sample of them
	tagSample = 4096 // keys, by chance; and as many by their bytes
	keptTag   = 64   // bytes of a tag
	tagRows   = 100
)

// tags knows how many keys and bytes each hash tag keeps together. Up to maxTags of them it knows exactly. Of more it knows a
// sample of the tags, with all their keys, which tells how many tags there are and how large they are; a sample of the keys,
// which holds any tag of many keys; and a sample of the keys by their bytes, which holds any tag of many bytes. None of them
// depends on the order in which keys come.
type tags struct {
	tagged  load
	groups  *sketch.Groups
	byKeys  *sketch.Top[taggedKey]
	byBytes *sketch.Top[taggedKey]
}

// A taggedKey is a key of a sample.
type taggedKey struct {
	rank  float64 // the smaller, the sooner it is in the sample
	hash  uint64  // of the key
	tag   string
	bytes int64
}

func newTags() *tags {
	sooner := func(a, b taggedKey) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.hash, b.hash), cmp.Compare(a.tag, b.tag), cmp.Compare(a.bytes, b.bytes))
	}
	return &tags{
		groups:  sketch.NewGroups(maxTags),
		byKeys:  sketch.NewTop(tagSample, sooner),
		byBytes: sketch.NewTop(tagSample+1, sooner),
	}
}

func (t *tags) observe(key string, l *load) {
	tag := slot.Tag(key)
	if len(tag) == len(key) {
		return
	}
	t.tagged.add(*l)
	hash := sketch.Hash(tag)
	if len(tag) > keptTag {
		tag = tag[:keptTag]
	}
	t.groups.Add(hash, tag, 1, l.bytes)
	k := taggedKey{hash: sketch.Hash(key), tag: tag, bytes: l.bytes}
	k.rank = k.byKeys()
	offer(t.byKeys, k)
	if k.bytes > 0 {
		k.rank = k.byBytes()
		offer(t.byBytes, k)
	}
}

// byKeys and byBytes are the ranks of a key in the two samples.
func (k *taggedKey) byKeys() float64  { return (float64(k.hash>>11) + 0.5) / (1 << 53) }
func (k *taggedKey) byBytes() float64 { return k.byKeys() / float64(k.bytes) }

// Form writes or reads t. The ranks follow from the rest.
func (t *tags) Form(f *saved.Form) {
	t.tagged.Form(f)
	t.groups.Form(f)
	t.byKeys.Form(f, func(k *taggedKey) { k.form(f); k.rank = k.byKeys() })
	t.byBytes.Form(f, func(k *taggedKey) {
		k.form(f)
		f.Check(k.bytes > 0, "no bytes to rank a key by")
		k.rank = k.byBytes()
	})
}

func (k *taggedKey) form(f *saved.Form) {
	saved.Uint(f, &k.hash)
	saved.String(f, &k.tag)
	saved.Count(f, &k.bytes)
}

// offer adds k to a sample. It keeps no part of a key's memory for one that is not taken.
func offer(sample *sketch.Top[taggedKey], k taggedKey) {
	if last, full := sample.Last(); full && k.rank > last.rank {
		return
	}
	k.tag = strings.Clone(k.tag)
	sample.Add(k)
}

func (t *tags) merge(o *tags) {
	t.tagged.add(o.tagged)
	t.groups.Merge(o.groups)
	t.byKeys.Merge(o.byKeys)
	t.byBytes.Merge(o.byBytes)
}

// together returns how many keys are placed at once, as seen from a key: 1 where none has a tag. Where not all tags are known
// it is that of a sample of them.
func (t *tags) together(all *load) float64 {
	groups, _ := t.groups.All()
	var n, squares float64
	for _, g := range groups {
		n += float64(g.N)
		squares += float64(g.N) * float64(g.N)
	}
	if n == 0 {
		return 1
	}
	tagged := float64(t.tagged.keys) / float64(all.keys)
	return 1 - tagged + tagged*squares/n
}

// A tagLoad is what a hash tag keeps together. Its interval is that of its keys; without one they are exact.
type tagLoad struct {
	tag         string
	keys, bytes int64
	low, high   int64
	exact       bool
}

// text is how a tag stands in its keys.
func (l *tagLoad) text() string { return "{" + l.tag + "}" }

// loads returns the tags that hold most, the most bytes first. Where there are more than can be known, these are estimates.
func (t *tags) loads() []tagLoad {
	groups, all := t.groups.All()
	var out []tagLoad
	if all {
		for _, g := range groups {
			out = append(out, tagLoad{tag: g.Name, keys: g.N, bytes: g.Sum, low: g.N, high: g.N, exact: true})
		}
	} else {
		out = t.estimates()
	}
	slices.SortFunc(out, func(a, b tagLoad) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(b.keys, a.keys), cmp.Compare(a.tag, b.tag))
	})
	return out
}

// estimates scales the samples. One of keys stands for as many keys as there are to each in the sample; in the one by bytes
// each key stands for its bytes, or for the bytes at which a key is sure to be in it (N. Duffield, C. Lund, M. Thorup, Priority
// sampling, JACM 54, 2007).
func (t *tags) estimates() []tagLoad {
	byTag := map[string]*tagLoad{}
	get := func(tag string) *tagLoad {
		if byTag[tag] == nil {
			byTag[tag] = &tagLoad{tag: tag}
		}
		return byTag[tag]
	}
	keys := t.byKeys.Sorted()
	seen := map[string]int64{}
	for _, k := range keys {
		seen[k.tag]++
	}
	for tag, n := range seen {
		l, scale := get(tag), float64(t.tagged.keys)/float64(len(keys))
		low, high := wilson(n, int64(len(keys)))
		l.keys = int64(math.Round(float64(n) * scale))
		l.low = max(n, int64(low*float64(t.tagged.keys)))
		l.high = int64(math.Ceil(high * float64(t.tagged.keys)))
	}
	heavy := t.byBytes.Sorted()
	sure := 0.0 // bytes
	if len(heavy) > tagSample {
		sure = 1 / heavy[tagSample].rank
		heavy = heavy[:tagSample]
	}
	for _, k := range heavy {
		get(k.tag).bytes += int64(math.Round(max(float64(k.bytes), sure)))
	}
	out := make([]tagLoad, 0, len(byTag))
	for _, l := range byTag {
		out = append(out, *l)
	}
	return out
}

// heaviestOf returns the tag with the most keys among those that fall into a slot.
func (t *tags) heaviestOf(n uint16) (most tagLoad, ok bool) {
	for _, l := range t.loads() {
		if len(l.tag) < keptTag && slot.Of(l.tag) == n && l.keys > most.keys {
			most, ok = l, true
		}
	}
	return most, ok
}

// names says how many tags there are.
func (t *tags) names() report.Metric {
	n, exact := t.groups.Names()
	m := report.Metric{Name: "tags", Value: report.Number(math.Round(n)), Unit: report.UnitCount}
	if !exact {
		off := z95 * n / math.Sqrt(maxTags-2)
		m.How = "sampled"
		m.Interval = &report.Interval{Low: math.Floor(n - off), High: math.Ceil(n + off)}
	}
	return m
}

// table lists the tags that hold a share of the keys or bytes that is worth a row.
func (t *tags) table(all *load) report.Table {
	table := report.Table{Name: "hash_tags", Title: "Hash tags", Columns: []report.Column{
		{Name: "tag", Unit: report.UnitKey},
		{Name: "keys", Unit: report.UnitCount},
		{Name: "share", Title: "%", Unit: report.UnitRatio},
		{Name: "keys_low", Unit: report.UnitCount, Rank: 3},
		{Name: "keys_high", Unit: report.UnitCount, Rank: 2},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes},
		{Name: "bytes_share", Title: "%", Unit: report.UnitRatio, Rank: 1},
	}}
	loads := t.loads()
	for i := range loads {
		l := &loads[i]
		if len(table.Rows) == tagRows {
			break
		}
		if float64(l.keys) < material*float64(all.keys) && float64(l.bytes) < material*float64(max(1, all.bytes)) {
			continue
		}
		low, high := report.Null, report.Null
		if !l.exact {
			low, high = report.Number(l.low), report.Number(l.high)
		}
		table.Rows = append(table.Rows, []report.Value{
			report.Text(l.text()), report.Number(l.keys), quotient(l.keys, all.keys), low, high,
			sum(l.bytes, all.sized), quotient(l.bytes, all.bytes),
		})
	}
	return table
}

// The limits of KD027.
const (
	tagShare = 0.01
	tagKeys  = 1000
	tagBytes = 1 << 30
	tagMost  = 20 // findings
)

func giantTag() *report.Rule {
	return &report.Rule{
		ID: "KD027", Name: "giant-hash-tag", Title: "A hash tag that keeps too much together", Severity: report.Error, Stores: redisFamily(),
		Doc: `All keys with the same hash tag are in one slot and so on one node, for ever: no resharding divides them. A tag is for the few
keys that one command must reach together. Where one tag holds a share of the whole keyspace, or more than a gigabyte, the cluster
is as large as one of its nodes.`,
		Fix:  "put into the tag what differs from key to key: {user:1}:profile in place of {app}:user:1",
		Bad:  []string{"{app}:user:1, {app}:user:2, …"},
		Good: []string{"{user:1}:profile, {user:1}:cart"},
		Limits: []report.Limit{
			{Name: "share", Value: tagShare, Unit: report.UnitRatio, Source: report.OwnDefault},
			{Name: "keys", Value: tagKeys, Unit: report.UnitCount, Source: report.OwnDefault + ": fewer do no harm yet"},
			{Name: "bytes", Value: tagBytes, Unit: report.UnitBytes, Source: report.OwnDefault},
		},
	}
}

// check judges estimates by the lower end of their interval.
func (t *tags) check(all *load, emit func(report.Finding)) {
	loads := t.loads()
	slices.SortStableFunc(loads, func(a, b tagLoad) int { return cmp.Compare(b.low, a.low) })
	found := 0
	for i := range loads {
		l := &loads[i]
		many := l.low >= tagKeys && float64(l.low) > tagShare*float64(all.keys)
		if !many && l.bytes <= tagBytes || found == tagMost {
			continue
		}
		found++
		f := report.Finding{
			Severity: report.Error,
			Subject:  l.text(),
			Message:  fmt.Sprintf("%s of the keys are in one slot", percent(float64(l.keys)/float64(all.keys))),
			Measure:  &report.Metric{Name: "keys", Value: report.Number(l.keys), Unit: report.UnitCount},
			Evidence: []report.Metric{ratioMetric("share", l.keys, all.keys), bytesMetric("bytes", l.bytes)},
		}
		if !l.exact {
			f.Measure.How = "sampled"
			f.Measure.Interval = &report.Interval{Low: float64(l.low), High: float64(l.high)}
		}
		if !many {
			f.Message = "more than a gigabyte is in one slot"
			f.Measure, f.Evidence = &f.Evidence[1], f.Evidence[:1]
		}
		emit(f)
	}
}
