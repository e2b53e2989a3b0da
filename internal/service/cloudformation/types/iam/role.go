package iamtype

import (
	"context"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/service/cloudformation/resource"
)

func role() resource.Type {
	return resource.Type{
		Name:     "AWS::IAM::Role",
		Required: []string{"AssumeRolePolicyDocument"},
		Optional: []string{"Description", "ManagedPolicyArns", "MaxSessionDuration", "Path", "PermissionsBoundary",
			"Policies", "RoleName", "Tags"},
		Attributes:  []string{"Arn", "RoleId"},
		Replacement: []string{"Path", "RoleName"},
		Create:      createRole, Update: updateRole, Delete: deleteRole,
	}
}

func createRole(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &iam.CreateRoleInput{}
	if err := resource.Decode(r.Properties, in, left("Policies", "ManagedPolicyArns", "Tags")); err != nil {
		return nil, err
	}
	in.RoleName = new(r.Name("RoleName", 64))
	if err := resource.Decode(map[string]any{"Tags": r.OwnTags()}, in, nil); err != nil {
		return nil, err
	}
	_, err := invoke[iam.CreateRoleOutput](ctx, r, "CreateRole", in)
	if err != nil && !(r.Again && resource.Is(err, exists)) {
		return nil, err
	}
	made, err := readRole(ctx, r, *in.RoleName)
	if err != nil {
		return nil, err
	}
	return made, roles().settle(ctx, r, made.ID)
}

func readRole(ctx context.Context, r *resource.Request, name string) (*resource.Made, error) {
	out, err := invoke[iam.GetRoleOutput](ctx, r, "GetRole", &iam.GetRoleInput{RoleName: &name})
	if err != nil {
		return nil, err
	}
	return &resource.Made{ID: name, Attributes: map[string]any{"Arn": *out.Role.Arn, "RoleId": *out.Role.RoleId}}, nil
}

func updateRole(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if r.Changed("AssumeRolePolicyDocument") {
		in := &iam.UpdateAssumeRolePolicyInput{RoleName: &r.ID}
		if err := resource.Decode(map[string]any{"PolicyDocument": r.Properties["AssumeRolePolicyDocument"]}, in, nil); err != nil {
			return nil, err
		}
		if err := do(ctx, r, "UpdateAssumeRolePolicy", in); err != nil {
			return nil, err
		}
	}
	if r.AnyChanged("Description", "MaxSessionDuration") {
		in := &iam.UpdateRoleInput{RoleName: &r.ID, Description: new(""), MaxSessionDuration: new(int64(3600))}
		if err := resource.Decode(r.Only("Description", "MaxSessionDuration"), in, nil); err != nil {
			return nil, err
		}
		if err := do(ctx, r, "UpdateRole", in); err != nil {
			return nil, err
		}
	}
	if r.Changed("PermissionsBoundary") {
		if err := bound(ctx, r, "Role", &iam.PutRolePermissionsBoundaryInput{RoleName: &r.ID}, &iam.DeleteRolePermissionsBoundaryInput{RoleName: &r.ID}); err != nil {
			return nil, err
		}
	}
	if err := roles().settle(ctx, r, r.ID); err != nil {
		return nil, err
	}
	if err := r.Retag(ctx, "iam", &iam.TagRoleInput{RoleName: &r.ID}, &iam.UntagRoleInput{RoleName: &r.ID}, nil); err != nil {
		return nil, err
	}
	return readRole(ctx, r, r.ID)
}

// bound sets or removes the permissions boundary of a role or user.
func bound(ctx context.Context, r *resource.Request, kind string, put, remove any) error {
	if r.Text("PermissionsBoundary") == "" {
		return resource.Unless(do(ctx, r, "Delete"+kind+"PermissionsBoundary", remove), gone)
	}
	if err := resource.Decode(r.Only("PermissionsBoundary"), put, nil); err != nil {
		return err
	}
	return do(ctx, r, "Put"+kind+"PermissionsBoundary", put)
}

func deleteRole(ctx context.Context, r *resource.Request) error {
	if err := roles().strip(ctx, r, r.ID, r.Properties, nil, nil); err != nil {
		return err
	}
	return resource.Unless(do(ctx, r, "DeleteRole", &iam.DeleteRoleInput{RoleName: &r.ID}), gone)
}

