package simulate

import (
	"math"
	"slices"

	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/lint"
)

// The rules that a simulation judges. What they are and where their limits lie is said once, by packages keydesign and lint.
const (
	ruleHotKey   = "KD023"
	ruleSlots    = "KD025"
	ruleNodes    = "KD026"
	ruleCapacity = "KD090"
)

// Judged returns the rules that a simulation judges.
func Judged() map[string]bool {
	return map[string]bool{ruleHotKey: true, ruleSlots: true, ruleNodes: true, ruleCapacity: true}
}

// limits are those of the rules, by rule and name.
type limits map[string]float64

func newLimits() limits {
	l := limits{}
	for _, r := range slices.Concat(keydesign.Rules(), lint.Rules()) {
		if !Judged()[r.ID] {
			continue
		}
		for _, x := range r.Limits {
			l[r.ID+" "+x.Name] = x.Value
		}
	}
	return l
}

// of returns a limit. What no rule has is never passed.
func (l limits) of(rule, name string) float64 {
	if x, ok := l[rule+" "+name]; ok {
		return x
	}
	return math.Inf(1)
}
