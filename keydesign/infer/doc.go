// Package infer finds the templates of a keyspace: from a stream of keys, in
// one pass and bounded memory, it makes `user:{int}:cart` with a count and
// whatever statistics the caller keeps for each template. It knows nothing of
// stores, records or reports.
//
// # The idea
//
// Types first, clustering second.
//
//	key         cache:user-17:a1b2c3d4e5     order:my-first-post
//	   lex          |                            |
//	shape       cache:user-{int}:{hex}       order:my-first-post
//	   count        |  one table entry per shape, no tree
//	   Templates    v
//	trie        fold siblings that continue alike
//	template    cache:user-{int}:{hex(10)}   order:{str}
//
// Add is a lexer and a hash table: a key becomes its shape, in which every
// number, UUID, date and so on is one mark byte, and the shape finds its leaf.
// Nearly all keys of a keyspace share a few hundred shapes, so that adding one
// costs a pass over its bytes and one probe. A table of counts is free of
// order and merges by addition: any order of the keys, and any split of them
// over shards, gives the same table.
//
// What the lexer cannot see, that the words under `user:` are names of people
// and not names of fields, is decided in Templates, which builds a trie of the
// shapes and folds it: siblings of one position that continue in the same way
// are values of one slot when there are enough of them. How many are enough
// depends on what stands before (see price.go), since a position that holds
// many unlike things is a place of names, and one that holds many alike things
// is a place of values.
//
// Memory is bounded by a budget (Options.MaxNodes). When it is spent, the
// widest positions are thinned to a sample of their words (see prune.go); the
// result says so, and from then on it may depend on the order of the keys.
package infer
