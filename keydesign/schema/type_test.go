package schema

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What is a value of each type, and what is none.
func TestTypeRegexp(t *testing.T) {
	hex := strings.Repeat("0f", 32)
	for text, tt := range map[string]struct{ are, not []string }{
		"int":                    {[]string{"0", "17", "-3", "007"}, []string{"", "-", "1.5", "a"}},
		"uint":                   {[]string{"0", "17"}, []string{"-3", ""}},
		"uint(7,130)":            {[]string{"7", "9", "10", "99", "100", "129", "130"}, []string{"0", "6", "131", "07", "200", "1000"}},
		"seq":                    {[]string{"1"}, []string{"x"}},
		"hex(4)":                 {[]string{"00ff", "ABCD"}, []string{"00f", "00fff", "00fg"}},
		"objectid":               {[]string{hex[:24]}, []string{hex[:23]}},
		"uuid":                   {[]string{"9f1c2d3e-0000-4abc-8def-0123456789ab"}, []string{"9f1c2d3e00004abc8def0123456789ab"}},
		"ulid":                   {[]string{"01ARZ3NDEKTSV4RRFFQ69G5FAV"}, []string{"91ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndektsv4rrffq69g5fav"}},
		"str":                    {[]string{"a b", "é", "a-b.c", "{x}"}, []string{"", "a:b", "a/b", "a|b", "a#b"}},
		"str(2)":                 {[]string{"a", "ab"}, []string{"abc", ""}},
		"word":                   {[]string{"mail", "New_Cart"}, []string{"a1", "a-b", ""}},
		"slug":                   {[]string{"new-cart", "a_1"}, []string{"A", "a b"}},
		"enum[a,b.c]":            {[]string{"a", "b.c"}, []string{"bxc", "ab", ""}},
		"bin":                    {[]string{"\x00\xff:\n"}, []string{""}},
		"bin(2)":                 {[]string{"ab"}, []string{"a", "abc"}},
		"json":                   {[]string{`{"a":1}`, "[1]", "{\n}"}, []string{"1", ""}},
		"opaque":                 {[]string{"V1StGXR8_Z5jdHi6B-myT=="}, []string{"a/b", "a:b", ""}},
		"opaque(3)":              {[]string{"a+b"}, []string{"ab"}},
		"geohash(5)":             {[]string{"u33db"}, []string{"u33da", "u33d"}},
		"float":                  {[]string{"52.52,13.40", "-1.5", "3"}, []string{"1.2.3", "."}},
		"email":                  {[]string{"a.b+c@x.co.uk"}, []string{"a@b", "@x.y"}},
		"ip":                     {[]string{"10.0.255.1", "2001:db8::1", "::1", "1:2:3:4:5:6:7:8"}, []string{"10.0.256.1", "12:34:56", "10.0.0"}},
		"mac":                    {[]string{"00:1b:44:11:3a:b7"}, []string{"00:1b:44:11:3a"}},
		"url":                    {[]string{"https://a.b/c:d#e"}, []string{"ftp://a"}},
		"phone":                  {[]string{"+4915112345678"}, []string{"4915112345678", "+49"}},
		"ts_s(60)":               {[]string{"1767225600"}, []string{"176722560", "1767225600000"}},
		"ts_ms":                  {[]string{"1767225600000"}, []string{"1767225600"}},
		"date":                   {[]string{"2026-01-02", "2026-01-02T10:11:12.5Z", "2026.01.02"}, []string{"20260102", "2026-13-02"}},
		"date(yyyymmdd)":         {[]string{"20260102"}, []string{"2026-01-02", "20261302", "20260132"}},
		"date(yyyy-mm-ddThh:mm)": {[]string{"2026-01-02T23:59"}, []string{"2026-01-02T24:00"}},
		"isoweek":                {[]string{"2026-W03", "2026-W53"}, []string{"2026-W54", "2026-W00"}},
		"hash(sha256)":           {[]string{hex}, []string{hex[:63]}},
		"hash(md5,8)":            {[]string{hex[:8]}, []string{hex[:9]}},
		"bucket(12)":             {[]string{"0", "11"}, []string{"12", "-1", "00"}},
		`re("(a|b(c))+")`:        {[]string{"a", "bca"}, []string{"b", ""}},
		`re("[\"}]x")`:           {[]string{`"x`, "}x"}, []string{`\x`}},
	} {
		typ, err := ParseType(text)
		if err != nil {
			t.Fatal(err)
		}
		re := regexp.MustCompile(`\A` + typ.Regexp() + `\z`)
		if re.NumSubexp() > 0 {
			t.Errorf("%s captures: %s", text, re)
		}
		for _, v := range tt.are {
			if !re.MatchString(v) {
				t.Errorf("%q is no %s", v, text)
			}
		}
		for _, v := range tt.not {
			if re.MatchString(v) {
				t.Errorf("%q is a %s", v, text)
			}
		}
		if re := regexp.MustCompile(`\Ax` + typ.Regexp() + `y\z`); re.MatchString("x") || re.MatchString("y") || !re.MatchString("x"+tt.are[0]+"y") {
			t.Errorf("%s does not stand beside others: %s", text, re)
		}
	}
}

// between is exactly the numbers from lo to hi.
func TestBetween(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.Int64Range(0, 3000).Draw(t, "lo")
		hi := rapid.Int64Range(max(lo, 1), 5000).Draw(t, "hi")
		re := regexp.MustCompile("^" + between(lo, hi) + "$")
		for n := range int64(5200) {
			if got, want := re.MatchString(strconv.FormatInt(n, 10)), n >= lo && n <= hi; got != want {
				t.Fatalf("%d of %d to %d: %v, by %s", n, lo, hi, got, re)
			}
		}
	})
}

// An opaque value may hold a slash where the key is divided by something else.
func TestOpaqueSlash(t *testing.T) {
	for text, want := range map[string]bool{"tok:{opaque}": true, "tok/{opaque}": false, "a:b/{opaque}": false, "a:{opaque}/meta": false, "{opaque}": false} {
		k, err := ParseKey(text)
		if err != nil {
			t.Fatal(err)
		}
		key := strings.Replace(text, "{opaque}", "aB/9", 1)
		if got := regexp.MustCompile(k.Regexp()).MatchString(key); got != want {
			t.Errorf("%s matches %s: %v", text, key, got)
		}
	}
}

func TestKeyNames(t *testing.T) {
	k, err := ParseKey("a:{uid}:{x:int}:{ip}", Field{Name: "uid", Type: Type{Kind: TypeUUID}})
	if err != nil || !k.Has("uid") || !k.Has("x") || !k.Has("ip") || k.Has("int") || k.Has("") {
		t.Errorf("%v %v", k, err)
	}
}

func FuzzParseKey(f *testing.F) {
	for _, k := range []string{"session:{sid:uuid}", "{{user:{uid}}}:cart", `{sku:re("[A-Z]{3}\"")}`, "lb:{game:enum[chess,\"a,b\"]}", "{h:hash(sha256,32,of:email)}", "{{{{{uid}}}}}", "{"} {
		f.Add(k)
	}
	fields := []Field{{Name: "uid", Type: Type{Kind: TypeInt}}}
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text, fields...)
		if err != nil {
			return
		}
		again, err := ParseKey(k.String(), fields...)
		if err != nil || again.String() != k.String() || again.Regexp() != k.Regexp() {
			t.Fatalf("%q is %q, which is %q: %v", text, k, again, err)
		}
		if _, err := regexp.Compile(k.Regexp()); err != nil && !strings.Contains(err.Error(), "UTF-8") {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
