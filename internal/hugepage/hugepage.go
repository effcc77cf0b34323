// Package hugepage asks the operating system for large pages under memory that is read at random.
//
// The one idea: a store of a million members is read at places that no TLB covers, so that a look-up waits for page tables as much as
// for data, twice under a hypervisor. With pages of 2 MiB a rank in a sorted set of a million members takes three quarters of the
// time, and an increment as well (docs/benchmarks.md has what a server makes of it). Linux gives such pages to who asks, as most
// distributions set it (/sys/kernel/mm/transparent_hugepage/enabled: madvise); anywhere else nothing happens.
package hugepage

import "unsafe"

// least is the size from which on memory is worth a call, in bytes.
const least = 64 << 10

// Advise asks for huge pages under s, which must not have been written to: what is touched before has its small pages already. It
// is advice for the 2 MiB around, too, which belong to Go's heap as s does. That it is not taken is no error.
func Advise[T any](s []T) {
	var zero T
	if bytes := uintptr(len(s)) * unsafe.Sizeof(zero); bytes >= least {
		advise(uintptr(unsafe.Pointer(unsafe.SliceData(s))), bytes)
	}
}
