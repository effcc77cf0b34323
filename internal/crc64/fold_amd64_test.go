package crc64

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestFoldConstants recomputes the constants of the assembly from powers of x.
func TestFoldConstants(t *testing.T) {
	src, err := os.ReadFile("fold_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	for _, power := range []int{1024 + 63, 1024 - 1, 128 + 63, 128 - 1} {
		v := uint64(1) << 63
		for range power {
			v = timesX(v)
		}
		if want := fmt.Sprintf("$0x%016x", v); !strings.Contains(string(src), want) {
			t.Errorf("x^%d is %s, which the source does not hold", power, want)
		}
	}
}
