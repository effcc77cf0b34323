package scenario

import (
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
)

func (p *parser) opNames() []string {
	names := make([]string, len(p.s.Ops))
	for i := range names {
		names[i] = p.s.Ops[i].Name
	}
	return names
}

// readMix reads weights by operation; those that are not named have none.
func (p *parser) readMix(n yamlfile.Node) ([]float64, error) {
	weights, sum := make([]float64, len(p.s.Ops)), 0.0
	err := n.Each(func(v yamlfile.Node) error {
		i := slices.Index(p.opNames(), v.Name())
		if i < 0 {
			return v.AtKey("%s: there is no operation %q%s", n.Path(), v.Name(), meant(v.Name(), p.opNames()))
		}
		err := yamlfile.Number(&weights[i]).Read(v)
		sum += weights[i]
		return err
	})
	if err == nil && (sum <= 0 || sum > 1e15) {
		return nil, n.Errorf("%s: no operation has a weight", n.Path())
	}
	return weights, err
}

func (p *parser) readPhases(root yamlfile.Node) error {
	if mix, ok := root.Get("mix"); ok {
		weights, err := p.readMix(mix)
		if err != nil {
			return err
		}
		for i := range p.s.Ops {
			p.s.Ops[i].Weight = weights[i]
		}
	}
	weights := make([]float64, len(p.s.Ops))
	for i := range weights {
		weights[i] = p.s.Ops[i].Weight
	}
	steady := Phase{Name: "steady", For: 10 * time.Second, Record: true, Mix: weights, Rate: Rate{Kind: "poisson", Values: []float64{1000}}}
	if list, ok := root.Get("phases"); ok {
		items, err := list.Items()
		if err != nil {
			return err
		}
		for _, n := range items {
			ph := Phase{Record: true, Mix: weights, Rate: steady.Rate}
			if err := p.readPhase(n, &ph); err != nil {
				return err
			}
			p.s.Phases = append(p.s.Phases, ph)
		}
	}
	if !slices.ContainsFunc(p.s.Phases, func(ph Phase) bool { return ph.Fill == nil }) {
		p.s.Phases = append(p.s.Phases, steady)
	}
	return nil
}

// longest is how long a phase may be.
const longest = 365 * 24 * time.Hour

func (p *parser) readPhase(n yamlfile.Node, ph *Phase) error {
	read := func(f func(n yamlfile.Node) error) yamlfile.Value { return yamlfile.Value{Read: f} }
	until := yamlfile.Keys{{Name: "hit_rate_stable", Required: true, Value: then(yamlfile.Percent(&ph.Stable), func(n yamlfile.Node) error {
		if ph.Stable <= 0 || ph.Stable > 1 {
			return n.Wantf("a share, such as 0.5%%")
		}
		return nil
	})}}
	err := yamlfile.Keys{
		{Name: "name", Required: true, Value: yamlfile.Text(&ph.Name)},
		{Name: "fill", Value: then(yamlfile.Texts(&ph.Fill), func(n yamlfile.Node) error { return p.checkFill(n, ph) })},
		{Name: "for", Value: yamlfile.Duration(&ph.For)},
		{Name: "rate", Value: read(func(n yamlfile.Node) error { return readRate(n, &ph.Rate) })},
		{Name: "record", Value: yamlfile.Bool(&ph.Record)},
		{Name: "until", Value: until.Value()},
		{Name: "mix", Value: read(func(n yamlfile.Node) (err error) { ph.Mix, err = p.readMix(n); return err })},
		{Name: "events", Value: yamlfile.List(&ph.Events, func(e *Event) yamlfile.Value {
			return read(func(n yamlfile.Node) error { return p.readEvent(n, e) })
		})},
	}.Read(n)
	switch {
	case err != nil:
		return err
	case ph.Fill != nil && ph.For > 0:
		return n.Child("for").Errorf("%s: a fill ends when it is done", n.Path())
	case ph.Fill != nil && ph.Stable > 0:
		return n.Child("until").Errorf("%s: a fill ends when it is done", n.Path())
	case ph.Fill != nil:
		ph.Record = false
		return nil
	case ph.Record && ph.Stable > 0:
		return n.Child("until").Errorf("%s.until: a phase that is recorded has a length of its own: say record: false", n.Path())
	case ph.For <= 0 || ph.For > longest:
		return n.Errorf("%s: want for, how long it is: up to a year", n.Path())
	}
	for _, e := range ph.Events {
		if e.At > ph.For {
			return n.Child("events").Errorf("%s.events: %s comes after the end of the phase", n.Path(), e.Kind)
		}
	}
	return nil
}

