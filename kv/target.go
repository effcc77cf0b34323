package kv

import (
	"context"
	"io"
	"net/url"
	"slices"
	"strings"
)

// A Target is a resolved argument: it names one store. Its String is fit to print: it never holds a secret.
type Target struct {
	Scheme   string     // lower case; chooses the adapter
	Path     string     // of a file target (rdb:FILE): the path, "-" for Stdin
	URL      *url.URL   // of a network target; nil for files. Userinfo is moved to Username and Password
	Query    url.Values // parameters after "?"
	Username string
	Password Secret
	Stdin    io.Reader // what "-" reads; never nil where Path is "-"
	Impact   Impact    // of reading a live server on whoever else asks it; a store that is none has no use for it
}

// ParseTarget reads scheme://host/path?query and scheme:path?query. The file form takes its path as it stands, without
// unescaping, up to the first "?".
func ParseTarget(s string) (Target, error) {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || !validScheme(scheme) {
		return Target{}, WithHint(Usagef("%q is no target: it has no scheme", redactRaw(s)), "a target is a URL like redis://HOST:PORT, or SCHEME:FILE")
	}
	scheme = strings.ToLower(scheme)
	if !strings.HasPrefix(rest, "//") {
		path, query, _ := strings.Cut(rest, "?")
		q, err := url.ParseQuery(query)
		if err != nil {
			return Target{}, WithHint(Usagef("%s: bad parameters after %q", redactRaw(scheme+":"+path), "?"), "parameters are NAME=VALUE with & between them, and odd bytes of a value as %XX")
		}
		return Target{Scheme: scheme, Path: path, Query: q}, nil
	}
	u, err := url.Parse(s)
	if err != nil { // the error quotes the URL, which may hold a password
		return Target{}, WithHint(Usagef("<unparsable target>: not a URL"), "a URL is SCHEME://HOST:PORT; odd characters of a user or password are written as %XX, or leave the password out and set KVTOOL_PASSWORD")
	}
	t := Target{Scheme: scheme, Query: u.Query()}
	if u.User != nil {
		t.Username = u.User.Username()
		p, _ := u.User.Password()
		t.Password = Secret(p)
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	t.URL = u
	return t, nil
}

func validScheme(s string) bool {
	for i := range len(s) {
		letter := 'a' <= s[i]|0x20 && s[i]|0x20 <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-", rune(s[i]))) {
			return false
		}
	}
	return len(s) > 1 // one letter is a drive of Windows
}

// redactRaw makes an argument that did not parse printable.
func redactRaw(s string) string {
	if strings.ContainsAny(s, "@") {
		return "<unparsable target>"
	}
	return s
}

// secretParams are parameters whose value must not be printed.
var secretParams = []string{"password", "token", "auth", "secret"}

// String returns the target without its userinfo's password and without the value of any secret parameter.
func (t Target) String() string {
	var b strings.Builder
	if t.URL != nil {
		u := *t.URL
		if t.Username != "" {
			u.User = url.User(t.Username)
		}
		b.WriteString(u.String())
	} else {
		b.WriteString(t.Scheme + ":" + t.Path)
	}
	if len(t.Query) > 0 {
		q := url.Values{}
		for k, v := range t.Query {
			q[k] = v
			if secretParam(k) {
				q[k] = []string{"***"}
			}
		}
		b.WriteString("?" + strings.ReplaceAll(q.Encode(), "%2A%2A%2A", "***"))
	}
	return b.String()
}

// HasSecret reports whether the target holds a password, or a parameter whose value must not be printed.
func (t Target) HasSecret() bool {
	for k := range t.Query {
		if secretParam(k) {
			return true
		}
	}
	return t.Password != ""
}

func secretParam(name string) bool {
	return slices.ContainsFunc(secretParams, func(s string) bool { return strings.Contains(strings.ToLower(name), s) })
}

// A Secret prints as *** through every printer, encoder and logger. Convert it to string where it is used.
type Secret string

// String, GoString and MarshalText return ***.
func (Secret) String() string { return "***" }

// GoString is what %#v prints.
func (Secret) GoString() string { return "***" }

// MarshalText is what encoders write.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// An Adapter opens stores of one kind. It is data: help, docs and completion are printed from it.
type Adapter struct {
	Name, Title, Doc  string
	Schemes, Examples []string
	Params            []Param                   // query parameters; any other is a usage error
	Sniff             func(head []byte) bool    // recognises a file by its first bytes; nil if no file is of this kind
	SniffDir          func(names []string) bool // recognises a directory by what is in it; nil if no directory is of this kind
	Open              func(ctx context.Context, t Target) (Store, error)
}

// A Param is a query parameter of an adapter's targets.
type Param struct{ Name, Default, Doc string }

// CheckParams returns a usage error for the first parameter of t that a does not have.
func (a *Adapter) CheckParams(t Target) error {
	for name := range t.Query {
		known := false
		names := make([]string, len(a.Params))
		for i, p := range a.Params {
			names[i] = p.Name
			known = known || p.Name == name
		}
		if !known {
			err := Usagef("%s targets have no parameter %q", a.Name, name)
			if len(names) == 0 {
				return WithHint(err, "leave out what is behind the ?")
			}
			return WithHint(err, "they have: "+strings.Join(names, ", "))
		}
	}
	return nil
}
