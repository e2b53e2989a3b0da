package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/gateway"
	"stepwell/internal/pgwire"
	"stepwell/internal/service/cloudformation"
	"stepwell/internal/service/sns"
)

// serve opens the doors.
func (s *Server) serve(ctx context.Context, endpoint, redshift net.Listener) error {
	secure := &tls.Config{Certificates: []tls.Certificate{s.certificate}, MinVersion: tls.VersionTLS12}
	if s.options.TLSCert != "" {
		endpoint = tls.NewListener(endpoint, secure)
	}
	door := gateway.New(gateway.Options{
		Bus: s.bus, Clock: s.clock, Log: s.log, IDs: bus.RandomIDs{},
		Verify: s.options.Auth, Credentials: credentialStore{s.keys, s.services.sts, s.services.iam},
		Streams: map[string]http.Handler{"s3": s.services.s3}, Site: s.services.lambda.Site,
		Waiting: []string{"states:GetActivityTask", "states:StartSyncExecution", "sqs:ReceiveMessage",
			"cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DeleteStack", "cloudformation:ExecuteChangeSet"},
		Unsigned: []string{"sns:ConfirmSubscription", "sns:Unsubscribe"},
		Health:   s.health, Elsewhere: s.forward,
	})
	s.http = gateway.NewServer(withPages(door, map[string]http.Handler{
		sns.CertificatePath: s.services.sns, cloudformation.CallbackPath: s.services.cloudformation,
	}), s.log, ctx)
	s.running.Go(func() {
		if err := s.http.Serve(endpoint); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the AWS endpoint stopped", "error", err)
		}
	})
	s.redshift = pgwire.New(pgwire.Options{
		Warehouse: s.warehouse, Resolve: s.resolve, PassThrough: s.passThrough, Authenticate: s.authenticator(), TLS: secure,
		RequireTLS: s.options.Auth && s.options.TLSCert != "", Log: s.log,
	})
	s.running.Go(func() {
		if err := s.redshift.Serve(redshift); err != nil {
			s.log.Error("the Redshift listener stopped", "error", err)
		}
	})
	s.closers = append(s.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		s.redshift.Shutdown(ctx)
		return nil
	})
	return nil
}

// withPages answers requests for paths that begin as those of the pages - the
// certificate of SNS's messages, the answers of custom resources - and passes on the
// others as they are: an http.ServeMux would redirect those for objects whose keys are
// no clean paths ("a//b"). No bucket has a name that begins like one of them.
func withPages(door http.Handler, pages map[string]http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for path, page := range pages {
			if strings.HasPrefix(r.URL.Path, path) {
				page.ServeHTTP(w, r)
				return
			}
		}
		door.ServeHTTP(w, r)
	})
}
