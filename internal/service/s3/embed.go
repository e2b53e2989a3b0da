package s3

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
)

// embedded is the S3 server inside this process.
//
// versitygw allows one running server per process, and its posix backend makes
// the bucket root the working directory of the process.
type embedded struct {
	backend    *posix.Posix
	attributes meta.MetadataStorer
	accounts   *accounts
	root       string // absolute; a folder per bucket
	temporary  string // absolute; for files to publish
	client     *http.Client

	stop context.CancelFunc
	done chan error
	temp string // folder of the socket, "" where it has no file
}

// startEmbedded opens the buckets under data/s3 and serves them on a socket
// that only this process knows.
func startEmbedded(data string) (*embedded, error) {
	data, err := filepath.Abs(data)
	if err != nil {
		return nil, err
	}
	e := &embedded{accounts: newAccounts(), root: filepath.Join(data, "s3"), temporary: filepath.Join(data, ".s3", "tmp"), done: make(chan error, 1)}
	if err := e.open(data); err != nil {
		return nil, err
	}
	e.accounts.owner = e.owner
	socket, err := e.socket()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	e.stop = stop
	listening := make(chan struct{})
	root := make([]byte, 16)
	rand.Read(root) // never fails: crypto/rand documents it
	config := &embedgw.Config{
		RootUserAccess:    "root-" + hex.EncodeToString(root),
		RootUserSecret:    e.accounts.secret("root"),
		Region:            signRegion,
		Ports:             []string{socket},
		MaxConnections:    100_000,
		MaxRequests:       100_000,
		MultipartMaxParts: 10_000,
		Quiet:             true,
		KeepAlive:         true,
		IAMService:        e.accounts,
		S3Options:         []s3api.Option{s3api.WithOnListen(func() { close(listening) })},
	}
	go func() { e.done <- embedgw.RunVersityGW(ctx, e.backend, config) }()
	select {
	case <-listening:
	case err := <-e.done:
		stop()
		e.removeSocket()
		return nil, fmt.Errorf("cannot start the S3 server: %w", err)
	}
	dialer := &net.Dialer{}
	e.client = &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, "unix", socket)
			},
			DisableCompression:  true,
			MaxIdleConns:        512,
			MaxIdleConnsPerHost: 512,
			IdleConnTimeout:     time.Minute,
			ReadBufferSize:      64 << 10,
			WriteBufferSize:     64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return e, nil
}

// open opens the buckets. Metadata of objects are extended attributes where
// the file system has them, files of a sidecar folder elsewhere.
func (e *embedded) open(data string) error {
	versions, sidecar := filepath.Join(data, ".s3", "versions"), filepath.Join(data, ".s3", "meta")
	for _, dir := range []string{e.root, versions, e.temporary} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("cannot create the S3 folder: %w", err)
		}
	}
	options := posix.PosixOpts{VersioningDir: versions, CopyObjectThreshold: 5 << 30}
	e.attributes = meta.XattrMeta{}
	_, err := os.Stat(sidecar)
	if err == nil || (meta.XattrMeta{}).Test(e.root) != nil {
		if err := os.MkdirAll(sidecar, 0o755); err != nil {
			return fmt.Errorf("cannot create the S3 metadata folder: %w", err)
		}
		options.SideCarDir = sidecar
		if e.attributes, err = meta.NewSideCar(sidecar); err != nil {
			return fmt.Errorf("cannot open the S3 metadata folder: %w", err)
		}
	}
	// The backend greets on standard output, which is not ours to write to. It
	// is opened while the server is composed, before anything else writes.
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	os.Stdout = null
	if e.backend, err = posix.New(e.root, e.attributes, options); err != nil {
		return fmt.Errorf("cannot open the S3 buckets: %w", err)
	}
	return nil
}

// owner is the account that owns a bucket, "" where there is no such bucket.
func (e *embedded) owner(bucket string) string {
	if bucket == "" || bucket == "*" {
		return ""
	}
	data, err := e.attributes.RetrieveAttribute(nil, bucket, "", attrACL)
	if err != nil {
		return ""
	}
	acl, err := auth.ParseACL(data)
	if err != nil {
		return ""
	}
	return acl.Owner
}

// socket names the address: an abstract socket on Linux, which leaves nothing
// behind; elsewhere a file in a folder of our own (socket paths are limited to
// about 100 bytes, so not under the data folder).
func (e *embedded) socket() (string, error) {
	if runtime.GOOS == "linux" {
		name := make([]byte, 12)
		rand.Read(name) // never fails: crypto/rand documents it
		return "@stepwell-" + hex.EncodeToString(name), nil
	}
	dir, err := os.MkdirTemp("", "sw")
	if err != nil {
		return "", fmt.Errorf("cannot create the S3 socket: %w", err)
	}
	e.temp = dir
	return filepath.Join(dir, "s3"), nil
}

func (e *embedded) removeSocket() {
	if e.temp != "" {
		os.RemoveAll(e.temp)
	}
}

// close ends the server; requests under way are given ten seconds.
func (e *embedded) close() error {
	e.client.CloseIdleConnections()
	e.stop()
	err := <-e.done
	e.removeSocket()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
