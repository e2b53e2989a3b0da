package redshift

import (
	"context"
	"crypto/subtle"
	"slices"
	"strings"

	"stepwell/internal/dbauth"
	"stepwell/internal/sqlerr"
	"stepwell/internal/store"
)

// Login is what a client of the wire protocol gives at startup.
type Login struct {
	Database, User, Password string
	Cluster                  string // startup option cluster: NAME or ACCOUNT/REGION/NAME
	Loopback                 bool   // the connection does not leave the machine
}

// Grant is where a login leads.
type Grant struct {
	Account, Region, Cluster string
	Database, User           string
	Binding                  string   // of a cluster that is bound to another server
	Master                   bool     // the user is the cluster's master user
	AutoCreate               bool     // make the user where it does not exist
	Groups                   []string // to join for the session
}

// Authenticate finds the cluster of a login by the rules of the package comment
// and checks the password. Errors are *sqlerr.Error of severity FATAL.
func (s *Service) Authenticate(ctx context.Context, l Login) (Grant, error) {
	l.fill()
	var g Grant
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		candidates, err := s.candidates(tx, l)
		if err != nil {
			return err
		}
		for i := range candidates {
			x := &candidates[i]
			cred, ok, err := dbauth.Find(tx, x.place(), l.Password)
			if err != nil {
				return err
			}
			if ok && cred.Opens(l.Database, l.User) && s.Clock.Now().Before(cred.Expires) {
				g = grant(x, l.Database, cred.User)
				g.AutoCreate, g.Groups = cred.AutoCreate, cred.Groups
				return x.open()
			}
		}
		if x := s.byPassword(candidates, l); x != nil {
			g = grant(x, l.Database, l.User)
			return x.open()
		}
		x, err := s.byDatabase(ctx, candidates, l)
		if err != nil {
			return err
		}
		if !s.isHome(x) && l.Cluster == "" || x.ID != DefaultCluster || !l.Loopback {
			return fatal(sqlerr.InvalidPassword, "password authentication failed for user \"%s\"", l.User)
		}
		g = grant(x, l.Database, l.User)
		return x.open()
	})
	return g, err
}

// ClusterFor finds the cluster of a login whose password is not known yet.
func (s *Service) ClusterFor(ctx context.Context, l Login) (Grant, error) {
	l.fill()
	var g Grant
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		candidates, err := s.candidates(tx, l)
		if err != nil {
			return err
		}
		var newest dbauth.Credential
		var of *cluster
		for i := range candidates {
			x := &candidates[i]
			issued, err := dbauth.Issued(tx, x.Account, x.Region, x.ID)
			if err != nil {
				return err
			}
			for _, c := range issued {
				if c.Opens(l.Database, l.User) && s.Clock.Now().Before(c.Expires) && c.Expires.After(newest.Expires) {
					newest, of = c, x
				}
			}
		}
		if of != nil {
			g = grant(of, l.Database, newest.User)
			g.AutoCreate, g.Groups = newest.AutoCreate, newest.Groups
			return of.open()
		}
		if x, err := s.byMaster(ctx, candidates, l); x != nil || err != nil {
			if err == nil {
				g, err = grant(x, l.Database, l.User), x.open()
			}
			return err
		}
		x, err := s.byDatabase(ctx, candidates, l)
		if err != nil {
			return err
		}
		g = grant(x, l.Database, l.User)
		return x.open()
	})
	return g, err
}

func (l *Login) fill() {
	if l.User == "" {
		l.User = DefaultUser
	}
	if l.Database == "" {
		l.Database = DefaultDatabase
	}
}

func grant(x *cluster, database, user string) Grant {
	return Grant{Account: x.Account, Region: x.Region, Cluster: x.ID, Database: database, User: user,
		Binding: x.binding(), Master: user == x.user()}
}

func (x *cluster) open() error {
	switch {
	case x.available():
	case x.workgroup != "":
		return fatal(sqlerr.CannotConnectNow, "the workgroup %s is not available: it is %s", x.workgroup, x.Status)
	default:
		return fatal(sqlerr.CannotConnectNow, "the cluster %s is not available: it is %s", x.ID, x.Status)
	}
	return nil
}

func fatal(code, format string, args ...any) error {
	e := sqlerr.New(code, format, args...)
	e.Severity = "FATAL"
	return e
}

func (s *Service) isHome(x *cluster) bool {
	return x.Account == s.HomeAccount && x.Region == s.HomeRegion && x.ID == DefaultCluster
}

