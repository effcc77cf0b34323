//go:build !amd64

package rdbread

// crcFold does nothing where there is no instruction for it.
func crcFold(crc uint64, p []byte) (uint64, []byte) { return crc, p }
