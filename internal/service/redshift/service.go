package redshift

import (
	"context"
	"log/slog"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/dbauth"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// The cluster that every account and region has.
const (
	DefaultCluster  = "stepwell"
	DefaultDatabase = "dev"
	DefaultUser     = "awsuser"
)

// Kind is the kind of the tasks that end a cluster's passing states.
const Kind = "redshift.transition"

// transition is how long a cluster is in a passing state (creating, ...).
const transition = time.Second

// Deps is what the service is built from.
type Deps struct {
	Store *store.Store
	Clock clock.Clock
	Bus   bus.Invoker // for ManageMasterPassword; nil refuses that
	IDs   bus.IDs
	Work  *work.Engine
	Log   *slog.Logger

	Host string // of the wire listener, as clients reach it
	Port int    // of the wire listener

	// Warehouse is told of clusters that are made and removed; nil tells nobody.
	Warehouse Warehouse

	// Namespaces lists the namespaces of Redshift Serverless that connections
	// reach; nil: there are none.
	Namespaces func(*store.Tx) ([]Namespace, error)

	// HomeAccount and HomeRegion are where a wire connection goes that nothing
	// else places; "" means the bus's defaults.
	HomeAccount, HomeRegion string
	// DefaultPassword is the master password of the default clusters. Where it
	// is "" they accept loopback connections, and temporary credentials.
	DefaultPassword string
}

// Warehouse is what the service tells the SQL engine.
type Warehouse interface {
	// CreateCluster makes the cluster's first database, owned by the user. A
	// database that exists is left as it is.
	CreateCluster(ctx context.Context, account, region, cluster, database, user string) error
	// DropCluster removes a cluster with its data.
	DropCluster(ctx context.Context, account, region, cluster string) error
	// Databases lists the databases of a cluster.
	Databases(ctx context.Context, account, region, cluster string) ([]string, error)
}

// Namespace is a namespace of Redshift Serverless with its workgroup, as far as
// a connection is concerned.
type Namespace struct {
	Account, Region string
	ID              string // of the cluster of the warehouse that holds it
	Workgroup       string // which the startup option cluster may name
	Database, User  string // the first database, and the administrator
	Password        dbauth.Password
	Status          string // available, or what it is instead
}

// Service is the Redshift management service.
type Service struct {
	Deps
	started time.Time // when the default clusters were made, as they show it
}

// New returns the service; Register must be called before the engine starts.
func New(d Deps) *Service {
	s := &Service{Deps: d}
	if s.HomeAccount == "" {
		s.HomeAccount = bus.DefaultAccount
	}
	if s.HomeRegion == "" {
		s.HomeRegion = bus.DefaultRegion
	}
	if d.Clock != nil {
		s.started = d.Clock.Now().Truncate(time.Millisecond)
	}
	return s
}

// Register gives the engine the service's kind of task.
func (s *Service) Register(e *work.Engine) {
	e.Handle(Kind, work.Kind{Run: s.pass, Resume: work.Rerun})
}
