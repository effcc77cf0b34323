package rdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/kvtool/kvtool/kv"
)

// dumpSuffixes are the names under which a directory's files are taken for dumps.
var dumpSuffixes = [...]string{".rdb", ".rdb.gz", ".rdb.zst"}

// aofDir is where a server keeps its append-only file, in the directory of its dump.
const aofDir = "appendonlydir"

// A directory is the dumps of a cluster as one store, one file a node. A file that cannot be read does not keep the others
// from being read.
type directory struct {
	target string
	nodes  []*node // by name
	notes  []string
}

// A node is one file of a directory.
type node struct {
	*store
	name   string
	size   int64 // of the file
	failed error // why it could not be opened
}

// openDirectory opens the dumps in the directory that t names, or the append-only file that it holds. s has the parameters.
func openDirectory(ctx context.Context, t kv.Target, s *store) (kv.Store, error) {
	files, err := os.ReadDir(t.Path)
	if err != nil {
		return nil, short(err)
	}
	switch manifests := matching(files, ".manifest"); len(manifests) {
	case 0:
	case 1:
		return openManifest(ctx, t, s, filepath.Join(t.Path, manifests[0]))
	default:
		return nil, kv.WithHint(kv.Usagef("%s holds %d manifests of append-only files", t.Path, len(manifests)), "name one: rdb:"+filepath.Join(t.Path, manifests[0]))
	}
	names := matching(files, dumpSuffixes[:]...)
	inside := filepath.Join(t.Path, aofDir)
	st, err := os.Stat(inside)
	hasAOF := err == nil && st.IsDir()
	switch {
	case len(names) > 0:
		return openDumps(ctx, t, s, names, hasAOF)
	case hasAOF:
		t.Path = inside
		return openDirectory(ctx, t, s)
	}
	return nil, kv.WithHint(kv.Usagef("%s is a directory without a dump", t.Path),
		"dumps are files named *.rdb, *.rdb.gz or *.rdb.zst; an append-only file has a *.manifest")
}

// matching returns the names of the files, in their order, that end with one of the suffixes. What a server is writing
// (temp-…) and what is hidden is left out.
func matching(files []fs.DirEntry, suffixes ...string) []string {
	var names []string
	for _, f := range files {
		n := f.Name()
		if f.IsDir() || strings.HasPrefix(n, "temp-") || strings.HasPrefix(n, ".") {
			continue
		}
		if slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(n, s) }) {
			names = append(names, n)
		}
	}
	return names
}

// openDumps opens the named dumps of the directory t. If none of them can be opened, there is nothing to read.
func openDumps(ctx context.Context, t kv.Target, s *store, names []string, hasAOF bool) (kv.Store, error) {
	d := &directory{target: t.String()}
	if hasAOF {
		d.notes = append(d.notes, "The directory also holds an append-only file, which was not read: name "+aofDir+" to read its base.")
	}
	for _, name := range names {
		d.nodes = append(d.nodes, &node{store: s.like(filepath.Join(t.Path, name), name), name: name})
	}
	d.open(ctx)
	var failed []error
	for _, n := range d.nodes {
		if n.failed != nil {
			failed = append(failed, n.failed)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(failed) == len(names) {
		return nil, errors.Join(failed...)
	}
	return d, nil
}

// open opens the files, a few at once: to find out an allocator takes a walk.
func (d *directory) open(ctx context.Context) {
	var wg sync.WaitGroup
	next := make(chan *node)
	for range min(runtime.GOMAXPROCS(0), len(d.nodes)) {
		wg.Go(func() {
			for n := range next {
				n.failed = n.open(ctx)
			}
		})
	}
	for _, n := range d.nodes {
		next <- n
	}
	close(next)
	wg.Wait()
}

// like returns a store for another file with the parameters of s.
func (s *store) like(path, place string) *store {
	n := &store{target: path, path: path, opt: s.opt, auto: s.auto, why: s.why, cluster: s.cluster, told: s.told, baseOnly: s.baseOnly}
	n.opt.Place = place
	if !n.told {
		n.cluster, n.told = true, true
	}
	return n
}

func (n *node) open(ctx context.Context) error {
	st, err := os.Stat(n.path)
	if err != nil {
		return short(err)
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s: no regular file", n.path)
	}
	n.size = st.Size()
	return n.probe(ctx)
}

// Close closes nothing: every scan opens the files it reads.
func (d *directory) Close() error { return nil }

// Shards deals the files out so that the bytes of the parts are as equal as whole files allow: each goes, largest first, to
// the part that has the least.
func (d *directory) Shards(_ context.Context, most int) ([]kv.Shard, error) {
	parts := make([]kv.Shard, max(1, min(most, len(d.nodes))))
	for i := range parts {
		parts[i].Name = fmt.Sprintf("%d/%d", i+1, len(parts))
	}
	return parts, nil
}

// part returns the nodes of a shard.
func (d *directory) part(s kv.Shard) ([]*node, error) {
	if s.Name == "" {
		return d.nodes, nil
	}
	var i, of int
	if _, err := fmt.Sscanf(s.Name, "%d/%d", &i, &of); err != nil || of < 1 || of > len(d.nodes) || i < 1 || i > of {
		return nil, kv.Usagef("%s has no part %q", d.target, s.Name)
	}
	bySize := slices.Clone(d.nodes)
	slices.SortStableFunc(bySize, func(a, b *node) int { return cmp.Compare(b.size, a.size) })
	parts, bytes := make([][]*node, of), make([]int64, of)
	for _, n := range bySize {
		least := 0
		for p := range parts {
			if bytes[p] < bytes[least] || bytes[p] == bytes[least] && len(parts[p]) < len(parts[least]) {
				least = p
			}
		}
		parts[least] = append(parts[least], n)
		bytes[least] += n.size
	}
	return parts[i-1], nil
}

// Scan reads one file after the other. What is wrong with one is told at the end.
func (d *directory) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return d.ScanValues(ctx, opt, nil, nil)
}

// ScanValues implements kv.ValueScanner.
func (d *directory) ScanValues(
	ctx context.Context, opt kv.ScanOptions, want func(kv.Name) []kv.Ask, tell func(int, kv.Answer, []byte),
) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		nodes, err := d.part(opt.Shard)
		if err != nil {
			yield(nil, err)
			return
		}
		var failed []error
		for _, n := range nodes {
			if n.failed != nil {
				failed = append(failed, n.failed)
				continue
			}
			for rec, err := range n.ScanValues(ctx, opt, want, tell) {
				if err != nil {
					failed = append(failed, err)
					break
				}
				if !yield(rec, nil) {
					return
				}
			}
			if ctx.Err() != nil {
				break
			}
		}
		if err := errors.Join(failed...); err != nil {
			yield(nil, err)
		}
	}
}
