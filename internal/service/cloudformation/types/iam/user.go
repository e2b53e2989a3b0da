package iamtype

import (
	"context"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/service/cloudformation/resource"
)

func user() resource.Type {
	return resource.Type{
		Name:        "AWS::IAM::User",
		Optional:    []string{"Groups", "LoginProfile", "ManagedPolicyArns", "Path", "PermissionsBoundary", "Policies", "Tags", "UserName"},
		Attributes:  []string{"Arn"},
		Replacement: []string{"UserName"},
		Create:      createUser, Update: updateUser, Delete: deleteUser,
	}
}

func createUser(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &iam.CreateUserInput{UserName: new(r.Name("UserName", 64))}
	if err := resource.Decode(r.Only("Path", "PermissionsBoundary"), in, nil); err != nil {
		return nil, err
	}
	if err := resource.Decode(map[string]any{"Tags": r.OwnTags()}, in, nil); err != nil {
		return nil, err
	}
	if _, err := invoke[iam.CreateUserOutput](ctx, r, "CreateUser", in); err != nil && !(r.Again && resource.Is(err, exists)) {
		return nil, err
	}
	r.ID = *in.UserName
	made, err := readUser(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := users().settle(ctx, r, r.ID); err != nil {
		return made, err
	}
	if err := setLogin(ctx, r); err != nil {
		return made, err
	}
	return made, joinGroups(ctx, r)
}

func readUser(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	out, err := invoke[iam.GetUserOutput](ctx, r, "GetUser", &iam.GetUserInput{UserName: &r.ID})
	if err != nil {
		return nil, err
	}
	return &resource.Made{ID: r.ID, Attributes: map[string]any{"Arn": *out.User.Arn}}, nil
}

// joinGroups puts the user r.ID into the groups of the request and takes it out
// of those that only the old properties name.
func joinGroups(ctx context.Context, r *resource.Request) error {
	want := list(r.Properties, "Groups")
	for _, g := range want {
		if err := do(ctx, r, "AddUserToGroup", &iam.AddUserToGroupInput{GroupName: &g, UserName: &r.ID}); err != nil {
			return err
		}
	}
	return leaveGroups(ctx, r, minus(list(r.Old, "Groups"), want))
}

func leaveGroups(ctx context.Context, r *resource.Request, groups []string) error {
	for _, g := range groups {
		in := &iam.RemoveUserFromGroupInput{GroupName: &g, UserName: &r.ID}
		if err := resource.Unless(do(ctx, r, "RemoveUserFromGroup", in), gone); err != nil {
			return err
		}
	}
	return nil
}

// setLogin makes the user's login profile what the property says.
func setLogin(ctx context.Context, r *resource.Request) error {
	given, ok := r.Properties["LoginProfile"].(map[string]any)
	switch {
	case !r.Changed("LoginProfile"):
		return nil
	case !ok:
		return resource.Unless(do(ctx, r, "DeleteLoginProfile", &iam.DeleteLoginProfileInput{UserName: &r.ID}), gone)
	}
	in := &iam.CreateLoginProfileInput{UserName: &r.ID}
	if err := resource.Decode(given, in, nil); err != nil {
		return err
	}
	err := do(ctx, r, "CreateLoginProfile", in)
	if resource.Is(err, exists) {
		again := &iam.UpdateLoginProfileInput{UserName: &r.ID, PasswordResetRequired: new(false)}
		if err := resource.Decode(given, again, nil); err != nil {
			return err
		}
		return do(ctx, r, "UpdateLoginProfile", again)
	}
	return err
}

func updateUser(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if r.Changed("Path") {
		in := &iam.UpdateUserInput{UserName: &r.ID, NewPath: new("/")}
		if p := r.Text("Path"); p != "" {
			in.NewPath = &p
		}
		if err := do(ctx, r, "UpdateUser", in); err != nil {
			return nil, err
		}
	}
	if r.Changed("PermissionsBoundary") {
		if err := bound(ctx, r, "User", &iam.PutUserPermissionsBoundaryInput{UserName: &r.ID}, &iam.DeleteUserPermissionsBoundaryInput{UserName: &r.ID}); err != nil {
			return nil, err
		}
	}
	if err := users().settle(ctx, r, r.ID); err != nil {
		return nil, err
	}
	if err := setLogin(ctx, r); err != nil {
		return nil, err
	}
	if err := joinGroups(ctx, r); err != nil {
		return nil, err
	}
	if err := r.Retag(ctx, "iam", &iam.TagUserInput{UserName: &r.ID}, &iam.UntagUserInput{UserName: &r.ID}, nil); err != nil {
		return nil, err
	}
	return readUser(ctx, r)
}

func deleteUser(ctx context.Context, r *resource.Request) error {
	if err := leaveGroups(ctx, r, list(r.Properties, "Groups")); err != nil {
		return err
	}
	if err := users().strip(ctx, r, r.ID, r.Properties, nil, nil); err != nil {
		return err
	}
	if r.Properties["LoginProfile"] != nil {
		if err := resource.Unless(do(ctx, r, "DeleteLoginProfile", &iam.DeleteLoginProfileInput{UserName: &r.ID}), gone); err != nil {
			return err
		}
	}
	return resource.Unless(do(ctx, r, "DeleteUser", &iam.DeleteUserInput{UserName: &r.ID}), gone)
}

func group() resource.Type {
	return resource.Type{
		Name:        "AWS::IAM::Group",
		Optional:    []string{"GroupName", "ManagedPolicyArns", "Path", "Policies"},
		Attributes:  []string{"Arn"},
		Replacement: []string{"GroupName"},
		Create:      createGroup, Update: updateGroup,
		Delete: func(ctx context.Context, r *resource.Request) error {
			if err := groups().strip(ctx, r, r.ID, r.Properties, nil, nil); err != nil {
				return err
			}
			return resource.Unless(do(ctx, r, "DeleteGroup", &iam.DeleteGroupInput{GroupName: &r.ID}), gone)
		},
	}
}

func createGroup(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	in := &iam.CreateGroupInput{GroupName: new(r.Name("GroupName", 128))}
	if err := resource.Decode(r.Only("Path"), in, nil); err != nil {
		return nil, err
	}
	if _, err := invoke[iam.CreateGroupOutput](ctx, r, "CreateGroup", in); err != nil && !(r.Again && resource.Is(err, exists)) {
		return nil, err
	}
	r.ID = *in.GroupName
	made, err := readGroup(ctx, r)
	if err != nil {
		return nil, err
	}
	return made, groups().settle(ctx, r, r.ID)
}

func readGroup(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	out, err := invoke[iam.GetGroupOutput](ctx, r, "GetGroup", &iam.GetGroupInput{GroupName: &r.ID})
	if err != nil {
		return nil, err
	}
	return &resource.Made{ID: r.ID, Attributes: map[string]any{"Arn": *out.Group.Arn}}, nil
}

func updateGroup(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if r.Changed("Path") {
		in := &iam.UpdateGroupInput{GroupName: &r.ID, NewPath: new("/")}
		if p := r.Text("Path"); p != "" {
			in.NewPath = &p
		}
		if err := do(ctx, r, "UpdateGroup", in); err != nil {
			return nil, err
		}
	}
	if err := groups().settle(ctx, r, r.ID); err != nil {
		return nil, err
	}
	return readGroup(ctx, r)
}

// accessKey is an access key. Its secret is an attribute, told once by IAM and
// kept with the stack.
func accessKey() resource.Type {
	return resource.Type{
		Name:        "AWS::IAM::AccessKey",
		Required:    []string{"UserName"},
		Optional:    []string{"Serial", "Status"},
		Attributes:  []string{"Id", "SecretAccessKey"},
		Replacement: []string{"UserName", "Serial"},
		Create:      createKey,
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			return &resource.Made{ID: r.ID, Attributes: r.Attributes}, setKeyStatus(ctx, r)
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			in := &iam.DeleteAccessKeyInput{UserName: new(r.Text("UserName")), AccessKeyId: &r.ID}
			return resource.Unless(do(ctx, r, "DeleteAccessKey", in), gone)
		},
	}
}

