package dynamodb

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// bytesPerUnit is how many bytes a read unit is for, where what is read may be stale: half a unit for 4 KiB.
const bytesPerUnit = 8 << 10

// Plan says what a scan will take, by the size that the table had some hours ago.
func (s *store) Plan(context.Context) (kv.Plan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plan(s.table), nil
}

func (s *store) plan(t *table) kv.Plan {
	p := kv.Plan{Keys: t.Items, Free: s.local, Unit: "read units"}
	p.Units = math.Ceil(float64(t.Bytes) / bytesPerUnit)
	c := s.prices.Class(t.Class)
	if t.Billing == "provisioned" {
		p.Basis = "of the capacity that is provisioned"
		p.Load = fmt.Sprintf("operations take of what is provisioned: %g read and %g write units a second", t.ReadUnits, t.WriteUnits)
	} else {
		p.Cost = p.Units * c.ReadMillion / 1e6
		p.Basis = s.prices.String()
		p.Load = fmt.Sprintf("a write takes a unit for each KiB begun, a read one for 4 KiB: %g and %g USD a million (%s)", c.WriteMillion, c.ReadMillion, p.Basis)
	}
	p.Known = t.refused["table"] == ""
	if r := s.rate(); r > 0 {
		p.Rate = r
		p.Time = time.Duration(p.Units / r * float64(time.Second))
	}
	return p
}
