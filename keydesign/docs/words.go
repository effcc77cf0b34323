package docs

import (
	"fmt"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// What a schema declares, in words. What it does not declare is an empty text, which no page shows.

func storeText(s *schema.Store) string {
	if s.Kind == "" {
		return ""
	}
	parts := []string{strings.TrimSpace(string(s.Kind) + " " + s.Version)}
	if s.Nodes > 0 {
		parts = append(parts, fmt.Sprintf("%d nodes", s.Nodes))
	}
	if s.MaxMemory > 0 {
		parts = append(parts, size(s.MaxMemory)+" of memory")
	}
	if s.Policy != "" {
		parts = append(parts, "evicts by "+s.Policy)
	}
	if s.Durable {
		parts = append(parts, "must not lose what it acknowledged")
	}
	if s.P99 > 0 {
		parts = append(parts, "99 of 100 requests within "+duration(s.P99))
	}
	return strings.Join(parts, ", ")
}

// life says how long a key lives. A template that says nothing has the default of the file.
func life(s *schema.Schema, t *schema.Template) string {
	ttl := &t.TTL
	if ttl.Policy == "" {
		ttl = &s.Defaults.TTL
	}
	switch ttl.Policy {
	case schema.TTLNone:
		return "for good"
	case schema.TTLFixed:
		return strings.TrimSpace(duration(ttl.Value) + " " + ttl.Jitter.String())
	case schema.TTLSliding:
		var parts []string
		if ttl.Idle > 0 {
			parts = append(parts, duration(ttl.Idle)+" after its last use")
		}
		if ttl.MaxAge > 0 {
			parts = append(parts, "at most "+duration(ttl.MaxAge))
		}
		return strings.Join(parts, ", ")
	case schema.TTLInherit:
		return "as " + ttl.Of
	}
	return ""
}

// count says how many keys there are.
func count(c *schema.Cardinality) string {
	var parts []string
	if c.Live > 0 {
		parts = append(parts, "about "+humanize.Count(float64(c.Live)))
	}
	if c.Max > 0 {
		parts = append(parts, "at most "+humanize.Count(float64(c.Max)))
	}
	for _, p := range c.Per {
		parts = append(parts, humanize.Count(p.N)+" a "+p.Field)
	}
	return strings.Join(parts, ", ")
}

// facts are the rest of what is declared of a template.
func facts(t *schema.Template) []fact {
	var fields []string
	for _, f := range t.Value.Fields {
		fields = append(fields, f.Name+" "+f.Type.String())
	}
	var indexes []string
	for _, x := range t.Item.Indexes {
		indexes = append(indexes, x.Name+" by "+x.PK.String())
	}
	all := []fact{
		{"value", dim(&t.Value.Size, size)},
		{"elements", dim(&t.Value.Elements, number)},
		{"element size", known(t.Value.ElementSize, size)},
		{"fields", strings.Join(fields, ", ")},
		{"format", t.Value.Format},
		{"kept short by", strings.TrimSpace(t.Value.Trim + " " + known(t.Value.MaxLen, func(n int64) string { return "at " + number(n) }))},
		{"pattern", patternText(&t.Pattern)},
		{"indexes", strings.Join(indexes, ", ")},
		{"version", t.KeyVersion},
		{"written by", strings.Join(t.Writers, ", ")},
	}
	var said []fact
	for _, f := range all {
		if f.Text != "" {
			said = append(said, f)
		}
	}
	return said
}

func patternText(p *schema.Pattern) string {
	text := p.Name
	if p.Source != "" {
		text += " of " + p.Source
	}
	if p.Refresh > 0 {
		text += ", made anew every " + duration(p.Refresh)
	}
	return text
}

// title names an access.
func title(a *schema.Access) string {
	if a.Name != "" && a.Op != "" {
		return a.Name + " (" + a.Op + ")"
	}
	return a.Name + a.Op
}

func accessText(a *schema.Access) string {
	parts := []string{title(a)}
	if a.Query != "" {
		q := a.Query
		if len(a.By) > 0 {
			q += " by " + strings.Join(a.By, ", ")
		}
		parts = append(parts, q)
	}
	if a.Rate > 0 {
		parts = append(parts, humanize.Rate(a.Rate))
	}
	if d := distText(&a.Dist); d != "" {
		parts = append(parts, d)
	}
	if a.Miss > 0 {
		parts = append(parts, humanize.Ratio(a.Miss)+" find nothing"+missText(&a.OnMiss))
	}
	if len(a.Keys) > 0 {
		parts = append(parts, "over "+strings.Join(a.Keys, ", "))
	}
	if a.Consistency != "" {
		parts = append(parts, a.Consistency)
	}
	if a.RequestPath {
		parts = append(parts, "a user waits for it")
	}
	return strings.Join(parts, "; ")
}

func missText(m *schema.OnMiss) string {
	text := ""
	if m.Op != "" {
		text = ", then " + m.Op
	}
	if m.Cost > 0 {
		text += " takes " + duration(m.Cost)
	}
	if m.SingleFlight {
		text += ", once for all who wait"
	}
	return text
}

func distText(d *schema.Dist) string {
	switch d.Kind {
	case schema.Zipf:
		return fmt.Sprintf("zipf %g", d.A)
	case schema.Latest:
		return fmt.Sprintf("mostly the latest (%g)", d.A)
	case schema.Hot:
		return fmt.Sprintf("%s go to %d", humanize.Ratio(d.Share), d.Keys)
	case schema.Exponential:
		return fmt.Sprintf("exponential, %s go to %s of them", humanize.Ratio(d.Share), humanize.Ratio(d.Within))
	case schema.Sequential:
		return "one after the other"
	}
	return ""
}

func dim(d *schema.Dim, write func(int64) string) string {
	if d.P50 == d.Max && d.P99 == d.Max {
		return known(d.Max, write)
	}
	var parts []string
	for _, x := range []struct {
		name string
		n    int64
	}{{"typically", d.P50}, {"p99", d.P99}, {"at most", d.Max}} {
		if x.n > 0 {
			parts = append(parts, x.name+" "+write(x.n))
		}
	}
	return strings.Join(parts, ", ")
}

// known writes a number that is declared.
func known(n int64, write func(int64) string) string {
	if n == 0 {
		return ""
	}
	return write(n)
}

func size(n int64) string             { return humanize.Bytes(float64(n)) }
func number(n int64) string           { return humanize.Count(float64(n)) }
func duration(d time.Duration) string { return humanize.Duration(d.Seconds()) }
