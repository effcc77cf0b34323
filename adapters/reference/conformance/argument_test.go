package conformance

import (
	"strconv"
	"strings"
)

// keyTypes are the letters of the types that a grammar asks keys of: strings, numbers, bitmaps, lists, hashes, sets, sorted
// sets, places of GEO, and HyperLogLogs.
const keyTypes = "snblhtzgp"

// key returns a key that is likely to hold a type: there are few, so that histories collide.
func (m *maker) key(letter string) string {
	switch {
	case letter == "y" && !m.tidy && m.chance(7):
		letter = pick(m, "s", "l", "t", "h") // but no sorted set with scores
	case letter == "y":
	case letter == "" || !m.tidy && m.chance(7):
		letter = string(keyTypes[m.IntN(len(keyTypes))])
	}
	if !m.tidy && m.chance(1) {
		return pick(m, "", "\x00\xff\r\n", "nosuch", "{"+letter+"1}x", strings.Repeat("k", 300))
	}
	return letter + strconv.Itoa(1+m.IntN(3))
}

func pick[T any](m *maker, from ...T) T { return from[m.IntN(len(from))] }

// Strings at the limits of Redis's encodings: 44 bytes are embstr, 64 are listpack.
var (
	text44 = strings.Repeat("e", 44)
	text45 = strings.Repeat("r", 45)
	text64 = strings.Repeat("l", 64)
	text65 = strings.Repeat("x", 65)
	text3k = strings.Repeat("The quick brown fox. ", 150)
)

// argument draws an argument by its kind.
func (m *maker) argument(kind string) string {
	if !m.tidy && m.chance(3) && !timed(kind) {
		return m.junk()
	}
	draw, ok := drawers[kind]
	if !ok {
		panic("grammar: no such kind of argument: " + kind)
	}
	return draw(m)
}

// timed reports whether an argument is a time that must not end while a history runs.
func timed(kind string) bool {
	switch kind {
	case "sec", "ms", "ats", "atms", "timeout", "dump":
		return true
	}
	return false
}

