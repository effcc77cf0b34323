package kvtool_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/kvtool/kvtool/"

// mayImport is the import table of ARCHITECTURE.md: what each package may import of ours, itself and its children apart.
// A package that is not listed fails the test, so that a new one takes its place on purpose.
var mayImport = map[string][]string{
	"kv":                        {},
	"drift/refs":                {"keydesign/schema", "kv", "report"},
	"drift/join":                {},
	"drift/clean":               {"drift/orphans", "keydesign/bind", "keydesign/schema", "kv", "internal/slot"},
	"drift/compare":             {"audit", "drift/ttl", "keydesign", "keydesign/schema", "kv", "report"},
	"drift/growth":              {"audit", "drift/compare", "internal/humanize", "keydesign", "keydesign/schema", "report"},
	"drift/orphans":             {"audit", "drift/join", "drift/refs", "internal/humanize", "keydesign/bind", "keydesign/schema", "kv", "report"},
	"kv/kvtest":                 {"kv"},
	"report":                    {},
	"report/render":             {"report", "internal/chart", "internal/humanize"},
	"report/kvr":                {"report", "internal/saved"},
	"report/fleet":              {"report"},
	"internal/abreast":          {},
	"internal/resp":             {},
	"internal/saved":            {},
	"internal/sketch":           {"internal/saved"},
	"internal/humanize":         {},
	"internal/price":            {"kv", "internal/yamlfile"},
	"internal/item":             {"kv"},
	"internal/spell":            {},
	"internal/yamlfile":         {"kv", "internal/spell"},
	"internal/config":           {"kv", "internal/yamlfile", "keydesign/budget"},
	"internal/suppress":         {"report", "internal/yamlfile"},
	"internal/replica":          {"internal/resp"},
	"internal/slot":             {},
	"internal/socket":           {},
	"internal/keygen":           {"kv"},
	"internal/memory":           {"kv"},
	"internal/evict":            {},
	"internal/crc64":            {},
	"internal/hugepage":         {},
	"internal/lzf":              {},
	"internal/unpack":           {"kv"},
	"internal/rdbread":          {"kv", "internal/crc64", "internal/lzf", "internal/memory", "internal/slot"},
	"audit":                     {"kv", "report", "internal/saved", "internal/sketch"},
	"audit/audittest":           {"audit", "kv"},
	"audit/export":              {"kv"},
	"audit/triage":              {"kv", "report", "internal/humanize"},
	"keydesign":                 {"keydesign/infer", "audit", "kv", "report", "internal/humanize", "internal/memory", "internal/saved", "internal/sketch", "internal/slot"},
	"keydesign/automaton":       {"keydesign/schema"},
	"keydesign/bind":            {"keydesign/automaton", "keydesign/schema"},
	"keydesign/infer":           {"internal/saved"},
	"keydesign/budget":          {"report", "keydesign/schema"},
	"keydesign/docs":            {"keydesign/schema", "report/render", "internal/humanize"},
	"keydesign/fit":             {"keydesign/schema", "report", "internal/humanize", "internal/monitor"},
	"keydesign/lint":            {"keydesign", "keydesign/automaton", "keydesign/schema", "report", "internal/humanize"},
	"keydesign/foreign":         {"keydesign/schema", "internal/yamlfile"},
	"keydesign/schema":          {"report", "internal/spell", "internal/yamlfile"},
	"keydesign/place":           {"internal/slot"},
	"keydesign/compare":         {"keydesign/automaton", "keydesign/schema", "internal/yamlfile", "report"},
	"keydesign/propose":         {"keydesign", "keydesign/automaton", "keydesign/infer", "keydesign/schema", "kv", "internal/humanize"},
	"keydesign/cost":            {"kv", "report", "internal/humanize", "internal/price"},
	"keydesign/table":           {"audit", "keydesign", "keydesign/lint", "keydesign/place", "kv", "report", "internal/humanize", "internal/saved", "internal/sketch"},
	"keydesign/simulate":        {"keydesign", "keydesign/lint", "keydesign/place", "keydesign/schema", "report", "kv", "internal/evict", "internal/humanize", "internal/memory", "internal/random", "internal/slot"},
	"internal/chart":            {},
	"tui":                       {"report", "report/render", "internal/chart", "internal/humanize"},
	"internal/monitor":          {"kv"},
	"loadgen/trace":             {"kv", "internal/monitor"},
	"loadgen/draw":              {"internal/random", "keydesign/schema"},
	"loadgen/scenario":          {"internal/monitor", "internal/spell", "internal/yamlfile", "keydesign/schema", "kv"},
	"loadgen/learn":             {"internal/memory", "internal/sketch", "keydesign", "keydesign/bind", "keydesign/propose", "keydesign/schema", "kv", "loadgen/scenario"},
	"loadgen/play":              {"internal/random", "keydesign/schema", "kv", "loadgen", "loadgen/draw", "loadgen/latency", "loadgen/scenario"},
	"internal/random":           {},
	"loadgen":                   {"kv"},
	"loadgen/arrival":           {},
	"loadgen/inject":            {"kv"},
	"loadgen/hlog":              {"loadgen/latency", "loadgen/recording"},
	"loadgen/figures":           {"kv"},
	"loadgen/findings":          {"audit", "audit/triage", "drift/hotkeys", "internal/humanize", "keydesign", "keydesign/bind", "keydesign/lint", "keydesign/schema", "kv", "loadgen/recording", "report"},
	"loadgen/threshold":         {"kv", "report", "internal/spell", "internal/yamlfile", "loadgen/latency", "loadgen/recording"},
	"loadgen/stat":              {},
	"loadgen/findmax":           {"loadgen/stat", "report", "internal/humanize"},
	"loadgen/probe":             {"kv", "loadgen", "loadgen/arrival", "loadgen/figures", "loadgen/findmax", "loadgen/latency", "loadgen/recording", "loadgen/stat", "loadgen/threshold", "report"},
	"loadgen/latency":           {},
	"loadgen/recording":         {"kv", "report", "internal/saved", "loadgen/latency"},
	"loadgen/manifest":          {},
	"loadgen/compare":           {"report", "loadgen/latency", "loadgen/stat"},
	"loadgen/replay":            {"kv", "internal/monitor", "loadgen", "loadgen/recording", "loadgen/trace"},
	"drift/ttl":                 {"audit", "keydesign", "keydesign/schema", "report", "internal/humanize"},
	"drift/skew":                {"audit", "drift/hotkeys", "kv", "report", "internal/humanize", "internal/saved", "internal/sketch", "internal/slot", "keydesign", "keydesign/bind", "keydesign/infer", "keydesign/schema"},
	"drift/hotkeys":             {"audit", "kv", "report", "internal/humanize", "internal/saved", "internal/sketch", "internal/slot", "keydesign/bind", "keydesign/infer", "keydesign/lint", "keydesign/schema", "loadgen/stat"},
	"adapters/berkeleydb":       {"kv", "internal/unpack"},
	"adapters/ddbexport":        {"kv", "internal/item"},
	"adapters/dynamodb":         {"kv", "internal/item", "internal/price", "internal/socket"},
	"adapters/keylist":          {"kv"},
	"adapters/memcached":        {"kv", "internal/humanize", "internal/socket", "keydesign/place"},
	"adapters/rdb":              {"kv", "internal/rdbread", "internal/unpack"},
	"adapters/redis":            {"kv", "internal/abreast", "internal/humanize", "internal/monitor", "internal/rdbread", "internal/replica", "internal/resp", "internal/memory", "internal/slot", "internal/socket", "keydesign/place"},
	"adapters/reference":        {"kv", "internal/memory", "internal/monitor"},
	"adapters/reference/arena":  {"internal/hugepage"},
	"adapters/reference/dump":   {"kv", "adapters/reference/number", "adapters/reference/packed", "internal/crc64", "internal/lzf", "internal/memory"},
	"adapters/reference/dict":   {"internal/evict", "internal/hugepage"},
	"adapters/reference/geo":    {},
	"adapters/reference/number": {},
	"adapters/reference/list":   {"adapters/reference/arena", "adapters/reference/packed", "internal/memory"},
	"adapters/reference/hll":    {},
	"adapters/reference/packed": {"internal/memory"},
	"adapters/reference/table":  {"adapters/reference/arena", "adapters/reference/dict", "internal/memory"},
	"adapters/reference/zset":   {"adapters/reference/arena", "adapters/reference/dict", "internal/hugepage"},
	"adapters/reference/value":  {"adapters/reference/keyspace", "adapters/reference/list", "adapters/reference/number", "adapters/reference/packed", "adapters/reference/table", "adapters/reference/zset", "internal/memory"},
	"adapters":                  {"kv", "adapters/berkeleydb", "adapters/ddbexport", "adapters/dynamodb", "adapters/keylist", "adapters/memcached", "adapters/rdb", "adapters/redis", "adapters/reference"},
	"cmd":                       {"*"},
	"cmd/kvtool":                {"cmd"},
	// The reference engine. (A block of its own, so that a long name does not move every line.)
	"adapters/reference/command":     {"adapters/reference/dump", "adapters/reference/engine", "adapters/reference/geo", "adapters/reference/hll", "adapters/reference/keyspace", "adapters/reference/number", "adapters/reference/packed", "adapters/reference/value", "adapters/reference/wire", "internal/evict", "internal/rdbread", "kv"},
	"adapters/reference/engine":      {"kv", "adapters/reference/keyspace", "adapters/reference/number", "adapters/reference/value", "adapters/reference/wire", "internal/evict", "internal/memory"},
	"adapters/reference/conformance": {},
	"adapters/reference/keyspace":    {"kv", "adapters/reference/arena", "adapters/reference/dict", "internal/evict", "internal/memory"},
	"adapters/reference/server":      {"adapters/reference/engine", "adapters/reference/wire"},
	"adapters/reference/wire":        {"adapters/reference/number"},
	// For tests alone.
	"internal/browsertest": {},
	"internal/faultproxy":  {},
	"internal/servertest":  {},
}

