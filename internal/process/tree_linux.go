package process

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// attributes put a child into its own group and let it die with the server.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// How often, and how far apart, an environment that is empty is read again.
const (
	readAgain      = 10
	readAgainAfter = time.Millisecond
)

// marked returns the live processes whose environment has the entry. While a
// process loads another program (execve) its environment reads as empty, so
// empty ones are read again before they count as having none.
func marked(entry string) []int {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var look []int
	for _, d := range dirs {
		if pid, err := strconv.Atoi(d.Name()); err == nil && pid != os.Getpid() {
			look = append(look, pid)
		}
	}
	var pids []int
	for range readAgain {
		var empty []int
		for _, pid := range look {
			dir := "/proc/" + strconv.Itoa(pid)
			env, err := os.ReadFile(dir + "/environ")
			if err != nil {
				continue
			}
			if slices.ContainsFunc(bytes.Split(env, []byte{0}), func(e []byte) bool { return string(e) == entry }) {
				pids = append(pids, pid)
			} else if _, err := os.Readlink(dir + "/exe"); len(env) == 0 && err == nil { // no thread of the kernel, and not dead
				empty = append(empty, pid)
			}
		}
		if look = empty; len(look) == 0 {
			break
		}
		time.Sleep(readAgainAfter)
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
