package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/replica"
	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// The values of via.
const (
	viaPsync = "psync"
	viaSync  = "sync"
)

const hintScan = "without ?via= the server is read with SCAN, which makes no fork"

// What a snapshot takes where the server has not said it by an earlier one. Measured on Redis 7.0 with 1.7 GB of many small
// values: 104 ms of fork, 0.52 bytes of snapshot a byte of memory, 40 MB of snapshot a second.
const (
	forkPerByte = 104e6 / 1.7e9 // nanoseconds
	sentPerByte = 0.52
	sendRate    = 40e6 // bytes a second
)

// copiedShare is what of its data a server is taken to copy, because it is written to during a snapshot, where no earlier
// snapshot tells.
const copiedShare = 0.1

// Plan says what the snapshots cost the servers, or why one cannot be had. Nothing is asked for yet.
func (st *stream) Plan(ctx context.Context) (kv.Plan, error) {
	p := kv.Plan{Known: true, Unit: "bytes", Instead: hintScan}
	for _, src := range st.sources {
		said, err := src.serverInfo(ctx)
		if err != nil {
			return p, err
		}
		src.said = said
		if err := src.ready(); err != nil {
			return p, fmt.Errorf("%s: %w", src.cfg.target, err)
		}
		if err := src.probeReplica(ctx, st.command); err != nil {
			return p, fmt.Errorf("%s: %w", src.cfg.target, err)
		}
		settings, err := src.settings(ctx, "repl-diskless-sync", "repl-diskless-sync-delay", "client-output-buffer-limit")
		if err != nil {
			return p, err
		}
		src.burden(&p, settings)
	}
	if n := len(st.sources); n > 1 {
		p.Burden = append(p.Burden, fmt.Sprintf("%d servers fork one after the other: about %s in all", n, humanize.Duration(p.Time.Seconds())))
	}
	st.mu.Lock()
	st.planned = true
	st.mu.Unlock()
	return p, nil
}

// ready returns why a server cannot send a snapshot now, by its own INFO.
func (src *source) ready() error {
	i := src.said
	switch {
	case i.denied != "":
		return nil // it is not known
	case i.fields["loading"] == "1":
		return kv.WithHint(errors.New("the server is still loading its data"), "try again when it has loaded: INFO persistence, loading_eta_seconds")
	case i.fields["master_sync_in_progress"] == "1":
		return kv.WithHint(errors.New("this replica is being sent the data of its primary"), "try again when INFO replication says master_sync_in_progress:0, or name the primary")
	case i.fields["master_link_status"] == "down":
		return kv.WithHint(errors.New("this replica has lost its primary, and sends nobody a snapshot"), "name the primary, or a replica whose link is up")
	}
	host, likely := i.number("total_system_memory"), i.copied()
	if need := i.number("used_memory_rss") + likely; host > 0 && need > host {
		return kv.WithHint(fmt.Errorf("the server has no memory for a fork: it holds %s, would copy about %s, and its host has %s",
			bytesText(i.number("used_memory_rss")), bytesText(likely), bytesText(host)), "read a replica (?replica=only), or "+hintScan)
	}
	return nil
}

// copied is how much memory a server is likely to copy during a snapshot.
func (i serverInfo) copied() int64 {
	if n := i.number("rdb_last_cow_size"); n > 0 {
		return n
	}
	return int64(copiedShare * float64(i.number("used_memory")))
}

// probeReplica finds out whether the commands would be taken.
func (src *source) probeReplica(ctx context.Context, command string) error {
	err := src.cfg.converse(ctx, func(l *link) error { return replica.Probe(l, command) })
	return src.denied(ctx, command, err)
}

// denied words why a server sends no snapshot.
func (src *source) denied(ctx context.Context, command string, err error) error {
	var refused replica.Refusal
	if !errors.As(err, &refused) {
		return src.cfg.explain(ctx, err)
	}
	text := src.cfg.redact(string(refused))
	switch {
	case mayBeGranted(text):
		return kv.WithHint(serverError(text), "grant: ACL SETUSER "+userName(src.cfg.username)+" +replconf +"+strings.ToLower(command)+"; or "+hintScan)
	case strings.HasPrefix(text, "NOMASTERLINK"):
		return kv.WithHint(serverError(text), "name the primary, or a replica whose link is up")
	case refused.Denied():
		return kv.WithHint(fmt.Errorf("this server or service lets nobody be its replica (%w)", serverError(text)),
			hintScan+"; or audit an exported snapshot: kvtool audit rdb:FILE")
	}
	return src.cfg.explain(ctx, serverError(text))
}

