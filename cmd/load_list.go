package cmd

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/loadgen/scenario"
)

func newLoadListCmd(env *Env) *cobra.Command {
	var show string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the scenarios that come with kvtool",
		Long: "List the scenarios that come with kvtool. Each is a file: --show\nprints it, to be changed and run by its path. Of a property file of\n" +
			"YCSB it prints the scenario that it stands for.",
		Example: "  kvtool load list\n  kvtool load list --show leaderboard\n  kvtool load list --show workloada.properties",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			if show != "" {
				return showScenario(env, show)
			}
			return listScenarios(env)
		},
	}
	c.Flags().StringVar(&show, "show", "", "print the file of `NAME`, or the scenario of a property file")
	fixedValues(c, "show", scenario.Builtins()...)
	return c
}

func showScenario(env *Env, name string) error {
	_, data, err := scenarioFile(name)
	if err == nil {
		_, err = env.Stdout.Write(data)
	}
	return err
}

func listScenarios(env *Env) error {
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	for _, name := range scenario.Builtins() {
		s, err := readScenario(name, nil)
		if err != nil {
			return err
		}
		about, _, _ := strings.Cut(s.About, "\n")
		fmt.Fprintf(w, "%s\t%s\n", name, about)
	}
	return w.Flush()
}
