package cmd

import (
	"strings"

	"github.com/spf13/cobra"
)

// completeTargets completes schemes and leaves paths to the shell. It asks no network.
func (e *Env) completeTargets(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, a := range e.Adapters {
		for _, s := range a.Schemes {
			t := s + ":"
			if len(a.Examples) > 0 && strings.Contains(a.Examples[0], "://") {
				t += "//"
			}
			if strings.HasPrefix(t, typed) {
				out = append(out, t+"\t"+a.Title)
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoSpace
}
