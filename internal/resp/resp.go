// Package resp speaks RESP2, the protocol of the Redis family, for a scan: commands are written many at a time, and
// replies are read in place, without an allocation for any of them. It is also where reading is kept to reading: a command
// that is not on the allow-list of this package cannot be put into words.
//
// The one idea is that both directions are flat. Outwards, a Command is the part of a request that is the same each time,
// checked once against the allow-list and encoded once; a Batch appends arguments to copies of it. Inwards, a Reader gives
// one Reply after the other; an array is a Reply that says how many follow, so that no tree is built and nothing recurses:
//
//	*2 CRLF $1 CRLF 7 CRLF *2 CRLF $1 CRLF a CRLF $1 CRLF b CRLF
//	Array 2 ─ Bulk "7" ────  Array 2 ─ Bulk "a" ── Bulk "b"
//
// An error that the server answers with is a value like any other (a Reply of kind Error), because a scan goes on after a
// refused command. Errors of Go mean that the connection is of no more use.
//
// The package knows no keys, no stores and no sockets: it reads an io.Reader and writes into memory.
//
// Protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
package resp

import "errors"

// ErrProtocol marks input that is no RESP2, or that breaks a limit. The reader cannot continue after it.
var ErrProtocol = errors.New("not the Redis protocol")

// ErrRefused marks a command that is not on the allow-list. Nothing was sent.
var ErrRefused = errors.New("refused: not a command that only reads")

// A Kind is the type of a reply, as the protocol's first byte.
type Kind byte

// The kinds of RESP2. Null stands for both of its forms, a bulk string and an array of length -1.
const (
	Simple Kind = '+'
	Error  Kind = '-'
	Int    Kind = ':'
	Bulk   Kind = '$'
	Array  Kind = '*'
	Null   Kind = '_'
)

// A Reply is one reply, or the head of an array whose N elements are the replies that follow.
type Reply struct {
	Kind Kind
	N    int64  // Int: the number; Array: how many elements follow
	Data []byte // Simple, Error, Bulk: the text; valid until the next call of the Reader
}
