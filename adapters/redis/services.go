package redis

import (
	"slices"
	"strings"
)

// A Service is what is documented of a hosted service: what to expect there, and what to do instead. Nothing is decided by it: each
// command is tried, and what is refused is missing.
type Service struct {
	Name     string
	Suffixes []string // of host names
	Says     string   // a line of INFO that tells it: Name:beginning
	Blocked  []string // commands of ours, and those around them, that it does not have
	Lacks    []string // beginnings of names in INFO that are not there
	Refusal  string   // how it refuses; %s is the command
	OneNode  bool     // its clusters show one node that serves every slot
	TLS      bool     // there is no way in without it
	Instead  string   // where the rest can be read
	Source   string
	Checked  string // what of this row was found in Source when it was last read; the rest is a guess
}

// Services are the services that are known, the more particular ones first: a name that ends with two suffixes is of the first.
//
// Source is where the service says what it has, and not all of it is said there: what refusals look like, what INFO leaves out and how
// INFO tells the service are not documented by most. Checked is what was found there in November 2026. Unknown command is what a renamed or
// removed one looks like, and Lacks is a guess that rather has too much. kvtool was not run on the services.
func Services() []Service {
	return slices.Concat(amazonServices(), otherServices())
}

// unknownCommand is what most services answer to a command that they withhold.
const unknownCommand = "ERR unknown command '%s'"

func amazonServices() []Service {
	amazon := []string{
		"bgrewriteaof", "bgsave", "config", "debug", "migrate", "replicaof", "save", "slaveof", "shutdown", "sync",
	}
	return []Service{
		{
			Name: "ElastiCache Serverless", Suffixes: []string{".serverless.*.cache.amazonaws.com"},
			Blocked: append(slices.Clone(amazon), "memory", "monitor", "keys", "psync", "slowlog", "latency", "cluster slot-stats", "client list", "acl getuser"),
			Lacks:   []string{"mem_", "used_memory_", "maxmemory", "cmdstat_", "errorstat_", "latency_percentiles", "db", "rdb_", "aof_"},
			Refusal: "ERR This command is not available", OneNode: true, TLS: true,
			Instead: "export a backup to S3, and audit that: kvtool audit rdb:FILE (requests are billed)",
			Source:  "docs.aws.amazon.com/AmazonElastiCache/latest/dg/SupportedCommands.html and RedisConfiguration.html",
			Checked: "that it has a list of what it has; not what is missing in that",
		},
		{
			Name: "ElastiCache", Suffixes: []string{".cache.amazonaws.com", ".cache.amazonaws.com.cn"}, Says: "os:Amazon ElastiCache",
			Blocked: amazon, Refusal: unknownCommand,
			Instead: "export a backup to S3, and audit that: kvtool audit rdb:FILE",
			Source:  "docs.aws.amazon.com/AmazonElastiCache/latest/dg/ClientConfig.RestrictedCommands.html",
			Checked: "the commands",
		},
		{
			Name: "MemoryDB", Suffixes: []string{".memorydb.*.amazonaws.com", ".memorydb.*.amazonaws.com.cn"}, Says: "os:Amazon MemoryDB",
			Blocked: append(slices.Clone(amazon), "acl deluser", "acl load", "acl save", "acl setuser", "cluster addslots", "cluster delslots",
				"cluster setslot", "module", "psync"),
			Refusal: unknownCommand, TLS: true,
			Instead: "export a snapshot to S3, and audit that: kvtool audit rdb:FILE",
			Source:  "docs.aws.amazon.com/memorydb/latest/devguide/restrictedcommands.html",
			Checked: "the commands",
		},
	}
}

