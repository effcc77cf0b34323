package findings

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// A cause is why operations fail, by the word that they fail with.
type cause struct{ why, fix string }

// causes of the words that servers and connections fail with. OOM has a rule of its own.
func causes() map[string]cause {
	return map[string]cause{
		"LOADING":     {"the server is still loading its data", "begin when INFO says loading:0"},
		"READONLY":    {"a replica was written to", "load the primary; redis+sentinel:// and redis+cluster:// find it"},
		"MOVED":       {"another node of a cluster has the key", "load the cluster as one: redis+cluster://HOST"},
		"ASK":         {"the slot of the key is moving to another node", "load the cluster as one: redis+cluster://HOST"},
		"TRYAGAIN":    {"the keys of one command are on two nodes while their slot moves", "wait for the end of the resharding"},
		"CLUSTERDOWN": {"the cluster does not serve the slot", "CLUSTER INFO says which slots are not covered; start their primary, or promote a replica"},
		"CROSSSLOT":   {"keys of one command are in several slots", "give them one hash tag: {user:1}:cart and {user:1}:meta"},
		"MASTERDOWN":  {"the replica has lost its primary, and may not serve old data", "mend the replication, or set replica-serve-stale-data yes"},
		"NOREPLICAS":  {"there are fewer replicas than a write asks for", "start replicas, or lower min-replicas-to-write"},
		"MISCONF":     {"the server cannot write its dump, and refuses writes until it can", "its log says why: the disk is full, or it may not write there"},
		"NOAUTH":      {"the connection is not authenticated", "give the target its password: kvtool help targets"},
		"WRONGPASS":   {"the user or the password is wrong", "ACL WHOAMI and ACL GETUSER show what is set"},
		"NOPERM":      {"this user may not run the command, or not on these keys", "ACL GETUSER says what it may; keys of a run begin with kvtool:"},
		"BUSY":        {"a script has been running for longer than busy-reply-threshold", "make it shorter; SCRIPT KILL ends it"},
		"WRONGTYPE":   {"the key is of another type than the command takes", "one template, one type: see KD049"},
		"EXECABORT":   {"a transaction was refused for one of its commands", "run its commands one by one to see which"},
		"NOSCRIPT":    {"the server has forgotten a script", "do not run SCRIPT FLUSH, or fail over, while it is loaded; or send scripts by EVAL"},
		"ERR":         {"the server refuses the command", "run it by hand: what it says is cut off here"},
		"timeout":     {"no reply came in time", "SLOWLOG GET and LATENCY DOCTOR say what the server did; --op-timeout waits longer"},
		"reset":       {"the connection was cut", "see the server's log: it died, or closes clients (maxclients, output buffers)"},
		"closed":      {"the server closed the connection", "see the server's log: it died, or closes clients (maxclients, output buffers)"},
		"refused":     {"nothing listens there any more", "see the server's log"},
	}
}

// Words that are no failure of the store: what was cut off at the end of the time, and what has a rule of its own.
const (
	wordUnfinished = "unfinished"
	wordOOM        = "OOM"
)

// failures holds the errors of a run against LD001: one finding for each word.
func (r *Run) failures() []report.Finding {
	sum := r.Recording.Sum()
	known := causes()
	var found []report.Finding
	for _, word := range slices.SortedFunc(maps.Keys(sum.Errors), func(a, b string) int {
		return cmp.Or(cmp.Compare(sum.Errors[b], sum.Errors[a]), cmp.Compare(a, b))
	}) {
		if word == wordOOM || word == wordUnfinished || sum.Done == 0 {
			continue
		}
		n := float64(sum.Errors[word])
		share := n / float64(sum.Done)
		f := report.Finding{
			Rule: "LD001", Severity: report.Warning, Subject: word,
			Message: fmt.Sprintf("%s of the operations failed with %s", humanize.Ratio(share), word),
			Measure: &report.Metric{Name: "failed", Value: report.Number(share), Unit: report.UnitRatio},
			Evidence: []report.Metric{
				{Name: "operations", Value: report.Number(n), Unit: report.UnitCount},
			},
		}
		if share >= failedError {
			f.Severity = report.Error
		}
		if c, ok := known[word]; ok {
			f.Message += ": " + c.why
			f.Fix = c.fix
		}
		found = append(found, f)
	}
	return found
}
