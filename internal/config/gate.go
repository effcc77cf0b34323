package config

import (
	"slices"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/budget"
)

// A Rule is what a rule is to be in this project.
type Rule struct {
	ID       string
	Severity string // off, error, warning or info
	Line     int
}

// A Budget is a limit on a number of the keyspace. At least one of Max and MaxDelta is set.
type Budget struct {
	Metric   string
	Entity   string // a field of keys.yaml, for metrics that are counted by its values
	Max      *float64
	MaxDelta *float64 // growth since the baseline, as a share of it
	Level    string   // error or warning
	Line     int
}

// statuses reads which findings fail where there is a baseline.
func statuses(f *File) yamlfile.Value {
	return yamlfile.List(&f.Statuses, func(s *string) yamlfile.Value {
		return yamlfile.OneOf(s, "new", "worsened", "existing", "expired")
	})
}

func rules(f *File) yamlfile.Value {
	ids := yamlfile.NameForm{Expr: `^[A-Z]{2}[0-9]{3}$`, Want: "the id of a rule, such as KD025"}
	return yamlfile.Named(&f.Rules, ids, func(r *Rule) yamlfile.Value {
		keys := yamlfile.Keys{
			{
				Name: "severity", Doc: "How bad its findings are; off: they do not count.", Required: true,
				Value: yamlfile.OneOf(&r.Severity, "off", "error", "warning", "info"),
			},
		}.Value()
		read := keys.Read
		keys.Read = func(n yamlfile.Node) error {
			r.ID, r.Line = n.Name(), n.KeyLine()
			return read(n)
		}
		return keys
	})
}

// A metric is what a budget may be of, and how its limit is written.
type metric struct {
	name   string
	entity bool // it is counted by the values of a field
	want   string
	parse  func(string) (float64, bool)
}

// metrics are those that package keydesign/budget measures.
func metrics() []metric {
	size := func(s string) (float64, bool) {
		n, ok := yamlfile.ParseSize(s)
		return float64(n), ok
	}
	return []metric{
		{budget.BytesPerEntity, true, "a size, such as 8KiB", size},
		{budget.KeysPerEntity, true, "a number, such as 12", yamlfile.ParseNumber},
		{budget.NoTTLShare, false, "a share, such as 10%", yamlfile.ParsePercent},
		{budget.SlotMaxMean, false, "a number, such as 1.5", yamlfile.ParseNumber},
		{budget.NodeMaxMean, false, "a number, such as 1.5", yamlfile.ParseNumber},
	}
}

// metricNames returns what a budget may be of.
func metricNames() []string {
	var names []string
	for _, m := range metrics() {
		names = append(names, m.name)
	}
	return names
}

// A Limit is one on a load, in the words of --threshold.
type Limit struct {
	Text string
	Line int
}

func thresholds(f *File) yamlfile.Value {
	return yamlfile.List(&f.Limits, func(l *Limit) yamlfile.Value {
		text := yamlfile.Text(&l.Text)
		read := text.Read
		text.Read = func(n yamlfile.Node) error {
			l.Line = n.Line()
			return read(n)
		}
		return text
	})
}

func budgets(f *File) yamlfile.Value {
	return yamlfile.List(&f.Budgets, limit)
}

func limit(b *Budget) yamlfile.Value {
	var most string
	var grow float64
	limit := yamlfile.Version(&most) // a text that YAML may take for a number
	b.Level = "error"
	keys := yamlfile.Keys{
		{Name: "metric", Doc: "What is limited.", Required: true, Value: yamlfile.OneOf(&b.Metric, metricNames()...)},
		{Name: "entity", Doc: "The field of keys.yaml by whose values it is counted.", Value: yamlfile.Text(&b.Entity)},
		{Name: "max", Doc: "The most that it may be: 8KiB, 12, 10%.", Value: limit},
		{Name: "max_delta", Doc: "The most that it may have grown since the baseline: 5%.", Value: yamlfile.Percent(&grow)},
		{Name: "level", Doc: "warning: it is only said.", Value: yamlfile.OneOf(&b.Level, "error", "warning")},
	}.Value()
	read := keys.Read
	keys.Read = func(n yamlfile.Node) error {
		grow = -1
		if err := read(n); err != nil {
			return err
		}
		b.Line = n.Line()
		if grow >= 0 {
			b.MaxDelta = &grow
		}
		return b.settle(n, most)
	}
	return keys
}

// settle holds against each other what a budget says, the limit of which is written as most.
func (b *Budget) settle(n yamlfile.Node, most string) error {
	i := slices.IndexFunc(metrics(), func(m metric) bool { return m.name == b.Metric })
	m := metrics()[i]
	switch {
	case m.entity && b.Entity == "":
		return n.Errorf("%s: %s is counted by the values of a field: entity is missing", n.Path(), b.Metric)
	case !m.entity && b.Entity != "":
		return n.Errorf("%s: %s is of the whole keyspace: it has no entity", n.Path(), b.Metric)
	case most == "" && b.MaxDelta == nil:
		return n.Errorf("%s has neither max nor max_delta", n.Path())
	case most == "":
		return nil
	}
	v, ok := m.parse(most)
	if !ok {
		return n.Errorf("%s.max: want %s", n.Path(), m.want)
	}
	b.Max = &v
	return nil
}
