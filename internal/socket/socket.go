// Package socket reads and writes connections with no more system calls than it takes. It knows no protocol.
//
// The one idea is that whoever waits for a reply is called back by the runtime's poller before it waits (syscall.RawConn.Read): what is
// written within that call costs no read that finds nothing. A request and its reply are one write and one read, where net.Conn takes
// a write and two reads.
//
//	raw.Read(func(fd) bool {
//		first call:  Write(fd, request), and false: wake me when there is something
//		later calls: Read(fd, reply), and true once it is whole
//	})
package socket
