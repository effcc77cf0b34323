// Command kvtool audits key-value stores.
package main

import (
	"os"
	"runtime/debug"

	"github.com/kvtool/kvtool/cmd"
)

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(cmd.SoftMemoryLimit)
	}
	os.Exit(cmd.Main(os.Args[1:], cmd.OS()))
}
