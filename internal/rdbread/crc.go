package rdbread

import "hash/crc64"

func crcTable() *crc64.Table { return crc64.MakeTable(0x95ac9329ac4bc9b5) }

func crcUpdate(crc uint64, p []byte) uint64 { return ^crc64.Update(^crc, crcTable(), p) }
