package engine

// The texts of errors are Redis 7.0's, byte for byte: client libraries branch on them. They are all here.
const (
	ErrSyntax      = "ERR syntax error"
	ErrNotInteger  = "ERR value is not an integer or out of range"
	ErrNotFloat    = "ERR value is not a valid float"
	ErrWrongType   = "WRONGTYPE Operation against a key holding the wrong kind of value"
	ErrNoKey       = "ERR no such key"
	ErrOutOfRange  = "ERR index out of range"
	ErrSameObject  = "ERR source and destination objects are the same"
	ErrOOM         = "OOM command not allowed when used memory > 'maxmemory'."
	ErrNoAuth      = "NOAUTH Authentication required."
	ErrNoProto     = "NOPROTO unsupported protocol version"
	ErrExecAbort   = "EXECABORT Transaction discarded because of previous errors."
	ErrNestedMulti = "ERR MULTI calls can not be nested"
	ErrNoMulti     = "ERR Command not allowed inside a transaction"
	ErrExecAlone   = "ERR EXEC without MULTI"
	ErrDiscard     = "ERR DISCARD without MULTI"
	ErrWatchInside = "ERR WATCH inside MULTI is not allowed"
	ErrDBIndex     = "ERR DB index is out of range"
	ErrBadDBIndex  = "ERR invalid DB index"
	ErrInternal    = "ERR internal error"

	ErrTimeout         = "ERR timeout is not a float or out of range"
	ErrTimeoutNegative = "ERR timeout is negative"
	ErrNotPositive     = "ERR value is out of range, must be positive"
	ErrRange           = "ERR value is out of range"
	ErrOverflow        = "ERR increment or decrement would overflow"
	ErrNaN             = "ERR value is NaN or Infinity"
	ErrWouldBeNaN      = "ERR increment would produce NaN or Infinity"
	ErrNumKeys         = "ERR numkeys should be greater than 0"
	ErrCount           = "ERR count should be greater than 0"

	ErrHashNotInteger = "ERR hash value is not an integer"
	ErrHashNotFloat   = "ERR hash value is not a float"
	ErrFieldRange     = "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"

	ErrRankZero       = "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"
	ErrCountNegative  = "ERR COUNT can't be negative"
	ErrMaxLenNegative = "ERR MAXLEN can't be negative"

	ErrNotHLL     = "WRONGTYPE Key is not a valid HyperLogLog string value."
	ErrCorruptHLL = "INVALIDOBJ Corrupted HLL object detected"
	ErrNoSuchKey  = "ERR The specified key does not exist"
	ErrNotSparse  = "ERR HLL encoding is not sparse"
)
