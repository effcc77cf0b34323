package triage

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Limits of the rules about clients.
const (
	outputBytes  = 8 << 20 // of one client
	churnRate    = 50.0    // connections a second
	churnShare   = 0.10    // of the commands
	churnCost    = 100e-6  // seconds of the thread: accept, greet, close
	blockedLeast = 100
	blockedShare = 0.5 // of the connections
	clientsMany  = 0.80
	clientsFull  = 0.95
)

func clientRules() []rule {
	return []rule{
		{
			Rule: report.Rule{
				ID: "TR010", Name: "client-buffers", Title: "Answers that clients do not read", Severity: report.Error, Stores: append(redisFamily(), "memcached"),
				Doc: `What a client does not read the server keeps for it, in memory that maxmemory counts: keys are evicted for it, or writes refused.
A client that asks for much and reads slowly, a subscriber that falls behind, a MONITOR that somebody has left running or a
replica that does not keep up each fill it. For normal clients there is no limit by default (client-output-buffer-limit normal 0 0 0).`,
				Fix:    "end that connection (CLIENT KILL ID …) and mend the client; set client-output-buffer-limit normal, such as 256mb 64mb 60",
				Bad:    []string{"CLIENT LIST: omem=734003200 cmd=lrange"},
				Good:   []string{"omem=0"},
				Limits: []report.Limit{{Name: "bytes", Value: outputBytes, Unit: report.UnitBytes, Source: ours + ": of one connection"}},
			},
			needs: []string{"clients"},
			judge: clientBuffers,
		},
		{
			Rule: report.Rule{
				ID: "TR011", Name: "connection-churn", Title: "Clients that connect for a command or two", Severity: report.Error,
				Stores: serverFamily(),
				Doc: `Connections are opened and closed all the time, one for each ten commands or fewer. Each costs the server about as much as some tens of
commands, with TLS many times that, and the client a few round trips. A pool is missing, or too small, or its connections time out.`,
				Fix:  "a pool of connections that stay; in PHP and the like persistent connections or a proxy",
				Bad:  []string{"total_connections_received grew by 9,000 in 10 s, total_commands_processed by 20,000"},
				Good: []string{"by 12, and by 500,000"},
				Limits: []report.Limit{
					{Name: "rate", Value: churnRate, Unit: report.UnitRate, Source: ours + ": new connections"},
					{Name: "share", Value: churnShare, Unit: report.UnitRatio, Source: ours + ": of the commands"},
				},
			},
			needs: []string{"total_connections_received"},
			judge: connectionChurn,
		},
		{
			Rule: report.Rule{
				ID: "TR012", Name: "blocked-clients", Title: "Clients that wait, and more of them than before", Severity: report.Warning, Stores: redisFamily(),
				Doc: `Half of the connections wait in a command that blocks, and their number grows. Workers that wait for jobs (BLPOP, XREADGROUP) do that
when there is no work, which is as it should be; in WAIT they wait for replicas that do not answer, and otherwise for whoever should
have filled the queue.`,
				Fix:  "CLIENT LIST: the cmd of those with the flag b says what they wait for",
				Bad:  []string{"blocked_clients:480 of connected_clients:500, 100 ten seconds ago", "flags=b cmd=wait"},
				Good: []string{"blocked_clients:16, as before"},
				Limits: []report.Limit{
					{Name: "clients", Value: blockedLeast, Unit: report.UnitCount, Source: ours + ": more than before"},
					{Name: "share", Value: blockedShare, Unit: report.UnitRatio, Source: ours + ": of the connections"},
				},
			},
			needs: []string{"blocked_clients"},
			judge: blockedClients,
		},
		{
			Rule: report.Rule{
				ID: "SV015", Name: "too-many-clients", Title: "As many clients as are let in, or nearly", Severity: report.Error,
				Stores: serverFamily(),
				Doc: `The server has nearly as many connections as it allows, or has turned some away: whoever connects then gets an error, or waits until
one is free.`,
				Fix:  "find who holds them (CLIENT LIST, its name and addr), set timeout for idle ones; raise maxclients and the limit of open files",
				Bad:  []string{"connected_clients:9900 of maxclients:10000", "rejected_connections grew by 300", "listen_disabled_num 12 with maxconns 1024"},
				Good: []string{"connected_clients:120 of maxclients:10000"},
				Limits: []report.Limit{
					{Name: "warning", Value: clientsMany, Unit: report.UnitRatio, Source: ours + ": of maxclients"},
					{Name: "error", Value: clientsFull, Unit: report.UnitRatio, Source: ours + ": of maxclients, or any that was turned away in the window"},
				},
			},
			needs: []string{"connected_clients"},
			judge: tooManyClients,
		},
	}
}

