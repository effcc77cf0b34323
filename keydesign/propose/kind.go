package propose

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// A hint is words that tell what keys are for, with the types that such keys have; nil is any.
type hint struct {
	kind  schema.Kind
	words string
	types []string
}

const indexWords = "idx index indexes lookup by"

// hints say what words of keys tell. The first word of a key that is one of these, and whose types fit, counts.
func hints() []hint {
	strings := []string{"string"}
	return []hint{
		{schema.Session, "session sessions sess sid", []string{"string", "hash", "json"}},
		{schema.RateLimit, "rl ratelimit ratelimits rate throttle quota limiter", nil},
		{schema.Cache, "cache cached caches memo fragment", nil},
		{schema.Index, indexWords, []string{"string", "hash", "set", "zset"}},
		{schema.Queue, "q queue queues jobs job pending worklist", []string{"list", "zset", "stream"}},
		{schema.Leaderboard, "lb leaderboard leaderboards rank ranks ranking rankings top highscore", []string{"zset"}},
		{schema.Counter, "counter counters count counts cnt hits views visits", strings},
		{schema.Config, "flag flags feature features config cfg conf setting settings toggle toggles", nil},
		{schema.Temp, "tmp temp scratch", nil},
	}
}

// expires reports whether keys of the kind are to have a TTL.
func (h *hint) expires() bool {
	switch h.kind {
	case schema.Session, schema.RateLimit, schema.Cache, schema.Temp:
		return true
	}
	return false
}

// largeBlob is the median size from which a string is a blob, in bytes.
const largeBlob = 256 << 10

// kindOf guesses what the keys are for, from their words, their type and whether they expire. It returns "" where nothing says.
func (d *draft) kindOf() schema.Kind {
	if d.Lock && d.TTL.Keys > 0 {
		return schema.Lock
	}
	for _, w := range d.words() {
		for _, h := range hints() {
			if !slices.Contains(strings.Fields(h.words), w) || h.types != nil && d.out.Type != "" && !slices.Contains(h.types, d.out.Type) {
				continue
			}
			if h.kind == schema.Temp && d.TTL.Expiring == 0 || d.TTL.Keys == 0 && h.expires() {
				return "" // what is never removed was not meant to be temporary; and without a TTL it could not be declared
			}
			return h.kind
		}
	}
	switch {
	case d.out.Type == "stream":
		return schema.Stream
	case d.out.Type == "string" && d.Size.Known && d.Size.P50 >= largeBlob:
		return schema.Blob
	case d.leadsByValue():
		return schema.Index
	case (d.out.Type == "hash" || d.out.Type == "json") && d.TTL.Keys > 0 && d.TTL.Expiring == 0:
		return schema.Record
	}
	return ""
}

// leadsByValue reports whether the keys lead from what somebody knows to what it belongs to: user:email:{email} in a string.
func (d *draft) leadsByValue() bool {
	last := len(d.pieces) - 1
	if last < 0 || d.pieces[last].types == nil || d.out.Type != "string" && d.out.Type != "" || d.TTL.Expiring > 0 {
		return false
	}
	switch d.pieces[last].typ().Kind {
	case schema.TypeEmail, schema.TypePhone:
		return true
	}
	return false
}

// words returns the words of the literals, in lower case.
func (d *draft) words() []string {
	var out []string
	for i := range d.Segments {
		if s := &d.Segments[i]; s.Type == "" {
			out = append(out, splitWords(s.Literal)...)
		}
	}
	return out
}

// splitWords returns the words of a literal: what stands between other bytes than letters and digits.
func splitWords(literal string) []string {
	return strings.FieldsFunc(strings.ToLower(literal), func(r rune) bool {
		return r > 'z' || (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}
