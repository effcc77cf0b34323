package kvr

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"

	"github.com/kvtool/kvtool/report"
)

// FrameForTest returns a frame whose data says to be of raw bytes.
func FrameForTest(k uint8, name string, raw uint32, packed []byte) []byte {
	b := append([]byte(marker), k, byte(len(name)))
	b = append(b, name...)
	b = append(b, make([]byte, 14)...)
	b = binary.BigEndian.AppendUint32(b, raw)
	b = binary.BigEndian.AppendUint32(b, uint32(len(packed)))
	b = append(b, packed...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// PackForTest returns a frame of data.
func PackForTest(k uint8, name string, data []byte) []byte {
	z, _ := newEncoder()
	b, _ := z.append(nil, &frame{kind: kind(k), name: name, data: data})
	return b
}

// DocumentForTest returns the data of a report's first frame.
func DocumentForTest(r *report.Report) []byte {
	b, _ := json.Marshal(r)
	return b
}
