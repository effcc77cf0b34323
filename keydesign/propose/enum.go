package propose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// Inference leaves a few words in one place apart, since they may be names of different things: lb:books:{week},
// lb:music:{week}. Where they continue alike and hold the same, they are values: lb:{name:enum[books,music]}:{week}.

// Bounds of an enumeration: fewer values are names, more would have been folded.
const (
	fewestValues = 3
	mostValues   = 64
)

// enumerate joins drafts whose keys differ in one word alone.
func (p *proposal) enumerate() {
	groups := map[string][]*draft{}
	var order []string
	for _, d := range p.drafts {
		for _, w := range d.openings() {
			if groups[w.frame] == nil {
				order = append(order, w.frame)
			}
			groups[w.frame] = append(groups[w.frame], d)
		}
	}
	// The frame of most drafts first: each draft is joined once.
	slices.SortStableFunc(order, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(groups[b]), len(groups[a])), cmp.Compare(a, b))
	})
	gone := map[*draft]bool{}
	for _, frame := range order {
		in := slices.DeleteFunc(groups[frame], func(d *draft) bool { return gone[d] })
		if len(in) < fewestValues || len(in) > mostValues {
			continue
		}
		into := join(in, frame)
		for _, d := range in {
			gone[d] = d != into
		}
	}
	p.drafts = slices.DeleteFunc(p.drafts, func(d *draft) bool { return gone[d] })
}

// An opening is a word of the literal that the key begins with, which may be one of several: the key around it, and where it
// stands.
type opening struct {
	frame, word string
	start, end  int
}

// openings returns the words before the first placeholder that may be values. The first word of a key is a name, and so is one
// before an identifier: that of what is identified.
func (d *draft) openings() []opening {
	if len(d.pieces) == 0 || d.pieces[0].types != nil || d.identifies() || d.have != nil {
		return nil
	}
	var out []opening
	literal := d.pieces[0].literal
	for start := 0; start < len(literal); {
		end := start + strings.IndexAny(literal[start:]+":", ":/|#{}")
		if word := literal[start:end]; start > 0 && word != "" && isValue(word) {
			out = append(out, opening{d.frame(start, end), word, start, end})
		}
		start = end + 1
	}
	return out
}

// identifies reports whether a placeholder of the key identifies something.
func (d *draft) identifies() bool {
	return slices.ContainsFunc(d.pieces, func(p piece) bool { return p.types != nil && p.identifies() })
}

// isValue reports whether a word may stand in an enumeration.
func isValue(word string) bool {
	return strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == ""
}

// opened marks the place of the word in a frame, closed each side of a type.
const (
	opened = "\x00"
	closed = "\x01"
)

// frame is the key with the bytes from start to end left open, and what else must be equal for the word to be a value: the types
// of the placeholders, and what the keys hold and how long.
func (d *draft) frame(start, end int) string {
	var b strings.Builder
	for i := range d.pieces {
		switch p := &d.pieces[i]; {
		case p.types != nil:
			t := p.typ()
			b.WriteString(closed + t.String() + closed)
		case i == 0:
			b.WriteString(p.literal[:start] + opened + p.literal[end:])
		default:
			b.WriteString(p.literal)
		}
	}
	ttl := &d.out.TTL
	return fmt.Sprint(b.String(), closed, d.out.Type, closed, d.out.Kind, closed, ttl.Policy, ttl.Value, ttl.Idle)
}

// join makes one draft of several that differ in the word that the frame leaves open: the one with the most keys, with the
// word as a placeholder.
func join(in []*draft, frame string) *draft {
	into := slices.MaxFunc(in, func(a, b *draft) int { return cmp.Compare(a.Keys, b.Keys) })
	var values []string
	for _, d := range in {
		for _, w := range d.openings() {
			if w.frame == frame {
				values = append(values, w.word)
			}
		}
		if d != into {
			into.absorb(d)
		}
	}
	slices.Sort(values)
	into.open(frame, slices.Compact(values))
	return into
}

// open puts an enumeration into the place that the frame leaves open.
func (d *draft) open(frame string, values []string) {
	for _, w := range d.openings() {
		if w.frame != frame {
			continue
		}
		literal := d.pieces[0].literal
		d.pieces = slices.Replace(d.pieces, 0, 1, nonEmpty(
			piece{literal: literal[:w.start]},
			piece{types: []schema.Type{{Kind: schema.TypeEnum, Values: values}}, before: lastWord(literal[:w.start])},
			piece{literal: literal[w.end:]})...)
		return
	}
}

func nonEmpty(ps ...piece) []piece {
	return slices.DeleteFunc(ps, func(p piece) bool { return p.types == nil && p.literal == "" })
}

// absorb adds what is known of another draft.
func (d *draft) absorb(o *draft) {
	t, u := &d.out, &o.out
	t.Cardinality.Live += u.Cardinality.Live
	t.Inferred.Keys += u.Inferred.Keys
	d.bytes += o.bytes
	t.Value.Size.P50 = max(t.Value.Size.P50, u.Value.Size.P50)
	t.Value.Size.P99 = max(t.Value.Size.P99, u.Value.Size.P99)
	t.Value.Size.Max = max(t.Value.Size.Max, u.Value.Size.Max)
	t.Value.Elements.Max = max(t.Value.Elements.Max, u.Value.Elements.Max)
	d.notes = append(d.notes, o.notes...)
}
