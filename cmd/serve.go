package cmd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/adapters/reference"
	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	engineshard "github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/server"
	"github.com/kvtool/kvtool/internal/evict"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	file       string
	listen     string
	unix       string
	preset     reference.Preset
	maxMemory  byteSize
	policy     string
	shards     int
	clock      string
	profile    string
	passwordIn string
	maxClients int
	whatIf     bool
}

const serveLong = `Serve the built-in engine to Redis clients: a server that behaves as Redis 7.0
does for the commands that it has, in memory alone. It starts with the shop of
demo:, with another preset, or with the keys of a dump, so that production data
can be tried under other settings. Nothing is ever written to disk.

Replies, error texts and encodings are those of Redis 7.0.15, in RESP2 and
RESP3. There are no scripts, streams, replicas, cluster or ACL users; what a
dump has of streams and modules is left out and counted.

used_memory, MEMORY USAGE and maxmemory are what a Redis would count, one that
--memory-profile names; what is really taken is kvtool_real_bytes in INFO.

It listens on this machine alone unless --listen says otherwise, and refuses
any other address without a password. Ctrl-C, SIGTERM and SHUTDOWN stop it.`

func newServeCmd(env *Env) *cobra.Command {
	o := serveOptions{preset: reference.DemoPreset()}
	c := &cobra.Command{
		Use:   "serve [FILE.rdb]",
		Short: "Serve the built-in engine to Redis clients",
		Long:  serveLong,
		Example: "  kvtool serve                                the shop of demo:, on port 6380\n" +
			"  kvtool serve dump.rdb --maxmemory 2GiB --maxmemory-policy allkeys-lfu\n" +
			"  kvtool serve --preset empty --listen 127.0.0.1:0 --unix /tmp/kv.sock\n" +
			"  PW=secret kvtool serve --listen 0.0.0.0:6380 --requirepass-env PW",
		Args: atMostOne,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.file = args[0]
				if c.Flags().Changed("preset") || c.Flags().Changed("keys") {
					return kv.WithHint(kv.Usagef("serve takes a file or a preset, not both"),
						"without a file: kvtool serve --preset "+o.preset.Name)
				}
			}
			return runServe(c.Context(), env, o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:6380", "`ADDRESS:PORT` to listen on; port 0 is any that is free; none is no TCP at all")
	f.StringVar(&o.unix, "unix", "", "listen on this socket, too: `PATH`")
	f.StringVar(&o.preset.Name, "preset", o.preset.Name,
		"`NAME` of what it begins with: shop, uniform, skewed, ttl-storm, bigkeys, empty")
	f.IntVar(&o.preset.Keys, "keys", o.preset.Keys, "how many keys the preset makes")
	f.Uint64Var(&o.preset.Seed, "seed", o.preset.Seed, "other contents of the same shape, and other random replies")
	f.Var(&o.maxMemory, "maxmemory", "evict, or refuse to grow, at this `SIZE` as Redis would count it")
	f.StringVar(&o.policy, "maxmemory-policy", "noeviction", "which keys go at maxmemory")
	f.IntVar(&o.shards, "shards", defaultShards(),
		"parts of the keyspace that work at the same time, a power of two; 1 repeats itself exactly")
	bindWord(c, &o.clock, "clock", "real", "real, or manual: it stands still but for DEBUG CLOCK ADVANCE ms", "real", "manual")
	f.StringVar(&o.profile, "memory-profile", "jemalloc-16",
		"whose used_memory it tells, `ALLOCATOR[,SERVER]`: jemalloc-16 (Debian, Ubuntu, RHEL), jemalloc-8, libc; redis-7.4, valkey-8.1")
	f.StringVar(&o.passwordIn, "requirepass-env", "", "ask for the password that this `VARIABLE` holds")
	f.IntVar(&o.maxClients, "maxclients", 10000, "so many clients at once")
	f.BoolVar(&o.whatIf, "what-if", false,
		"let maxmemory-policy be one that Redis does not have: exact-lru, w-tinylfu, s3-fifo")
	fixedValues(c, "preset", "shop", "uniform", "skewed", "ttl-storm", "bigkeys", "empty")
	fixedValues(c, "memory-profile", "jemalloc-16", "jemalloc-8", "libc")
	return c
}

// defaultShards is the number of processors, rounded up to a power of two.
func defaultShards() int {
	n := 1
	for n < runtime.GOMAXPROCS(0) && n < engine.MaxShards {
		n *= 2
	}
	return n
}

func runServe(ctx context.Context, env *Env, o serveOptions) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	listeners, err := o.open()
	if err != nil {
		return err
	}
	defer func() {
		for _, l := range listeners {
			l.Close()
		}
	}()
	password, err := o.password(env)
	if err != nil {
		return err
	}
	e, err := o.engine(env, listeners, password, stop)
	if err != nil {
		return err
	}
	if env.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(math.MaxInt64) // a store is what it is there for: it may take what it needs
	}
	contents, err := o.fill(ctx, env, e)
	if err != nil {
		return err
	}
	s := server.New(e, func(text string) { env.say("warning", text) })
	defer s.Close()
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- s.Serve(l) }()
	}
	o.banner(env, e, listeners, contents)
	select {
	case <-ctx.Done():
		fmt.Fprintln(env.Stderr, "kvtool serve: stopped")
		return nil
	case err := <-failed:
		return &codeError{exitTarget, err}
	}
}

