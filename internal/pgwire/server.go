package pgwire

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"stepwell/internal/remote"
	"stepwell/internal/warehouse"
)

// Options is what a Server is made of.
type Options struct {
	Warehouse *warehouse.Warehouse
	// Resolve gives the cluster a connection speaks to, from what the client
	// sent at startup and the listener's address. Required.
	Resolve func(ctx context.Context, s Startup) (warehouse.Identity, error)
	// PassThrough connects a client to the cluster it speaks to where that is
	// another server; nil, or a nil answer, is that it is answered here.
	PassThrough func(ctx context.Context, s Startup) (*remote.Passage, error)
	// Authenticate checks a password; nil lets everybody in without asking,
	// which is for loopback only.
	Authenticate Authenticator
	// TLS answers SSLRequest; nil answers that there is none.
	TLS *tls.Config
	// RequireTLS refuses connections that do not ask for it.
	RequireTLS bool
	Log        *slog.Logger
}

// Startup is what a client sent before it was let in.
type Startup struct {
	User, Database string
	Parameters     map[string]string
	Password       string // that was checked; "" where none was asked for
	Remote, Local  net.Addr
}

// Authenticator decides about a user. The password is what the client gave in
// clear text over the connection (under TLS, unless the listener is loopback).
type Authenticator func(ctx context.Context, s Startup, password string) error

// Server accepts connections.
type Server struct {
	options Options
	log     *slog.Logger

	mu       sync.Mutex
	listener net.Listener
	open     map[*connection]struct{}
	passages map[string]*remote.Passage // by what cancels them
	closing  bool
	wg       sync.WaitGroup
}

// New returns a server; Serve runs it.
func New(options Options) *Server {
	log := options.Log
	if log == nil {
		log = slog.Default()
	}
	return &Server{options: options, log: log, open: map[*connection]struct{}{}, passages: map[string]*remote.Passage{}}
}

// Serve accepts connections on the listener until Shutdown; then it returns nil.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	s.listener = l
	closing := s.closing
	s.mu.Unlock()
	if closing {
		return l.Close()
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.closing {
				return nil
			}
			if temporary(err) {
				continue
			}
			return err
		}
		s.accept(conn)
	}
}

func temporary(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

func (s *Server) accept(conn net.Conn) {
	c := newConnection(s, conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		conn.Close()
		return
	}
	s.open[c] = struct{}{}
	s.wg.Go(func() {
		defer func() {
			s.mu.Lock()
			delete(s.open, c)
			s.mu.Unlock()
		}()
		c.run()
	})
}

// Shutdown stops accepting, tells idle clients that the server goes away, waits
// for statements under way until ctx ends, and then cancels them.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	if s.listener != nil {
		s.listener.Close()
	}
	list := make([]*connection, 0, len(s.open))
	for c := range s.open {
		list = append(list, c)
	}
	s.mu.Unlock()
	for _, c := range list {
		c.finish()
	}
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, c := range list {
		c.kill()
	}
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		return errors.New("cannot end all connections")
	}
	return nil
}
