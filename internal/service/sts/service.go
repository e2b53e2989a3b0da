package sts

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// Deps is what the service is built from.
type Deps struct {
	Store  *store.Store
	Bus    bus.Invoker // asks iam for roles
	IDs    bus.IDs
	Log    *slog.Logger
	Static []StaticCredential // the keys of the server's configuration
	// Seal and Unseal keep secrets from the store's file; nil leaves them as they are.
	Seal, Unseal func([]byte) ([]byte, error)
	// Now is the time that clients live in: credentials expire by the clock
	// of the machine, as signatures do. nil is time.Now.
	Now func() time.Time
}

// StaticCredential is a long-term access key.
type StaticCredential struct {
	AccessKey, Secret string
	Account           string // 12 digits; "" is bus.DefaultAccount
	Principal         string // ARN; "" is the account's root
}

// Credential is what an access key stands for.
type Credential struct {
	Secret       string
	SessionToken string // of temporary credentials
	Account      string // 12 digits
	Principal    string // ARN
	Expires      time.Time
}

// Service is STS.
type Service struct {
	store  *store.Store
	bus    bus.Invoker
	ids    bus.IDs
	log    *slog.Logger
	static map[string]Credential
	now    func() time.Time

	seal, unseal func([]byte) ([]byte, error)

	mu     sync.Mutex
	purged time.Time // when expired sessions were last removed
}

// New returns the service.
func New(d Deps) *Service {
	s := &Service{store: d.Store, bus: d.Bus, ids: d.IDs, log: d.Log, now: d.Now, static: map[string]Credential{}}
	if s.seal, s.unseal = d.Seal, d.Unseal; s.seal == nil {
		plain := func(b []byte) ([]byte, error) { return b, nil }
		s.seal, s.unseal = plain, plain
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.ids == nil {
		s.ids = bus.RandomIDs{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, c := range d.Static {
		if c.Account == "" {
			c.Account = bus.DefaultAccount
		}
		if c.Principal == "" {
			c.Principal = "arn:aws:iam::" + c.Account + ":root"
		}
		s.static[c.AccessKey] = Credential{Secret: c.Secret, Account: c.Account, Principal: c.Principal}
	}
	return s
}

// Lookup returns the credential of an access key; false when it is unknown.
// Expired credentials are known until they are removed.
func (s *Service) Lookup(ctx context.Context, accessKey string) (Credential, bool) {
	if c, ok := s.static[accessKey]; ok {
		return c, true
	}
	if !strings.HasPrefix(accessKey, temporaryPrefix) {
		return Credential{}, false
	}
	r, ok, err := s.session(ctx, accessKey)
	if err != nil {
		s.log.Error("cannot look up an access key", "error", err)
	}
	if err != nil || !ok {
		return Credential{}, false
	}
	return Credential{Secret: r.Secret, SessionToken: r.Token, Account: r.Account, Principal: r.Principal, Expires: r.Expires}, true
}
