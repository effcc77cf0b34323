package scenario

import (
	"embed"
	"path"
	"strings"
)

// builtin holds the scenarios that come with kvtool, each one file.
//
//go:embed builtin/*.yaml
var builtin embed.FS

// Builtins returns the names of the scenarios that come with kvtool, in order.
func Builtins() []string {
	files, _ := builtin.ReadDir("builtin") // embedded: it is there
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(f.Name(), ".yaml")
	}
	return names
}

// Builtin returns the file of a scenario that comes with kvtool.
func Builtin(name string) (data []byte, ok bool) {
	if strings.Contains(name, "/") {
		return nil, false
	}
	data, err := builtin.ReadFile(path.Join("builtin", name+".yaml"))
	return data, err == nil
}