// open listens where the flags say.
func (o serveOptions) open() (listeners []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range listeners {
				l.Close()
			}
		}
	}()
	if o.listen == "none" && o.unix == "" {
		return nil, kv.WithHint(kv.Usagef("serve --listen none leaves nothing to listen on"), "name a socket: --unix PATH")
	}
	if o.listen != "none" {
		addr, err := listenAddress(o.listen)
		if err != nil {
			return nil, err
		}
		if o.passwordIn == "" && !isLoopback(addr) {
			return nil, kv.WithHint(
				kv.Usagef("serve would listen on %s without a password: whoever reaches this machine could read and write", addr),
				"PW=… kvtool serve --requirepass-env PW, or --listen 127.0.0.1:PORT")
		}
		l, err := net.Listen(tcpOf(addr), addr)
		if err != nil {
			return nil, listenError(addr, err, "another port is --listen 127.0.0.1:6381, any that is free is --listen 127.0.0.1:0")
		}
		listeners = append(listeners, l)
	}
	if o.unix != "" {
		l, err := net.Listen("unix", o.unix)
		if err != nil {
			return listeners, listenError(o.unix, err, "if no server is running there, remove the file")
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// listenAddress completes what --listen takes: a port alone is one of this machine.
func listenAddress(s string) (string, error) {
	if _, err := strconv.ParseUint(s, 10, 16); err == nil {
		return "127.0.0.1:" + s, nil
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", kv.WithHint(kv.Usagef("serve --listen %s: %w", s, err), "an address is 127.0.0.1:6380")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", kv.WithHint(kv.Usagef("serve --listen %s: %s is no port", s, port), "an address is 127.0.0.1:6380")
	} else {
		port = strconv.FormatUint(n, 10)
	}
	return net.JoinHostPort(host, port), nil
}

// isLoopback reports whether an address is reached from this machine alone.
func isLoopback(addr string) bool {
	host, _, _ := net.SplitHostPort(addr)
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// tcpOf returns the network of an address: 0.0.0.0 is every IPv4 address, as in Redis, where Go would add those of IPv6.
func tcpOf(addr string) string {
	host, _, _ := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); ip.To4() != nil {
		return "tcp4"
	}
	return "tcp"
}

func listenError(where string, err error, hint string) error {
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	wrapped := error(&codeError{exitTarget, fmt.Errorf("cannot listen on %s: %w", where, err)})
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return kv.WithHint(wrapped, "something listens there already: "+hint)
	case errors.Is(err, os.ErrPermission):
		return kv.WithHint(wrapped, "ports below 1024 are the superuser's: "+hint)
	}
	return wrapped
}

// password returns what clients have to authenticate with, or "".
func (o serveOptions) password(env *Env) (string, error) {
	if o.passwordIn == "" {
		return "", nil
	}
	p := env.Getenv(o.passwordIn)
	if p == "" {
		return "", kv.WithHint(kv.Usagef("serve --requirepass-env: $%s is empty", o.passwordIn),
			"export it first; the password itself is no argument, where others could read it")
	}
	return p, nil
}

// engine makes an empty engine with the settings that the flags say.
func (o serveOptions) engine(env *Env, listeners []net.Listener, password string, stop func()) (*engine.Engine, error) {
	profile, err := memoryProfile(o.profile)
	if err != nil {
		return nil, err
	}
	eo := engine.Options{
		Shards: o.shards, Seed: o.preset.Seed, WhatIf: o.whatIf, Shutdown: stop, Version: tool().Version,
		Model: memory.New(profile),
		Log:   func(text string) { env.say("warning", text) },
		Config: [][2]string{
			{"maxmemory", strconv.FormatInt(int64(o.maxMemory), 10)},
			{"maxmemory-policy", o.policy},
			{"maxclients", strconv.Itoa(o.maxClients)},
			{"requirepass", password},
			{"unixsocket", o.unix},
		},
	}
	if o.clock == "manual" {
		eo.Clock = engine.NewManualClock(env.Now())
	}
	for _, l := range listeners {
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			eo.Config = append(eo.Config, [2]string{"port", strconv.Itoa(a.Port)}, [2]string{"bind", a.IP.String()})
		}
	}
	e, err := engine.New(eo, command.Table())
	if _, unknown := evict.ParseKind(o.policy); err != nil && unknown == nil && !o.whatIf {
		return nil, kv.WithHint(kv.Usagef("serve: %w", err), "--what-if lets it be one that Redis does not have")
	}
	if err != nil {
		return nil, kv.Usagef("serve: %w", err)
	}
	return e, nil
}

