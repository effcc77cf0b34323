// Command gen writes the commands that load the benchmark's keyspace, for redis-cli --pipe:
//
//	go run ./gen -n 200000 | redis-cli -p 6400 --pipe
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/kvtool/kvtool/internal/keygen"
)

func main() {
	n := flag.Int64("n", 2_000_000, "how many keys, ten monsters apart")
	flag.Parse()
	if _, err := keygen.New(*n).WriteTo(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
