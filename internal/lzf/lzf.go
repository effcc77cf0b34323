// Package lzf packs and expands strings as liblzf does it for Redis: byte for byte, so that what is packed here is what a
// server would have written.
package lzf

// The format: a byte of control, then literals or a reference into what was already expanded.
//
//	000LLLLL                    L+1 literal bytes follow
//	LLLooooo oooooooo           L+2 bytes from o+1 bytes back, 1 <= L <= 6
//	111ooooo LLLLLLLL oooooooo  L+9 bytes from o+1 bytes back

// Expand fills dst from src and returns how many bytes it wrote. It stops when dst is full, so that a head costs no more
// than itself; src may end early then. What dst has of capacity beyond its length may be overwritten: where there is room,
// bytes are moved in blocks and the surplus is written over later.
func Expand(dst, src []byte) (n int, ok bool) {
	room := dst[:cap(dst)]
	for n < len(dst) {
		if len(src) == 0 {
			return n, true
		}
		ctrl := int(src[0])
		src = src[1:]
		if ctrl < 32 {
			run := min(ctrl+1, len(dst)-n)
			switch {
			case len(src) >= 32 && len(room)-n >= 32:
				*(*[32]byte)(room[n:]) = *(*[32]byte)(src)
			case len(src) < run:
				return n, false
			default:
				copy(dst[n:], src[:run])
			}
			n, src = n+run, src[run:]
			continue
		}
		run := ctrl >> 5
		if run == 7 {
			if len(src) == 0 {
				return n, false
			}
			run += int(src[0])
			src = src[1:]
		}
		if len(src) == 0 {
			return n, false
		}
		back := ctrl&31<<8 | int(src[0]) + 1
		src = src[1:]
		if back > n {
			return n, false
		}
		end := min(n+run+2, len(dst))
		if back >= 16 && len(room)-end >= 16 {
			for ; n < end; n += 16 {
				*(*[16]byte)(room[n:]) = *(*[16]byte)(room[n-back:])
			}
			n = end
			continue
		}
		for ; n < end; n++ { // byte by byte: the two may overlap
			dst[n] = dst[n-back]
		}
	}
	return n, true
}
