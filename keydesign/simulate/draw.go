package simulate

import (
	"math"
	"time"

	"github.com/kvtool/kvtool/internal/random"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A Draw is one key of a run.
type Draw struct {
	Template int     // index into the schema
	Number   int64   // of the key within its template
	Weight   float64 // how many keys it stands for
	Key      []byte
	Value    Value
	TTL      time.Duration // what is left of its life; 0 is for ever
	Life     time.Duration // its whole life, jitter included

	p      *population
	pk     []byte    // what decides the place, if it is not the key
	ids    []int64   // of the fields
	spans  []span    // of the fields within fieldText
	text   []byte    // their values
	shares []float64 // of each shape
}

// A span is a part of a text.
type span struct{ from, to int }

// sample decides which keys are drawn: about budget of them. All keys of a value of the lead are drawn together, unless they are
// many.
func (p *population) sample(budget int64) {
	const together = 64
	p.unit = 1
	if p.run <= together {
		p.unit = p.run
	}
	units, want := ceil(p.keys, p.unit), max(1, budget/p.unit)
	if want >= units {
		p.head, p.tail = units, 0
	} else {
		p.head = want / 4
		p.tail = want - p.head
		p.stride = float64(units-p.head) / float64(p.tail)
	}
	p.drawn = min(p.keys, (p.head+p.tail)*p.unit)
}

// each draws the sample in order.
func (p *population) each(fn func(*Draw)) {
	d := p.newDraw()
	d.Weight = 1
	for u := range p.head {
		p.drawUnit(d, u, fn)
	}
	d.Weight = p.stride
	for j := range p.tail {
		at := (float64(j) + random.Unit(random.Hash(p.id, uint64(j)))) * p.stride
		p.drawUnit(d, p.head+int64(at), fn)
	}
}

func (p *population) newDraw() *Draw {
	return &Draw{
		Template: p.number, p: p,
		ids: make([]int64, len(p.fields)), spans: make([]span, len(p.fields)), shares: make([]float64, len(p.shapes)),
	}
}

func (p *population) drawUnit(d *Draw, u int64, fn func(*Draw)) {
	for i := u * p.unit; i < min((u+1)*p.unit, p.keys); i++ {
		p.draw(d, i)
		fn(d)
	}
}

// draw makes d the key of number i.
func (p *population) draw(d *Draw, i int64) {
	d.Number = i
	p.split(d, i)
	d.text = d.text[:0]
	for n, f := range p.fields {
		from := len(d.text)
		d.text = f.gen.Append(d.text, f.valueOf(d.ids[n]))
		d.spans[n] = span{from, len(d.text)}
	}
	d.Key = d.write(d.Key[:0], p.parts)
	if p.pk != nil {
		d.pk = d.write(d.pk[:0], p.pk)
	}
	d.Value = p.value.draw(random.Hash(p.id, uint64(i), 1))
	for n := range p.shapes {
		d.shares[n] = p.shapes[n].of(d)
	}
	d.Life, d.TTL = p.lives(d, random.Hash(p.id, uint64(i), 2))
}

// split takes the number of a key apart.
func (p *population) split(d *Draw, i int64) {
	rest := i
	if p.lead != nil {
		rest = i % p.run
	}
	for n, f := range p.fields {
		switch {
		case f == p.lead:
			d.ids[n] = i / p.run
		case f.time && f.n > 0:
			d.ids[n], rest = rest%f.n, rest/f.n
		}
	}
	for n, f := range p.fields {
		switch {
		case f == p.lead || f.time && f.n > 0:
		case f.of >= 0:
		case f.n > 0:
			d.ids[n], rest = (rest%f.n+f.offset(i/p.run))%f.n, rest/f.n
		case f.time:
			d.ids[n] = rest
		default:
			d.ids[n] = i
		}
	}
	for n, f := range p.fields {
		if f.of >= 0 {
			d.ids[n] = f.made(d.ids[f.of])
		}
	}
}

// offset is where the values of a field begin for one value of the lead: not all users have the same first items.
func (f *field) offset(lead int64) int64 {
	return int64(random.Hash(uint64(lead), 5) >> 1 % uint64(f.n))
}

// made returns the number of a value that is made from the value of another field.
func (f *field) made(of int64) int64 {
	h := int64(random.Hash(uint64(of), 3) >> 2)
	if f.n > 0 {
		return h % f.n
	}
	return h
}

// valueOf returns the number of the value that is as popular as id says.
func (f *field) valueOf(id int64) int64 {
	if f.ordered {
		return id
	}
	return f.scatter.At(id)
}

// write appends the text of a key.
func (d *Draw) write(dst []byte, parts []part) []byte {
	for i := range parts {
		if n := parts[i].field; n >= 0 {
			dst = append(dst, d.text[d.spans[n].from:d.spans[n].to]...)
			continue
		}
		dst = append(dst, parts[i].literal...)
	}
	return dst
}

// placed returns what decides where the key is kept.
func (d *Draw) placed() []byte {
	if d.p.pk != nil {
		return d.pk
	}
	return d.Key
}

// lives returns the whole life of a key, and how much of it is left at a moment that was not chosen: of a fixed one anything,
// of a sliding one the more the oftener the key is used.
func (p *population) lives(d *Draw, h uint64) (life, left time.Duration) {
	if p.life <= 0 {
		return 0, 0
	}
	j := &p.ttl.Jitter
	u := random.Unit(h)
	seconds := p.life.Seconds()*(1+j.LowShare+u*(j.HighShare-j.LowShare)) + j.Low.Seconds() + u*(j.High-j.Low).Seconds()
	seconds = max(seconds, 0.001)
	v := random.Unit(random.Hash(h, 1))
	rest := seconds * v
	if p.ttl.Policy == schema.TTLSliding {
		rest = seconds - ageOf(v, seconds, p.rate(d))
	}
	return duration(seconds), max(duration(rest), time.Millisecond)
}

// ageOf returns how long ago a key that is used so often a second, and for which a life has not passed since, was used: the
// quantile v of the exponential distribution, cut off at life.
func ageOf(v, life, rate float64) float64 {
	if rate*life < 1e-6 {
		return v * life
	}
	return -math.Log1p(v*math.Expm1(-rate*life)) / rate
}

func duration(seconds float64) time.Duration {
	return time.Duration(min(seconds*float64(time.Second), math.MaxInt64/2))
}