func clientBuffers(p *pair) []Cause {
	heavy := slices.SortedFunc(slices.Values(p.Details.Clients), func(a, b kv.Client) int {
		return cmp.Or(cmp.Compare(b.Output, a.Output), cmp.Compare(a.ID, b.ID))
	})
	heavy = slices.DeleteFunc(heavy, func(c kv.Client) bool { return c.Output < outputBytes })
	if len(heavy) == 0 {
		return nil
	}
	sum := 0.0
	for _, c := range heavy {
		sum += float64(c.Output)
	}
	worst := heavy[0]
	used := p.number("used_memory")
	share := sum / max(used, sum)
	c := Cause{
		Severity: report.Warning, Subject: "output buffers", Weight: max(0.3, share),
		Message: fmt.Sprintf("%s of answers wait for clients that do not read them", humanize.Bytes(sum)),
		Measure: report.Metric{Name: "unread", Value: report.Number(sum), Unit: report.UnitBytes},
		Evidence: []report.Metric{
			{Name: "clients", Value: report.Number(len(heavy)), Unit: report.UnitCount},
			{Name: "of_used_memory", Value: report.Number(share), Unit: report.UnitRatio},
			{Name: "worst", Value: report.Text(describe(worst)), Unit: report.UnitText},
		},
		Do:    "CLIENT KILL ID " + worst.ID + " frees it at once, if that client can reconnect",
		Avoid: "do not raise maxmemory for it: the buffer grows as long as nobody reads",
	}
	if share >= 0.25 || p.growth("client_output_buffer_limit_disconnections") > 0 {
		c.Severity = report.Error
	}
	if strings.ContainsAny(worst.Flags, "SO") {
		c.Do = "look at that replica or MONITOR first: does its host keep up? CLIENT KILL ID " + worst.ID + " makes a replica begin anew"
	}
	return []Cause{c}
}

// describe names a connection for whoever looks for it.
func describe(c kv.Client) string {
	words := []string{"id " + c.ID, c.Addr}
	if c.Name != "" {
		words = append(words, "name "+c.Name)
	}
	if c.Command != "" && c.Command != "NULL" {
		words = append(words, "cmd "+c.Command)
	}
	return strings.Join(words, " ")
}

func connectionChurn(p *pair) []Cause {
	made := p.growth("total_connections_received")
	rate := made / p.seconds
	commands := max(p.commands(), made) // what is connected and asks nothing is worse still
	if rate < churnRate || made < churnShare*commands {
		return nil
	}
	c := Cause{
		Severity: report.Warning, Subject: "connections", Weight: min(0.9, max(0.25, rate*churnCost)),
		Message: fmt.Sprintf("%s new connections a second, one for each %s commands", humanize.Count(rate), humanize.Count(commands/made)),
		Measure: report.Metric{Name: "connections", Value: report.Number(rate), Unit: report.UnitRate},
		Evidence: []report.Metric{
			{Name: "commands", Value: report.Number(p.commands() / p.seconds), Unit: report.UnitRate},
			{Name: "connected", Value: report.Number(p.number("connected_clients")), Unit: report.UnitCount},
		},
		Do:    "find who connects: CLIENT LIST, those with an age of 0; its pool is missing or too small",
		Avoid: "do not lower timeout: idle connections that are closed are opened again",
	}
	if rate*churnCost >= 0.25 {
		c.Severity = report.Error
	}
	return []Cause{c}
}

