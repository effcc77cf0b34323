package triage_test

import (
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
)

// Doubles are what stands for a machine that tests do not have: libraries that a redis-server uses before its own. What the server does,
// and what it says of that, is its own.
const (
	// slowFsync is a disk that others keep busy.
	slowFsync = `
#include <unistd.h>
int fdatasync(int fd) { (void)fd; usleep(150000); return 0; }
`

	// slowFork is the fork of 15 GB, or of some virtual machines.
	slowFork = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
pid_t fork(void) { usleep(200000); return ((pid_t (*)(void))dlsym(RTLD_NEXT, "fork"))(); }
`

	// slowChild is a disk that keeps the child waiting that writes a snapshot: for longer, and less often, than rdb-key-save-delay does, which
	// depends on how soon a process is woken.
	slowChild = `
#include <time.h>
#include <unistd.h>
int usleep(useconds_t us) {
	static int calls;
	struct timespec wait = {0, 600000000};
	(void)us;
	return ++calls % 512 == 0 ? nanosleep(&wait, NULL) : 0;
}
`

	// processorOfItsOwn counts the time in which a thread waits for a processor that others have as time of its own: what it would have
	// used on a machine that tests do not share.
	processorOfItsOwn = `
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
int getrusage(int who, struct rusage *r) {
	unsigned long long ran, waited;
	int failed = syscall(SYS_getrusage, who, r);
	FILE *f = failed || who != 1 ? NULL : fopen("/proc/thread-self/schedstat", "r"); /* 1 is RUSAGE_THREAD */
	if (f == NULL) return failed;
	if (fscanf(f, "%llu %llu", &ran, &waited) == 2) {
		waited = waited / 1000 + r->ru_utime.tv_usec;
		r->ru_utime.tv_sec += waited / 1000000;
		r->ru_utime.tv_usec = waited % 1000000;
	}
	fclose(f);
	return 0;
}
`

	// swappedOut has the memory of a server in files of memory, and takes their pages out of its sight twenty times a second: they are not
	// resident, and come back when they are touched. A kernel that swaps does the same, and takes a disk.
	swappedOut = `
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t off) {
	int file = -1;
	if ((flags & MAP_ANONYMOUS) && !(flags & (MAP_STACK | MAP_FIXED)) && (prot & PROT_WRITE) && n >= 1 << 20) file = memfd_create("swap", 0);
	if (file < 0 || ftruncate(file, n) != 0) return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, off);
	void *p = (void *)syscall(SYS_mmap, at, n, prot, (flags & ~(MAP_ANONYMOUS | MAP_PRIVATE)) | MAP_SHARED, file, 0);
	close(file);
	return p;
}
int madvise(void *at, size_t n, int how) { /* an allocator gives pages back and expects zeros in their place */
	if (how == MADV_DONTNEED && syscall(SYS_madvise, at, n, MADV_REMOVE) == 0) return 0;
	return syscall(SYS_madvise, at, n, how);
}
static void *swap(void *unused) {
	char line[512];
	unsigned long from, to;
	for (;; usleep(50000)) {
		FILE *f = fopen("/proc/self/maps", "r");
		while (f != NULL && fgets(line, sizeof line, f) != NULL)
			if (strstr(line, "/memfd:swap") && sscanf(line, "%lx-%lx", &from, &to) == 2) syscall(SYS_madvise, from, to - from, MADV_DONTNEED);
		if (f != NULL) fclose(f);
	}
	return unused;
}
__attribute__((constructor)) static void begin(void) {
	pthread_t t;
	pthread_create(&t, NULL, swap, NULL);
}
`
)

// plants are at least one of each cause, by what is planted.
func plants() map[string]plant {
	return map[string]plant{
		"silent": {rule: "TR001", says: "nothing is answered", how: "SIGSTOP while it is watched", during: halt, waits: true},
		"loading": {
			rule: "TR002", how: "a replica that takes its time for each key that it loads (`key-load-delay`)", elsewhere: sowLoading, waits: true,
		},
		"lua":      {rule: "TR003", how: "a loop in `EVAL`, again and again", sow: sowLua},
		"keys":     {rule: "TR004", how: "`KEYS` of 20,000 keys, again and again", sow: sowKeys},
		"bigvalue": {rule: "TR005", how: "`HGETALL` of a hash of 5 MB", sow: sowBigValue},
		"slow":     {rule: "TR006", how: "`DEBUG SLEEP`", sow: sowSlow, args: []string{"--enable-debug-command", "yes"}},
		"thread": {
			rule: "TR007", how: "four clients with pipelines of short commands; a double counts what the server waits for a processor as its own",
			sow: sowThread, lib: processorOfItsOwn,
		},
		"full": {
			rule: "SV007", how: "`maxmemory` and writes; Memcached with 2 MB and writes", sow: sowFull,
			args: []string{"--maxmemory", "24mb", "--maxmemory-policy", "allkeys-lru"},
		},
		"holes": {rule: "SV008", says: "more than its data takes", how: "three of four values are deleted", sow: sowHoles, waits: true},
		"swapped": {
			rule: "SV008", says: "is not resident", how: "a double has the server's memory in files and takes their pages out of its sight",
			sow: sowSwapped, lib: swappedOut, waits: true,
		},
		"headroom": {rule: "SV009", how: "`maxmemory` of a tenth more than is used, and `noeviction`", sow: sowHeadroom, waits: true},
		"expired":  {rule: "SV011", how: "200,000 keys that expire at once", sow: sowExpired, waits: true},
		"forks": {
			rule: "TR008", says: "a fork stopped the server", how: "`BGSAVE`, again and again; a double has the fork take as long as that of 15 GB",
			sow: sowForks, lib: slowFork, waits: true,
		},
		"copies": {
			rule: "TR008", says: "that changed meanwhile were copied", how: "`BGSAVE`, and all is rewritten meanwhile; a double has the child wait for its disk",
			sow: sowCopies, lib: slowChild, args: []string{"--rdb-key-save-delay", "1"}, waits: true,
		},
		"disk": {
			rule: "TR009", how: "`appendfsync always` and writes; a double has `fdatasync` take 150 ms", sow: sowWriter, lib: slowFsync, waits: true,
			args: []string{"--appendonly", "yes", "--appendfsync", "always", "--latency-monitor-threshold", "50"},
		},
		"nofolder": {
			rule: "TR018", how: "its folder is deleted, then `BGSAVE`", sow: sowNoFolder, args: []string{"--enable-protected-configs", "yes"}, waits: true,
		},
		"unread":  {rule: "TR010", how: "a client that asks for 50 MB and reads nothing", sow: sowUnread, waits: true},
		"churn":   {rule: "TR011", how: "clients that connect, send one command and leave", sow: sowChurn},
		"waiting": {rule: "TR012", how: "clients in `WAIT` for a replica that is not there", sow: sowWaiting, waits: true},
		"clients": {rule: "SV015", how: "18 clients of 20 (`maxclients`)", sow: sowClients, args: []string{"--maxclients", "20"}, waits: true},
		"stopped": {
			rule: "SV016", says: "has confirmed nothing for", how: "SIGSTOP of the replica", sow: sowStopped,
			args: []string{"--repl-diskless-sync-delay", "0"}, waits: true,
		},
		"gap": {
			rule: "SV016", says: "MiB behind", how: "SIGSTOP of the replica, and 4 MB are written", sow: sowGap,
			args: []string{"--repl-diskless-sync-delay", "0"}, waits: true,
		},
		"orphan": {rule: "SV016", says: "has lost its primary", how: "`REPLICAOF` of a port where nobody is", sow: sowOrphan, waits: true},
		"resync": {
			rule: "TR013", how: "a replica that the primary keeps waiting (`repl-diskless-sync-delay`)", sow: sowResync,
			args: []string{"--repl-diskless-sync-delay", "600"}, waits: true,
		},
		"slots":   {rule: "TR015", how: "a node without slots; a cluster that loses one (`DELSLOTS`)", args: []string{"--cluster-enabled", "yes"}, waits: true},
		"network": {rule: "TR014", how: "six clients that `GET` values of 32 KiB", sow: sowTraffic},
		"misses":  {rule: "TR016", how: "`GET` of a key that is there, then of one that is not", sow: sowMisses},
		"errors":  {rule: "TR017", how: "`LPUSH` to a string", sow: sowErrors},
		"restarted": {
			rule: "TR019", how: "SIGKILL and a new start while it is watched", waits: true,
			during: func(t *testing.T, s *servertest.Server) { s.Restart(t) },
		},
		"script": {rule: "TR020", how: "`EVAL` of an endless loop", sow: sowScript, args: []string{"--lua-time-limit", "10"}, waits: true},
		"table":  {rule: "TR021", says: "the table is being changed", how: "`UpdateTable` of a table, on a server that takes its time", elsewhere: sowChangedTable, waits: true},
		"index":  {rule: "TR021", says: "by_mail UPDATING", how: "`UpdateTable` of an index", elsewhere: sowChangedIndex, waits: true},
	}
}