// drawers draw arguments, by the word that stands for them in a grammar.
var drawers = map[string]func(*maker) string{
	"val": func(m *maker) string {
		return pick(m, "", "a", "b", "0", "5", "-7", "10", "9999", "10000", "3.5", "1e3", "hello world", text44, text45, text64, text65,
			"\x00\x01\xfe\xff", "9223372036854775807", "-9223372036854775808", "9223372036854775808", " 12", "012", text3k)
	},
	"elem": func(m *maker) string {
		if m.chance(15) {
			return pick(m, "", text64, text65, "\xff\x00", "-1", "32768", "2147483648", "9223372036854775807", "1.50", "long-element")
		}
		return pick(m, "a", "b", "c", "d", "e", "f", "1", "2", "3", "4", "10", "300")
	},
	"num": func(m *maker) string {
		return pick(m, "0", "1", "-1", "2", "7", "-15", "100", "255", "-256", "65536", "9223372036854775807", "-9223372036854775807",
			"-9223372036854775808", "9223372036854775806", "4611686018427387904")
	},
	"float": func(m *maker) string {
		return pick(m, "0", "1", "-1", "0.1", "-0.25", "3.14159265358979", "1e10", "1.5e-7", "1e17", "123456789.123456789", "-0",
			"5e-324", "1.7976931348623157e308", "1e300", "0.30000000000000004")
	},
	"score": func(m *maker) string {
		return pick(m, "0", "1", "1", "2", "2", "3", "-1", "-2.5", "0.1", "0.2", "1e20", "inf", "-inf", "+inf", "1e-5", "123456789012",
			"3.0000000000000004", "-0", "1e100", "17179869184", "9007199254740993", "Infinity", "0x10")
	},
	"bound": func(m *maker) string {
		return pick(m, "-inf", "+inf", "inf", "0", "1", "(1", "2", "(2", "-1", "(-2.5", "3", "(3", "1e20", "(inf", "(-inf", "0.15")
	},
	"lex": func(m *maker) string {
		return pick(m, "-", "+", "[a", "(a", "[b", "(b", "[c", "(d", "[", "(", "[z", "[1", "(2", "[aa")
	},
	"idx": func(m *maker) string {
		return pick(m, "0", "0", "1", "2", "3", "-1", "-1", "-2", "-3", "5", "-100", "100", "7", "-8",
			"9223372036854775807", "-9223372036854775808")
	},
	"count": func(m *maker) string {
		return pick(m, "0", "1", "1", "2", "3", "5", "10", "100")
	},
	"some": func(m *maker) string { return pick(m, "0", "1", "2", "3", "10", "-1", "-2", "-5", "-12") },
	// No two of these are so near that which ends first depends on how fast a server is.
	"sec": func(m *maker) string { return strconv.Itoa(1000 + 10*m.IntN(1_000_000)) },
	"ms":  func(m *maker) string { return strconv.Itoa(1_005_000 + 10_000*m.IntN(1_000_000)) },
	// Absolute times; those that are over delete the key.
	"ats": func(m *maker) string { return pick(m, "1", "1000000000", "4102444800", "33177117420", "2524608000") },
	"atms": func(m *maker) string {
		return pick(m, "1", "1000000000000", "4102444800000", "33177117420000", "2524608000123")
	},
	"badttl": func(m *maker) string {
		return pick(m, "0", "-1", "9223372036854775807", "-9223372036854775808", "9223372036854775")
	},
	"pat": func(m *maker) string {
		return pick(m, "*", "?1", "[sh]*", "s*", "[^s]1", "\\*", "*2", "a", "[a-c]", "[c-a]*", "", "**", "[a", "?", "\\", "h?")
	},
	"by":  func(m *maker) string { return pick(m, "s*", "n*", "h*->a", "h*->", "*", "h1->*", "*->a", "#*") },
	"bit": func(m *maker) string { return pick(m, "0", "1") },
	"off": func(m *maker) string { return pick(m, "0", "1", "7", "8", "9", "63", "64", "100", "1023", "8191") },
	"bftype": func(m *maker) string {
		return pick(m, "u1", "u4", "u8", "i8", "u16", "i16", "i5", "u63", "i64", "i1", "u31")
	},
	"bfoff": func(m *maker) string { return pick(m, "0", "1", "8", "#0", "#1", "#3", "17", "100", "#63") },
	"lon": func(m *maker) string {
		return pick(m, "13.361389", "15.087269", "0", "-180", "180", "2.35", "-0.1275", "13.5")
	},
	"lat": func(m *maker) string {
		return pick(m, "38.115556", "37.502669", "0", "85.05112878", "-85", "48.85", "51.507", "38")
	},
	"rad":   func(m *maker) string { return pick(m, "0", "1", "50", "100.5", "200", "1000", "5000", "30000", "1e-3") },
	"place": func(m *maker) string { return pick(m, "Palermo", "Catania", "Paris", "London", "null", "nowhere") },
	"timeout": func(m *maker) string {
		return pick(m, "0.01", "0.02", "0.01", "0.01", "-1", "abc", "1e400", "nan", "9223372036854775807", "0.0101")
	},
	"db":   func(m *maker) string { return pick(m, "0", "1", "1", "9", "15", "16", "-1", "4294967296") },
	"chan": func(m *maker) string { return pick(m, "news", "news.tech", "n?ws", "other", "") },
	"dump": func(m *maker) string { return pick(m, dumps...) },
	"large": func(m *maker) string {
		return pick(m, "999999", "1048575", "1048577", "4294967295", "8388607", "8388608")
	},
}

// dumps are values as DUMP writes them, of a Redis 7.0.15, and such that are not right.
var dumps = []string{
	"\x00\x03foo\n\x00\xc4\xbf\x53\x95\x2a\x4f\xbc\x0b", "", "junk", "\x00\x03foo\n\x00\x00\x00\x00\x00\x00\x00\x00\x00",
}

// junk returns what is hardly ever right. No number of it is a time that ends soon, nor one that makes a long reply.
func (m *maker) junk() string {
	return pick(m, "", "abc", "nan", "-nan", "inf", "-inf", "+inf", "9223372036854775807", "9223372036854775808",
		"-9223372036854775808",
		"-9223372036854775809", "18446744073709551615", "18446744073709551616", "1.5", "0x10", "1e400", " 1", "1 ", "+1", "-0",
		"01", "--1",
		"\x00\xff\r\n", text65, "(1", "[a", "-", "+", "*", "#1", "u64", "i65", "NX", "XX", "GET", "COUNT", "LIMIT",
		"WITHSCORES", "MATCH",
		"0", "1.0", "1e2", "340282366920938463463374607431768211456", "LEFT", "BYLEX",
		strings.Repeat("9", 400), "1\x00", "1,5", "1_000")
}
