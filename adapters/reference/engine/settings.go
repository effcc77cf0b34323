package engine

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/kvtool/kvtool/adapters/reference/wire"
	"github.com/kvtool/kvtool/internal/evict"
)

// settings.txt has a line for each setting of Redis 7.0.15 (config.c): its name, its alias, its flags (i immutable, p protected,
// s a password, m several arguments, h hidden), its type with bounds or words, and its default. Fields are divided by tabs.
//
//go:embed settings.txt
var settingsText string

// A setting is one line of settings.txt.
type setting struct {
	name, alias, flags, kind, fallback string
}

// settings are the values there are, and those that commands read, apart.
type settings struct {
	mu     sync.Mutex
	all    []setting // in the order of their names
	values map[string]string
	engine *Engine

	// Read without the lock.
	password    atomic.Pointer[string]
	maxClients  atomic.Int64
	maxBulk     atomic.Int64
	maxQuery    atomic.Int64
	trackedKeys atomic.Int64 // in the table of what clients track; 0 is no limit
	idle        atomic.Int64 // timeout, seconds
	events      atomic.Uint32
	slowUS      atomic.Int64
	latencyMS   atomic.Int64
	hz          atomic.Int64
	evictUS     atomic.Int64 // how long may be evicted before a command
	output      atomic.Pointer[[3]OutputLimit]
}

// An OutputLimit is one of the three of client-output-buffer-limit: of normal clients, replicas and subscribers.
type OutputLimit struct{ Hard, Soft, Seconds int64 }

func newSettings(e *Engine) {
	s := &settings{engine: e, values: map[string]string{}}
	for line := range strings.Lines(settingsText) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		s.all = append(s.all, setting{f[0], f[1], f[2], f[3], f[4]})
		s.values[f[0]] = f[4]
	}
	e.settings = s
	for _, x := range s.all {
		s.apply(x.name, s.values[x.name])
	}
}

// Password returns what requirepass is set to, or "".
func (s *settings) Password() string {
	if p := s.password.Load(); p != nil {
		return *p
	}
	return ""
}

// find returns a setting by its name or alias, in any case.
func (s *settings) find(name string) *setting {
	for i := range s.all {
		if x := &s.all[i]; strings.EqualFold(x.name, name) || x.alias != "" && strings.EqualFold(x.alias, name) {
			return x
		}
	}
	return nil
}

// Setting returns the value of a setting by its name; "" if there is none.
func (e *Engine) Setting(name string) string {
	e.settings.mu.Lock()
	defer e.settings.mu.Unlock()
	return e.settings.values[name]
}

// Settings returns the names that match one of patterns, with their values (config.c: configGetCommand). A name without a
// wildcard is found under its alias too, and printed as it was asked for.
func (e *Engine) Settings(patterns [][]byte) (pairs [][2]string) {
	s := e.settings
	s.mu.Lock()
	defer s.mu.Unlock()
	add := func(name, value string) {
		if !slices.ContainsFunc(pairs, func(p [2]string) bool { return p[0] == name }) {
			pairs = append(pairs, [2]string{name, value})
		}
	}
	for _, p := range patterns {
		if !bytes.ContainsAny(p, "[*?") {
			if x := s.find(string(p)); x != nil {
				add(string(p), s.printed(x.name))
			}
			continue
		}
		pattern := strings.ToLower(string(p))
		for _, x := range s.all {
			for _, name := range [...]string{x.name, x.alias} {
				if name != "" && !strings.Contains(x.flags, "h") && Match(pattern, []byte(name)) {
					add(name, s.printed(x.name))
				}
			}
		}
	}
	return pairs
}

// printed returns a value as CONFIG GET prints it. Not all that was set of notify-keyspace-events is: A hides n.
func (s *settings) printed(name string) string {
	if name == "notify-keyspace-events" {
		classes, _ := parseEvents(s.values[name])
		return formatEvents(classes)
	}
	return s.values[name]
}

