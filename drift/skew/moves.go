package skew

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/report"
)

// This file plans which slots to move so that no node of a cluster holds much more than the others. No move is made.

// A move is slots that go from one node to another.
type move struct {
	from, to          int
	first, last, n    int // slots; n of them between first and last
	keys, bytes, load int64
}

// planTimes is what a node may hold at most, in times of the mean, after the moves of a plan: the limit of KD026.
const planTimes = 1.3

// plan returns moves of slots after which no node holds more than planTimes the mean of load, and the loads then. Of one that a
// slot alone makes too heavy it moves everything else that helps, and reports that this is not enough. Moves are made from the
// heaviest node to the lightest, slots by their number, so that few ranges move.
func plan(slots []slotLoad, nodes int) (moves []move, after []int64, done bool) {
	after = make([]int64, nodes)
	total := int64(0)
	for i := range slots {
		if o := slots[i].owner; o >= 0 {
			after[o] += slots[i].load
			total += slots[i].load
		}
	}
	limit := int64(planTimes * float64(total) / float64(nodes))
	stuck := make([]bool, nodes)
	for {
		from, to := -1, 0
		for i := range after {
			if !stuck[i] && (from < 0 || after[i] > after[from]) {
				from = i
			}
			if after[i] < after[to] {
				to = i
			}
		}
		if from < 0 || after[from] <= limit {
			break
		}
		m := carry(slots, after, from, to, limit)
		if len(m) == 0 {
			stuck[from] = true
			continue
		}
		moves = append(moves, m...)
	}
	return moves, after, !slices.ContainsFunc(after, func(x int64) bool { return x > limit })
}

// carry moves slots of from to to, as many as from must lose and to can take.
func carry(slots []slotLoad, after []int64, from, to int, limit int64) (moves []move) {
	last := -2 // the slot that was moved last, unless a slot that stays where it is lies between
	for i := range slots {
		s := &slots[i]
		if s.owner >= 0 && s.owner != from {
			last = -2
		}
		if s.owner != from || s.load == 0 {
			continue
		}
		if after[from] <= limit {
			break
		}
		if after[to]+s.load > limit || after[to]+s.load >= after[from] {
			last = -2
			continue
		}
		s.owner = to
		after[from], after[to] = after[from]-s.load, after[to]+s.load
		if n := len(moves); last >= 0 && n > 0 && moves[n-1].last == last {
			m := &moves[n-1]
			m.last, m.n, m.keys, m.bytes, m.load = i, m.n+1, m.keys+s.keys, m.bytes+s.bytes, m.load+s.load
		} else {
			moves = append(moves, move{from: from, to: to, first: i, last: i, n: 1, keys: s.keys, bytes: s.bytes, load: s.load})
		}
		last = i
	}
	return moves
}

// A slotLoad is what a slot holds, and which node serves it; -1 is nobody.
type slotLoad struct {
	owner             int
	keys, bytes, load int64
}

// Plan returns the moves of slots after which no node holds more than 1.3 times the mean of a metric, as a section. No move is
// made. Without nodes there is nothing to move, and the section says why.
func (c *Collector) Plan(of Metric) report.Section {
	sec := report.Section{Name: "plan", Title: "PLAN", Metrics: []report.Metric{}, Tables: []report.Table{}}
	say := func(name, text string) {
		sec.Metrics = append(sec.Metrics, report.Metric{Name: name, Value: report.Text(text), Unit: report.UnitText})
	}
	nodes := sortedKeys(c.placed)
	if len(nodes) < 2 {
		say("moves", "none: a plan needs a cluster of two nodes or more")
		return sec
	}
	number := map[string]int{}
	for i, n := range nodes {
		number[n] = i
	}
	slots := make([]slotLoad, slot.Count)
	before := make([]int64, len(nodes))
	for i := range slots {
		l := &c.slots[i]
		slots[i] = slotLoad{owner: -1, keys: l.Keys, bytes: l.Bytes, load: l.of(of)}
		if at := c.owner[i]; at > 0 {
			slots[i].owner = number[c.places[at-1]]
			before[slots[i].owner] += slots[i].load
		}
	}
	moves, after, done := plan(slots, len(nodes))
	unit := report.UnitCount
	if of == Bytes {
		unit = report.UnitBytes
	}
	moved := report.Table{Name: "moves", Title: "Slots", Rows: [][]report.Value{}, Columns: []report.Column{
		{Name: "slots", Unit: report.UnitText},
		{Name: "count", Unit: report.UnitCount, Sum: true},
		{Name: "from", Unit: report.UnitText},
		{Name: "to", Unit: report.UnitText},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Unit: report.UnitBytes, Sum: true},
	}}
	var bytes, keys, count int64
	for _, m := range moves {
		text := strconv.Itoa(m.first)
		if m.last > m.first {
			text += "-" + strconv.Itoa(m.last)
		}
		bytes, keys, count = bytes+m.bytes, keys+m.keys, count+int64(m.n)
		moved.Rows = append(moved.Rows, []report.Value{
			report.Text(text), report.Number(m.n), report.Text(nodes[m.from]), report.Text(nodes[m.to]), report.Number(m.keys),
			report.Number(m.bytes),
		})
	}
	say("of", string(of))
	sec.Metrics = append(sec.Metrics,
		report.Metric{Name: "slots", Value: report.Number(count), Unit: report.UnitCount},
		report.Metric{Name: "keys", Value: report.Number(keys), Unit: report.UnitCount},
		report.Metric{Name: "bytes", Value: report.Number(bytes), Unit: report.UnitBytes})
	switch {
	case !done:
		say("left", "a node stays over 1.3 times the mean: one slot of it is too heavy to be moved anywhere. Divide what is in it (see cause)")
	case len(moves) == 0:
		say("left", "nothing to do: no node is over 1.3 times the mean")
	}
	sec.Tables = append(sec.Tables, moved, planned(nodes, before, after, unit))
	return sec
}

func planned(nodes []string, before, after []int64, unit report.Unit) report.Table {
	t := report.Table{Name: "after", Title: "Node", Columns: []report.Column{
		{Name: "node", Unit: report.UnitText},
		{Name: "before", Unit: unit},
		{Name: "before_times", Title: "× mean", Unit: report.UnitFactor},
		{Name: "after", Unit: unit},
		{Name: "after_times", Title: "× mean", Unit: report.UnitFactor},
	}}
	total := int64(0)
	for _, x := range before {
		total += x
	}
	mean := float64(total) / float64(len(nodes))
	for i, n := range nodes {
		t.Rows = append(t.Rows, []report.Value{
			report.Text(n), report.Number(before[i]), report.Number(float64(before[i]) / mean), report.Number(after[i]),
			report.Number(float64(after[i]) / mean),
		})
	}
	slices.SortStableFunc(t.Rows, func(a, b []report.Value) int {
		x, _ := a[1].Number()
		y, _ := b[1].Number()
		return cmp.Compare(y, x)
	})
	return t
}
