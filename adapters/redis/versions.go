package redis

import "strings"

// A support is what is known of one release line.
type support struct {
	product, version string // version: what the full one begins with
	runOn            string // the release that the tests run on; empty: untested
	why              string // why not
}

// supported lists the release lines that kvtool is meant for. docs/support.md is printed from it, and a test holds it
// against the servers that the tests really run on.
func supported() []support {
	const none = "no package that the tests could fetch holds it"
	return []support{
		{product: "redis", version: "6.0", why: "PyPI has redis-server 6.0.9 as a source only: no matching distribution"},
		{product: "redis", version: "6.2", runOn: "6.2"},
		{product: "redis", version: "7.0", runOn: "7.0.15"},
		{product: "redis", version: "7.2", runOn: "7.2.4"},
		{product: "redis", version: "7.4", why: none},
		{product: "redis", version: "8", why: none},
		{product: "valkey", version: "7.2", why: none},
		{product: "valkey", version: "8", why: none},
		{product: "valkey", version: "9", runOn: "9.1"},
		{product: "keydb", version: "6.3", why: none},
		{product: "dragonfly", version: "1", why: none},
	}
}

// tested reports whether the tests run on a server of this release line.
func tested(product, version string) bool {
	for _, s := range supported() {
		if s.product == product && s.runOn != "" && (version == s.version || strings.HasPrefix(version, s.version+".")) {
			return true
		}
	}
	return false
}
