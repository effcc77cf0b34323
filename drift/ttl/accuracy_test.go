package ttl

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/keydesign"
)

// A planted template is keys of which it is known by which law they expire.
type planted struct {
	left  []float64 // seconds
	idle  []float64 // beside left; nil where nobody told
	never int       // keys without TTL
	t     float64   // the TTL that was set
	kinds []Kind    // that are right
}

// facts are what an audit would know of the keys.
func (p *planted) facts(rng *rand.Rand) *keydesign.TTLFacts {
	var q sketch.Quantiles
	f := &keydesign.TTLFacts{Keys: int64(len(p.left) + p.never), Persistent: int64(p.never), Expiring: int64(len(p.left))}
	n, sum, squares := 0.0, 0.0, 0.0
	for i, s := range p.left {
		q.Add(int64(s * 1000))
		f.Most = max(f.Most, math.Trunc(s*1000)/1000)
		if p.idle != nil && rng.IntN(16) == 0 { // one in sixteen is asked
			x := math.Floor(s) + math.Floor(p.idle[i])
			n, sum, squares = n+1, sum+x, squares+x*x
		}
	}
	for ms, k := range q.All() {
		f.Left = append(f.Left, keydesign.TTLSpan{Low: ms[0] / 1000, High: ms[1] / 1000, Keys: int64(k)})
	}
	if n > 0 {
		f.Lease = keydesign.Lease{Keys: int64(n), Mean: sum / n, Deviation: math.Sqrt(max(0, squares/n-sum/n*sum/n))}
	}
	return f
}

// draw makes n keys.
func draw(n int, key func() (left, idle float64)) (left, idle []float64) {
	for range n {
		l, i := key()
		left, idle = append(left, l), append(idle, i)
	}
	return left, idle
}

// reads is how long ago a key of some age was used last, where it is used every now and then.
func reads(age float64, rng *rand.Rand) float64 { return min(age, rng.ExpFloat64()*age/3) }

