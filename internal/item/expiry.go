package item

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// What DynamoDB makes of a TTL attribute: Unix time in seconds as a number at the top of the item; nothing else ever expires
// (developer guide, "Using time to live"). Times more than five years past are not deleted, so that a mistake does not empty a
// table. The other bounds are ours: they tell other units from seconds.
const (
	oldest     = 5 * 365 * 24 * time.Hour
	farthest   = 10 * 365 * 24 * time.Hour
	relative   = 1e8  // below it, seconds of Unix time are before March 1973: a duration was meant
	millis     = 1e11 // above it they are after the year 5000
	micros     = 1e14
	mostNumber = 18 // digits of a whole number that are read
)

// Expiry says what the TTL attribute of an item means to DynamoDB at the time now, and what is wrong with it. With a fault the
// item does not expire, but for kv.FaultFar.
func Expiry(v Value, nested bool, now time.Time) (state kv.TTLState, at time.Time, fault kv.Fault) {
	switch {
	case v.Kind == None && nested:
		return kv.TTLNone, at, kv.FaultNested
	case v.Kind == None:
		return kv.TTLNone, at, ""
	case v.Kind != N:
		return kv.TTLNone, at, kv.FaultType
	}
	seconds, nanos, ok := unix(v.Text)
	switch {
	case !ok || seconds >= micros:
		return kv.TTLNone, at, kv.FaultMicroseconds
	case seconds > millis:
		return kv.TTLNone, at, kv.FaultMilliseconds
	case seconds > 0 && seconds < relative:
		return kv.TTLNone, at, kv.FaultRelative
	}
	at = time.Unix(seconds, nanos).UTC()
	switch {
	case at.Before(now.Add(-oldest)):
		return kv.TTLNone, time.Time{}, kv.FaultOld
	case at.After(now.Add(farthest)):
		return kv.TTLAt, at, kv.FaultFar
	case at.Before(now):
		return kv.TTLExpired, at, ""
	}
	return kv.TTLAt, at, ""
}

// unix reads a number in its plain form as seconds and nanoseconds. ok is false if it is too large.
func unix(text []byte) (seconds, nanos int64, ok bool) {
	whole, fraction := string(text), ""
	for i, c := range text {
		if c == '.' {
			whole, fraction = string(text[:i]), string(text[i+1:])
			break
		}
	}
	if len(whole) > mostNumber+1 {
		return 0, 0, false
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	for i := range 9 {
		nanos *= 10
		if i < len(fraction) && '0' <= fraction[i] && fraction[i] <= '9' {
			nanos += int64(fraction[i] - '0')
		}
	}
	if whole[0] == '-' {
		nanos = -nanos
	}
	return seconds, nanos, true
}

// expiryNames are what tables call the attribute that items expire by, in their plain form, the best first.
func expiryNames() []string {
	return []string{
		"ttl", "expiresat", "expireat", "expires", "expiry", "expiration", "expirationtime", "expirationdate", "expirydate", "expirytime",
		"expireson", "timetolive", "deleteafter", "deleteat", "expdate", "exp",
	}
}

// CalledTTL reports whether an attribute is called as those are that items expire by; rank is less for a better name.
func CalledTTL(name string) (rank int, ok bool) {
	rank = slices.Index(expiryNames(), PlainName(name))
	return rank, rank >= 0
}

// PlainName returns a name in lower case without separators: expires_at and expiresAt are the same.
func PlainName(name string) string {
	return strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(name))
}
