package cmd_test

import (
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/internal/servertest"
)

// An audit of the engine over the wire, and one of the same keys in this process, find the same templates, types and keys.
func TestServedAndReferenceAgree(t *testing.T) {
	t.Parallel()
	addr, began := deadAddr(t), time.Now()
	ended := make(chan string, 1)
	go func() {
		code, _, errs := invoke("serve", "--listen", addr, "--preset", "shop", "--keys", "30000", "--seed", "7")
		if code == 0 {
			errs = ""
		}
		ended <- errs
	}()
	var c *servertest.Client
	servertest.Until(t, "kvtool serve listens", func() bool {
		var err error
		c, err = servertest.Dial("tcp", addr)
		return err == nil
	})
	served := audit(t, "redis://"+addr, adapters.Open)
	reference := audit(t, "ref:?preset=shop&keys=30000&seed=7", adapters.Open)
	c.Do("SHUTDOWN", "NOSAVE") // which is answered by closing the connection
	if failure := <-ended; failure != "" {
		t.Errorf("serve: %s", failure)
	}
	if !served.Coverage.Complete || !reference.Coverage.Complete {
		t.Errorf("served %+v, in process %+v", served.Coverage, reference.Coverage)
	}
	a, b := served.templates(t), reference.templates(t)
	if d := cmp.Diff(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))); d != "" || len(a) == 0 {
		t.Errorf("templates and their types (-served +ref:):\n%s", d)
	}
	expired := 0.01 + time.Since(began).Minutes() // of what lives for two minutes, more than may have expired meanwhile
	for name, r := range a {
		x, _ := r.Keys.(float64)
		y, _ := b[name].Keys.(float64)
		// What has a TTL goes on expiring between the two.
		if gone := math.Abs(x - y); gone > 5+x*expired || gone > 0 && r.NoTTL == 1.0 {
			t.Errorf("%s: served %v keys, in process %v", name, x, y)
		}
	}
}
