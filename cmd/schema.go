package cmd

import (
	"io"
	"os"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
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

// readBounded reads a file, and one byte more than it may be long if it is longer.
func readBounded(path string, most int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, kv.Usagef("%s: %w", path, reason(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err != nil {
		return nil, kv.Usagef("%s: %w", path, reason(err))
	}
	return data, nil
}