func (p *parser) checkFill(n yamlfile.Node, ph *Phase) error {
	var names []string
	for i := range p.s.Schema.Templates {
		names = append(names, p.s.Schema.Templates[i].Name)
	}
	if len(ph.Fill) == 0 {
		return n.Wantf("at least one template")
	}
	for _, name := range ph.Fill {
		i := slices.Index(names, name)
		if i < 0 {
			return n.Errorf("%s: there is no template %q%s", n.Path(), name, meant(name, names))
		}
		if Keys(p.s.Schema, i) == 0 {
			return n.Errorf("%s: nobody says how many keys %s has: give its fields a cardinality", n.Path(), name)
		}
	}
	return nil
}

// readRate reads max, 20k/s, or the name of an arrival with its rates.
func readRate(n yamlfile.Node, r *Rate) error {
	one := func(n yamlfile.Node) (err error) {
		var f float64
		if err = yamlfile.Rate(&f).Read(n); err == nil && (f <= 0 || f > 1e8) {
			return n.Wantf("a rate of more than nothing and at most 100M/s")
		}
		r.Values = append(r.Values, f)
		return err
	}
	r.Values = nil
	if !n.IsMapping() {
		if text, _ := n.Scalar(); text == "max" {
			r.Kind = "max"
			return nil
		}
		r.Kind = "poisson"
		return one(n)
	}
	list := func(kind string, low, high int) yamlfile.Value {
		return yamlfile.Value{Read: func(n yamlfile.Node) error {
			items, err := n.Items()
			if err != nil {
				return err
			}
			if len(items) < low || len(items) > high {
				return n.Wantf("%d to %d rates", low, high)
			}
			for _, i := range items {
				if err := one(i); err != nil {
					return err
				}
			}
			r.Kind = kind
			return nil
		}}
	}
	single := func(kind string) yamlfile.Value {
		return yamlfile.Value{Read: func(n yamlfile.Node) error { r.Kind = kind; return one(n) }}
	}
	err := yamlfile.Keys{
		{Name: "constant", Value: single("constant")},
		{Name: "poisson", Value: single("poisson")},
		{Name: "ramp", Value: list("ramp", 2, 2)},
		{Name: "steps", Value: list("steps", 1, 1000)},
		{Name: "burst", Value: list("burst", 2, 2)},
		{Name: "sine", Value: list("sine", 2, 2)},
		{Name: "every", Value: then(yamlfile.Duration(&r.Every), positive(&r.Every))},
		{Name: "trace", Value: refused("a trace is replayed by kvtool load replay --trace FILE")},
	}.Read(n)
	switch {
	case err != nil:
		return err
	case r.Kind == "":
		return n.Wantf("constant, poisson, ramp, steps, burst or sine")
	case (r.Kind == "burst" || r.Kind == "sine" || r.Kind == "steps") && r.Every == 0:
		r.Every = 10 * time.Second
	}
	return nil
}

