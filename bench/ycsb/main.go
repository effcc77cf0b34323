// Command ycsb is go-ycsb (https://github.com/pingcap/go-ycsb), whose client, core workload, Redis driver and measurement it puts
// together as go-ycsb's own command does, without the twenty other databases. It is a peer of kvtool's load generator:
//
//	ycsb load|run -p NAME=VALUE …
//
// It is a module of its own, so that what go-ycsb requires enters neither kvtool's go.mod nor that of the benchmark.
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/magiconair/properties"
	_ "github.com/pingcap/go-ycsb/db/redis"
	"github.com/pingcap/go-ycsb/pkg/client"
	"github.com/pingcap/go-ycsb/pkg/measurement"
	"github.com/pingcap/go-ycsb/pkg/prop"
	_ "github.com/pingcap/go-ycsb/pkg/workload"
	"github.com/pingcap/go-ycsb/pkg/ycsb"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ycsb:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 || args[0] != "load" && args[0] != "run" {
		return fmt.Errorf("usage: ycsb load|run -p NAME=VALUE …")
	}
	p := properties.NewProperties()
	if _, _, err := p.Set(prop.DoTransactions, strconv.FormatBool(args[0] == "run")); err != nil {
		return err
	}
	for i := 1; i+1 < len(args); i += 2 {
		name, value, ok := strings.Cut(args[i+1], "=")
		if args[i] != "-p" || !ok {
			return fmt.Errorf("%s %s is not -p NAME=VALUE", args[i], args[i+1])
		}
		if _, _, err := p.Set(name, value); err != nil {
			return err
		}
	}
	measurement.InitMeasure(p)
	workload, err := ycsb.GetWorkloadCreator("core").Create(p)
	if err != nil {
		return err
	}
	defer workload.Close()
	db, err := ycsb.GetDBCreator("redis").Create(p)
	if err != nil {
		return err
	}
	defer db.Close()
	client.NewClient(p, workload, client.DbWrapper{DB: db}).Run(context.Background())
	measurement.Output()
	return nil
}
