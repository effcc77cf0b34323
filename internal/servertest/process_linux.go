package servertest

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel end the server when the test dies before it could: a panic or a timeout runs no cleanup.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