// candidates are the clusters a login may mean: the one it names, or all, the
// home one first.
func (s *Service) candidates(tx *store.Tx, l Login) ([]cluster, error) {
	if l.Cluster != "" {
		account, region, id := s.HomeAccount, s.HomeRegion, l.Cluster
		if parts := strings.Split(l.Cluster, "/"); len(parts) == 3 {
			account, region, id = parts[0], parts[1], parts[2]
		}
		if x, err := s.get(tx, account, region, id); err == nil {
			return []cluster{*x}, nil
		}
		serverless, err := s.namespaces(tx)
		i := slices.IndexFunc(serverless, func(x cluster) bool { return x.Account == account && x.Region == region && x.workgroup == id })
		if err == nil && i < 0 {
			err = fatal(sqlerr.InvalidAuthorization, "cluster \"%s\" does not exist", l.Cluster)
		}
		if err != nil {
			return nil, err
		}
		return serverless[i : i+1], nil
	}
	all, err := clusters.List(tx)
	if err != nil {
		return nil, err
	}
	issued, err := dbauth.Issued(tx)
	if err != nil {
		return nil, err
	}
	// Default clusters have no record until they are changed; their temporary
	// credentials have.
	places := map[dbauth.Place]bool{{Account: s.HomeAccount, Region: s.HomeRegion, ID: DefaultCluster}: true}
	for _, c := range issued {
		if c.Place.ID == DefaultCluster {
			places[c.Place] = true
		}
	}
	for _, x := range all {
		delete(places, x.place())
	}
	for p := range places {
		all = append(all, s.standard(p.Account, p.Region))
	}
	serverless, err := s.namespaces(tx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(append(all, serverless...), func(x cluster) bool { return x.Removed })
	slices.SortStableFunc(all, func(a, b cluster) int {
		switch {
		case s.isHome(&a) == s.isHome(&b):
			return strings.Compare(a.Account+a.Region+a.ID, b.Account+b.Region+b.ID)
		case s.isHome(&a):
			return -1
		}
		return 1
	})
	return all, nil
}

// namespaces are those of Redshift Serverless that have a workgroup, as clusters.
func (s *Service) namespaces(tx *store.Tx) ([]cluster, error) {
	if s.Namespaces == nil {
		return nil, nil
	}
	list, err := s.Namespaces(tx)
	if err != nil {
		return nil, err
	}
	all := make([]cluster, len(list))
	for i, n := range list {
		all[i] = cluster{Account: n.Account, Region: n.Region, ID: n.ID, Status: n.Status, DBName: n.Database, MasterUser: n.User, Password: n.Password,
			workgroup: n.Workgroup}
	}
	return all, nil
}

// byMaster finds the only cluster with the database whose master user is asking.
// There is none for the home cluster's.
func (s *Service) byMaster(ctx context.Context, candidates []cluster, l Login) (found *cluster, err error) {
	for i := range candidates {
		x := &candidates[i]
		if x.user() != l.User {
			continue
		}
		has, err := s.hasDatabase(ctx, x, l.Database)
		switch {
		case err != nil:
			return nil, err
		case !has:
		case s.isHome(x) || found != nil:
			return nil, nil
		default:
			found = x
		}
	}
	return found, nil
}

// byPassword finds the cluster whose master user and password were given.
func (s *Service) byPassword(candidates []cluster, l Login) *cluster {
	for i := range candidates {
		x := &candidates[i]
		if x.user() != l.User {
			continue
		}
		if x.Password.Fits(l.Password) {
			return x
		}
		if x.ID == DefaultCluster && len(x.Password.Hash) == 0 && s.DefaultPassword != "" &&
			subtle.ConstantTimeCompare([]byte(s.DefaultPassword), []byte(l.Password)) == 1 {
			return x
		}
	}
	return nil
}

// byDatabase finds the only cluster with the database, else the home one.
func (s *Service) byDatabase(ctx context.Context, candidates []cluster, l Login) (*cluster, error) {
	if len(candidates) == 0 {
		return nil, fatal(sqlerr.InvalidAuthorization, "there is no cluster")
	}
	home := &candidates[0]
	var found *cluster
	for i := range candidates {
		x := &candidates[i]
		has, err := s.hasDatabase(ctx, x, l.Database)
		switch {
		case err != nil:
			return nil, err
		case !has:
		case s.isHome(x):
			return x, nil
		case found != nil:
			return home, nil
		default:
			found = x
		}
	}
	if found == nil {
		return home, nil
	}
	return found, nil
}

func (s *Service) hasDatabase(ctx context.Context, x *cluster, name string) (bool, error) {
	if x.database() == name {
		return true, nil
	}
	if x.binding() != "" {
		return false, nil // asking would mean to connect
	}
	if s.Warehouse == nil || x.Status == "creating" {
		return false, nil
	}
	names, err := s.Warehouse.Databases(ctx, x.Account, x.Region, x.ID)
	return slices.Contains(names, name), err
}
