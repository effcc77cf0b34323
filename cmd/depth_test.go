package cmd_test

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/internal/keygen"
	"github.com/kvtool/kvtool/internal/servertest"
)

// TestDepthsAgree audits a server in each depth: every key counted, and the bytes of each template of an adaptive audit
// within 1 % of those of a full one.
func TestDepthsAgree(t *testing.T) {
	t.Parallel()
	keys := int64(20_000)
	if os.Getenv("KVTOOL_SOAK") != "" {
		keys = 100_000
	}
	s := servertest.Redis(t, servertest.Options{Args: []string{"--hash-max-listpack-entries", "128"}})
	load(t, s, keygen.New(keys))
	target := "redis://" + s.Addr
	full := audit(t, target, adapters.Open, "--max-impact", "off").templates(t)
	adaptive := audit(t, target, adapters.Open, "--depth", "adaptive", "--max-impact", "off")
	counts := map[string]any{}
	for name, c := range audit(t, target, adapters.Open, "--depth", "count").templates(t) {
		counts[strings.Fields(name)[0]] = c.Keys // its type is not known
	}
	if c := adaptive.Coverage; c.Keys != keys+10 || !c.Complete || !strings.Contains(strings.Join(c.Why, " "), "scaled up") {
		t.Errorf("coverage %+v", c)
	}
	if how := adaptive.how("size"); how != "sampled" {
		t.Errorf("sizes are %s", how)
	}
	estimates := adaptive.templates(t)
	far := 0 // one in a thousand is, by chance
	for name, want := range full {
		got := estimates[name]
		if got.Keys != want.Keys || counts[strings.Fields(name)[0]] != want.Keys {
			t.Errorf("%s: %v and %v keys, want %v", name, got.Keys, counts[strings.Fields(name)[0]], want.Keys)
		}
		off := math.Abs(got.Bytes/want.Bytes - 1)
		if off > 0.01 {
			far++
			t.Logf("%s: %.0f bytes, in full %.0f: off by %.2f%%", name, got.Bytes, want.Bytes, 100*off)
		}
		if off > 0.02 || far > 1 {
			t.Errorf("%s: off by %.2f%%, %d templates by more than 1%%", name, 100*off, far)
		}
	}
}
