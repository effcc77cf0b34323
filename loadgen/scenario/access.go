package scenario

import (
	"cmp"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// usualRate is how many operations a second there are of which nobody says it.
const usualRate = 1000

// FromSchema drafts the scenario that the `access` entries of a design describe: an operation for each, at its rate. The draft has a
// schema of its own, with a population for every placeholder. Notes say what it leaves out, and what it assumes.
func FromSchema(s *schema.Schema) (d *Draft, notes []string) {
	d = &Draft{Schema: Bare(s)}
	for i := range s.Templates {
		t := &s.Templates[i]
		for j := range t.Access {
			op, note := accessOp(s, t, &t.Access[j])
			if note != "" {
				notes = append(notes, t.Name+": "+note)
				continue
			}
			op.Name = d.opName(op.Name)
			d.Ops = append(d.Ops, op)
		}
	}
	d.markCounters()
	for i := range d.Schema.Templates {
		t := &d.Schema.Templates[i]
		declared := s.Template(t.Name)
		t.Cardinality = declared.Cardinality
		d.spread(i, declared)
		if Populate(d.Schema, i, cmp.Or(t.Cardinality.Live, t.Cardinality.Max), nil) {
			var l Learnt
			l.Say("keys", "assumed")
			t.Extensions = append(t.Extensions, schema.Extension{Name: LearntKey, Text: l.Flow()})
			notes = append(notes, t.Name+": nobody says how many keys there are: 10,000 are assumed")
		}
		t.Cardinality = schema.Cardinality{}
	}
	rate := d.weigh()
	d.AddPhases(rate, time.Minute, false)
	return d, notes
}

// Bare returns what a load needs of a schema: fields and templates, without references, owners and findings. TTLs are those that a
// template has in the end, its own or another's. It shares nothing with s.
func Bare(s *schema.Schema) *schema.Schema {
	lives := s.Lives()
	out := &schema.Schema{}
	for _, f := range s.Fields {
		f.Growth, f.Extensions = 0, nil
		out.Fields = append(out.Fields, f)
	}
	for i := range s.Templates {
		t := &s.Templates[i]
		if len(t.Key) == 0 || t.Type == "item" {
			continue
		}
		key := slices.Clone(t.Key)
		for j := range key {
			if key[j].Type != nil {
				typ := *key[j].Type
				key[j].Type = &typ
			}
		}
		value := t.Value
		value.MaxLen, value.Trim, value.Format = 0, "", ""
		life := lives[i]
		life.Of = ""
		out.Templates = append(out.Templates, schema.Template{Name: t.Name, Key: key, Kind: t.Kind, Type: t.Type, Value: value, TTL: life})
	}
	return out
}

// accessOp makes an operation of an access; note says why there is none.
func accessOp(s *schema.Schema, t *schema.Template, a *schema.Access) (op DraftOp, note string) {
	name := cmp.Or(a.Name, strings.ToLower(a.Op))
	cmds, unknown := commands(s, t, a.Op, a.Keys)
	switch {
	case t.Type == "item":
		return op, "an item, which only DynamoDB has"
	case len(cmds) == 0:
		known := append(Commands(kindOf(t)), Commands("")...)
		return op, "access " + name + ": " + cmp.Or(unknown, "no op") + ": not a command that is known here for this type" +
			meant(strings.ToLower(unknown), known) + "; write the operation by hand"
	}
	op = DraftOp{Name: t.Name + "_" + strings.ToLower(cmds[0][0]), Weight: a.Rate, SingleFlight: a.OnMiss.SingleFlight}
	if a.Name != "" {
		op.Name = a.Name
	}
	step := DraftStep{Cmds: cmds}
	if fill, _ := commands(s, t, a.OnMiss.Op, nil); len(fill) > 0 {
		if a.OnMiss.Cost > 0 {
			step.OnNil = append(step.OnNil, DraftStep{Think: a.OnMiss.Cost})
		}
		step.OnNil = append(step.OnNil, DraftStep{Cmds: fill})
	}
	op.Steps = []DraftStep{step}
	if a.Rate == 0 {
		op.Learnt.Say("rate", "assumed")
	}
	if a.Miss > 0 { // what the TTLs make of it is what a run will have
		op.Learnt.Add("declared_miss", a.Miss)
	}
	return op, ""
}

// commands are those of an operation, which may be several: INCR+EXPIRE. Unknown is one that is not known.
func commands(s *schema.Schema, t *schema.Template, op string, keys []string) (cmds [][]string, unknown string) {
	templates := []*schema.Template{t}
	for _, k := range keys {
		if o := s.Template(k); o != nil && o != t {
			templates = append(templates, o)
		}
	}
	for _, w := range strings.FieldsFunc(op, func(r rune) bool { return strings.ContainsRune("+ ,/|", r) }) {
		found := false
		for _, of := range templates {
			if words, ok := Usual(w, of); ok {
				cmds, found = append(cmds, words), true
				break
			}
		}
		if !found {
			return nil, w
		}
	}
	return cmds, ""
}

// AssumeOps adds the operations of template i where nothing tells how it is used: nine reads to a write.
func (d *Draft) AssumeOps(i int, weight float64) {
	usual := map[string][2]string{
		"": {"get", "set"}, "string": {"get", "set"}, "json": {"get", "set"}, "hash": {"hgetall", "hset"}, "list": {"lrange", "rpush"},
		"set": {"sismember", "sadd"}, "zset": {"zrange", "zadd"}, "stream": {"xrange", "xadd"},
	}
	t := &d.Schema.Templates[i]
	for n, command := range usual[kindOf(t)] {
		words, ok := Usual(command, t)
		if !ok {
			continue
		}
		op := DraftOp{Name: d.opName(t.Name + "_" + command), Weight: math.Round(weight*[2]float64{9, 1}[n]) / 10, Steps: []DraftStep{{Cmds: [][]string{words}}}}
		op.Learnt.Say("weight", "assumed")
		d.Ops = append(d.Ops, op)
	}
}

// opName returns a name for an operation that no other has.
func (d *Draft) opName(name string) string {
	return unique(fieldName(strings.ToLower(name)), func(n string) bool {
		return slices.ContainsFunc(d.Ops, func(o DraftOp) bool { return o.Name == n })
	})
}

// unique returns a name that is not taken: the one that is wanted, or that with a number behind it.
func unique(name string, taken func(string) bool) string {
	free := name
	for i := 2; taken(free); i++ {
		free = name + "_" + strconv.Itoa(i)
	}
	return free
}

// markCounters makes counters of the templates whose values are taken for numbers, so that a fill writes some.
func (d *Draft) markCounters() {
	for i := range d.Schema.Templates {
		t := &d.Schema.Templates[i]
		for _, op := range d.Ops {
			for _, c := range op.Steps[0].Cmds {
				if Counts(c[0]) && c[1] == "@"+t.Name && t.Kind != schema.RateLimit {
					t.Kind = schema.Counter
				}
			}
		}
	}
}

// spread gives the fields of a template the distribution of its accesses, that of the most frequent one, where they have none.
func (d *Draft) spread(i int, t *schema.Template) {
	var dist schema.Dist
	most := -1.0
	for _, a := range t.Access {
		if a.Dist.Kind != "" && a.Rate > most {
			dist, most = a.Dist, a.Rate
		}
	}
	d.SetDist(i, dist)
}

// SetDist gives a distribution to the field of template i that has most values, or may have, and returns that; nil if the key has no
// placeholder, or none that is a field and nothing to give. One that has a distribution already keeps it.
func (d *Draft) SetDist(i int, dist schema.Dist) *schema.Field {
	var best *schema.Piece
	most := int64(-1)
	for j := range d.Schema.Templates[i].Key {
		pc := &d.Schema.Templates[i].Key[j]
		if pc.Type == nil {
			continue
		}
		n := Count(d.Schema, pc)
		if n == 0 {
			n = 1 << 62
		}
		if n > most {
			best, most = pc, n
		}
	}
	if best == nil {
		return nil
	}
	f := d.Schema.Field(best.Field)
	if dist.Kind == "" {
		return f
	}
	if f == nil || !best.Shared {
		p := &populator{s: d.Schema, t: &d.Schema.Templates[i]}
		p.own(best, 0)
		f = d.Schema.Field(best.Field)
	}
	if f.Dist.Kind == "" {
		f.Dist = dist
	}
	return f
}

// weigh gives operations without a rate a weight, the least of the others', and returns how many there are a second.
func (d *Draft) weigh() float64 {
	least, sum := 0.0, 0.0
	for i := range d.Ops {
		if w := d.Ops[i].Weight; w > 0 && (least == 0 || w < least) {
			least = w
		}
	}
	if least == 0 {
		for i := range d.Ops {
			d.Ops[i].Weight = 1
		}
		return usualRate
	}
	for i := range d.Ops {
		if d.Ops[i].Weight == 0 {
			d.Ops[i].Weight = least
		}
		sum += d.Ops[i].Weight
	}
	return sum
}

// touches reports whether an operation sends a command to keys of a template.
func (d *Draft) touches(template string) bool {
	return slices.ContainsFunc(d.Ops, func(op DraftOp) bool {
		return slices.ContainsFunc(op.Steps, func(s DraftStep) bool {
			return slices.ContainsFunc(s.Cmds, func(c []string) bool { return slices.Contains(c, "@"+template) })
		})
	})
}

// AddPhases adds a fill of what can be filled, and a time at a rate. The fill is of what an operation touches, or of all.
func (d *Draft) AddPhases(rate float64, length time.Duration, all bool) *DraftPhase {
	var fill []string
	for i := range d.Schema.Templates {
		t := &d.Schema.Templates[i]
		if !all && !d.touches(t.Name) {
			continue
		}
		if t.Kind != schema.Lock && t.Kind != schema.RateLimit && t.Type != "stream" && Keys(d.Schema, i) > 0 {
			fill = append(fill, t.Name)
		}
	}
	if len(fill) > 0 {
		d.Phases = append(d.Phases, DraftPhase{Name: "fill", Fill: fill})
	}
	d.Phases = append(d.Phases, DraftPhase{Name: "steady", For: length, Rate: rate})
	return &d.Phases[len(d.Phases)-1]
}

// fromAccess fills a scenario without ops: with what its schema says is done with the keys.
func (p *parser) fromAccess(root yamlfile.Node) error {
	d, notes := FromSchema(p.s.Schema)
	if len(d.Ops) == 0 {
		return root.Errorf("has no ops, and its schema no access that says what is done%s", strings.Join(append([]string{""}, notes...), "; "))
	}
	if p.s.Schema = d.Schema; p.s.Name == "" {
		p.s.Name = strings.TrimSuffix(path.Base(root.File()), ".yaml")
	}
	if err := p.setPlaceholders(root); err != nil {
		return err
	}
	var text strings.Builder
	d.writeOps(&text)
	made, err := yamlfile.Read(root.File(), []byte(text.String()), maxMade)
	if err != nil {
		return err
	}
	p.ops = made.Child("ops")
	if err := p.readOps(); err != nil {
		return err
	}
	for i := range p.s.Ops {
		p.s.Ops[i].Weight = d.Ops[i].Weight
	}
	if _, ok := root.Get("phases"); ok {
		return p.readPhases(root)
	}
	if err := p.readPhases(root); err != nil {
		return err
	}
	steady := &p.s.Phases[0]
	steady.Rate.Values[0] = d.Phases[len(d.Phases)-1].Rate
	if d.Phases[0].Fill != nil {
		p.s.Phases = append([]Phase{{Name: "fill", Fill: d.Phases[0].Fill}}, p.s.Phases...)
	}
	return nil
}

// maxMade bounds the text of operations that are made of accesses.
const maxMade = 64 << 20
