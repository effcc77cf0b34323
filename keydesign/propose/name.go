package propose

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// names are those of templates and shared fields that are taken, and the types of other placeholders by name.
type names struct {
	templates, fields map[string]bool
	types             map[string]string
}

// namesOf returns the names of s, which may be nil.
func namesOf(s *schema.Schema) names {
	n := names{map[string]bool{}, map[string]bool{}, map[string]string{}}
	if s == nil {
		return n
	}
	for i := range s.Templates {
		n.templates[s.Templates[i].Name] = true
		for _, p := range s.Templates[i].Key {
			if p.Type != nil && p.Field != "" {
				n.types[p.Field] = p.Type.String()
			}
		}
	}
	for i := range s.Fields {
		n.fields[s.Fields[i].Name] = true
	}
	return n
}

// longestName is the most bytes of a name, before what makes it unique.
const longestName = 40

// nameOf makes a name of words: lower-case letters, digits and _, a letter first.
func nameOf(words []string) string {
	name := strings.Join(words, "_")
	if name == "" || name[0] < 'a' {
		name = "k_" + name
	}
	if len(name) > longestName {
		name = strings.TrimRight(name[:longestName], "_")
	}
	return strings.TrimRight(name, "_")
}

// take returns the first of the wanted names that is not taken, or else the last with a number, and takes it.
func take(taken map[string]bool, wanted ...string) string {
	for _, name := range wanted {
		if !taken[name] {
			taken[name] = true
			return name
		}
	}
	last := wanted[len(wanted)-1]
	for i := 2; ; i++ {
		if name := last + "_" + strconv.Itoa(i); !taken[name] {
			taken[name] = true
			return name
		}
	}
}

// inline returns a name for a placeholder of d that shares its values with no other: the first of the wanted ones that is none of
// a shared field, nor of another placeholder of the key, nor of another type than t, if that matters.
func (n *names) inline(d *draft, t schema.Type, wanted []string) string {
	taken := maps.Clone(n.fields)
	if t.Kind != "" {
		for name, other := range n.types {
			taken[name] = taken[name] || other != t.String()
		}
	}
	for i := range d.pieces {
		if x := d.pieces[i].domain; x != nil && x.name != "" {
			taken[x.name] = true
		}
	}
	name := take(taken, wanted...)
	if t.Kind != "" {
		n.types[name] = t.String()
	}
	return name
}

// nameAll names the templates by their literals. Where two have the same, the one whose key is longer or that has fewer keys is
// told apart by the type of its last placeholder.
func (p *proposal) nameAll() {
	order := slices.Clone(p.drafts)
	slices.SortStableFunc(order, func(a, b *draft) int { return cmp.Compare(len(a.pieces), len(b.pieces)) })
	for _, d := range order {
		if d.have != nil {
			d.out.Name = d.have.Name
			continue
		}
		words := d.nameWords()
		var types []string
		for i := range d.pieces {
			if q := &d.pieces[i]; q.types != nil {
				types = append(types, string(q.typ().Kind))
			}
		}
		if len(words) == 0 {
			words, types = types, nil
		}
		told := words
		if len(types) > 0 {
			told = append(slices.Clip(words), types[len(types)-1])
		}
		d.out.Name = take(p.names.templates, nameOf(words), nameOf(told))
	}
}

// nameWords returns the words of the key's literals, without letters that only lead a value: the P of product:P17.
func (d *draft) nameWords() []string {
	var out []string
	for i := range d.pieces {
		words := splitWords(d.pieces[i].literal)
		last := len(words) - 1
		leads := i+1 < len(d.pieces) && last >= 0 && strings.HasSuffix(strings.ToLower(d.pieces[i].literal), words[last])
		if leads && len(words[last]) <= shortPrefix && len(out)+last > 0 {
			words = words[:last]
		}
		out = append(out, words...)
	}
	return out
}

// fieldName proposes a name for the values of a placeholder: for what it is, or for what it identifies.
func (p *piece) fieldName() string {
	entity := singular(lastWord(p.before))
	switch kind := p.typ().Kind; kind {
	case schema.TypeEmail, schema.TypeIP, schema.TypeMAC, schema.TypeURL, schema.TypePhone, schema.TypeDate, schema.TypeFloat,
		schema.TypeJSON, schema.TypeBin, schema.TypeGeohash:
		return string(kind)
	case schema.TypeISOWeek:
		return "week"
	case schema.TypeTSs, schema.TypeTSms:
		return "at"
	case schema.TypeWord, schema.TypeSlug, schema.TypeStr, schema.TypeEnum:
		return "name"
	case schema.TypeRE:
		return "rest"
	case schema.TypeHex:
		if p.typ().N >= leastDigest && slices.Contains(digested[:], entity) {
			return entity + "_hash"
		}
	}
	switch {
	case p.first:
		return "id"
	case entity == "":
		return "num"
	}
	return entity + "_id"
}

// leastDigest is how many hexadecimal digits a digest has at least; digested are things that are put into keys as one.
const leastDigest = 32

var digested = [...]string{"email", "mail", "phone", "url", "query", "ip", "token", "address", "name", "search", "page"}

func lastWord(literal string) string {
	words := splitWords(literal)
	for i := len(words) - 1; i >= 0; i-- {
		if words[i][0] >= 'a' {
			return words[i]
		}
	}
	return ""
}

// singular returns a word without the s of its plural: users, categories; not address, status.
func singular(word string) string {
	switch {
	case len(word) > 4 && strings.HasSuffix(word, "ies"):
		return word[:len(word)-3] + "y"
	case len(word) > 3 && strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss") && !strings.HasSuffix(word, "us") && !strings.HasSuffix(word, "is"):
		return word[:len(word)-1]
	}
	return word
}
