package docs

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/keydesign/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func shop(t *testing.T) *schema.Schema {
	t.Helper()
	data, err := os.ReadFile("../../testdata/schema/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var formats = map[string]func(io.Writer, *schema.Schema) error{"md": Markdown, "html": HTML}

func write(t *testing.T, format string, s *schema.Schema) string {
	t.Helper()
	var b bytes.Buffer
	if err := formats[format](&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	for format := range formats {
		path := filepath.Join("testdata", "shop."+format)
		got := write(t, format, shop(t))
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s (-want +got; go test -update rewrites it):\n%s", path, d)
		}
	}
}

// Who, what and where to of each template is on the page.
func TestNothingIsLeftOut(t *testing.T) {
	s := shop(t)
	for format := range formats {
		page := write(t, format, s)
		for i := range s.Templates {
			tm := &s.Templates[i]
			for _, want := range []string{tm.Name, tm.Owner, string(tm.Kind), tm.Type} {
				if !strings.Contains(page, want) {
					t.Errorf("%s: %s lacks %q", format, tm.Name, want)
				}
			}
			for _, r := range tm.Refs {
				if !strings.Contains(page, r.To) {
					t.Errorf("%s: %s lacks its reference to %s", format, tm.Name, r.To)
				}
			}
		}
	}
}

// besieged is a schema whose every text tries to be more than text.
func besieged() *schema.Schema {
	evil := "</code></title><script>alert(1)</script>\x1b[31m\u202e|`@all` [x](javascript:1)\n# h\n::error::x ##[error]y"
	key := schema.Key{{Literal: evil}, {Field: "id", Type: &schema.Type{Kind: schema.TypeInt}}}
	t := schema.Template{
		Name: evil, Key: key, Kind: schema.Kind(evil), Type: evil, Owner: evil, Description: evil, KeyVersion: evil, Writers: []string{evil},
		Value: schema.Value{Format: evil, Trim: evil, Fields: []schema.ValueField{{Name: evil}}},
		TTL:   schema.TTL{Policy: schema.TTLInherit, Of: evil},
		Refs:  []schema.Ref{{Kind: schema.RefKind(evil), To: evil, On: evil, From: evil, Target: key, Backref: evil}},
		Access: []schema.Access{{
			Name: evil, Op: evil, Query: evil, By: []string{evil}, Keys: []string{evil + "2"}, Consistency: evil, Rate: 1, Miss: .1,
			OnMiss: schema.OnMiss{Op: evil},
		}},
		Pattern: schema.Pattern{Name: evil, Source: evil, Refresh: time.Hour},
		Ignores: []schema.Ignore{{Rule: evil, Reason: evil}},
	}
	other := t
	other.Name = evil + "2"
	return &schema.Schema{
		Files: []string{evil}, Store: schema.Store{Kind: schema.StoreKind(evil), Policy: evil}, Templates: []schema.Template{t, other},
		Fields: []schema.Field{{Name: evil, Type: schema.Type{Kind: schema.TypeKind(evil)}}},
	}
}

// No name is markup, a line, a control character or a command to the runner of a workflow.
func TestHostileNames(t *testing.T) {
	for format := range formats {
		page := write(t, format, besieged())
		if format == "md" { // in code nothing but its end is markup
			page = regexp.MustCompile("`[^`\n]*`").ReplaceAllString(page, "`code`")
		}
		for _, bad := range []string{"<script", "\x1b", "\u202e", "##[", "\n# h", "x](javascript", "@all"} {
			if format == "html" && (bad == "@all" || bad == "x](javascript") { // is nothing there
				continue
			}
			if strings.Contains(page, bad) {
				t.Errorf("%s holds %q", format, bad)
			}
		}
		for l := range strings.Lines(page) {
			if strings.HasPrefix(strings.TrimSpace(l), "::") {
				t.Errorf("%s commands the runner: %.60q", format, l)
			}
		}
	}
}

var (
	address = regexp.MustCompile(`(?:https?:)?//[a-z]`)
	handler = regexp.MustCompile(`(?i)<[^>]*\son[a-z]+\s*=`)
)

// The page asks for nothing, runs nothing, and is well-formed; its picture has words for who does not see it.
func TestHTMLStandsAlone(t *testing.T) {
	page := write(t, "html", shop(t))
	for _, bad := range []string{"<script", "<link", "<img", "@import", "url(http"} {
		if strings.Contains(strings.ToLower(page), bad) {
			t.Errorf("holds %q", bad)
		}
	}
	if at := handler.FindString(page); at != "" {
		t.Errorf("holds a handler: %q", at)
	}
	if at := address.FindString(page); at != "" {
		t.Errorf("holds an address: %q", at)
	}
	for _, want := range []string{
		`<html lang="en">`, `default-src 'none'`, `role="img"`, "aria-label=", "<caption>", `scope="col"`, `scope="row"`, "prefers-color-scheme: dark", "<title>Keys of keys.yaml</title>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("lacks %s", want)
		}
	}
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!DOCTYPE html>")))
	d.Entity = xml.HTMLEntity
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
	}
	for _, m := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+m[1]+`"`) {
			t.Errorf("a link leads to %s, which there is not", m[1])
		}
	}
}

// In the picture, what leads on stands left of where it leads, and no box covers another.
func TestGraph(t *testing.T) {
	g := newGraph(newPage(shop(t)))
	if g == nil {
		t.Fatal("no picture")
	}
	at := map[string]box{}
	for _, b := range g.Boxes {
		for _, o := range at {
			if b.X < o.X+o.W && o.X < b.X+b.W && b.Y < o.Y+o.H && o.Y < b.Y+b.H {
				t.Errorf("%s covers %s", b.Name, o.Name)
			}
		}
		at[b.Name] = b
		if b.X < 0 || b.Y < 0 || b.X+b.W > g.Width || b.Y+b.H > g.Height {
			t.Errorf("%s is outside", b.Name)
		}
	}
	for _, l := range newPage(shop(t)).Links {
		if l.Kind != together && at[l.From].X >= at[l.To].X {
			t.Errorf("%s stands right of %s, to which it leads", l.From, l.To)
		}
	}
}

// A circle, many templates and none at all make a page, too.
func TestOddSchemas(t *testing.T) {
	circle := &schema.Schema{}
	for i := range 5 {
		circle.Templates = append(circle.Templates, schema.Template{
			Name: fmt.Sprint("t", i), Refs: []schema.Ref{{Kind: schema.RefMember, To: fmt.Sprint("t", (i+1)%5)}, {Kind: schema.RefMember, To: fmt.Sprint("t", i)}},
		})
	}
	many := &schema.Schema{}
	for i := range 2000 {
		many.Templates = append(many.Templates, schema.Template{
			Name: fmt.Sprint("t", i), Refs: []schema.Ref{{Kind: schema.RefParent, To: fmt.Sprint("t", i/2)}},
		})
	}
	start := time.Now()
	for name, s := range map[string]*schema.Schema{"empty": {}, "circle": circle, "many": many} {
		for format := range formats {
			if page := write(t, format, s); strings.Contains(page, "<svg") != (name == "circle" && format == "html") {
				t.Errorf("%s as %s: a picture where there is nothing to see, or none", name, format)
			}
		}
	}
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
}
