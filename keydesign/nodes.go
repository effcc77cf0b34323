package keydesign

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func nodes() *audit.Analyzer {
	return &audit.Analyzer{
		Name:    nodesName,
		Title:   "NODES",
		Doc:     "Keys and bytes of each node of a cluster, of each server that keys are spread over, or of each file of a directory of dumps.",
		Needs:   kv.FieldPlace,
		Uses:    kv.FieldSize | kv.FieldHome,
		Rules:   []*report.Rule{nodeSkew(), misplacedKeys()},
		Version: nodesVersion,
		New:     func(time.Time) audit.Collector { return &nodesOf{places: map[string]*nodeLoad{}} },
	}
}

const nodesName = "nodes"

// A load is what is kept in one place.
type load struct{ keys, bytes, sized int64 }

func (l *load) add(o load) {
	l.keys += o.keys
	l.bytes += o.bytes
	l.sized += o.sized
}

// Form writes or reads l.
func (l *load) Form(f *saved.Form) { saved.Count(f, &l.keys, &l.bytes, &l.sized) }

// loadOf returns what one record weighs, for all the keys that it stands for.
func loadOf(r *kv.Record) load {
	if n := r.Stands(); n > 0 && r.Has(kv.FieldSize) {
		return load{1, n * r.Size, n}
	}
	return load{keys: 1}
}

// maxPlaces bounds the table: far more nodes than a cluster can have.
const (
	maxPlaces   = 4096
	otherPlaces = "others"
)

// A nodeLoad is what is kept on a node, and what of it clients would look for elsewhere.
type nodeLoad struct {
	load
	placed int64 // keys of which it is known where clients look for them
	astray load  // of these, those that are not there
}

func (l *nodeLoad) add(o nodeLoad) {
	l.load.add(o.load)
	l.placed += o.placed
	l.astray.add(o.astray)
}

func (l *nodeLoad) form(f *saved.Form) {
	l.load.Form(f)
	if f.Version() > 1 {
		saved.Count(f, &l.placed)
		l.astray.Form(f)
	}
}

type nodesOf struct {
	places map[string]*nodeLoad
	last   string // most records are of the place of the one before
	load   *nodeLoad
}

func (n *nodesOf) Observe(r *kv.Record) {
	if !r.Has(kv.FieldPlace) {
		return
	}
	if n.load == nil || r.Place != n.last {
		n.last, n.load = r.Place, n.place(r.Place)
	}
	l := nodeLoad{load: loadOf(r)}
	if r.Has(kv.FieldHome) {
		if l.placed = 1; r.Home != r.Place {
			l.astray = l.load
		}
	}
	n.load.add(l)
}

func (n *nodesOf) place(name string) *nodeLoad {
	l := n.places[name]
	if l == nil && len(n.places) >= maxPlaces {
		name = otherPlaces
		l = n.places[name]
	}
	if l == nil {
		l = &nodeLoad{}
		n.places[name] = l
	}
	return l
}

func (n *nodesOf) Merge(c audit.Collector) {
	for name, l := range c.(*nodesOf).places {
		n.place(name).add(*l)
	}
}

const nodesVersion = 2 // 1 does not know of keys that are astray

// AppendBinary saves n.
func (n *nodesOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, nodesVersion, n.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (n *nodesOf) UnmarshalBinary(b []byte) error { return saved.Read(b, nodesVersion, n.form) }

func (n *nodesOf) form(f *saved.Form) {
	saved.OrderedMap(f, n.places, func(name *string, l **nodeLoad) {
		saved.String(f, name)
		if f.Reading() {
			*l = &nodeLoad{}
		}
		(*l).form(f)
	})
	f.Check(len(n.places) <= maxPlaces+1, "%d places", len(n.places))
}

// Report says nothing of a single place: that is the whole store.
func (n *nodesOf) Report(out *audit.Output) {
	if len(n.places) < 2 {
		return
	}
	var whole nodeLoad
	for _, l := range n.places {
		whole.add(*l)
	}
	all := whole.load
	table := report.Table{Name: "nodes", Columns: []report.Column{
		{Name: "node", Unit: report.UnitText},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "keys_share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "bytes_share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "times_mean", Title: "× mean", Unit: report.UnitFactor, Rank: 1},
	}}
	heaviest := func(a, b string) int {
		x, y := n.places[a], n.places[b]
		return cmp.Or(cmp.Compare(y.bytes, x.bytes), cmp.Compare(y.keys, x.keys), cmp.Compare(a, b))
	}
	for _, name := range slices.SortedFunc(maps.Keys(n.places), heaviest) {
		l := n.places[name]
		table.Rows = append(table.Rows, []report.Value{
			report.Text(name), report.Number(l.keys), quotient(l.keys, all.keys), sum(l.bytes, l.sized),
			quotient(l.bytes, all.bytes), times(l.weight(&all), len(n.places)),
		})
	}
	out.Tables = []report.Table{table}
	n.check(&all, func(f report.Finding) {
		f.Rule = nodeSkew().ID
		out.Findings = append(out.Findings, f)
	})
	n.misplaced(&whole, out)
}

