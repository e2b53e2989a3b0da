package redshiftdata

import (
	"context"
	"encoding/json"
	"strings"

	redshiftapi "stepwell/internal/awsapi/redshift"
	api "stepwell/internal/awsapi/redshiftdata"
	serverlessapi "stepwell/internal/awsapi/redshiftserverless"
	secretsapi "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/dbauth"
	"stepwell/internal/remote"
)

// access is what requests say about where to connect and as whom.
type access struct {
	Cluster, Workgroup, Database, User, Secret *string
}

// credentials are the members of a database secret the Data API reads
// ("Storing database credentials in AWS Secrets Manager").
type credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Cluster  string `json:"dbClusterIdentifier"`
}

func has(p *string) bool { return p != nil && *p != "" }

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// resolve checks the combination of members and finds the endpoint.
func (s *Service) resolve(ctx context.Context, a access) (Target, error) {
	c := bus.From(ctx)
	t := Target{Account: c.Account, Region: c.Region, Cluster: text(a.Cluster), Workgroup: text(a.Workgroup),
		Database: text(a.Database), User: text(a.User)}
	switch {
	case t.Cluster != "" && t.Workgroup != "":
		return t, api.ValidationException("Only one of ClusterIdentifier or WorkgroupName can be specified.")
	case has(a.Secret) && t.User != "":
		return t, api.ValidationException("Only one of DbUser or SecretArn can be specified.")
	case t.Workgroup != "" && t.User != "":
		return t, api.ValidationException("DbUser can't be specified with WorkgroupName.")
	case t.Database == "":
		return t, api.ValidationException("Database name must be specified.")
	}
	if has(a.Secret) {
		t.Secret = *a.Secret
		if err := s.fromSecret(ctx, *a.Secret, &t); err != nil {
			return t, err
		}
	}
	switch {
	case t.Cluster == "" && t.Workgroup == "":
		return t, api.ValidationException("Either ClusterIdentifier or WorkgroupName needs to be specified.")
	case t.User == "":
		t.User = dbauth.IAMUser(c.Principal)
	}
	if t.Workgroup != "" {
		return t, s.findWorkgroup(ctx, &t)
	}
	return t, s.findCluster(ctx, &t)
}

// fromSecret fills in the user and, where it is absent, the cluster.
func (s *Service) fromSecret(ctx context.Context, id string, t *Target) error {
	out, err := bus.Invoke[secretsapi.GetSecretValueOutput](ctx, s.Bus, "secretsmanager", "GetSecretValue",
		&secretsapi.GetSecretValueInput{SecretId: &id})
	if e := awserr.From(err); e != nil {
		return api.ValidationException("%s", e.Message)
	} else if err != nil {
		return err
	}
	var cred credentials
	if err := json.Unmarshal([]byte(text(out.SecretString)), &cred); err != nil || cred.Username == "" {
		return api.ValidationException("Secret %s must be a JSON object with username and password.", id)
	}
	t.User = cred.Username
	switch {
	case t.Workgroup != "":
	case t.Cluster == "":
		t.Cluster = cred.Cluster
	case cred.Cluster != "" && cred.Cluster != t.Cluster:
		return api.ValidationException("ClusterIdentifier does not match the cluster of the secret.")
	}
	return nil
}

// findCluster checks that the cluster takes statements and takes over its binding.
func (s *Service) findCluster(ctx context.Context, t *Target) error {
	out, err := bus.Invoke[redshiftapi.DescribeClustersOutput](ctx, s.Bus, "redshift", "DescribeClusters",
		&redshiftapi.DescribeClustersInput{ClusterIdentifier: &t.Cluster})
	if e := awserr.From(err); e != nil && e.Status != 501 {
		return noEndpoint()
	} else if err != nil {
		return err
	}
	if len(out.Clusters) == 0 {
		return noEndpoint()
	}
	t.Binding, t.Master = binding(out.Clusters[0].Tags), t.User == text(out.Clusters[0].MasterUsername)
	switch status := text(out.Clusters[0].ClusterStatus); status {
	case "available", "modifying", "rebooting", "renaming", "resizing", "available, prep-for-resize":
		return nil
	default:
		return api.ValidationException("The cluster %s is not available: its status is %s.", t.Cluster, status)
	}
}

func binding(tags []redshiftapi.Tag) string {
	for _, t := range tags {
		if text(t.Key) == remote.TagKey {
			return text(t.Value)
		}
	}
	return ""
}

// findWorkgroup checks that the workgroup takes statements. The name of a bound
// cluster passes for one.
func (s *Service) findWorkgroup(ctx context.Context, t *Target) error {
	c := *t
	c.Cluster = t.Workgroup
	if err := s.findCluster(ctx, &c); err == nil && c.Binding != "" {
		t.Binding, t.Master = c.Binding, c.Master
		return nil
	}
	if strings.HasPrefix(t.Workgroup, "arn:") {
		if err := s.nameWorkgroup(ctx, t); err != nil {
			return err
		}
	}
	out, err := bus.Invoke[serverlessapi.GetWorkgroupOutput](ctx, s.Bus, "redshift-serverless", "GetWorkgroup",
		&serverlessapi.GetWorkgroupInput{WorkgroupName: &t.Workgroup})
	if e := awserr.From(err); e != nil && e.Status != 501 {
		return noEndpoint()
	} else if err != nil {
		return err
	}
	switch status := text(out.Workgroup.Status); status {
	case "AVAILABLE", "MODIFYING":
		t.Namespace, t.WorkgroupARN = text(out.Workgroup.NamespaceName), text(out.Workgroup.WorkgroupArn)
		return nil
	default:
		return api.ValidationException("The workgroup %s is not available: its status is %s.", t.Workgroup, status)
	}
}

// nameWorkgroup finds the name of a workgroup that the request gives by its ARN,
// which has an id instead.
func (s *Service) nameWorkgroup(ctx context.Context, t *Target) error {
	in := &serverlessapi.ListWorkgroupsInput{}
	for {
		out, err := bus.Invoke[serverlessapi.ListWorkgroupsOutput](ctx, s.Bus, "redshift-serverless", "ListWorkgroups", in)
		if err != nil {
			return err
		}
		for _, w := range out.Workgroups {
			if text(w.WorkgroupArn) == t.Workgroup {
				t.Workgroup = text(w.WorkgroupName)
				return nil
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return noEndpoint()
		}
	}
}
