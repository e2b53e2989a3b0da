package redshiftserverless

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	api "stepwell/internal/awsapi/redshiftserverless"
	"stepwell/internal/bus"
	"stepwell/internal/dbauth"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// The service's records, by account, region and name.
var (
	namespaces = store.NewTable[namespace]("redshift_serverless_namespaces")
	workgroups = store.NewTable[workgroup]("redshift_serverless_workgroups")
)

type namespace struct {
	Account, Region, Name, ID string
	Status                    string
	DBName, Admin             string
	Password                  dbauth.Password `json:",omitzero"`
	SecretARN                 string          `json:",omitempty"`
	SecretKmsKey              *string         `json:",omitempty"`
	KmsKey                    *string         `json:",omitempty"`
	DefaultIamRole            *string         `json:",omitempty"`
	IamRoles                  []string        `json:",omitempty"`
	LogExports                []string        `json:",omitempty"`
	Created                   time.Time
	Tags                      []api.Tag `json:",omitempty"`
}

type workgroup struct {
	Account, Region, Name, ID string
	Namespace                 string
	Status                    string
	Capacity                  int64
	MaxCapacity               *int64                `json:",omitempty"`
	Parameters                []api.ConfigParameter `json:",omitempty"` // as set by users
	EnhancedVpc, Public       bool                  `json:",omitempty"`
	SecurityGroups, Subnets   []string              `json:",omitempty"`
	Created                   time.Time
	Tags                      []api.Tag `json:",omitempty"`
}

// The states.
const (
	available = "AVAILABLE"
	creating  = "CREATING"
	modifying = "MODIFYING"
	deleting  = "DELETING"
)

func (n *namespace) place() dbauth.Place {
	return dbauth.Place{Account: n.Account, Region: n.Region, ID: Cluster(n.Name)}
}

func (n *namespace) arn() string {
	return bus.Caller{Account: n.Account, Region: n.Region}.ARN("redshift-serverless", "namespace/"+n.ID)
}

func (w *workgroup) arn() string {
	return bus.Caller{Account: w.Account, Region: w.Region}.ARN("redshift-serverless", "workgroup/"+w.ID)
}

func (n *namespace) put(tx *store.Tx) error {
	return namespaces.Put(tx, *n, n.Account, n.Region, n.Name)
}

func (w *workgroup) put(tx *store.Tx) error {
	return workgroups.Put(tx, *w, w.Account, w.Region, w.Name)
}

// connectable is the state in the words of a cluster's.
func (w *workgroup) connectable() string {
	if w.Status == modifying {
		return "available"
	}
	return strings.ToLower(w.Status)
}

func findNamespace(tx *store.Tx, c bus.Caller, name string) (*namespace, error) {
	n, ok, err := namespaces.Get(tx, c.Account, c.Region, name)
	if err == nil && !ok {
		err = noNamespace(name)
	}
	return &n, err
}

func findWorkgroup(tx *store.Tx, c bus.Caller, name string) (*workgroup, error) {
	w, ok, err := workgroups.Get(tx, c.Account, c.Region, name)
	if err == nil && !ok {
		err = noWorkgroup(name)
	}
	return &w, err
}

// attached is the workgroup of a namespace, nil where it has none.
func attached(tx *store.Tx, c bus.Caller, name string) (*workgroup, error) {
	list, err := workgroups.List(tx, c.Account, c.Region)
	for i := range list {
		if list[i].Namespace == name {
			return &list[i], err
		}
	}
	return nil, err
}

// passing is the payload of a task: whose passing state it ends. Workgroup is ""
// for a namespace.
type passing struct{ Account, Region, Namespace, Workgroup string }

func (s *Service) enter(tx *store.Tx, p passing) error {
	payload, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return s.Work.Submit(tx, work.Task{Kind: Kind, ID: s.IDs.UUID(), Payload: payload, RunAt: s.Clock.Now().Add(transition),
		Caller: bus.Caller{Account: p.Account, Region: p.Region, Source: "redshift-serverless"}})
}

// pass is the task that ends a passing state.
func (s *Service) pass(ctx context.Context, t *work.Task) error {
	var p passing
	if err := json.Unmarshal(t.Payload, &p); err != nil {
		return fmt.Errorf("cannot read transition %s: %w", t.ID, err)
	}
	ctx = bus.With(context.WithoutCancel(ctx), t.Caller)
	if p.Workgroup == "" {
		return s.removeNamespace(ctx, p)
	}
	var n *namespace
	var w *workgroup
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		if w, err = findWorkgroup(tx, t.Caller, p.Workgroup); err == nil {
			n, err = findNamespace(tx, t.Caller, p.Namespace)
		}
		return err
	})
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if w.Status == creating && s.Warehouse != nil {
		if err := s.Warehouse.CreateCluster(ctx, p.Account, p.Region, Cluster(n.Name), n.DBName, n.Admin); err != nil {
			return err
		}
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		w, err := findWorkgroup(tx, t.Caller, p.Workgroup)
		switch {
		case isMissing(err):
			return nil
		case err != nil:
			return err
		case w.Status == deleting:
			_, err := workgroups.Delete(tx, w.Account, w.Region, w.Name)
			return err
		}
		w.Status = available
		return w.put(tx)
	})
}

// removeNamespace ends the deletion of a namespace: its data go, then its secret,
// credentials and record.
func (s *Service) removeNamespace(ctx context.Context, p passing) error {
	c := bus.From(ctx)
	var n *namespace
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		n, err = findNamespace(tx, c, p.Namespace)
		return err
	})
	if isMissing(err) || err == nil && n.Status != deleting {
		return nil
	}
	if err != nil {
		return err
	}
	if s.Warehouse != nil {
		if err := s.Warehouse.DropCluster(ctx, p.Account, p.Region, Cluster(n.Name)); err != nil {
			return err
		}
	}
	if err := s.dropSecret(ctx, n); err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := dbauth.Withdraw(tx, n.place()); err != nil {
			return err
		}
		_, err := namespaces.Delete(tx, n.Account, n.Region, n.Name)
		return err
	})
}
