package redshiftserverless

import (
	"context"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/dbauth"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// What a namespace has that does not say otherwise.
const (
	defaultDatabase = "dev"
	defaultAdmin    = "admin"
	defaultCapacity = 128 // RPUs
)

// Kind is the kind of the tasks that end passing states.
const Kind = "redshift-serverless.transition"

// transition is how long a passing state takes.
const transition = time.Second

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	Bus   bus.Invoker // for ManageAdminPassword
	IDs   bus.IDs
	Work  *work.Engine

	Host string // of the wire listener, as clients reach it
	Port int    // of the wire listener

	Warehouse Warehouse // told of namespaces; nil tells nobody
}

// Warehouse is what the service tells the SQL engine.
type Warehouse interface {
	// CreateCluster makes a cluster's database and user; what exists is left.
	CreateCluster(ctx context.Context, account, region, cluster, database, user string) error
	// DropCluster removes a cluster with its data.
	DropCluster(ctx context.Context, account, region, cluster string) error
}

// Service is Redshift Serverless.
type Service struct{ Deps }

// New returns the service; Register must be called before the engine starts.
func New(d Deps) *Service { return &Service{d} }

// Register gives the engine the service's kind of task.
func (s *Service) Register(e *work.Engine) {
	e.Handle(Kind, work.Kind{Run: s.pass, Resume: work.Rerun})
}

// Cluster is the cluster of the warehouse that holds a namespace. No provisioned
// cluster has such a name.
func Cluster(namespace string) string { return "serverless." + namespace }

// Endpoint is a workgroup as a connection sees it.
type Endpoint struct {
	Account, Region, Namespace, Workgroup string
	Database, Admin                       string
	Password                              dbauth.Password
	Status                                string // available, creating, ...
}

// Endpoints lists the workgroups of all accounts and regions.
func (s *Service) Endpoints(tx *store.Tx) ([]Endpoint, error) {
	list, err := workgroups.List(tx)
	if err != nil {
		return nil, err
	}
	var all []Endpoint
	for _, w := range list {
		n, ok, err := namespaces.Get(tx, w.Account, w.Region, w.Namespace)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, Endpoint{w.Account, w.Region, n.Name, w.Name, n.DBName, n.Admin, n.Password, w.connectable()})
		}
	}
	return all, nil
}
