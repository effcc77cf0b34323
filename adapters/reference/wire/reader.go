// Package wire is the server's side of RESP: requests in, replies out. It knows no commands and no connections.
//
// The one idea is that bytes are looked at once, where they are: a request is slices of the buffer that it arrived in, a reply is
// appended to the buffer that leaves, and neither allocates. What a Redis of version 7.0 takes for a request is one here, with
// its limits, its lenience and the texts of its protocol errors (networking.c: processInlineBuffer, processMultibulkBuffer).
package wire

import (
	"bytes"
	"math"
)

// Limits of a request.
const (
	MaxBulk        = 512 << 20 // proto-max-bulk-len, unless it is set
	maxInline      = 64 << 10  // of a line: a request without lengths, or a length
	guestArguments = 10        // of who has not authenticated
	guestBulk      = 16 << 10
)

// Sizes of the buffer, in bytes: to begin with, and what is kept of it, and of places for arguments, when a long request is over.
const (
	minBuffer  = 4 << 10
	keepBuffer = 256 << 10

	keepArguments = 1 << 10
)

// A ProtocolError ends a connection. Its text is the reply, without the leading "-ERR ".
type ProtocolError string

func (e ProtocolError) Error() string { return "Protocol error: " + string(e) }

// A Reader finds requests in the bytes of a connection. It is not safe for concurrent use.
type Reader struct {
	MaxBulk int  // the longest argument, in bytes; 0 is the constant
	Guest   bool // who has not authenticated may ask little

	buf  []byte
	r, w int // buf[r:w] has been received, and is not yet returned

	// A request that has arrived in part. Positions are relative to r, since the buffer may move.
	left  int // arguments that are missing; 0 if none has begun
	next  int // where to go on
	bulk  int // length of the argument to come, -1 if that is not known yet
	spans []span
	args  [][]byte
}

type span struct{ from, to int }

// Space returns room for what is to be read next. What Next has returned is void then.
func (r *Reader) Space() []byte {
	r.Forget()
	if r.r == r.w {
		r.r, r.w = 0, 0
		if r.left == 0 && (len(r.buf) > keepBuffer || cap(r.args) > keepArguments) {
			r.buf, r.args, r.spans = nil, nil, nil // the arguments hold the buffer, too
		}
	}
	if r.buf == nil {
		r.buf = make([]byte, minBuffer)
	}
	if r.w == len(r.buf) || r.left > 0 && len(r.buf)-r.w < len(r.buf)/4 {
		r.move()
	}
	return r.buf[r.w:]
}

// move makes room: what is pending goes to the front, of a larger buffer if it is more than half of this one.
func (r *Reader) move() {
	to := r.buf
	if r.w-r.r > len(r.buf)/2 || r.r == 0 {
		to = make([]byte, 2*len(r.buf))
	}
	r.w = copy(to, r.buf[r.r:r.w])
	r.r, r.buf = 0, to
}

// Advance says that n bytes have been read into Space.
func (r *Reader) Advance(n int) { r.w += n }

// Pending returns how many bytes have been received that no request has been made of.
func (r *Reader) Pending() int { return r.w - r.r }

// Size returns the length of the buffer.
func (r *Reader) Size() int { return len(r.buf) }

// Forget says that nobody looks any more at what Next has returned.
func (r *Reader) Forget() { r.args = r.args[:0] }

// Mark returns the place behind the last request that Next has returned. It is void after the next call of Space.
func (r *Reader) Mark() int { return r.r }

// Back goes back to a place that Mark has returned: the requests behind it come again.
func (r *Reader) Back(mark int) { r.r, r.left = mark, 0 }

// Next returns the arguments of the next request, the name of the command first, or nil if it has not arrived whole. They are
// valid until the next call of Space or Forget. After an error, a ProtocolError, the connection is of no more use.
func (r *Reader) Next() ([][]byte, error) {
	for r.left > 0 || r.r < r.w {
		if r.left == 0 && r.buf[r.r] != '*' {
			args, err := r.inline()
			if args == nil || len(args) > 0 || err != nil {
				return args, err
			}
			continue
		}
		if r.left == 0 {
			ok, err := r.count()
			if !ok || err != nil {
				return nil, err
			}
			if r.left == 0 {
				continue
			}
		}
		return r.arguments()
	}
	return nil, nil
}

