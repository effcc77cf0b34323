package hugepage_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/kvtool/kvtool/internal/hugepage"
)

// TestAdvise: the kernel has noted the advice on all of the memory, and small memory is left alone.
func TestAdvise(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage/enabled"); err != nil {
		t.Skip("this kernel has no transparent huge pages")
	}
	large := make([]uint64, 8<<20/8)
	hugepage.Advise(large)
	hugepage.Advise(large[:10])
	hugepage.Advise([]int(nil))
	for at := 0; at < len(large); at += 4 << 10 {
		if !advised(t, uintptr(unsafe.Pointer(&large[at]))) {
			t.Fatalf("no advice at %d bytes of %d", 8*at, 8*len(large))
		}
	}
	for i := range large {
		if large[i] != 0 {
			t.Fatal("what is there has changed")
		}
	}
}

// advised reports whether the mapping of an address has the flag hg, which MADV_HUGEPAGE sets (proc(5): smaps).
func advised(t *testing.T, address uintptr) bool {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var from, to uintptr
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
			inside = from <= address && address < to
		}
		if flags, ok := strings.CutPrefix(lines.Text(), "VmFlags:"); ok && inside {
			return strings.Contains(flags+" ", " hg ")
		}
	}
	return false
}
