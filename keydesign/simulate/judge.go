package simulate

import (
	"fmt"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// judgeParts holds the keys of slots against the limits of KD025.
func (m *measure) judgeParts(v *verdict, r *report.Report) {
	keys := m.partSpread(ofKeys)
	if len(m.parts) <= m.layout.Nodes || keys.mean == 0 || m.layout.Unequal {
		return
	}
	peak, chance := humanize.Count(round3(keys.peak)), humanize.Count(round3(keys.chance))
	v.say(m.layout.Part+"s", "the fullest holds %s times the keys of the mean; chance alone makes it %s", peak, chance)
	limit := max(m.limits.of(ruleSlots, "times_mean"), m.limits.of(ruleSlots, "times_chance")*keys.chance)
	if m.w.store.Kind != schema.RedisCluster || keys.mean < m.limits.of(ruleSlots, "keys_a_slot") || keys.peak <= limit {
		return
	}
	f := report.Finding{Rule: ruleSlots, Severity: report.Warning, Subject: "keyspace", Measure: ptr(metric("keys_max_over_mean", keys.peak, report.UnitFactor))}
	f.Message = fmt.Sprintf("one slot would hold %s times the keys of the mean; chance alone would make it %s", peak, chance)
	if p := m.culprit(keys.fullest); p != nil {
		f.Subject, f.Pos = p.text, p.t.Pos
	}
	r.Findings = append(r.Findings, f)
}

// judgeNodes holds the operations and the bytes of nodes against the limits of KD026.
func (m *measure) judgeNodes(v *verdict, r *report.Report) {
	if m.layout.Nodes < 2 {
		return
	}
	work, mem := m.nodeSpread(ofOps), m.nodeSpread(ofBytes)
	busiest := work.fullest
	if work.mean > 0 {
		v.say(m.layout.Node+"s", "%s has the most work: %s, %s times the mean",
			m.nodeName(busiest), humanize.Rate(m.nodes[busiest].ops), humanize.Count(round3(work.drawn)))
	}
	if m.w.store.Kind != schema.RedisCluster {
		return
	}
	// That one key is hot is said by another rule: it does not count here.
	for _, x := range []struct {
		what string
		s    spread
		one  float64
	}{{"operations", work, m.hottestOn(busiest)}, {"bytes", mem, 0}} {
		limit := max(m.limits.of(ruleNodes, "times_mean"), x.s.chance)
		if x.s.mean == 0 || (x.s.most-x.one)/x.s.mean <= limit {
			continue
		}
		f := report.Finding{Rule: ruleNodes, Severity: report.Error, Subject: m.nodeName(x.s.fullest), Measure: ptr(metric("max_over_mean", x.s.drawn, report.UnitFactor))}
		f.Message = fmt.Sprintf("%s would have %s times the %s of the mean", f.Subject, humanize.Count(round3(x.s.drawn)), x.what)
		r.Findings = append(r.Findings, f)
		return
	}
}

// hottestOn returns how many operations a second the hottest key of a node gets.
func (m *measure) hottestOn(node int) float64 {
	for i := range m.hot.keys {
		if k := &m.hot.keys[i]; m.layout.Owner[m.layout.Place(k.place)] == node {
			return k.load.ops
		}
	}
	return 0
}

// culprit returns the template whose keys are all in one part, if there is one in the part of the number.
func (m *measure) culprit(part int) *population {
	var worst *population
	most := 0.0
	for i := range m.sums {
		s := &m.sums[i]
		if s.p != nil && s.constant() && s.last == part && s.load.keys > most {
			worst, most = s.p, s.load.keys
		}
	}
	return worst
}

// constant reports whether all keys were in one part.
func (s *sums) constant() bool { return !s.moved && s.load.keys > 1 }
