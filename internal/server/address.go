package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	addressFile = "server.json"
	lockFile    = "server.lock"
)

// Address says where a server is found.
type Address struct {
	Endpoint string `json:"endpoint"`           // URL of the AWS endpoint
	Redshift string `json:"redshift"`           // host:port
	DataDir  string `json:"dataDir"`            // absolute
	CABundle string `json:"caBundle,omitempty"` // file of certificates to verify the server with
	PID      int    `json:"pid"`

	Routes []string `json:"routes,omitempty"` // services that are answered elsewhere (forward.Route)
}

// hostPort splits an address, host:port.
func hostPort(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	return host, port, err
}

// Outbox is the folder of e-mails that had no mail server to go to.
func (a Address) Outbox() string {
	if a.DataDir == "" {
		return ""
	}
	return filepath.Join(a.DataDir, "outbox")
}

// Objects is the folder with a folder per bucket.
func (a Address) Objects() string { return filepath.Join(a.DataDir, "s3") }

// ReadAddress finds the server that has the data folder open. It returns an
// error that is fs.ErrNotExist where none has.
func ReadAddress(dataDir string) (Address, error) {
	var a Address
	held, err := locked(filepath.Join(dataDir, lockFile))
	if err != nil {
		return a, err
	}
	if !held {
		return a, fmt.Errorf("no server has %s open: %w", dataDir, os.ErrNotExist)
	}
	data, err := os.ReadFile(filepath.Join(dataDir, addressFile))
	if err != nil {
		return a, fmt.Errorf("cannot find the server of %s: %w", dataDir, err)
	}
	if err := json.Unmarshal(data, &a); err != nil {
		return a, fmt.Errorf("cannot find the server of %s: %w", dataDir, err)
	}
	return a, nil
}

// locked reports whether some process holds the lock.
func locked(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// lock takes the data folder for this process. The lock goes with the process,
// however it ends.
func lock(dataDir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dataDir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data folder: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("another server has the data folder %s open", dataDir)
		}
		return nil, fmt.Errorf("cannot lock the data folder: %w", err)
	}
	return f, nil
}

// writeAddress tells other commands where this server is.
func writeAddress(a Address) error {
	data, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	file := filepath.Join(a.DataDir, addressFile)
	if err := replaceFile(file, data, 0o600); err != nil {
		return fmt.Errorf("cannot write the server's address: %w", err)
	}
	return nil
}
