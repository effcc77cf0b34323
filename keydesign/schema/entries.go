package schema

import (
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/yamlfile"
)

func (s Store) entries() (es entries) {
	es.text("kind", string(s.Kind))
	if s.Version != "" {
		es.add("version", yamlfile.Quoted(s.Version))
	}
	es.count("nodes", int64(s.Nodes))
	es.size("maxmemory", s.MaxMemory)
	es.text("policy", s.Policy)
	es.flag("durable", s.Durable)
	es.duration("p99", s.P99)
	var c entries
	c.number("rcu", s.Capacity.RCU)
	c.number("wcu", s.Capacity.WCU)
	c.number("gb", s.Capacity.GB)
	c.number("ops_per_node", s.Capacity.OpsPerNode)
	es.mapping("capacity", c)
	return es
}

func (d Defaults) entries() (es entries) {
	es.text("owner", d.Owner)
	es.text("separator", d.Separator)
	es.text("namespace", d.Namespace)
	es.mapping("ttl", d.TTL.entries())
	return es
}

func (f Field) entries() (es entries) {
	es.text("type", f.Type.String())
	es.count("cardinality", f.Cardinality)
	es.rate("growth", f.Growth)
	es.add("dist", f.Dist.text())
	es.flag("span", f.Span)
	for _, x := range f.Extensions {
		es.add(x.Name, x.Text)
	}
	return es
}

func (d Dist) text() string {
	var e entries
	switch d.Kind {
	case "":
		return ""
	case Uniform, Sequential:
		return string(d.Kind)
	case Exponential:
		e = entries{{"share", yamlfile.FormatPercent(d.Share)}, {"within", yamlfile.FormatPercent(d.Within)}}
		return entries{{string(d.Kind), e.String()}}.String()
	case Hot:
		e = entries{{"share", yamlfile.FormatPercent(d.Share)}, {"keys", yamlfile.FormatCount(d.Keys)}}
		return entries{{string(Hot), e.String()}}.String()
	}
	return entries{{string(d.Kind), yamlfile.FormatNumber(d.A)}}.String()
}

func (t *Template) entries() (es entries) {
	if t.Type != item {
		es.key("key", t.Key)
	}
	es.text("kind", string(t.Kind))
	es.text("type", t.Type)
	es.key("pk", t.Item.PK)
	es.key("sk", t.Item.SK)
	es.mapping("value", t.Value.entries())
	es.mapping("ttl", t.TTL.entries())
	es.mapping("cardinality", t.Cardinality.entries())
	es.text("pattern", t.Pattern.Name)
	es.text("source", t.Pattern.Source)
	es.duration("refresh", t.Pattern.Refresh)
	es.text("owner", t.Owner)
	if t.KeyVersion != "" {
		es.add("version", yamlfile.Quoted(t.KeyVersion))
	}
	es.texts("writers", t.Writers)
	es.text("description", t.Description)
	return es
}

// entries returns an index. The pk of a local one is the table's, and not written.
func (x ItemIndex) entries() (es entries) {
	if !x.Local {
		es.key("pk", x.PK)
	}
	es.key("sk", x.SK)
	es.flag("local", x.Local)
	return es
}

func (v Value) entries() (es entries) {
	es.add("size", v.Size.text(yamlfile.FormatSize))
	es.add("elements", v.Elements.text(yamlfile.FormatCount))
	es.size("element_size", v.ElementSize)
	var fields entries
	for _, f := range v.Fields {
		if f.Field != "" {
			fields.text(f.Name, f.Field)
		} else {
			fields.text(f.Name, f.Type.String())
		}
	}
	es.mapping("fields", fields)
	es.key("members", v.Members)
	es.text("format", v.Format)
	es.count("max_len", v.MaxLen)
	es.text("trim", v.Trim)
	return es
}

func (d Dim) text(format func(int64) string) string {
	if d == (Dim{}) {
		return ""
	}
	if d.P50 == d.P99 && d.P99 == d.Max {
		return format(d.Max)
	}
	var es entries
	number(&es, "p50", d.P50, format)
	number(&es, "p99", d.P99, format)
	number(&es, "max", d.Max, format)
	return es.String()
}

func (t TTL) entries() (es entries) {
	es.text("policy", string(t.Policy))
	es.duration("value", t.Value)
	es.duration("idle", t.Idle)
	es.duration("max_age", t.MaxAge)
	es.add("jitter", t.Jitter.String())
	es.text("of", t.Of)
	return es
}

func (c Cardinality) entries() (es entries) {
	es.count("live", c.Live)
	es.count("max", c.Max)
	var per entries
	for _, p := range c.Per {
		per.add(p.Field, yamlfile.FormatNumber(p.N))
	}
	es.mapping("per", per)
	return es
}

func (r Ref) entries() (es entries) {
	es.text("kind", string(r.Kind))
	es.text("to", r.To)
	es.text("on", r.On)
	es.text("from", r.From)
	es.key("target", r.Target)
	es.text("backref", r.Backref)
	return es
}

func (a Access) entries() (es entries) {
	es.text("name", a.Name)
	es.text("op", a.Op)
	es.text("query", a.Query)
	es.texts("by", a.By)
	es.text("order", a.Order)
	es.texts("keys", a.Keys)
	es.rate("rate", a.Rate)
	es.add("dist", a.Dist.text())
	es.share("miss", a.Miss)
	var m entries
	m.text("op", a.OnMiss.Op)
	m.duration("cost", a.OnMiss.Cost)
	m.flag("single_flight", a.OnMiss.SingleFlight)
	es.mapping("on_miss", m)
	es.text("consistency", a.Consistency)
	es.flag("request_path", a.RequestPath)
	return es
}

func ignores(all []Ignore) entries {
	if len(all) == 0 {
		return nil
	}
	texts := make([]string, len(all))
	for i, g := range all {
		var e entries
		e.text("rule", g.Rule)
		e.text("on", g.On)
		e.text("reason", g.Reason)
		if !g.Expires.IsZero() {
			e.add("expires", g.Expires.Format(time.DateOnly))
		}
		texts[i] = e.String()
	}
	return entries{{"ignore", "[" + strings.Join(texts, ", ") + "]"}}
}

func (i Inferred) entries() (es entries) {
	es.add("keys", strconv.FormatInt(i.Keys, 10))
	es.share("share", i.Share)
	es.text("confidence", i.Confidence)
	es.texts("examples", i.Examples)
	return es
}
