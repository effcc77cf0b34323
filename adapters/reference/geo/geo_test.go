package geo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/adapters/reference/number"
	"github.com/kvtool/kvtool/internal/servertest"
)

// places draws n places: all over the world, in a town, at its edges and corners, and on each other.
func places(r *rand.Rand, n int) []Point {
	all := make([]Point, n)
	for i := range all {
		p := Point{r.Float64()*2*mostLon - mostLon, r.Float64()*2*mostLat - mostLat}
		switch r.IntN(8) {
		case 0, 1, 2:
			p = Point{2.35 + r.NormFloat64()/20, 48.85 + r.NormFloat64()/20}
		case 3:
			p.Lon = math.Copysign(mostLon-r.ExpFloat64()/10, p.Lon)
		case 4:
			p.Lat = math.Copysign(mostLat-r.ExpFloat64()/10, p.Lat)
		case 5:
			p = Point{[]float64{-180, 0, 180}[r.IntN(3)], []float64{-mostLat, 0, mostLat}[r.IntN(3)]}
		case 6:
			if i > 0 {
				p = all[r.IntN(i)]
			}
		}
		if !p.Valid() {
			p = Point{0, 0}
		}
		all[i] = p
	}
	return all
}

// shape draws a circle or a box about one of the places.
func shape(r *rand.Rand, all []Point) Shape {
	s := Shape{Center: Decode(float64(Encode(all[r.IntN(len(all))]))), Unit: 1, Box: r.IntN(2) == 0}
	length := func() float64 { return math.Round(math.Exp(r.Float64()*17.5)*100) / 100 } // 1 m to 40,000 km
	if s.Box {
		s.Width, s.Height = length(), length()
	} else {
		s.Radius = length()
	}
	return s
}

func format(x float64) string { return string(number.AppendDouble(nil, x)) }

// TestAgainstRedis holds scores, coordinates, geohashes, distances and searches against a server's.
func TestAgainstRedis(t *testing.T) {
	c := servertest.Redis(t, servertest.Options{}).Client(t)
	r := rand.New(rand.NewPCG(4, 4))
	all := places(r, 2000)
	c.Fill(t, len(all), func(i int) []string {
		return []string{"GEOADD", "places", format(all[i].Lon), format(all[i].Lat), strconv.Itoa(i)}
	})
	for i, p := range all {
		name, score := strconv.Itoa(i), float64(Encode(p))
		if want := c.Must(t, "ZSCORE", "places", name); format(score) != want {
			t.Fatalf("%v has score %v, want %v", p, format(score), want)
		}
		at := Decode(score)
		got := []any{string(number.AppendHuman(nil, at.Lon)), string(number.AppendHuman(nil, at.Lat))}
		if want := c.Must(t, "GEOPOS", "places", name).([]any)[0]; !slices.Equal(got, want.([]any)) {
			t.Fatalf("%v is at %v, want %v", p, got, want)
		}
		hash := Hash(at)
		if want := c.Must(t, "GEOHASH", "places", name).([]any)[0]; string(hash[:]) != want {
			t.Fatalf("%v has geohash %s, want %v", p, hash, want)
		}
		other := r.IntN(len(all))
		got2 := string(number.AppendFixed4(nil, Distance(at, Decode(float64(Encode(all[other]))))))
		if want := c.Must(t, "GEODIST", "places", name, strconv.Itoa(other)); got2 != want {
			t.Fatalf("from %v to %v it is %v, want %v", p, all[other], got2, want)
		}
	}
	exact, total := 0, 0
	for range 200 {
		same, n := compareSearch(t, c, shape(r, all), all)
		exact, total = exact+same, total+n
	}
	t.Logf("%d of %d distances are the server's to the last bit", exact, total)
}

// compareSearch searches on both sides, and counts the distances that are equal to the last of their 17 digits.
func compareSearch(t *testing.T, c *servertest.Client, s Shape, all []Point) (same, n int) {
	by := []string{"BYRADIUS", format(s.Radius), "m"}
	if s.Box {
		by = []string{"BYBOX", format(s.Width), format(s.Height), "m"}
	}
	from := []string{"FROMLONLAT", format(s.Center.Lon), format(s.Center.Lat)}
	c.Must(t, slices.Concat([]string{"GEOSEARCHSTORE", "found", "places"}, from, by, []string{"STOREDIST"})...)
	reply := c.Must(t, "ZRANGE", "found", "0", "-1", "WITHSCORES").([]any)
	theirs := map[string]string{}
	for i := 0; i < len(reply); i += 2 {
		theirs[reply[i].(string)] = reply[i+1].(string)
	}
	ours := map[string]float64{}
	for _, x := range s.Ranges(nil) {
		for i, p := range all {
			score := float64(Encode(p))
			if d, ok := s.Holds(Decode(score)); ok && score >= x.Low && score < x.High {
				ours[strconv.Itoa(i)] = d
			}
		}
	}
	if len(ours) != len(theirs) {
		t.Fatalf("%+v holds %d places, want %d", s, len(ours), len(theirs))
	}
	for name, d := range ours {
		want, err := strconv.ParseFloat(theirs[name], 64)
		if err != nil || math.Abs(d-want) > 1e-7 {
			t.Fatalf("%+v: %s is %v away, want %v", s, name, d, theirs[name])
		}
		if format(d) == theirs[name] {
			same++
		}
	}
	return same, len(ours)
}

// TestRanges: nothing near is outside of the ranges, away from the edges of the world, where the server loses some too.
func TestRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Shape{
			Center: Point{rapid.Float64Range(-90, 90).Draw(t, "lon"), rapid.Float64Range(-60, 60).Draw(t, "lat")},
			Unit:   1, Radius: math.Exp(rapid.Float64Range(0, 13).Draw(t, "log radius")),
		}
		ranges := s.Ranges(nil)
		for range 50 {
			angle, far := rapid.Float64Range(0, 2*math.Pi).Draw(t, "angle"), rapid.Float64Range(0, 1).Draw(t, "far")*s.Radius/111_000
			p := Point{s.Center.Lon + far*math.Cos(angle), s.Center.Lat + far*math.Sin(angle)}
			score := float64(Encode(p))
			if _, ok := s.Holds(Decode(score)); ok && !slices.ContainsFunc(ranges, func(r Range) bool { return score >= r.Low && score < r.High }) {
				t.Fatalf("%v is in %+v and in none of %v", p, s, ranges)
			}
		}
	})
}

// TestDecodeAny: any score is somewhere.
func TestDecodeAny(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		score := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), 1 << 63, 1 << 64, -1})).Draw(t, "score")
		if p := Decode(score); !p.Valid() {
			t.Fatalf("%v is at %v", score, p)
		}
	})
}

// TestSpread holds the interleaving against a loop over the bits.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := cell{uint64(rapid.Uint32().Draw(t, "lon")), uint64(rapid.Uint32().Draw(t, "lat")), 32}
		var want uint64
		for i := range 32 {
			want |= c.lat >> i & 1 << (2 * i)
			want |= c.lon >> i & 1 << (2*i + 1)
		}
		n := c.number()
		if n != want || gather(n) != c.lat || gather(n>>1) != c.lon {
			t.Fatalf("%v is %x, want %x", c, n, want)
		}
	})
}

func ExampleHash() {
	hash := Hash(Decode(float64(Encode(Point{13.361389, 38.115556}))))
	fmt.Println(string(hash[:]))
	// Output: sqc8b49rny0
}
