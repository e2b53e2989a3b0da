package redshiftserverless

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/redshiftserverless"
	secretsapi "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/dbauth"
	"stepwell/internal/store"
)

var (
	validName = regexp.MustCompile(`^[a-z0-9-]{3,64}$`)
	validWord = regexp.MustCompile(`^[a-zA-Z][a-zA-Z_0-9+.@-]{0,126}$`)
)

// CreateNamespace makes a namespace.
func (s *Service) CreateNamespace(ctx context.Context, in *api.CreateNamespaceInput) (*api.CreateNamespaceOutput, error) {
	c := bus.From(ctx)
	n := namespace{Account: c.Account, Region: c.Region, Name: *in.NamespaceName, ID: s.IDs.UUID(), Status: available, DBName: defaultDatabase,
		Admin: defaultAdmin, Created: s.Clock.Now().UTC(), Tags: in.Tags, KmsKey: in.KmsKeyId, DefaultIamRole: in.DefaultIamRoleArn, IamRoles: in.IamRoles,
		LogExports: in.LogExports}
	if !validName.MatchString(n.Name) {
		return nil, invalid("The namespace name must be 3 to 64 characters of lower case letters, numbers and hyphens: %s", n.Name)
	}
	if in.DbName != nil {
		if n.DBName = strings.ToLower(*in.DbName); !validWord.MatchString(n.DBName) {
			return nil, invalid("The database name %s is not valid.", *in.DbName)
		}
	}
	if (in.AdminUserPassword != nil) != (in.AdminUsername != nil) && !is(in.ManageAdminPassword) {
		return nil, invalid("adminUsername and adminUserPassword must be specified together.")
	}
	if err := checkTags(c, in.Tags); err != nil {
		return nil, err
	}
	if err := s.Store.View(ctx, func(tx *store.Tx) error { return vacantNamespace(tx, &n) }); err != nil {
		return nil, err
	}
	if err := s.administer(ctx, &n, in.AdminUsername, in.AdminUserPassword, in.ManageAdminPassword, in.AdminPasswordSecretKmsKeyId); err != nil {
		return nil, err
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := vacantNamespace(tx, &n); err != nil {
			return err
		}
		return n.put(tx)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateNamespaceOutput{Namespace: n.shape()}, nil
}

func vacantNamespace(tx *store.Tx, n *namespace) error {
	_, taken, err := namespaces.Get(tx, n.Account, n.Region, n.Name)
	if err == nil && taken {
		err = api.ConflictException("Serverless namespace %s already exists.", n.Name)
	}
	return err
}

func is(p *bool) bool { return p != nil && *p }

// administer sets the administrator and the password that is given or that the
// service is to keep in a secret.
func (s *Service) administer(ctx context.Context, n *namespace, user, password *string, manage *bool, key *string) error {
	if user != nil {
		if n.Admin = *user; !validWord.MatchString(n.Admin) || strings.EqualFold(n.Admin, "public") {
			return invalid("The administrator's user name %s is not valid.", n.Admin)
		}
	}
	switch {
	case is(manage) && password != nil:
		return invalid("adminUserPassword can't be specified when manageAdminPassword is true.")
	case key != nil && !is(manage) && n.SecretARN == "":
		return invalid("adminPasswordSecretKmsKeyId can only be specified when manageAdminPassword is true.")
	case password != nil:
		if !validPassword(*password) {
			return invalid("The administrator's password must be 8 to 64 printable ASCII characters other than /, @, \", ', \\ and space, with at least one upper case letter, one lower case letter and one number.")
		}
		n.Password, n.SecretARN = dbauth.NewPassword(*password), ""
	case is(manage) && n.SecretARN == "":
		n.SecretKmsKey = key
		return s.keepPassword(ctx, n)
	}
	return nil
}

func validPassword(p string) bool {
	kinds := [3]bool{}
	for _, r := range p {
		switch {
		case r < 33 || r > 126 || strings.ContainsRune(`'"\/@`, r):
			return false
		case r >= 'A' && r <= 'Z':
			kinds[0] = true
		case r >= 'a' && r <= 'z':
			kinds[1] = true
		case r >= '0' && r <= '9':
			kinds[2] = true
		}
	}
	return len(p) >= 8 && len(p) <= 64 && kinds == [3]bool{true, true, true}
}

// keepPassword makes a password and keeps it in a secret, redshift!NAMESPACE-USER.
func (s *Service) keepPassword(ctx context.Context, n *namespace) error {
	password := dbauth.Generate()
	value, err := json.Marshal(map[string]any{"username": n.Admin, "password": password, "engine": "redshift", "host": s.Host,
		"port": s.Port, "dbName": n.DBName, "namespaceName": n.Name})
	if err != nil {
		return err
	}
	out, err := bus.Invoke[secretsapi.CreateSecretOutput](ctx, s.Bus, "secretsmanager", "CreateSecret", &secretsapi.CreateSecretInput{
		Name: new("redshift!" + n.Name + "-" + n.Admin), SecretString: new(string(value)), KmsKeyId: n.SecretKmsKey,
		Description: new("Secret associated with primary Amazon Redshift namespace: " + n.arn())})
	if err != nil {
		return err
	}
	n.Password, n.SecretARN = dbauth.NewPassword(password), *out.ARN
	return nil
}

func (s *Service) dropSecret(ctx context.Context, n *namespace) error {
	if n.SecretARN == "" {
		return nil
	}
	_, err := s.Bus.Invoke(ctx, "secretsmanager", "DeleteSecret", &secretsapi.DeleteSecretInput{SecretId: &n.SecretARN, ForceDeleteWithoutRecovery: new(true)})
	if isMissing(err) {
		return nil
	}
	return err
}

func (n *namespace) shape() *api.Namespace {
	out := &api.Namespace{AdminUsername: &n.Admin, CreationDate: &n.Created, DbName: &n.DBName, DefaultIamRoleArn: n.DefaultIamRole,
		IamRoles: orEmpty(n.IamRoles), KmsKeyId: n.KmsKey, LogExports: orEmpty(n.LogExports), NamespaceArn: new(n.arn()), NamespaceId: &n.ID,
		NamespaceName: &n.Name, Status: &n.Status}
	if n.KmsKey == nil {
		out.KmsKeyId = new("AWS_OWNED_KMS_KEY")
	}
	if n.SecretARN != "" {
		out.AdminPasswordSecretArn, out.AdminPasswordSecretKmsKeyId = &n.SecretARN, n.SecretKmsKey
	}
	return out
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// GetNamespace shows a namespace.
func (s *Service) GetNamespace(ctx context.Context, in *api.GetNamespaceInput) (*api.GetNamespaceOutput, error) {
	out := &api.GetNamespaceOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		n, err := findNamespace(tx, bus.From(ctx), *in.NamespaceName)
		out.Namespace = n.shape()
		return err
	})
}

