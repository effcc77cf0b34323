package conformance

import (
	"slices"
	"strconv"
)

// databases are those that a history may have used.
var databases = []int{0, 1, 9, 15}

// sweep is a step that drops the expired keys which nobody has asked for: KEYS leaves them, and RANDOMKEY drops some at random.
var sweep = step{args: []string{"scan", "0"}, act: scan, same: distinct("scan")}

// epilogue compares all that the servers hold.
func (d *duel) epilogue() *failure {
	if _, fail := d.both(nil, "DISCARD"); fail != nil {
		return fail
	}
	for _, db := range databases {
		d.batch = []step{{args: []string{"SELECT", strconv.Itoa(db)}}, {args: []string{"KEYS", "*"}, same: multiset(1)}, {args: []string{"DBSIZE"}}}
		all, fail := d.told()
		if fail != nil {
			return fail
		}
		if fail := d.scan(sweep); fail != nil {
			return fail
		}
		for keys := range slices.Chunk(slices.Sorted(slices.Values(all[1].texts())), mostSteps/4) {
			if fail := d.contents(keys); fail != nil {
				return fail
			}
		}
	}
	return nil
}

// contents compares each key: what it is first, then what it holds.
func (d *duel) contents(keys []string) *failure {
	for _, k := range keys {
		d.batch = append(d.batch, step{args: []string{"TYPE", k}}, step{args: []string{"OBJECT", "ENCODING", k}})
	}
	are, fail := d.told()
	if fail != nil {
		return fail
	}
	for i, k := range keys {
		d.batch = append(d.batch, step{args: []string{"PTTL", k}, same: near(2000)}, contentOf(are[2*i].text, are[2*i+1].text, k))
		if d.has("dump") {
			d.batch = append(d.batch, step{args: []string{"DUMP", k}, same: dumpReply})
		}
	}
	return d.flush()
}

// contentOf returns the step that compares a key's contents: in their order, unless it is that of a table.
func contentOf(kind, encoding, key string) step {
	table := encoding == "hashtable"
	switch kind {
	case "string":
		return step{args: []string{"GET", key}}
	case "list":
		return step{args: []string{"LRANGE", key, "0", "-1"}}
	case "zset":
		return step{args: []string{"ZRANGE", key, "0", "-1", "WITHSCORES"}}
	case "hash":
		s := step{args: []string{"HGETALL", key}}
		if table {
			s.same = multiset(2)
		}
		return s
	}
	s := step{args: []string{"SMEMBERS", key}}
	if table {
		s.same = multiset(1)
	}
	return s
}
