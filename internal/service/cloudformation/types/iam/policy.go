package iamtype

import (
	"context"
	"fmt"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/service/cloudformation/resource"
)

// inlinePolicy is one inline policy, put on any number of roles, users and
// groups.
func inlinePolicy() resource.Type {
	return resource.Type{
		Name:       "AWS::IAM::Policy",
		Required:   []string{"PolicyDocument", "PolicyName"},
		Optional:   []string{"Groups", "Roles", "Users"},
		Attributes: []string{"Id"},
		Create:     setInline, Update: setInline,
		Delete: func(ctx context.Context, r *resource.Request) error {
			for _, of := range identities() {
				for _, name := range list(r.Properties, of.kind+"s") {
					if err := of.dropPolicy(ctx, r, name, r.Text("PolicyName")); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
}

func setInline(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	var p policy
	if err := resource.Decode(r.Only("PolicyName", "PolicyDocument"), &p, nil); err != nil {
		return nil, err
	}
	id := r.Name("", 28) // the physical id is another than the name
	made := &resource.Made{ID: id, Attributes: map[string]any{"Id": id}}
	on := 0
	for _, of := range identities() {
		want := list(r.Properties, of.kind+"s")
		on += len(want)
		for _, name := range want {
			if err := of.putPolicy(ctx, r, name, p); err != nil {
				return made, err
			}
		}
		before, old := list(r.Old, of.kind+"s"), oldName(r)
		if old == *p.PolicyName {
			before = minus(before, want)
		}
		for _, name := range before {
			if err := of.dropPolicy(ctx, r, name, old); err != nil {
				return made, err
			}
		}
	}
	if on == 0 {
		return nil, iam.InvalidInputException("At least one of [Groups,Roles,Users] must be non-empty.")
	}
	return made, nil
}

func oldName(r *resource.Request) string {
	name, _ := resource.Text(r.Old["PolicyName"])
	return name
}

func managedPolicy() resource.Type {
	return resource.Type{
		Name:     "AWS::IAM::ManagedPolicy",
		Required: []string{"PolicyDocument"},
		Optional: []string{"Description", "Groups", "ManagedPolicyName", "Path", "Roles", "Users"},
		Attributes: []string{"PolicyArn", "AttachmentCount", "CreateDate", "DefaultVersionId", "IsAttachable",
			"PermissionsBoundaryUsageCount", "PolicyId", "UpdateDate"},
		Replacement: []string{"ManagedPolicyName", "Description", "Path"},
		Create:      createManaged, Update: updateManaged, Delete: deleteManaged,
	}
}

func createManaged(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &iam.CreatePolicyInput{}
	if err := resource.Decode(r.Properties, in, left("ManagedPolicyName", "Groups", "Roles", "Users")); err != nil {
		return nil, err
	}
	in.PolicyName = new(r.Name("ManagedPolicyName", 128))
	out, err := invoke[iam.CreatePolicyOutput](ctx, r, "CreatePolicy", in)
	switch {
	case err == nil:
		r.ID = *out.Policy.Arn
	case r.Again && resource.Is(err, exists):
		if r.ID, err = findManaged(ctx, r, *in.PolicyName); err != nil {
			return nil, err
		}
	default:
		return nil, err
	}
	if err := attachManaged(ctx, r); err != nil {
		return &resource.Made{ID: r.ID}, err
	}
	return readManaged(ctx, r)
}

// findManaged finds a policy of the account by its name.
func findManaged(ctx context.Context, r *resource.Request, name string) (string, error) {
	in := &iam.ListPoliciesInput{Scope: new(iam.PolicyScopeTypeLocal)}
	for {
		out, err := invoke[iam.ListPoliciesOutput](ctx, r, "ListPolicies", in)
		if err != nil {
			return "", err
		}
		for _, p := range out.Policies {
			if *p.PolicyName == name {
				return *p.Arn, nil
			}
		}
		if out.Marker == nil {
			return "", iam.NoSuchEntityException("Policy %s was not found.", name)
		}
		in.Marker = out.Marker
	}
}

// attachManaged attaches the policy r.ID where the request wants it, and
// detaches it where only the old properties did.
func attachManaged(ctx context.Context, r *resource.Request) error {
	for _, of := range identities() {
		want := list(r.Properties, of.kind+"s")
		for _, name := range want {
			if err := of.attachPolicy(ctx, r, name, r.ID); err != nil {
				return err
			}
		}
		for _, name := range minus(list(r.Old, of.kind+"s"), want) {
			if err := of.detachPolicy(ctx, r, name, r.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func readManaged(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	out, err := invoke[iam.GetPolicyOutput](ctx, r, "GetPolicy", &iam.GetPolicyInput{PolicyArn: &r.ID})
	if err != nil {
		return nil, err
	}
	p := out.Policy
	const iso = "2006-01-02T15:04:05Z"
	return &resource.Made{ID: r.ID, Attributes: map[string]any{
		"PolicyArn": *p.Arn, "PolicyId": *p.PolicyId, "DefaultVersionId": *p.DefaultVersionId,
		"AttachmentCount": fmt.Sprint(*p.AttachmentCount), "PermissionsBoundaryUsageCount": fmt.Sprint(*p.PermissionsBoundaryUsageCount),
		"IsAttachable": fmt.Sprint(*p.IsAttachable), "CreateDate": p.CreateDate.UTC().Format(iso), "UpdateDate": p.UpdateDate.UTC().Format(iso),
	}}, nil
}

func updateManaged(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if r.Changed("PolicyDocument") {
		in := &iam.CreatePolicyVersionInput{PolicyArn: &r.ID, SetAsDefault: new(true)}
		if err := resource.Decode(r.Only("PolicyDocument"), in, nil); err != nil {
			return nil, err
		}
		if err := makeRoom(ctx, r); err != nil {
			return nil, err
		}
		if err := do(ctx, r, "CreatePolicyVersion", in); err != nil {
			return nil, err
		}
	}
	if err := attachManaged(ctx, r); err != nil {
		return nil, err
	}
	return readManaged(ctx, r)
}

// versionLimit is how many versions a managed policy has at most.
const versionLimit = 5

// makeRoom deletes the oldest version of the policy r.ID where it has as many
// as it may, as CloudFormation does.
func makeRoom(ctx context.Context, r *resource.Request) error {
	out, err := invoke[iam.ListPolicyVersionsOutput](ctx, r, "ListPolicyVersions", &iam.ListPolicyVersionsInput{PolicyArn: &r.ID})
	if err != nil || len(out.Versions) < versionLimit {
		return err
	}
	var oldest *iam.PolicyVersion
	for i, v := range out.Versions {
		if !*v.IsDefaultVersion && (oldest == nil || v.CreateDate.Before(*oldest.CreateDate)) {
			oldest = &out.Versions[i]
		}
	}
	return do(ctx, r, "DeletePolicyVersion", &iam.DeletePolicyVersionInput{PolicyArn: &r.ID, VersionId: oldest.VersionId})
}

func deleteManaged(ctx context.Context, r *resource.Request) error {
	for _, of := range identities() {
		for _, name := range list(r.Properties, of.kind+"s") {
			if err := of.detachPolicy(ctx, r, name, r.ID); err != nil {
				return err
			}
		}
	}
	out, err := invoke[iam.ListPolicyVersionsOutput](ctx, r, "ListPolicyVersions", &iam.ListPolicyVersionsInput{PolicyArn: &r.ID})
	if err != nil {
		return resource.Unless(err, gone)
	}
	for _, v := range out.Versions {
		if *v.IsDefaultVersion {
			continue
		}
		if err := do(ctx, r, "DeletePolicyVersion", &iam.DeletePolicyVersionInput{PolicyArn: &r.ID, VersionId: v.VersionId}); err != nil {
			return err
		}
	}
	return resource.Unless(do(ctx, r, "DeletePolicy", &iam.DeletePolicyInput{PolicyArn: &r.ID}), gone)
}