// count reads the number of arguments. None at all is no request.
func (r *Reader) count() (ok bool, err error) {
	n, end, err := r.length(r.r+1, "mbulk")
	if end == 0 || err != nil {
		return false, err
	}
	switch {
	case n == notANumber || n > math.MaxInt32:
		return false, ProtocolError("invalid multibulk length")
	case n > guestArguments && r.Guest:
		return false, ProtocolError("unauthenticated multibulk length")
	case n <= 0:
		r.r = end
		return true, nil
	}
	r.left, r.bulk, r.next = n, -1, end-r.r
	r.spans = r.spans[:0]
	return true, nil
}

// arguments reads what is left of a request.
func (r *Reader) arguments() ([][]byte, error) {
	pos := r.r + r.next
	for r.left > 0 {
		if r.bulk < 0 {
			var err error
			if pos, err = r.bulkLength(pos); err != nil || r.bulk < 0 {
				return nil, err
			}
		}
		end := pos + r.bulk
		if end+2 > r.w { // what stands in the place of CR LF is not looked at, as in Redis
			return nil, nil
		}
		r.spans = append(r.spans, span{pos - r.r, end - r.r})
		pos = end + 2
		r.next, r.bulk = pos-r.r, -1
		r.left--
	}
	base, first := r.buf[r.r:pos], len(r.args)
	for _, s := range r.spans {
		r.args = append(r.args, base[s.from:s.to:s.to])
	}
	r.r = pos
	return r.args[first:len(r.args):len(r.args)], nil
}

// bulkLength reads the header of an argument at pos into r.bulk, and returns where its bytes begin.
func (r *Reader) bulkLength(pos int) (int, error) {
	if pos >= r.w {
		return pos, nil
	}
	if r.buf[pos] != '$' {
		// Redis looks for the end of the line before it looks at its first byte.
		if _, end, err := r.length(pos, "bulk"); end == 0 || err != nil {
			return pos, err
		}
		return pos, ProtocolError("expected '$', got '" + string(r.buf[pos:pos+1]) + "'")
	}
	n, end, err := r.length(pos+1, "bulk")
	switch {
	case end == 0 || err != nil:
		return pos, err
	case n < 0 || n > r.maxBulk():
		return pos, ProtocolError("invalid bulk length")
	case n > guestBulk && r.Guest:
		return pos, ProtocolError("unauthenticated bulk length")
	}
	r.bulk, r.next = n, end-r.r
	return end, nil
}

func (r *Reader) maxBulk() int {
	if r.MaxBulk > 0 {
		return r.MaxBulk
	}
	return MaxBulk
}

// notANumber is what length returns for a line that is no integer, and -1 for any negative one.
const notANumber = -2

// length reads the integer of the line at pos, and returns where the next line begins: 0 if this one has not ended yet. Its end
// is a CR and whatever follows it.
func (r *Reader) length(pos int, what string) (n, end int, err error) {
	b := r.buf[pos:r.w]
	for i, c := range b {
		if d := c - '0'; d <= 9 && i < 18 {
			n = n*10 + int(d)
			continue
		}
		if c == '\r' && i > 0 && (b[0] != '0' || i == 1) {
			if i+2 > len(b) {
				return 0, 0, nil
			}
			return n, pos + i + 2, nil
		}
		break
	}
	return r.oddLength(pos, what)
}

// oddLength is length for what is no plain number.
func (r *Reader) oddLength(pos int, what string) (n, end int, err error) {
	b := r.buf[pos:r.w]
	i := bytes.IndexByte(b, '\r')
	if nul := bytes.IndexByte(b[:max(i, 0)], 0); i < 0 || nul >= 0 { // strchr finds nothing beyond a NUL
		if len(b)+1 > maxInline {
			return 0, 0, ProtocolError("too big " + what + " count string")
		}
		return 0, 0, nil
	}
	if i+2 > len(b) {
		return 0, 0, nil
	}
	v, ok := ParseInt(b[:i])
	if !ok {
		return notANumber, pos + i + 2, nil
	}
	return int(max(v, -1)), pos + i + 2, nil
}

// ParseInt reads a 64-bit integer as Redis does (util.c: string2ll): no blank, no plus, no leading zero.
func ParseInt(b []byte) (int64, bool) {
	negative := len(b) > 1 && b[0] == '-'
	digits := b
	if negative {
		digits = b[1:]
	}
	if len(digits) == 0 || len(digits) > 19 || digits[0] == '0' && (len(digits) > 1 || negative) {
		return 0, false
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	switch {
	case negative && n <= 1<<63:
		return -int64(n), true
	case !negative && n <= math.MaxInt64:
		return int64(n), true
	}
	return 0, false
}
