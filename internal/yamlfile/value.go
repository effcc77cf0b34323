package yamlfile

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/spell"
)

// A Form is a part of a JSON Schema.
type Form = map[string]any

// A Value is what stands behind a key: how to read it, and what an editor may know of it.
type Value struct {
	Read func(Node) error
	Form func() Form
}

// A Key is one key of a mapping.
type Key struct {
	Name     string
	Doc      string
	Required bool
	Value    Value
}

// Keys are all keys of a mapping. Those that begin with x- are for other programs: they are allowed beside them.
type Keys []Key

// Value returns a mapping of these keys.
func (ks Keys) Value() Value { return Value{ks.Read, ks.Form} }

// Read reads the mapping n. What it lacks is only said of one whose keys are all known: otherwise one of these may be meant.
func (ks Keys) Read(n Node) error {
	if !n.IsMapping() {
		return n.Wantf("keys of its own")
	}
	seen, known := make([]bool, len(ks)), 0
	all := &Mistakes{}
	all.add(n.Each(func(v Node) error {
		known++
		i := slices.IndexFunc(ks, func(k Key) bool { return k.Name == v.name })
		switch {
		case i >= 0:
			seen[i] = true
			return ks[i].Value.Read(v)
		case strings.HasPrefix(v.name, "x-"):
			return nil
		}
		known--
		e := n.Unknown(v, ks.names())
		e.Meant = spell.Nearest(v.name, e.Known)
		return e
	}))
	for i, k := range ks {
		if k.Required && !seen[i] && known == n.Len() {
			all.add(n.Errorf("%s has no %s", n.where(), k.Name))
		}
	}
	return all.err()
}

func (ks Keys) names() []string {
	names := make([]string, len(ks))
	for i, k := range ks {
		names[i] = k.Name
	}
	return names
}

// Form returns the JSON Schema of the mapping.
func (ks Keys) Form() Form {
	props, required := Form{}, []string{}
	for _, k := range ks {
		f := k.Value.Form()
		if k.Doc != "" {
			f["description"] = k.Doc
		}
		props[k.Name] = f
		if k.Required {
			required = append(required, k.Name)
		}
	}
	f := Form{"type": "object", "properties": props, "patternProperties": Form{"^x-": Form{}}, "additionalProperties": false}
	if len(required) > 0 {
		f["required"] = required
	}
	return f
}

// Text is any text but the empty one.
func Text(p *string) Value { return text(p, "text", "!!str") }

// Version is a text that YAML may take for a number.
func Version(p *string) Value {
	v := text(p, "text", "!!str", "!!int", "!!float")
	v.Form = func() Form {
		return Form{"anyOf": []any{Form{"type": "string", "minLength": 1}, Form{"type": "number"}}}
	}
	return v
}

// Match is a text of a form, of which want is said if it has another.
func Match(p *string, form, want string) Value {
	v := text(p, want, "!!str")
	read := v.Read
	v.Read = func(n Node) error {
		if err := read(n); err != nil {
			return err
		}
		if ok, err := regexp.MatchString(form, *p); err != nil || !ok {
			return n.Wantf("%s", want)
		}
		return nil
	}
	v.Form = func() Form { return Form{"type": "string", "pattern": form} }
	return v
}

// Bytes is any text, also an empty one and one with control characters.
func Bytes(p *string) Value {
	return Value{
		func(n Node) error {
			text, tag := n.Scalar()
			if *p = text; tag != "!!str" {
				return n.Wantf("text")
			}
			return nil
		},
		func() Form { return Form{"type": "string"} },
	}
}

func text(p *string, want string, tags ...string) Value {
	return Value{
		func(n Node) error {
			if *p = n.text(tags...); *p == "" {
				return n.Wantf("%s", want)
			}
			return nil
		},
		func() Form { return Form{"type": "string", "minLength": 1} },
	}
}

// OneOf is one of a few words.
func OneOf[T ~string](p *T, words ...T) Value {
	return Value{
		func(n Node) error {
			*p = T(n.text("!!str"))
			if slices.Contains(words, *p) {
				return nil
			}
			e := n.Wantf("%s", either(words))
			e.Typed = string(*p)
			for _, w := range words {
				e.Known = append(e.Known, string(w))
			}
			if *p != "" {
				e.Meant = spell.Nearest(e.Typed, e.Known)
			}
			return e
		},
		func() Form { return Form{"enum": words} },
	}
}

