package lint

import (
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// Suppressions returns the lint.ignore of the file and of its templates, as a gate takes them. They are for all rules, also
// those that only keys can break: whoever judges keys against the schema needs them, too.
func Suppressions(s *schema.Schema) []report.Suppression {
	var all []report.Suppression
	for i := range s.Ignores {
		all = append(all, suppression(&s.Ignores[i], s.Template(s.Ignores[i].On)))
	}
	for i := range s.Templates {
		t := &s.Templates[i]
		for j := range t.Ignores {
			all = append(all, suppression(&t.Ignores[j], t))
		}
	}
	return all
}

// suppression is of the findings on a template, of all if it is nil.
func suppression(ig *schema.Ignore, t *schema.Template) report.Suppression {
	match := "*"
	if t != nil {
		match = t.Key.String()
	}
	return report.Suppression{Rule: ig.Rule, Match: match, Reason: ig.Reason, Expires: ig.Expires, Pos: ig.Pos}
}
