package loadgen_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/recording"
)

// hungry names the variable that makes a process one of TestCrowded: the address of a server for the generator, or spin.
const hungry = "KVTOOL_TEST_HUNGRY"

// TestCrowded gives the generator a quarter of one processor, because others want it, and asks it for more than that allows, with all
// its connections always busy: so no operation is sent late that could be, and no processor is used up. It says that it was the
// limit, not that the store was full.
func TestCrowded(t *testing.T) {
	switch role := os.Getenv(hungry); role {
	case "":
	case "spin":
		for began := time.Now(); time.Since(began) < 20*time.Second; { // until it is killed
		}
		return
	default:
		r, err := loadgen.Run(t.Context(), driverOf(t, "redis://"+role), open(100_000, 1500*time.Millisecond), loadgen.Options{Conns: 4})
		if err != nil {
			t.Fatal(err)
		}
		v, why := r.Verdict()
		fmt.Printf("verdict: %s (%s)\n", v, why)
		return
	}
	if testing.Short() {
		t.Skip("a processor kept busy for two seconds")
	}
	server := servertest.Redis(t, servertest.Options{})
	var said bytes.Buffer
	onOne(t, func() {
		for range 3 {
			spin := child("spin")
			if err := spin.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _, _ = spin.Process.Kill(), spin.Wait() }()
		}
		generator := child(server.Addr)
		generator.Stdout, generator.Stderr = &said, &said
		if err := generator.Run(); err != nil {
			t.Errorf("%v", err)
		}
	})
	if !strings.Contains(said.String(), "verdict: "+string(recording.GeneratorBound)+" ") {
		t.Errorf("%s", &said)
	}
	t.Logf("%s", &said)
}

// child is this test once more, in a role.
func child(role string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestCrowded$")
	cmd.Env = append(os.Environ(), hungry+"="+role)
	return cmd
}

// onOne calls f on a thread that may use one processor alone, the last of those there are. So may the processes that f starts.
func onOne(t *testing.T, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, last [128]uint64
	mask := func(call uintptr, m *[128]uint64) {
		if _, _, errno := syscall.RawSyscall(call, 0, unsafe.Sizeof(*m), uintptr(unsafe.Pointer(m))); errno != 0 {
			t.Skipf("this system does not say which processors there are: %v", errno)
		}
	}
	mask(syscall.SYS_SCHED_GETAFFINITY, &all)
	for i := range all {
		for bit := range 64 {
			if all[i]>>bit&1 == 1 {
				last = [128]uint64{}
				last[i] = 1 << bit
			}
		}
	}
	mask(syscall.SYS_SCHED_SETAFFINITY, &last)
	defer mask(syscall.SYS_SCHED_SETAFFINITY, &all)
	f()
}
