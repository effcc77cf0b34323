package redis

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// toldApart are the commands whose calls are counted each by itself: those that reach over many keys.
var toldApart = [...]string{"keys", "scan", "multi", "watch", "eval", "evalsha", "fcall"}

// calls returns what the server was asked so far; none if it does not say, which old versions and proxies do not.
func (s *store) calls(ctx context.Context) ([]kv.Calls, error) {
	text, err := s.client.Do(ctx, "INFO", "commandstats").Text()
	if said, ok := answer(err); ok {
		return nil, s.fatal(ctx, said, err)
	}
	if err != nil {
		return nil, s.cfg.explain(ctx, err)
	}
	return parseInfo(text).calls(), nil
}

// calls reads the lines of commandstats: cmdstat_get:calls=3,usec=9,… Commands that are not told apart are one, "other".
func (i serverInfo) calls() []kv.Calls {
	return i.countCalls(func(command string) bool { return slices.Contains(toldApart[:], command) })
}

// countCalls is calls with another choice of commands that are told apart.
func (i serverInfo) countCalls(apart func(command string) bool) []kv.Calls {
	var all kv.Server
	for name, value := range i.fields {
		command, isStat := strings.CutPrefix(name, "cmdstat_")
		value, _, _ = strings.Cut(strings.TrimPrefix(value, "calls="), ",")
		n, err := strconv.ParseInt(value, 10, 64)
		if !isStat || err != nil || n <= 0 {
			continue
		}
		if !apart(command) {
			command = "other"
		}
		all.Count(command, n)
	}
	slices.SortFunc(all.Calls, func(a, b kv.Calls) int { return strings.Compare(a.Command, b.Command) })
	return all.Calls
}

// server is what the server says of its settings, with the calls that were counted before it was read.
func (i serverInfo) server(calls []kv.Calls) kv.Server {
	s := kv.Server{
		Policy: i.fields["maxmemory_policy"], Calls: calls, MaxMemory: max(0, i.number("maxmemory")), Evicted: max(0, i.number("evicted_keys")),
	}
	if up := i.number("uptime_in_seconds"); up > 0 {
		s.Started = time.Now().Add(-time.Duration(min(up, maxSeconds)) * time.Second).Truncate(time.Second)
	}
	switch i.fields["aof_enabled"] {
	case "1":
		s.AppendOnly = "yes"
	case "0":
		s.AppendOnly = "no"
	}
	return s
}
