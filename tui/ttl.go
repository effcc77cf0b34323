package tui

import (
	"github.com/kvtool/kvtool/internal/chart"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

func ttls() screen {
	return screen{
		name: "ttl", title: "TTL & drift", short: "TTL", doc: "how keys expire, when, and what has changed",
		keys: []binding{
			{keys: "enter l", label: "enter:open", doc: "to the template, in Keyspace", do: (*Model).openSubject},
			{keys: "n", label: "n:next finding", doc: "to the next row with a finding", do: (*Model).nextMark},
			{keys: "N", doc: "to the one before", do: (*Model).previousMark},
		},
		lacks: func(d *doc) string {
			if ttlTable(d) != nil || driftTable(d) != nil {
				return ""
			}
			why := d.skipped("ttl")
			if why == "" {
				why = "not in this report"
			}
			return "TTLs: " + why + ". An audit has them, and kvtool drift ttl TARGET; kvtool drift diff OLD.kvr NEW.kvr -o json=FILE.json has what changed."
		},
		lists: func(d *doc, v *view, k *look) []*list {
			var ls []*list
			if t := ttlTable(d); t != nil {
				ls = append(ls, ttlList(d, t))
			}
			if t := driftTable(d); t != nil {
				ls = append(ls, listOf("Drift since the base", t))
			}
			for _, l := range ls {
				l.marks = d.marks
			}
			return ls
		},
		draw: drawTTL,
		section: func(d *doc) string {
			if t := driftTable(d); t != nil {
				return "drift"
			}
			return sectionOf(d, ttlTable(d))
		},
	}
}

// ttlTable is the best that the report knows of how templates expire: by which law, or how many do not.
func ttlTable(d *doc) *report.Table {
	if t := d.firstTable([2]string{"ttl_laws", "templates"}, [2]string{"ttl", "templates"}); t != nil {
		return t
	}
	if t := d.templates; t != nil {
		if c := columnOf(t, "no_ttl"); c >= 0 && known(t, c) {
			return t
		}
	}
	return d.firstTable([2]string{"ttl", "ttl_histogram"}, [2]string{"expiry", "templates"})
}

func driftTable(d *doc) *report.Table { return d.firstTable([2]string{"drift", "templates"}) }

// ttlList shows of templates what is about their TTLs.
func ttlList(d *doc, t *report.Table) *list {
	l := listOf("TTL by template", t)
	l.bar = -1
	if t != d.templates {
		return l
	}
	for c := range l.cols {
		switch l.cols[c].Name {
		case "template", "keys", "bytes", "no_ttl":
		default:
			l.cols[c].Rank = max(l.cols[c].Rank, 9)
		}
		if l.cols[c].Name == "no_ttl" {
			l.bar = c
		}
	}
	return l
}

func drawTTL(s *sight) block {
	forecast := s.d.firstTable([2]string{"ttl_laws", "forecast"}, [2]string{"ttl", "forecast"})
	histogram := s.d.firstTable([2]string{"ttl", "ttl_histogram"})
	parts := []part{{7, s.height * 3 / 5, func(h int) block {
		if len(s.lists) > 1 && s.wide() {
			left := s.width / 2
			return beside(s.list(0, left, h, ""), s.list(1, s.width-left, h, ""))
		}
		return s.list(0, s.width, h, "")
	}}}
	if len(s.lists) > 1 && !s.wide() {
		parts = append(parts, part{6, 12, func(h int) block { return s.list(1, s.width, h, "") }})
	}
	switch {
	case forecast != nil && histogram != nil && s.wide():
		parts = append(parts, part{6, 100, func(h int) block {
			left := s.width / 2
			return beside(s.table(left, h, histogram), s.forecast(s.width-left, h, forecast))
		}})
	case forecast != nil:
		parts = append(parts, part{4, 9, func(h int) block { return s.forecast(s.width, h, forecast) }})
	}
	if histogram != nil && !(forecast != nil && s.wide()) && histogram != ttlTable(s.d) {
		parts = append(parts, part{6, 10, func(h int) block { return s.table(s.width, h, histogram) }})
	}
	return stack(s.width, s.height, parts...)
}

// forecast draws what expires in each part of the time to come, as columns.
func (s *sight) forecast(width, height int, t *report.Table) block {
	return s.once(t, width, height, func() block { return s.drawForecast(width, height, t) })
}

func (s *sight) drawForecast(width, height int, t *report.Table) block {
	c := columnOf(t, "bytes")
	if c < 0 || !known(t, c) {
		c = columnOf(t, "keys")
	}
	if c < 0 {
		return empty(width, height)
	}
	values := make([]float64, len(t.Rows))
	most := 0
	for i, r := range t.Rows {
		values[i], _ = r[c].Number()
		if values[i] > values[most] {
			most = i
		}
	}
	u := t.Columns[c].Unit
	note := "next " + render.Human(t.Rows[len(t.Rows)-1][0], report.UnitText, s.ascii)
	return s.box(width, height, "Expires", note, func(w, h int) block {
		peak := "peak " + render.Human(t.Rows[most][c], u, s.ascii) + " within " + render.Human(t.Rows[most][0], report.UnitText, s.ascii)
		if m := columnOf(t, "most"); m >= 0 && !t.Rows[most][m].IsNull() {
			peak += ", most of it " + render.Human(t.Rows[most][m], report.UnitKey, s.ascii)
		}
		return s.columns(w, h, values, peak)
	})
}

// columns draws values as columns as wide as there is room, and a line below that says what they say.
func (s *sight) columns(w, h int, values []float64, gist string) block {
	each := max(1, (w-2)/max(1, len(values)))
	var out block
	if h > 1 {
		for _, line := range chart.Columns(values, h-1, s.ascii) {
			p := s.pen(w).put(plain, " ")
			for _, r := range line {
				p.put(accent, repeat(r, each))
			}
			out = append(out, p.line())
		}
	} else {
		return block{s.pen(w).put(plain, " ").put(accent, chart.Spark(values, s.ascii)).put(plain, "  "+gist).line()}
	}
	return append(out, s.pen(w).put(plain, " "+gist).line())
}

func repeat(r rune, n int) string {
	b := make([]rune, n)
	for i := range b {
		b[i] = r
	}
	return string(b)
}
