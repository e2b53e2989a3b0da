package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// TryMounting finds out how places can be shown here, by showing one. The error says
// why they cannot.
func TryMounting(ctx context.Context) (Mounting, error) {
	dir, err := os.MkdirTemp("", "stepwell-places-")
	if err != nil {
		return NoMounting, fmt.Errorf("cannot try mounts: %w", err)
	}
	defer os.RemoveAll(dir)
	var reasons []error
	for _, how := range []Mounting{OwnMounts, OwnUserSpace} {
		said := ""
		result, err := Run(ctx, Spec{Path: "/bin/sh", Args: []string{"-c", "test -d /var/lang/stepwell && test -d /opt/stepwell"}, Env: []string{},
			Places:   []Place{{"/opt/stepwell", dir}, {"/var/lang/stepwell", dir}},
			Mounting: how, Stderr: func(line string) { said += line }})
		if err == nil && result == (Result{}) {
			return how, nil
		}
		if err == nil {
			err = fmt.Errorf("%s: %s", result, said)
		}
		reasons = append(reasons, err)
	}
	return NoMounting, errors.Join(reasons...)
}

// isolate gives a process namespaces of its own. In a user namespace it stays who it
// is, and may mount until it becomes another program.
func isolate(a *syscall.SysProcAttr, how Mounting) {
	a.Cloneflags |= syscall.CLONE_NEWNS
	if how == OwnUserSpace {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
		a.AmbientCaps = []uintptr{unix.CAP_SYS_ADMIN}
	}
}

// becomeWithin mounts the places and becomes another program.
func becomeWithin(places []Place, path string, args []string) error {
	runtime.LockOSThread() // capabilities and the death signal are a thread's
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	// Nothing that is mounted from here on is seen outside, and what is unmounted there
	// is unmounted here.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("mounts of its own: %w", err)
	}
	m := mounts{mirrors: map[uint64]bool{}}
	for _, p := range places {
		if err := m.place(p); err != nil {
			return fmt.Errorf("%s: %w", p.At, err)
		}
		if p.From == dir {
			dir = p.At
		}
	}
	if err := os.Chdir(dir); err != nil { // as it is seen now
		return err
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	return syscall.Exec(path, args, os.Environ())
}

// mounts are those of this process.
type mounts struct {
	mirrors map[uint64]bool // devices: folders in memory that stand for others
}

// place mounts p. A link is made, not mounted.
func (m *mounts) place(p Place) error {
	if _, err := os.Lstat(p.At); err != nil {
		// The folder that is to have a new member is not changed: another takes its place.
		parent := filepath.Dir(p.At)
		above := parent
		for _, err := os.Stat(above); err != nil; _, err = os.Stat(above) {
			above = filepath.Dir(above)
		}
		if err := m.mirror(above); err != nil {
			return err
		}
		if err := os.MkdirAll(parent, 0o755); err != nil {
			return err
		}
		if to, err := os.Readlink(p.From); err == nil {
			return os.Symlink(to, p.At)
		}
	}
	return bind(p.From, p.At, true)
}

// mirror replaces a folder by one in memory with the same members.
func (m *mounts) mirror(dir string) error {
	if dev, err := device(dir); err != nil || m.mirrors[dev] {
		return err
	}
	if dir == "/" {
		return errors.New("there is no such folder")
	}
	old, err := os.OpenFile(dir, unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil {
		return err
	}
	members, err := old.ReadDir(-1)
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NODEV|unix.MS_NOSUID, fmt.Sprintf("size=1m,mode=%o", info.Mode().Perm())); err != nil {
		return fmt.Errorf("a folder in memory: %w", err)
	}
	dev, err := device(dir)
	if err != nil {
		return err
	}
	m.mirrors[dev] = true
	was := "/proc/self/fd/" + strconv.Itoa(int(old.Fd()))
	for _, e := range members {
		at := filepath.Join(dir, e.Name())
		if e.Type()&os.ModeSymlink != 0 {
			to, err := os.Readlink(was + "/" + e.Name())
			if err == nil {
				err = os.Symlink(to, at)
			}
			if err != nil {
				return err
			}
			continue
		}
		if err := bind(was+"/"+e.Name(), at, false); err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	return nil
}

// device tells file systems apart.
func device(path string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, err
	}
	return st.Dev, nil
}

// bind mounts a file or folder at a path, which it makes where it is not there.
func bind(from, at string, readOnly bool) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(at); err != nil {
		if info.IsDir() {
			err = os.Mkdir(at, 0o755)
		} else {
			err = os.WriteFile(at, nil, 0o644)
		}
		if err != nil {
			return err
		}
	}
	if err := unix.Mount(from, at, "", unix.MS_BIND|unix.MS_REC, ""); err != nil || !readOnly {
		return err
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(at, &fs); err != nil {
		return err
	}
	kept := uintptr(fs.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME | unix.MS_RELATIME)
	return unix.Mount("", at, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|kept, "")
}
