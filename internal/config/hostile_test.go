package config

import (
	"strings"
	"testing"
	"time"
)

// What is as long as a file may be takes moments, whatever is in it. The bound is for a busy machine and the race detector:
// what grows with the square of the length takes longer.
func TestHostile(t *testing.T) {
	fill := func(s string) string { return strings.Repeat(s, MaxSize/len(s)) }
	for name, text := range map[string]string{
		"lists":    fill("["),
		"mappings": fill("{a: "),
		"dashes":   fill("- "),
		"keys":     fill("? "),
		"anchors":  fill("&a "),
		"aliases":  "a: &a [b]\nb: [" + fill("*a,")[:MaxSize-100] + "]",
		"quotes":   fill("\""),
		"indents":  fill("a:\n "),
		"tags":     fill("!!str "),
		"lines":    fill("\n"),
		"same":     fill("demo: true\n"),
		"comments": fill("#\n"),
		"text":     "target: |\n" + fill(" x\n")[:MaxSize-100],
	} {
		began := time.Now()
		_, err := Parse("x", []byte(text))
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s: %v", name, took)
		} else {
			t.Logf("%s: %v %.100v", name, took, err)
		}
	}
}