// settings returns those settings that this user may read.
func (src *source) settings(ctx context.Context, names ...string) (map[string]string, error) {
	c := newClient(src.cfg, resp.Watch)
	defer c.Close()
	all := map[string]string{}
	for _, name := range names {
		got, err := c.ConfigGet(ctx, name).Result()
		if _, ok := answer(err); ok {
			continue
		}
		if err != nil {
			return nil, src.cfg.explain(ctx, err)
		}
		all[name] = got[name]
	}
	return all, nil
}

// burden adds what the snapshot of one server costs it.
func (src *source) burden(p *kv.Plan, settings map[string]string) {
	i := src.said
	used := i.number("used_memory")
	if i.denied != "" || used == 0 {
		p.Known = false
		p.Burden = append(p.Burden, src.cfg.addr+" forks, and does not say how large it is (INFO is refused)")
		return
	}
	bytes := sentPerByte * float64(used)
	took := time.Duration(bytes / sendRate * 1e9)
	if n := i.number("rdb_last_bgsave_time_sec"); n > 0 {
		took = time.Duration(n) * time.Second
	}
	way, delay := transport(settings)
	took += delay
	p.Units, p.Time = p.Units+bytes, p.Time+took
	if i.lists {
		for _, db := range i.databases() {
			p.Keys += db.keys
		}
	}
	p.Burden = append(p.Burden,
		fmt.Sprintf("%s forks, which stalls it for %s; it holds %s%s", src.cfg.addr, i.stall(used), bytesText(used), i.limit()),
		fmt.Sprintf("%s copies what is written meanwhile: %s, at worst %s more; its host has %s", src.cfg.addr, i.copies(), bytesText(used), bytesText(i.number("total_system_memory"))),
		fmt.Sprintf("%s sends about %s in about %s, %s", src.cfg.addr, bytesText(int64(bytes)), humanize.Duration(took.Seconds()), way),
	)
	if limit := replicaLimit(settings["client-output-buffer-limit"]); limit != "" && !i.keepsNothing() {
		p.Burden = append(p.Burden, src.cfg.addr+" holds the writes of that time back for a replica, until "+limit+" (client-output-buffer-limit)")
	}
}

// stall says how long the fork takes.
func (i serverInfo) stall(used int64) string {
	if us := i.number("latest_fork_usec"); us > 0 {
		return "about " + humanize.Duration(float64(us)/1e6) + ", as its last fork did"
	}
	return "about " + humanize.Duration(forkPerByte*float64(used)/1e9) + " by its size (it has not forked yet)"
}

func (i serverInfo) limit() string {
	if n := i.number("maxmemory"); n > 0 {
		return " of maxmemory " + bytesText(n)
	}
	return ", without maxmemory"
}

func (i serverInfo) copies() string {
	if n := i.number("rdb_last_cow_size"); n > 0 {
		return bytesText(n) + " as for its last snapshot"
	}
	return "perhaps " + bytesText(i.copied())
}

// keepsNothing reports whether the server knows the option rdb-only (Redis 6.2, all of Valkey), and so holds nothing back for
// who leaves after the snapshot.
func (i serverInfo) keepsNothing() bool {
	major, rest, _ := strings.Cut(i.fields["redis_version"], ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(minor)
	return a > 6 || a == 6 && b >= 2
}

// transport says by which way a snapshot comes, and how long the server waits before it begins.
func transport(settings map[string]string) (way string, delay time.Duration) {
	switch settings["repl-diskless-sync"] {
	case "yes":
		n, _ := strconv.Atoi(settings["repl-diskless-sync-delay"])
		delay = time.Duration(n) * time.Second
		return fmt.Sprintf("straight from memory, after repl-diskless-sync-delay %s", delay), delay
	case "no":
		return "by way of a file on its disk, as BGSAVE writes it (repl-diskless-sync no)", 0
	}
	return "from memory or by way of a file on its disk: repl-diskless-sync may not be read", 0
}

// replicaLimit returns the limit of replicas out of all of them: "normal 0 0 0 slave 268435456 67108864 60 pubsub …".
func replicaLimit(limits string) string {
	words := strings.Fields(limits)
	for n := 0; n+3 < len(words); n += 4 {
		if words[n] != "slave" && words[n] != "replica" {
			continue
		}
		hard, _ := strconv.ParseInt(words[n+1], 10, 64)
		soft, _ := strconv.ParseInt(words[n+2], 10, 64)
		if hard == 0 && soft == 0 {
			return "its memory is full, as there is no limit"
		}
		return fmt.Sprintf("%s, or %s for %s s, at which it ends the stream", bytesText(hard), bytesText(soft), words[n+3])
	}
	return ""
}

func bytesText(n int64) string { return humanize.Bytes(float64(n)) }

func host(addr string) string {
	h, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr // a socket
	}
	return h
}
