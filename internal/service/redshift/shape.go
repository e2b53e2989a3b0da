package redshift

import (
	"slices"
	"strconv"
	"strings"

	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/paging"
)

// shape is the cluster as the API shows it.
func (s *Service) shape(x *cluster) *api.Cluster {
	kind := "current"
	if x.Track != "" {
		kind = x.Track
	}
	out := &api.Cluster{
		ClusterIdentifier: &x.ID, NodeType: &x.NodeType, NumberOfNodes: &x.Nodes, ClusterStatus: &x.Status, MasterUsername: new(x.user()),
		DBName: new(x.database()), ClusterCreateTime: &x.Created, AutomatedSnapshotRetentionPeriod: &x.AutomatedRetention,
		ManualSnapshotRetentionPeriod: &x.ManualRetention, ClusterSubnetGroupName: x.SubnetGroup, AvailabilityZone: x.AvailabilityZone,
		PreferredMaintenanceWindow: &x.Maintenance, ClusterVersion: &x.Version, AllowVersionUpgrade: &x.AllowUpgrade,
		PubliclyAccessible: &x.Public, Encrypted: &x.Encrypted, KmsKeyId: x.KmsKeyID, EnhancedVpcRouting: &x.EnhancedVpc,
		MaintenanceTrackName: &kind, ClusterNamespaceArn: new(x.namespace()), DefaultIamRoleArn: x.DefaultIamRole,
		ClusterAvailabilityStatus: new(availability(x.Status)), PendingModifiedValues: &api.PendingModifiedValues{},
		ClusterSecurityGroups: []api.ClusterSecurityGroupMembership{}, VpcSecurityGroups: []api.VpcSecurityGroupMembership{},
		ClusterParameterGroups: []api.ClusterParameterGroupStatus{{ParameterGroupName: &x.ParameterGroup, ParameterApplyStatus: new("in-sync")}},
		Tags:                   x.Tags, IamRoles: []api.ClusterIamRole{}, DeferredMaintenanceWindows: []api.DeferredMaintenanceWindow{},
		MultiAZ: new("Disabled"), AvailabilityZoneRelocationStatus: new("disabled"),
		AquaConfiguration: &api.AquaConfiguration{AquaStatus: new("disabled"), AquaConfigurationStatus: new("auto")},
	}
	if x.AvailabilityZone == nil {
		out.AvailabilityZone = new(x.Region + "a")
	}
	if x.SecretARN != "" {
		out.MasterPasswordSecretArn = &x.SecretARN
	}
	if x.Rename != "" {
		out.PendingModifiedValues.ClusterIdentifier = &x.Rename
	}
	if x.Status != "creating" {
		out.Endpoint = &api.Endpoint{Address: &s.Host, Port: new(int64(s.Port))}
		out.ClusterNodes = nodes(x.Nodes)
	}
	for _, g := range x.SecurityGroups {
		out.ClusterSecurityGroups = append(out.ClusterSecurityGroups, api.ClusterSecurityGroupMembership{ClusterSecurityGroupName: &g, Status: new("active")})
	}
	for _, g := range x.VpcSecurityGroups {
		out.VpcSecurityGroups = append(out.VpcSecurityGroups, api.VpcSecurityGroupMembership{VpcSecurityGroupId: &g, Status: new("active")})
	}
	for _, role := range x.IamRoles {
		out.IamRoles = append(out.IamRoles, api.ClusterIamRole{IamRoleArn: &role, ApplyStatus: new("in-sync")})
	}
	return out
}

func availability(status string) string {
	switch status {
	case "available":
		return "Available"
	case "creating", "modifying", "rebooting", "resizing", "resuming", "renaming":
		return "Modifying"
	}
	return "Unavailable"
}

func nodes(n int64) []api.ClusterNode {
	if n == 1 {
		return []api.ClusterNode{{NodeRole: new("SHARED"), PrivateIPAddress: new("127.0.0.1")}}
	}
	list := []api.ClusterNode{{NodeRole: new("LEADER"), PrivateIPAddress: new("127.0.0.1")}}
	for i := range n {
		list = append(list, api.ClusterNode{NodeRole: new("COMPUTE-" + strconv.FormatInt(i, 10)), PrivateIPAddress: new("127.0.0.1")})
	}
	return list
}

// paged cuts a page out of all, 100 entries where the request does not say, and
// sorts all by key.
func paged[T any](all []T, key func(*T) string, marker *string, size *int64) (shown []T, next *string, err error) {
	if size != nil && (*size < 20 || *size > 100) {
		return nil, nil, badValue("Invalid value %d for MaxRecords. Must be between 20 and 100", *size)
	}
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(key(&a), key(&b)) })
	shown, next, err = paging.Cut(all, key, marker, paging.Size(size, 100))
	if err != nil {
		return nil, nil, badValue("Invalid Marker: %s", *marker)
	}
	return shown, next, nil
}

// tagged reports whether tags have one of the keys and one of the values asked for.
func tagged(tags []api.Tag, keys, values []string) bool {
	has := func(want []string, of func(api.Tag) *string) bool {
		return len(want) == 0 || slices.ContainsFunc(tags, func(t api.Tag) bool { return slices.Contains(want, text(of(t))) })
	}
	return has(keys, func(t api.Tag) *string { return t.Key }) && has(values, func(t api.Tag) *string { return t.Value })
}
