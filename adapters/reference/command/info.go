package command

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// infoSections are those of INFO in their order; the last ones only with all.
var infoSections = [...]struct {
	name  string
	extra bool
	write func(b *infoText)
}{
	{"server", false, infoServer},
	{"clients", false, infoClients},
	{"memory", false, infoMemory},
	{"persistence", false, infoPersistence},
	{"stats", false, infoStats},
	{"replication", false, infoReplication},
	{"cpu", false, infoCPU},
	{"modules", false, func(*infoText) {}},
	{"commandstats", true, infoCommandStats},
	{"errorstats", false, infoErrorStats},
	{"latencystats", true, infoLatencyStats},
	{"cluster", false, func(b *infoText) { b.add("cluster_enabled", "0") }},
	{"keyspace", false, infoKeyspace},
}

// infoText is the text of INFO as it grows.
type infoText struct {
	strings.Builder
	c *engine.Call
	r engine.Report
}

func (b *infoText) add(name, value string)   { b.WriteString(name + ":" + value + "\r\n") }
func (b *infoText) int(name string, n int64) { b.add(name, itoa(n)) }

// zeros adds counters of what there is not here.
func (b *infoText) zeros(names ...string) {
	for _, n := range names {
		b.add(n, "0")
	}
}

// bytes adds a size, and the same for people.
func (b *infoText) bytes(name string, n int64) {
	b.int(name, n)
	b.add(name+"_human", humanBytes(n))
}

// humanBytes is Redis's bytesToHuman.
func humanBytes(n int64) string {
	if n < 1024 {
		return itoa(n) + "B"
	}
	for i, unit := range [...]string{"K", "M", "G", "T"} {
		if limit := int64(1024) << (10 * (i + 1)); n < limit || unit == "T" {
			return fmt.Sprintf("%.2f%s", float64(n)/float64(limit>>10), unit)
		}
	}
	return ""
}

