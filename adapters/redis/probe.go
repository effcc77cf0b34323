package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// An attr is a command that a scan may send for each key.
type attr int

// The attributes, in the order in which they are asked and answered.
const (
	attrType attr = iota
	attrTTL
	attrEncoding
	attrSize
	attrIdle // of a sample; which of the two a server keeps depends on its policy of eviction
	attrFreq
	attrStrlen // only where attrSize is refused
	attrHLen   // these tell the length of a value by its type (length.go)
	attrLLen
	attrSCard
	attrZCard
	attrXLen
	numAttrs
)

// attrs says of each attribute how it is asked for and what it tells.
var attrs = [numAttrs]struct {
	words   []string
	command string
	grant   string
	field   kv.Field
	sampled bool // asked of a sample of the keys
}{
	attrType:     {[]string{"TYPE"}, "TYPE", "+type", kv.FieldType, false},
	attrTTL:      {[]string{"PTTL"}, "PTTL", "+pttl", kv.FieldTTL, false},
	attrEncoding: {[]string{"OBJECT", "ENCODING"}, "OBJECT ENCODING", "+object|encoding", kv.FieldEncoding, false},
	attrSize:     {[]string{"MEMORY", "USAGE"}, "MEMORY USAGE", "+memory|usage", kv.FieldSize, false},
	attrIdle:     {[]string{"OBJECT", "IDLETIME"}, "OBJECT IDLETIME", "+object|idletime", kv.FieldIdle, true},
	attrFreq:     {[]string{"OBJECT", "FREQ"}, "OBJECT FREQ", "+object|freq", kv.FieldFreq, true},
	attrStrlen:   {[]string{"STRLEN"}, "STRLEN", "+strlen +client|no-touch", 0, false},
	attrHLen:     {[]string{"HLEN"}, "HLEN", "+hlen", 0, false},
	attrLLen:     {[]string{"LLEN"}, "LLEN", "+llen", 0, false},
	attrSCard:    {[]string{"SCARD"}, "SCARD", "+scard", 0, false},
	attrZCard:    {[]string{"ZCARD"}, "ZCARD", "+zcard", 0, false},
	attrXLen:     {[]string{"XLEN"}, "XLEN", "+xlen", 0, false},
}

// abilities says what this user may ask this server. It does not change after the probe.
type abilities struct {
	refused   [numAttrs]string // the server's words; empty: it answers
	scan      string           // the same of SCAN
	info      string           // and of INFO
	noTouch   string           // and of CLIENT NO-TOUCH, without which attrStrlen and those after it are not asked
	noKey     bool             // there was no key to probe with
	model     *memory.Model    // for sizes where MEMORY USAGE is refused; nil otherwise
	filters   bool             // where TYPE is refused: SCAN tells types by its filter
	allocator string           // how the model's allocator is known
	service   *Service         // nil: it is none that is known
	user      string
	version   string
	calls     []kv.Calls // before the first question about a key
}

// has reports whether a is answered.
func (a *abilities) has(x attr) bool { return a.refused[x] == "" }

// absent is the key that is probed with where the server holds none.
const absent = "kvtool:probe:no-such-key"

// probe tries each command once: on a key that exists, because rights may depend on the name, and else on one that does
// not. What a server refuses for the key's sake is not refused as such.
func (s *store) probe(ctx context.Context) (*abilities, error) {
	now, err := s.serverInfo(ctx)
	if err != nil {
		return nil, err
	}
	a := &abilities{info: now.denied, user: s.cfg.username, version: now.version(), service: serviceOf(s.cfg.addr, now)}
	if a.calls, err = s.calls(ctx); err != nil {
		return nil, err
	}
	key, err := s.anyKey(ctx, a)
	if err != nil {
		return nil, err
	}
	for x := attrType; x <= attrFreq; x++ {
		var args []any
		for _, w := range attrs[x].words {
			args = append(args, w)
		}
		args = append(args, key)
		if a.refused[x], err = s.try(ctx, s.client, args...); err != nil {
			return nil, err
		}
	}
	a.choosePolicy(now.fields["maxmemory_policy"])
	if err := s.probeTypes(ctx, a, now); err != nil {
		return nil, err
	}
	if !a.has(attrSize) {
		p, allocator := now.profile()
		a.model, a.allocator = memory.New(p), allocator
	}
	return a, s.probeQuietly(ctx, a, key)
}

