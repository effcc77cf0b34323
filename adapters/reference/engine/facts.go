package engine

import (
	_ "embed"
	"strconv"
	"strings"
)

// facts.txt says of each command of Redis 7.0.15 what COMMAND says of it and dispatch needs: its name ("client|list" for a
// subcommand), its arity, its flags and where its keys are. scripts/command-facts makes it.
//
//go:embed facts.txt
var factsText string

// A Flag is one of the flags that COMMAND prints.
type Flag uint32

// The flags that dispatch looks at (server.h: CMD_…).
const (
	Write Flag = 1 << iota
	ReadOnly
	DenyOOM
	Admin
	PubSub
	NoScript
	Blocking
	Loading
	Stale
	SkipMonitor
	SkipSlowlog
	Fast
	NoAuth
	NoMulti
	MovableKeys
	AllowBusy
	NoAsyncLoading
	NoMandatoryKeys
	Asking
	// MayReplicate is no flag of COMMAND: the command may change what replicas know, so that a pause of writes holds it up too.
	MayReplicate
)

// flagNames are the names of the flags, in their order.
var flagNames = [...]string{
	"write", "readonly", "denyoom", "admin", "pubsub", "noscript", "blocking", "loading", "stale", "skip_monitor", "skip_slowlog",
	"fast", "no_auth", "no_multi", "movablekeys", "allow_busy", "no_async_loading", "no_mandatory_keys", "asking",
}

// facts are those of one command.
type facts struct {
	name  string
	arity int // number of arguments with the name; negative: at least
	flags Flag
	keys  []keySpec
}

// A keySpec says where some keys of a command are (server.h: keySpec): first where to begin, then how to go on.
type keySpec struct {
	unknown  bool   // only the command itself can tell
	index    int    // where to begin, if keyword is ""
	keyword  string // the word before the first key, in lower case
	from     int    // where to look for it; negative: from the end, backwards
	counted  bool   // a number says how many keys there are
	last     int    // range: the last key, counted from the first, or from the end if negative
	step     int
	limit    int    // range to the end: only 1/limit of what is left
	countAt  int    // counted: where the number is, from the beginning
	firstKey int    // counted: where the first key is, from the beginning
	access   string // its flags, "RW+access+delete"
}

// allFacts reads facts.txt.
func allFacts() map[string]facts {
	all := make(map[string]facts, 400)
	for line := range strings.Lines(factsText) {
		f := parseFacts(strings.TrimSuffix(line, "\n"))
		all[f.name] = f
	}
	return all
}

func parseFacts(line string) facts {
	field := strings.Split(line, " ")
	f := facts{name: field[0]}
	f.arity, _ = strconv.Atoi(field[1])
	for name := range strings.SplitSeq(field[2], ",") {
		for i, known := range flagNames {
			if name == known {
				f.flags |= 1 << i
			}
		}
	}
	switch f.name {
	case "pfcount", "publish", "spublish":
		f.flags |= MayReplicate
	}
	if field[3] != "-" {
		for spec := range strings.SplitSeq(field[3], ";") {
			f.keys = append(f.keys, parseKeySpec(spec))
		}
	}
	return f
}

// parseKeySpec reads i1:r0,1,0:RO+access, kSTREAMS@1:r-1,1,2:RO, i2:n0,1,1:RO or u.
func parseKeySpec(text string) keySpec {
	part := strings.Split(text, ":")
	if len(part) < 3 || part[1] == "u" {
		return keySpec{unknown: true}
	}
	k := keySpec{access: part[2]}
	if word, from, ok := strings.Cut(part[0], "@"); ok {
		k.keyword = strings.ToLower(word[1:])
		k.from, _ = strconv.Atoi(from)
	} else {
		k.index, _ = strconv.Atoi(part[0][1:])
	}
	var n [3]int
	for i, s := range strings.Split(part[1][1:], ",") {
		n[i], _ = strconv.Atoi(s)
	}
	if part[1][0] == 'n' {
		k.counted, k.countAt, k.firstKey, k.step = true, n[0], n[1], n[2]
		return k
	}
	k.last, k.step, k.limit = n[0], n[1], n[2]
	return k
}
