package spell

import "testing"

func TestNearest(t *testing.T) {
	names := []string{"ttl", "type", "owner", "a", "cardinality"}
	for in, want := range map[string]string{
		"tll": "ttl", "tpye": "type", "ownr": "owner", "cardnialty": "cardinality", "typo": "type", "b": "", "": "", "xyz": "", "ow": "",
	} {
		if got := Nearest(in, names); got != want {
			t.Errorf("%q is near %q, want %q", in, got, want)
		}
	}
}
