package secretsmanagertype

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	redshiftapi "stepwell/internal/awsapi/redshift"
	serverlessapi "stepwell/internal/awsapi/redshiftserverless"
	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// attachment adds to a secret where its database is, in the members that "JSON
// structure of AWS Secrets Manager secrets" of the Secrets Manager user guide
// names.
func attachment() resource.Type {
	return resource.Type{
		Name:       "AWS::SecretsManager::SecretTargetAttachment",
		Required:   []string{"SecretId", "TargetId", "TargetType"},
		Attributes: []string{"Id"},
		Replaces:   func(r *resource.Request) bool { return r.Changed("SecretId") },
		Create:     attach,
		Update:     attach,
		Delete:     detach,
	}
}

// connectionMembers are what an attachment adds.
var connectionMembers = []string{"engine", "host", "port", "dbname", "dbClusterIdentifier", "namespaceName"}

func attach(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	target, err := connection(ctx, r, r.Text("TargetType"), r.Text("TargetId"))
	if err != nil {
		return nil, err
	}
	return rewrite(ctx, r, r.Text("SecretId"), target)
}

// rewrite makes a version of the secret whose connection members are the given ones.
func rewrite(ctx context.Context, r *resource.Request, id string, members map[string]any) (*resource.Made, error) {
	out, err := bus.Invoke[api.GetSecretValueOutput](ctx, r.Bus, service, "GetSecretValue", &api.GetSecretValueInput{SecretId: &id})
	if err != nil {
		return nil, err
	}
	var value map[string]any
	if out.SecretString == nil || decode(*out.SecretString, &value) != nil || value == nil {
		return nil, fmt.Errorf("the secret %s must be a JSON object to be attached to a database", id)
	}
	was, err := text(value)
	if err != nil {
		return nil, err
	}
	for _, name := range connectionMembers {
		delete(value, name)
	}
	for name, v := range members {
		value[name] = v
	}
	is, err := text(value)
	if err != nil {
		return nil, err
	}
	if *is != *was {
		if _, err := r.Bus.Invoke(ctx, service, "PutSecretValue", &api.PutSecretValueInput{SecretId: &id, SecretString: is}); err != nil {
			return nil, err
		}
	}
	return made(*out.ARN), nil
}

// decode reads JSON and keeps numbers as they are written.
func decode(text string, into any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return d.Decode(into)
}

// connection says where a database is.
func connection(ctx context.Context, r *resource.Request, kind, id string) (map[string]any, error) {
	members := map[string]any{"engine": "redshift"}
	switch kind {
	case "AWS::Redshift::Cluster":
		out, err := bus.Invoke[redshiftapi.DescribeClustersOutput](ctx, r.Bus, "redshift", "DescribeClusters", &redshiftapi.DescribeClustersInput{ClusterIdentifier: &id})
		if err != nil {
			return nil, err
		}
		c := out.Clusters[0]
		members["dbClusterIdentifier"], members["dbname"] = *c.ClusterIdentifier, *c.DBName
		if c.Endpoint != nil {
			members["host"], members["port"] = *c.Endpoint.Address, *c.Endpoint.Port
		}
		return members, nil
	case "AWS::RedshiftServerless::Namespace":
		out, err := bus.Invoke[serverlessapi.GetNamespaceOutput](ctx, r.Bus, "redshift-serverless", "GetNamespace", &serverlessapi.GetNamespaceInput{NamespaceName: &id})
		if err != nil {
			return nil, err
		}
		members["namespaceName"], members["dbname"] = *out.Namespace.NamespaceName, *out.Namespace.DbName
		return members, workgroupEndpoint(ctx, r, id, members)
	}
	return nil, awserr.NotImplemented("AWS::SecretsManager::SecretTargetAttachment with TargetType " + kind)
}

// workgroupEndpoint adds the endpoint of the namespace's workgroup, if it has one.
func workgroupEndpoint(ctx context.Context, r *resource.Request, namespace string, members map[string]any) error {
	var next *string
	for {
		out, err := bus.Invoke[serverlessapi.ListWorkgroupsOutput](ctx, r.Bus, "redshift-serverless", "ListWorkgroups", &serverlessapi.ListWorkgroupsInput{NextToken: next})
		if err != nil {
			return err
		}
		for _, w := range out.Workgroups {
			if *w.NamespaceName == namespace && w.Endpoint != nil && w.Endpoint.Address != nil {
				members["host"], members["port"] = *w.Endpoint.Address, *w.Endpoint.Port
				return nil
			}
		}
		if next = out.NextToken; next == nil {
			return nil
		}
	}
}

// detach takes the connection members out of the secret again, if it is there.
func detach(ctx context.Context, r *resource.Request) error {
	_, err := rewrite(ctx, r, r.ID, nil)
	return resource.Unless(err, "ResourceNotFoundException", "InvalidRequestException")
}
