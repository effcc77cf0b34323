package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/kv"
)

// Main runs one command line and returns its exit code. The first interrupt cancels the run, which then writes what it
// has; a second one kills, since the handler is gone by then.
func Main(args []string, env *Env) (code int) {
	env.args = args
	defer func() {
		if p := recover(); p != nil {
			code = env.crash(p)
		}
	}()
	ctx, stop := interruptible(context.Background())
	defer stop()
	root := newRootCmd(env)
	addCompletion(root)
	root.SetArgs(args)
	return env.finish(ctx, root.ExecuteContext(ctx))
}

// interruptible returns a context that the first interrupt cancels with errInterrupted.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
		signal.Stop(signals)
	}()
	return ctx, func() { cancel(nil) }
}

const rootExamples = `  kvtool audit redis://127.0.0.1:6379   what is in a store; nothing is written
  kvtool keydesign check dump.rdb       hold a dump against rules and limits
  kvtool load run -s leaderboard        how long things take, from when due
  kvtool tui                            look around, here in the demo store`

func newRootCmd(env *Env) *cobra.Command {
	c := &cobra.Command{
		Use:           "kvtool",
		Short:         "Audit key-value stores, and load them",
		Long:          "kvtool audits key-value stores: what is in them, what it costs and what is wrong\nwith it. It reads. What writes are load run, find-max, replay and compare\n--interleave, and drift clean --apply, with --undo, which takes that back.",
		Example:       rootExamples,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE:          func(c *cobra.Command, _ []string) error { printStart(env.Stdout, c); return nil },
	}
	c.SetIn(env.Stdin)
	c.SetOut(env.Stdout)
	c.SetErr(env.Stderr)
	c.SetFlagErrorFunc(flagError)
	c.SetUsageTemplate(usageTemplate(c, env))
	c.PersistentFlags().Bool("debug", false, "print the stack of an internal error")
	var files configFlags
	files.bind(c)
	c.PersistentFlags().BoolVar(&env.yes, "yes", false, "do not ask: scan what is billed, apply a plan")
	c.PersistentPreRunE = func(c *cobra.Command, args []string) error { return env.configure(c, args, files) }
	c.AddCommand(
		newAuditCmd(env),
		newConfigCmd(env, &files),
		newDoctorCmd(env),
		newDriftCmd(env),
		newExportCmd(env),
		newHotkeysCmd(env),
		newKeydesignCmd(env),
		newLoadCmd(env),
		newReportCmd(env),
		newSimulateCostGroupCmd(env),
		newSkewCmd(env),
		newServeCmd(env),
		newTriageCmd(env),
		newTUICmd(env),
		newVersionCmd(env),
	)
	c.SetHelpCommand(newHelpCmd(c))
	return c
}

// addCompletion adds Cobra's command, which by itself takes no notice of a shell that it does not know.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args, c.RunE = noSuchCommand, func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
}

// newHelpCmd is Cobra's, but for a name that is no command: that is a mistake.
func newHelpCmd(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Say how a command is used",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return commandNames(c), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil {
				return err
			}
			if err := noSuchCommand(c, rest); err != nil {
				return err
			}
			return c.Help()
		},
	}
}

// printStart prints what kvtool alone says: how to begin and what there is, on one screen of 24 lines.
func printStart(w io.Writer, root *cobra.Command) {
	fmt.Fprintln(w, root.Short+":")
	fmt.Fprintln(w, root.Example)
	fmt.Fprintln(w)
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && c.Name() != "completion" && c.Name() != "help" {
			fmt.Fprintf(w, "  %-10s %s\n", c.Name(), c.Short)
		}
	}
	fmt.Fprintln(w, "\nkvtool COMMAND --help says more; without a TARGET a demo store is read.")
}

// usageTemplate is Cobra's with the flags wrapped to the terminal.
func usageTemplate(c *cobra.Command, env *Env) string {
	width := env.Width
	if width < 60 {
		width = 80
	}
	return strings.ReplaceAll(c.UsageTemplate(), ".FlagUsages", fmt.Sprintf(".FlagUsagesWrapped %d", width))
}

// noSuchCommand refuses arguments of a command that only groups others. An argument is quoted only if it cannot be a
// target, which may hold a password.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	where := "" // every error begins with the program's name
	if c.HasParent() {
		where = c.CommandPath() + ": "
	}
	if strings.ContainsAny(args[0], ":@/.") {
		return kv.WithHint(kv.Usagef("%sa command is missing before the argument", where), "kvtool audit TARGET")
	}
	err := kv.Usagef("%sunknown command %q", where, args[0])
	if s := nearest(args[0], commandNames(c)); s != "" {
		return kv.WithHint(err, "did you mean "+c.CommandPath()+" "+s+"?")
	}
	if at := elsewhere(c.Root(), args[0]); at != "" {
		return kv.WithHint(err, "did you mean "+at+"?")
	}
	return kv.WithHint(err, c.CommandPath()+" --help lists the commands")
}

// elsewhere returns the path of the command of that name in whatever group, "" if there is none or more than one.
func elsewhere(root *cobra.Command, name string) string {
	var found []string
	for _, group := range root.Commands() {
		for _, c := range group.Commands() {
			if c.Name() == name {
				found = append(found, c.CommandPath())
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

func commandNames(c *cobra.Command) []string {
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// atMostOne is cobra.MaximumNArgs(1), without printing an argument that may hold a password.
func atMostOne(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return kv.WithHint(kv.Usagef("%s takes one argument at most, not %d", c.CommandPath(), len(args)), "usage: "+c.UseLine())
	}
	return nil
}
