package schema

// Lives returns the TTL that each template has: its own, that of the template it inherits from, or the default. What inherits in
// a circle, or from nothing, has none. However long chains of inheritance are, each template is visited once.
func (s *Schema) Lives() []TTL {
	index := make(map[string]int, len(s.Templates))
	for i := range s.Templates {
		index[s.Templates[i].Name] = i
	}
	lives, known := make([]TTL, len(s.Templates)), make([]bool, len(s.Templates))
	for i := range s.Templates {
		var heirs []int
		at, ok := i, true
		for ok && !known[at] && s.Templates[at].TTL.Policy == TTLInherit {
			known[at] = true // for who comes again in a circle
			heirs = append(heirs, at)
			at, ok = index[s.Templates[at].TTL.Of]
		}
		if !ok {
			continue
		}
		if !known[at] {
			known[at], lives[at] = true, s.Templates[at].TTL
			if lives[at].Policy == "" {
				lives[at] = s.Defaults.TTL
			}
		}
		for _, h := range heirs {
			lives[h] = lives[at]
		}
	}
	return lives
}
