package redis

import (
	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// A plan is what is asked of one key: the commands, in the order in which they are answered. A scan has few different ones.
type plan struct {
	want  kv.Field
	idle  bool // the key is of the sample that is asked how long it has been idle
	mode  resp.Mode
	attrs []attr
	each  []resp.Command
	hits  int64 // how many of the commands the server counts as hits
	asked int64 // of how many keys
}

// plan returns the index of the plan for the facts of want, which is made if there is none yet.
func (sc *scan) plan(want kv.Field, idle bool) (int, error) {
	want &= sc.opt.Want
	for i := range sc.plans {
		if p := &sc.plans[i]; p.want == want && p.idle == idle {
			return i, nil
		}
	}
	p := plan{want: want, idle: idle, mode: resp.ReadOnly}
	asks := sc.asks(&p)
	for x, asked := range asks {
		if !asked {
			continue
		}
		c, err := p.mode.Command(1, attrs[x].words...)
		if err != nil {
			return 0, err
		}
		p.attrs = append(p.attrs, attr(x))
		p.each = append(p.each, c)
		if x := attr(x); x != attrSize {
			p.hits++ // seen of Redis 6.2 to 7.2 and Valkey 9
		}
	}
	sc.plans = append(sc.plans, p)
	return len(sc.plans) - 1, nil
}

// asks returns which attributes p asks for, and sets the mode that they need.
func (sc *scan) asks(p *plan) (asks [numAttrs]bool) {
	for x := range numAttrs {
		asks[x] = p.want&attrs[x].field != 0 && sc.abilities.has(x) && (p.idle || !attrs[x].sampled || sc.opt.Each&attrs[x].field != 0)
	}
	if p.want&kv.FieldLen != 0 && sc.lengths {
		asks[attrType] = sc.abilities.has(attrType) // it says which command tells the length
	}
	if p.want&kv.FieldSize != 0 && sc.abilities.model != nil {
		p.mode = resp.NoTouch
		for _, x := range []attr{attrType, attrEncoding, attrStrlen} {
			asks[x] = sc.abilities.has(x)
		}
	}
	return asks
}

// planOf returns the plan of the i-th key.
func (sc *scan) planOf(p *batch, i int) *plan {
	if i < len(p.plans) {
		return &sc.plans[p.plans[i]]
	}
	return &sc.plans[0]
}

// choose makes a plan for each key of p, unless all have the first. Whoever consumes the scan is asked about each key once,
// in the order in which they will be yielded.
func (sc *scan) choose(p *batch) error {
	sampled := sc.opt.Want&sampledFacts&^sc.opt.Each != 0
	if sc.opt.Ask == nil && !sampled {
		return nil
	}
	for _, key := range p.keys {
		want := sc.opt.Want
		if sc.opt.Ask != nil {
			want = sc.opt.Ask(key)
		}
		i, err := sc.plan(want, !sampled || inSample(key))
		if err != nil {
			return err
		}
		p.plans = append(p.plans, uint8(i))
	}
	return nil
}

// countAsks returns ask, if there is one, counting in n how often it is called.
func countAsks(ask func(string) kv.Field, n *int64) func(string) kv.Field {
	if ask == nil {
		return nil
	}
	return func(key string) kv.Field {
		*n++
		return ask(key)
	}
}

// sampledFacts are asked of a sample of the keys: one in sampleOf, by the hash of its name, so that another scan asks the
// same ones. A distribution over many keys needs no more, and each fact less is a command less.
const (
	sampledFacts = kv.FieldIdle | kv.FieldFreq
	sampleOf     = 16
)

// inSample reports whether a key is of the sample: by its FNV-1a hash (http://www.isthe.com/chongo/tech/comp/fnv/), folded
// as that page advises where fewer bits are wanted.
func inSample(key string) bool {
	h := uint32(2166136261)
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	return (h>>4^h>>20)%sampleOf == 0
}
