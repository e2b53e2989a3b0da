package sns

import (
	"context"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// Kind is the kind of the tasks that deliver messages.
const Kind = "sns.delivery"

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	IDs   bus.IDs
	Work  *work.Engine
	Log   *slog.Logger

	// Endpoint is the URL of the server, without a slash at its end, that links
	// in messages begin with.
	Endpoint string
	// Dir keeps the key and certificate that sign messages.
	Dir string
	// Mail delivers to email and email-json endpoints.
	Mail Mailer
	// AutoConfirmEmail confirms mail subscriptions without a mail.
	AutoConfirmEmail bool
	// Targets deliver to protocols of other services: "sqs", "lambda".
	Targets map[string]Target
	// HTTP sends to http and https endpoints; nil is a client with SNS's
	// timeout of 15 seconds.
	HTTP *http.Client
}

// Target delivers to endpoints inside AWS.
type Target interface {
	// Accepts returns an awserr.Error where the endpoint, an ARN, cannot be
	// subscribed.
	Accepts(ctx context.Context, endpoint string, fifo bool) error
	// Deliver hands over a message; an error is retried.
	Deliver(ctx context.Context, endpoint string, m Delivery) error
}

// Delivery is a message on its way to a Target.
type Delivery struct {
	Body                     string // envelope, or the bare message where Raw is set
	Raw                      bool
	MessageID, TopicARN      string
	SubscriptionARN          string
	Subject                  string
	Attributes               map[string]Attribute
	GroupID, DeduplicationID string
	SequenceNumber           string
}

// Service is Amazon SNS.
type Service struct {
	Deps
	mu     sync.Mutex
	signer *signer  // made when first needed
	groups sync.Map // of FIFO topics, by subscription: a lock that keeps their order
}

type signer struct {
	key  *rsa.PrivateKey
	cert []byte // PEM
	path string // of SigningCertURL
}

// New returns the service; Register must be called before the engine starts.
func New(d Deps) *Service {
	if d.HTTP == nil {
		d.HTTP = &http.Client{Timeout: 15 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	return &Service{Deps: d}
}

// Register gives the engine the service's kind of task.
func (s *Service) Register(e *work.Engine) {
	e.Handle(Kind, work.Kind{Run: s.deliver, Resume: work.Rerun, Limit: 64})
	e.Handle(OrderedKind, work.Kind{Run: s.deliverInOrder, Resume: work.Rerun})
}
