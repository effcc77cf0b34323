package dynamodb

import (
	"context"
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
	} else {
		p.Cost = p.Units * c.ReadMillion / 1e6
		p.Basis = s.prices.String()
	}
	p.Known = t.refused["table"] == ""
	if r := s.rate(); r > 0 {
		p.Rate = r
		p.Time = time.Duration(p.Units / r * float64(time.Second))
	}
	return p
}
