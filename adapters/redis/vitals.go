package redis

import (
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// ParseVitals reads the text of INFO all, or of as much of it as a server tells. Any text will do: what is no line of INFO says
// nothing.
func ParseVitals(text string, at time.Time) *kv.Vitals {
	info := parseInfo(text)
	v := &kv.Vitals{
		At: at, Product: info.product(), Version: info.version(),
		Numbers: map[string]float64{}, Texts: map[string]string{}, Lacks: map[string]string{},
	}
	if strings.Contains(text, "# Commandstats") {
		v.Commands = map[string]kv.Command{}
	}
	if strings.Contains(text, "# Errorstats") {
		v.Errors = map[string]int64{}
	}
	for name, value := range info.fields {
		addField(v, name, value)
	}
	return v
}

// addField reads one line: a number, a text, or several named numbers with commas between.
func addField(v *kv.Vitals, name, value string) {
	if command, ok := strings.CutPrefix(name, "cmdstat_"); ok && v.Commands != nil {
		c := v.Commands[command]
		c.Calls, c.CPU = count(value, "calls"), time.Duration(clamp(decimal(part(value, "usec"))*1e3))
		c.Failed, c.Rejected = count(value, "failed_calls"), count(value, "rejected_calls")
		v.Commands[command] = c
		return
	}
	if command, ok := strings.CutPrefix(name, "latency_percentiles_usec_"); ok && v.Commands != nil {
		c := v.Commands[command]
		c.P50, c.P99 = time.Duration(clamp(decimal(part(value, "p50"))*1e3)), time.Duration(clamp(decimal(part(value, "p99"))*1e3))
		v.Commands[command] = c
		return
	}
	if class, ok := strings.CutPrefix(name, "errorstat_"); ok && v.Errors != nil {
		v.Errors[class] = count(value, "count")
		return
	}
	if strings.HasPrefix(value, "keys=") && strings.HasPrefix(name, "db") {
		v.Numbers["keys"] += float64(count(value, "keys"))
		v.Numbers["expires"] += float64(count(value, "expires"))
		return
	}
	if strings.HasPrefix(value, "ip=") && strings.HasPrefix(name, "slave") {
		v.Replicas = append(v.Replicas, kv.Replica{
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
