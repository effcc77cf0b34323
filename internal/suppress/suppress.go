// Package suppress reads .kvtool-ignore.yaml: the findings that a team has accepted for a time. It owns what the file may hold;
// which findings an entry is about is decided where they are judged (report.Judge).
//
// The one idea is that an exception has a reason and an end. An entry without either is a mistake with a line, and so is one
// that would end years from now, or one so wide that nobody could say what it accepts. That its day has passed is none: then
// the finding is back.
package suppress

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/report"
)

// Bounds of a file.
const (
	MaxSize    = 1 << 20 // bytes
	leastWords = 10      // characters of a reason
)

// MaxDays is how many days ahead an entry may end unless the configuration says otherwise.
const MaxDays = 180

// Parse reads the contents of a file, which errors call name. Entries may end at most maxDays after the day of now. The error
// is a *yamlfile.Error, or *yamlfile.Mistakes if there are several.
func Parse(name string, data []byte, now time.Time, maxDays int) ([]report.Suppression, error) {
	n, err := yamlfile.Read(name, data, MaxSize)
	if err != nil || n.Empty() {
		return nil, err
	}
	var all []report.Suppression
	last := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, maxDays)
	return all, file(&all, last, maxDays).Read(n)
}

// Schema returns the JSON Schema of the file, for editors.
func Schema() map[string]any {
	s := file(new([]report.Suppression), time.Time{}, 0).Form()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = ".kvtool-ignore.yaml"
	s["description"] = "Findings of kvtool that were accepted, each with a reason and an end."
	return s
}

func file(all *[]report.Suppression, last time.Time, maxDays int) yamlfile.Value {
	return yamlfile.Keys{
		{Name: "version", Doc: "Version of this format.", Required: true, Value: version()},
		{Name: "suppressions", Doc: "What was accepted.", Value: yamlfile.List(all, func(s *report.Suppression) yamlfile.Value {
			return entry(s, last, maxDays)
		})},
	}.Value()
}

func version() yamlfile.Value {
	return yamlfile.Value{
		Read: func(n yamlfile.Node) error {
			if text, tag := n.Scalar(); text != "1" || tag != "!!int" {
				return n.Wantf("1")
			}
			return nil
		},
		Form: func() yamlfile.Form { return yamlfile.Form{"const": 1} },
	}
}

// entry reads one suppression and holds it against what every one must be.
func entry(s *report.Suppression, last time.Time, maxDays int) yamlfile.Value {
	keys := yamlfile.Keys{
		{Name: "rule", Doc: "Id of a rule, such as KD025.", Required: true, Value: rule(&s.Rule)},
		{Name: "match", Doc: "A template, the beginning of some and a *, or the fingerprint of a finding.", Required: true, Value: match(&s.Match)},
		{Name: "target", Doc: "Name of a target, or the beginning of some and a *; any if it is missing.", Value: yamlfile.Text(&s.Target)},
		{Name: "reason", Doc: "Why it was accepted, in 10 characters or more.", Required: true, Value: reason(&s.Reason)},
		{Name: "expires", Doc: "The last day that it holds, such as 2026-12-31.", Required: true, Value: yamlfile.Date(&s.Expires)},
		{Name: "owner", Doc: "Who has accepted it.", Value: yamlfile.Text(&s.Owner)},
		{Name: "ticket", Doc: "Where it is to be solved.", Value: yamlfile.Text(&s.Ticket)},
	}
	v := keys.Value()
	v.Read = func(n yamlfile.Node) error {
		if err := keys.Read(n); err != nil {
			return err
		}
		s.Pos = report.Pos{File: n.File(), Line: n.Line()}
		if s.Expires.After(last) {
			return n.Errorf("%s: expires on %s, which is more than %d days ahead", n.Path(), s.Expires.Format(time.DateOnly), maxDays)
		}
		return nil
	}
	return v
}

func rule(p *string) yamlfile.Value {
	return yamlfile.Match(p, `^[A-Z]{2}[0-9]{3}$`, "the id of a rule, such as KD025")
}

// match refuses what would accept everything.
func match(p *string) yamlfile.Value {
	form := yamlfile.Form{"type": "string", "minLength": 1, "not": yamlfile.Form{"const": "*"}}
	return checked(p, "a template, the beginning of some and a *, or a fingerprint", form, func(s string) bool { return s != "*" })
}

func reason(p *string) yamlfile.Value {
	form := yamlfile.Form{"type": "string", "minLength": leastWords}
	return checked(p, "why, in 10 characters or more", form, func(s string) bool {
		return utf8.RuneCountInString(strings.TrimSpace(s)) >= leastWords
	})
}

// checked is a text that ok accepts.
func checked(p *string, want string, form yamlfile.Form, ok func(string) bool) yamlfile.Value {
	text := yamlfile.Text(p)
	return yamlfile.Value{
		Read: func(n yamlfile.Node) error {
			if err := text.Read(n); err != nil || !ok(*p) {
				return n.Wantf("%s", want)
			}
			return nil
		},
		Form: func() yamlfile.Form { return form },
	}
}