func otherServices() []Service {
	enterprise := []string{
		"acl deluser", "acl load", "acl log", "acl save", "acl setuser", "bgrewriteaof", "bgsave", "config rewrite", "debug", "latency",
		"memory doctor", "memory malloc-stats", "memory purge", "memory stats", "migrate", "module", "psync", "replicaof", "save",
		"shutdown", "slaveof", "sync",
	}
	return []Service{
		{
			Name: "Azure Managed Redis", Suffixes: []string{".redis.azure.net", ".redisenterprise.cache.azure.net"},
			Blocked: enterprise, Lacks: []string{"mem_", "cmdstat_", "errorstat_", "allocator_", "aof_"}, Refusal: unknownCommand, TLS: true,
			Instead: "export the data, and audit that: kvtool audit rdb:FILE",
			Source:  "redis.io/docs/latest/operate/rs/references/compatibility/commands/server, whose software it is",
			Checked: "the commands of ACL",
		},
		{
			Name: "Azure Cache for Redis", Suffixes: []string{".redis.cache.windows.net", ".redis.cache.chinacloudapi.cn", ".redis.cache.usgovcloudapi.net"},
			Blocked: []string{
				"acl", "bgrewriteaof", "bgsave", "config", "debug", "migrate", "psync", "replicaof", "save", "shutdown", "slaveof", "sync",
				"cluster addslots", "cluster setslot", "cluster failover",
			},
			Refusal: unknownCommand,
			Instead: "export the data (Premium), and audit that: kvtool audit rdb:FILE",
			Source:  "learn.microsoft.com/azure/azure-cache-for-redis/cache-configure",
			Checked: "the commands but ACL, PSYNC, REPLICAOF and SYNC; the refusal; the names of its hosts in China",
		},
		{
			Name: "Memorystore",
			Blocked: []string{
				"acl", "bgrewriteaof", "bgsave", "cluster", "command", "config", "debug", "lastsave", "migrate", "module", "monitor", "object",
				"psync", "replicaof", "role", "save", "shutdown", "slaveof", "sync",
			},
			Refusal: unknownCommand,
			Instead: "export the instance to Cloud Storage, and audit that: kvtool audit rdb:FILE",
			Source:  "docs.cloud.google.com/memorystore/docs/redis/supported-commands and product-constraints",
			Checked: "the commands but MODULE, PSYNC, ROLE, SLAVEOF and SYNC",
		},
		{
			Name: "Redis Cloud", Suffixes: []string{".redislabs.com", ".redis-cloud.com", ".rlrcp.com"}, Says: "rlec_version:",
			Blocked: enterprise, Lacks: []string{"mem_", "cmdstat_", "errorstat_", "allocator_", "aof_"}, Refusal: unknownCommand,
			Instead: "back the database up, and audit that: kvtool audit rdb:FILE",
			Source:  "redis.io/docs/latest/operate/rs/references/compatibility/commands/server",
			Checked: "the commands of ACL",
		},
		{
			Name: "Aiven", Suffixes: []string{".aivencloud.com"},
			Blocked: []string{
				"acl", "bgrewriteaof", "bgsave", "cluster", "command", "config", "debug", "failover", "lastsave", "migrate", "monitor", "replicaof",
				"role", "save", "shutdown", "slaveof",
			},
			Refusal: unknownCommand, TLS: true,
			Source:  "aiven.io/docs/products/redis/concepts/restricted-redis-commands",
			Checked: "the commands; its page of Valkey lists the same but ROLE",
		},
		{
			Name: "OCI Cache", Suffixes: []string{".oci.oraclecloud.com"},
			Blocked: []string{
				"acl", "bgrewriteaof", "bgsave", "cluster", "config set", "debug", "migrate", "module", "psync", "replicaof", "save", "shutdown", "sync",
			},
			Refusal: unknownCommand, TLS: true,
			Source:  "docs.oracle.com/iaas/Content/ocicache/restrictedcommands.htm",
			Checked: "the commands",
		},
	}
}

// serviceOf returns the service that a host name or an answer to INFO is of; nil if none is known by them.
func serviceOf(addr string, now serverInfo) *Service {
	host, _, _ := strings.Cut(strings.ToLower(addr), ":")
	for _, s := range Services() {
		if slices.ContainsFunc(s.Suffixes, func(suffix string) bool { return ends(host, suffix) }) {
			return &s
		}
	}
	for _, s := range Services() {
		if name, begins, ok := strings.Cut(s.Says, ":"); ok {
			if value, told := now.fields[name]; told && strings.HasPrefix(value, begins) {
				return &s
			}
		}
	}
	return nil
}

// ends reports whether a host name ends with a suffix, in which * is one label: .memorydb.*.amazonaws.com.
func ends(host, suffix string) bool {
	h, s := strings.Split(host, "."), strings.Split(strings.TrimPrefix(suffix, "."), ".")
	if len(h) <= len(s) {
		return false
	}
	h = h[len(h)-len(s):]
	return slices.EqualFunc(h, s, func(a, b string) bool { return b == "*" || a == b })
}

// blocks reports whether the service is documented not to have a command: its words, in any case.
func (s *Service) blocks(words ...string) bool {
	if s == nil {
		return false
	}
	command := strings.ToLower(strings.Join(words, " "))
	return slices.ContainsFunc(s.Blocked, func(b string) bool { return command == b || strings.HasPrefix(command, b+" ") })
}

// Answers returns what the service answers to a command that it does not have; nothing to any other.
func (s *Service) Answers(words []string) (refusal string) {
	if !s.blocks(words...) {
		return ""
	}
	return strings.ReplaceAll(s.Refusal, "%s", words[0])
}

// withheld returns those of the commands that kvtool asks with which the service does not have.
func (s *Service) withheld() (missing []string) {
	for _, words := range [...]string{
		"MEMORY USAGE", "MEMORY STATS", "OBJECT ENCODING", "OBJECT FREQ", "CONFIG GET", "SLOWLOG GET", "LATENCY LATEST", "CLIENT LIST", "ACL GETUSER",
		"COMMAND INFO", "CLUSTER SLOTS", "MONITOR", "PSYNC",
	} {
		if s.blocks(words) {
			missing = append(missing, words)
		}
	}
	return missing
}

// note says what is to be known of a service.
func (s *Service) note() string {
	text := "This is " + s.Name + ". By its documentation it does not have " + strings.Join(s.withheld(), ", ") + ": what they would tell is missing"
	if s.Instead != "" {
		text += "; to have more, " + s.Instead
	}
	return text + "."
}
