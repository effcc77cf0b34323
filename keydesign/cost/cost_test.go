package cost

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/price"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Each amount was computed by hand from the list prices of the table in docs/dynamodb.md.
func TestPrice(t *testing.T) {
	l := price.Builtin()
	u := &Use{
		Items: 1e9, Bytes: 900e9, ReadUnits: 1000, WriteUnits: 100, Used: 0.5, Backup: true, Replicas: 1,
		Table: kv.Table{Billing: "on-demand", Class: "standard", Indexes: []kv.Index{{Name: "x", Projection: "keys"}}},
	}
	// Kept: 900 GB + 1e9 × 100 B = 1,000 GB; the index 1e9 × (64 + 100) B = 164 GB; 25 GB are free.
	// 1e9 items of 900 B are written with one unit each, so the index takes 100 units a second, too.
	storage := (1164.0 - 25) * 0.25
	for _, c := range []struct {
		option option
		lines  map[string]float64
	}{
		{option{"on-demand", "standard"}, map[string]float64{
			lineStorage: storage * 1000 / 1164, lineIndexes: storage * 164 / 1164, lineReads: 2628 * 0.125, lineWrites: 262.8 * 0.625, lineUpkeep: 262.8 * 0.625,
			lineReplicas: 2 * 262.8 * 0.625, lineBackup: 1000 * 0.20,
		}},
		{option{"provisioned", "standard"}, map[string]float64{
			lineStorage: storage * 1000 / 1164, lineIndexes: storage * 164 / 1164, lineReads: 2000 * 0.00013 * 730, lineWrites: 200 * 0.00065 * 730,
			lineUpkeep: 200 * 0.00065 * 730, lineReplicas: 2 * 262.8 * 0.625, lineBackup: 1000 * 0.20,
		}},
		{option{"on-demand", "standard-ia"}, map[string]float64{
			lineStorage: 1000 * 0.1, lineIndexes: 164 * 0.1, lineReads: 2628 * 0.155, lineWrites: 262.8 * 0.78, lineUpkeep: 262.8 * 0.78,
			lineReplicas: 2 * 262.8 * 0.625, lineBackup: 1000 * 0.20,
		}},
	} {
		b := u.price(c.option, l)
		sum := 0.0
		for name, want := range c.lines {
			sum += want
			if math.Abs(b.lines[name]-want) > 1e-6*want {
				t.Errorf("%s, %s: %v, want %v", c.option, name, b.lines[name], want)
			}
		}
		if math.Abs(b.total-sum) > 1e-6*sum || len(b.lines) != len(c.lines) {
			t.Errorf("%s: %v, want %v", c.option, b.total, sum)
		}
	}
}

// A table that is kept and hardly read is cheaper in the class for that; one that is busy all the time is cheaper provisioned.
func TestCheapest(t *testing.T) {
	for name, c := range map[string]struct {
		use  Use
		want string
	}{
		"an archive": {Use{Items: 1e9, Bytes: 1e12, ReadUnits: 1, WriteUnits: 1, Used: 0.1}, "on-demand, standard-ia"},
		"busy":       {Use{Items: 1e6, Bytes: 1e9, ReadUnits: 5000, WriteUnits: 2000, Used: 0.7}, "provisioned, standard"},
		"idle":       {Use{Items: 1e6, Bytes: 1e9, ReadUnits: 50, WriteUnits: 20, Used: 0.1}, "on-demand, standard"},
	} {
		s := Sections(&c.use, price.Builtin())[0]
		i := slices.IndexFunc(s.Metrics, func(m report.Metric) bool { return m.Name == "cheapest" })
		if i < 0 || s.Metrics[i].Value != report.Text(c.want) {
			t.Errorf("%s: %+v, want %s", name, s.Metrics, c.want)
		}
	}
	u := &Use{Items: 1, Bytes: 1, Used: 0.5, Table: kv.Table{Billing: "provisioned", Class: "standard", Indexes: []kv.Index{{Name: "x"}}}}
	notes := strings.Join(Notes(u, price.Builtin()), "\n")
	for _, want := range []string{"us-east-1", "--reads", "The index x", "29%"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in\n%s", want, notes)
		}
	}
}
