package infer

import (
	"regexp"
	"strings"
)

// The baselines: what tools do that have no inference of templates. Each gives
// the name of the group of a key.

// firstSegment takes the first segment as name space, as most key browsers do.
func firstSegment(keys []string) []string {
	return grouped(keys, func(k string) string {
		if i := strings.IndexAny(k, ":/|#"); i >= 0 {
			return k[:i]
		}
		return k
	})
}

// digitSegment takes a segment with a digit for an id, as
// redis-memory-analyzer does.
func digitSegment(keys []string) []string {
	return grouped(keys, func(k string) string {
		parts := strings.Split(k, ":")
		for i, p := range parts {
			if strings.ContainsAny(p, decimals) {
				parts[i] = "*"
			}
		}
		return strings.Join(parts, ":")
	})
}

var masks = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`), "<uuid>"},
	{regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.]+`), "<email>"},
	{regexp.MustCompile(`\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}`), "<ip>"},
	{regexp.MustCompile(`\b[0-9a-f]{16,64}\b`), "<hex>"},
	{regexp.MustCompile(`\d+`), "<n>"},
}

func masked(k string) string {
	for _, m := range masks {
		k = m.re.ReplaceAllLiteralString(k, m.with)
	}
	return k
}

func regexMasks(keys []string) []string { return grouped(keys, masked) }

func grouped(keys []string, name func(string) string) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = name(k)
	}
	return out
}

// drain is Drain (He et al., ICWS 2017): a tree of fixed depth over the number
// of tokens and the first ones, then the most similar group at a leaf.
type drain struct {
	leaves map[string][]*drainGroup
	kids   map[string]int
	next   int
}

type drainGroup struct {
	tokens []string
	id     string
}

const (
	drainSimilarity = .4
	drainKids       = 100
)

func (d *drain) add(key string) *drainGroup {
	tokens := strings.FieldsFunc(key, func(r rune) bool { return strings.ContainsRune(":/|#-_.", r) })
	path := string(rune('0' + len(tokens)))
	for _, t := range tokens[:min(2, len(tokens))] {
		if strings.ContainsAny(t, decimals) {
			t = "<*>"
		}
		next := path + "\x00" + t
		if _, ok := d.leaves[next]; !ok {
			if d.kids[path] >= drainKids {
				next = path + "\x00<*>"
			}
			d.kids[path]++
			if d.leaves[next] == nil {
				d.leaves[next] = []*drainGroup{}
			}
		}
		path = next
	}
	var best *drainGroup
	most := -1.0
	for _, g := range d.leaves[path] {
		same := 0
		for i := range tokens {
			if tokens[i] == g.tokens[i] {
				same++
			}
		}
		if s := float64(same) / float64(max(1, len(tokens))); s > most {
			best, most = g, s
		}
	}
	if best == nil || most < drainSimilarity {
		d.next++
		best = &drainGroup{tokens: tokens, id: string(rune(d.next))}
		if len(d.leaves[path]) < 500 { // as published it has no bound, and no end here
			d.leaves[path] = append(d.leaves[path], best)
		}
		return best
	}
	for i := range tokens {
		if tokens[i] != best.tokens[i] {
			best.tokens[i] = "<*>"
		}
	}
	return best
}

func drained(keys []string, before func(string) string) []string {
	d := drain{leaves: map[string][]*drainGroup{}, kids: map[string]int{}}
	groups := make([]*drainGroup, len(keys))
	for i, k := range keys {
		groups[i] = d.add(before(k))
	}
	names := map[*drainGroup]string{}
	out := make([]string, len(keys))
	for i, g := range groups {
		n, ok := names[g]
		if !ok {
			n = strings.Join(g.tokens, " ")
			names[g] = n
		}
		out[i] = n
	}
	return out
}

func drainOnly(keys []string) []string  { return drained(keys, func(k string) string { return k }) }
func masksDrain(keys []string) []string { return drained(keys, masked) }
