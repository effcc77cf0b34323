// Package conformance proves that the reference engine behaves as Redis 7.0.15 does. It holds tests alone.
//
// The one idea is that the same random history goes to a redis-server and to the engine, and that every reply is compared,
// byte for byte where Redis promises the bytes. What each command looks like is one line of a grammar, from which valid calls,
// every combination of options, and calls that are wrong in one place are made; how its replies compare stands beside it.
// A history that differs is cut down to the commands that are needed for it.
package conformance
