package place

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
)

// CLUSTER KEYSLOT of a real server says of ten thousand keys, with and without tags, what RedisCluster says.
func TestSlotsOfServer(t *testing.T) {
	c := servertest.Redis(t, servertest.Options{Args: []string{"--cluster-enabled", "yes"}}).Client(t)
	l := RedisCluster(3)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 10_000 {
		key := fmt.Sprintf("%s:%d", [...]string{"user", "{user}", "{u", "a{}b", "{}", "{{x}}"}[i%6], i)
		if i%2 == 1 {
			b := make([]byte, rng.IntN(40))
			for j := range b {
				b[j] = "{}ab\x00\xff:"[rng.IntN(7)]
			}
			key = string(b)
		}
		if got := c.Must(t, "CLUSTER", "KEYSLOT", key); got != int64(l.Place([]byte(key))) {
			t.Errorf("%q: slot %v, want %d", key, got, l.Place([]byte(key)))
		}
	}
}
