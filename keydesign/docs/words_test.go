package docs

import (
	"testing"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
)

func TestLife(t *testing.T) {
	sliding := func(idle, most time.Duration) schema.TTL {
		return schema.TTL{Policy: schema.TTLSliding, Idle: idle, MaxAge: most}
	}
	for want, ttl := range map[string]schema.TTL{
		"for good":                           {Policy: schema.TTLNone},
		"30m after its last use":             sliding(30*time.Minute, 0),
		"30m after its last use, at most 1h": sliding(30*time.Minute, time.Hour),
		"at most 1h":                         sliding(0, time.Hour),
		"as user":                            {Policy: schema.TTLInherit, Of: "user"},
		"":                                   {},
	} {
		if got := life(&schema.Schema{}, &schema.Template{TTL: ttl}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
