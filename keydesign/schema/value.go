package schema

import (
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
)

func (p *parser) value(v *Value) yamlfile.Value {
	return placed(&v.Pos, yamlfile.Keys{
		{Name: "size", Doc: "Bytes of the whole value.", Value: dim(&v.Size, yamlfile.Size)},
		{Name: "elements", Doc: "How many elements a collection has.", Value: dim(&v.Elements, yamlfile.Count)},
		{Name: "element_size", Doc: "Bytes of one element.", Value: yamlfile.Size(&v.ElementSize)},
		{Name: "fields", Doc: "Named parts, such as fields of a hash, and their types.", Value: p.valueFields(&v.Fields)},
		{Name: "members", Doc: "What the elements of a collection are, as a key is written: user:{uid}.", Value: p.key(&v.Members, nil)},
		{Name: "format", Doc: "How it is written: json, protobuf.", Value: yamlfile.Text(&v.Format)},
		{Name: "max_len", Doc: "Elements at most, as the application keeps it.", Value: yamlfile.Count(&v.MaxLen)},
		{Name: "trim", Doc: "What keeps it short: LTRIM, a consumer.", Value: yamlfile.Text(&v.Trim)},
	}.Value())
}

// Sizes reads one size, or its quantiles, as other kinds of files have them too.
func Sizes(d *Dim) yamlfile.Value { return dim(d, yamlfile.Size) }

// Distribution reads a distribution, as other kinds of files have them too.
func Distribution(d *Dist) yamlfile.Value { return dist(d) }

// dim is one size, or its quantiles.
func dim(d *Dim, measure func(*int64) yamlfile.Value) yamlfile.Value {
	one := measure(&d.Max)
	quantiles := yamlfile.Keys{
		{Name: "p50", Doc: "The median.", Value: measure(&d.P50)},
		{Name: "p99", Doc: "99 of 100 are no larger.", Value: measure(&d.P99)},
		{Name: "max", Doc: "The largest.", Value: measure(&d.Max)},
	}.Value()
	return yamlfile.Value{
		Read: func(n yamlfile.Node) error {
			if !n.IsMapping() {
				err := one.Read(n)
				d.P50, d.P99 = d.Max, d.Max
				return err
			}
			if err := quantiles.Read(n); err != nil {
				return err
			}
			if largest := d.Largest(); d.P50 > largest || d.P99 > largest || d.P99 > 0 && d.P50 > d.P99 {
				return n.Errorf("%s: want p50, p99 and max from small to large", n.Path())
			}
			return nil
		},
		Form: func() yamlfile.Form { return yamlfile.Form{"anyOf": []any{one.Form(), quantiles.Form()}} },
	}
}

// valueFields are types, or names of the schema's fields.
func (p *parser) valueFields(fields *[]ValueField) yamlfile.Value {
	return yamlfile.Named(fields, anyNames(), func(f *ValueField) yamlfile.Value {
		var text string
		return placed(&f.Pos, checked(yamlfile.Text(&text), func(n yamlfile.Node) (err error) {
			f.Name = n.Name()
			if shared := p.population[text]; shared != nil {
				f.Field, f.Type = shared.Name, shared.Type
				return nil
			}
			if f.Type, err = ParseType(text); err != nil {
				return n.Errorf("%s: %v", n.Path(), err)
			}
			return nil
		}))
	})
}

func (p *parser) cardinality(id int, c *Cardinality) yamlfile.Value {
	v := yamlfile.Keys{
		{Name: "live", Doc: "Keys at a time.", Value: yamlfile.Count(&c.Live)},
		{Name: "max", Doc: "Keys at most.", Value: yamlfile.Count(&c.Max)},
		{Name: "per", Doc: "Keys for each value of a field.", Value: yamlfile.Named(&c.Per, anyNames(), func(f *PerField) yamlfile.Value {
			return checked(yamlfile.Number(&f.N), func(n yamlfile.Node) error {
				f.Field = n.Name()
				p.later = append(p.later, func() error {
					return known(n, n.Name(), p.keyOf(id))
				})
				return nil
			})
		})},
	}.Value()
	return placed(&c.Pos, checked(v, func(n yamlfile.Node) error {
		if c.Max > 0 && c.Live > c.Max {
			return n.Child("live").Errorf("%s: live is more than max", n.Path())
		}
		return nil
	}))
}

// inside is a share that is neither nothing nor all.
func inside(f *float64) yamlfile.Value {
	return checked(yamlfile.Percent(f), func(n yamlfile.Node) error {
		if *f <= 0 || *f >= 1 {
			return n.Wantf("more than 0%% and less than 100%%")
		}
		return nil
	})
}

// dist is uniform, sequential, or a mapping of the one distribution to its parameters.
func dist(d *Dist) yamlfile.Value {
	hot := yamlfile.Keys{
		{Name: "share", Doc: "Share of the operations.", Required: true, Value: yamlfile.Percent(&d.Share)},
		{Name: "keys", Doc: "How many keys they go to.", Required: true, Value: yamlfile.Count(&d.Keys)},
	}
	one := yamlfile.Keys{
		{Name: string(Zipf), Doc: "Zipf's law, with this exponent.", Value: yamlfile.Number(&d.A)},
		{Name: string(Hot), Doc: "A few keys get a share of all operations.", Value: hot.Value()},
		{Name: string(Latest), Doc: "Zipf's law by age, the newest first, with this exponent.", Value: yamlfile.Number(&d.A)},
		{Name: string(Exponential), Doc: "Less likely at a constant rate: a share of the operations goes to a part of the keys.", Value: yamlfile.Keys{
			{Name: "share", Doc: "Share of the operations.", Required: true, Value: inside(&d.Share)},
			{Name: "within", Doc: "The part of the keys that they go to.", Required: true, Value: inside(&d.Within)},
		}.Value()},
	}.Value()
	return yamlfile.Value{
		Read: func(n yamlfile.Node) error {
			if !n.IsMapping() {
				return yamlfile.OneOf(&d.Kind, Uniform, Sequential).Read(n)
			}
			if err := one.Read(n); err != nil {
				return err
			}
			return n.Each(func(v yamlfile.Node) error {
				switch {
				case strings.HasPrefix(v.Name(), "x-"):
				case d.Kind != "":
					return v.AtKey("%s: both %s and %s", n.Path(), d.Kind, v.Name())
				default:
					d.Kind = DistKind(v.Name())
				}
				return nil
			})
		},
		Form: func() yamlfile.Form {
			f := one.Form()
			f["maxProperties"] = 1
			return yamlfile.Form{"anyOf": []any{yamlfile.Form{"enum": []string{string(Uniform), string(Sequential)}}, f}}
		},
	}
}
