// Package rdbread walks a dump of the Redis family (RDB) and says of each key what an audit wants to know: name, type,
// encoding, elements, bytes in memory, expiry. It owns the file format. It does not open files, unpack gzip or judge what
// it finds, and it never holds a value: texts that somebody asks for (Wish.Values) are told as they go by.
//
// The one idea is that everything an audit wants is in the length prefixes. A value is hopped over, not decoded: its
// elements are counted from its head, its size follows from its lengths (package memory), and the few bytes that must be
// seen are looked at where they lie. So the cost of a value is the cost of reading it once, and memory is one window of
// fixed size whatever the file and its largest key are.
//
//	file ──read──▶ window (256 KiB) ──checksum──▶ crc64
//	                  │ length prefixes
//	                  ▼
//	  Next: opcodes ─ expiry ─ name ─ value.go ─ listpack, ziplist, …
//	                                     └─ memory.Model ─▶ kv.Record
//
// A dump is hostile until it is read: a length is compared with what is left before it is used, nothing is allocated by a
// number from the file, nothing recurses. The first inconsistency ends the walk with an *Error that says where; there is
// no looking for the next record, because guessing where one begins would invent keys.
package rdbread
