package kv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestJoinIsReversible(t *testing.T) {
	for _, values := range [][]string{
		{""}, {"a"}, {"USER#1", "ORDER#7"}, {"a|b", `c\`}, {"", ""}, {`\|`, "|", `\\`},
	} {
		parts := make([]Part, len(values))
		for i, v := range values {
			parts[i].Value = v
		}
		if got := Split(Join(parts)); !slices.Equal(got, values) {
			t.Errorf("%q joins to %q and splits to %q", values, Join(parts), got)
		}
	}
}

func FuzzJoin(f *testing.F) {
	f.Add("a|", `\b`, "")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if got := Split(Join([]Part{{Value: a}, {Value: b}, {Value: c}})); !slices.Equal(got, []string{a, b, c}) {
			t.Errorf("%q %q %q came back as %q", a, b, c, got)
		}
	})
}

func TestFieldString(t *testing.T) {
	if got := (FieldName | FieldTTL).String(); got != "name, ttl" {
		t.Errorf("%q", got)
	}
	if n := bits.OnesCount32(uint32(AllFields)); n != len(fieldNames) || slices.Contains(fieldNames[:], "") {
		t.Errorf("%d fields have the names %q", n, fieldNames)
	}
}

func TestProvides(t *testing.T) {
	i := Info{Facts: []Fact{
		{Field: FieldName, How: Measured}, {Field: FieldSize, How: Modelled}, {Field: FieldLen, How: Missing},
	}}
	if got := i.Provides(); got != FieldName|FieldSize {
		t.Errorf("provides %s", got)
	}
}

func TestParseTarget(t *testing.T) {
	for _, c := range []struct {
		in, scheme, path, host, user, pass, printed string
	}{
		{in: "rdb:dump.rdb", scheme: "rdb", path: "dump.rdb", printed: "rdb:dump.rdb"},
		{in: "rdb:-?checksum=off", scheme: "rdb", path: "-", printed: "rdb:-?checksum=off"},
		{in: "rdb:/a%20b/c d", scheme: "rdb", path: "/a%20b/c d", printed: "rdb:/a%20b/c d"},
		{in: "demo:", scheme: "demo", printed: "demo:"},
		{in: "redis://h:1/3", scheme: "redis", host: "h:1", printed: "redis://h:1/3"},
		{in: "REDIS://u:pw@h:1", scheme: "redis", host: "h:1", user: "u", pass: "pw", printed: "redis://u@h:1"},
		{in: "redis://:pw@h", scheme: "redis", host: "h", pass: "pw", printed: "redis://h"},
		{in: "redis://h?auth_token=canary", scheme: "redis", host: "h", printed: "redis://h?auth_token=***"},
	} {
		got, err := ParseTarget(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		host := ""
		if got.URL != nil {
			host = got.URL.Host
		}
		if got.Scheme != c.scheme || got.Path != c.path || host != c.host || got.Username != c.user ||
			string(got.Password) != c.pass || got.String() != c.printed {
			t.Errorf("%s: %+v prints %q, want %+v", c.in, got, got.String(), c)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for _, in := range []string{"", "dump.rdb", `C:\dump.rdb`, "redis://u:canary@h:bad port", "u:canary@h", "rdb:x?%zz"} {
		_, err := ParseTarget(in)
		if !errors.Is(err, ErrUsage) {
			t.Errorf("%q: %v", in, err)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: the error shows the password: %v", in, err)
		}
	}
}

func TestSecretNeverPrints(t *testing.T) {
	s := Target{Scheme: "redis", Password: "canary"}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s.Password, s.Password), string(b)} {
		if strings.Contains(out, "canary") {
			t.Errorf("printed: %s", out)
		}
	}
}

func TestCheckParams(t *testing.T) {
	a := Adapter{Name: "rdb", Params: []Param{{Name: "checksum"}}}
	good, _ := ParseTarget("rdb:x?checksum=off")
	bad, _ := ParseTarget("rdb:x?cheksum=off")
	if err := a.CheckParams(good); err != nil {
		t.Error(err)
	}
	if err := a.CheckParams(bad); !errors.Is(err, ErrUsage) || !strings.Contains(Hint(err), "checksum") {
		t.Errorf("%v, hint %q", err, Hint(err))
	}
}

func TestErrorsKeepKindAndHint(t *testing.T) {
	err := fmt.Errorf("scanning: %w", WithHint(Corruptf("offset %d: %w", 7, io.ErrUnexpectedEOF), "copy the file again"))
	if !errors.Is(err, ErrCorrupt) || !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, ErrUsage) {
		t.Errorf("%v is of another kind", err)
	}
	if err.Error() != "scanning: offset 7: unexpected EOF" || Hint(err) != "copy the file again" {
		t.Errorf("%q, hint %q", err, Hint(err))
	}
	if WithHint(nil, "x") != nil || Hint(io.EOF) != "" {
		t.Error("a hint made an error")
	}
}

func TestLimiterHoldsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLimiter(1000)
		start := time.Now()
		done := make(chan error)
		for range 4 { // shards share it
			go func() {
				for range 25 {
					if err := l.Wait(t.Context(), 100); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range 4 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		// 10,000 keys at 1,000/s; the last batch is granted when all before it are paid for.
		if got := time.Since(start); got != 9900*time.Millisecond {
			t.Errorf("took %v", got)
		}
	})
}

func TestLimiterEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := NewLimiter(0.001)
	if err := l.Wait(ctx, 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := l.Wait(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	var none *Limiter
	if NewLimiter(0) != nil || none.Wait(t.Context(), 1<<40) != nil {
		t.Error("no limit is one")
	}
}
