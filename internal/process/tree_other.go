//go:build unix && !linux

package process

import "syscall"

// attributes put a child into its own group. Other systems than Linux have no
// death signal: a child outlives a killed server.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// marked is known on Linux only, where /proc shows environments.
func marked(string) []int { return nil }

// inQueue is the ioctl that tells how many bytes a pipe holds (FIONREAD).
const inQueue = 0x4004667f

// PeakMemory is known on Linux only.
func (r *Running) PeakMemory() int64 { return 0 }

// Memory is 0: it is not known here.
func (r *Running) Memory() int64 { return 0 }
