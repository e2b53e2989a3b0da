package server

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"stepwell/internal/pgwire"
	"stepwell/internal/service/redshift"
	"stepwell/internal/service/redshiftserverless"
	"stepwell/internal/sqlerr"
	"stepwell/internal/store"
	"stepwell/internal/warehouse"
)

// clusters is the warehouse as the Redshift service sees it.
type clusters struct{ warehouse *warehouse.Warehouse }

func (c clusters) CreateCluster(ctx context.Context, account, region, cluster, database, user string) error {
	id := warehouse.Identity{Account: account, Region: region, Cluster: cluster}
	names, err := c.warehouse.Databases(id)
	if err != nil {
		return err
	}
	if !slices.Contains(names, database) {
		if err := c.warehouse.CreateDatabase(ctx, id, database); err != nil {
			return err
		}
	}
	return createUser(ctx, c.warehouse, id, user, "createuser createdb")
}

func (c clusters) DropCluster(_ context.Context, account, region, cluster string) error {
	return c.warehouse.DropCluster(warehouse.Identity{Account: account, Region: region, Cluster: cluster})
}

func (c clusters) Databases(_ context.Context, account, region, cluster string) ([]string, error) {
	return c.warehouse.Databases(warehouse.Identity{Account: account, Region: region, Cluster: cluster})
}

// namespaces are those of Redshift Serverless, for the service that finds where
// a connection leads.
func (s *services) namespaces(tx *store.Tx) ([]redshift.Namespace, error) {
	list, err := s.serverless.Endpoints(tx)
	if err != nil {
		return nil, err
	}
	all := make([]redshift.Namespace, len(list))
	for i, e := range list {
		all[i] = redshift.Namespace{Account: e.Account, Region: e.Region, ID: redshiftserverless.Cluster(e.Namespace), Workgroup: e.Workgroup,
			Database: e.Database, User: e.Admin, Password: e.Password, Status: e.Status}
	}
	return all, nil
}

// createUser makes a database user unless there is one.
func createUser(ctx context.Context, w *warehouse.Warehouse, id warehouse.Identity, user, options string) error {
	id.User, id.Database = warehouse.DefaultUser, warehouse.DefaultDatabase
	if user == id.User {
		return nil
	}
	session, err := w.Session(ctx, id, nil)
	if err != nil {
		return err
	}
	defer session.Close()
	name := `"` + strings.ReplaceAll(user, `"`, `""`) + `"`
	err = session.Execute(ctx, "create user "+name+" password disable "+options, warehouse.Discard{})
	var e *sqlerr.Error
	if errors.As(err, &e) && e.Code == sqlerr.DuplicateObject {
		return nil
	}
	return err
}

// login is what a client gave at startup. Where signatures are verified, being
// on this machine is no password.
func (s *Server) login(c pgwire.Startup, password string) redshift.Login {
	l := redshift.Login{Database: c.Database, User: c.User, Password: password, Cluster: c.Parameters["cluster"]}
	if a, ok := c.Remote.(*net.TCPAddr); ok {
		l.Loopback = a.IP.IsLoopback() && !s.options.Auth
	}
	return l
}

// resolve finds the cluster that a Redshift connection speaks to.
func (s *Server) resolve(ctx context.Context, c pgwire.Startup) (warehouse.Identity, error) {
	g, err := s.granted(ctx, c)
	if err != nil {
		return warehouse.Identity{}, err
	}
	id := warehouse.Identity{Account: g.Account, Region: g.Region, Cluster: g.Cluster, Database: g.Database, User: g.User}
	if g.AutoCreate {
		return id, createUser(ctx, s.warehouse, id, g.User, "")
	}
	return id, nil
}

// granted is where a connection leads whose password, if one was asked for, has
// been checked.
func (s *Server) granted(ctx context.Context, c pgwire.Startup) (redshift.Grant, error) {
	if s.options.Auth {
		return s.services.redshift.Authenticate(ctx, s.login(c, c.Password))
	}
	return s.services.redshift.ClusterFor(ctx, s.login(c, ""))
}

// authenticator checks passwords where signatures are verified, too.
func (s *Server) authenticator() pgwire.Authenticator {
	if !s.options.Auth {
		return nil
	}
	return func(ctx context.Context, c pgwire.Startup, password string) error {
		_, err := s.services.redshift.Authenticate(ctx, s.login(c, password))
		return err
	}
}
