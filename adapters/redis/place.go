package redis

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/kv"
)

// A place is where a scan has got to: a cursor of one database. A cursor means something to the process that gave it alone,
// for the hash of a name is another after each start; so the place names the process.
type place struct {
	run    string // the server's run_id; empty: it does not say, and nothing can be continued
	db     int    // all before it have been read
	cursor string // "0" is the beginning
	of     string // the keys of this type are being read, and those of the types before it have been; empty: of all types at once
}

// placeForm is the first word of an encoded place, and the version of its form.
const placeForm = "redis-scan-1"

func (p place) encode() []byte {
	words := []string{placeForm, p.run, strconv.Itoa(p.db), p.cursor}
	if p.of != "" {
		words = append(words, p.of)
	}
	return []byte(strings.Join(words, " "))
}

// decodePlace reads what encode wrote.
func decodePlace(b []byte) (p place, ok bool) {
	words := strings.Split(string(b), " ")
	if len(words) == 5 && slices.Contains(coreTypes[:], words[4]) {
		words, p.of = words[:4], words[4]
	}
	if len(words) != 4 || words[0] != placeForm || words[1] == "" {
		return p, false
	}
	db, err := strconv.Atoi(words[2])
	if err != nil || db < 0 {
		return p, false
	}
	if _, err := strconv.ParseUint(words[3], 10, 64); err != nil {
		return p, false
	}
	return place{words[1], db, words[3], p.of}, true
}

// begin returns where a scan of the server begins that is to continue from.
func (s *store) begin(now serverInfo, from []byte) (place, error) {
	run := now.fields["run_id"]
	if from == nil {
		return place{run: run, db: max(0, s.cfg.db), cursor: "0"}, nil
	}
	p, ok := decodePlace(from)
	switch {
	case !ok:
		return p, kv.WithHint(kv.Usagef("%s: this is no place to continue a scan at", s.cfg.target), "begin anew, without --resume")
	case run == "":
		return p, kv.WithHint(kv.Usagef("%s: whether this is still the same server cannot be told: INFO has no run_id", s.cfg.target),
			"begin anew, without --resume; or grant +info")
	case p.run != run:
		return p, kv.WithHint(kv.Usagef("%s is another server than the one whose scan was interrupted, or has been started anew since: its cursors mean nothing any more",
			s.cfg.target), "begin anew, without --resume")
	case s.cfg.db >= 0 && p.db < s.cfg.db:
		return p, kv.WithHint(kv.Usagef("%s: the interrupted scan was in database %d", s.cfg.target, p.db), "name the same target as before")
	}
	return p, nil
}