// onlyImporter names the packages that alone may import a module of another's.
var onlyImporter = map[string][]string{
	"charm.land/":                      {"tui"},
	"github.com/aws/":                  {"adapters/dynamodb"},
	"github.com/redis/go-redis/v9":     {"adapters/redis"},
	"github.com/HdrHistogram/":         {"loadgen/hlog"},
	"github.com/spf13/cobra":           {"cmd"},
	"github.com/axiomhq/hyperloglog":   {"keydesign/infer"},
	"github.com/klauspost/compress":    {"adapters/ddbexport", "drift/clean", "internal/unpack", "report/kvr"},
	"github.com/parquet-go/":           {"audit/export"},
	"github.com/rivo/uniseg":           {"report/render"},
	"golang.org/x/sys":                 {"internal/crc64", "loadgen"},
	"golang.org/x/term":                {"cmd"},
	"go.yaml.in/yaml/":                 {"internal/yamlfile"},
	"github.com/zeebo/xxh3":            {"drift/refs", "drift/orphans", "internal/sketch", "keydesign/infer", "adapters/reference", "adapters/reference/table", "adapters/reference/keyspace", "adapters/reference/zset", "internal/rdbread"},
	"github.com/santhosh-tekuri/":      {},
	"github.com/rogpeppe/go-internal/": {},
	"github.com/google/go-cmp":         {"audit/audittest"},
	"pgregory.net/rapid":               {},
}

