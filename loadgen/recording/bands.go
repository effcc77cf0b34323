package recording

import (
	"fmt"
	"time"

	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/report"
)

// TableBands is the name of the table of bands: how many responses of each stretch of a run took how long. It is what a heat map is
// drawn of: a p99 says where the slowest hundredth begins, a map whether they are few that are very late or many that are a little.
const TableBands = "latency_bands"

// mostStretches is how many rows the table of bands has at most: as many as a screen has columns.
const mostStretches = 100

// bandLimits are the longest response times of the bands: 10 µs, 20 µs, 50 µs and so on to 50 s. One more takes what is above.
func bandLimits() []time.Duration {
	var ls []time.Duration
	for d := 10 * time.Microsecond; d <= 10*time.Second; d *= 10 {
		ls = append(ls, d, 2*d, 5*d)
	}
	return ls
}

// bands counts responses by the stretch of the run that they were done in, and by how long they took.
type bands struct {
	limits  []time.Duration
	stretch int // seconds
	counts  [][]uint64
}

func newBands(seconds int) *bands {
	b := &bands{limits: bandLimits(), stretch: max(1, (seconds+mostStretches-1)/mostStretches)}
	b.counts = make([][]uint64, (seconds+b.stretch-1)/b.stretch)
	for i := range b.counts {
		b.counts[i] = make([]uint64, len(b.limits)+1)
	}
	return b
}

// add counts the responses of a second. A bucket of the histogram that lies across a limit counts as its shortest.
func (b *bands) add(second int, h *latency.Histogram) {
	row, at := b.counts[second/b.stretch], 0
	for x := range h.All {
		for at < len(b.limits) && x.Low > b.limits[at] {
			at++
		}
		row[at] += x.Count
	}
}

// table is the bands from the fastest to the slowest that had a response; nil if none had.
func (b *bands) table() *report.Table {
	first, last := len(b.limits)+1, -1
	for _, row := range b.counts {
		for i, n := range row {
			if n > 0 {
				first, last = min(first, i), max(last, i)
			}
		}
	}
	if last < 0 {
		return nil
	}
	t := &report.Table{Name: TableBands, Columns: []report.Column{duration("from")}}
	for i := first; i <= last; i++ {
		limit, word, sign := b.limits[min(i, len(b.limits)-1)], "to", "≤ "
		if i == len(b.limits) {
			word, sign = "over", "> "
		}
		t.Columns = append(t.Columns, report.Column{
			Name: fmt.Sprintf("%s_%dus", word, limit.Microseconds()), Title: sign + limit.String(), Unit: report.UnitCount, Sum: true,
		})
	}
	for i, row := range b.counts {
		cells := []report.Value{report.Seconds(time.Duration(i*b.stretch) * time.Second)}
		for _, n := range row[first : last+1] {
			cells = append(cells, report.Number(n))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}