// Set changes settings, all or none, and returns the text of the error, or "" (config.c: configSetCommand). Every shard is
// locked.
func (e *Engine) Set(pairs [][]byte) string {
	s := e.settings
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*setting
	failed := func(name []byte, why string) string {
		name = cString(name, len(name))
		return fmt.Sprintf("ERR CONFIG SET failed (possibly related to argument '%s') - %s", name, why)
	}
	for i := 0; i < len(pairs); i += 2 {
		x := s.find(string(pairs[i]))
		switch {
		case x == nil:
			return fmt.Sprintf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", cString(pairs[i], len(pairs[i])))
		case strings.Contains(x.flags, "i"):
			return failed(pairs[i], "can't set immutable config")
		case strings.Contains(x.flags, "p"):
			return failed(pairs[i], "can't set protected config")
		case slices.Contains(found, x):
			return failed(pairs[i], "duplicate parameter")
		}
		found = append(found, x)
	}
	values := make([]string, len(found))
	for i, x := range found {
		v, why := s.check(x, string(pairs[2*i+1]))
		if why != "" {
			return failed([]byte(x.name), why)
		}
		values[i] = v
	}
	for i, x := range found {
		s.values[x.name] = values[i]
		s.apply(x.name, values[i])
	}
	return ""
}

// begin sets a setting before there are clients, and returns why it cannot be.
func (s *settings) begin(name, text string) string {
	x := s.find(name)
	if x == nil {
		return "there is no such setting"
	}
	v, why := s.check(x, text)
	if why == "" {
		s.values[x.name] = v
		s.apply(x.name, v)
	}
	return why
}

// check returns a value as CONFIG GET prints it, or why it is none.
func (s *settings) check(x *setting, text string) (value, why string) {
	kind, rest, _ := strings.Cut(x.kind, ":")
	switch {
	case kind == "bool":
		return checkBool(x, text)
	case kind == "enum":
		return s.checkWord(x, strings.Split(rest, ","), text)
	case kind == "special":
		return s.checkSpecial(x, text)
	case kind == "string":
		return text, ""
	}
	return checkNumber(kind, rest, text)
}

func checkBool(x *setting, text string) (value, why string) {
	text = strings.ToLower(text)
	switch {
	case text != "yes" && text != "no":
		return "", "argument must be 'yes' or 'no'"
	case x.name == "activedefrag" && text == "yes":
		return "", "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like the one " +
			"shipped by default with the Redis source distribution"
	case x.name == "appendonly" && text == "yes":
		return "", "this server keeps nothing on disk"
	}
	return text, ""
}

func (s *settings) checkWord(x *setting, words []string, text string) (value, why string) {
	if x.name == "maxmemory-policy" && s.engine.opts.WhatIf {
		if _, err := evict.ParseKind(text); err == nil {
			return strings.ToLower(text), ""
		}
	}
	given := []string{text}
	if strings.Contains(x.flags, "m") {
		given = strings.Fields(text)
	}
	for _, g := range given {
		if !slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, g) }) {
			return "", "argument(s) must be one of the following: " + strings.Join(words, ", ")
		}
	}
	return strings.ToLower(text), ""
}

// checkNumber reads a number of one of the kinds int/n, uint/mem and so on, whose bounds are "low:high".
func checkNumber(kind, bounds, text string) (value, why string) {
	low, high, _ := strings.Cut(bounds, ":")
	base, unit, _ := strings.Cut(kind, "/")
	if unit == "octal" {
		return text, ""
	}
	n, ok := parseMemory(text)
	if !strings.HasPrefix(unit, "mem") {
		var signed int64
		signed, ok = wire.ParseInt([]byte(text))
		n = uint64(signed)
	}
	if percent := strings.TrimSuffix(text, "%"); !ok && percent != text && strings.HasSuffix(unit, "%") {
		p, isNumber := wire.ParseInt([]byte(percent))
		switch {
		case isNumber && p >= 0 && p <= 100:
			return text, ""
		case isNumber && p > 100:
			return "", "percentage argument must be less or equal to 100"
		}
	}
	if !ok {
		return "", map[string]string{
			"mem":  "argument must be a memory value",
			"mem%": "argument must be a memory or percent value",
			"n":    "argument couldn't be parsed into an integer",
		}[unit]
	}
	outside := "argument must be between " + low + " and " + high + " inclusive"
	if base == "uint" {
		l, _ := strconv.ParseUint(low, 10, 64)
		h, _ := strconv.ParseUint(high, 10, 64)
		if n < l || n > h {
			return "", outside
		}
		return strconv.FormatUint(n, 10), ""
	}
	l, _ := strconv.ParseInt(low, 10, 64)
	h, _ := strconv.ParseInt(high, 10, 64)
	if int64(n) < l || int64(n) > h {
		return "", outside
	}
	return strconv.FormatInt(int64(n), 10), ""
}