// ListNamespaces lists the namespaces by name.
func (s *Service) ListNamespaces(ctx context.Context, in *api.ListNamespacesInput) (*api.ListNamespacesOutput, error) {
	c := bus.From(ctx)
	out := &api.ListNamespacesOutput{Namespaces: []api.Namespace{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := namespaces.List(tx, c.Account, c.Region)
		if err != nil {
			return err
		}
		shown, next, err := paged(all, func(n *namespace) string { return n.Name }, in.NextToken, in.MaxResults)
		for i := range shown {
			out.Namespaces = append(out.Namespaces, *shown[i].shape())
		}
		out.NextToken = next
		return err
	})
}

// UpdateNamespace changes the administrator and what is kept of a namespace.
func (s *Service) UpdateNamespace(ctx context.Context, in *api.UpdateNamespaceInput) (*api.UpdateNamespaceOutput, error) {
	c := bus.From(ctx)
	var n *namespace
	var w *workgroup
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		if n, err = findNamespace(tx, c, *in.NamespaceName); err == nil {
			w, err = attached(tx, c, n.Name)
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case n.Status != available:
		return nil, busy("namespace")
	}
	admin := n.Admin
	if err := s.administer(ctx, n, in.AdminUsername, in.AdminUserPassword, in.ManageAdminPassword, in.AdminPasswordSecretKmsKeyId); err != nil {
		return nil, err
	}
	if n.Admin != admin && w != nil && s.Warehouse != nil {
		if err := s.Warehouse.CreateCluster(ctx, n.Account, n.Region, Cluster(n.Name), n.DBName, n.Admin); err != nil {
			return nil, err
		}
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		now, err := findNamespace(tx, c, n.Name)
		if err != nil {
			return err
		}
		now.Admin, now.Password, now.SecretARN, now.SecretKmsKey = n.Admin, n.Password, n.SecretARN, n.SecretKmsKey
		if in.DefaultIamRoleArn != nil {
			now.DefaultIamRole = in.DefaultIamRoleArn
		}
		if in.KmsKeyId != nil {
			now.KmsKey = in.KmsKeyId
		}
		if in.IamRoles != nil {
			now.IamRoles = slices.Clone(in.IamRoles)
		}
		if in.LogExports != nil {
			now.LogExports = slices.Clone(in.LogExports)
		}
		n = now
		return n.put(tx)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateNamespaceOutput{Namespace: n.shape()}, nil
}

// DeleteNamespace removes a namespace that has no workgroup, with its data.
func (s *Service) DeleteNamespace(ctx context.Context, in *api.DeleteNamespaceInput) (*api.DeleteNamespaceOutput, error) {
	if in.FinalSnapshotName != nil && *in.FinalSnapshotName != "" {
		return nil, awserr.NotImplemented("redshift-serverless:DeleteNamespace with a final snapshot")
	}
	c := bus.From(ctx)
	var n *namespace
	err := s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if n, err = findNamespace(tx, c, *in.NamespaceName); err != nil {
			return err
		}
		w, err := attached(tx, c, n.Name)
		switch {
		case err != nil:
			return err
		case w != nil && w.Status == deleting, n.Status != available:
			return busy("namespace")
		case w != nil:
			return api.ConflictException("There is a workgroup associated with the namespace %s. Delete the workgroup first.", n.Name)
		}
		n.Status = deleting
		if err := n.put(tx); err != nil {
			return err
		}
		return s.enter(tx, passing{Account: c.Account, Region: c.Region, Namespace: n.Name})
	})
	if err != nil {
		return nil, err
	}
	return &api.DeleteNamespaceOutput{Namespace: n.shape()}, nil
}