// standardOnly are the packages that import no third party at all.
var standardOnly = []string{"kv", "report", "internal/chart", "internal/evict", "internal/humanize", "internal/memory", "internal/resp", "internal/saved", "internal/slot", "audit", "keydesign/place"}

func TestImports(t *testing.T) {
	all := packages(t)
	for dir := range mayImport {
		if all[dir] == nil {
			t.Errorf("the import table has %s, which is no package", dir)
		}
	}
	for dir, files := range all {
		allowed, listed := mayImport[dir]
		if !listed {
			t.Errorf("package %s is not in the import table", dir)
			continue
		}
		used := map[string]bool{"*": true}
		for _, file := range files {
			for _, path := range imports(t, file) {
				checkImport(t, dir, file, path, allowed)
				used[strings.TrimPrefix(path, module)] = true
			}
		}
		for _, path := range allowed {
			if !used[path] {
				t.Errorf("%s may import %s, and does not: take it from the table", dir, path)
			}
		}
	}
}

// TestArchitecture holds the table of ARCHITECTURE.md to the packages that there are.
func TestArchitecture(t *testing.T) {
	page, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{"cmd/kvtool": true} // which is cmd
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		names := quotedNames(cells[1])
		parent, _ := path.Split(names[0])
		if strings.HasSuffix(names[0], "/…") {
			names = quotedNames(cells[2])
		}
		for _, name := range names {
			if !strings.Contains(name, "/") {
				name = parent + name
			}
			listed[name] = true
			if st, err := os.Stat(name); err != nil || !st.IsDir() {
				t.Errorf("ARCHITECTURE.md lists %s, which is no package", name)
			}
		}
	}
	for dir := range packages(t) {
		if !listed[dir] {
			t.Errorf("ARCHITECTURE.md does not list %s", dir)
		}
	}
}

