package engine

import "github.com/kvtool/kvtool/adapters/reference/wire"

// eachKey calls fn with the place of each key among args, spec by spec, and reports false if args are no call of the command: a
// count of keys that is none (db.c: getKeysUsingKeySpecs).
func (c *command) eachKey(args [][]byte, fn func(i int, access string)) bool {
	valid := true
	for _, k := range c.keys {
		if k.unknown {
			continue
		}
		first, ok := k.begin(args)
		if !ok {
			continue
		}
		last, step, ok := k.end(args, &first)
		if !ok {
			valid = false
			continue
		}
		for i := first; i <= last; i += step {
			fn(i, k.access)
		}
	}
	return valid
}

// begin returns where the search begins.
func (k keySpec) begin(args [][]byte) (int, bool) {
	if k.keyword == "" {
		return k.index, k.index < len(args)
	}
	from, to, step := k.from, len(args), 1
	if k.from < 0 {
		from, to, step = len(args)+k.from, 0, -1
	}
	for i := from; i != to && i > 0 && i < len(args); i += step {
		if sameName(args[i], k.keyword) {
			return i + 1, i+1 < len(args)
		}
	}
	return 0, false
}

// end returns where the last key is and how far apart they are; it moves first to the first of those that are counted.
func (k keySpec) end(args [][]byte, first *int) (last, step int, ok bool) {
	if k.counted {
		at := *first + k.countAt
		if at >= len(args) {
			return 0, 0, false
		}
		n, ok := wire.ParseInt(args[at])
		*first += k.firstKey
		last := int64(*first) + (n-1)*int64(k.step)
		if !ok || n < 0 || n > int64(len(args)) || last >= int64(len(args)) {
			return 0, 0, false
		}
		return int(last), k.step, true
	}
	switch {
	case k.last >= 0:
		last = *first + k.last
	case k.limit == 0:
		last = len(args) + k.last
	default:
		last = *first + (len(args)-*first)/k.limit + k.last
	}
	return last, k.step, last < len(args) && last >= *first
}
