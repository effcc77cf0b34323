package findmax

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/loadgen/stat"
)

// add adds what was measured of the same rate, once more, to what was measured times times before.
func (s *Sample) add(o *Sample, times float64) {
	s.Achieved = (s.Achieved*times + o.Achieved) / (times + 1)
	s.Bound = cmp.Or(s.Bound, o.Bound)
	for _, m := range o.Missed {
		if !slices.Contains(s.Missed, m) {
			s.Missed = append(s.Missed, m)
		}
	}
	for i := range o.Tails {
		t := &o.Tails[i]
		at := slices.IndexFunc(s.Tails, func(x Tail) bool { return x.Name == t.Name })
		if at < 0 {
			s.Tails = append(s.Tails, Tail{Name: t.Name, Allowed: t.Allowed, Limit: t.Limit})
			at = len(s.Tails) - 1
		}
		s.Tails[at].Blocks = append(s.Tails[at].Blocks, t.Blocks...)
		s.Tails[at].Value = max(s.Tails[at].Value, t.Value)
	}
}

// judge sets what the sample shows.
func (t *Step) judge(s *Sample) {
	t.Achieved, t.Bound, t.By, t.Tail = s.Achieved, s.Bound, "", nil
	t.Verdict = Pass
	nearest := 0.0
	for i := range s.Tails {
		tail := &s.Tails[i]
		low, high := stat.Share(tail.Blocks)
		v := Undecided
		switch {
		case high < tail.Allowed:
			v = Pass
		case low > tail.Allowed:
			v = Fail
		}
		// The tail that is shown is the one that decides: the worst verdict, and of those the nearest to its limit.
		near := high / tail.Allowed
		if t.Tail == nil || rank(v) > rank(t.Verdict) || v == t.Verdict && near > nearest {
			t.Tail, t.Low, t.High, t.Verdict, nearest = tail, low, high, v, near
			t.By = ""
			if v != Pass {
				t.By = tail.Name
			}
		}
	}
	switch {
	case s.Bound != "":
		t.Verdict, t.By = Fail, "generator-bound"
	case len(s.Missed) > 0:
		t.Verdict, t.By = Fail, strings.Join(s.Missed, ", ")
	}
}

func rank(v Verdict) int { return slices.Index([]Verdict{Pass, Undecided, Fail}, v) }
