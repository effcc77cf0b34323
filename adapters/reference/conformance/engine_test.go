package conformance

import (
	"os"
	"testing"
)

// engineAddr starts what is held against Redis and returns its address. KVTOOL_CONFORMANCE names one that runs already;
// "redis" is another redis-server, which proves the suite itself.
func engineAddr(t testing.TB) string {
	if addr := os.Getenv("KVTOOL_CONFORMANCE"); addr != "redis" && addr != "" {
		return addr
	}
	return redis(t)
}
