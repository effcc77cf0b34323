package kvtool_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// otherWords are words that the glossary has another one for: no name that a report holds is made of them. A name is one of a section,
// a table, a column, a metric, a limit of a rule, or a member of JSON.
var otherWords = map[string]string{
	"assertion": "check", "backend": "store", "dataset": "keyspace", "delimiter": "separator", "estimator": "sketch",
	"fat": "big", "huge": "big", "imbalance": "skew", "immortal": "no_ttl", "issue": "finding", "latency": "service or response",
	"leak": "orphan", "mem": "bytes", "mock": "reference", "plugin": "adapter", "qps": "rate", "rcu": "read_units",
	"reason": "why", "rss": "resident", "sweep": "scan", "timeout": "ttl", "transaction": "operation", "visitor": "collector",
	"violation": "finding", "wcu": "write_units", "zombie": "orphan",
}

// otherThings are names that are made of such words and mean another thing than the glossary's.
var otherThings = map[string]string{
	"latency":       "the section of load reports, of service and of response times",
	"latency_bands": "how many took how long: of response times, as its title says",
	"reason":        "why a key is in a plan or a list, as a word that programs compare",
	"reasons":       "what speaks for a store and against it: each has a why",
	"violations":    "of what a store must not do under load, which is no rule",
}

// TestGlossary holds the names that reports consist of against the glossary of the design: one concept, one word.
func TestGlossary(t *testing.T) {
	// A prefix of names ends with _ or /; and there are ranges of times.
	shape := regexp.MustCompile(`^([a-z][a-z0-9]*(_[a-z0-9%]+)*[_/]?|[<>]?[0-9][-0-9]*[a-z])$`)
	met := map[string]bool{}
	for dir, files := range packages(t) {
		if !slices.Contains(mayImport[dir], "report") && dir != "report" && dir != "cmd" && dir != "audit/export" {
			continue
		}
		for name, file := range reportNames(t, files) {
			if !shape.MatchString(name) {
				t.Errorf("%s: %q is not written as names are: words in lower case, with _ between them", file, name)
			}
			for word := range strings.FieldsFuncSeq(name, func(c rune) bool { return c == '_' || c == '/' }) {
				ours, other := otherWords[strings.TrimSuffix(word, "s")]
				if !other {
					ours, other = otherWords[word]
				}
				if _, is := otherThings[name]; is {
					met[name] = true
				} else if other {
					t.Errorf("%s: %q: the word for %s is %s", file, name, word, ours)
				}
			}
		}
	}
	for name := range otherThings {
		if !met[name] {
			t.Errorf("%q is an exception, and no name", name)
		}
	}
	if len(met) == 0 {
		t.Error("no name was read")
	}
}

// reportNames returns the names that the files of a package put into reports, each with the place of one of its uses.
func reportNames(t *testing.T, files []string) map[string]string {
	t.Helper()
	n := naming{set: token.NewFileSet(), makers: map[string]int{}, consts: map[string]ast.Expr{}, names: map[string]string{}}
	var parsed []*ast.File
	for _, file := range files {
		f, err := parser.ParseFile(n.set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
		ast.Inspect(f, n.maker)
	}
	for i, f := range parsed {
		ast.Inspect(f, n.literal)
		if !foreignFormat.MatchString(files[i]) {
			ast.Inspect(f, n.member)
		}
	}
	return n.names
}

// foreignFormat are the files of renderers whose words are those of others.
var foreignFormat = regexp.MustCompile(`report/render/(sarif|junit|gitlab|github)`)

// A naming collects names. Makers are functions that take a name, by which argument it is; consts are what a name may be called by.
type naming struct {
	set    *token.FileSet
	makers map[string]int
	consts map[string]ast.Expr
	names  map[string]string
}

func (n *naming) add(e ast.Expr) {
	if id, ok := e.(*ast.Ident); ok && n.consts[id.Name] != nil {
		e = n.consts[id.Name]
	}
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if name, err := strconv.Unquote(lit.Value); err == nil && name != "" {
			n.names[name] = n.set.Position(lit.Pos()).String()
		}
	}
}

// named are the types of report whose field Name is a name.
var named = []string{"Section", "Table", "Column", "Metric", "Limit"}

// typeName returns the name of a type, without its package, and of a slice or an array that of its elements.
func typeName(e ast.Expr) (name string, many bool) {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name, false
	case *ast.SelectorExpr:
		return x.Sel.Name, false
	case *ast.StarExpr:
		return typeName(x.X)
	case *ast.ArrayType:
		name, _ = typeName(x.Elt)
		return name, true
	}
	return "", false
}

// nameOf returns what a literal of one of those types has for its name; nil if it has none.
func nameOf(lit *ast.CompositeLit) ast.Expr {
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "Name" {
				return kv.Value
			}
		}
	}
	return nil
}

// each calls fn with the name of every literal below a node that is of a type with names.
func each(root ast.Node, fn func(name ast.Expr)) {
	ast.Inspect(root, func(x ast.Node) bool {
		lit, ok := x.(*ast.CompositeLit)
		if !ok || lit.Type == nil {
			return true
		}
		name, many := typeName(lit.Type)
		if !slices.Contains(named, name) {
			return true
		}
		lits := []ast.Expr{lit}
		if many {
			lits = lit.Elts
		}
		for _, e := range lits {
			if l, ok := e.(*ast.CompositeLit); ok {
				if v := nameOf(l); v != nil {
					fn(v)
				}
			}
		}
		return true
	})
}

// maker notes constants, and a function that gives one of its parameters to such a literal as its name.
func (n *naming) maker(x ast.Node) bool {
	var name string
	var params *ast.FieldList
	var body *ast.BlockStmt
	switch f := x.(type) {
	case *ast.ValueSpec:
		for i, v := range f.Values {
			n.consts[f.Names[i].Name] = v
		}
	case *ast.FuncDecl:
		name, params, body = f.Name.Name, f.Type.Params, f.Body
	case *ast.AssignStmt:
		to, is := f.Lhs[0].(*ast.Ident)
		lit, made := f.Rhs[0].(*ast.FuncLit)
		if !is || !made {
			return true
		}
		name, params, body = to.Name, lit.Type.Params, lit.Body
	}
	if body == nil {
		return true
	}
	at := map[string]int{}
	for _, field := range params.List {
		for _, p := range field.Names {
			at[p.Name] = len(at)
		}
	}
	each(body, func(v ast.Expr) {
		if p, ok := v.(*ast.Ident); ok {
			if i, ok := at[p.Name]; ok {
				n.makers[name] = i
			}
		}
	})
	return true
}

// literal notes names that are there as they are: in literals, and as arguments of makers.
func (n *naming) literal(x ast.Node) bool {
	switch x := x.(type) {
	case *ast.CompositeLit:
		if x.Type != nil {
			if name, _ := typeName(x.Type); slices.Contains(named, name) {
				each(x, n.add)
			}
		}
	case *ast.CallExpr:
		called, _ := typeName(x.Fun)
		if i, ok := n.makers[called]; ok && i < len(x.Args) {
			n.add(x.Args[i])
		}
	}
	return true
}

// member notes the members that structs have in JSON.
func (n *naming) member(x ast.Node) bool {
	if f, ok := x.(*ast.Field); ok && f.Tag != nil {
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			return true
		}
		if name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ","); name != "" && name != "-" {
			n.names[name] = n.set.Position(f.Pos()).String()
		}
	}
	return true
}
