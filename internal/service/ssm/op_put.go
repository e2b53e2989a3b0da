package ssm

import (
	"context"
	"regexp"
	"strings"

	"stepwell/internal/awsapi/kms"
	api "stepwell/internal/awsapi/ssm"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

const defaultKey = "alias/aws/ssm"

var (
	namePattern = regexp.MustCompile(`^/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$`)
	reserved    = regexp.MustCompile(`(?i)^/?(aws|ssm)`)
)

const (
	maxLevels   = 15
	maxStandard = 4096 // characters of a value
	maxAdvanced = 8192
)

func checkName(name string) error {
	switch {
	case strings.HasPrefix(strings.ToLower(name), "/aws/"), strings.EqualFold(name, "/aws"):
		return awserr.New(400, "AccessDeniedException", "No access to reserved parameter name: %s.", name)
	case reserved.MatchString(name):
		return badName()
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/"):
		return invalid("Parameter name must be a fully qualified name.")
	case !namePattern.MatchString(name):
		return badName()
	case strings.Count(name, "/") > maxLevels:
		return api.HierarchyLevelLimitExceededException("Parameter hierarchy has more than %d levels.", maxLevels)
	}
	return nil
}

func (s *Service) putParameter(ctx context.Context, in *api.PutParameterInput) (*api.PutParameterOutput, error) {
	c := bus.From(ctx)
	if err := s.checkPut(ctx, c, in); err != nil {
		return nil, err
	}
	out, operation, kind := &api.PutParameterOutput{}, "Update", ""
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		p, ok, err := parameters.Get(tx, c.Account, c.Region, *in.Name)
		switch {
		case err != nil:
			return err
		case ok && !yes(in.Overwrite):
			return api.ParameterAlreadyExists("The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
		case !ok && in.Type == nil:
			return invalid("A parameter type is required when you create a parameter.")
		case !ok:
			operation = "Create"
			p = parameter{Account: c.Account, Region: c.Region, Name: *in.Name, Created: s.Clock.Now(), Tags: in.Tags, Labels: map[string]int64{}}
		}
		v, err := s.next(&p, in)
		if err != nil {
			return err
		}
		v.User, v.Modified = c.Principal, s.Clock.Now()
		if err := p.add(tx, v); err != nil {
			return err
		}
		kind = v.Type
		out.Version, out.Tier = &p.Newest.Number, &p.Newest.Tier
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.changed(c, operation, *in.Name, kind, in.Description)
	return out, nil
}

// checkPut checks what does not depend on the parameter as it is.
func (s *Service) checkPut(ctx context.Context, c bus.Caller, in *api.PutParameterInput) error {
	if err := checkName(*in.Name); err != nil {
		return err
	}
	switch {
	case text(in.Policies) != "" && text(in.Policies) != "[]" && text(in.Policies) != "{}":
		return awserr.NotImplemented("ssm:PutParameter with Policies")
	case text(in.DataType) == "aws:ec2:image":
		return awserr.NotImplemented("ssm:PutParameter with the data type aws:ec2:image")
	case in.DataType != nil && *in.DataType != "text" && *in.DataType != "aws:ssm:integration":
		return invalid("The following data type is not supported: %s (Data type names are all lower-case).", *in.DataType)
	case *in.Value == "":
		return invalid("1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case len(in.Tags) > 0 && yes(in.Overwrite):
		return invalid("Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. " +
			"To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	case in.KeyId != nil && in.Type != nil && *in.Type != api.ParameterTypeSecureString:
		return invalid("KeyId is required for SecureString type parameter only.")
	}
	if err := checkTags(c, in.Tags); err != nil {
		return err
	}
	return s.checkKey(ctx, in.KeyId)
}

// checkKey asks KMS whether a key can be used.
func (s *Service) checkKey(ctx context.Context, key *string) error {
	if key == nil || *key == defaultKey {
		return nil
	}
	k, err := bus.Invoke[kms.DescribeKeyOutput](ctx, s.Bus, "kms", "DescribeKey", &kms.DescribeKeyInput{KeyId: key})
	switch e := awserr.From(err); {
	case e != nil:
		return api.InvalidKeyId("%s", e.Message)
	case err != nil:
		return err
	case !yes(k.KeyMetadata.Enabled):
		return api.InvalidKeyId("%s is %s.", *k.KeyMetadata.Arn, map[bool]string{true: "disabled", false: "pending deletion"}[k.KeyMetadata.DeletionDate == nil])
	}
	return nil
}

// next is the version that a request makes; what it does not say stays.
func (s *Service) next(p *parameter, in *api.PutParameterInput) (v version, err error) {
	old := p.Newest
	v = version{Type: old.Type, KeyID: old.KeyID, Description: in.Description, Pattern: in.AllowedPattern, Tier: old.Tier, DataType: "text"}
	if v.Description == nil {
		v.Description = old.Description
	}
	if in.Type != nil {
		v.Type = *in.Type
	}
	if in.DataType != nil {
		v.DataType = *in.DataType
	}
	if v.Pattern != nil {
		re, err := regexp.Compile(`^(?:` + *v.Pattern + `)$`)
		if err != nil {
			return v, api.InvalidAllowedPatternException("The provided regular expression is invalid: %s", *v.Pattern)
		}
		if !re.MatchString(*in.Value) {
			return v, api.ParameterPatternMismatchException("Parameter value, cannot be validated against allowedPattern: %s", *v.Pattern)
		}
	}
	if v.Tier, err = tier(old.Tier, text(in.Tier), *in.Value); err != nil {
		return v, err
	}
	if v.Type != api.ParameterTypeSecureString {
		v.KeyID, v.Value = nil, []byte(*in.Value)
		return v, nil
	}
	if in.KeyId != nil {
		v.KeyID = in.KeyId
	}
	if v.KeyID == nil {
		v.KeyID = new(defaultKey)
	}
	v.Value, err = s.Seal([]byte(*in.Value))
	return v, err
}

// tier is the tier of a new value: Intelligent-Tiering takes the standard one
// while that is enough.
func tier(old, asked, value string) (string, error) {
	n := len([]rune(value))
	switch {
	case asked == api.ParameterTierStandard && old == api.ParameterTierAdvanced:
		return "", invalid("This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the " +
			"standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.")
	case n > maxAdvanced:
		return "", invalid("Advanced tier parameters support a maximum parameter value of %d characters.", maxAdvanced)
	case asked == api.ParameterTierAdvanced || old == api.ParameterTierAdvanced:
		return api.ParameterTierAdvanced, nil
	case n <= maxStandard:
		return api.ParameterTierStandard, nil
	case asked == api.ParameterTierIntelligentTiering:
		return api.ParameterTierAdvanced, nil
	}
	return "", invalid("Standard tier parameters support a maximum parameter value of %d characters. To create a larger parameter value, "+
		"upgrade the parameter to use the advanced-parameter tier. For more information, see "+
		"https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html", maxStandard)
}

// storeChange is the detail of EventBridge's "Parameter Store Change".
type storeChange struct {
	Operation   string `json:"operation"`
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description,omitzero"`
}

func (s *Service) changed(c bus.Caller, operation, name, kind string, description *string) {
	if s.Events == nil {
		return
	}
	s.Events(c, "Parameter Store Change", []string{arn(c.Account, c.Region, name)}, storeChange{operation, name, kind, text(description)})
}

func (s *Service) deleteParameter(ctx context.Context, in *api.DeleteParameterInput) (*api.DeleteParameterOutput, error) {
	gone, err := s.remove(ctx, []string{*in.Name})
	if err == nil && len(gone) == 0 {
		err = noParameter()
	}
	return &api.DeleteParameterOutput{}, err
}

func (s *Service) deleteParameters(ctx context.Context, in *api.DeleteParametersInput) (*api.DeleteParametersOutput, error) {
	gone, err := s.remove(ctx, in.Names)
	if err != nil {
		return nil, err
	}
	out := &api.DeleteParametersOutput{DeletedParameters: []string{}, InvalidParameters: []string{}}
	for _, name := range in.Names {
		if gone[name] {
			out.DeletedParameters = append(out.DeletedParameters, name)
		} else {
			out.InvalidParameters = append(out.InvalidParameters, name)
		}
	}
	return out, nil
}

// remove deletes the parameters of the names that there are.
func (s *Service) remove(ctx context.Context, names []string) (gone map[string]bool, err error) {
	c, removed := bus.From(ctx), []*parameter{}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		gone, removed = map[string]bool{}, nil
		for _, name := range names {
			p, err := find(tx, c, name)
			if awserr.From(err) != nil {
				continue
			}
			if err == nil {
				err = p.remove(tx)
			}
			if err != nil {
				return err
			}
			gone[name], removed = true, append(removed, p)
		}
		return nil
	})
	for _, p := range removed {
		if err == nil {
			s.changed(c, "Delete", p.Name, p.Newest.Type, p.Newest.Description)
		}
	}
	return gone, err
}
