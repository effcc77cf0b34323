package cmd

import (
	"bytes"
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/keydesign/docs"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

const docsLong = `Write what keys.yaml says for those who must learn the scheme: every template
with its owner, type and life, how it is used, and what leads from one to
another. As Markdown for a wiki or a repository, or as one HTML page that needs
no script and no network.

Several files are one schema; - is stdin.`

// A docsFormat is one way to write the documentation of a schema.
type docsFormat struct {
	name  string
	write func(io.Writer, *schema.Schema) error
}

func docsFormats() []docsFormat {
	return []docsFormat{{"md", docs.Markdown}, {"html", docs.HTML}}
}

func newDocsCmd(env *Env) *cobra.Command {
	var outputs []string
	c := &cobra.Command{
		Use:   "docs [FILE…]",
		Short: "Write the documentation of keys.yaml",
		Long:  docsLong,
		Example: "  kvtool keydesign docs keys.yaml\n" +
			"  kvtool keydesign docs keys.yaml -o md=KEYS.md -o html=keys.html",
		ValidArgsFunction: completeSchemas,
		Annotations:       map[string]string{readsConfig: "yes"},
		RunE: func(_ *cobra.Command, args []string) error {
			return runDocs(env, outputs, args)
		},
	}
	c.Flags().StringArrayVarP(&outputs, "output", "o", []string{"md"}, "`FORMAT[=PATH]`, repeatable: md, html")
	fixedValues(c, "output", "md", "html")
	return c
}

// A docsOutput is one -o of docs.
type docsOutput struct {
	docsFormat
	path string // empty is stdout
}

func runDocs(env *Env, specs, paths []string) error {
	outs, err := docsOutputs(specs)
	if err != nil {
		return err
	}
	s, err := env.openSchema(paths)
	if err != nil {
		return err
	}
	for _, o := range outs {
		var b bytes.Buffer
		if err := o.write(&b, s); err != nil {
			return err
		}
		if o.path == "" {
			_, err = env.Stdout.Write(b.Bytes())
		} else {
			err = writeFile(o.path, func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err })
		}
		if err != nil {
			return kv.Usagef("writing %s: %w", cmp.Or(o.path, "stdout"), err)
		}
	}
	return nil
}

func docsOutputs(specs []string) ([]docsOutput, error) {
	var outs []docsOutput
	for _, spec := range specs {
		name, path, has := strings.Cut(spec, "=")
		i := slices.IndexFunc(docsFormats(), func(f docsFormat) bool { return f.name == name })
		switch {
		case i < 0:
			return nil, meantWord(kv.Usagef("-o %s: unknown format", spec), name, []string{"md", "html"}, "formats: md, html")
		case has && path == "":
			return nil, kv.WithHint(kv.Usagef("-o %s: the path is empty", spec), "is a variable unset?")
		}
		if path == "-" {
			path = ""
		}
		if err := checkPath("-o "+spec, path); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(outs, func(o docsOutput) bool { return samePlace(o.path, path) }) {
			return nil, kv.WithHint(kv.Usagef("-o %s: another -o goes to the same place", spec), "give each a path of its own")
		}
		outs = append(outs, docsOutput{docsFormats()[i], path})
	}
	return outs, nil
}
