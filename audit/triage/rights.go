package triage

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// categories are those that the commands belong to which can stop, empty or overhear a server (ACL CAT of Redis 6.0 to 7.2).
var categories = map[string][]string{
	"keys":     {"keyspace", "read", "slow", "dangerous"},
	"flushall": {"keyspace", "write", "slow", "dangerous"},
	"flushdb":  {"keyspace", "write", "slow", "dangerous"},
	"debug":    {"admin", "slow", "dangerous"},
	"config":   {"admin", "slow", "dangerous"},
	"monitor":  {"admin", "slow", "dangerous"},
	"shutdown": {"admin", "slow", "dangerous"},
}

// administrators are words in the names of those who are to have such commands.
var administrators = []string{"admin", "root", "operator", "ops", "sre", "dba"}

func rightsRules() []rule {
	return []rule{{
		Rule: report.Rule{
			ID: "SV013", Name: "dangerous-commands", Title: "Users who may stop or empty the server, and are no administrators", Severity: report.Warning,
			Stores: redisFamily(),
			Doc: `A user whom programs log in as may send commands that stop the server, empty it, overhear it, or keep it from everything else: KEYS,
FLUSHALL, FLUSHDB, DEBUG, CONFIG, MONITOR, SHUTDOWN. One mistake in a program, or one who finds its password, is enough. A user is taken for
an administrator's whose name has admin, root, operator, ops, sre or dba in it; default never is. Commands that were renamed away count as
gone.`,
			Fix:  "ACL SETUSER app +@all -@dangerous (and +info where the client wants it); a user of its own for people, and default off",
			Bad:  []string{"user default on nopass ~* &* +@all"},
			Good: []string{"user app on ~* &* +@all -@dangerous"},
		},
		needs: []string{"users", "harmful"},
		judge: dangerousCommands,
	}}
}

func dangerousCommands(p *pair) []Cause {
	var found []Cause
	for _, u := range p.Details.Users {
		if !u.On || isAdministrator(u.Name) {
			continue
		}
		var may []string
		for _, command := range p.Details.Harmful {
			if allows(u, command) {
				may = append(may, strings.ToUpper(command))
			}
		}
		if len(may) == 0 {
			continue
		}
		c := plain(report.Warning, "the user "+u.Name+" may send "+strings.Join(may, ", "),
			report.Metric{Name: "commands", Value: report.Number(len(may)), Unit: report.UnitCount})
		c[0].Subject = "user " + u.Name
		found = append(found, c...)
	}
	return found
}

func isAdministrator(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(administrators, func(word string) bool { return strings.Contains(name, word) })
}

// allows reports whether the rules of a user allow a whole command; a later rule prevails. Single subcommands are not looked at.
func allows(u kv.User, command string) (may bool) {
	for _, r := range u.Rules {
		name := strings.ToLower(r[1:])
		category, isCategory := strings.CutPrefix(name, "@")
		if name == command || isCategory && (category == "all" || slices.Contains(categories[command], category)) {
			may = r[0] == '+'
		}
	}
	return may
}