// The families. The thresholds of law.go and fit.go were settled with those above the line, and have not been changed since what
// is below it was made.
var families = []struct {
	name string
	make func(n int, t float64, rng *rand.Rand) planted
}{
	{"fixed", func(n int, t float64, rng *rand.Rand) planted {
		left, idle := draw(n, func() (float64, float64) { x := rng.Float64() * t; return x, reads(t-x, rng) })
		return planted{left: left, idle: idle, t: t, kinds: []Kind{Fixed}}
	}},
	{"jittered", func(n int, t float64, rng *rand.Rand) planted {
		j := 0.05 + 0.25*rng.Float64()
		left, idle := draw(n, func() (float64, float64) {
			for { // keys are met in proportion to how long they live
				x := t * (1 - j*rng.Float64())
				if rng.Float64()*t < x {
					age := rng.Float64() * x
					return x - age, reads(age, rng)
				}
			}
		})
		return planted{left: left, idle: idle, t: t, kinds: []Kind{Jittered}}
	}},
	{"sliding", func(n int, t float64, rng *rand.Rand) planted {
		gap := t * (0.05 + 0.3*rng.Float64())
		left, idle := draw(n, func() (float64, float64) {
			idle := min(t, rng.ExpFloat64()*gap)
			return t - idle, idle
		})
		return planted{left: left, idle: idle, t: t, kinds: []Kind{Sliding}}
	}},
	{"sliding, nobody tells idle times", func(n int, t float64, rng *rand.Rand) planted {
		gap := t * (0.05 + 0.3*rng.Float64())
		left, _ := draw(n, func() (float64, float64) { return t - min(t, rng.ExpFloat64()*gap), 0 })
		return planted{left: left, t: t, kinds: []Kind{Rising}}
	}},
	{"mixed", func(n int, t float64, rng *rand.Rand) planted {
		other, share := t/(2.5+20*rng.Float64()), 0.2+0.6*rng.Float64()
		left, idle := draw(n, func() (float64, float64) {
			x := t
			if rng.Float64() < share {
				x = other
			}
			left := rng.Float64() * x
			return left, reads(x-left, rng)
		})
		return planted{left: left, idle: idle, t: 0, kinds: []Kind{Mixed}}
	}},
	{"growing traffic", func(n int, t float64, rng *rand.Rand) planted {
		fold := t * (0.3 + 1.7*rng.Float64())
		left, idle := draw(n, func() (float64, float64) {
			for {
				if age := rng.ExpFloat64() * fold; age < t {
					return t - age, reads(age, rng)
				}
			}
		})
		return planted{left: left, idle: idle, t: t, kinds: []Kind{Rising, Fixed}}
	}},
	{"none", func(n int, t float64, rng *rand.Rand) planted {
		left, _ := draw(n/50, func() (float64, float64) { return rng.Float64() * t, 0 })
		return planted{left: left, never: n, kinds: []Kind{None}}
	}},
	{"a few in the wrong unit", func(n int, t float64, rng *rand.Rand) planted {
		left, idle := draw(n, func() (float64, float64) {
			x := t
			if rng.Float64() < 0.03 {
				x = 1000 * t
			}
			left := rng.Float64() * x
			return left, reads(x-left, rng)
		})
		return planted{left: left, idle: idle, t: t, kinds: []Kind{Fixed}}
	}},
	{"times of day", func(n int, t float64, rng *rand.Rand) planted {
		day, phase := t/(1+3*rng.Float64()), 2*math.Pi*rng.Float64()
		left, idle := draw(n, func() (float64, float64) {
			for { // half as many keys are written at night as in the mean
				age := rng.Float64() * t
				if rng.Float64()*1.5 < 1+0.5*math.Sin(2*math.Pi*age/day+phase) {
					return t - age, reads(age, rng)
				}
			}
		})
		return planted{left: left, idle: idle, t: t, kinds: []Kind{Fixed}}
	}},
	// ---- made after the thresholds were frozen
	{"sliding, used at regular times", func(n int, t float64, rng *rand.Rand) planted {
		gap := t * (0.1 + 0.4*rng.Float64()) // between two uses: nobody is idle for longer
		left, idle := draw(n, func() (float64, float64) { idle := gap * rng.Float64(); return t - idle, idle })
		return planted{left: left, idle: idle, t: t, kinds: []Kind{Sliding}}
	}},
	{"written two hours of three", func(n int, t float64, rng *rand.Rand) planted {
		shift, phase := t/(1.5+4*rng.Float64()), rng.Float64()
		left, idle := draw(n, func() (float64, float64) {
			for {
				age := rng.Float64() * t
				if _, part := math.Modf(age/shift + phase); part < 2./3 {
					return t - age, reads(age, rng)
				}
			}
		})
		if phase >= 2./3 { // in a pause the last keys that were written have less left
			return planted{left: left, idle: idle, kinds: []Kind{Fixed, Mixed}}
		}
		return planted{left: left, idle: idle, t: t, kinds: []Kind{Fixed, Mixed}}
	}},
}

// A tally counts what was right of a family.
type tally struct{ all, right, large, close, covered, timed int }

// lawAccuracy makes so many templates of each family, of 200 to 10,000 keys and TTLs of 30 seconds to 30 days.
func lawAccuracy(each int, verbose func(format string, args ...any)) map[string]*tally {
	got := map[string]*tally{}
	for fi, family := range families {
		c := &tally{}
		got[family.name] = c
		wrong := map[Kind]int{}
		for i := range each {
			rng := rand.New(rand.NewPCG(uint64(fi), uint64(i)))
			n := int(200 * math.Pow(50, rng.Float64()))
			t := humanTTLs[8+rng.IntN(len(humanTTLs)-8-4)]
			p := family.make(n, t, rng)
			law := LawOf(p.facts(rng), 0)
			c.all++
			right := false
			for _, k := range p.kinds {
				right = right || law.Kind == k
			}
			if right {
				c.right++
			} else {
				wrong[law.Kind]++
			}
			if p.t > 0 && law.T > 0 {
				c.timed++
				if law.Low <= p.t && p.t <= law.High {
					c.covered++
				}
				if n >= 1000 {
					if c.large++; math.Abs(law.T-p.t) <= 0.01*p.t {
						c.close++
					}
				}
			}
		}
		verbose("%-34s law %d of %d, T within 1%% at n >= 1000 %d of %d, in its interval %d of %d %v",
			family.name, c.right, c.all, c.close, c.large, c.covered, c.timed, wrong)
	}
	return got
}

