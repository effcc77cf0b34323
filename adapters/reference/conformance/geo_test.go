package conformance

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// TestStoredDistances compares the distances that STOREDIST stores. They depend on the sine and arcsine of the C library, which
// the engine does not have, in their last digits; all that GEODIST and WITHDIST print agrees, and is in random histories.
func TestStoredDistances(t *testing.T) {
	d := &duel{addr: [2]string{redisAddr(t), engineAddr(t, engine.Options{})}}
	if err := d.connect(); err != nil {
		t.Fatal(err)
	}
	defer d.close()
	r := rand.New(rand.NewPCG(seedOf(t), 5))
	number := func(x float64) string { return strconv.FormatFloat(x, 'f', 6, 64) }
	for range 20 {
		var stored [2]map[string]float64
		args := []string{"GEOADD", "g"}
		for i := range 50 {
			args = append(args, number(r.Float64()*360-180), number(r.Float64()*170-85), strconv.Itoa(i))
		}
		from := []string{
			"GEOSEARCHSTORE", "d", "g", "FROMLONLAT", number(r.Float64()*360 - 180), number(r.Float64()*170 - 85),
			"BYRADIUS", "15000", "km", "STOREDIST",
		}
		for i, c := range d.conns {
			for _, a := range [][]string{{"DEL", "g"}, args, from} {
				if x, err := c.do(a...); err != nil || x.isError() {
					t.Fatal(x, err)
				}
			}
			x, err := c.do("ZRANGE", "d", "0", "-1", "WITHSCORES")
			if err != nil || len(x.items) == 0 {
				t.Fatal(x, err)
			}
			stored[i] = map[string]float64{}
			for j := 0; j < len(x.items); j += 2 {
				stored[i][x.items[j].text], err = strconv.ParseFloat(x.items[j+1].text, 64)
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		for member, want := range stored[0] {
			if got, ok := stored[1][member]; !ok || math.Abs(got-want) > 1e-9*want {
				t.Errorf("%v: %s is %v away, not %v", from, member, got, want)
			}
		}
		if len(stored[0]) != len(stored[1]) {
			t.Errorf("%v: %d members, not %d", from, len(stored[1]), len(stored[0]))
		}
	}
}
