package kvr

import (
	"bytes"
	"encoding/pem"
	"slices"
)

// A snapshot can be written into a log, where files are gone with the machine: as PEM (RFC 7468), base64 between two lines, so that it
// is found again among all else that the log has.

// armour is the name of such a block.
const armour = "KVTOOL RUN"

// Armour returns a file as text for a log.
func Armour(file []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: armour, Bytes: file}) }

// Armoured returns the files that a log has, and how many begin in it that are cut off or damaged.
func Armoured(log []byte) (files [][]byte, damaged int) {
	begin := []byte("-----BEGIN " + armour + "-----")
	for i, part := range bytes.Split(log, begin) {
		if i == 0 {
			continue // what is before the first
		}
		if block, _ := pem.Decode(slices.Concat(begin, part)); block != nil {
			files = append(files, block.Bytes)
		} else {
			damaged++
		}
	}
	return files, damaged
}
