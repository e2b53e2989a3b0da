package ecr

import (
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
)

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
}

// Service is ECR.
type Service struct{ Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{Deps: d} }

// repository is what is kept of a repository.
type repository struct {
	Account, Region, Name string
	Shape                 shape
	Tags                  []tag
	Policy                *string
	Lifecycle             *string
}

var repositories = store.NewTable[repository]("ecr_repositories")

func (r *repository) put(tx *store.Tx) error {
	return repositories.Put(tx, *r, r.Account, r.Region, r.Name)
}

func find(tx *store.Tx, c bus.Caller, registry *string, name string) (*repository, error) {
	if registry != nil {
		c.Account = *registry
	}
	r, ok, err := repositories.Get(tx, c.Account, c.Region, name)
	if err == nil && !ok {
		err = noRepository(name, c.Account)
	}
	return &r, err
}