// The targets of issue 8: the law of at least 95 of 100 templates with 200 keys or more, and T within a hundredth of those with a
// thousand keys or more whose law gives one. No template that slides without a witness is said to slide, and growing traffic
// never.
func TestLaws(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: a thousand templates")
	}
	counted := lawAccuracy(100, t.Logf)
	var b strings.Builder
	b.WriteString("| templates that are | law right | T within 1 %, n ≥ 1,000 | T in its interval |\n|---|---|---|---|\n")
	all := tally{}
	for _, f := range families {
		c := counted[f.name]
		all.all, all.right, all.large, all.close = all.all+c.all, all.right+c.right, all.large+c.large, all.close+c.close
		all.timed, all.covered = all.timed+c.timed, all.covered+c.covered
		if float64(c.right) < 0.9*float64(c.all) {
			t.Errorf("%s: the law of %d templates of %d", f.name, c.right, c.all)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", f.name, c)
	}
	fmt.Fprintf(&b, "| all | %s |\n", &all)
	t.Logf("| all | %s |", &all) // bench reads it
	if float64(all.right) < 0.95*float64(all.all) || float64(all.close) < 0.95*float64(all.large) {
		t.Errorf("all: %s", &all)
	}
	checkTable(t, b.String())
}

// String is the row of a table.
func (c *tally) String() string {
	of := func(n, all int) string {
		if all == 0 {
			return "–"
		}
		return fmt.Sprintf("%d of %d", n, all)
	}
	return of(c.right, c.all) + " | " + of(c.close, c.large) + " | " + of(c.covered, c.timed)
}

var update = flag.Bool("update", false, "rewrite the table in the document")

// checkTable holds the table against that of the document.
func checkTable(t *testing.T, table string) {
	t.Helper()
	const path, begin, end = "../../docs/accuracy.md", "<!-- laws:begin -->\n", "<!-- laws:end -->"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	old, tail, ended := strings.Cut(rest, end)
	switch {
	case !ok || !ended:
		t.Errorf("%s has no place for the table", path)
	case *update:
		if err := os.WriteFile(path, []byte(head+begin+table+end+tail), 0o600); err != nil {
			t.Error(err)
		}
	case old != table:
		t.Errorf("%s has another table; write it with go test ./drift/ttl -run TestLaws -update\n%s", path, table)
	}
}

// Of the fixed law, whose estimate has a formula, the interval of 95 % holds the TTL in about as many cases.
func TestInterval(t *testing.T) {
	covered, n := 0, 400
	for i := range n {
		rng := rand.New(rand.NewPCG(77, uint64(i)))
		p := families[0].make(200+rng.IntN(2000), 3600, rng)
		if l := LawOf(p.facts(rng), 0); l.Low <= p.t && p.t <= l.High {
			covered++
		}
	}
	if share := float64(covered) / float64(n); share < 0.93 || share > 0.975 {
		t.Errorf("in %.3f of cases", share)
	}
}

// A live store is read for a while: what is written meanwhile has more left than its TTL, seen from the beginning.
func TestScanThatTakesLong(t *testing.T) {
	const ttl, scan = 300.0, 60.0
	covered, n := 0, 200
	for i := range n {
		rng := rand.New(rand.NewPCG(78, uint64(i)))
		left, _ := draw(2000, func() (float64, float64) { return ttl*rng.Float64() + scan*rng.Float64(), 0 })
		p := planted{left: left}
		l := LawOf(p.facts(rng), scan*1e9)
		if math.Abs(l.T-ttl) > 0.03*ttl {
			t.Errorf("%.1f, want %v", l.T, ttl)
		}
		if l.Low <= ttl && ttl <= l.High {
			covered++
		}
	}
	if float64(covered) < 0.9*float64(n) {
		t.Errorf("in its interval %d times of %d", covered, n)
	}
}
