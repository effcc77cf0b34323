package tui

import (
	"math"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

func loads() screen {
	return screen{
		name: "load", title: "Load", short: "Load", doc: "how the store answers under load",
		keys: []binding{
			{keys: "space", label: "space:pause", doc: "keep what is shown while the run goes on", do: (*Model).pause},
			{keys: "l", label: "l:log scale", doc: "shades of the latency heat map by the logarithm, or by the root, which tells large numbers apart", do: (*Model).toggleLog},
			{keys: "x", label: "x:stop and report", doc: "stop the run and leave; its report follows", do: (*Model).stop},
			{keys: "o", label: "o:op", doc: "in the place of the map the percentiles of an operation, then of the next, then the map again", do: (*Model).nextOperation},
			{keys: "a", label: "a:annotate", doc: "note what happens now, as an event of the run and its report", do: (*Model).askNote},
		},
		lacks: func(d *doc) string {
			if loadTable(d) != nil {
				return ""
			}
			return "Load: not in this report. kvtool load run TARGET -s SCENARIO --tui shows a run; kvtool tui RUN.kvr one that was kept with --out."
		},
		lists: func(d *doc, v *view, k *look) []*list {
			ls := []*list{listOf(titleOf(d, loadTable(d)), loadTable(d))}
			if rate := d.firstTable([2]string{"compare", "rate"}); rate != nil && rate != loadTable(d) {
				ls = append(ls, listOf("Rate", rate))
			}
			if d.r.Gate != nil && len(d.r.Gate.Checks) > 0 {
				ls = append(ls, checkList(d.r.Gate.Checks, k.ascii))
			}
			return ls
		},
		draw:    drawLoad,
		section: func(d *doc) string { return sectionOf(d, loadTable(d)) },
	}
}

// loadTable is the table of operations, or of what a comparison or a search for the greatest rate has found.
func loadTable(d *doc) *report.Table {
	return d.firstTable([2]string{"latency", "latency"}, [2]string{"compare", "latency"}, [2]string{"compare", "rate"},
		[2]string{"find_max", "steps"})
}

// checkList is the limits of a run and how it stands against them.
func checkList(cs []report.Check, ascii bool) *list {
	l := &list{title: sentence(report.LimitsWord(cs)), bar: -1, cols: []report.Column{
		{Name: "limit", Unit: report.UnitText},
		{Name: markColumn, Title: "verdict", Unit: report.UnitText},
		{Name: "is", Unit: report.UnitText},
		{Name: "why", Unit: report.UnitText, Rank: 1},
	}}
	for i := range cs {
		c := &cs[i]
		word := map[report.Verdict]string{report.Pass: "ok", report.Fail: "FAIL", report.Inconclusive: "?"}[c.Verdict]
		l.rows = append(l.rows, row{key: c.Name, mark: verdictStyle(c.Verdict), cells: []report.Value{
			report.Text(c.Name), report.Text(word), report.Text(render.Human(c.Head, c.Unit, ascii)), report.Text(c.Why),
		}})
	}
	return l
}

func drawLoad(s *sight) block {
	series := s.d.firstTable([2]string{"seconds", "seconds"})
	parts := []part{{5, s.lists[0].count() + 3, func(h int) block {
		if s.wider() && len(s.lists) > 1 {
			left := s.width * 11 / 20
			return beside(s.list(0, left, h, ""), s.list(1, s.width-left, h, ""))
		}
		return s.list(0, s.width, h, "")
	}}}
	bands, spectrum := s.d.firstTable([2]string{"seconds", "latency_bands"}), spectrumOf(s.d)
	switch op := s.operation(spectrum); {
	case op > 0:
		parts = append(parts, part{5, len(spectrum.Rows) + 2, func(h int) block { return s.percentiles(spectrum, op, s.width, h) }})
	case bands != nil && len(bands.Columns) > 1:
		parts = append(parts, part{5, min(len(bands.Columns), 12) + 1, func(h int) block { return s.bands(bands, s.width, h) }})
	}
	if series != nil {
		parts = append(parts, part{5, len(series.Columns) + 1, func(h int) block {
			return s.once(series, s.width, h, func() block {
				return s.box(s.width, h, "Second by second", s.span(series), func(w, h int) block { return s.overTime(series, w, h) })
			})
		}})
	}
	below := 1 // which list
	if s.wider() {
		below = 2
	}
	for ; below < len(s.lists); below++ {
		i := below
		parts = append(parts, part{4, s.lists[i].count() + 3, func(h int) block { return s.list(i, s.width, h, "") }})
	}
	if fs := s.loadFacts(); len(fs) > 0 {
		parts = append(parts, part{4, 100, func(h int) block { return s.figures(s.width, h, "Health", s.loadHealth(fs)) }})
	}
	return stack(s.width, s.height, parts...)
}

// loadFacts are whether the run can be believed, what went wrong and what happened.
func (s *sight) loadFacts() []fact {
	var fs []fact
	for _, name := range [][2]string{{"health", "errors"}, {"seconds", "events"}} {
		if t := tableOf(s.d.r, name[0], name[1]); t != nil && len(t.Columns) > 1 {
			for _, r := range t.Rows {
				fs = append(fs, fact{
					name: render.Human(r[0], t.Columns[0].Unit, s.ascii), value: render.Human(r[1], t.Columns[1].Unit, s.ascii), mark: warn,
				})
			}
		}
	}
	for _, section := range []string{"find_max", "health", "run", "server", "checks", "runs"} {
		fs = append(fs, s.d.factsOf(section, s.ascii)...)
	}
	for _, why := range s.d.r.Coverage.Why {
		fs = append([]fact{{name: "note", value: render.Clean(why, s.ascii), mark: warn}}, fs...)
	}
	return fs
}

// loadHealth draws them, beside each other where there is room.
func (s *sight) loadHealth(fs []fact) func(w, h int) block {
	return func(w, h int) block {
		if s.width < 100 || len(fs) <= h {
			return s.facts(w, h, fs)
		}
		left := w / 2
		return beside(s.facts(left, h, fs[:h]), s.facts(w-left, h, fs[h:]))
	}
}

// bands draws how many responses took how long: a row for each band, the slowest above, and a column for each stretch of time.
func (s *sight) bands(t *report.Table, width, height int) block {
	const label = 9
	bs := make([][]float64, len(t.Columns)-1)
	most := 0.0
	for c := range bs {
		values := make([]float64, len(t.Rows))
		for i, r := range t.Rows {
			values[i], _ = r[c+1].Number()
		}
		bs[c] = chart.Thin(values, width-label-5, mean)
		most = max(most, slices.Max(bs[c]))
	}
	each := max(1, (width-label-5)/max(1, len(bs[0]))) // columns of a stretch
	scale := "log scale"
	shade := func(v float64) rune {
		return chart.Shade(math.Pow(math.Log1p(v), 2), math.Pow(math.Log1p(most), 2), s.ascii)
	}
	if s.v.metric > 0 {
		scale = "root scale"
		shade = func(v float64) rune { return chart.Shade(v, most, s.ascii) }
	}
	room := height - 2
	top := len(bs) - 1
	note := "newest at the right   most " + render.Human(report.Number(most), report.UnitCount, s.ascii) + "   " + scale
	return s.box(width, height, "Latency heat map", note, func(w, _ int) block {
		var out block
		for c := top; c >= 0 && len(out) < room; c-- {
			values, name := bs[c], heading(&t.Columns[c+1])
			if len(out) == room-1 && c > 0 { // all that is faster is one row
				for _, b := range bs[:c] {
					for i := range b {
						values[i] += b[i]
					}
				}
			}
			p := s.pen(w).field(faint, render.Clean(name, s.ascii), label, true).put(plain, " ")
			var row strings.Builder
			for _, v := range values {
				row.WriteString(repeat(shade(v), each))
			}
			out = append(out, p.put(accent, row.String()).line())
		}
		return out
	})
}

// spectrumOf is the table of percentiles, a column for each operation; nil if there is none.
func spectrumOf(d *doc) *report.Table { return tableOf(d.r, "seconds", "spectrum") }

// operation is the column of the operation whose percentiles are shown, 0 for none.
func (s *sight) operation(spectrum *report.Table) int {
	if spectrum == nil {
		return 0
	}
	return s.v.part % len(spectrum.Columns)
}

// nextOperation shows the percentiles of the next operation, and behind the last one the map of all.
func (m *Model) nextOperation() tea.Cmd {
	if m.doc == nil {
		return nil
	}
	t := spectrumOf(m.doc)
	if t == nil {
		m.say("no percentiles in this report", nil)
		return nil
	}
	m.view().part = (m.view().part + 1) % len(t.Columns)
	return nil
}

// percentiles draws which share of the responses of an operation took no longer than how long, the rarest below; where there is
// no room for all, only these. Bars are by the logarithm: the slowest are a thousand times as long as the rest.
func (s *sight) percentiles(t *report.Table, c, width, height int) block {
	const label = 10
	var rows [][]report.Value
	least, most := math.Inf(1), 0.0
	for _, r := range t.Rows {
		if v, ok := r[c].Number(); ok && v > 0 {
			rows = append(rows, r)
			least, most = min(least, v), max(most, v)
		}
	}
	title := "Response time of " + render.Clean(t.Columns[c].Name, s.ascii)
	return s.box(width, height, title, "log scale", func(w, h int) block {
		var out block
		for _, r := range rows[max(0, len(rows)-h):] {
			q, _ := r[0].Number()
			v, _ := r[c].Number()
			p := s.pen(w).field(faint, strconv.FormatFloat(q*100, 'g', 8, 64)+"%", label, true).put(plain, "  ")
			p.field(plain, render.Human(r[c], t.Columns[c].Unit, s.ascii), label, true).put(plain, "  ")
			out = append(out, p.put(accent, chart.Bar((1+math.Log(v/least))/(1+math.Log(most/least)), w-2*label-5, s.ascii)).line())
		}
		return out
	})
}

// mean is what stands for a stretch of counts: stretches are not all of one length.
func mean(part []float64) float64 {
	total := 0.0
	for _, v := range part {
		total += v
	}
	return total / float64(len(part))
}

func (m *Model) toggleLog() tea.Cmd {
	m.view().metric = 1 - m.view().metric
	return nil
}

// askNote asks what happens now.
func (m *Model) askNote() tea.Cmd {
	if m.o.Annotate == nil || m.snap == nil || m.snap.Busy == "" {
		m.say("nothing to annotate: no run goes on", nil)
		return nil
	}
	m.asking = prompt{kind: notePrompt}
	return nil
}

// annotate notes it.
func (m *Model) annotate(text string) {
	if text == "" {
		return
	}
	m.say("noted: "+clean(text, m.look.ascii), m.o.Annotate(text))
}

// stop ends what runs, after asking.
func (m *Model) stop() tea.Cmd {
	if m.snap == nil || m.snap.Busy == "" {
		m.say("nothing runs: q leaves", nil)
		return nil
	}
	m.asking = prompt{kind: quitPrompt}
	return nil
}

// span says what time a series covers.
func (s *sight) span(t *report.Table) string {
	u := t.Columns[0].Unit
	return render.Human(t.Rows[0][0], u, s.ascii) + " to " + render.Human(t.Rows[len(t.Rows)-1][0], u, s.ascii)
}

// overTime draws each number of a series as a shape of all of its time, the newest at the right.
func (s *sight) overTime(t *report.Table, w, h int) block {
	var out block
	room := max(8, w-2-14-22)
	for c := 1; c < len(t.Columns) && len(out) < h; c++ {
		if isWord(&t.Columns[c]) || !known(t, c) {
			continue
		}
		values := make([]float64, len(t.Rows))
		most, last := 0.0, 0.0
		for i, r := range t.Rows {
			v, ok := r[c].Number()
			if ok {
				last, most = v, max(most, v)
			} else {
				v = nan() // a second in which it was not told
			}
			values[i] = v
		}
		shape := chart.Spark(chart.Thin(values, room, greatest), s.ascii)
		u := t.Columns[c].Unit
		say := render.Human(report.Number(last), u, s.ascii) + ", most " + render.Human(report.Number(most), u, s.ascii)
		out = append(out, s.pen(w).put(plain, " ").field(faint, render.Clean(heading(&t.Columns[c]), s.ascii), 13, false).put(plain, " ").
			put(accent, shape).put(plain, "  "+say).line())
	}
	return out.tall(w, h)
}
