package cmd_test

import (
	"bytes"
	"maps"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/cmd"
	"github.com/kvtool/kvtool/internal/servertest"
)

// An audit of the engine over the wire, and one of the same keys in this process, find the same templates, types and keys.
func TestServedAndReferenceAgree(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	began := time.Now()
	var out, errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- cmd.Main([]string{"serve", "--listen", addr, "--preset", "shop", "--keys", "30000", "--seed", "7"}, &cmd.Env{
			Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }, Now: time.Now,
			Adapters: adapters.All(), Open: adapters.Open,
		})
	}()
	var c *servertest.Client
	servertest.Until(t, "kvtool serve listens", func() bool {
		c, err = servertest.Dial("tcp", addr)
		return err == nil
	})
	served := audit(t, "redis://"+addr, adapters.Open)
	reference := audit(t, "ref:?preset=shop&keys=30000&seed=7", adapters.Open)
	c.Do("SHUTDOWN", "NOSAVE") // which is answered by closing the connection
	if code := <-ended; code != 0 {
		t.Errorf("serve: exit code %d: %s", code, errs.String())
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
