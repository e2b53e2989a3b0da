package cloudformation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/cloudformation"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/cfn"
	"stepwell/internal/diag"
	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/store"
)

// The largest templates ("Understand CloudFormation quotas"), in bytes.
const (
	maxBody   = 51200
	maxObject = 1 << 20
)

// source is where a request says that a template is.
type source struct {
	body, url *string
	previous  bool
}

// text gives the template that a request names; old is the stack it may have
// meant with UsePreviousTemplate.
func (s *Service) text(ctx context.Context, from source, old *stack) (string, error) {
	given := 0
	for _, is := range []bool{from.body != nil, from.url != nil, from.previous} {
		if is {
			given++
		}
	}
	switch {
	case given != 1 && old != nil:
		return "", invalid("Either Template URL or Template Body must be specified.")
	case given == 0:
		return "", invalid("Either Template URL or Template Body must be specified.")
	case given > 1:
		return "", invalid("Only one of Template URL and Template Body can be specified.")
	case from.previous && old == nil:
		return "", invalid("UsePreviousTemplate cannot be specified for a new stack")
	case from.previous:
		return s.template(ctx, old.ID, old.Spec.Template)
	case from.url != nil:
		return s.download(ctx, *from.url)
	case len(*from.body) > maxBody:
		return "", invalid("1 validation error detected: Value '%s' at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to %d", *from.body, maxBody)
	}
	return *from.body, nil
}

// template is a template that a stack keeps.
func (s *Service) template(ctx context.Context, stackID, hash string) (text string, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		var ok bool
		text, ok, err = templates.Get(tx, stackID, hash)
		if err == nil && !ok {
			err = invalid("Template for stack %s is not there", stackID)
		}
		return err
	})
	return text, err
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// place finds bucket and key of an S3 URL: with the bucket in the host, as
// bucket.s3.region.amazonaws.com, or in the path.
func place(text string) (bucket, key, version string, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "s3" || u.Host == "" {
		return "", "", "", invalid("TemplateURL must be a supported URL.")
	}
	version = u.Query().Get("versionId")
	path := strings.TrimPrefix(u.Path, "/")
	host, _, inHost := strings.Cut(u.Hostname(), ".s3")
	switch {
	case u.Scheme == "s3":
		return u.Host, path, version, nil
	case inHost && !strings.HasPrefix(u.Hostname(), "s3"):
		return host, path, version, nil
	}
	bucket, key, ok := strings.Cut(path, "/")
	if !ok || key == "" {
		return "", "", "", invalid("TemplateURL must reference a valid S3 object to which you have access.")
	}
	return bucket, key, version, nil
}

// download reads a text from S3.
func (s *Service) download(ctx context.Context, from string) (string, error) {
	bucket, key, version, err := place(from)
	if err != nil {
		return "", err
	}
	out, err := bus.Invoke[s3.GetObjectOutput](ctx, s.Bus, "s3", "GetObject", &s3.GetObjectInput{Bucket: &bucket, Key: &key, VersionId: optional(version)})
	if err != nil {
		if resource.Is(err, "NoSuchBucket", "NoSuchKey", "AccessDenied", "NotFound") {
			return "", invalid("S3 error: Access Denied\nFor more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html")
		}
		return "", err
	}
	defer out.Body.Close()
	b, err := io.ReadAll(io.LimitReader(out.Body, maxObject+1))
	if err != nil {
		return "", fmt.Errorf("cannot read the template: %w", err)
	}
	if len(b) > maxObject {
		return "", invalid("Template may not exceed %d bytes in size.", maxObject)
	}
	return string(b), nil
}

// read reads the template of a stack or change set again.
func (s *Service) read(ctx context.Context, stackID string, p *spec) (*cfn.Template, error) {
	text, err := s.template(ctx, stackID, p.Template)
	if err != nil {
		return nil, err
	}
	_, values, err := s.openSpec(p)
	if err != nil {
		return nil, err
	}
	return s.parse(text, cfn.Surroundings{Values: values, Include: func(location string) (string, error) {
		return s.template(ctx, stackID, p.Includes[location])
	}})
}