func (p *parser) readEvent(n yamlfile.Node, e *Event) error {
	field := func(n yamlfile.Node) error {
		f := p.s.Schema.Field(e.Name)
		if f == nil || f.Cardinality == 0 || f.Dist.Kind == schema.Latest || f.Dist.Kind == schema.Sequential {
			var names []string
			for i := range p.s.Schema.Fields {
				names = append(names, p.s.Schema.Fields[i].Name)
			}
			return n.Errorf("%s: there is no field %q with a cardinality and popular values%s", n.Path(), e.Name, meant(e.Name, names))
		}
		return nil
	}
	template := func(n yamlfile.Node) error {
		if t := p.s.Schema.Template(e.Name); t == nil {
			return n.Errorf("%s: there is no template %q", n.Path(), e.Name)
		}
		return nil
	}
	is := func(kind string, v yamlfile.Keys) yamlfile.Value {
		return then(v.Value(), func(yamlfile.Node) error { e.Kind += kind; return nil })
	}
	err := yamlfile.Keys{
		{Name: "at", Required: true, Value: yamlfile.Duration(&e.At)},
		{Name: "popularity_shift", Value: is("popularity_shift", yamlfile.Keys{
			{Name: "field", Required: true, Value: then(yamlfile.Text(&e.Name), field)},
			{Name: "to", Value: then(schema.Distribution(&e.Dist), func(n yamlfile.Node) error { return checkShift(n, e.Dist) })},
			{Name: "by", Doc: "By how many ranks.", Value: yamlfile.Count(&e.Moved)},
		})},
		{Name: "flash_crowd", Value: is("flash_crowd", yamlfile.Keys{
			{Name: "field", Required: true, Value: then(yamlfile.Text(&e.Name), field)},
			{Name: "share", Required: true, Value: yamlfile.Percent(&e.Share)},
			{Name: "for", Required: true, Value: yamlfile.Duration(&e.During)},
		})},
		{Name: "ttl_herd", Value: is("ttl_herd", yamlfile.Keys{
			{Name: "template", Required: true, Value: then(yamlfile.Text(&e.Name), template)},
			{Name: "share", Required: true, Value: yamlfile.Percent(&e.Share)},
			{Name: "within", Required: true, Value: then(yamlfile.Duration(&e.During), positive(&e.During))},
		})},
		{Name: "size_shift", Value: is("size_shift", yamlfile.Keys{
			{Name: "template", Required: true, Value: then(yamlfile.Text(&e.Name), template)},
			{Name: "to", Required: true, Value: then(schema.Sizes(&e.Size), func(n yamlfile.Node) error {
				if e.Size.Typical() == 0 {
					return n.Wantf("a size of more than nothing")
				}
				return nil
			})},
		})},
		{Name: "reconnect_storm", Value: refused("say conn_reset, which ends all connections at once")},
		{Name: "server_sleep", Value: is("server_sleep", yamlfile.Keys{during(e)})},
		{Name: "server_pause", Value: is("server_pause", yamlfile.Keys{during(e)})},
		{Name: "conn_reset", Value: is("conn_reset", nil)},
		{Name: "added_delay", Value: is("added_delay", yamlfile.Keys{
			{Name: "by", Required: true, Value: then(yamlfile.Duration(&e.By), positive(&e.By))}, during(e),
		})},
		{Name: "failover", Value: is("failover", nil)},
	}.Read(n)
	switch {
	case err != nil:
		return err
	case !slices.Contains(eventKinds(), e.Kind):
		return n.Errorf("%s: want one of %s", n.Path(), strings.Join(eventKinds(), ", "))
	case e.Kind == "popularity_shift" && e.Dist.Kind == "" && e.Moved == 0:
		return n.Errorf("%s: popularity_shift without to and by changes nothing", n.Path())
	}
	return nil
}

func eventKinds() []string {
	return append([]string{"popularity_shift", "flash_crowd", "ttl_herd", "size_shift"}, Faults()...)
}

// checkShift refuses a law to which popularity cannot change while values keep their ranks.
func checkShift(n yamlfile.Node, d schema.Dist) error {
	if d.Kind == schema.Latest || d.Kind == schema.Sequential {
		return n.Wantf("zipf, hot, exponential or uniform: %s has no ranks that could shift", d.Kind)
	}
	return checkDist(n, d)
}

// checkDist refuses what cannot be drawn from.
func checkDist(n yamlfile.Node, d schema.Dist) error {
	if d.Kind == schema.Hot && (d.Keys < 1 || d.Share <= 0) || (d.Kind == schema.Zipf || d.Kind == schema.Latest) && (d.A <= 0 || d.A > 20) {
		return n.Errorf("%s: impossible: want an exponent of more than 0 and at most 20, at least one hot key", n.Path())
	}
	return nil
}

// refused is a key that the design has and this release does not.
func refused(why string) yamlfile.Value {
	return yamlfile.Value{Read: func(n yamlfile.Node) error { return n.AtKey("%s: %s", n.Path(), why) }}
}

// only is a key of which there is one value so far.
func only(value, why string) yamlfile.Value {
	return yamlfile.Value{Read: func(n yamlfile.Node) error {
		if text, _ := n.Scalar(); text != value {
			return n.Errorf("%s: %s: leave it out, or say %s", n.Path(), why, value)
		}
		return nil
	}}
}

// during is how long a fault lasts.
func during(e *Event) yamlfile.Key {
	return yamlfile.Key{Name: "for", Required: true, Value: then(yamlfile.Duration(&e.During), positive(&e.During))}
}
