package cmd

import (
	"cmp"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kvtool/kvtool/kv"
)

// flagError adds to an error about a flag what the user may have meant, or what the flag wants. It is in the words of this program,
// where those of the flag package are a programmer's.
func flagError(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &invalid):
		f := invalid.GetFlag()
		text := err.Error()
		if cause := invalid.Unwrap().Error(); !strings.HasPrefix(cause, "want") {
			text = strings.TrimSuffix(text, cause) + cmp.Or(wants(f), cause)
		}
		return kv.WithHint(kv.Usagef("%s: %s", c.CommandPath(), text), cmp.Or(kv.Hint(invalid.Unwrap()), valueHint(c, f, invalid.GetValue())))
	case errors.As(err, &missing):
		return kv.WithHint(kv.Usagef("%s: %w", c.CommandPath(), err), usageHint(missing.GetFlag()))
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		text, _, _ := strings.Cut(err.Error(), " in ") // what follows it may be a password: -aPASSWORD
		return kv.WithHint(kv.Usagef("%s: %s", c.CommandPath(), text), helpHint(c))
	case errors.As(err, &unknown):
		if s := nearest(unknown.GetSpecifiedName(), flagNames(c)); s != "" {
			return kv.WithHint(kv.Usagef("%s: %w", c.CommandPath(), err), "did you mean --"+s+"?")
		}
	}
	return kv.WithHint(kv.Usagef("%s: %w", c.CommandPath(), err), helpHint(c))
}

func helpHint(c *cobra.Command) string { return c.CommandPath() + " --help lists the flags" }

// wants says what a flag of one of the flag package's types wants; those of this package say it themselves.
func wants(f *pflag.Flag) string {
	return map[string]string{
		"bool": "want true or false", "duration": "want a time such as 500ms, 30s or 5m", "float64": "want a number such as 0.5",
		"int": "want a whole number", "int64": "want a whole number", "uint64": "want a whole number, not a negative one",
	}[f.Value.Type()]
}

// valueHint says which of its words was probably meant for a value that a flag does not take, or else what the flag is for.
func valueHint(c *cobra.Command, f *pflag.Flag, typed string) string {
	if values, ok := c.GetFlagCompletionFunc(f.Name); ok {
		words, _ := values(c, nil, "")
		for i := range words {
			words[i], _, _ = strings.Cut(words[i], "\t")
		}
		if s := nearest(strings.ToLower(typed), words); s != "" {
			return "did you mean --" + f.Name + " " + s + "?"
		}
	}
	return usageHint(f)
}

// usageHint is what --help says of a flag.
func usageHint(f *pflag.Flag) string {
	name, usage := pflag.UnquoteUsage(f)
	return strings.TrimSpace("--"+f.Name+" "+name) + ": " + usage
}

func flagNames(c *cobra.Command) []string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}