func createKey(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	out, err := invoke[iam.CreateAccessKeyOutput](ctx, r, "CreateAccessKey", &iam.CreateAccessKeyInput{UserName: new(r.Text("UserName"))})
	if err != nil {
		return nil, err
	}
	r.ID = *out.AccessKey.AccessKeyId
	made := &resource.Made{ID: r.ID, Attributes: map[string]any{"Id": r.ID, "SecretAccessKey": *out.AccessKey.SecretAccessKey}}
	if r.Text("Status") == "Inactive" {
		return made, setKeyStatus(ctx, r)
	}
	return made, nil
}

func setKeyStatus(ctx context.Context, r *resource.Request) error {
	in := &iam.UpdateAccessKeyInput{UserName: new(r.Text("UserName")), AccessKeyId: &r.ID, Status: new("Active")}
	if s := r.Text("Status"); s != "" {
		in.Status = &s
	}
	return do(ctx, r, "UpdateAccessKey", in)
}

// addition puts users into a group.
func addition() resource.Type {
	return resource.Type{
		Name:       "AWS::IAM::UserToGroupAddition",
		Required:   []string{"GroupName", "Users"},
		Attributes: []string{"Id"},
		Create:     addUsers, Update: addUsers,
		Delete: func(ctx context.Context, r *resource.Request) error {
			return removeUsers(ctx, r, r.Text("GroupName"), list(r.Properties, "Users"))
		},
	}
}

func addUsers(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	id := r.Name("", 28)
	made := &resource.Made{ID: id, Attributes: map[string]any{"Id": id}}
	group, want := r.Text("GroupName"), list(r.Properties, "Users")
	for _, u := range want {
		if err := do(ctx, r, "AddUserToGroup", &iam.AddUserToGroupInput{GroupName: &group, UserName: &u}); err != nil {
			return made, err
		}
	}
	before, old := list(r.Old, "Users"), group
	if r.Old != nil && r.Changed("GroupName") {
		old, _ = resource.Text(r.Old["GroupName"])
	} else {
		before = minus(before, want)
	}
	return made, removeUsers(ctx, r, old, before)
}

func removeUsers(ctx context.Context, r *resource.Request, group string, users []string) error {
	for _, u := range users {
		in := &iam.RemoveUserFromGroupInput{GroupName: &group, UserName: &u}
		if err := resource.Unless(do(ctx, r, "RemoveUserFromGroup", in), gone); err != nil {
			return err
		}
	}
	return nil
}
