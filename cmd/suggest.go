package cmd

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kvtool/kvtool/internal/spell"
)

// nearest returns the name that typed was probably meant to be, "" if none is near.
func nearest(typed string, names []string) string { return spell.Nearest(typed, names) }

func flagNames(c *cobra.Command) []string {
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}
