package cmd

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// loadSchema reads one or more files of keys.yaml as one schema. Whatever is wrong with them is a usage error.
func loadSchema(paths ...string) (*schema.Schema, error) {
	files := make([]schema.Source, len(paths))
	for i, path := range paths {
		data, err := readBounded(path, schema.MaxSize)
		if err != nil {
			return nil, err
		}
		files[i] = schema.Source{Name: path, Data: data}
	}
	return schema.Parse(files...)
}

// designOf says by what a report is judged: the schema, and so many rules.
func designOf(s *schema.Schema, rules int) *report.Design {
	return &report.Design{Files: s.Files, Templates: len(s.Templates), Rules: rules}
}

// bindable returns the error that keys cannot be bound to s, if they cannot.
func bindable(s *schema.Schema) error {
	if _, err := bind.New(s); err != nil {
		return kv.WithHint(kv.Usagef("%w", err), "declare shorter values: a key has a few hundred bytes")
	}
	return nil
}

// schemaFlag names the files of the schema that keys are bound to.
type schemaFlag struct{ paths []string }

func (f *schemaFlag) bind(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.paths, "schema", nil, "bind keys to the templates that the schema `FILE` (keys.yaml) declares; repeatable")
	complete(c, "schema", completeSchemas)
}

// load returns the schema, or nil if the flag was not given.
func (f *schemaFlag) load() (*schema.Schema, error) {
	if len(f.paths) == 0 {
		return nil, nil
	}
	s, err := loadSchema(f.paths...)
	if err != nil {
		return nil, err
	}
	return s, bindable(s)
}

// readBounded reads a file, and one byte more than it may be long if it is longer.
func readBounded(path string, most int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, meantFile(kv.Usagef("%s: %w", path, reason(err)), path, "")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err != nil {
		return nil, kv.Usagef("%s: %w", path, reason(err))
	}
	return data, nil
}
