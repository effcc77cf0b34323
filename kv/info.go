package kv

import (
	"math"
	"net"
	"strconv"
	"strings"
	"time"
)

// ParseVitals reads the text of INFO all, or of as much of it as a server tells. Any text will do: what is no line of INFO says
// nothing. Which product that is, the text does not say.
func ParseVitals(text string, at time.Time) *Vitals {
	v := &Vitals{At: at, Numbers: map[string]float64{}, Texts: map[string]string{}, Lacks: map[string]string{}}
	if strings.Contains(text, "# Commandstats") {
		v.Commands = map[string]Command{}
	}
	if strings.Contains(text, "# Errorstats") {
		v.Errors = map[string]int64{}
	}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if ok && !strings.HasPrefix(name, "#") {
			v.addField(name, value)
		}
	}
	return v
}

// addField reads one line: a number, a text, or several named numbers with commas between.
func (v *Vitals) addField(name, value string) {
	if command, ok := strings.CutPrefix(name, "cmdstat_"); ok && v.Commands != nil {
		c := v.Commands[command]
		c.Calls, c.CPU = count(value, "calls"), microseconds(value, "usec")
		c.Failed, c.Rejected = count(value, "failed_calls"), count(value, "rejected_calls")
		v.Commands[command] = c
		return
	}
	if command, ok := strings.CutPrefix(name, "latency_percentiles_usec_"); ok && v.Commands != nil {
		c := v.Commands[command]
		c.P50, c.P99 = microseconds(value, "p50"), microseconds(value, "p99")
		v.Commands[command] = c
		return
	}
	if class, ok := strings.CutPrefix(name, "errorstat_"); ok && v.Errors != nil {
		v.Errors[class] = count(value, "count")
		return
	}
	if strings.HasPrefix(value, "keys=") && strings.HasPrefix(name, "db") {
		v.Numbers["databases_used"]++
		v.Numbers["keys"] += float64(count(value, "keys"))
		v.Numbers["expires"] += float64(count(value, "expires"))
		return
	}
	if strings.HasPrefix(value, "ip=") && strings.HasPrefix(name, "slave") {
		v.Replicas = append(v.Replicas, Replica{
			Place: net.JoinHostPort(part(value, "ip"), part(value, "port")), State: part(value, "state"),
			Offset: count(value, "offset"), Lag: time.Duration(clamp(float64(count(value, "lag")) * 1e9)),
		})
		return
	}
	if x, err := strconv.ParseFloat(value, 64); err == nil && !math.IsNaN(x) && !math.IsInf(x, 0) && name != "run_id" {
		v.Numbers[name] = x
		return
	}
	v.Texts[name] = value
}

// part returns one of the values of "a=1,b=2", "" if it is not there.
func part(value, name string) string {
	for one := range strings.SplitSeq(value, ",") {
		if rest, ok := strings.CutPrefix(one, name); ok && strings.HasPrefix(rest, "=") {
			return rest[1:]
		}
	}
	return ""
}

// count is part as a number of things; 0 where it is none.
func count(value, name string) int64 { return int64(clamp(decimal(part(value, name)))) }

// decimal returns the number that a text is, 0 where it is none.
func decimal(text string) float64 {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) {
		return 0
	}
	return x
}

// clamp bounds what is to be a whole number that is not negative.
func clamp(x float64) float64 { return min(max(x, 0), 1<<62) }

// microseconds is part as a time.
func microseconds(value, name string) time.Duration {
	return time.Duration(clamp(math.Round(decimal(part(value, name)) * 1e3)))
}
