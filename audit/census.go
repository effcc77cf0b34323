package audit

import (
	"math"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
)

// A census counts records, and those of them that were asked for more than their names.
type census struct {
	keys   int64 // records
	asked  int64 // of these: asked, with an answer or without
	stands int64 // how many keys those stand for: about all
}

// count counts r, and returns how many keys its facts stand for: 0 if it was not asked.
func (c *census) count(r *kv.Record) int64 {
	c.keys++
	n := max(0, r.Stands())
	if n > 0 {
		c.asked++
		c.stands += n
	}
	return n
}

func (c *census) merge(o *census) {
	c.keys += o.keys
	c.asked += o.asked
	c.stands += o.stands
}

// Form writes or reads c.
func (c *census) Form(f *saved.Form) { saved.Count(f, &c.keys, &c.asked, &c.stands) }

// how is what a metric that follows from more than names says of where it comes from.
func (c *census) how() string {
	if c.asked == c.keys {
		return ""
	}
	return kv.Sampled.String()
}

// scale turns a sum over the keys that records stand for into one over all keys. The two are equal unless a sample was
// asked, and nearly equal then: of the last keys of a kind none may have been asked.
func (c *census) scale(v int64) int64 {
	if c.stands == c.keys || c.stands == 0 {
		return v
	}
	return int64(math.Round(float64(v) * (float64(c.keys) / float64(c.stands))))
}
