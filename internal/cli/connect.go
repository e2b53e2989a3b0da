package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/server"
)

// connection is a server that a command talks to: one that runs already, or
// one started in this process for the time of the command.
type connection struct {
	server.Address
	aws   bus.Invoker
	sql   *sqlClient
	own   *server.Server // nil when the server is another process
	close func()
}

// connect finds the server that has the data folder open, or starts one.
func (o *options) connect(ctx context.Context) (*connection, error) {
	if o.mocks != nil && o.endpoint != "" {
		return nil, usageError{fmt.Errorf("--mock and --endpoint exclude each other: give --mock to the server")}
	}
	if o.endpoint != "" {
		return o.attach(ctx, o.endpoint)
	}
	address, err := server.ReadAddress(o.dataDir)
	switch {
	case err == nil && o.mocks != nil && healthy(ctx, address.Endpoint):
		return nil, fmt.Errorf("cannot use --mock: a server has the data folder %s open; give --mock to that server, or use --ephemeral", o.dataDir)
	case err == nil && healthy(ctx, address.Endpoint):
		if err := o.checkRoutes(address); err != nil {
			return nil, err
		}
		return newConnection(address, nil), nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return o.embed(ctx, o.dataDir)
}

// attach uses the server at a URL, which says where its other doors are.
func (o *options) attach(ctx context.Context, endpoint string) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/_stepwell/health", nil)
	if err != nil {
		return nil, usageError{fmt.Errorf("cannot use --endpoint: %w", err)}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("no server answers at %s: %w", endpoint, err)
	}
	defer res.Body.Close()
	var health struct {
		Details struct {
			Address server.Address `json:"address"`
		} `json:"details"`
	}
	if err := json.NewDecoder(res.Body).Decode(&health); err != nil {
		return nil, fmt.Errorf("%s is not a Stepwell server: %w", endpoint, err)
	}
	health.Details.Address.Endpoint = endpoint
	if err := o.checkRoutes(health.Details.Address); err != nil {
		return nil, err
	}
	return newConnection(health.Details.Address, nil), nil
}

// embed starts a server in this process, on ports of its own choosing.
func (o *options) embed(ctx context.Context, dataDir string) (*connection, error) {
	s, err := server.Start(ctx, server.Options{
		Listen: "127.0.0.1:0", Redshift: "127.0.0.1:0",
		DataDir: dataDir, CacheDir: cacheDir(), TimeScale: o.timeScale,
		Account: account(), Region: region(), Mocks: o.mocks, Route: o.routes, Places: true,
		Log: slog.New(slog.NewTextHandler(o.std.Err, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return nil, err
	}
	return newConnection(s.Address(), s), nil
}

// checkRoutes refuses a running server that answers itself what the pipeline wants
// answered by AWS.
func (o *options) checkRoutes(a server.Address) error {
	for _, r := range o.routes {
		if !slices.Contains(a.Routes, r) {
			return fmt.Errorf("the server at %s does not route services as the pipeline says: stop it, start it with --route %s, or use --ephemeral", a.Endpoint, r)
		}
	}
	return nil
}

func newConnection(a server.Address, own *server.Server) *connection {
	c := &connection{Address: a, own: own, aws: newAWSClient(a.Endpoint), sql: &sqlClient{address: a.Redshift}}
	c.close = func() {
		c.sql.close()
		if own != nil {
			own.Close()
		}
	}
	return c
}

func healthy(ctx context.Context, endpoint string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/_stepwell/health", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// hostPort splits an address that the server gave.
func hostPort(address string) (host string, port int) {
	h, p, err := net.SplitHostPort(address)
	if err != nil {
		return address, 0
	}
	port, err = strconv.Atoi(p)
	if err != nil {
		return h, 0
	}
	return h, port
}

// region and account are those that AWS clients in this environment would use.
func region() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if r := os.Getenv(name); r != "" {
			return r
		}
	}
	return bus.DefaultRegion
}

func account() string {
	if key := os.Getenv("AWS_ACCESS_KEY_ID"); bus.IsAccount(key) {
		return key
	}
	return bus.DefaultAccount
}

// tempDir makes the data folder of an --ephemeral run.
func tempDir() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "stepwell-")
	if err != nil {
		return "", nil, fmt.Errorf("cannot make a temporary data folder: %w", err)
	}
	return dir, func() { os.RemoveAll(dir) }, nil
}

func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}
