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
)