// weight is the share of bytes where these are known, else of keys.
func (l *load) weight(all *load) float64 {
	if all.bytes > 0 {
		return float64(l.bytes) / float64(all.bytes)
	}
	return float64(l.keys) / float64(all.keys)
}

// times returns how many times the mean a share of so many is.
func times(share float64, of int) report.Value { return report.Number(share * float64(of)) }

func quotient(part, whole int64) report.Value {
	if whole == 0 {
		return report.Null
	}
	return report.Number(float64(part) / float64(whole))
}

// The limits of KD026.
const (
	nodeTimes = 1.3
	nodeHalf  = 0.5
	nodeKeys  = 1000
)

// NodeSkew is the rule that says what a node may have more than the others, for who counts operations and not keys.
const NodeSkew = "KD026"

// NodeSkewLimits are how many times the mean a node may have, and from which share on it is an error with three nodes or more.
func NodeSkewLimits() (times, half float64) { return nodeTimes, nodeHalf }

func nodeSkew() *report.Rule {
	return &report.Rule{
		ID: NodeSkew, Name: "node-skew", Title: "A node that holds more than its share", Severity: report.Error, Stores: redisFamily(),
		Doc: `One node holds far more bytes than the mean of all. It is the first to run out of memory, its fork takes the longest, and
the others' memory is of no use to it. The cause is how slots are divided among the nodes, or a slot that is heavy in itself: then
KD025 and KD027 say which hash tag it is.

The same holds of a node that gets far more operations than the mean, where these are counted (kvtool skew).`,
		Fix:  "move slots to the other nodes; split what is heavy in one slot",
		Bad:  []string{"three nodes with 60 %, 20 % and 20 % of the bytes"},
		Good: []string{"three nodes with 36 %, 33 % and 31 % of the bytes"},
		Limits: []report.Limit{
			{Name: "times_mean", Value: nodeTimes, Unit: report.UnitFactor, Source: report.OwnDefault},
			{Name: "error_share", Value: nodeHalf, Unit: report.UnitRatio, Source: report.OwnDefault + ", with three nodes or more"},
			{Name: "keys", Value: nodeKeys, Unit: report.UnitCount, Source: report.OwnDefault + ": fewer, on a node in the mean, are chance"},
		},
	}
}

func (n *nodesOf) check(all *load, emit func(report.Finding)) {
	mean := float64(all.keys) / float64(len(n.places))
	if mean < nodeKeys || all.bytes == 0 {
		return
	}
	limit := max(nodeTimes, poissonPeak(float64(len(n.places)), mean))
	for _, name := range slices.Sorted(maps.Keys(n.places)) {
		l := n.places[name]
		share := l.weight(all)
		if name == otherPlaces || share*float64(len(n.places)) <= limit {
			continue
		}
		f := report.Finding{
			Severity: report.Warning,
			Subject:  name,
			Message:  percent(share) + " of the bytes are on one of " + humanize.Counted(int64(len(n.places)), "node"),
			Measure:  &report.Metric{Name: "times_mean", Value: times(share, len(n.places)), Unit: report.UnitFactor},
			Evidence: []report.Metric{bytesMetric("bytes", l.bytes), ratioMetric("bytes_share", l.bytes, all.bytes), ratioMetric("keys_share", l.keys, all.keys)},
		}
		if share > nodeHalf && len(n.places) > 2 {
			f.Severity = report.Error
		}
		emit(f)
	}
}

// chancePeak returns about how many times the mean the fullest of bins holds where keys are placed at random, with the mean
// lambda a bin (measured with 16,384 bins: 2.95, 1.52 and 1.16 where this says 2.78, 1.56 and 1.18):
//
//	1 + √(2·ln(bins)/lambda)
func chancePeak(bins, lambda float64) float64 {
	if lambda <= 0 || bins <= 1 {
		return 1
	}
	return 1 + math.Sqrt(2*math.Log(bins)/lambda)
}