// choosePolicy notes which of idle time and frequency a server keeps that has not said so itself, for want of a key: one word
// in each object is the one or the other.
func (a *abilities) choosePolicy(policy string) {
	if !a.noKey || policy == "" {
		return
	}
	x := attrFreq
	if strings.Contains(policy, "lfu") {
		x = attrIdle
	}
	if a.has(x) {
		a.refused[x] = "not kept under the policy of eviction " + policy
	}
}

// anyKey returns the name of a key, one that is fit to be sent a few times.
func (s *store) anyKey(ctx context.Context, a *abilities) (string, error) {
	reply, err := s.client.Do(ctx, "SCAN", "0", "COUNT", "10").Slice()
	if text, ok := answer(err); ok && denies(text) {
		a.scan = s.cfg.redact(text)
		return absent, nil
	}
	if err != nil {
		return "", s.cfg.explain(ctx, err)
	}
	if len(reply) == 2 {
		keys, _ := reply[1].([]any)
		for _, k := range keys {
			// Redis 7.0 finds that the empty key matches no pattern of an ACL, not even *.
			if key, ok := k.(string); ok && key != "" && len(key) <= 1000 {
				return key, nil
			}
		}
	}
	a.noKey = true
	return absent, nil
}

// A doer sends one command: a client of go-redis, or one of its connections.
type doer interface {
	Do(ctx context.Context, args ...any) *goredis.Cmd
}

// try sends a command and returns the server's words if it refuses it.
func (s *store) try(ctx context.Context, d doer, args ...any) (refused string, err error) {
	err = d.Do(ctx, args...).Err()
	if text, ok := answer(err); ok {
		if denies(text) || otherPolicy(text) {
			return s.cfg.redact(text), nil
		}
		return "", s.fatal(ctx, text, err)
	}
	if errors.Is(err, goredis.Nil) {
		return "", nil // no such key is an answer
	}
	return "", s.cfg.explain(ctx, err)
}

// fatal returns an error for an answer that no command would get past: the server is loading, or has lost its primary. Any
// other is one about the key (no such key, wrong type, elsewhere, not this user's).
func (s *store) fatal(ctx context.Context, text string, err error) error {
	for _, code := range []string{"LOADING", "MASTERDOWN", "NOAUTH", "BUSY"} {
		if strings.HasPrefix(text, code) {
			return s.cfg.explain(ctx, err)
		}
	}
	return nil
}

// denies reports whether an answer says that a command cannot be had here at all. A refusal for the key's sake does not.
// The wordings of ACL in 6.x and 7.x, of renamed commands, of proxies and of services:
//
//	NOPERM this user has no permissions to run the 'type' command or its subcommand
//	NOPERM User auditor has no permissions to run the 'memory|usage' command
//	NOPERM No permissions to access a key
//	ERR unknown command 'MEMORY', with args beginning with: …
//	ERR unknown subcommand …
//	ERR This command is not available
//	ERR Command is not available: 'CONFIG'. See …
//	ERR command 'config' not support for normal user
func denies(text string) bool {
	low := strings.ToLower(text)
	if strings.HasPrefix(low, "noperm") {
		return !strings.Contains(low, " key")
	}
	if !strings.HasPrefix(low, "err") {
		return false // WRONGPASS … or user is disabled, LOADING, DENIED: these end everything
	}
	for _, part := range []string{
		"unknown command", "unknown subcommand", "not available", "not allowed", "not support", "unsupported", "not permitted", "no permission",
		"disabled", "restricted", "forbidden",
	} {
		if strings.Contains(low, part) {
			return true
		}
	}
	return false
}

// otherPolicy reports whether an answer to OBJECT IDLETIME or FREQ says that the server keeps the other of the two:
//
//	ERR An LFU maxmemory policy is not selected, access frequency not tracked. …
//	ERR An LFU maxmemory policy is selected, idle time not tracked. …
func otherPolicy(text string) bool {
	return strings.HasPrefix(text, "ERR") && strings.Contains(text, "LFU maxmemory policy")
}

// probeQuietly tries the commands that count as an access unless the connection is told not to touch, which 7.2 has brought;
// before that none of them is sent.
func (s *store) probeQuietly(ctx context.Context, a *abilities, key string) error {
	quiet := newClient(s.cfg, resp.NoTouch)
	defer quiet.Close()
	conn := quiet.Conn()
	defer conn.Close()
	err := s.noTouch(ctx, conn, a)
	for x := attrStrlen; x < numAttrs && err == nil; x++ {
		switch {
		case x == attrStrlen && a.model == nil:
			a.refused[x] = "not needed"
		case a.noTouch != "":
			a.refused[x] = a.noTouch
		default:
			a.refused[x], err = s.try(ctx, conn, attrs[x].command, key)
		}
	}
	return err
}

