package redis

import (
	"context"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// harmful are the commands that stop, empty, change or overhear a server, or go through all of it.
var harmful = [...]string{"KEYS", "FLUSHALL", "FLUSHDB", "DEBUG", "CONFIG", "MONITOR", "SHUTDOWN"}

// knownCommands reads COMMAND INFO: of each command a list that begins with its name, or nothing where it has another name.
func knownCommands(reply any) []string {
	list, _ := reply.([]any)
	known := []string{}
	for _, x := range list {
		about, _ := x.([]any)
		if len(about) == 0 {
			continue
		}
		if name, _ := about[0].(string); slices.Contains(harmful[:], strings.ToUpper(name)) {
			known = append(known, strings.ToLower(name))
		}
	}
	return known
}

// userList reads lines of ACL LIST: user NAME on #HASH ~* &* +@all. Passwords are left out, and so are selectors, which are in brackets:
// what they allow, they allow of some keys.
func userList(reply any) []kv.User {
	list, _ := reply.([]any)
	users := []kv.User{}
	for _, x := range list {
		line, _ := x.(string)
		line, _, _ = strings.Cut(line, " (")
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "user" {
			continue
		}
		u := kv.User{Name: words[1], On: slices.Contains(words[2:], "on")}
		for _, w := range words[2:] {
			if strings.HasPrefix(w, "+") || strings.HasPrefix(w, "-") {
				u.Rules = append(u.Rules, w)
			}
		}
		users = append(users, u)
	}
	return users
}

// clusterNodes reads CLUSTER NODES: ID, address, flags, primary, four numbers and states, slots.
func clusterNodes(reply any) []kv.Node {
	text, _ := reply.(string)
	nodes := []kv.Node{}
	for line := range strings.Lines(text) {
		parts := strings.Fields(line)
		if len(parts) < 8 {
			continue
		}
		place, _, _ := strings.Cut(parts[1], "@")
		flags := strings.Split(parts[2], ",")
		if slices.Contains(flags, "handshake") || slices.Contains(flags, "noaddr") {
			continue // not one of it yet, or not any more
		}
		n := kv.Node{ID: parts[0], Place: place, Myself: slices.Contains(flags, "myself"), Failed: slices.Contains(flags, "fail")}
		if slices.Contains(flags, "slave") {
			n.Primary = parts[3]
		}
		for _, r := range parts[8:] {
			n.Slots += slotsIn(r)
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// slotsIn returns how many slots a range is: 0-5460, or 7; none of one that is on its way: [5-<-id].
func slotsIn(r string) int {
	first, last, ranged := strings.Cut(r, "-")
	if !ranged {
		last = first
	}
	from, to := decimal(first), decimal(last)
	if strings.HasPrefix(r, "[") || from < 0 || to < from || to > 16383 {
		return 0
	}
	return int(to-from) + 1
}

// askSentinel asks the first sentinel that answers how it watches the server.
func (e *exam) askSentinel(ctx context.Context, d *kv.Details) {
	if e.watched == nil {
		return
	}
	w := e.watched
	for _, seed := range w.cfg.seeds {
		sentinel := w.cfg.at(seed, false)
		sentinel.username, sentinel.password = w.cfg.watchUser, w.cfg.watchPass
		err := sentinel.converse(ctx, func(l *link) error {
			reply, err := l.tree(resp.ReadOnly, "SENTINEL", "MASTER", w.cfg.master)
			d.Sentinel = textPairs(reply)
			return err
		})
		if err == nil {
			delete(d.Lacks, "sentinel")
			return
		}
		d.Sentinel, d.Lacks["sentinel"] = nil, sentinel.redact(err.Error())
	}
}

// textPairs reads names and values in turn.
func textPairs(reply any) map[string]string {
	list, _ := reply.([]any)
	pairs := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		name, _ := list[i].(string)
		pairs[name], _ = list[i+1].(string)
	}
	return pairs
}
