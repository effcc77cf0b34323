package memory

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// A Profile says which server a Model describes. The zero value is Redis 7.0 with jemalloc's own quantum, just loaded.
type Profile struct {
	Allocator Allocator
	Version   Version
	State     State
	Cluster   bool
	Allocated bool // what the allocator gives for it all, in place of what MEMORY USAGE prints
}

// Verified reports whether the model of this profile was compared with MEMORY USAGE of such a server.
func (p Profile) Verified() bool { return p.Version.shape().verified && p.Allocator != Libc }

// Note returns a sentence on the accuracy of an unverified profile, or "".
func (p Profile) Note() string {
	if p.Verified() {
		return ""
	}
	return "model accuracy not measured for " + p.String()
}

func (p Profile) String() string {
	return p.Version.String() + ", " + p.Allocator.String() + ", " + p.State.String()
}

// State says whether the server that is meant has loaded its data from a file or has been written to since.
type State uint8

// A server that loaded its data sized every table once. A live one still holds half of the old table of a growing dict and
// the reserve at the end of a stream.
const (
	Loaded State = iota
	Live
)

func (s State) String() string { return [...]string{"loaded", "live"}[s] }

// An Allocator rounds requests up to the sizes it has.
type Allocator uint8

// The allocators a server is built with.
//
//	jemalloc-8   8 16 24 32 40 48 56 64, then four per doubling: 80 96 112 128 160 …   upstream builds
//	jemalloc-16  8 16 32 48 64 80 96 112 128, then four per doubling: 160 192 …       Debian, Ubuntu, RHEL
//	libc         24 40 56 72 …: a multiple of 16 less the 8 bytes of glibc's header   MALLOC=libc
const (
	Jemalloc8 Allocator = iota
	Jemalloc16
	Libc
)

var allocatorNames = [...]string{"jemalloc-8", "jemalloc-16", "libc"}

func (a Allocator) String() string { return allocatorNames[a] }

// ParseAllocator reads a name as String writes it.
func ParseAllocator(s string) (Allocator, error) {
	for i, name := range allocatorNames {
		if s == name {
			return Allocator(i), nil
		}
	}
	return 0, fmt.Errorf("%q is no allocator: it is one of %s", s, strings.Join(allocatorNames[:], ", "))
}

// maxRequest keeps the rounding of absurd lengths within an int64.
const maxRequest = 1 << 60

func (a Allocator) class(n int64) int64 {
	n = min(max(n, 1), maxRequest)
	if a == Libc {
		return glibc(n)
	}
	switch {
	case n <= 8:
		return 8
	case a == Jemalloc16 && n <= 128:
		return (n + 15) &^ 15
	case n <= 64:
		return (n + 7) &^ 7
	}
	step := int64(1) << (bits.Len64(uint64(n-1)) - 3) // four classes in each doubling
	return (n + step - 1) &^ (step - 1)
}

// glibc returns malloc_usable_size: blocks are multiples of 16 with a header of 8; from 128 KiB on they are whole pages
// with a header of 16.
func glibc(n int64) int64 {
	if n >= 128<<10 {
		return (n+16+4095)&^4095 - 16
	}
	return max(24, (n+8+15)&^15-8)
}

// OwnJemalloc returns the version of jemalloc that comes with the sources of v, and is built with steps of 8. Who builds a
// server with that of the system has steps of 16.
func (v Version) OwnJemalloc() string {
	switch v {
	case Redis62:
		return "5.1.0"
	case Redis70:
		return "5.2.1"
	}
	return "5.3.0"
}

// A Version is a release whose structs differ from the one before.
type Version uint8

// The versions that have a profile, KeyDB and Redis before 6.2 under Redis62.
const (
	Redis70 Version = iota // the base, and the zero value
	Redis62
	Redis72
	Redis74
	Redis80
	Valkey80
	Valkey81
	Valkey90
	Valkey91
)

var versionNames = [...]string{"redis 7.0", "redis 6.2", "redis 7.2", "redis 7.4", "redis 8.0", "valkey 8.0", "valkey 8.1", "valkey 9.0", "valkey 9.1"}

func (v Version) String() string { return versionNames[v] }

// ParseVersion returns the profile for a product (redis, valkey, keydb) and the version it reports, such as "7.0.15". An
// empty or unreadable version counts as Redis 7.0.
func ParseVersion(product, version string) Version {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, err := strconv.Atoi(major)
	if err != nil {
		return Redis70
	}
	y, _ := strconv.Atoi(minor)
	n := x*100 + y
	switch strings.ToLower(product) {
	case "valkey":
		return valkeyVersion(n)
	case "keydb":
		return Redis62
	}
	switch {
	case n < 700:
		return Redis62
	case n < 702 || x >= 100: // builds of the development branch call themselves 255.255.255 or 999.999.999
		return Redis70
	case n < 704:
		return Redis72
	case n < 800:
		return Redis74
	default:
		return Redis80
	}
}

func valkeyVersion(n int) Version {
	switch {
	case n < 800:
		return Redis72
	case n < 801:
		return Valkey80
	case n < 900:
		return Valkey81
	case n < 901:
		return Valkey90
	default:
		return Valkey91
	}
}

// A shape is what differs between versions.
type shape struct {
	dict          int64 // sizeof(dict)
	quicklistNode int64
	stream        int64
	group         int64 // sizeof(streamCG)
	consumer      int64
	clusterEntry  int64 // added to each main dict entry in cluster mode
	rehash        int64 // of hashes
	firstHash     int64 // buckets of the table that a hash gets when it outgrows a listpack
	firstSet      int64 // the same of sets
	firstZSet     int64 // and of sorted sets
	exactBlobs    bool  // MEMORY USAGE counts the bytes of a blob, not of its block
	bareListpack  bool  // a list in one node is a listpack without a quicklist around it
	bareMembers   bool  // a member of a set needs no entry with a value
	embed         int64 // longest block of an object with its key and value; 0: keys are not in objects
	buckets       bool  // hash tables have buckets of 64 bytes
	raxStruct     int64 // sizeof(rax)
	raxExact      bool  // MEMORY USAGE counts the bytes of a rax, not a guess at them
	verified      bool
}

// shape returns the figures of v. Those of unverified versions are from their sources or, where that is worth no more,
// those of the version before.
func (v Version) shape() shape {
	s := shape{raxStruct: 24, dict: 56, quicklistNode: 40, stream: 80, group: 40, consumer: 24, clusterEntry: 16, rehash: rehashTwice, firstHash: converted, firstSet: minSlots, firstZSet: minSlots, verified: v == Redis70}
	switch v {
	case Redis70:
		return s
	case Redis62:
		s.dict, s.quicklistNode, s.stream, s.group, s.clusterEntry, s.exactBlobs = 96, 32, 40, 32, 0, true
		s.verified, s.firstHash = true, minSlots
		return s
	}
	s.consumer, s.bareListpack = 32, true
	s.bareMembers = true
	s.rehash, s.firstSet, s.firstZSet = rehashOnce, converted, converted
	s.verified = v == Redis72
	if v != Redis72 {
		s.clusterEntry = 0
	}
	if v >= Valkey81 {
		s.embed, s.buckets, s.raxStruct, s.raxExact = 64, true, 32, true
	}
	if v == Valkey91 {
		s.embed, s.verified = 128, true
	}
	return s
}