// noTouch tells a connection not to touch what it asks about. Any answer but a yes is a no.
func (s *store) noTouch(ctx context.Context, d doer, a *abilities) error {
	err := d.Do(ctx, "CLIENT", "NO-TOUCH", "ON").Err()
	if text, ok := answer(err); ok {
		a.noTouch = s.cfg.redact(text)
		return s.fatal(ctx, text, err)
	}
	return s.cfg.explain(ctx, err)
}

// facts says of each fact how it can be had.
func (a *abilities) facts() []kv.Fact {
	facts := []kv.Fact{
		{Name: "connect", How: kv.Measured},
		a.ability("info", a.info, "+info"),
		a.ability("scan", a.scan, "+scan"),
	}
	if a.scan != "" {
		facts[2].Hint = "grant: " + fullGrant(a.user, a.version)
	}
	name := facts[2]
	name.Name, name.Field = "name", kv.FieldName
	facts = append(facts, name)
	return append(facts, a.typeFact(), a.fact(attrTTL), a.fact(attrEncoding), a.size(), a.sample(attrIdle), a.sample(attrFreq), a.length())
}

func (a *abilities) ability(name, refused, grant string) kv.Fact {
	if refused == "" {
		return kv.Fact{Name: name, How: kv.Measured}
	}
	return kv.Fact{Name: name, Why: refused, Hint: a.hint(refused, grant)}
}

func (a *abilities) fact(x attr) kv.Fact {
	f := a.ability(attrs[x].field.String(), a.refused[x], attrs[x].grant)
	f.Field = attrs[x].field
	return f
}

// sample is the fact that a sample of the keys is asked for.
func (a *abilities) sample(x attr) kv.Fact {
	f := a.fact(x)
	switch {
	case a.has(x):
		f.How, f.Why = kv.Sampled, fmt.Sprintf("asked of 1 key in %d", sampleOf)
	case otherPolicy(f.Why) || !denies(f.Why):
		f.Why, f.Hint = cutSentence(f.Why), "a server keeps one of idle time and frequency: which one, its maxmemory-policy decides"
	}
	return f
}

// cutSentence returns the first sentence of a text.
func cutSentence(text string) string {
	first, _, _ := strings.Cut(text, ". ")
	return first
}

// size is measured, or modelled from what is left.
func (a *abilities) size() kv.Fact {
	f := a.fact(attrSize)
	if a.model == nil {
		return f
	}
	from := ""
	switch {
	case a.has(attrStrlen):
		from = "sizes of strings from the lengths of key and value (STRLEN, without touching)"
	case a.has(attrEncoding):
		from = "sizes of short strings and numbers from the length of the key and the encoding"
		if a.model.Profile().Verified() {
			from += ", within 24 bytes"
		}
	default:
		return f
	}
	f.How = kv.Modelled
	f.Why = fmt.Sprintf("%s; modelled instead: %s, as %s (allocator %s); other values have no size", f.Why, from, a.model.Profile(), a.allocator)
	if note := a.model.Profile().Note(); note != "" {
		f.Why += "; " + note
	}
	return f
}

// hint says what would change a refusal: a grant, if it is a matter of rights.
func (a *abilities) hint(refused, grant string) string {
	if !mayBeGranted(refused) {
		if a.service != nil {
			return cmp.Or(a.service.Instead, "audit a dump instead: kvtool audit rdb:FILE")
		}
		return "this server or service does not have the command; audit a dump instead: kvtool audit rdb:FILE"
	}
	return "grant: ACL SETUSER " + userName(a.user) + " " + grant
}

// mayBeGranted reports whether a refusal is a matter of rights.
func mayBeGranted(refused string) bool { return strings.HasPrefix(refused, "NOPERM") }

func userName(user string) string {
	if user == "" {
		return "default"
	}
	return user
}

// fullGrant is the least that an audit of everything needs. Key patterns with %R~ (reading only) are of 7.0, resetchannels
// of 6.2; of an unknown version the oldest form is given, which all understand.
func fullGrant(user, version string) string {
	if user == "" {
		user = "auditor"
	}
	keys := "~*"
	if version != "" && !strings.HasPrefix(version, "6.") {
		keys = "%R~* resetchannels"
	}
	return "ACL SETUSER " + user + " on >PASSWORD " + keys +
		" -@all +scan +type +pttl +object|encoding +object|idletime +object|freq +memory|usage +memory|stats +dbsize +info +ping +hello +auth +select"
}
