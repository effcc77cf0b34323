package cmd

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/keydesign/foreign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report/render"
)

// designExportOptions are the flags of keydesign export.
type designExportOptions struct {
	to, out string
}

func newDesignExportCmd(env *Env) *cobra.Command {
	var o designExportOptions
	c := &cobra.Command{
		Use:   "export FILE... --to FORMAT",
		Short: "Write the items of a keys.yaml for another tool",
		Long: `Write what a keys.yaml declares of DynamoDB, its templates of type item, as a
OneTable schema or as ElectroDB entities. Imported again they have the same
keys. What the format has no word for is said on stderr.`,
		Example: "  kvtool keydesign export keys.yaml --to onetable\n" +
			"  kvtool keydesign export keys.yaml --to electrodb --out entities.json",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return kv.WithHint(kv.Usagef("%s takes one FILE or more", c.CommandPath()), "kvtool keydesign export keys.yaml --to onetable")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return runDesignExport(env, o, args) },
	}
	c.Flags().StringVar(&o.to, "to", "", "`FORMAT` to write: "+strings.Join(exportableFormats(), ", "))
	c.Flags().StringVar(&o.out, "out", "", "write to `FILE` instead of stdout")
	fixedValues(c, "to", exportableFormats()...)
	return c
}

func exportableFormats() []string {
	var names []string
	for _, f := range foreign.Formats() {
		if f.Writable() {
			names = append(names, f.Name)
		}
	}
	return names
}

func runDesignExport(env *Env, o designExportOptions, paths []string) error {
	f, err := foreignFormat("--to", o.to, exportableFormats())
	if err != nil {
		return err
	}
	if err := checkPath("--out "+o.out, o.out); err != nil {
		return err
	}
	s, err := loadSchema(paths...)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	notes, err := f.Write(&b, s)
	if err != nil {
		return kv.WithHint(kv.Usagef("%s: %w", paths[0], err), "what DynamoDB keeps is of type: item, with a pk: kvtool keydesign import writes some")
	}
	for _, n := range notes {
		env.say("warning", n)
	}
	if o.out == "" {
		_, err := env.Stdout.Write(b.Bytes())
		return err
	}
	if err := writeFile(o.out, func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err }); err != nil {
		return fmt.Errorf("writing %s: %w", o.out, err)
	}
	fmt.Fprintf(env.Stdout, "%s: written as %s\n", render.Clean(o.out, false), f.Name)
	return nil
}
