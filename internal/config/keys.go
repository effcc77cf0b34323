package config

import (
	"regexp"

	"github.com/kvtool/kvtool/internal/yamlfile"
)

// A kind is what a key holds.
type kind int

const (
	text     kind = iota
	command       // a list, the program and its arguments; or a text for sh -c
	boolean       // true or false
	version       // 1
	rate          // 50k/s, 200
	impact        // 3x,2ms
	mapping       // keys of its own
	profiles      // names, and under each the keys of a profile
	percent       // 10%
	days          // 180
	typed         // what value reads
)

// A key is one key of the file.
type key struct {
	name, doc string
	kind      kind
	values    []string                   // all that a text may be; nil is any
	keys      []key                      // of a mapping, or of each profile
	value     func(*File) yamlfile.Value // of a typed key: it goes into a place of its own in the file
	later     bool                       // part of the design, and not in this release
}

// Forms of texts.
const (
	rateForm    = `^[1-9][0-9]*(\.[0-9]+)?[kKM]?(/s)?$`
	impactForm  = `^(off|([0-9.]+x,)?[0-9.]+(x|us|µs|ms|s)|[0-9.]+(us|µs|ms|s),[0-9.]+x)$`
	nameForm    = `^[A-Za-z0-9][A-Za-z0-9._-]*$`
	percentForm = `^(0|[1-9][0-9]*)(\.[0-9]+)?%$`
	daysForm    = `^[1-9][0-9]{0,3}$`
)

// forms are the expressions that texts of a kind, and names of profiles, must match.
func forms() map[kind]*regexp.Regexp {
	return map[kind]*regexp.Regexp{
		rate: regexp.MustCompile(rateForm), impact: regexp.MustCompile(impactForm), profiles: regexp.MustCompile(nameForm),
		percent: regexp.MustCompile(percentForm), days: regexp.MustCompile(daysForm),
	}
}

// wants is how an error says what a kind holds.
func (k kind) wants() string {
	return [...]string{
		"text", "a list (a program and its arguments) or a text (for sh -c)", "true or false", "1",
		"a number a second, such as 50k/s", "how much slower, such as 3x,2ms, or off", "keys of its own", "names of targets",
		"a share, such as 10%", "a number of days, such as 180", "",
	}[k]
}

// top lists the keys of a file.
func top() []key {
	return []key{
		{name: "version", kind: version, doc: "Version of this format."},
		{name: "target", kind: text, doc: "What a command without a TARGET reads: @NAME of targets, or a URL."},
		{name: "demo", kind: boolean, doc: "false: a command without a TARGET fails instead of reading demo:. As --no-demo."},
		{name: "targets", kind: profiles, doc: "Stores by name: kvtool audit @NAME.", keys: profile()},
		{name: "gate", kind: mapping, doc: "When findings fail a command.", keys: []key{
			{name: "fail_on", kind: mapping, doc: "What fails it.", keys: []key{
				{name: "severity", kind: text, values: []string{"error", "warning", "info", "never"}, doc: "A finding as bad as this. As --fail-on."},
				{name: "status", kind: typed, doc: "Findings of which status, where there is a baseline.", value: statuses},
			}},
			{name: "tolerance", kind: percent, doc: "A finding is worse if its measure has grown by more than this. As --tolerance."},
			{name: "max_suppression_days", kind: days, doc: "How many days ahead a suppression may end; 180 if it is missing."},
		}},
		{name: "output", kind: mapping, doc: "What reports look like.", keys: []key{
			{name: "keys", kind: text, values: []string{"full", "masked", "template", "hash"}, doc: "How much of key names to show. As --keys."},
			{name: "color", kind: text, values: []string{"auto", "always", "never"}, doc: "When to colour. As --color."},
		}},
		{name: "keydesign", kind: mapping, doc: "Where kvtool keydesign finds what it reads. Files count from this file's folder.", keys: []key{
			{name: "schema", kind: text, doc: "The keys.yaml of the project. As --schema."},
			{name: "baseline", kind: text, doc: "What was accepted: the report that check and lint compare with. As --baseline."},
			{name: "suppressions", kind: text, doc: "The file of suppressions; .kvtool-ignore.yaml in this file's folder if it is missing."},
		}},
		{name: "rules", kind: typed, doc: "What rules are to be, by their ids.", value: rules},
		{name: "budgets", kind: typed, doc: "What kvtool keydesign check holds the keyspace to.", value: budgets},
		{name: "load", kind: mapping, doc: "What loads are held to.", keys: []key{
			{name: "thresholds", kind: typed, doc: "What must hold of every kvtool load run, beside what the scenario says: p99 < 5ms.", value: thresholds},
			{name: "compare", kind: mapping, doc: "How kvtool load compare judges.", keys: []key{
				{name: "practical", kind: percent, doc: "A change of less than this is none. As --practical."},
			}},
		}},
	}
}

// profile lists the keys of a target.
func profile() []key {
	return []key{
		{name: "url", kind: text, doc: "What to read, as a TARGET of the command line. It may name a user, not a password. The path of a file counts from this file's folder."},
		{name: "targets_command", kind: command, doc: "In place of url: prints a list of targets, one a line, NAME URL. Each is @THIS/NAME, and all else that is said here holds for it. @THIS is all of them, for kvtool audit and triage."},
		{name: "username", kind: text, doc: "The user, where the url does not name one."},
		{name: "password_env", kind: text, doc: "The environment variable that holds the password."},
		{name: "password_file", kind: text, doc: "The file that holds the password, in its first line. It counts from this file's folder; ~/ is the home folder."},
		{name: "password_command", kind: command, doc: "Prints the password, as the first line. A list is a program and its arguments, run without a shell; a text is run by sh -c."},
		{name: "tls", kind: mapping, doc: "TLS of a rediss:// target. Files count from this file's folder.", keys: []key{
			{name: "ca", kind: text, doc: "PEM file of the authorities that may sign the server's certificate."},
			{name: "cert", kind: text, doc: "PEM file of the client's certificate."},
			{name: "key", kind: text, doc: "PEM file of the client's key."},
			{name: "server_name", kind: text, doc: "Name that the server's certificate must be for."},
			{name: "skip_verify", kind: boolean, doc: "true: accept any certificate."},
		}},
		{name: "env", kind: text, doc: "What the store is for. prod: at most 20,000 keys a second unless scan.rate or --rate says otherwise."},
		{name: "scan", kind: mapping, doc: "How a scan of it goes.", keys: []key{
			{name: "rate", kind: rate, doc: "Keys a second at most. As --rate."},
			{name: "max_impact", kind: impact, doc: "How much slower the store may answer others meanwhile: 3x,2ms is three times, and 2 ms more in any case. As --max-impact."},
			{name: "replica", kind: text, values: []string{"no", "prefer", "only"}, doc: "Whether replicas are read instead of primaries. As ?replica= of the url."},
		}},
		{name: "writable", later: true},
	}
}
