package lint

import (
	"cmp"
	"strconv"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// A length is how many bytes the values of a type have: 0 is not known.
type length struct{ typical, most int64 }

// lengthOf returns the length of a placeholder's values. Only what is declared or fixed counts as known.
func lengthOf(t *schema.Type) length {
	fixed := func(n int64) length { return length{n, n} }
	switch t.Kind {
	case schema.TypeUUID:
		return fixed(36)
	case schema.TypeULID:
		return fixed(26)
	case schema.TypeObjectID:
		return fixed(24)
	case schema.TypeMAC:
		return fixed(17)
	case schema.TypeTSs:
		return fixed(10)
	case schema.TypeTSms:
		return fixed(13)
	case schema.TypeISOWeek:
		return fixed(int64(len("2026-W03")))
	case schema.TypeDate:
		return fixed(int64(len(t.Layout)))
	case schema.TypeInt, schema.TypeSeq:
		return length{8, 19} // of 64 bits
	case schema.TypeUint:
		return fixed(digits(t.Max))
	case schema.TypeBucket:
		return fixed(digits(t.N - 1))
	case schema.TypeIP:
		return length{13, 39} // of version 6
	case schema.TypeEnum:
		return fixed(longest(t.Values))
	case schema.TypeHash:
		return fixed(cmp.Or(t.N, digest(t.Algo)))
	case schema.TypeHex, schema.TypeGeohash, schema.TypeBin, schema.TypeOpaque:
		return fixed(t.N)
	case schema.TypeStr, schema.TypeWord, schema.TypeSlug:
		return length{min(t.N, 16), t.N}
	}
	return length{}
}

// digest returns how many hexadecimal digits a hash has.
func digest(algo string) int64 {
	switch algo {
	case "md5":
		return 32
	case "sha1":
		return 40
	case "sha256":
		return 64
	case "xxh3":
		return 16
	}
	return 8
}

func digits(n int64) int64 { return int64(len(strconv.FormatInt(max(0, n), 10))) }

func longest(values []string) int64 {
	n := 0
	for _, v := range values {
		n = max(n, len(v))
	}
	return int64(n)
}

// mostLength returns how long keys may get, as far as it is declared: a type of no known length counts as one byte.
func mostLength(k schema.Key) int64 {
	return sumLengths(k, func(t *schema.Type) int64 { return max(1, lengthOf(t).most) })
}

// typicalLength returns how long keys are, about: a type of no known length counts as 16 bytes.
func typicalLength(k schema.Key) int64 {
	return sumLengths(k, func(t *schema.Type) int64 {
		if n := lengthOf(t).typical; n > 0 {
			return n
		}
		return 16
	})
}

func sumLengths(k schema.Key, of func(*schema.Type) int64) int64 {
	var n int64
	for _, p := range k {
		if p.Type != nil {
			n += of(p.Type)
			continue
		}
		n += int64(len(p.Literal))
	}
	return n
}
