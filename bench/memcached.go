package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// The bars of memcached: CPU of an operation against gomemcache, and the time of an audit against that of a dump which nobody looks at.
const (
	memcachedLoad  = 0.8
	memcachedAudit = 2.0
)

// measureMemcached measures the load driver against gomemcache, and the audit against a raw metadump.
func measureMemcached(ctx context.Context, b *bench, r *result) error {
	if err := b.memcachedClients(ctx, r); err != nil {
		return err
	}
	return b.memcachedAudit(ctx, r)
}

// memcachedClients has the generator and gomemcache take turns on one server.
func (b *bench) memcachedClients(ctx context.Context, r *result) error {
	s, err := startMemcached(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	addr := "127.0.0.1:" + s.port
	n := min(b.keys/2, 200_000)
	var matches []match
	for _, command := range []string{"SET", "GET"} { // what is set is found
		matches = append(matches, match{
			what: "memcached " + command, peer: "gomemcache", pipeline: 1, limit: memcachedLoad, n: n,
			ours:   []string{b.bin.loader, "-target", "memcached://" + addr, "-command", command, "-n", strconv.FormatInt(n, 10)},
			theirs: []string{b.bin.memcache, strings.ToLower(command), addr, strconv.FormatInt(n, 10)},
		})
	}
	if err := b.play(ctx, r, matches); err != nil {
		return err
	}
	r.data += "Memcached: 50 connections, values of 100 B, keys at random of a million; kvtool keeps three latencies of each of three" +
		" classes of operations, gomemcache is called and its answer forgotten. The audit and the drain read the same items, each by" +
		" one dump of the server's own making."
	r.commands = append(r.commands, "go run ./loader -target memcached://HOST -command GET|SET -n N", "go run ./memcache get|set HOST N")
	return nil
}

// memcachedAudit compares an audit with a drain of the same items.
func (b *bench) memcachedAudit(ctx context.Context, r *result) error {
	s, err := startMemcached(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	addr, items := "127.0.0.1:"+s.port, min(b.keys/2, 1_000_000)
	b.say("storing %d items", items)
	if out, err := exec.CommandContext(ctx, b.bin.memcache, "fill", addr, strconv.FormatInt(items, 10)).CombinedOutput(); err != nil {
		return fmt.Errorf("storing: %w: %s", err, out)
	}
	audit := b.audit("audit memcached://HOST", "memcached://"+addr)
	drain := b.tool(tool{label: "metadump, drained", args: []string{b.bin.memcache, "drain", addr}, out: b.file("drain.txt"), keys: numberBehind("items: ")})
	tools := []tool{audit, drain}
	for i := range tools {
		tools[i].name, tools[i].reads = strings.ReplaceAll(tools[i].name, addr, "HOST"), fromServer
	}
	g, err := b.unbounded().compare(ctx, b.runs, &dataset{server: s, keys: items}, tools, nil)
	if err != nil {
		return err
	}
	r.commands = append(r.commands, g.commands()...)
	r.tables += fmt.Sprintf("\n%d items:\n\n", items) + g.table([]row{
		{"wall s", "%.2f", wall, true},
		{"CPU s", "%.2f", cpu, true},
		{"keys/s", "%.0f", keysPerSecond, false},
		{"server CPU us/key", "%.2f", serverPerKey, false},
		{"peak RSS MB", "%.0f", rss, false},
	})
	r.bars = append(r.bars, g.claim(0, claim{what: "wall", of: wall, limit: memcachedAudit}))
	return nil
}

// startMemcached starts a server that has room for all and evicts nothing.
func startMemcached(ctx context.Context) (*server, error) {
	program, err := exec.LookPath("memcached")
	if err != nil {
		return nil, noServer("memcached")
	}
	args := []string{"-U", "0", "-t", "2", "-m", "1024"}
	if os.Getuid() == 0 { // it refuses to be root
		args = append(args, "-u", "nobody")
	}
	return startOther(ctx, greeting{"version\r\n", "VERSION "}, program, append(args, "-l")...)
}
