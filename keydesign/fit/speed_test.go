package fit

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkSection is the advice on 500 templates, which lint prints: it is to be little beside the rules.
func BenchmarkSection(b *testing.B) {
	var text strings.Builder
	text.WriteString("templates:\n")
	text.WriteString("  t0: {key: \"t0:{id:int}\", type: hash}\n")
	for i := 1; i < 500; i++ {
		fmt.Fprintf(&text, "  t%d: {key: \"t%d:{id:int}\", type: hash, cardinality: {live: 1k}, value: {size: 1KiB}, "+
			"refs: [{kind: parent, to: t%d, on: id}], access: [{op: HGET, query: get, rate: 5/s}, {op: MULTI, query: tx, keys: [t%d, t%d], rate: 1/s}]}\n",
			i, i, i/2, i, (i*7+1)%500)
	}
	s := parse(b, text.String())
	for b.Loop() {
		Section(s, nil)
	}
}