func blockedClients(p *pair) []Cause {
	is, was := p.number("blocked_clients"), p.Before.Numbers["blocked_clients"]
	waits, commands := 0, map[string]int{}
	if p.Details != nil {
		for _, c := range p.Details.Clients {
			if strings.Contains(c.Flags, "b") {
				commands[c.Command]++
				if c.Command == "wait" || c.Command == "waitaof" {
					waits++
				}
			}
		}
	}
	grown := is-was >= blockedLeast && is >= blockedShare*p.number("connected_clients")
	if !grown && waits < 2 {
		return nil
	}
	c := Cause{
		Severity: report.Warning, Subject: "clients", Weight: min(0.5, is/max(p.number("connected_clients"), 1)),
		Message: fmt.Sprintf("%s clients wait in a command that blocks, %s before", humanize.Count(is), humanize.Count(was)),
		Measure: report.Metric{Name: "blocked", Value: report.Number(is), Unit: report.UnitCount},
		Evidence: []report.Metric{
			{Name: "before", Value: report.Number(was), Unit: report.UnitCount},
			{Name: "connected", Value: report.Number(p.number("connected_clients")), Unit: report.UnitCount},
		},
		Avoid: "do not end the waiting connections: they come back and wait again",
	}
	if waits > 0 {
		c.Message = fmt.Sprintf("%d clients wait for replicas to confirm a write (WAIT)", waits)
		c.Do = "look at the replicas: INFO replication, their lag and state"
		c.Weight = max(c.Weight, min(0.5, float64(waits)/float64(len(p.Details.Clients))))
	}
	for _, name := range slices.SortedFunc(maps.Keys(commands), func(a, b string) int { return cmp.Or(cmp.Compare(commands[b], commands[a]), cmp.Compare(a, b)) }) {
		c.Evidence = append(c.Evidence, report.Metric{Name: "in_" + metricName(name), Value: report.Number(commands[name]), Unit: report.UnitCount})
		break
	}
	return []Cause{c}
}

func tooManyClients(p *pair) []Cause {
	is, rejected := p.number("connected_clients"), p.growth("rejected_connections")
	most := p.number("maxclients")
	if most == 0 {
		most, _ = strconv.ParseFloat(p.setting("maxclients"), 64)
	}
	if rejected == 0 && (most == 0 || is <= clientsMany*most) {
		return nil
	}
	share := is / max(most, 1)
	c := Cause{
		Severity: report.Warning, Subject: "clients", Weight: 0.2, Message: fmt.Sprintf("%s clients of %s that are allowed", humanize.Count(is), humanize.Count(most)),
		Measure:  report.Metric{Name: "connected", Value: report.Number(is), Unit: report.UnitCount},
		Evidence: []report.Metric{{Name: "maxclients", Value: report.Number(most), Unit: report.UnitCount}},
		Do:       "find who holds them: CLIENT LIST by addr and name; those that have been idle for long can be killed",
		Avoid:    "do not raise maxclients beyond the limit of open files (ulimit -n): it is not taken",
	}
	if rejected > 0 {
		c.Severity, c.Weight = report.Error, max(0.5, rejected/max(rejected+p.growth("total_connections_received"), 1))
		c.Message += fmt.Sprintf("; %s were turned away", humanize.Count(rejected))
		c.Evidence = append(c.Evidence, report.Metric{Name: "rejected", Value: report.Number(rejected), Unit: report.UnitCount})
	} else if share > clientsFull {
		c.Severity = report.Error
	}
	return []Cause{c}
}
