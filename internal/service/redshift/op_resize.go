package redshift

import (
	"context"
	"slices"

	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/awserr"
	"stepwell/internal/store"
)

// ResizeCluster keeps another size. It passes through "resizing", classic or
// elastic; the data stay where they are.
func (s *Service) ResizeCluster(ctx context.Context, in *api.ResizeClusterInput) (*api.ResizeClusterOutput, error) {
	if in.ReservedNodeId != nil || in.TargetReservedNodeOfferingId != nil {
		return nil, awserr.NotImplemented("redshift:ResizeCluster with reserved nodes")
	}
	x, err := s.change(ctx, *in.ClusterIdentifier, whenAvailable, func(tx *store.Tx, x *cluster) error {
		if err := x.resize(in.NodeType, in.ClusterType, in.NumberOfNodes); err != nil {
			return err
		}
		return s.enter(tx, x, "resizing", "available")
	})
	if err != nil {
		return nil, err
	}
	return &api.ResizeClusterOutput{Cluster: s.shape(x)}, nil
}

// resize sets the size that is asked for; what is not given stays as it is.
func (x *cluster) resize(nodeType, kind *string, number *int64) error {
	if nodeType != nil && !slices.Contains(nodeTypes, *nodeType) {
		return badValue("Invalid node type: %s", *nodeType)
	}
	take(&x.NodeType, nodeType)
	switch {
	case number == nil && text(kind) == "single-node":
		number = new(int64(1))
	case number == nil:
		number = &x.Nodes
	}
	return x.size(kind, number)
}

// ModifyClusterIamRoles changes the roles that COPY, UNLOAD and external schemas
// can name.
func (s *Service) ModifyClusterIamRoles(ctx context.Context, in *api.ModifyClusterIamRolesInput) (*api.ModifyClusterIamRolesOutput, error) {
	x, err := s.change(ctx, *in.ClusterIdentifier, whenAvailable, func(tx *store.Tx, x *cluster) error {
		x.IamRoles = slices.DeleteFunc(slices.Clone(x.IamRoles), func(r string) bool { return slices.Contains(in.RemoveIamRoles, r) })
		for _, role := range in.AddIamRoles {
			if !slices.Contains(x.IamRoles, role) {
				x.IamRoles = append(x.IamRoles, role)
			}
		}
		if in.DefaultIamRoleArn != nil {
			if *in.DefaultIamRoleArn != "" && !slices.Contains(x.IamRoles, *in.DefaultIamRoleArn) {
				return badValue("The IAM role %s is not associated with the cluster.", *in.DefaultIamRoleArn)
			}
			x.DefaultIamRole = in.DefaultIamRoleArn
		}
		return s.enter(tx, x, "modifying", "available")
	})
	if err != nil {
		return nil, err
	}
	return &api.ModifyClusterIamRolesOutput{Cluster: s.shape(x)}, nil
}
