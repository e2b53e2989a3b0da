package process

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes put a child into its own group and let it die with the server.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// marked returns the live processes whose environment has the entry.
func marked(entry string) []int {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile("/proc/" + d.Name() + "/environ")
		if err != nil || !slices.ContainsFunc(bytes.Split(env, []byte{0}), func(e []byte) bool { return string(e) == entry }) {
			continue
		}
		pids = append(pids, pid)
	}
	return pids
}

// inQueue is the ioctl that tells how many bytes a pipe holds (FIONREAD).
const inQueue = unix.TIOCINQ

// PeakMemory is the most memory that the process has had resident, in bytes;
// its children do not count. 0 where it is not known.
func (r *Running) PeakMemory() int64 { return r.memory("VmHWM:") }

// Memory is what the process has resident now, in bytes, as PeakMemory.
func (r *Running) Memory() int64 { return r.memory("VmRSS:") }

func (r *Running) memory(field string) int64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(r.PID) + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte(field))
	line, _, _ := bytes.Cut(rest, []byte(" kB"))
	kilobytes, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 10, 64)
	if err != nil {
		return 0
	}
	return kilobytes << 10
}
