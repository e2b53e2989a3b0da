// Package redshiftserverlesstype holds the resource types of Amazon Redshift
// Serverless: namespaces and workgroups.
//
// Package types lists them; nothing else imports it.
package redshiftserverlesstype

import (
	"context"
	"time"

	api "stepwell/internal/awsapi/redshiftserverless"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types.
func Types() []resource.Type { return []resource.Type{namespace(), workgroup()} }

const (
	service = "redshift-serverless"
	pause   = 250 * time.Millisecond // between looks at a passing state
	limit   = time.Hour
)

func namespace() resource.Type {
	return resource.Type{
		Name:     "AWS::RedshiftServerless::Namespace",
		Required: []string{"NamespaceName"},
		Optional: []string{"AdminPasswordSecretKmsKeyId", "AdminUserPassword", "AdminUsername", "DbName", "DefaultIamRoleArn", "IamRoles",
			"KmsKeyId", "LogExports", "ManageAdminPassword", "Tags"},
		Refused: []string{"FinalSnapshotName", "FinalSnapshotRetentionPeriod", "NamespaceResourcePolicy", "RedshiftIdcApplicationArn", "SnapshotCopyConfigurations"},
		Attributes: []string{"Namespace.AdminPasswordSecretArn", "Namespace.AdminPasswordSecretKmsKeyId", "Namespace.AdminUsername", "Namespace.CreationDate",
			"Namespace.DbName", "Namespace.DefaultIamRoleArn", "Namespace.IamRoles", "Namespace.KmsKeyId", "Namespace.LogExports", "Namespace.NamespaceArn",
			"Namespace.NamespaceId", "Namespace.NamespaceName", "Namespace.Status"},
		Replacement: []string{"DbName", "NamespaceName", "Tags"},
		Create:      createNamespace,
		Update:      updateNamespace,
		Delete:      deleteNamespace,
	}
}

func createNamespace(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &api.CreateNamespaceInput{}
	if err := resource.Decode(r.Properties, in, map[string]string{"Tags": ""}); err != nil {
		return nil, err
	}
	if err := resource.Decode(map[string]any{"Tags": r.OwnTags()}, in, nil); err != nil {
		return nil, err
	}
	_, err := r.Bus.Invoke(ctx, service, "CreateNamespace", in)
	if err != nil && !(r.Again && resource.Is(err, "ConflictException")) {
		return nil, err
	}
	return shownNamespace(ctx, r, *in.NamespaceName)
}

func shownNamespace(ctx context.Context, r *resource.Request, name string) (*resource.Made, error) {
	out, err := bus.Invoke[api.GetNamespaceOutput](ctx, r.Bus, service, "GetNamespace", &api.GetNamespaceInput{NamespaceName: &name})
	if err != nil {
		return &resource.Made{ID: name}, err
	}
	n := out.Namespace
	m := &resource.Made{ID: name, Attributes: map[string]any{"Namespace.CreationDate": n.CreationDate.UTC().Format(time.RFC3339Nano),
		"Namespace.IamRoles": resource.List(n.IamRoles), "Namespace.LogExports": resource.List(n.LogExports)}}
	for attribute, value := range map[string]*string{"AdminPasswordSecretArn": n.AdminPasswordSecretArn, "AdminPasswordSecretKmsKeyId": n.AdminPasswordSecretKmsKeyId,
		"AdminUsername": n.AdminUsername, "DbName": n.DbName, "DefaultIamRoleArn": n.DefaultIamRoleArn, "KmsKeyId": n.KmsKeyId, "NamespaceArn": n.NamespaceArn,
		"NamespaceId": n.NamespaceId, "NamespaceName": n.NamespaceName, "Status": n.Status} {
		if value == nil {
			value = new("")
		}
		m.Attributes["Namespace."+attribute] = *value
	}
	return m, nil
}

func updateNamespace(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	changes := map[string]any{}
	for _, name := range []string{"AdminPasswordSecretKmsKeyId", "AdminUserPassword", "AdminUsername", "DefaultIamRoleArn", "IamRoles", "KmsKeyId", "LogExports",
		"ManageAdminPassword"} {
		if r.Changed(name) {
			changes[name] = r.Properties[name]
		}
	}
	for _, name := range []string{"IamRoles", "LogExports"} {
		if r.Changed(name) && r.Properties[name] == nil {
			changes[name] = []any{}
		}
	}
	in := &api.UpdateNamespaceInput{NamespaceName: &r.ID}
	if err := resource.Decode(changes, in, nil); err != nil {
		return nil, err
	}
	if _, err := r.Bus.Invoke(ctx, service, "UpdateNamespace", in); err != nil {
		return nil, err
	}
	return shownNamespace(ctx, r, r.ID)
}

// deleteNamespace removes the namespace with its data and waits until it is gone.
func deleteNamespace(ctx context.Context, r *resource.Request) error {
	_, err := r.Bus.Invoke(ctx, service, "DeleteNamespace", &api.DeleteNamespaceInput{NamespaceName: &r.ID})
	if err != nil && !resource.Is(err, "ConflictException") {
		return resource.Unless(err, "ResourceNotFoundException")
	}
	refused := err
	err = r.Wait(ctx, pause, limit, func() (bool, error) {
		out, err := bus.Invoke[api.GetNamespaceOutput](ctx, r.Bus, service, "GetNamespace", &api.GetNamespaceInput{NamespaceName: &r.ID})
		if err == nil && *out.Namespace.Status != "DELETING" {
			err = refused
		}
		return false, err
	})
	return resource.Unless(err, "ResourceNotFoundException")
}
