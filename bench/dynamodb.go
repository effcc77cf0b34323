package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/servertest"
)

// The bars of DynamoDB: CPU of an operation against the SDK called directly, CPU of the audit of an export against zcat of its files, and
// the memory of that.
const (
	dynamoLoad   = 1.05
	exportAudit  = 6.0
	exportMemory = 64.0 // MB
)

// measureDynamoDB measures the load driver against the SDK, and the audit of an export against zcat.
func measureDynamoDB(ctx context.Context, b *bench, r *result) error {
	if err := b.exportAudit(ctx, r); err != nil {
		return err
	}
	return b.dynamoClients(ctx, r)
}

// dynamoClients has the generator and the SDK take turns on one server.
func (b *bench) dynamoClients(ctx context.Context, r *result) error {
	program := filepath.Join(servertest.Dir(), "dynalite", "server")
	if _, err := os.Stat(program); err != nil {
		return noServer("dynalite")
	}
	s, err := startOther(ctx, greeting{"GET / HTTP/1.0\r\n\r\n", "HTTP/1"}, "sh", "-c",
		`exec "$0" --host 127.0.0.1 --createTableMs 1 --port "${1#127.0.0.1:}"`, program)
	if err != nil {
		return err
	}
	defer s.stop()
	url := "http://127.0.0.1:" + s.port
	if out, err := exec.CommandContext(ctx, b.bin.dynamo, "create", url).CombinedOutput(); err != nil {
		return fmt.Errorf("making a table: %w: %s", err, out)
	}
	n := min(b.keys/20, 20_000)
	var matches []match
	for _, command := range []string{"SET", "GET"} { // what is set is found
		matches = append(matches, match{
			what: "DynamoDB " + command, peer: "aws-sdk-go-v2", pipeline: 1, limit: dynamoLoad, n: n,
			ours: []string{b.bin.loader, "-target", "dynamodb://bench?endpoint=" + url, "-command", command, "-n", strconv.FormatInt(n, 10)},
			theirs: []string{
				b.bin.dynamo, map[string]string{"SET": "put", "GET": "get"}[command], url, strconv.FormatInt(n, 10),
			},
		})
	}
	if err := b.play(ctx, r, matches); err != nil {
		return err
	}
	r.data += " DynamoDB: dynalite, 50 connections, values of 100 B; kvtool keeps three latencies of each of three classes of operations and" +
		" counts capacity units, the SDK is called and its answer forgotten."
	r.commands = append(r.commands, "go run ./loader -target dynamodb://bench?endpoint=URL -command GET|SET -n N", "go run ./dynamo get|put URL N")
	return nil
}

// exportAudit compares an audit of an export with zcat of its files.
func (b *bench) exportAudit(ctx context.Context, r *result) error {
	dir, items := b.file("export"), min(b.keys, 2_500_000)
	b.say("writing an export of %d items", items)
	if out, err := exec.CommandContext(ctx, b.bin.dynamo, "export", dir, strconv.FormatInt(items, 10)).CombinedOutput(); err != nil {
		return fmt.Errorf("writing an export: %w: %s", err, out)
	}
	audit := b.audit("audit ddb-export:DIR", "ddb-export:"+dir)
	drain := b.tool(tool{
		label: "zcat", args: []string{"sh", "-c", "zcat " + dir + "/AWSDynamoDB/*/data/*.gz > /dev/null"}, out: b.file("zcat.txt"),
		keys: func(io.Reader) (int64, error) { return items, nil }, // it counts nothing
	})
	tools := []tool{audit, drain}
	for i := range tools {
		tools[i].name = strings.ReplaceAll(tools[i].name, dir, "DIR")
	}
	g, err := b.unbounded().compare(ctx, b.runs, &dataset{keys: items}, tools, nil)
	if err != nil {
		return err
	}
	r.commands = append(r.commands, g.commands()...)
	r.tables += fmt.Sprintf("\nAn export of %d items, DynamoDB JSON:\n\n", items) + g.table([]row{
		{"CPU s", "%.2f", cpu, true},
		{"wall s", "%.2f", wall, true},
		{"items/s", "%.0f", keysPerSecond, false},
		{"peak RSS MB", "%.0f", rss, false},
	})
	most := g.of(0, rss)
	r.bars = append(r.bars, g.claim(0, claim{what: "CPU", of: cpu, limit: exportAudit}), bar{
		figure: "`audit ddb-export:DIR`: peak RSS, MB", got: most.high, shown: most.format("%.0f"), limit: exportMemory,
	})
	return nil
}
