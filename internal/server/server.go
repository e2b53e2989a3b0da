// Package server is the composition root: it builds every part of a Stepwell
// server from one Options struct, in visible order, and takes it down again.
//
// It holds no behaviour of its own beyond the adapters between packages that
// must not know each other (catalog.go, statements.go, bound.go, objects.go, credentials.go). The
// command line and end-to-end tests import it.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/forward"
	"stepwell/internal/gateway"
	"stepwell/internal/pgwire"
	"stepwell/internal/store"
	"stepwell/internal/warehouse"
	"stepwell/internal/work"
)

// Server is a running server.
type Server struct {
	options     Options
	log         *slog.Logger
	address     Address
	certificate tls.Certificate
	took        time.Duration

	store     *store.Store
	clock     clock.Clock
	bus       *bus.Bus
	work      *work.Engine
	warehouse *warehouse.Warehouse
	services  *services
	forward   *forward.Forwarder
	far       *farObjects // nil where S3 is here
	keys      *keys
	http      *http.Server
	redshift  *pgwire.Server

	stop    context.CancelCauseFunc
	running sync.WaitGroup
	once    sync.Once
	closers []func() error // in the order in which they were opened
}

// Start builds a server, resumes what an earlier one left unfinished, and
// serves until ctx ends or Close is called.
func Start(ctx context.Context, o Options) (*Server, error) {
	began := time.Now()
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Server{options: o, log: o.Log, clock: clock.New(o.TimeScale)}
	ctx, s.stop = context.WithCancelCause(ctx)
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.took = time.Since(began)
	context.AfterFunc(ctx, func() { s.Close() })
	return s, nil
}

// start opens one part after the other. Requests are answered only after what
// was under way has been taken up again.
func (s *Server) start(ctx context.Context) error {
	endpoint, redshift, err := s.openFolder()
	if err != nil {
		return err
	}
	if s.store, err = store.Open(filepath.Join(s.options.DataDir, "stepwell.db")); err != nil {
		return err
	}
	s.closers = append(s.closers, s.store.Close)
	s.bus = bus.New(unavailable(ctx), gateway.Validation())
	s.work = work.New(s.store, s.clock, s.log)
	if err := s.route(); err != nil {
		return err
	}
	if err := s.build(); err != nil {
		return err
	}
	if err := s.bind(ctx); err != nil {
		return err
	}
	if err := s.services.s3.Start(); err != nil {
		return err
	}
	s.closers = append(s.closers, s.services.s3.Close)
	if err := s.warehouse.Recover(ctx); err != nil {
		return err
	}
	if err := s.services.s3.Sweep(); err != nil {
		return err
	}
	if s.far != nil {
		if err := s.far.Sweep(); err != nil {
			return err
		}
	}
	s.running.Go(func() { s.warehouse.RunCopyJobs(ctx) })
	if err := s.services.sqs.Load(ctx); err != nil {
		return err
	}
	if err := s.services.lambda.Start(); err != nil {
		return err
	}
	if err := s.work.Start(ctx); err != nil {
		return err
	}
	if err := s.services.states.Start(ctx); err != nil {
		return err
	}
	s.closers = append(s.closers, func() error {
		s.services.states.Close()
		s.services.lambda.Close()
		s.work.Wait()
		s.services.redshiftdata.Close()
		return nil
	})
	if err := s.serve(ctx, endpoint, redshift); err != nil {
		return err
	}
	return writeAddress(s.address)
}

// openFolder takes the data folder and the two ports.
func (s *Server) openFolder() (endpoint, redshift net.Listener, err error) {
	if err := os.MkdirAll(s.options.DataDir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("cannot make the data folder: %w", err)
	}
	held, err := lock(s.options.DataDir)
	if err != nil {
		return nil, nil, err
	}
	s.closers = append(s.closers, held.Close)
	if endpoint, err = net.Listen("tcp", s.options.Listen); err != nil {
		return nil, nil, fmt.Errorf("cannot listen for AWS clients: %w", err)
	}
	s.closers = append(s.closers, closer(endpoint))
	if redshift, err = net.Listen("tcp", s.options.Redshift); err != nil {
		return nil, nil, fmt.Errorf("cannot listen for Redshift clients: %w", err)
	}
	s.closers = append(s.closers, closer(redshift))
	bundle, err := s.loadCertificate()
	if err != nil {
		return nil, nil, err
	}
	scheme := "http"
	if s.options.TLSCert != "" {
		scheme = "https"
	}
	s.address = Address{
		Endpoint: scheme + "://" + reachable(endpoint.Addr()), Redshift: reachable(redshift.Addr()),
		DataDir: s.options.DataDir, CABundle: bundle, PID: os.Getpid(),
	}
	return endpoint, redshift, nil
}

// loadCertificate takes the configured certificate or the server's own.
func (s *Server) loadCertificate() (bundle string, err error) {
	if s.options.TLSCert == "" {
		s.certificate, bundle, err = localTLS(filepath.Join(s.options.DataDir, "tls"))
		return bundle, err
	}
	if s.certificate, err = tls.LoadX509KeyPair(s.options.TLSCert, s.options.TLSKey); err != nil {
		return "", fmt.Errorf("cannot use the TLS certificate: %w", err)
	}
	return "", nil
}

// reachable is where a client on this machine finds a listener.
func reachable(a net.Addr) string {
	if t, ok := a.(*net.TCPAddr); ok && t.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(t.Port))
	}
	return a.String()
}

// closer closes a listener that its server may have closed already.
func closer(l net.Listener) func() error {
	return func() error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

// Address says where the server is found.
func (s *Server) Address() Address { return s.address }

// StartupTime is how long it took from the call of Start until requests were
// answered.
func (s *Server) StartupTime() time.Duration { return s.took }

// Close stops the server: no new requests, a moment for those under way, then
// everything in reverse order of its opening. Unfinished work is taken up by
// the next server.
func (s *Server) Close() error {
	var err error
	s.once.Do(func() {
		s.stop(work.ErrStopped)
		if s.http != nil {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			if s.http.Shutdown(ctx) != nil {
				err = s.http.Close()
			}
		}
		for i := len(s.closers) - 1; i >= 0; i-- {
			err = errors.Join(err, s.closers[i]())
		}
		s.running.Wait()
	})
	return err
}

// health is the part of the health page that the gateway does not know.
func (s *Server) health(context.Context) gateway.Health {
	details := map[string]any{"address": s.address}
	if fault := s.store.Err(); fault != nil {
		details["fault"] = fault.Error()
		return gateway.Health{Status: "read-only", Details: details}
	}
	return gateway.Health{OK: true, Status: "ok", Details: details}
}
