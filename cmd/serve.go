package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/server"
	"github.com/kvtool/kvtool/kv"
)

// serveOptions are the flags of serve.
type serveOptions struct {
	listen string
	shards int
}

func newServeCmd(env *Env) *cobra.Command {
	o := serveOptions{}
	c := &cobra.Command{
		Use:     "serve",
		Short:   "Serve the built-in engine to Redis clients",
		Long:    "Serve the built-in engine: what Redis 7.0 answers, in memory alone.",
		Example: "  kvtool serve\n  redis-cli -p 6380",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runServe(c.Context(), env, o)
		},
	}
	c.Flags().StringVar(&o.listen, "listen", "127.0.0.1:6380", "address to listen on")
	c.Flags().IntVar(&o.shards, "shards", defaultShards(), "parts of the keyspace that work at the same time: a power of two; 1 is deterministic")
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
	e, err := engine.New(engine.Options{Shards: o.shards, Log: func(text string) { env.say("warning", text) }}, command.Table())
	if err != nil {
		return kv.Usagef("%w", err)
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		err = fmt.Errorf("listen on %s: %w", o.listen, err)
		if errors.Is(err, syscall.EADDRINUSE) {
			err = kv.WithHint(err, "something listens there already: another port is --listen 127.0.0.1:6381")
		}
		return &codeError{exitTarget, err}
	}
	s := server.New(e, func(text string) { env.say("warning", text) })
	defer s.Close()
	fmt.Fprintf(env.Stderr, "kvtool serve: listening on %s\n", l.Addr())
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}
