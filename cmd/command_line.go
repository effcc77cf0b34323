package cmd

import (
	"strings"

	"github.com/kvtool/kvtool/kv"
)

// commandLine is what was typed, in the quotes of a shell, without secrets and without where the report went and how it looked: the
// same report has the same line however it is shown. What shows a saved report makes none.
func (e *Env) commandLine() string {
	if len(e.args) == 0 {
		return ""
	}
	words := []string{"kvtool"}
	for i := 0; i < len(e.args); i++ {
		a := e.args[i]
		if shows, next := ofTheView(a); shows {
			i += next
			continue
		}
		flag, value, has := strings.Cut(a, "=")
		if !has || !strings.HasPrefix(flag, "-") {
			flag, value = "", a
		} else {
			flag += "="
		}
		words = append(words, quoted(flag+withoutSecret(value)))
	}
	return strings.Join(words, " ")
}

// ofTheView reports whether an argument is a flag that says where the report goes or how it looks, and how many behind it are its
// value.
func ofTheView(a string) (is bool, next int) {
	name, _, has := strings.Cut(a, "=")
	switch name {
	case "-q", "--quiet", "--ascii":
		return true, 0
	case "-o", "--output", "--save", "--width", "--color", "--progress":
		if has {
			return true, 0
		}
		return true, 1
	}
	return strings.HasPrefix(a, "-o") && !strings.HasPrefix(a, "--"), 0
}

// withoutSecret hides a password in what may be a target.
func withoutSecret(arg string) string {
	if t, err := kv.ParseTarget(arg); err == nil && (t.HasSecret() || strings.Contains(arg, "@")) {
		return scrub(t.String())
	}
	return scrub(arg)
}
