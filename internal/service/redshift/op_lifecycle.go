package redshift

import (
	"context"
	"strings"

	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/dbauth"
	"stepwell/internal/store"
)

var (
	whenAvailable = []string{"available"}
	whenPaused    = []string{"paused"}
)

// ModifyCluster changes settings of a cluster.
func (s *Service) ModifyCluster(ctx context.Context, in *api.ModifyClusterInput) (*api.ModifyClusterOutput, error) {
	switch {
	case in.NewClusterIdentifier != nil:
		return nil, awserr.NotImplemented("redshift:ModifyCluster with NewClusterIdentifier")
	case is(in.MultiAZ):
		return nil, awserr.NotImplemented("redshift:ModifyCluster with MultiAZ")
	case in.MasterUserPassword != nil && is(in.ManageMasterPassword):
		return nil, badCombination("You can't specify MasterUserPassword when ManageMasterPassword is true.")
	}
	if in.MasterUserPassword != nil {
		if err := checkPassword(*in.MasterUserPassword); err != nil {
			return nil, err
		}
	}
	password, secret, err := s.nowManaged(ctx, in)
	if err != nil {
		return nil, err
	}
	status := "modifying"
	x, err := s.change(ctx, *in.ClusterIdentifier, whenAvailable, func(tx *store.Tx, x *cluster) error {
		if in.NodeType != nil || in.NumberOfNodes != nil || in.ClusterType != nil {
			status = "resizing"
			if err := x.resize(in.NodeType, in.ClusterType, in.NumberOfNodes); err != nil {
				return err
			}
		}
		if secret != "" {
			x.Password, x.SecretARN = password, secret
		}
		if in.ClusterParameterGroupName != nil {
			if _, err := s.group(tx, x.Account, x.Region, *in.ClusterParameterGroupName); err != nil {
				return err
			}
		}
		if in.MasterUserPassword != nil {
			x.Password = dbauth.NewPassword(*in.MasterUserPassword)
			x.SecretARN = ""
		}
		x.modify(in)
		return s.enter(tx, x, status, "available")
	})
	if err != nil {
		return nil, err
	}
	return &api.ModifyClusterOutput{Cluster: s.shape(x)}, nil
}

// nowManaged makes the secret of a cluster whose password Redshift is to manage
// from now on; "" where it is not, or is already.
func (s *Service) nowManaged(ctx context.Context, in *api.ModifyClusterInput) (h dbauth.Password, secret string, err error) {
	if !is(in.ManageMasterPassword) {
		return h, "", nil
	}
	c := bus.From(ctx)
	var x *cluster
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		x, err = s.get(tx, c.Account, c.Region, *in.ClusterIdentifier)
		return err
	})
	if err != nil || x.SecretARN != "" {
		return h, "", err
	}
	return s.managedPassword(ctx, x)
}

// modify takes over what is kept and has no effect.
func (x *cluster) modify(in *api.ModifyClusterInput) {
	take(&x.ParameterGroup, in.ClusterParameterGroupName)
	take(&x.Maintenance, in.PreferredMaintenanceWindow)
	take(&x.Version, in.ClusterVersion)
	take(&x.Track, in.MaintenanceTrackName)
	take(&x.AllowUpgrade, in.AllowVersionUpgrade)
	take(&x.AutomatedRetention, in.AutomatedSnapshotRetentionPeriod)
	take(&x.ManualRetention, in.ManualSnapshotRetentionPeriod)
	take(&x.Public, in.PubliclyAccessible)
	take(&x.Encrypted, in.Encrypted)
	take(&x.EnhancedVpc, in.EnhancedVpcRouting)
	if in.KmsKeyId != nil {
		x.KmsKeyID = in.KmsKeyId
	}
	if in.AvailabilityZone != nil {
		x.AvailabilityZone = in.AvailabilityZone
	}
	if in.ClusterSecurityGroups != nil {
		x.SecurityGroups = in.ClusterSecurityGroups
	}
	if in.VpcSecurityGroupIds != nil {
		x.VpcSecurityGroups = in.VpcSecurityGroupIds
	}
}

// DeleteCluster removes a cluster with its data.
func (s *Service) DeleteCluster(ctx context.Context, in *api.DeleteClusterInput) (*api.DeleteClusterOutput, error) {
	named := text(in.FinalClusterSnapshotIdentifier) != ""
	switch skip := is(in.SkipFinalClusterSnapshot); {
	case skip && named:
		return nil, badCombination("FinalClusterSnapshotIdentifier cannot be specified when SkipFinalClusterSnapshot is true.")
	case !skip && !named:
		return nil, badCombination("FinalClusterSnapshotIdentifier is required unless SkipFinalClusterSnapshot is specified.")
	case named:
		return nil, awserr.NotImplemented("redshift:DeleteCluster with a final snapshot")
	}
	x, err := s.change(ctx, *in.ClusterIdentifier, []string{"available", "paused"}, func(tx *store.Tx, x *cluster) error {
		return s.enter(tx, x, "deleting", "gone")
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteClusterOutput{Cluster: s.shape(x)}, nil
}

// move takes a cluster from one of the states through a passing one.
func (s *Service) move(ctx context.Context, id string, from []string, status, next string) (*api.Cluster, error) {
	x, err := s.change(ctx, id, from, func(tx *store.Tx, x *cluster) error { return s.enter(tx, x, status, next) })
	if err != nil {
		return nil, err
	}
	return s.shape(x), nil
}

// PauseCluster makes a cluster refuse connections until it is resumed.
func (s *Service) PauseCluster(ctx context.Context, in *api.PauseClusterInput) (*api.PauseClusterOutput, error) {
	x, err := s.move(ctx, *in.ClusterIdentifier, whenAvailable, "pausing", "paused")
	return &api.PauseClusterOutput{Cluster: x}, err
}

// ResumeCluster ends a pause.
func (s *Service) ResumeCluster(ctx context.Context, in *api.ResumeClusterInput) (*api.ResumeClusterOutput, error) {
	x, err := s.move(ctx, *in.ClusterIdentifier, whenPaused, "resuming", "available")
	return &api.ResumeClusterOutput{Cluster: x}, err
}

// RebootCluster passes through rebooting; sessions stay.
func (s *Service) RebootCluster(ctx context.Context, in *api.RebootClusterInput) (*api.RebootClusterOutput, error) {
	x, err := s.move(ctx, *in.ClusterIdentifier, whenAvailable, "rebooting", "available")
	return &api.RebootClusterOutput{Cluster: x}, err
}

// DescribeLoggingStatus says that audit logging is off.
func (s *Service) DescribeLoggingStatus(ctx context.Context, in *api.DescribeLoggingStatusInput) (*api.DescribeLoggingStatusOutput, error) {
	_, err := s.DescribeClusters(ctx, &api.DescribeClustersInput{ClusterIdentifier: new(strings.ToLower(*in.ClusterIdentifier))})
	return &api.DescribeLoggingStatusOutput{LoggingEnabled: new(false)}, err
}
