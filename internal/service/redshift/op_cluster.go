package redshift

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	api "stepwell/internal/awsapi/redshift"
	secretsapi "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/dbauth"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

var (
	identifier = regexp.MustCompile(`^[a-z]([a-z0-9]*(-[a-z0-9]+)*)$`)
	userName   = regexp.MustCompile(`^[a-z][a-z0-9_+.@-]{0,127}$`)
	database   = regexp.MustCompile(`^[a-z_][a-z0-9_$]{0,63}$`)
	nodeTypes  = []string{"dc2.large", "dc2.8xlarge", "ra3.large", "ra3.xlplus", "ra3.4xlarge", "ra3.16xlarge", "rg.xlarge", "rg.4xlarge"}
)

// CreateCluster makes a cluster.
func (s *Service) CreateCluster(ctx context.Context, in *api.CreateClusterInput) (*api.CreateClusterOutput, error) {
	c := bus.From(ctx)
	x, err := s.planned(c, in)
	if err != nil {
		return nil, err
	}
	if err := checkTags(ctx, in.Tags); err != nil {
		return nil, err
	}
	if err := s.vacant(ctx, x); err != nil {
		return nil, err
	}
	if is(in.ManageMasterPassword) {
		if x.Password, x.SecretARN, err = s.managedPassword(ctx, x); err != nil {
			return nil, err
		}
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := s.fitsIn(tx, x); err != nil {
			return err
		}
		return s.enter(tx, x, "creating", "available")
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateClusterOutput{Cluster: s.shape(x)}, nil
}

// planned checks the request and makes the cluster it asks for.
func (s *Service) planned(c bus.Caller, in *api.CreateClusterInput) (*cluster, error) {
	x := s.standard(c.Account, c.Region)
	x.ID, x.Created, x.NodeType, x.MasterUser = strings.ToLower(*in.ClusterIdentifier), s.Clock.Now(), *in.NodeType, *in.MasterUsername
	switch {
	case len(x.ID) > 63 || !identifier.MatchString(x.ID):
		return nil, badIdentifier("ClusterIdentifier")
	case !slices.Contains(nodeTypes, x.NodeType):
		return nil, badValue("Invalid node type: %s", x.NodeType)
	case !userName.MatchString(x.MasterUser) || x.MasterUser == "public":
		return nil, badValue("The parameter MasterUsername is not a valid user name: %s", x.MasterUser)
	case in.HsmConfigurationIdentifier != nil || in.HsmClientCertificateIdentifier != nil:
		return nil, awserr.NotImplemented("redshift:CreateCluster with an HSM")
	case is(in.MultiAZ):
		return nil, awserr.NotImplemented("redshift:CreateCluster with MultiAZ")
	case in.MasterUserPassword != nil && is(in.ManageMasterPassword):
		return nil, badCombination("You can't specify MasterUserPassword when ManageMasterPassword is true.")
	case in.MasterUserPassword == nil && !is(in.ManageMasterPassword):
		return nil, badCombination("Either MasterUserPassword or ManageMasterPassword must be specified.")
	}
	if in.DBName != nil {
		if x.DBName = strings.ToLower(*in.DBName); !database.MatchString(x.DBName) {
			return nil, badValue("The parameter DBName is not a valid database name: %s", *in.DBName)
		}
	}
	if in.MasterUserPassword != nil {
		if err := checkPassword(*in.MasterUserPassword); err != nil {
			return nil, err
		}
		x.Password = dbauth.NewPassword(*in.MasterUserPassword)
	}
	if err := x.size(in.ClusterType, in.NumberOfNodes); err != nil {
		return nil, err
	}
	x.options(in)
	return &x, nil
}

// options takes over what is kept and has no effect.
func (x *cluster) options(in *api.CreateClusterInput) {
	x.Tags, x.IamRoles, x.DefaultIamRole = in.Tags, in.IamRoles, in.DefaultIamRoleArn
	x.SecurityGroups, x.VpcSecurityGroups = in.ClusterSecurityGroups, in.VpcSecurityGroupIds
	x.SubnetGroup, x.AvailabilityZone, x.KmsKeyID = in.ClusterSubnetGroupName, in.AvailabilityZone, in.KmsKeyId
	x.Public, x.Encrypted, x.EnhancedVpc = is(in.PubliclyAccessible), is(in.Encrypted), is(in.EnhancedVpcRouting)
	take(&x.ParameterGroup, in.ClusterParameterGroupName)
	take(&x.Maintenance, in.PreferredMaintenanceWindow)
	take(&x.Version, in.ClusterVersion)
	take(&x.Track, in.MaintenanceTrackName)
	take(&x.AllowUpgrade, in.AllowVersionUpgrade)
	take(&x.AutomatedRetention, in.AutomatedSnapshotRetentionPeriod)
	take(&x.ManualRetention, in.ManualSnapshotRetentionPeriod)
}

func take[T any](to *T, given *T) {
	if given != nil {
		*to = *given
	}
}

// size sets the number of nodes a type and number ask for.
func (x *cluster) size(kind *string, number *int64) error {
	n := int64(1)
	if number != nil {
		n = *number
	}
	switch text(kind) {
	case "multi-node":
		if n < 2 {
			return badCombination("Number of nodes for cluster type multi-node must be greater than or equal to 2")
		}
	case "single-node":
		if n != 1 {
			return badCombination("Number of nodes for cluster type single-node must be equal to 1")
		}
	case "":
	default:
		return badValue("Invalid cluster type: %s", *kind)
	}
	if n < 1 || n > 100 {
		return badValue("Invalid number of nodes: %d", n)
	}
	x.Nodes = n
	return nil
}

func checkPassword(p string) error {
	has := func(f func(rune) bool) bool { return strings.IndexFunc(p, f) >= 0 }
	switch {
	case len(p) < 8:
		return badValue("The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters.")
	case len(p) > 64:
		return badValue("The parameter MasterUserPassword is not a valid password because it is longer than 64 characters.")
	case has(func(r rune) bool { return r < 33 || r > 126 || strings.ContainsRune(`'"\/@`, r) }):
		return badValue("The parameter MasterUserPassword is not a valid password. Only printable ASCII characters except for '/', '@', '\"', ' ', '\\', ''' may be used.")
	case !has(unicode.IsUpper):
		return badValue("The parameter MasterUserPassword must contain at least one upper case letter.")
	case !has(unicode.IsLower):
		return badValue("The parameter MasterUserPassword must contain at least one lower case letter.")
	case !has(unicode.IsDigit):
		return badValue("The parameter MasterUserPassword must contain at least one number.")
	}
	return nil
}

// vacant refuses an identifier that is taken, before anything is made for it.
func (s *Service) vacant(ctx context.Context, x *cluster) error {
	return s.Store.View(ctx, func(tx *store.Tx) error { return s.fitsIn(tx, x) })
}

// fitsIn checks a new cluster against what is there.
func (s *Service) fitsIn(tx *store.Tx, x *cluster) error {
	if _, err := s.get(tx, x.Account, x.Region, x.ID); err == nil {
		return api.ClusterAlreadyExistsFault("Cluster already exists")
	} else if awserr.From(err) == nil {
		return err
	}
	if _, err := s.group(tx, x.Account, x.Region, x.ParameterGroup); err != nil {
		return err
	}
	if x.SubnetGroup != nil && *x.SubnetGroup != "default" {
		if _, ok, err := subnets.Get(tx, x.Account, x.Region, *x.SubnetGroup); err != nil || !ok {
			if err == nil {
				err = noSubnetGroup(*x.SubnetGroup)
			}
			return err
		}
	}
	return nil
}

// managedPassword makes a master password and keeps it in a secret, as Redshift
// does: redshift!IDENTIFIER-USER.
func (s *Service) managedPassword(ctx context.Context, x *cluster) (dbauth.Password, string, error) {
	if s.Bus == nil {
		return dbauth.Password{}, "", awserr.NotImplemented("redshift:ManageMasterPassword")
	}
	password := dbauth.Generate()
	value, err := json.Marshal(map[string]any{"username": x.MasterUser, "password": password, "engine": "redshift", "host": s.Host,
		"port": s.Port, "dbName": x.DBName, "dbClusterIdentifier": x.ID, "namespaceArn": x.namespace()})
	if err != nil {
		return dbauth.Password{}, "", err
	}
	out, err := bus.Invoke[secretsapi.CreateSecretOutput](ctx, s.Bus, "secretsmanager", "CreateSecret", &secretsapi.CreateSecretInput{
		Name: new("redshift!" + x.ID + "-" + x.MasterUser), SecretString: new(string(value)),
		Description: new("Secret associated with primary Amazon Redshift cluster: " + x.arn())})
	if err != nil {
		return dbauth.Password{}, "", err
	}
	return dbauth.NewPassword(password), *out.ARN, nil
}

// dropSecret removes the secret of a managed password with its cluster.
func (s *Service) dropSecret(ctx context.Context, x *cluster) error {
	if x.SecretARN == "" || s.Bus == nil {
		return nil
	}
	ctx = bus.With(ctx, bus.Caller{Account: x.Account, Region: x.Region, Source: "redshift"})
	_, err := s.Bus.Invoke(ctx, "secretsmanager", "DeleteSecret", &secretsapi.DeleteSecretInput{SecretId: &x.SecretARN, ForceDeleteWithoutRecovery: new(true)})
	if e := awserr.From(err); e != nil && e.Code == "ResourceNotFoundException" {
		return nil
	}
	return err
}

// enter puts the cluster into a passing state and arranges for its end.
func (s *Service) enter(tx *store.Tx, x *cluster, status, next string) error {
	x.Status, x.Next = status, next
	if err := x.put(tx); err != nil {
		return err
	}
	payload, err := json.Marshal(x.place())
	if err != nil {
		return err
	}
	return s.Work.Submit(tx, work.Task{Kind: Kind, ID: s.IDs.UUID(), Payload: payload, RunAt: s.Clock.Now().Add(transition),
		Caller: bus.Caller{Account: x.Account, Region: x.Region, Source: "redshift"}})
}

// pass is the task that ends a passing state.
func (s *Service) pass(ctx context.Context, t *work.Task) error {
	var p dbauth.Place
	if err := json.Unmarshal(t.Payload, &p); err != nil {
		return fmt.Errorf("cannot read transition %s: %w", t.ID, err)
	}
	ctx = context.WithoutCancel(ctx)
	var x cluster
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		x, _, err = clusters.Get(tx, p.Account, p.Region, p.ID)
		return err
	})
	if err != nil || x.Next == "" {
		return err
	}
	if s.Warehouse != nil {
		switch {
		case x.Next == "gone":
			err = s.Warehouse.DropCluster(ctx, x.Account, x.Region, x.ID)
		case x.Status == "creating":
			err = s.Warehouse.CreateCluster(ctx, x.Account, x.Region, x.ID, x.DBName, x.MasterUser)
		}
		if err != nil {
			return err
		}
	}
	if x.Next == "gone" {
		if err := s.dropSecret(ctx, &x); err != nil {
			return err
		}
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error { return s.rest(tx, p) })
}