// quotedNames returns what is between back quotes.
func quotedNames(s string) []string {
	var names []string
	for i, part := range strings.Split(s, "`") {
		if i%2 == 1 {
			names = append(names, part)
		}
	}
	return names
}

func checkImport(t *testing.T, dir, file, path string, allowed []string) {
	t.Helper()
	if ours, ok := strings.CutPrefix(path, module); ok {
		child := strings.HasPrefix(ours, dir+"/")
		if !child && !slices.Contains(allowed, ours) && !slices.Contains(allowed, "*") {
			t.Errorf("%s: %s may not import %s", file, dir, ours)
		}
		return
	}
	if !strings.Contains(strings.SplitN(path, "/", 2)[0], ".") {
		return // the standard library
	}
	if slices.Contains(standardOnly, dir) {
		t.Errorf("%s: %s may import no third party, and imports %s", file, dir, path)
	}
	for prefix, importers := range onlyImporter {
		if strings.HasPrefix(path, prefix) && !slices.Contains(importers, dir) {
			t.Errorf("%s: %s may be imported by %v alone", file, prefix, importers)
		}
	}
}

// TestNoInit holds the law that everything pluggable is a value in a list: no init functions.
func TestNoInit(t *testing.T) {
	for _, files := range packages(t) {
		for _, file := range files {
			for _, d := range parsed(t, file).Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s has an init function", file)
				}
			}
		}
	}
}

// TestOptional holds that what a store can do besides being read is asked of package kv (DriverOf, PlanOf, Shards and their like) and
// never of the store itself: what it means that a store cannot is said in one place.
func TestOptional(t *testing.T) {
	all := packages(t)
	optional := map[string]bool{}
	for _, file := range all["kv"] {
		ast.Inspect(parsed(t, file), func(n ast.Node) bool {
			if s, ok := n.(*ast.TypeSpec); ok {
				_, optional[s.Name.Name] = s.Type.(*ast.InterfaceType)
			}
			return true
		})
	}
	for dir, files := range all {
		if strings.HasPrefix(dir, "kv") {
			continue
		}
		for _, file := range files {
			ast.Inspect(parsed(t, file), func(n ast.Node) bool {
				if x, ok := n.(*ast.TypeAssertExpr); ok {
					if s, ok := x.Type.(*ast.SelectorExpr); ok && optional[s.Sel.Name] {
						if p, ok := s.X.(*ast.Ident); ok && p.Name == "kv" {
							t.Errorf("%s asserts that something is a kv.%s: a function of kv tells", file, s.Sel.Name)
						}
					}
				}
				return true
			})
		}
	}
}

func parsed(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// No file and no function is longer than this: it has two jobs then.
const (
	longestFile     = 700
	longestFunction = 80
)

func TestSizes(t *testing.T) {
	for _, files := range packages(t) {
		for _, file := range files {
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			if n := set.Position(f.FileEnd).Line; n > longestFile {
				t.Errorf("%s has %d lines, more than %d: split it along a job", file, n, longestFile)
			}
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if n := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1; n > longestFunction {
					t.Errorf("%s: %s has %d lines, more than %d: split it along a job", file, fn.Name.Name, n, longestFunction)
				}
			}
		}
	}
}

// packages returns the files of each package that is not a test, by the package's folder.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	byDir := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != "." && (name[0] == '.' || name == "testdata" || path == "bench" || path == "dist") {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && filepath.Dir(path) != "." {
			dir := filepath.ToSlash(filepath.Dir(path))
			byDir[dir] = append(byDir[dir], path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return byDir
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	paths := make([]string, len(f.Imports))
	for i, im := range f.Imports {
		paths[i], _ = strconv.Unquote(im.Path.Value)
	}
	return paths
}
