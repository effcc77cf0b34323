package cmd

import "testing"

// 0.0.0.0 is what it says: not every IPv6 address too, which a firewall for IPv4 does not keep.
func TestTCPOf(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:6380": "tcp4", "127.0.0.1:0": "tcp4", "[::]:6380": "tcp", "[::1]:0": "tcp", "localhost:0": "tcp", ":6380": "tcp",
	} {
		if got := tcpOf(addr); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}
