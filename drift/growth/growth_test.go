package growth

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const (
	mib = 1 << 20
	gib = 1 << 30
	day = 24 * time.Hour
)

// A history is points with the second, from the last of them on, in which the limit is truly reached.
type history struct {
	points []Point
	full   float64
}

// A shape is a kind of history, and draw makes one of it.
type shape struct {
	name string
	draw func(rng *rand.Rand) history
	kind string // of the break that must be seen
}

func point(i int, at time.Duration, used float64) Point {
	return Point{Taken: begin.Add(at), Used: used, Bytes: used * .9, Keys: used / 1000, MaxMemory: 10 * gib, Started: begin.Add(-time.Hour), Name: string(rune('a' + i%26))}
}

// line is a slope with noise of each level.
func line(rng *rand.Rand, n int, slope, noise float64) history {
	var h history
	var at time.Duration
	for i := range n {
		h.points = append(h.points, point(i, at, 2*gib+slope*at.Seconds()+noise*rng.NormFloat64()))
		if i < n-1 {
			at += time.Duration((18 + 12*rng.Float64()) * float64(time.Hour))
		}
	}
	h.full = (0.9*10*gib - 2*gib - slope*at.Seconds()) / slope
	return h
}

func slopes(rng *rand.Rand) float64 { return (20 + 200*rng.Float64()) * mib / day.Seconds() }

func shapes() []shape {
	return []shape{
		{"line", func(rng *rand.Rand) history { return line(rng, 3+rng.IntN(20), slopes(rng), 10*mib) }, ""},
		{"noisy line", func(rng *rand.Rand) history { return line(rng, 5+rng.IntN(20), slopes(rng), 80*mib) }, ""},
		{"walk", func(rng *rand.Rand) history {
			slope, used := slopes(rng), 2.*gib
			var h history
			for i := range 4 + rng.IntN(20) {
				h.points = append(h.points, point(i, time.Duration(i)*day, used))
				used += slope*day.Seconds() + 30*mib*rng.NormFloat64()
			}
			h.full = (0.9*10*gib - h.points[len(h.points)-1].Used) / slope
			return h
		}, ""},
		{"step", func(rng *rand.Rand) history {
			h := line(rng, 12, slopes(rng), 5*mib)
			at := 3 + rng.IntN(6)
			for i := at; i < 12; i++ {
				h.points[i].Used += gib
			}
			h.full -= gib / ((h.points[11].Used - h.points[0].Used - gib) / h.points[11].Taken.Sub(begin).Seconds())
			return h
		}, Step},
		{"restart", func(rng *rand.Rand) history {
			slope := slopes(rng)
			h := line(rng, 10, slope, 5*mib)
			at := 2 + rng.IntN(6)
			for i := at; i < 10; i++ { // the new process has no fragments
				h.points[i].Used -= 300 * mib
				h.points[i].Started = h.points[at].Taken.Add(-time.Hour)
			}
			h.full += 300 * mib / slope
			return h
		}, Restart},
		{"flush", func(rng *rand.Rand) history {
			slope := slopes(rng)
			h := line(rng, 14, slope, 3*mib)
			at := 5
			drop := h.points[at].Used - 100*mib
			for i := at; i < 14; i++ {
				h.points[i].Used -= drop
				h.points[i].Keys = h.points[i].Used / 1000
			}
			h.full += drop / slope
			return h
		}, Flush},
		// These were made after all thresholds had been settled, and changed none.
		{"later: day and night", func(rng *rand.Rand) history {
			h := line(rng, 8+rng.IntN(20), slopes(rng), mib)
			for i := range h.points {
				hours := h.points[i].Taken.Sub(begin).Hours()
				h.points[i].Used += 60 * mib * math.Sin(2*math.Pi*hours/24)
			}
			return h
		}, ""},
		{"later: step and restart", func(rng *rand.Rand) history {
			slope := slopes(rng)
			h := line(rng, 16, slope, 5*mib)
			for i := 4; i < 16; i++ {
				h.points[i].Used += 700 * mib
			}
			for i := 10; i < 16; i++ {
				h.points[i].Used -= 200 * mib
				h.points[i].Started = h.points[10].Taken.Add(-time.Minute)
			}
			h.full -= 500 * mib / slope
			return h
		}, Step},
	}
}