// memoryProfile reads ALLOCATOR[,PRODUCT-VERSION].
func memoryProfile(text string) (memory.Profile, error) {
	p := memory.Profile{State: memory.Live, Allocated: true}
	name, server, has := strings.Cut(text, ",")
	var err error
	if p.Allocator, err = memory.ParseAllocator(name); err != nil {
		return p, kv.WithHint(kv.Usagef("serve --memory-profile: %w", err), "--memory-profile jemalloc-16,redis-7.0")
	}
	product, release, versioned := strings.Cut(server, "-")
	if has && (!versioned || product != "redis" && product != "valkey" && product != "keydb") {
		return p, kv.WithHint(kv.Usagef("serve --memory-profile: %q is no server", server), "a server is redis-7.4 or valkey-8.1")
	}
	if has {
		p.Version = memory.ParseVersion(product, release)
	}
	return p, nil
}

// fill puts in what the server begins with, and returns what that is.
func (o serveOptions) fill(ctx context.Context, env *Env, e *engine.Engine) (string, error) {
	if o.file != "" {
		return o.load(ctx, env, e)
	}
	var err error
	e.Exclusively(func(shards []*engineshard.Shard) { err = reference.Fill(shards, o.preset) })
	if err != nil {
		return "", err
	}
	if o.preset.Name == "empty" {
		return "no keys", nil
	}
	return fmt.Sprintf("%s keys, preset %s, seed %d", humanize.Exact(e.Len()), o.preset.Name, o.preset.Seed), nil
}