// rest ends a passing state in the records.
func (s *Service) rest(tx *store.Tx, p dbauth.Place) error {
	x, ok, err := clusters.Get(tx, p.Account, p.Region, p.ID)
	if err != nil || !ok || x.Next == "" {
		return err
	}
	if x.Next == "gone" {
		if err := dbauth.Withdraw(tx, p); err != nil {
			return err
		}
		if x.ID == DefaultCluster {
			x.Removed, x.Next = true, ""
			return x.put(tx)
		}
		_, err := clusters.Delete(tx, x.Account, x.Region, x.ID)
		return err
	}
	x.Status, x.Next = x.Next, ""
	return x.put(tx)
}

// DescribeClusters shows one cluster or those with the tags asked for.
func (s *Service) DescribeClusters(ctx context.Context, in *api.DescribeClustersInput) (*api.DescribeClustersOutput, error) {
	c := bus.From(ctx)
	out := &api.DescribeClustersOutput{Clusters: []api.Cluster{}}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		if in.ClusterIdentifier != nil {
			x, err := s.get(tx, c.Account, c.Region, *in.ClusterIdentifier)
			if err == nil {
				out.Clusters = append(out.Clusters, *s.shape(x))
			}
			return err
		}
		list, err := s.all(tx, c.Account, c.Region)
		if err != nil {
			return err
		}
		list = slices.DeleteFunc(list, func(x cluster) bool { return !tagged(x.Tags, in.TagKeys, in.TagValues) })
		shown, next, err := paged(list, func(x *cluster) string { return x.ID }, in.Marker, in.MaxRecords)
		for i := range shown {
			out.Clusters = append(out.Clusters, *s.shape(&shown[i]))
		}
		out.Marker = next
		return err
	})
	return out, err
}
