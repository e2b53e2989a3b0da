// Package redshifttype holds the resource types of Amazon Redshift: clusters,
// cluster subnet groups and cluster parameter groups. What the service has not
// (scheduled actions, EC2-Classic security groups, endpoints, ...) is not there.
//
// Package types lists them; nothing else imports it.
package redshifttype

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	api "stepwell/internal/awsapi/redshift"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types.
func Types() []resource.Type { return []resource.Type{cluster(), subnetGroup(), parameterGroup()} }

const (
	service = "redshift"
	pause   = 250 * time.Millisecond // between looks at a passing state
	limit   = time.Hour
)

// refused are documented properties of a cluster that the service cannot honour.
var refused = []string{"DeferMaintenanceDuration", "DeferMaintenanceEndTime", "DeferMaintenanceIdentifier", "DeferMaintenanceStartTime", "DestinationRegion",
	"HsmClientCertificateIdentifier", "HsmConfigurationIdentifier", "LoggingProperties", "NamespaceResourcePolicy", "OwnerAccount", "RevisionTarget",
	"SnapshotClusterIdentifier", "SnapshotCopyGrantName", "SnapshotCopyRetentionPeriod", "SnapshotIdentifier"}

// never are properties that it honours where they are false.
var never = []string{"Classic", "DeferMaintenance", "MultiAZ", "RotateEncryptionKey", "SnapshotCopyManual"}

// kept are the properties that members of CreateCluster take over.
var kept = []string{"AllowVersionUpgrade", "AquaConfigurationStatus", "AutomatedSnapshotRetentionPeriod", "AvailabilityZone", "AvailabilityZoneRelocation",
	"ClusterIdentifier", "ClusterParameterGroupName", "ClusterSecurityGroups", "ClusterSubnetGroupName", "ClusterVersion", "ElasticIp", "Encrypted",
	"EnhancedVpcRouting", "IamRoles", "KmsKeyId", "MaintenanceTrackName", "ManageMasterPassword", "ManualSnapshotRetentionPeriod",
	"MasterPasswordSecretKmsKeyId", "MasterUserPassword", "NumberOfNodes", "Port", "PreferredMaintenanceWindow", "PubliclyAccessible", "Tags",
	"VpcSecurityGroupIds"}

func cluster() resource.Type {
	return resource.Type{
		Name:        "AWS::Redshift::Cluster",
		Required:    []string{"ClusterType", "DBName", "MasterUsername", "NodeType"},
		Optional:    slices.Concat(kept, never, []string{"AvailabilityZoneRelocationStatus", "ResourceAction"}),
		Refused:     refused,
		Attributes:  []string{"ClusterNamespaceArn", "Endpoint.Address", "Endpoint.Port", "Id", "MasterPasswordSecretArn"},
		Replacement: []string{"ClusterIdentifier", "ClusterSubnetGroupName", "DBName", "MasterUsername"},
		Create:      createCluster,
		Update:      updateCluster,
		Delete:      deleteCluster,
	}
}

// refuse fails where the template asks for what is never there.
func refuse(r *resource.Request) error {
	for _, name := range never {
		if text := r.Text(name); text != "" && text != "false" {
			return awserr.NotImplemented("AWS::Redshift::Cluster property " + name)
		}
	}
	return nil
}

func createCluster(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if err := refuse(r); err != nil {
		return nil, err
	}
	in := &api.CreateClusterInput{}
	properties := r.Only(slices.Concat(kept, []string{"ClusterType", "DBName", "MasterUsername", "NodeType"})...)
	properties["Tags"] = r.AllTags()
	if err := resource.Decode(properties, in, nil); err != nil {
		return nil, err
	}
	in.ClusterIdentifier = new(strings.ToLower(r.Name("ClusterIdentifier", 63)))
	_, err := r.Bus.Invoke(ctx, service, "CreateCluster", in)
	if err != nil && !(r.Again && resource.Is(err, "ClusterAlreadyExists")) {
		return nil, err
	}
	return settled(ctx, r, *in.ClusterIdentifier, act(r))
}

// settled waits until the cluster is available, does what then is to be done,
// and waits for that.
func settled(ctx context.Context, r *resource.Request, id string, steps ...func(context.Context, *api.Cluster) error) (*resource.Made, error) {
	ours := &resource.Made{ID: id}
	for _, step := range steps {
		c, err := rested(ctx, r, id)
		if err != nil {
			return ours, err
		}
		if err := step(ctx, c); err != nil {
			return ours, err
		}
	}
	c, err := rested(ctx, r, id)
	if err != nil {
		return ours, err
	}
	return madeCluster(c), nil
}

func madeCluster(c *api.Cluster) *resource.Made {
	m := &resource.Made{ID: *c.ClusterIdentifier, Attributes: map[string]any{"Id": *c.ClusterIdentifier, "MasterPasswordSecretArn": ""}}
	if c.ClusterNamespaceArn != nil {
		m.Attributes["ClusterNamespaceArn"] = *c.ClusterNamespaceArn
	}
	if c.MasterPasswordSecretArn != nil {
		m.Attributes["MasterPasswordSecretArn"] = *c.MasterPasswordSecretArn
	}
	if c.Endpoint != nil {
		m.Attributes["Endpoint.Address"], m.Attributes["Endpoint.Port"] = *c.Endpoint.Address, strconv.FormatInt(*c.Endpoint.Port, 10)
	}
	return m
}

