//go:build !amd64

package crc64

// foldFront does nothing where there is no instruction for it.
func foldFront(crc uint64, p []byte) (uint64, []byte) { return crc, p }