// The true date is in the interval in 90 of 100 histories of each shape, and more: it is one of 95 %. Breaks are seen for what
// they are.
func TestDateInInterval(t *testing.T) {
	for _, s := range shapes() {
		const runs = 400
		held, seen := 0, 0
		for seed := range uint64(runs) {
			h := s.draw(rand.New(rand.NewPCG(seed, 4)))
			trend := Read(h.points, Options{})
			if trend.Full.Low <= h.full && h.full <= trend.Full.High {
				held++
			}
			for _, b := range trend.Breaks {
				if b.Kind == s.kind {
					seen++
					break
				}
			}
			if s.kind == "" && len(trend.Breaks) > 0 {
				seen--
			}
		}
		t.Logf("%s: %.1f %% of the intervals hold the date", s.name, 100*float64(held)/runs)
		if held < runs*9/10 {
			t.Errorf("%s: %d of %d intervals hold the date", s.name, held, runs)
		}
		if s.kind != "" && seen < runs*98/100 || s.kind == "" && seen < -runs/50 {
			t.Errorf("%s: breaks are seen in %d of %d", s.name, seen, runs)
		}
	}
}

// Keys that expire fill up and then stay: no line is drawn through their beginning, and none through their end.
func TestSaturation(t *testing.T) {
	const rate, ttl = 100., 7 * 86400. // keys a second, a week
	for _, days := range []int{3, 5, 20} {
		var points []Point
		for d := range days {
			age := float64(d+1) * 86400
			keys := rate * min(age, ttl)
			p := point(d, time.Duration(d)*day, 0)
			p.Bytes = keys * 100
			p.Used, p.Keys, p.Expiring = p.Bytes, keys, p.Bytes
			p.Templates = []Template{{Text: "session:{uuid}", Keys: keys, Bytes: p.Bytes, Expiring: 1, TTL: ttl, Rate: rate}}
			points = append(points, p)
		}
		trend := Read(points, Options{MaxMemory: 10 * gib})
		if trend.Reaches {
			t.Errorf("after %d days: full in %v, and it never is", days, trend.Full)
		}
		want := max(0, rate*(ttl-min(float64(days)*86400, ttl))*100)
		if math.Abs(trend.ToCome-want) > 1 {
			t.Errorf("after %d days: %.0f bytes are to come, want %.0f", days, trend.ToCome, want)
		}
		if trend := Read(points, Options{MaxMemory: rate * ttl * 100}); trend.Full.Low != 0 && days < 20 {
			t.Errorf("after %d days: what is to come is more than there is, and it is full in %v", days, trend.Full)
		}
	}
}

func TestFewPoints(t *testing.T) {
	h := line(rand.New(rand.NewPCG(1, 1)), 5, slopes(rand.New(rand.NewPCG(1, 1))), mib)
	for n := 1; n <= 2; n++ {
		trend := Read(h.points[:n], Options{})
		if trend.Enough || !math.IsInf(trend.Full.High, 1) {
			t.Errorf("%d points: %+v", n, trend)
		}
	}
	if trend := Read(h.points, Options{}); !trend.Enough || !trend.Reaches {
		t.Errorf("%+v", trend)
	}
	flat := line(rand.New(rand.NewPCG(2, 2)), 8, 0, 5*mib)
	if trend := Read(flat.points, Options{}); !math.IsInf(trend.Full.High, 1) {
		t.Errorf("what does not grow is full in %v", trend.Full)
	}
	for step, brief := range map[time.Duration]bool{time.Second: true, time.Hour: false} { // that says nothing of next year
		hurried := slices.Clone(h.points)
		for i := range hurried {
			hurried[i].Taken = hurried[0].Taken.Add(time.Duration(i) * step)
			hurried[i].MaxMemory = 1e6 * gib
		}
		trend := Read(hurried, Options{})
		if trend.Reaches || trend.Brief != brief || trend.TooFar == brief || !math.IsInf(trend.Full.Low, 1) || (trend.Slope == 0) != brief {
			t.Errorf("snapshots of %v: %+v", trend.Span, trend)
		}
	}
	for i := range h.points {
		h.points[i].MaxMemory = 0
	}
	if trend := Read(h.points, Options{}); trend.Reaches || trend.Limit != 0 {
		t.Errorf("without a limit: full in %v", trend.Full)
	}
}

// Which template it is that grows.
func TestGrowing(t *testing.T) {
	var points []Point
	for d := range 6 {
		grown := float64(d) * 50 * mib
		p := point(d, time.Duration(d)*day, 2*gib+grown)
		p.Templates = []Template{
			{Text: "user:{int}", Keys: 1000, Bytes: gib}, {Text: "event:{int}", Keys: grown / 100, Bytes: grown * .8}, {Text: "log:{int}", Keys: grown / 100, Bytes: grown * .2},
		}
		points = append(points, p)
	}
	g := Read(points, Options{}).Growing
	if g[0].Text != "event:{int}" || math.Abs(g[0].Share-.8) > 1e-6 || g[1].Text != "log:{int}" || g[2].Share != 0 {
		t.Errorf("%+v", g)
	}
}