// rested waits until the cluster is in no passing state.
func rested(ctx context.Context, r *resource.Request, id string) (*api.Cluster, error) {
	var c api.Cluster
	return &c, r.Wait(ctx, pause, limit, func() (bool, error) {
		out, err := bus.Invoke[api.DescribeClustersOutput](ctx, r.Bus, service, "DescribeClusters", &api.DescribeClustersInput{ClusterIdentifier: &id})
		if err != nil {
			return false, err
		}
		c = out.Clusters[0]
		switch *c.ClusterStatus {
		case "available", "paused":
			return true, nil
		case "deleting":
			return false, fmt.Errorf("the cluster %s is being deleted", id)
		}
		return false, nil
	})
}

// act is what ResourceAction asks for.
func act(r *resource.Request) func(context.Context, *api.Cluster) error {
	return func(ctx context.Context, c *api.Cluster) (err error) {
		switch action := r.Text("ResourceAction"); {
		case action == "pause-cluster" && *c.ClusterStatus == "available":
			_, err = r.Bus.Invoke(ctx, service, "PauseCluster", &api.PauseClusterInput{ClusterIdentifier: c.ClusterIdentifier})
		case action == "resume-cluster" && *c.ClusterStatus == "paused":
			_, err = r.Bus.Invoke(ctx, service, "ResumeCluster", &api.ResumeClusterInput{ClusterIdentifier: c.ClusterIdentifier})
		case action != "" && !slices.Contains([]string{"pause-cluster", "resume-cluster"}, action):
			err = awserr.NotImplemented("AWS::Redshift::Cluster property ResourceAction " + action)
		}
		return err
	}
}

// modified are the properties that ModifyCluster changes.
var modified = []string{"AllowVersionUpgrade", "AutomatedSnapshotRetentionPeriod", "AvailabilityZone", "AvailabilityZoneRelocation", "ClusterParameterGroupName",
	"ClusterSecurityGroups", "ClusterType", "ClusterVersion", "ElasticIp", "Encrypted", "EnhancedVpcRouting", "KmsKeyId", "MaintenanceTrackName",
	"ManageMasterPassword", "ManualSnapshotRetentionPeriod", "MasterPasswordSecretKmsKeyId", "MasterUserPassword", "NodeType", "NumberOfNodes", "Port",
	"PreferredMaintenanceWindow", "PubliclyAccessible", "VpcSecurityGroupIds"}

func updateCluster(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if err := refuse(r); err != nil {
		return nil, err
	}
	changes := map[string]any{}
	for _, name := range modified {
		if r.Changed(name) {
			changes[name] = r.Properties[name]
		}
	}
	if removed := r.Properties["NumberOfNodes"] == nil && r.Changed("NumberOfNodes"); removed || r.Changed("ClusterType") {
		changes["ClusterType"] = r.Properties["ClusterType"]
		changes["NumberOfNodes"] = r.Properties["NumberOfNodes"]
	}
	return settled(ctx, r, r.ID,
		func(ctx context.Context, c *api.Cluster) error {
			if len(changes) == 0 {
				return nil
			}
			in := &api.ModifyClusterInput{ClusterIdentifier: &r.ID}
			if err := resource.Decode(changes, in, nil); err != nil {
				return err
			}
			_, err := r.Bus.Invoke(ctx, service, "ModifyCluster", in)
			return err
		},
		func(ctx context.Context, c *api.Cluster) error { return roles(ctx, r, c) },
		func(ctx context.Context, c *api.Cluster) error {
			name := *c.ClusterNamespaceArn // its account and region are the cluster's
			arn := name[:strings.Index(name, "namespace:")] + "cluster:" + r.ID
			return retag(ctx, r, arn)
		},
		act(r))
}

// roles makes the cluster's roles those of the request.
func roles(ctx context.Context, r *resource.Request, c *api.Cluster) error {
	if !r.Changed("IamRoles") {
		return nil
	}
	in := &api.ModifyClusterIamRolesInput{ClusterIdentifier: &r.ID}
	if r.Properties["IamRoles"] != nil {
		in.AddIamRoles = resource.Texts(r.Properties["IamRoles"])
	}
	for _, has := range c.IamRoles {
		if !slices.Contains(in.AddIamRoles, *has.IamRoleArn) {
			in.RemoveIamRoles = append(in.RemoveIamRoles, *has.IamRoleArn)
		}
	}
	_, err := r.Bus.Invoke(ctx, service, "ModifyClusterIamRoles", in)
	return err
}

// retag sets the changed tags of what the ARN names.
func retag(ctx context.Context, r *resource.Request, arn string) error {
	return r.Retag(ctx, service, &api.CreateTagsInput{ResourceName: &arn}, &api.DeleteTagsInput{ResourceName: &arn}, nil)
}

// deleteCluster removes the cluster with its data, once it rests, and waits
// until it is gone.
func deleteCluster(ctx context.Context, r *resource.Request) error {
	err := r.Wait(ctx, pause, limit, func() (bool, error) {
		_, err := r.Bus.Invoke(ctx, service, "DeleteCluster", &api.DeleteClusterInput{ClusterIdentifier: &r.ID, SkipFinalClusterSnapshot: new(true)})
		if resource.Is(err, "InvalidClusterState") {
			return false, nil // creating, say, or being deleted
		}
		return err == nil, err
	})
	if err != nil {
		return resource.Unless(err, "ClusterNotFound")
	}
	err = r.Wait(ctx, pause, limit, func() (bool, error) {
		_, err := r.Bus.Invoke(ctx, service, "DescribeClusters", &api.DescribeClustersInput{ClusterIdentifier: &r.ID})
		return false, err
	})
	return resource.Unless(err, "ClusterNotFound")
}
