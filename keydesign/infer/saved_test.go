package infer

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kvtool/kvtool/internal/saved"
)

func formOf(t testing.TB, tree *Tree[*count]) []byte {
	t.Helper()
	b, err := saved.Append(nil, 1, tree.Form)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readTree(t testing.TB, b []byte, o Options) *Tree[*count] {
	t.Helper()
	tree := New(newCount, o)
	if err := saved.Read(b, 1, tree.Form); err != nil {
		t.Fatal(err)
	}
	return tree
}

// A tree that was saved goes on as the one that it was saved from: rules and all, when the budget has been spent.
func TestSavedTreeGoesOn(t *testing.T) {
	n := 40_000
	if testing.Short() {
		n = 10_000
	}
	small := Options{MaxNodes: 20_000}
	for name, c := range map[string]struct {
		set keySet
		o   Options
	}{
		"whole":    {saasSet(n), Options{}},
		"pruned":   {hostileSet(n), small},
		"degraded": {hostileSet(n), Options{MaxNodes: 50}},
	} {
		half := len(c.set.keys) / 2
		tree := New(newCount, c.o)
		for _, k := range c.set.keys[:half] {
			tree.Add(k).keys++
		}
		form := formOf(t, tree)
		read := readTree(t, form, c.o)
		if !bytes.Equal(form, formOf(t, read)) {
			t.Errorf("%s: read and saved again it is other bytes", name)
		}
		for _, k := range c.set.keys[half:] {
			tree.Add(k).keys++
			read.Add(k).keys++
		}
		if pruned := name != "whole"; tree.pruned != pruned || read.pruned != pruned {
			t.Errorf("%s: pruned %v, read %v", name, tree.pruned, read.pruned)
		}
		if d := cmp.Diff(lines(tree.Templates()), lines(read.Templates())); d != "" {
			t.Errorf("%s (-tree +read):\n%s", name, d)
		}
		if !bytes.Equal(formOf(t, tree), formOf(t, read)) {
			t.Errorf("%s: the same keys later, other bytes", name)
		}
	}
}

// Saved shards merge as the shards do.
func TestSavedTreesMerge(t *testing.T) {
	set := saasSet(20_000)
	want := formOf(t, treeOf(set.keys))
	a := readTree(t, formOf(t, treeOf(set.keys[:9000])), Options{})
	a.Merge(readTree(t, formOf(t, treeOf(set.keys[9000:])), Options{}))
	if !bytes.Equal(want, formOf(t, a)) {
		t.Error("merged from two files it is other bytes")
	}
}

// What a file can make a tree hold is what keys can make it hold.
func TestSavedTreeIsBounded(t *testing.T) {
	tree := treeOf(hostileSet(4000).keys)
	small := New(newCount, Options{MaxNodes: 200})
	err := saved.Read(formOf(t, tree), 1, small.Form)
	if err == nil || !strings.Contains(err.Error(), "more shapes than are kept") {
		t.Errorf("%d shapes of %d bytes were read for a budget of %d: %v", len(tree.table.leaves), tree.table.bytes, small.budget, err)
	}
}

// FuzzSavedTree holds that a tree which can be read can be used.
func FuzzSavedTree(f *testing.F) {
	f.Add(formOf(f, treeOf([]string{"user:1", "user:2:cart", "{a}:b", "doc:how-to-sail", "2026-01-02", "x\x00"})))
	f.Add(formOf(f, treeOf(saasSet(12).keys)))
	tree := New(newCount, Options{MaxNodes: 10})
	for _, k := range saasSet(30).keys {
		tree.Add(k).keys++
	}
	f.Add(formOf(f, tree))
	f.Fuzz(func(t *testing.T, b []byte) {
		tree := New(newCount, Options{MaxNodes: 200})
		if saved.Read(b, 1, tree.Form) != nil {
			return
		}
		if again := formOf(t, tree); !bytes.Equal(again, b) {
			t.Error("read and saved again it is other bytes")
		}
		for _, k := range []string{"user:3", "doc:how-to-fold", "new:1:2"} {
			tree.Add(k).keys++
		}
		other := treeOf([]string{"user:9", "a:b:c"})
		other.Merge(tree)
		other.Templates()
	})
}
