package budget

import (
	"math"
	"testing"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func parse(t *testing.T, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const shop = `kvschema: 1
fields: {uid: {type: int, cardinality: 500}, sku: {type: word}}
templates:
  user: {key: "user:{uid}", type: hash}
  cart: {key: "cart:{uid}", type: hash}
  line: {key: "line:{uid}:{sku}", type: string}
  item: {key: "item:{sku}", type: string}
`

// counted is a report of templates: their texts, and what the columns hold of each.
func counted(columns []string, rows map[string][]float64) *report.Report {
	t := report.Table{Name: "templates", Columns: []report.Column{{Name: "template", Unit: report.UnitKey}}}
	for _, c := range columns {
		t.Columns = append(t.Columns, report.Column{Name: c})
	}
	for text, numbers := range rows {
		row := []report.Value{report.Text(text)}
		for _, n := range numbers {
			row = append(row, report.Number(n))
		}
		t.Rows = append(t.Rows, row)
	}
	return &report.Report{Sections: []report.Section{{Name: "templates", Tables: []report.Table{t}}}}
}

func head(t *testing.T, c report.Check) float64 {
	t.Helper()
	n, ok := c.Head.Number()
	if !ok {
		t.Fatalf("%s is unknown: %s", c.Name, c.Why)
	}
	return n
}

func TestPerEntity(t *testing.T) {
	s := parse(t, shop)
	r := counted([]string{"keys", "bytes"}, map[string][]float64{
		"user:{uid}": {100, 1000}, "cart:{uid}": {40, 4000}, "line:{uid}:{sku}": {260, 5000}, "item:{sku}": {7, 9e9}, "other:{int}": {1, 1e9},
	})
	if c := Measure(r, s, BytesPerEntity, "uid"); head(t, c) != 100 || c.Name != "bytes/uid" || c.Unit != report.UnitBytes || c.Interval != nil {
		t.Errorf("%+v", c)
	}
	if c := Measure(r, s, KeysPerEntity, "uid"); head(t, c) != 4 || c.Name != "keys/uid" {
		t.Errorf("%+v", c)
	}
	if c := Measure(r, s, KeysPerEntity, "sku"); head(t, c) != 267.0/7 {
		t.Errorf("%+v", c)
	}
}

func TestSampledPerEntity(t *testing.T) {
	r := counted([]string{"keys", "bytes", "bytes_off"}, map[string][]float64{
		"user:{uid}": {100, 3000, 0.1}, "cart:{uid}": {40, 4000, 0.1}, "line:{uid}:{sku}": {260, 0, 0},
	})
	c := Measure(r, parse(t, shop), BytesPerEntity, "uid")
	if head(t, c) != 70 || math.Abs(c.Interval.Low-65) > 1e-9 || math.Abs(c.Interval.High-75) > 1e-9 { // ±√(300² + 400²)
		t.Errorf("%+v %+v", c, c.Interval)
	}
}

// Where no template counts the values of a field, what is declared has to do; where nothing is, nobody knows.
func TestValues(t *testing.T) {
	r := counted([]string{"keys", "bytes"}, map[string][]float64{"line:{uid}:{sku}": {1000, 5000}})
	if c := Measure(r, parse(t, shop), KeysPerEntity, "uid"); head(t, c) != 2 || c.Why != "with 500 values of uid, as declared" {
		t.Errorf("%+v", c)
	}
	for what, c := range map[string]report.Check{
		"no cardinality": Measure(r, parse(t, shop), KeysPerEntity, "sku"),
		"no sizes":       Measure(counted([]string{"keys"}, map[string][]float64{"user:{uid}": {3}}), parse(t, shop), BytesPerEntity, "uid"),
		"no templates":   Measure(&report.Report{}, parse(t, shop), KeysPerEntity, "uid"),
	} {
		if !c.Head.IsNull() || c.Why == "" {
			t.Errorf("%s: %+v", what, c)
		}
	}
}

func TestNoTTL(t *testing.T) {
	histogram := func(rows ...[]report.Value) *report.Report {
		table := report.Table{Name: "ttl_histogram", Columns: []report.Column{{Name: "left"}, {Name: "bytes"}}, Rows: rows}
		return &report.Report{Sections: []report.Section{{Name: "ttl", Tables: []report.Table{table}}}}
	}
	row := func(name string, bytes float64) []report.Value {
		return []report.Value{report.Text(name), report.Number(bytes)}
	}
	if c := Measure(histogram(row("none", 30), row("<1m", 50), row("expired", 20), row("unknown", 99)), nil, NoTTLShare, ""); head(t, c) != 0.3 {
		t.Errorf("%+v", c)
	}
	if c := Measure(histogram(row("<1m", 50)), nil, NoTTLShare, ""); head(t, c) != 0 {
		t.Errorf("%+v", c)
	}
	for what, r := range map[string]*report.Report{
		"no section": {},
		"no keys":    histogram(),
		"no sizes":   histogram([]report.Value{report.Text("none"), report.Null}),
	} {
		if c := Measure(r, nil, NoTTLShare, ""); !c.Head.IsNull() || c.Why == "" {
			t.Errorf("%s: %+v", what, c)
		}
	}
}

func TestSampledNoTTL(t *testing.T) {
	r := counted([]string{"keys", "bytes", "no_ttl", "measured", "bytes_off"}, map[string][]float64{
		"a:{int}": {1000, 600, 0.5, 0.1, 0}, "b:{int}": {1000, 400, 0, 0.1, 0},
	})
	c := Measure(r, nil, NoTTLShare, "")
	// 600 bytes, half of them without TTL, as 100 keys have told: ±600·1.96·√(0.25/100) = ±58.8 of 1,000.
	if head(t, c) != 0.3 || math.Abs(c.Interval.Low-0.2412) > 1e-9 || math.Abs(c.Interval.High-0.3588) > 1e-9 {
		t.Errorf("%+v %+v", c, c.Interval)
	}
}

func TestSpread(t *testing.T) {
	slots := func(ms ...report.Metric) *report.Report {
		return &report.Report{Sections: []report.Section{{Name: "slots", Metrics: ms}}}
	}
	keys := report.Metric{Name: "keys_max_over_mean", Value: report.Number(3.0)}
	bytes := report.Metric{Name: "bytes_max_over_mean", Value: report.Number(7.0)}
	if c := Measure(slots(keys, bytes), nil, SlotMaxMean, ""); head(t, c) != 7 || c.Unit != report.UnitFactor {
		t.Errorf("%+v", c)
	}
	if c := Measure(slots(keys), nil, SlotMaxMean, ""); head(t, c) != 3 {
		t.Errorf("%+v", c)
	}
	table := report.Table{Name: "nodes", Columns: []report.Column{{Name: "node"}, {Name: "times_mean"}}, Rows: [][]report.Value{
		{report.Text("a"), report.Number(0.8)}, {report.Text("b"), report.Number(1.2)},
	}}
	if c := Measure(&report.Report{Sections: []report.Section{{Name: "nodes", Tables: []report.Table{table}}}}, nil, NodeMaxMean, ""); head(t, c) != 1.2 {
		t.Errorf("%+v", c)
	}
	for _, c := range []report.Check{
		Measure(&report.Report{}, nil, SlotMaxMean, ""), Measure(slots(), nil, SlotMaxMean, ""), Measure(&report.Report{}, nil, NodeMaxMean, ""),
	} {
		if !c.Head.IsNull() || c.Why == "" {
			t.Errorf("%+v", c)
		}
	}
}

// A report that somebody has made up is no reason to fall.
func TestMadeUp(t *testing.T) {
	empty := report.Report{Sections: []report.Section{
		{Name: "templates", Tables: []report.Table{{Name: "templates", Rows: [][]report.Value{{}}}}},
		{Name: "ttl", Tables: []report.Table{{Name: "ttl_histogram", Rows: [][]report.Value{{}}}}},
		{Name: "nodes", Tables: []report.Table{{Name: "nodes", Rows: [][]report.Value{{}}}}},
		{Name: "slots", Metrics: []report.Metric{{Name: "keys_max_over_mean"}}},
	}}
	for _, metric := range []string{BytesPerEntity, KeysPerEntity, NoTTLShare, SlotMaxMean, NodeMaxMean} {
		if c := Measure(&empty, parse(t, shop), metric, "uid"); !c.Head.IsNull() || c.Why == "" {
			t.Errorf("%s: %+v", metric, c)
		}
	}
}
