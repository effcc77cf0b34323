package docs

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report/render"
)

//go:embed page.html
var pageHTML string

// HTML writes a schema as one page that needs no other file, no script and no network.
func HTML(w io.Writer, s *schema.Schema) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"clean":   func(s string) string { return render.Clean(s, false) },
		"short":   short,
		"heading": func(e entry) []fact { return heading(&e) },
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	p := newPage(s)
	return t.Execute(w, struct {
		*page
		Graph *graph
	}{p, newGraph(p)})
}

// longestInBox is how many characters of a name fit into a box.
const longestInBox = 20

// short cuts a name to what fits into a box; the whole of it is in the box's title.
func short(s string) string {
	rs := []rune(render.Clean(s, false))
	if len(rs) <= longestInBox {
		return string(rs)
	}
	return string(rs[:longestInBox-1]) + "…"
}
