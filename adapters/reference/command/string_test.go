package command_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

// far is a time in the future, in seconds or milliseconds, that no test reaches.
func far(r *rand.Rand, unit int64) string {
	if r.IntN(10) == 0 {
		return draw(r, "0", "-1", "x", "1", "9223372036854775807x")
	}
	return strconv.FormatInt((4000000000+r.Int64N(100))*unit, 10)
}

// setWords are some options of SET or GETEX.
func setWords(r *rand.Rand, words ...string) (args []string) {
	for range r.IntN(4) {
		switch w := draw(r, words...); w {
		case "exat":
			args = append(args, anyCase(r, w), far(r, 1))
		case "pxat":
			args = append(args, anyCase(r, w), far(r, 1000))
		case "ex", "px":
			args = append(args, anyCase(r, w), draw(r, "0", "-1", "abc", "9223372036854775807"))
		default:
			args = append(args, anyCase(r, w))
		}
	}
	return args
}

func TestStrings(t *testing.T) {
	play(t, 11, twinKeys,
		func(r *rand.Rand) []string { return []string{"GET", key(r)} },
		func(r *rand.Rand) []string { return []string{"SET", key(r), text(r)} },
		func(r *rand.Rand) []string {
			return append([]string{"SET", key(r), text(r)}, setWords(r, "nx", "xx", "get", "keepttl", "exat", "pxat", "ex",
				"px", "persist")...)
		},
		func(r *rand.Rand) []string {
			return append([]string{"GETEX", key(r)}, setWords(r, "exat", "pxat", "ex", "px", "persist", "keepttl")...)
		},
		func(r *rand.Rand) []string { return []string{"SETNX", key(r), text(r)} },
		func(r *rand.Rand) []string {
			return []string{draw(r, "SETEX", "pSetEx"), key(r), draw(r, "0", "-1", "x", "9223372036854775807"), text(r)}
		},
		func(r *rand.Rand) []string { return []string{"GETSET", key(r), text(r)} },
		func(r *rand.Rand) []string { return []string{"GETDEL", key(r)} },
		func(r *rand.Rand) []string { return []string{"MGET", key(r), key(r), key(r)} },
		func(r *rand.Rand) []string {
			return []string{draw(r, "MSET", "MSETNX"), key(r), text(r), key(r), text(r)}
		},
		func(r *rand.Rand) []string { return []string{"STRLEN", key(r)} },
		func(r *rand.Rand) []string {
			return []string{draw(r, "GETRANGE", "SUBSTR"), key(r), number(r), number(r)}
		},
		func(r *rand.Rand) []string { return []string{"APPEND", key(r), text(r)} },
		func(r *rand.Rand) []string {
			return []string{"SETRANGE", key(r), draw(r, "0", "1", "5", "60", "-1", "x", "536870912", "9223372036854775807"), text(r)}
		},
		func(r *rand.Rand) []string { return []string{draw(r, "INCR", "DECR"), key(r)} },
		func(r *rand.Rand) []string { return []string{draw(r, "INCRBY", "DECRBY"), key(r), number(r)} },
		func(r *rand.Rand) []string {
			return []string{"INCRBYFLOAT", key(r), draw(r, number(r), "0.1", "1e5", "-3.25", "inf", "nan", "1e4932")}
		},
		func(r *rand.Rand) []string {
			args := []string{"LCS", key(r), key(r)}
			for range r.IntN(3) {
				args = append(args, draw(r, []string{"LEN"}, []string{"idx"}, []string{"WITHMATCHLEN"}, []string{
					"minmatchlen",
					number(r),
				})...)
			}
			return args
		},
		wrongTypes,
	)
}

// wrongTypes makes keys that are no strings, or takes keys away.
func wrongTypes(r *rand.Rand) []string {
	switch r.IntN(6) {
	case 0:
		return []string{"SADD", key(r), "1", "2"}
	case 1:
		return []string{"ZADD", key(r), "1", "a", "2", "b"}
	}
	return []string{"DEL", key(r)}
}

func TestBits(t *testing.T) {
	offset := func(r *rand.Rand) string {
		return draw(r, strconv.Itoa(r.IntN(300)), number(r), "4294967295x", "4294967296")
	}
	bits := func(r *rand.Rand) string { return draw(r, "0", "1", "0", "1", "2", "-1", "x", "01") }
	width := func(r *rand.Rand) string {
		return draw(r, "u", "i") + draw(r, strconv.Itoa(1+r.IntN(64)), "8", "63", "64", "0", "65", "", "x")
	}
	play(t, 12, twinKeys,
		func(r *rand.Rand) []string { return []string{"SET", key(r), text(r)} },
		func(r *rand.Rand) []string { return []string{"SETBIT", key(r), offset(r), bits(r)} },
		func(r *rand.Rand) []string { return []string{"GETBIT", key(r), offset(r)} },
		func(r *rand.Rand) []string {
			args := []string{"BITCOUNT", key(r), number(r), number(r), draw(r, "BIT", "byte", "bit", "x")}
			return args[:draw(r, 2, 4, 5, 5, 3)]
		},
		func(r *rand.Rand) []string {
			args := []string{"BITPOS", key(r), bits(r), number(r), number(r), draw(r, "BIT", "byte", "bit", "x")}
			return args[:draw(r, 3, 4, 5, 6, 6)]
		},
		func(r *rand.Rand) []string {
			return append([]string{"BITOP", draw(r, "AND", "or", "XOR", "not", "NOT", "x"), key(r), key(r)}, draw(r,
				[]string{}, []string{key(r)}, []string{key(r), key(r)})...)
		},
		func(r *rand.Rand) []string {
			args := []string{draw(r, "BITFIELD", "BITFIELD", "BITFIELD_RO"), key(r)}
			for range r.IntN(5) {
				at := draw(r, "#", "") + draw(r, strconv.Itoa(r.IntN(100)), number(r))
				switch r.IntN(4) {
				case 0:
					args = append(args, anyCase(r, "get"), width(r), at)
				case 1:
					args = append(args, anyCase(r, "set"), width(r), draw(r, "5", "#2", "0", "63"), number(r))
				case 2:
					args = append(args, anyCase(r, "incrby"), width(r), draw(r, "5", "#2", "0", "63"), number(r))
				default:
					args = append(args, "OVERFLOW", draw(r, "WRAP", "sat", "FAIL", "x", "sat", "fail"))
				}
			}
			return args
		},
		wrongTypes,
	)
}
