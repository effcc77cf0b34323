package cmd

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report/render"
)

const reportServeLong = `Show saved reports in a browser: a list of them, and each as a page. A folder
stands for the reports in it. Files are read anew with each request.

It listens on this machine alone, and answers to no other name than this
machine's, so that no page of another site can read a report. Ctrl-C stops it.`

// reportServeOptions are the flags of report serve.
type reportServeOptions struct {
	listen string
	keys   render.KeyMode
}

func newReportServeCmd(env *Env) *cobra.Command {
	o := reportServeOptions{listen: "127.0.0.1:8380", keys: render.KeysTemplate}
	c := &cobra.Command{
		Use:   "serve FILE…",
		Short: "Show saved reports in a browser, on this machine alone",
		Long:  reportServeLong,
		Example: "  kvtool report serve prod.kvr load.json\n" +
			"  kvtool report serve reports/ --listen 127.0.0.1:0",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return kv.WithHint(kv.Usagef("%s: a file is missing", c.CommandPath()), "usage: "+c.UseLine())
			}
			return nil
		},
		ValidArgsFunction: completeReports,
		RunE: func(c *cobra.Command, args []string) error {
			return runReportServe(c.Context(), env, o, args)
		},
	}
	c.Flags().StringVar(&o.listen, "listen", o.listen, "`ADDRESS:PORT` of this machine to listen on; port 0 is any that is free")
	bindKeyMode(c, &o.keys)
	return c
}

// Bounds of what one visitor can cost.
const (
	serveTimeout = 30 * time.Second
	serveHeader  = 16 << 10
)

func runReportServe(ctx context.Context, env *Env, o reportServeOptions, paths []string) error {
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			return meantFile(&codeError{exitTarget, fmt.Errorf("%s: %w", p, reason(err))}, p, writeReport)
		}
	}
	addr, err := listenAddress(o.listen)
	if err != nil {
		return err
	}
	if !isLoopback(addr) {
		return kv.WithHint(kv.Usagef("report serve would listen on %s: whoever reaches this machine could read the reports", addr),
			"--listen 127.0.0.1:PORT, and ssh -L PORT:127.0.0.1:PORT from elsewhere")
	}
	l, err := net.Listen(tcpOf(addr), addr)
	if err != nil {
		return listenError(addr, err, "any port that is free is --listen 127.0.0.1:0")
	}
	s := &http.Server{
		Handler:     newReportSite(env, paths, o.keys),
		ReadTimeout: serveTimeout, WriteTimeout: serveTimeout, MaxHeaderBytes: serveHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	fmt.Fprintf(env.Stderr, "kvtool report serve: http://%s/ shows %s; Ctrl-C ends it\n", l.Addr(), humanize.Counted(int64(len(paths)), "file"))
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case <-ctx.Done():
		return s.Close()
	case err := <-failed:
		return &codeError{exitTarget, err}
	}
}

// A reportSite is the handler: a list of reports at /, and each at /report?file=PATH. Only what is in the list can be asked for.
type reportSite struct {
	env   *Env
	paths []string
	keys  render.KeyMode
}

func newReportSite(env *Env, paths []string, keys render.KeyMode) http.Handler {
	s := &reportSite{env, paths, keys}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.list)
	mux.HandleFunc("GET /report", s.show)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !isLoopback(net.JoinHostPort(host, "80")) { // a name of another site that leads here
			http.Error(w, "this server answers to localhost and 127.0.0.1 alone", http.StatusMisdirectedRequest)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// files are the paths that were named, and of a folder the reports in it.
func (s *reportSite) files() []string {
	var out []string
	for _, p := range s.paths {
		if st, err := os.Stat(p); err != nil || !st.IsDir() {
			out = append(out, p)
			continue
		}
		entries, _ := os.ReadDir(p) // one that cannot be read has none
		for _, e := range entries {
			if ext := filepath.Ext(e.Name()); !e.IsDir() && slices.Contains([]string{".kvr", ".json", ".html"}, ext) {
				out = append(out, filepath.Join(p, e.Name()))
			}
		}
	}
	return out
}

func (s *reportSite) list(w http.ResponseWriter, r *http.Request) {
	var entries []render.Entry
	for _, path := range s.files() {
		rep, err := s.env.readReport(r.Context(), path)
		entries = append(entries, render.Entry{Name: path, Link: "/report?file=" + url.QueryEscape(path), Report: rep, Err: err})
	}
	var b bytes.Buffer
	if err := render.HTMLIndex(&b, entries, render.Options{Keys: s.keys}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.send(w, b.Bytes())
}

func (s *reportSite) show(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Query().Get("file")
	if !slices.Contains(s.files(), path) {
		http.Error(w, "there is no such report in the list", http.StatusNotFound)
		return
	}
	rep, err := s.env.readReport(r.Context(), path)
	if rep == nil {
		http.Error(w, render.Clean(err.Error(), false), http.StatusUnprocessableEntity)
		return
	}
	var b bytes.Buffer
	if err := render.HTML(&b, rep, render.Options{Keys: s.keys, Rules: rules()}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.send(w, b.Bytes())
}

func (s *reportSite) send(w http.ResponseWriter, page []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(page) // to a visitor who may have gone
}
