package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A serverInfo is the answer to INFO. Without the right to ask, denied says why and the rest is empty.
type serverInfo struct {
	fields map[string]string
	denied string // why there is no answer
	lists  bool   // the answer lists the databases that hold keys; that of a proxy may not
	plain  bool   // the answer lists the modules, and none of them has types of its own
}

func (s *store) serverInfo(ctx context.Context) (serverInfo, error) {
	text, err := s.client.Do(ctx, "INFO").Text()
	if said, ok := answer(err); ok {
		if denies(said) {
			return serverInfo{denied: s.cfg.redact(said)}, nil
		}
		return serverInfo{}, s.cfg.explain(ctx, err)
	}
	if err != nil {
		return serverInfo{}, s.cfg.explain(ctx, err)
	}
	return parseInfo(text), nil
}

// parseInfo reads lines of name:value under headings that begin with #.
func parseInfo(text string) serverInfo {
	fields, plain := map[string]string{}, strings.Contains(text, "# Modules")
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if name == "module" && !strings.HasPrefix(value, "name=lua,") { // which runs scripts, in Valkey 9
			plain = false
		}
		if ok && !strings.HasPrefix(name, "#") {
			fields[name] = value
		}
	}
	return serverInfo{fields: fields, lists: strings.Contains(text, "# Keyspace"), plain: plain}
}

// clustered reports whether the server is a node of a cluster.
func (i serverInfo) clustered() bool { return i.fields["cluster_enabled"] == "1" }

func (i serverInfo) number(name string) int64 {
	n, _ := strconv.ParseInt(i.fields[name], 10, 64)
	return n
}

// product names the server. All of them give a redis_version, for the sake of clients.
func (i serverInfo) product() string {
	_, keydb := i.fields["mvcc_depth"]
	switch {
	case i.fields["valkey_version"] != "" || i.fields["server_name"] == "valkey":
		return "valkey"
	case i.fields["dragonfly_version"] != "":
		return "dragonfly"
	case keydb || strings.Contains(i.fields["executable"], "keydb"):
		return "keydb"
	}
	return "redis"
}

func (i serverInfo) version() string {
	for _, name := range []string{"valkey_version", "dragonfly_version", "redis_version"} {
		if v := i.fields[name]; v != "" {
			return strings.TrimPrefix(v, "df-v")
		}
	}
	return ""
}

// A database is one that holds keys.
type database struct {
	number  int
	keys    int64
	expires int64 // of which so many have an expiry
}

// databases reads the lines of keyspace: db0:keys=3,expires=1,avg_ttl=0.
func (i serverInfo) databases() []database {
	var dbs []database
	for name, value := range i.fields {
		number, isDB := strings.CutPrefix(name, "db")
		n, err := strconv.Atoi(number)
		if !isDB || err != nil || n < 0 {
			continue
		}
		first, rest, _ := strings.Cut(value, ",")
		second, _, _ := strings.Cut(rest, ",")
		keys, err := strconv.ParseInt(strings.TrimPrefix(first, "keys="), 10, 64)
		expires, _ := strconv.ParseInt(strings.TrimPrefix(second, "expires="), 10, 64)
		if err == nil && keys > 0 {
			dbs = append(dbs, database{n, keys, min(max(expires, 0), keys)})
		}
	}
	slices.SortFunc(dbs, func(a, b database) int { return a.number - b.number })
	return dbs
}

func (i serverInfo) notes() []string {
	var notes []string
	if i.denied == "" && !tested(i.product(), i.version()) {
		notes = append(notes, fmt.Sprintf("%s %s was not tested with kvtool: see docs/support.md.", i.product(), i.version()))
	}
	if role := i.fields["role"]; role == "slave" || role == "replica" {
		notes = append(notes, "This is a replica: keys past their expiry wait there for the primary to delete them.")
	}
	if i.clustered() {
		notes = append(notes, noteNode)
	}
	return notes
}