// load reads a dump. What cannot be kept is said aloud.
func (o serveOptions) load(ctx context.Context, env *Env, e *engine.Engine) (string, error) {
	f, err := os.Open(o.file)
	if err != nil {
		return "", meantFile(&codeError{exitTarget, fmt.Errorf("%s: %w", o.file, reason(err))}, o.file, "")
	}
	defer f.Close()
	size := int64(0)
	if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
		size = st.Size()
	}
	start := env.Now()
	loaded, err := command.LoadRDB(ctx, e, f, size)
	if err != nil {
		failed := &codeError{exitTarget, fmt.Errorf("%s: %w", o.file, err)}
		if loaded.Keys == 0 {
			return "", failed
		}
		return "", kv.WithHint(failed, "kvtool audit "+o.file+" reads what is whole of it")
	}
	for _, text := range leftOut(loaded) {
		env.say("warning", o.file+": "+text)
	}
	took := humanize.Duration(env.Now().Sub(start).Seconds())
	return fmt.Sprintf("%s keys of %s, read in %s", humanize.Exact(loaded.Keys), o.file, took), nil
}

// leftOut says what of a dump is not served.
func leftOut(l command.Loaded) (lines []string) {
	for _, x := range [...]struct {
		n    int64
		one  string
		many string
		why  string
	}{
		{l.Streams, "stream is", "streams are", "left out: this engine has none"},
		{l.Modules, "key of a module is", "keys of modules are", "left out: this engine has none"},
		{l.Expired, "key is", "keys are", "past the expiry and left out, as Redis does when it loads a dump"},
		{l.Beyond, "key of a database above 15 is", "keys of databases above 15 are", "left out"},
		{l.Bad, "key is", "keys are", "left out: empty, or with an element twice, which no server writes"},
		{l.Twice, "key is", "keys are", "there more than once: the last one counts"},
		{l.FieldTTLs, "field of a hash has", "fields of hashes have", "lost the expiry, which Redis 7.0 does not know"},
		{int64(l.Functions), "library of functions is", "libraries of functions are", "left out"},
	} {
		what := x.many
		if x.n == 1 {
			what = x.one
		}
		if x.n > 0 {
			lines = append(lines, humanize.Exact(x.n)+" "+what+" "+x.why)
		}
	}
	return lines
}

// banner says what is served and how to reach it.
func (o serveOptions) banner(env *Env, e *engine.Engine, listeners []net.Listener, contents string) {
	out := &strings.Builder{}
	line := func(name, text string) { fmt.Fprintf(out, "  %-9s %s\n", name, text) }
	fmt.Fprintf(out, "kvtool serve: the built-in engine, as Redis %s; nothing is kept on disk\n", engine.RedisVersion)
	line("holds", contents)
	limit := "no maxmemory"
	if o.maxMemory > 0 {
		limit = fmt.Sprintf("maxmemory %s, %s", humanize.Bytes(float64(o.maxMemory)), o.policy)
	}
	line("memory", fmt.Sprintf("%s as %s would count; %s", humanize.Bytes(float64(e.Used())), e.Profile(), limit))
	switch {
	case o.shards > 1 && o.maxMemory > 0:
		line("shards", fmt.Sprintf("%d, each with its part of maxmemory: --shards 1 evicts as one Redis would", o.shards))
	case o.shards > 1:
		line("shards", strconv.Itoa(o.shards))
	default:
		line("shards", "1: the same requests are answered the same")
	}
	if o.clock == "manual" {
		line("clock", "stands at "+env.Now().UTC().Format(time.RFC3339)+"; DEBUG CLOCK ADVANCE ms moves it")
	}
	for _, l := range listeners {
		line("listens", l.Addr().String()+"   "+dialHint(l.Addr(), o.passwordIn))
	}
	line("stop", "Ctrl-C")
	fmt.Fprint(env.Stderr, out.String())
}

// dialHint returns how to reach an address.
func dialHint(a net.Addr, passwordIn string) string {
	auth := ""
	if passwordIn != "" {
		auth = " -a \"$" + passwordIn + "\""
	}
	switch a := a.(type) {
	case *net.TCPAddr:
		host := ""
		if !a.IP.IsLoopback() && !a.IP.IsUnspecified() || a.IP.To4() == nil && a.IP.IsLoopback() {
			host = " -h " + a.IP.String()
		}
		return fmt.Sprintf("redis-cli%s -p %d%s", host, a.Port, auth)
	}
	return "redis-cli -s " + a.String() + auth
}
