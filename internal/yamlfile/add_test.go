package yamlfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAdd(t *testing.T) {
	const more = "kvschema: 1\nfields:\n  uid: {type: int}\ntemplates:\n  cart:\n    key: cart:{uid}\n    refs:\n      - {kind: parent}\n  user:\n    key: user:{uid}\n"
	tests := []struct{ name, base, want string }{
		{"what is there stays", `# ours
kvschema: 1   # the version

templates:
    # the basket
    cart: {key: "basket:{uid}"}   # renamed in May

    # behind the last one

# lint comes last
lint: {ignore: []}
`, `# ours
kvschema: 1   # the version

templates:
    # the basket
    cart: {key: "basket:{uid}"}   # renamed in May

    # behind the last one
    user:
      key: user:{uid}

# lint comes last
lint: {ignore: []}
fields:
  uid: {type: int}
`},
		{"nothing there", "kvschema: 1\n", more},
		{"no newline at the end", "kvschema: 1\nfields:\n  uid: {type: uuid}", strings.Replace(more, "type: int", "type: uuid", 1)},
		{"a mapping without keys", "kvschema: 1\nfields:\ntemplates:\n", more},
		{"nothing is missing", more, more},
		{
			"other line ends", "kvschema: 1\r\ntemplates:\r\n cart: {}\r\n user: {}\r\nfields:\r\n  a: {}\r\n",
			"kvschema: 1\r\ntemplates:\r\n cart: {}\r\n user: {}\r\nfields:\r\n  a: {}\r\n  uid: {type: int}\r\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Add([]byte(tt.base), []byte(more), "fields", "templates")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, string(got)); d != "" {
				t.Error(d)
			}
		})
	}
	for _, base := range []string{"{kvschema: 1}", "kvschema: 1\ntemplates: {a: {}}\n", "- 1\n", "a: [\n"} {
		if got, err := Add([]byte(base), []byte(more), "fields", "templates"); err == nil {
			t.Errorf("%q: %s", base, got)
		}
	}
}

// Whatever is added to, nothing of it is lost, and adding the same again changes nothing.
func FuzzAdd(f *testing.F) {
	f.Add([]byte("a:\n  b: 1 # c\n\n# d\ne: 2\n"), []byte("a:\n  f: {}\n  b: 3\n"))
	f.Fuzz(func(t *testing.T, base, more []byte) {
		got, err := Add(base, more, "a")
		if err != nil {
			return
		}
		for l := range strings.Lines(string(base)) {
			if !strings.Contains(string(got), strings.TrimRight(l, "\r\n")) {
				t.Errorf("%q is lost from %q", l, got)
			}
		}
		if again, err := Add(got, more, "a"); err == nil && string(again) != string(got) {
			t.Errorf("added twice: %q, then %q", got, again)
		}
	})
}
