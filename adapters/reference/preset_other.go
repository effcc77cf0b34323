package reference

import "time"

// fillUniform writes one template: strings of up to 128 bytes, half of them with a TTL of a day.
func fillUniform(g *generator, keys int) error {
	g.stream("uniform")
	for i := range keys {
		at := int64(0)
		if i%2 == 0 {
			at = g.fixed(24 * time.Hour)
		}
		g.str(g.text("item:#", int64(i)), g.hex(32)[:1+g.below(32)], at)
	}
	return nil
}

// fillSkewed writes the objects of tenants: the first has about half of all keys, the next half of the rest, and so on down
// to a tail of small ones.
func fillSkewed(g *generator, keys int) error {
	g.stream("skewed")
	for i := range keys {
		tenant := int64(1)
		for tenant < 12 && g.below(2) == 0 {
			tenant++
		}
		if tenant == 12 {
			tenant += g.below(200)
		}
		g.hash(g.text("tenant:#:object:#", tenant, int64(i)), 0, "owner", g.text("#", g.below(1000)), "state", g.hex(8))
	}
	return nil
}

// fillStorm writes pages that were cached in bursts and expire in bursts.
func fillStorm(g *generator, keys int) error {
	g.stream("ttl-storm")
	const bursts = 5
	for i := range keys {
		at := g.in(600_000*(1+int64(i%bursts)) + g.below(2000))
		if i%10 == 9 {
			at = g.fixed(time.Hour)
		}
		g.str(g.text("page:#", int64(i)), g.hex(32), at)
	}
	return nil
}

// fillBig writes small strings, and among them one very large value of each type.
func fillBig(g *generator, keys int) error {
	g.stream("bigkeys")
	big := []func(){
		func() { g.list("big:list", 100_000, func(i int) []byte { return g.raw("entry-#", int64(i)) }) },
		func() {
			g.ascending("big:zset", 100_000, func(i int) (int64, string) { return int64(i), g.text("member-#", int64(i)) })
		},
		func() { g.set("big:set", g.numbered("member-#", 100_000)) },
		func() { g.hash("big:hash", 0, g.numbered("field-#", 200_000)...) },
		func() { g.str("big:string", string(make([]byte, 8<<20)), 0) },
	}
	for i := range min(keys, len(big)) {
		big[i]()
	}
	for i := len(big); i < keys; i++ {
		g.str(g.text("small:#", int64(i)), g.hex(16), 0)
	}
	return nil
}

// numbered returns n strings, format with each number from 0 on.
func (g *generator) numbered(format string, n int) []string {
	s := make([]string, n)
	for i := range s {
		s[i] = g.text(format, int64(i))
	}
	return s
}
