// Command kvtool audits key-value stores.
package main

import (
	"os"

	"github.com/kvtool/kvtool/cmd"
)

func main() { os.Exit(cmd.Main(os.Args[1:], cmd.OS())) }