// parseMemory reads 100, 10mb, 1G (util.c: memtoull).
func parseMemory(text string) (uint64, bool) {
	digits := strings.TrimRight(strings.ToLower(text), "bkmg")
	factor, ok := map[string]uint64{
		"": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 1e6, "mb": 1 << 20, "g": 1e9, "gb": 1 << 30,
	}[strings.ToLower(text[len(digits):])]
	n, err := strconv.ParseUint(digits, 10, 64)
	return n * factor, ok && (err == nil || digits == "" && text == "") && !strings.HasPrefix(text, "+")
}

// checkSpecial is check for the settings that have a form of their own.
func (s *settings) checkSpecial(x *setting, text string) (value, why string) {
	switch x.name {
	case "notify-keyspace-events":
		if _, ok := parseEvents(text); !ok {
			return "", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."
		}
	case "save":
		words := strings.Fields(text)
		for i, w := range words {
			if n, err := strconv.ParseInt(w, 10, 64); err != nil || n < int64(1-i%2) {
				return "", "Invalid save parameters"
			}
		}
		if len(words)%2 != 0 {
			return "", "Invalid save parameters"
		}
		return strings.Join(words, " "), ""
	case "client-output-buffer-limit":
		return s.checkOutputLimits(text)
	}
	return text, ""
}

// apply makes a value of a setting effective, if it is one that anything depends on here. Every shard is locked, or there is none
// yet.
func (s *settings) apply(name, value string) {
	n, _ := strconv.ParseInt(value, 10, 64)
	switch name {
	case "requirepass":
		s.password.Store(&value)
	case "maxclients":
		s.maxClients.Store(n)
	case "proto-max-bulk-len":
		s.maxBulk.Store(n)
	case "client-query-buffer-limit":
		s.maxQuery.Store(n)
	case "tracking-table-max-keys":
		s.trackedKeys.Store(n)
	case "timeout":
		s.idle.Store(n)
	case "slowlog-max-len":
		s.engine.slowlog.max.Store(n)
	case "slowlog-log-slower-than":
		s.slowUS.Store(n)
		s.setSlow()
	case "latency-monitor-threshold":
		s.latencyMS.Store(n)
		s.setSlow()
	case "notify-keyspace-events":
		classes, _ := parseEvents(value)
		s.events.Store(classes)
		s.engine.attend(someNotify, classes&(eventClass('K')|eventClass('E')) != 0)
	case "client-output-buffer-limit":
		limits := parseOutputLimits(value)
		s.output.Store(&limits)
	case "hz":
		s.hz.Store(min(max(n, 1), 500))
		s.applyToShards()
	case "maxmemory-eviction-tenacity":
		s.evictUS.Store(evict.TimeLimit(int(n)).Microseconds())
	case "maxmemory", "maxmemory-policy", "maxmemory-samples", "lfu-log-factor", "lfu-decay-time", "active-expire-effort",
		"hash-max-listpack-entries", "hash-max-listpack-value", "zset-max-listpack-entries", "zset-max-listpack-value",
		"set-max-intset-entries", "list-max-listpack-size", "hll-sparse-max-bytes":
		s.applyToShards()
	}
}

// setSlow computes from when on a command may have to be noted, so that all others cost one comparison.
func (s *settings) setSlow() {
	limit := int64(1 << 62)
	if us := s.slowUS.Load(); us >= 0 {
		limit = us
	}
	if ms := s.latencyMS.Load(); ms > 0 {
		limit = min(limit, ms*1000)
	}
	s.engine.slow.Store(limit)
}

