package cmd

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/report/render"
)

// complete sets how the values of a flag are completed. Completion never asks a network.
func complete(c *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // the command has no such flag, or completes it already
	}
}

func fixedValues(c *cobra.Command, flag string, values ...string) {
	complete(c, flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// completeFormats completes -o.
func completeFormats(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, f := range render.Formats() {
		out = append(out, f.Name+"\t"+f.Doc)
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// completeRules completes rule ids.
func completeRules(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, r := range rules() {
		if len(args) == 0 && strings.HasPrefix(r.ID, strings.ToUpper(typed)) {
			out = append(out, r.ID+"\t"+r.Name)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// completeTargets completes the names of profiles and schemes, and leaves paths to the shell.
func (e *Env) completeTargets(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 && !strings.Contains(c.Use, "TARGET…") {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	if conf, err := e.readConfig(configFlags{file: c.Flag("config").Value.String()}); err == nil {
		for _, name := range conf.names() {
			if strings.HasPrefix("@"+name, typed) {
				out = append(out, "@"+name+"\t"+conf.profile(name).Settings.Text("url"))
			}
		}
	}
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
