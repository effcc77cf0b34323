package redis

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/support.md and docs/redis.md")

// features lists what is tested, and on which servers: each of those that there are, or the distribution's alone.
var features = []struct {
	name   string
	onEach bool
}{
	{"scan: names, types, encodings, TTLs, all databases or one", true},
	{"sizes by MEMORY USAGE", true},
	{"sizes modelled where MEMORY USAGE is forbidden", true},
	{"nothing written, nothing touched: the server's own statistics", true},
	{"users with fewer rights (ACL)", true},
	{"password, Unix socket", true},
	{"TLS", false},
	{"replica", false},
	{"cluster: every shard, replicas, slots that move", true},
	{"cluster: primary that dies, shard that is dead, TLS with client certificates", false},
	{"sentinels: name, replicas, failover", false},
	{"server that dies during the scan", false},
}

const supportPage = "../../docs/support.md"

var supportTable = regexp.MustCompile(`(?s)(<!-- support:begin -->\n).*(<!-- support:end -->)`)

// TestSupportPage holds the page against what is tested.
func TestSupportPage(t *testing.T) {
	page, err := os.ReadFile(supportPage)
	if err != nil {
		t.Fatal(err)
	}
	if grant := fullGrant("auditor", "7.0.15"); !bytes.Contains(page, []byte("\n"+grant+"\n")) {
		t.Errorf("%s does not show the rights that an audit needs:\n%s", supportPage, grant)
	}
	if !bytes.Contains(page, []byte("\n"+lengthGrant+"\n")) {
		t.Errorf("%s does not show the rights that lengths need:\n%s", supportPage, lengthGrant)
	}
	fresh := supportTable.ReplaceAll(page, []byte("${1}"+supportMarkdown()+"${2}"))
	if bytes.Equal(page, fresh) {
		return
	}
	if !*update {
		t.Fatalf("%s is not what is tested; -update rewrites it", supportPage)
	}
	if err := os.WriteFile(supportPage, fresh, 0o644); err != nil {
		t.Fatal(err)
	}
}

func supportMarkdown() string {
	var b strings.Builder
	lines := supported()
	row := func(first string, cell func(s support) string) {
		b.WriteString("| " + first + " |")
		for _, s := range lines {
			if s.runOn != "" {
				fmt.Fprintf(&b, " %s |", cell(s))
			}
		}
		b.WriteString("\n")
	}
	row("feature", func(s support) string { return s.product + " " + s.runOn })
	row("---", func(support) string { return "---" })
	for _, f := range features {
		row(f.name, func(s support) string {
			if f.onEach || s.product == "redis" && s.version == "7.0" {
				return "run on a real server"
			}
			return "untested"
		})
	}
	b.WriteString("\nUntested, and why:\n\n")
	for _, s := range lines {
		if s.runOn == "" {
			fmt.Fprintf(&b, "- %s %s: %s\n", s.product, s.version, s.why)
		}
	}
	return b.String()
}

// TestSupportedIsTested holds the table of releases against the servers that the tests run on.
func TestSupportedIsTested(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		_, info := factsOf(t, openURL(t, "redis://"+server.Addr))
		if !tested(info.Product, info.Version) {
			t.Errorf("the tests run on %s %s, and supported() does not say so", info.Product, info.Version)
		}
	})
}