func info(c *engine.Call) {
	wanted := map[string]bool{}
	all, normal := false, len(c.Args) == 1
	for _, a := range c.Args[1:] {
		switch word := strings.ToLower(string(a)); word {
		case "all", "everything":
			all = true
		case "default":
			normal = true
		default:
			wanted[word] = true
		}
	}
	b := &infoText{c: c, r: c.Report()}
	for _, s := range infoSections {
		if !all && !(normal && !s.extra) && !wanted[s.name] {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("# " + infoTitle(s.name) + "\r\n")
		s.write(b)
	}
	c.Out.Verbatim("txt", b.String())
}

func infoTitle(name string) string {
	if name == "cpu" {
		return "CPU"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func infoServer(b *infoText) {
	e := b.c.Engine()
	now := b.c.Micros()
	uptime := (now - e.Started()) / 1e6
	b.add("redis_version", engine.RedisVersion)
	b.add("redis_git_sha1", "00000000")
	b.add("redis_git_dirty", "0")
	b.add("redis_build_id", "0")
	b.add("redis_mode", "standalone")
	b.add("kvtool_engine", e.Version())
	b.int("kvtool_shards", b.r.Shards)
	b.add("os", runtime.GOOS+" "+runtime.GOARCH)
	b.add("arch_bits", strconv.Itoa(strconv.IntSize))
	b.add("monotonic_clock", "POSIX clock_gettime")
	b.add("multiplexing_api", "go")
	b.add("process_id", strconv.Itoa(os.Getpid()))
	b.add("process_supervised", "no")
	b.add("run_id", runID(e.Started()))
	b.add("tcp_port", e.Setting("port"))
	b.int("server_time_usec", now)
	b.int("uptime_in_seconds", uptime)
	b.int("uptime_in_days", uptime/86400)
	b.add("hz", e.Setting("hz"))
	b.add("configured_hz", e.Setting("hz"))
	b.int("lru_clock", now/1e6&(1<<24-1))
	b.add("executable", "")
	b.add("config_file", "")
	b.add("io_threads_active", "0")
}

// runID returns 40 hexadecimal digits that are another at each start.
func runID(started int64) string {
	return fmt.Sprintf("%016x%016x%08x", uint64(started)*0x9e3779b97f4a7c15, uint64(os.Getpid())*0xbf58476d1ce4e5b9, uint32(started))
}

func infoClients(b *infoText) {
	b.int("connected_clients", b.r.Clients)
	b.zeros("cluster_connections")
	b.add("maxclients", b.c.Engine().Setting("maxclients"))
	b.zeros("client_recent_max_input_buffer", "client_recent_max_output_buffer")
	b.int("blocked_clients", b.r.Blocked)
	b.int("tracking_clients", b.r.Tracking)
	b.zeros("clients_in_timeout_table")
}

// processBytes returns what the process holds of the system.
func processBytes() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}

func infoMemory(b *infoText) {
	r, rss := b.r, processBytes()
	limit, _ := strconv.ParseInt(b.c.Engine().Setting("maxmemory"), 10, 64)
	b.bytes("used_memory", r.Used)
	b.bytes("used_memory_rss", rss)
	b.bytes("used_memory_peak", r.Peak)
	b.add("used_memory_peak_perc", fmt.Sprintf("%.2f%%", share(r.Used, r.Peak)*100))
	b.int("used_memory_overhead", r.Used-r.Dataset)
	b.zeros("used_memory_startup")
	b.int("used_memory_dataset", r.Dataset)
	b.add("used_memory_dataset_perc", fmt.Sprintf("%.2f%%", share(r.Dataset, r.Used)*100))
	b.int("kvtool_real_bytes", r.Real)
	b.add("kvtool_memory_profile", b.c.Engine().Profile().String())
	b.int("allocator_allocated", r.Used)
	b.int("allocator_active", r.Used)
	b.int("allocator_resident", rss)
	b.bytes("total_system_memory", 0)
	b.bytes("used_memory_lua", 0)
	b.zeros("used_memory_vm_eval", "used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions",
		"number_of_libraries", "used_memory_vm_functions")
	b.bytes("used_memory_vm_total", 0)
	b.zeros("used_memory_functions")
	b.bytes("used_memory_scripts", 0)
	b.bytes("maxmemory", limit)
	b.add("maxmemory_policy", b.c.Engine().Setting("maxmemory-policy"))
	b.add("allocator_frag_ratio", "1.00")
	b.zeros("allocator_frag_bytes")
	b.add("allocator_rss_ratio", fmt.Sprintf("%.2f", share(rss, r.Used)))
	b.int("allocator_rss_bytes", rss-r.Used)
	b.add("rss_overhead_ratio", "1.00")
	b.zeros("rss_overhead_bytes")
	b.add("mem_fragmentation_ratio", fmt.Sprintf("%.2f", share(rss, r.Used)))
	b.int("mem_fragmentation_bytes", rss-r.Used)
	b.zeros("mem_not_counted_for_evict", "mem_replication_backlog", "mem_total_replication_buffers", "mem_clients_slaves",
		"mem_clients_normal", "mem_cluster_links", "mem_aof_buffer")
	b.add("mem_allocator", b.c.Engine().Profile().Allocator.String())
	b.zeros("active_defrag_running", "lazyfree_pending_objects", "lazyfreed_objects")
}

func infoPersistence(b *infoText) {
	b.zeros("loading", "async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age")
	b.add("current_fork_perc", "0.00")
	b.zeros("current_save_keys_processed", "current_save_keys_total")
	b.int("rdb_changes_since_last_save", b.r.Dirty)
	b.zeros("rdb_bgsave_in_progress")
	b.int("rdb_last_save_time", b.c.Engine().Started()/1e6)
	b.add("rdb_last_bgsave_status", "ok")
	b.add("rdb_last_bgsave_time_sec", "-1")
	b.add("rdb_current_bgsave_time_sec", "-1")
	b.zeros("rdb_saves", "rdb_last_cow_size", "rdb_last_load_keys_expired", "rdb_last_load_keys_loaded", "aof_enabled",
		"aof_rewrite_in_progress", "aof_rewrite_scheduled")
	b.add("aof_last_rewrite_time_sec", "-1")
	b.add("aof_current_rewrite_time_sec", "-1")
	b.add("aof_last_bgrewrite_status", "ok")
	b.zeros("aof_rewrites", "aof_rewrites_consecutive_failures")
	b.add("aof_last_write_status", "ok")
	b.zeros("aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size")
}

func infoStats(b *infoText) {
	r := b.r
	b.int("total_connections_received", r.Connections)
	b.int("total_commands_processed", r.Commands)
	b.int("instantaneous_ops_per_sec", r.Rate)
	b.zeros("total_net_input_bytes", "total_net_output_bytes", "total_net_repl_input_bytes", "total_net_repl_output_bytes")
	for _, name := range [...]string{"input", "output", "input_repl", "output_repl"} {
		b.add("instantaneous_"+name+"_kbps", "0.00")
	}
	b.int("rejected_connections", r.Rejected)
	b.zeros("sync_full", "sync_partial_ok", "sync_partial_err")
	b.int("expired_keys", r.Expired)
	b.add("expired_stale_perc", fmt.Sprintf("%.2f", r.Stale*100))
	b.zeros("expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds")
	b.int("evicted_keys", r.Evicted)
	b.zeros("evicted_clients", "total_eviction_exceeded_time", "current_eviction_exceeded_time")
	b.int("keyspace_hits", r.Hits)
	b.int("keyspace_misses", r.Misses)
	b.int("pubsub_channels", r.Subscriptions[engine.Named])
	b.int("pubsub_patterns", r.Subscriptions[engine.Patterns])
	b.int("pubsubshard_channels", r.Subscriptions[engine.Sharded])
	b.zeros("latest_fork_usec", "total_forks", "migrate_cached_sockets", "slave_expires_tracked_keys", "active_defrag_hits",
		"active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses", "total_active_defrag_time",
		"current_active_defrag_time")
	b.int("tracking_total_keys", r.TrackedKeys)
	b.int("tracking_total_items", r.TrackedItems)
	b.zeros("tracking_total_prefixes", "unexpected_error_replies")
	b.int("total_error_replies", r.ErrorReplies)
	b.zeros("dump_payload_sanitizations", "total_reads_processed", "total_writes_processed", "io_threaded_reads_processed",
		"io_threaded_writes_processed", "reply_buffer_shrinks", "reply_buffer_expands")
}

func infoReplication(b *infoText) {
	b.add("role", "master")
	b.zeros("connected_slaves")
	b.add("master_failover_state", "no-failover")
	b.add("master_replid", runID(b.c.Engine().Started()+1))
	b.add("master_replid2", strings.Repeat("0", 40))
	b.zeros("master_repl_offset")
	b.add("second_repl_offset", "-1")
	b.zeros("repl_backlog_active")
	b.add("repl_backlog_size", b.c.Engine().Setting("repl-backlog-size"))
	b.zeros("repl_backlog_first_byte_offset", "repl_backlog_histlen")
}

func infoCPU(b *infoText) {
	system, user := processTime()
	b.add("used_cpu_sys", fmt.Sprintf("%.6f", system.Seconds()))
	b.add("used_cpu_user", fmt.Sprintf("%.6f", user.Seconds()))
	b.add("used_cpu_sys_children", "0.000000")
	b.add("used_cpu_user_children", "0.000000")
	b.add("used_cpu_sys_main_thread", fmt.Sprintf("%.6f", system.Seconds()))
	b.add("used_cpu_user_main_thread", fmt.Sprintf("%.6f", user.Seconds()))
}

func infoCommandStats(b *infoText) {
	for _, r := range b.c.Engine().CommandReports() {
		mean := 0.0
		if r.Calls > 0 {
			mean = float64(r.Microseconds) / float64(r.Calls)
		}
		b.add("cmdstat_"+r.Name, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			r.Calls, r.Microseconds, mean, r.Rejects, r.Fails))
	}
}

func infoErrorStats(b *infoText) {
	var codes []string
	for code := range b.r.Errors {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		b.add("errorstat_"+code, "count="+itoa(b.r.Errors[code]))
	}
}

func infoLatencyStats(b *infoText) {
	percentiles := strings.Fields(b.c.Engine().Setting("latency-tracking-info-percentiles"))
	for _, r := range b.c.Engine().CommandReports() {
		if r.Calls == 0 {
			continue
		}
		var parts []string
		for _, p := range percentiles {
			want, _ := strconv.ParseFloat(p, 64)
			parts = append(parts, fmt.Sprintf("p%s=%d.000", p, latencyAt(r.Latency, want)))
		}
		b.add("latency_percentiles_usec_"+r.Name, strings.Join(parts, ","))
	}
}

// latencyAt returns below which bound, in microseconds, a percentage of calls lies.
func latencyAt(counts []int64, percent float64) int64 {
	var total, seen int64
	for _, n := range counts {
		total += n
	}
	for i, n := range counts {
		if seen += n; float64(seen) >= float64(total)*percent/100 && seen > 0 {
			return engine.LatencyBound(i)
		}
	}
	return 0
}

func infoKeyspace(b *infoText) {
	for i, d := range b.r.Databases {
		if d.Keys > 0 {
			b.add("db"+strconv.Itoa(i), fmt.Sprintf("keys=%d,expires=%d,avg_ttl=%d", d.Keys, d.Volatile, d.AverageTTL))
		}
	}
}