// parse reads a template and looks up its resource types.
func (s *Service) parse(text string, in cfn.Surroundings) (*cfn.Template, error) {
	t, found := cfn.Parse(text, in)
	for _, d := range found {
		if d.Severity == diag.Error {
			return nil, unusable(d.Text)
		}
	}
	var unknown []string
	for _, r := range t.Resources {
		if s.typeOf(r.Type) == nil && !slices.Contains(unknown, r.Type) {
			unknown = append(unknown, r.Type)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return nil, invalid("Template format error: Unrecognized resource types: [%s]", strings.Join(unknown, ", "))
	}
	for _, r := range t.Resources {
		if err := s.policies(r); err != nil {
			return nil, err
		}
	}
	return t, s.attributes(t)
}

func (s *Service) policies(r *cfn.Resource) error {
	for name, policy := range map[string]string{"deletion policy": r.DeletionPolicy, "update replace policy": r.UpdateReplacePolicy} {
		switch {
		case policy != "Snapshot":
		case r.Type == "AWS::Redshift::Cluster":
			return awserr.NotImplemented("cloudformation: " + name + " Snapshot of " + r.Type)
		default:
			return invalid("Template error: resource type %s does not support %s Snapshot", r.Type, name)
		}
	}
	return nil
}

// attributes says which attribute of Fn::GetAtt a resource does not have.
func (s *Service) attributes(t *cfn.Template) (err error) {
	for _, at := range t.Attributes() {
		r := t.Resource(at.Name)
		if r == nil || err != nil {
			continue
		}
		if typ := s.typeOf(r.Type); !open(typ) && !slices.Contains(typ.Attributes, at.Attribute) && !openAttribute(typ, at.Attribute) {
			err = invalid("Template error: resource %s does not support attribute type %s in Fn::GetAtt", at.Name, at.Attribute)
		}
	}
	return err
}

// openAttribute is for types that have families of attributes, such as the
// outputs of a nested stack: "Outputs.*".
func openAttribute(typ *resource.Type, name string) bool {
	return slices.ContainsFunc(typ.Attributes, func(a string) bool {
		family, ok := strings.CutSuffix(a, "*")
		return ok && strings.HasPrefix(name, family) && len(name) > len(family)
	})
}

// typeOf is the type of that name, or nil.
func (s *Service) typeOf(name string) *resource.Type {
	if customName.MatchString(name) {
		return s.types[customType]
	}
	return s.types[name]
}

var customName = regexp.MustCompile(`^Custom::[A-Za-z0-9_@-]{1,60}$`)

// open says that a type has whatever properties and attributes a user's
// provider gives it.
func open(t *resource.Type) bool { return t.Name == customType }

// named are the IAM types and the property that names them; a template with one
// must be acknowledged ("Acknowledging IAM resources").
func iamName(typ string) (property string, is bool) {
	property, is = map[string]string{
		"AWS::IAM::AccessKey": "", "AWS::IAM::Group": "GroupName", "AWS::IAM::InstanceProfile": "InstanceProfileName",
		"AWS::IAM::ManagedPolicy": "ManagedPolicyName", "AWS::IAM::Policy": "", "AWS::IAM::Role": "RoleName",
		"AWS::IAM::User": "UserName", "AWS::IAM::UserToGroupAddition": "",
	}[typ]
	return property, is
}

const (
	capabilityIAM    = "CAPABILITY_IAM"
	capabilityNamed  = "CAPABILITY_NAMED_IAM"
	capabilityExpand = "CAPABILITY_AUTO_EXPAND"
)

// capabilities are what a template demands, and the types that do.
func capabilities(t *cfn.Template) (needed, types []string) {
	iam := ""
	for _, r := range t.Resources {
		property, is := iamName(r.Type)
		if !is {
			continue
		}
		if !slices.Contains(types, r.Type) {
			types = append(types, r.Type)
		}
		if property != "" && r.Properties.Get(property) != nil {
			iam = capabilityNamed
		} else if iam == "" {
			iam = capabilityIAM
		}
	}
	if iam != "" {
		needed = append(needed, iam)
	}
	if len(t.Transforms) > 0 {
		needed = append(needed, capabilityExpand)
	}
	slices.Sort(types)
	return needed, types
}

// lacking is the first capability that was not acknowledged.
func lacking(t *cfn.Template, given []string) string {
	needed, _ := capabilities(t)
	slices.Sort(needed) // CAPABILITY_AUTO_EXPAND is asked for first
	for _, c := range needed {
		if !slices.Contains(given, c) && (c != capabilityIAM || !slices.Contains(given, capabilityNamed)) {
			return c
		}
	}
	return ""
}

func insufficient(capability string) error {
	return api.InsufficientCapabilitiesException("Requires capabilities : [%s]", capability)
}

// openSpec gives the parameters of a spec: as they were given, and their values.
func (s *Service) openSpec(p *spec) (given, values map[string]string, err error) {
	given, values = map[string]string{}, map[string]string{}
	maps.Copy(given, p.Given)
	maps.Copy(values, p.Values)
	if p.Sealed == nil {
		return given, values, nil
	}
	b, err := s.Unseal(p.Sealed)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the parameters of a stack: %w", err)
	}
	var hidden [2]map[string]string
	if err := json.Unmarshal(b, &hidden); err != nil {
		return nil, nil, fmt.Errorf("cannot read the parameters of a stack: %w", err)
	}
	maps.Copy(given, hidden[0])
	maps.Copy(values, hidden[1])
	return given, values, nil
}

// sealSpec puts the parameters into a spec, those with NoEcho sealed.
func (s *Service) sealSpec(p *spec, t *cfn.Template, given, values map[string]string) error {
	hidden := [2]map[string]string{{}, {}}
	p.Given, p.Values, p.Sealed, p.Hidden = map[string]string{}, map[string]string{}, nil, nil
	for _, param := range t.Parameters {
		if param.NoEcho {
			p.Hidden = append(p.Hidden, param.Name)
			hidden[0][param.Name], hidden[1][param.Name] = given[param.Name], values[param.Name]
			continue
		}
		p.Given[param.Name], p.Values[param.Name] = given[param.Name], values[param.Name]
	}
	if p.Hidden == nil {
		return nil
	}
	b, err := json.Marshal(hidden)
	if err != nil {
		return err
	}
	p.Sealed, err = s.Seal(b)
	return err
}