// rolePolicy is the type of one inline policy of a role, user or group, named
// by its policy and its owner.
func rolePolicy(of identity, name string) resource.Type {
	owner := of.kind + "Name"
	set := func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
		if r.Properties["PolicyDocument"] == nil {
			return nil, missing("", "PolicyDocument")
		}
		var p policy
		if err := resource.Decode(r.Only("PolicyName", "PolicyDocument"), &p, nil); err != nil {
			return nil, err
		}
		if err := of.putPolicy(ctx, r, r.Text(owner), p); err != nil {
			return nil, err
		}
		return &resource.Made{ID: r.Text("PolicyName") + "|" + r.Text(owner)}, nil
	}
	return resource.Type{
		Name:        name,
		Required:    []string{"PolicyName", owner},
		Optional:    []string{"PolicyDocument"},
		Replacement: []string{"PolicyName", owner},
		Create:      set, Update: set,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return of.dropPolicy(ctx, r, r.Text(owner), r.Text("PolicyName"))
		},
	}
}

func serviceLinkedRole() resource.Type {
	return resource.Type{
		Name:        "AWS::IAM::ServiceLinkedRole",
		Required:    []string{"AWSServiceName"},
		Optional:    []string{"CustomSuffix", "Description"},
		Attributes:  []string{"RoleName"},
		Replacement: []string{"AWSServiceName", "CustomSuffix"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &iam.CreateServiceLinkedRoleInput{}
			if err := resource.Decode(r.Properties, in, nil); err != nil {
				return nil, err
			}
			out, err := invoke[iam.CreateServiceLinkedRoleOutput](ctx, r, "CreateServiceLinkedRole", in)
			if err != nil {
				return nil, err
			}
			name := *out.Role.RoleName
			return &resource.Made{ID: name, Attributes: map[string]any{"RoleName": name}}, nil
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &iam.UpdateRoleInput{RoleName: &r.ID, Description: new(r.Text("Description"))}
			return &resource.Made{ID: r.ID, Attributes: r.Attributes}, do(ctx, r, "UpdateRole", in)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return resource.Unless(do(ctx, r, "DeleteServiceLinkedRole", &iam.DeleteServiceLinkedRoleInput{RoleName: &r.ID}), gone)
		},
	}
}

func instanceProfile() resource.Type {
	return resource.Type{
		Name:        "AWS::IAM::InstanceProfile",
		Required:    []string{"Roles"},
		Optional:    []string{"InstanceProfileName", "Path"},
		Attributes:  []string{"Arn"},
		Replacement: []string{"InstanceProfileName", "Path"},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &iam.CreateInstanceProfileInput{}
			if err := resource.Decode(r.Properties, in, left("Roles")); err != nil {
				return nil, err
			}
			in.InstanceProfileName = new(r.Name("InstanceProfileName", 128))
			if _, err := invoke[iam.CreateInstanceProfileOutput](ctx, r, "CreateInstanceProfile", in); err != nil && !(r.Again && resource.Is(err, exists)) {
				return nil, err
			}
			r.ID = *in.InstanceProfileName
			return profileRoles(ctx, r)
		},
		Update: profileRoles,
		Delete: func(ctx context.Context, r *resource.Request) error {
			for _, role := range list(r.Properties, "Roles") {
				in := &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: &r.ID, RoleName: &role}
				if err := resource.Unless(do(ctx, r, "RemoveRoleFromInstanceProfile", in), gone); err != nil {
					return err
				}
			}
			return resource.Unless(do(ctx, r, "DeleteInstanceProfile", &iam.DeleteInstanceProfileInput{InstanceProfileName: &r.ID}), gone)
		},
	}
}

// profileRoles makes the roles of the request those of the instance profile r.ID.
func profileRoles(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	out, err := invoke[iam.GetInstanceProfileOutput](ctx, r, "GetInstanceProfile", &iam.GetInstanceProfileInput{InstanceProfileName: &r.ID})
	if err != nil {
		return nil, err
	}
	made := &resource.Made{ID: r.ID, Attributes: map[string]any{"Arn": *out.InstanceProfile.Arn}}
	var have []string
	for _, role := range out.InstanceProfile.Roles {
		have = append(have, *role.RoleName)
	}
	want := list(r.Properties, "Roles")
	for _, role := range minus(have, want) { // first: a profile holds one role
		in := &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: &r.ID, RoleName: &role}
		if err := do(ctx, r, "RemoveRoleFromInstanceProfile", in); err != nil {
			return made, err
		}
	}
	for _, role := range minus(want, have) {
		in := &iam.AddRoleToInstanceProfileInput{InstanceProfileName: &r.ID, RoleName: &role}
		if err := do(ctx, r, "AddRoleToInstanceProfile", in); err != nil {
			return made, err
		}
	}
	return made, nil
}
