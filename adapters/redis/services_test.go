package redis

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestServiceOf(t *testing.T) {
	for addr, want := range map[string]string{
		"shop-abc123.serverless.use1.cache.amazonaws.com:6379":         "ElastiCache Serverless",
		"clustercfg.shop.abc123.use1.cache.amazonaws.com:6379":         "ElastiCache",
		"MASTER.SHOP.abc123.use1.cache.amazonaws.com:6379":             "ElastiCache",
		"clustercfg.shop.abc123.memorydb.us-east-1.amazonaws.com:6379": "MemoryDB",
		"shop.redis.cache.windows.net:6380":                            "Azure Cache for Redis",
		"shop.westeurope.redis.azure.net:10000":                        "Azure Managed Redis",
		"redis-12345.c1.us-east-1-2.ec2.redns.redis-cloud.com:12345":   "Redis Cloud",
		"shop-project.a.aivencloud.com:12345":                          "Aiven",
		"aaa.redis.eu-frankfurt-1.oci.oraclecloud.com:6379":            "OCI Cache",
		"cache.amazonaws.com:6379":                                     "",
		"10.0.0.3:6379":                                                "",
		"evil-cache.amazonaws.com.example.org:6379":                    "",
		"notcache.amazonaws.com:6379":                                  "",
	} {
		got := ""
		if s := serviceOf(addr, serverInfo{}); s != nil {
			got = s.Name
		}
		if got != want {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
	if s := serviceOf("10.0.0.3:6379", parseInfo("os:Amazon MemoryDB\r\n")); s == nil || s.Name != "MemoryDB" {
		t.Errorf("by INFO: %v", s)
	}
}

// TestServices holds the table together: each row names its source, and its refusals are taken for what they are.
func TestServices(t *testing.T) {
	for _, s := range Services() {
		refusal := s.Answers([]string{"SAVE"})
		if !denies(refusal) || s.Source == "" || s.Checked == "" || !strings.Contains(s.note(), s.Name) {
			t.Errorf("%s: %q, %q, %q", s.Name, refusal, s.Source, s.note())
		}
		if s.Answers([]string{"Scan", "0"}) != "" || s.Answers([]string{"CONFIGURE"}) != "" || s.Answers([]string{"Debug", "SLEEP"}) == "" {
			t.Errorf("%s blocks what it has, or has what it blocks", s.Name)
		}
	}
	for _, text := range []string{
		"ERR Command is not available: 'CONFIG'. See https://…", "ERR command 'config' not support for normal user", "ERR unsupported command",
		"ERR unknown command 'OBJECT'", "NOPERM this user has no permissions to run the 'config|get' command",
	} {
		if !denies(text) {
			t.Errorf("%q is no refusal", text)
		}
	}
}

const redisPage = "../../docs/redis.md"

// TestServicesPage holds the table of docs/redis.md to the services.
func TestServicesPage(t *testing.T) {
	page, err := os.ReadFile(redisPage)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("<!-- services -->\n| service | known by | does not have, of what kvtool asks | instead | source | found there |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, s := range Services() {
		known := strings.Join(s.Suffixes, ", ")
		switch {
		case known == "" && s.Says == "":
			known = "nothing: its addresses are private"
		case s.Says != "":
			known = strings.TrimPrefix(known+", `INFO`: `"+s.Says+"`", ", ")
		}
		missing := strings.Join(s.withheld(), ", ")
		if len(s.Lacks) > 0 {
			missing += "; parts of INFO"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", s.Name, known, missing, s.Instead, s.Source, s.Checked)
	}
	b.WriteString("<!-- /services -->")
	from, to := bytes.Index(page, []byte("<!-- services -->")), bytes.Index(page, []byte("<!-- /services -->"))
	if from < 0 || to < 0 {
		t.Fatal("docs/redis.md has no place for the services")
	}
	end := to + len("<!-- /services -->")
	if string(page[from:end]) == b.String() {
		return
	}
	if !*update {
		t.Fatal("docs/redis.md has other services: go test ./adapters/redis -run TestServicesPage -update")
	}
	fresh := slices.Concat(page[:from], []byte(b.String()), page[end:])
	if err := os.WriteFile(redisPage, fresh, 0o644); err != nil {
		t.Fatal(err)
	}
}
