package redshift

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/bus"
	"stepwell/internal/dbauth"
	"stepwell/internal/store"
)

// The service's records, all keyed by account and region first.
var (
	clusters = store.NewTable[cluster]("redshift_clusters")          // identifier
	groups   = store.NewTable[parameterGroup]("redshift_parameters") // name
	subnets  = store.NewTable[subnetGroup]("redshift_subnet_groups") // name
)

// cluster is a provisioned cluster.
type cluster struct {
	Account, Region, ID string
	Status              string // as DescribeClusters shows it
	Next                string `json:",omitempty"` // status once the passing one is over; "gone" after deleting
	Rename              string `json:",omitempty"` // identifier once it is
	Removed             bool   `json:",omitempty"` // the default cluster was deleted
	DBName              string
	MasterUser          string
	Password            dbauth.Password `json:",omitzero"`
	SecretARN           string          `json:",omitempty"`
	NodeType            string
	Nodes               int64
	Created             time.Time
	Tags                []api.Tag `json:",omitempty"`
	IamRoles            []string  `json:",omitempty"`
	DefaultIamRole      *string   `json:",omitempty"`
	SecurityGroups      []string  `json:",omitempty"`
	VpcSecurityGroups   []string  `json:",omitempty"`
	ParameterGroup      string
	SubnetGroup         *string `json:",omitempty"`
	AvailabilityZone    *string `json:",omitempty"`
	Maintenance         string
	Version             string
	Track               string
	AllowUpgrade        bool
	AutomatedRetention  int64
	ManualRetention     int64
	Public              bool    `json:",omitempty"`
	Encrypted           bool    `json:",omitempty"`
	KmsKeyID            *string `json:",omitempty"`
	EnhancedVpc         bool    `json:",omitempty"`

	workgroup string // of a namespace of Redshift Serverless
}

type parameterGroup struct {
	Account, Region, Name, Family, Description string
	Tags                                       []api.Tag         `json:",omitempty"`
	Values                                     map[string]string `json:",omitempty"` // as set by users
}

type subnetGroup struct {
	Account, Region, Name, Description string
	Subnets                            []string
	Tags                               []api.Tag `json:",omitempty"`
}

func (x *cluster) put(tx *store.Tx) error { return clusters.Put(tx, *x, x.Account, x.Region, x.ID) }

func (x *cluster) place() dbauth.Place {
	return dbauth.Place{Account: x.Account, Region: x.Region, ID: x.ID}
}

func (x *cluster) arn() string {
	return bus.Caller{Account: x.Account, Region: x.Region}.ARN("redshift", "cluster:"+x.ID)
}

// namespace is the cluster's namespace: the same for the same cluster always.
func (x *cluster) namespace() string {
	id := uuid.NewSHA1(uuid.NameSpaceURL, []byte(x.arn()))
	return bus.Caller{Account: x.Account, Region: x.Region}.ARN("redshift", "namespace:"+id.String())
}

// available reports whether the cluster takes connections.
func (x *cluster) available() bool {
	return slices.Contains([]string{"available", "modifying", "renaming", "rebooting", "resizing"}, x.Status)
}

// standard is the cluster an account and region have from the start.
func (s *Service) standard(account, region string) cluster {
	return cluster{Account: account, Region: region, ID: DefaultCluster, Status: "available", DBName: DefaultDatabase, MasterUser: DefaultUser,
		NodeType: "ra3.large", Nodes: 1, Created: s.started, ParameterGroup: defaultGroup, Maintenance: "sun:03:00-sun:03:30",
		Version: "1.0", Track: "current", AllowUpgrade: true, AutomatedRetention: 1, ManualRetention: -1}
}

// get finds a cluster, the default one too.
func (s *Service) get(tx *store.Tx, account, region, id string) (*cluster, error) {
	x, ok, err := clusters.Get(tx, account, region, id)
	switch {
	case err != nil:
		return nil, err
	case ok && !x.Removed:
		return &x, nil
	case !ok && id == DefaultCluster:
		x = s.standard(account, region)
		return &x, nil
	}
	return nil, noCluster(id)
}

// all lists the clusters of an account and region by identifier.
func (s *Service) all(tx *store.Tx, account, region string) ([]cluster, error) {
	list, err := clusters.List(tx, account, region)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(list, func(x cluster) bool { return x.ID == DefaultCluster }) {
		list = append(list, s.standard(account, region))
	}
	list = slices.DeleteFunc(list, func(x cluster) bool { return x.Removed })
	slices.SortFunc(list, func(a, b cluster) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

// change runs f on a cluster that rests in one of the states and keeps what it
// made of it.
func (s *Service) change(ctx context.Context, id string, states []string, f func(*store.Tx, *cluster) error) (*cluster, error) {
	c := bus.From(ctx)
	var x *cluster
	err := s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if x, err = s.get(tx, c.Account, c.Region, id); err != nil {
			return err
		}
		if !slices.Contains(states, x.Status) {
			return busyCluster()
		}
		if err := f(tx, x); err != nil {
			return err
		}
		return x.put(tx)
	})
	return x, err
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

func is(p *bool) bool { return p != nil && *p }
