package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/foreign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report/render"
)

// importOptions are the flags of import.
type importOptions struct {
	from, out string
}

const importLong = `Write a keys.yaml from the key design of another tool, with every entity an
item: its pk, its sk and its indexes. What a schema has no word for is kept
under x-onetable or x-electrodb, or is lost; either is said on stderr and in
comments of the file.

  onetable         a OneTable schema, as JSON
  electrodb        an ElectroDB entity, a list of them, or a mapping of names
                   to them, as JSON, which holds none of their functions
  nosql-workbench  a data model of NoSQL Workbench; what keys look like is
                   taken from its sample items`

func newImportCmd(env *Env) *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import FILE --from FORMAT",
		Short: "Write a keys.yaml from another tool's design",
		Long:  importLong,
		Example: "  kvtool keydesign import model.json --from onetable\n" +
			"  kvtool keydesign import workbench.json --from nosql-workbench --out keys.yaml",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return kv.WithHint(kv.Usagef("%s takes one FILE", c.CommandPath()), "kvtool keydesign import model.json --from onetable")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return runImport(env, o, args[0]) },
	}
	c.Flags().StringVar(&o.from, "from", "", "`FORMAT` of the file: "+strings.Join(importFormats(), ", "))
	c.Flags().StringVar(&o.out, "out", "", "write to `FILE` instead of stdout")
	fixedValues(c, "from", importFormats()...)
	return c
}

func importFormats() []string {
	var names []string
	for _, f := range foreign.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func runImport(env *Env, o importOptions, path string) error {
	f, err := foreignFormat("--from", o.from, importFormats())
	if err != nil {
		return err
	}
	if err := checkPath("--out "+o.out, o.out); err != nil {
		return err
	}
	data, err := readBounded(path, foreign.MaxSize)
	if err != nil {
		return err
	}
	im, err := f.Read(path, data)
	if err != nil {
		return err
	}
	for _, n := range im.Notes {
		env.say("warning", n)
	}
	if o.out == "" {
		return im.Write(env.Stdout)
	}
	if err := writeFile(o.out, im.Write); err != nil {
		return fmt.Errorf("writing %s: %w", o.out, err)
	}
	fmt.Fprintf(env.Stdout, "%s: %s\n", render.Clean(o.out, false), humanize.Counted(int64(len(im.Schema.Templates)), "template"))
	return nil
}

// foreignFormat finds a format by its name, the value of a flag.
func foreignFormat(flag, name string, known []string) (foreign.Format, error) {
	hint := flag + " takes " + strings.Join(known, ", ")
	if name == "" {
		return foreign.Format{}, kv.WithHint(kv.Usagef("%s is missing: which format?", flag), hint)
	}
	if slices.Contains(known, name) {
		for _, f := range foreign.Formats() {
			if f.Name == name {
				return f, nil
			}
		}
	}
	return foreign.Format{}, meantWord(kv.Usagef("%s %s: no such format", flag, name), name, known, hint)
}
