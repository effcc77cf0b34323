package schema

import (
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/yamlfile"
)

func (p *parser) ttl(t *TTL) yamlfile.Value {
	v := yamlfile.Keys{
		{Name: "policy", Doc: "none: for ever. fixed: value from the writing on. sliding: idle from each use on, max_age at most. inherit: as another template.", Required: true, Value: yamlfile.OneOf(&t.Policy, TTLNone, TTLFixed, TTLSliding, TTLInherit)},
		{Name: "value", Doc: "With fixed: how long.", Value: yamlfile.Duration(&t.Value)},
		{Name: "jitter", Doc: "What is added at random: ±20% of it, or 0-1h.", Value: jitter(&t.Jitter)},
		{Name: "idle", Doc: "With sliding: how long from each use on.", Value: yamlfile.Duration(&t.Idle)},
		{Name: "max_age", Doc: "With sliding: how long from the writing on, at most.", Value: yamlfile.Duration(&t.MaxAge)},
		{Name: "of", Doc: "With inherit: the template whose TTL it has.", Value: p.templateName(&t.Of)},
	}.Value()
	return placed(&t.Pos, formed(checked(v, t.check), ttlForm))
}

// rules says what each policy needs, one of them, and what else it may have.
func (t TTLPolicy) rules() (needs, may []string) {
	switch t {
	case TTLFixed:
		return []string{"value"}, []string{"jitter"}
	case TTLSliding:
		return []string{"idle", "max_age"}, []string{"jitter"}
	case TTLInherit:
		return []string{"of"}, nil
	}
	return nil, nil
}

// check refuses a TTL that contradicts itself.
func (t *TTL) check(n yamlfile.Node) error {
	needs, may := t.Policy.rules()
	has := len(needs) == 0
	err := n.Each(func(v yamlfile.Node) error {
		switch name := v.Name(); {
		case name == "policy" || strings.HasPrefix(name, "x-") || slices.Contains(may, name):
		case slices.Contains(needs, name):
			has = true
		default:
			return v.AtKey("%s: %s has no %s", n.Path(), t.Policy, name)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case !has:
		return n.Child("policy").Errorf("%s: %s without %s", n.Path(), t.Policy, strings.Join(needs, " or "))
	}
	return t.checkTimes(n)
}

// checkTimes refuses a life that ends before it begins.
func (t *TTL) checkTimes(n yamlfile.Node) error {
	for _, v := range [...]struct {
		name string
		d    time.Duration
	}{{"value", t.Value}, {"idle", t.Idle}, {"max_age", t.MaxAge}} {
		if c := n.Child(v.name); v.d == 0 && c.Path() != n.Path() {
			return c.Errorf("%s: want more than nothing", c.Path())
		}
	}
	switch j := t.Jitter; {
	case t.MaxAge > 0 && t.Idle > t.MaxAge:
		return n.Child("idle").Errorf("%s: idle is more than max_age", n.Path())
	case j.LowShare <= -1:
		return n.Child("jitter").Errorf("%s.jitter: leaves nothing of the TTL", n.Path())
	}
	return nil
}

// ttlForm says in JSON Schema what check does.
func ttlForm() yamlfile.Form {
	var all []any
	for _, policy := range []TTLPolicy{TTLNone, TTLFixed, TTLSliding, TTLInherit} {
		needs, may := policy.rules()
		allowed := yamlfile.Form{"policy": yamlfile.Form{"const": policy}}
		var one []any
		for _, name := range needs {
			allowed[name] = yamlfile.Form{}
			one = append(one, yamlfile.Form{"required": []string{name}})
		}
		for _, name := range may {
			allowed[name] = yamlfile.Form{}
		}
		f := yamlfile.Form{"properties": allowed, "patternProperties": yamlfile.Form{"^x-": yamlfile.Form{}}, "additionalProperties": false}
		if one != nil {
			f["anyOf"] = one
		}
		all = append(all, f)
	}
	return yamlfile.Form{"oneOf": all}
}

const jitterForm = `^(±|\+-)[0-9.]+%$|^[0-9.]+(%|[a-zµ][0-9.a-zµ]*)?-[0-9.]+(%|[a-zµ][0-9.a-zµ]*)$`

// jitter reads what parseJitter knows.
func jitter(j *Jitter) yamlfile.Value {
	var text string
	v := formed(yamlfile.Text(&text), func() yamlfile.Form { return yamlfile.Form{"pattern": jitterForm} })
	return checked(v, func(n yamlfile.Node) (err error) {
		var ok bool
		if *j, ok = parseJitter(text); !ok {
			err = n.Wantf("a jitter, such as ±20%% or 0-1h")
		}
		return err
	})
}

// parseJitter reads ±20%, 5%-20%, 0-1h.
func parseJitter(s string) (j Jitter, ok bool) {
	for _, sign := range [...]string{"±", "+-"} {
		if share, both := strings.CutPrefix(s, sign); both {
			j.HighShare, ok = yamlfile.ParsePercent(share)
			j.LowShare = -j.HighShare
			return j, ok
		}
	}
	low, high, _ := strings.Cut(s, "-")
	if strings.HasSuffix(high, "%") {
		if low == "0" {
			low = "0%"
		}
		lo, ok1 := yamlfile.ParsePercent(low)
		hi, ok2 := yamlfile.ParsePercent(high)
		return Jitter{LowShare: lo, HighShare: hi}, ok1 && ok2 && lo <= hi
	}
	if low == "0" {
		low = "0s"
	}
	lo, ok1 := yamlfile.ParseDuration(low)
	hi, ok2 := yamlfile.ParseDuration(high)
	return Jitter{Low: lo, High: hi}, ok1 && ok2 && lo <= hi
}

// String returns the text of the jitter.
func (j Jitter) String() string {
	switch {
	case j == Jitter{}:
		return ""
	case j.HighShare > 0 && j.LowShare == -j.HighShare:
		return "±" + yamlfile.FormatPercent(j.HighShare)
	case j.HighShare > 0:
		return yamlfile.FormatPercent(j.LowShare) + "-" + yamlfile.FormatPercent(j.HighShare)
	case j.Low == 0:
		return "0-" + yamlfile.FormatDuration(j.High)
	}
	return yamlfile.FormatDuration(j.Low) + "-" + yamlfile.FormatDuration(j.High)
}