func (s *settings) int(name string) int {
	n, _ := strconv.ParseInt(s.values[name], 10, 64)
	return int(n)
}

// applyToShards gives each shard its thresholds and its part of maxmemory.
func (s *settings) applyToShards() {
	e := s.engine
	limit, _ := strconv.ParseUint(s.values["maxmemory"], 10, 64)
	policy, _ := evict.ParseKind(s.values["maxmemory-policy"])
	for _, shard := range e.shards {
		l := shard.Limits()
		l.HashEntries, l.HashValue = s.int("hash-max-listpack-entries"), s.int("hash-max-listpack-value")
		l.ZSetEntries, l.ZSetValue = s.int("zset-max-listpack-entries"), s.int("zset-max-listpack-value")
		l.SetInts, l.ListSize = s.int("set-max-intset-entries"), s.int("list-max-listpack-size")
		l.HLLSparse = s.int("hll-sparse-max-bytes")
		set := shard.Settings()
		set.MaxMemory = int64(limit / uint64(len(e.shards)))
		set.Policy, set.Samples = policy, s.int("maxmemory-samples")
		set.LFU = evict.LFU{LogFactor: s.int("lfu-log-factor"), DecayTime: s.int("lfu-decay-time")}
		set.Effort, set.HZ = s.int("active-expire-effort"), int(s.hz.Load())
		shard.Configure(set)
	}
	e.attend(maxMemory, limit > 0)
}

// outputClasses are the kinds of clients with a limit of their own.
var outputClasses = [...]string{"normal", "slave", "pubsub"}

// checkOutputLimits reads groups of four words, and returns all limits with those changed (config.c:
// updateClientOutputBufferLimit).
func (s *settings) checkOutputLimits(text string) (value, why string) {
	words := strings.Fields(text)
	if len(words) == 0 || len(words)%4 != 0 {
		return "", "Wrong number of arguments in buffer limit configuration."
	}
	limits := parseOutputLimits(s.values["client-output-buffer-limit"])
	for ; len(words) > 0; words = words[4:] {
		class := strings.ToLower(words[0])
		if class == "replica" {
			class = "slave"
		}
		i := slices.Index(outputClasses[:], class)
		if i < 0 {
			return "", "Invalid client class specified in buffer limit configuration."
		}
		hard, ok1 := parseMemory(words[1])
		soft, ok2 := parseMemory(words[2])
		seconds, err := strconv.ParseInt(words[3], 10, 64)
		if !ok1 || !ok2 || err != nil || seconds < 0 {
			return "", "Error in hard, soft or soft_seconds setting in buffer limit configuration."
		}
		limits[i] = OutputLimit{int64(hard), int64(soft), seconds}
	}
	var b []string
	for i, l := range limits {
		b = append(b, fmt.Sprintf("%s %d %d %d", outputClasses[i], l.Hard, l.Soft, l.Seconds))
	}
	return strings.Join(b, " "), ""
}

func parseOutputLimits(text string) (limits [3]OutputLimit) {
	words := strings.Fields(text)
	for i := 0; i+3 < len(words); i += 4 {
		l := &limits[slices.Index(outputClasses[:], words[i])]
		l.Hard, _ = strconv.ParseInt(words[i+1], 10, 64)
		l.Soft, _ = strconv.ParseInt(words[i+2], 10, 64)
		l.Seconds, _ = strconv.ParseInt(words[i+3], 10, 64)
	}
	return limits
}

// OutputLimit returns how much may wait to be read by the client of a session.
func (s *Session) OutputLimit() OutputLimit {
	limits := s.e.settings.output.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown.flags&subscribed != 0 {
		return limits[2]
	}
	return limits[0]
}

// MaxBulk returns how many bytes an argument may have.
func (e *Engine) MaxBulk() int { return int(e.settings.maxBulk.Load()) }

// MaxQuery returns how many bytes of a request there may be that has not arrived whole.
func (e *Engine) MaxQuery() int64 { return e.settings.maxQuery.Load() }

// IdleTimeout returns after how many seconds without a request a client is disconnected; 0 is never.
func (e *Engine) IdleTimeout() int64 { return e.settings.idle.Load() }