func either[T ~string](words []T) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

// Bool is true or false.
func Bool(p *bool) Value {
	return Value{
		func(n Node) error {
			b, err := strconv.ParseBool(strings.ToLower(n.text("!!bool")))
			if err != nil {
				return n.Wantf("true or false")
			}
			*p = b
			return nil
		},
		func() Form { return Form{"type": "boolean"} },
	}
}

// measure is a number with a unit. What YAML takes for a number has none.
func measure[T any](p *T, parse func(string) (T, bool), want, form string, bare string) Value {
	return Value{
		func(n Node) error {
			v, ok := parse(n.text("!!str", "!!int", "!!float"))
			if !ok {
				return n.Wantf("%s", want)
			}
			*p = v
			return nil
		},
		func() Form {
			f := Form{"type": "string", "pattern": form}
			if bare == "" {
				return f
			}
			return Form{"anyOf": []any{f, Form{"type": bare, "minimum": 0}}}
		},
	}
}

// Duration is a duration of which nothing is negative: 30m, 14d.
func Duration(p *time.Duration) Value {
	return measure(p, ParseDuration, "a duration, such as 30m or 14d", durationForm, "")
}

// Size is a number of bytes: 600B, 2KiB.
func Size(p *int64) Value {
	return measure(p, ParseSize, "a size, such as 600B, 2KiB or 10MB", sizeForm, "integer")
}

// Count is a whole number: 200, 400k.
func Count(p *int64) Value {
	return measure(p, ParseCount, "a whole number, such as 200, 400k or 2M", countForm, "integer")
}

// Number is a number that is not negative: 0.9, 1.5k.
func Number(p *float64) Value {
	return measure(p, ParseNumber, "a number, such as 0.9 or 400k", countForm, "number")
}

// Rate is how often something happens, a second: 9k/s, 3k/d.
func Rate(p *float64) Value {
	return measure(p, ParseRate, "a rate, such as 9k/s or 3k/d", rateForm, "")
}

// Percent is a share of at most 100%.
func Percent(p *float64) Value {
	atMostAll := func(s string) (float64, bool) {
		f, ok := ParsePercent(s)
		return f, ok && f <= 1
	}
	return measure(p, atMostAll, "a share, such as 5%", percentForm, "")
}

// Date is a day: 2026-12-31.
func Date(p *time.Time) Value {
	return Value{
		func(n Node) error {
			t, err := time.Parse(time.DateOnly, n.text("!!str", "!!timestamp"))
			if err != nil {
				return n.Wantf("a date, such as 2026-12-31")
			}
			*p = t
			return nil
		},
		func() Form { return Form{"type": "string", "pattern": `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`} },
	}
}

// List is a list of values, each of which add makes a place for.
func List[T any](p *[]T, of func(*T) Value) Value {
	return Value{
		func(n Node) error {
			items, err := n.Items()
			if err != nil {
				return err
			}
			*p = make([]T, len(items))
			all := &Mistakes{}
			for i, item := range items {
				all.add(of(&(*p)[i]).Read(item))
			}
			return all.err()
		},
		func() Form { return Form{"type": "array", "items": of(new(T)).Form()} },
	}
}

// Texts is a list of texts.
func Texts(p *[]string) Value { return List(p, Text) }

// A NameForm says what names may look like: an expression, and the same in words.
type NameForm struct{ Expr, Want string }

// Named is a mapping of names to values, each of which of makes a place for.
func Named[T any](p *[]T, form NameForm, of func(*T) Value) Value {
	return Value{
		func(n Node) error {
			names := regexp.MustCompile(form.Expr)
			return n.Each(func(v Node) error {
				if strings.HasPrefix(v.name, "x-") {
					return nil
				}
				if !names.MatchString(v.name) {
					return v.AtKey("%s: %q is no name: want %s", n.where(), v.name, form.Want)
				}
				*p = append(*p, *new(T))
				return of(&(*p)[len(*p)-1]).Read(v)
			})
		},
		func() Form {
			return Form{
				"type": "object", "propertyNames": Form{"pattern": "^x-|" + form.Expr}, "patternProperties": Form{"^x-": Form{}},
				"additionalProperties": of(new(T)).Form(),
			}
		},
	}
}
