package cfn

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/diag"
)

// serverless is the transform AWS::Serverless-2016-10-31 ("AWS SAM
// specification" and its "Generated CloudFormation resources").
const serverless = "AWS::Serverless-2016-10-31"

// expansion replaces the AWS::Serverless resources of a template.
type expansion struct {
	t         *Template
	resources *Node
	globals   *Node
	local     bool    // files may be local
	added     []*Node // keys and values of new resources, in turn
}

// expand applies the transform to the template's root.
func (t *Template) expand(root *Node, local bool) {
	x := &expansion{t: t, local: local, resources: root.Get("Resources"), globals: root.Get("Globals")}
	if x.resources == nil || x.resources.Kind != Map {
		return
	}
	if x.globals != nil {
		for _, k := range x.globals.Keys {
			if k.Text != "Function" && k.Text != "StateMachine" {
				t.fail(k, "not implemented: Globals of %s", k.Text)
			}
		}
	}
	for i, k := range x.resources.Keys {
		r := x.resources.Items[i]
		typ := r.Get("Type")
		if typ == nil || !strings.HasPrefix(typ.Text, "AWS::Serverless::") {
			continue
		}
		switch typ.Text {
		case "AWS::Serverless::Function":
			x.function(k, r)
		case "AWS::Serverless::StateMachine":
			x.stateMachine(k, r)
		case "AWS::Serverless::LayerVersion":
			x.layer(r)
		default:
			t.fail(typ, "not implemented: the resource type %s", typ.Text)
		}
	}
	for i := 0; i < len(x.added); i += 2 {
		if x.resources.Get(x.added[i].Text) != nil {
			t.fail(x.added[i], "Transform %s failed with: the resource %s stands in the template already", serverless, x.added[i].Text)
			continue
		}
		x.resources.set(x.added[i], x.added[i+1])
	}
}

// The transform builds nodes; they stand where at does.
func (x *expansion) text(at *Node, s string) *Node {
	return &Node{Kind: String, Text: s, Span: at.Span}
}

func (x *expansion) list(at *Node, items ...*Node) *Node {
	return &Node{Kind: List, Items: items, Span: at.Span}
}

// object makes a map of names and values in turn; nil values are left out.
func (x *expansion) object(at *Node, pairs ...any) *Node {
	n := &Node{Kind: Map, Span: at.Span}
	for i := 0; i < len(pairs); i += 2 {
		var v *Node
		switch p := pairs[i+1].(type) {
		case *Node:
			v = p
		case string:
			v = x.text(at, p)
		}
		if v != nil {
			n.set(x.text(at, pairs[i].(string)), v)
		}
	}
	return n
}

func (x *expansion) ref(at *Node, name string) *Node { return x.object(at, "Ref", name) }

func (x *expansion) attr(at *Node, resource, name string) *Node {
	return x.object(at, "Fn::GetAtt", x.list(at, x.text(at, resource), x.text(at, name)))
}

// add puts a resource beside the one it is generated for, under its condition.
func (x *expansion) add(owner *Node, name *Node, typ string, properties *Node, more ...any) {
	r := x.object(name, append([]any{"Type", typ, "Properties", properties, "Condition", owner.Get("Condition")}, more...)...)
	x.added = append(x.added, name, r)
}

func (n *Node) set(k, v *Node) {
	for i := range n.Keys {
		if n.Keys[i].Text == k.Text {
			n.Items[i] = v
			return
		}
	}
	n.Keys, n.Items = append(n.Keys, k), append(n.Items, v)
}

// properties are a resource's own and the Globals of its kind: maps are
// joined, lists put one behind the other ("Globals section").
func (x *expansion) properties(kind string, r *Node, known []string) *Node {
	p := r.Get("Properties")
	if p == nil {
		p = &Node{Kind: Map, Span: r.Span}
	}
	for _, k := range p.Keys {
		if !slices.Contains(known, k.Text) {
			x.t.fail(k, "Transform %s failed with: property %s is not supported here", serverless, k.Text).Suggestion = diag.Nearest(k.Text, known)
		}
	}
	return merged(x.globalsOf(kind, r), p)
}

// globalsOf are the Globals of a kind without those the resource ignores: all
// ("*"), or the properties it lists ("IgnoreGlobals").
func (x *expansion) globalsOf(kind string, r *Node) *Node {
	all, ignored := x.globals.Get(kind), r.Get("IgnoreGlobals")
	if all == nil || all.Kind != Map || ignored == nil {
		return all
	}
	kept := &Node{Kind: Map, Span: all.Span}
	for i, k := range all.Keys {
		if ignored.Text != "*" && !slices.ContainsFunc(ignored.Items, func(n *Node) bool { return n.Text == k.Text }) {
			kept.set(k, all.Items[i])
		}
	}
	return kept
}

func merged(global, own *Node) *Node {
	switch {
	case global == nil:
		return own
	case own == nil:
		return global
	case global.Kind == Map && own.Kind == Map:
		out := &Node{Kind: Map, Span: own.Span}
		for i, k := range global.Keys {
			out.set(k, merged(global.Items[i], own.Get(k.Text)))
		}
		for i, k := range own.Keys {
			if global.Get(k.Text) == nil {
				out.set(k, own.Items[i])
			}
		}
		return out
	case global.Kind == List && own.Kind == List:
		return &Node{Kind: List, Span: own.Span, Items: slices.Concat(global.Items, own.Items)}
	}
	return own
}

// become makes the resource one of CloudFormation's own.
func (x *expansion) become(r *Node, typ string, properties *Node) {
	if i := slices.IndexFunc(r.Keys, func(k *Node) bool { return k.Text == "IgnoreGlobals" }); i >= 0 {
		r.Keys, r.Items = slices.Delete(r.Keys, i, i+1), slices.Delete(r.Items, i, i+1)
	}
	r.set(x.text(r.Get("Type"), "Type"), x.text(r.Get("Type"), typ))
	r.set(x.text(r.Get("Type"), "Properties"), properties)
}

// copied takes over properties as they are.
func copied(from, to *Node, names ...string) {
	for i, k := range from.Keys {
		if slices.Contains(names, k.Text) {
			to.set(k, from.Items[i])
		}
	}
}

// tags are the tags of a map, behind that of SAM.
func (x *expansion) tags(at, p *Node, by string) *Node {
	tags := x.list(at, x.object(at, "Key", by, "Value", "SAM"))
	if own := p.Get("Tags"); own != nil {
		for i, k := range own.Keys {
			tags.Items = append(tags.Items, x.object(k, "Key", k.Text, "Value", own.Items[i]))
		}
	}
	return tags
}

// role adds the role of a resource that names none.
func (x *expansion) role(owner, name, p *Node, service, by string, managed ...string) *Node {
	role := x.text(name, name.Text+"Role")
	arns := x.list(name)
	for _, m := range managed {
		arns.Items = append(arns.Items, x.object(name, "Fn::Sub", "arn:${AWS::Partition}:iam::aws:policy/"+m))
	}
	inline := x.list(name)
	for i, policy := range x.policies(p.Get("Policies")) {
		switch {
		case policy.Get("Statement") != nil:
			inline.Items = append(inline.Items, x.object(policy, "PolicyName", fmt.Sprintf("%sPolicy%d", role.Text, i), "PolicyDocument", policy))
		case policy.Kind == String && !strings.Contains(policy.Text, ":"):
			arns.Items = append(arns.Items, x.object(policy, "Fn::Sub", "arn:${AWS::Partition}:iam::aws:policy/"+policy.Text))
		case policy.Kind == String:
			arns.Items = append(arns.Items, policy)
		default:
			if _, _, ok := policy.function(); ok {
				arns.Items = append(arns.Items, policy)
				continue
			}
			faults := len(x.t.found)
			document := x.templated(policy)
			switch {
			case document != nil:
				inline.Items = append(inline.Items, x.object(policy, "PolicyName", fmt.Sprintf("%sPolicy%d", role.Text, i), "PolicyDocument", document))
			case len(x.t.found) == faults:
				x.t.fail(policy, "not implemented: the policy template %s", strings.Join(keys(policy), ", "))
			}
		}
	}
	properties := x.object(name, "AssumeRolePolicyDocument", x.trust(name, service), "ManagedPolicyArns", arns)
	if len(inline.Items) > 0 {
		properties.set(x.text(name, "Policies"), inline)
	}
	properties.set(x.text(name, "Tags"), x.tags(name, p, by))
	copied(p, properties, "PermissionsBoundary", "Path")
	x.add(owner, role, "AWS::IAM::Role", properties)
	return x.attr(name, role.Text, "Arn")
}

func (x *expansion) policies(p *Node) []*Node {
	if p == nil {
		return nil
	}
	if p.Kind == List {
		return p.Items
	}
	return []*Node{p}
}

func (x *expansion) trust(at *Node, service string) *Node {
	return x.object(at, "Version", "2012-10-17", "Statement", x.list(at, x.object(at,
		"Action", x.list(at, x.text(at, "sts:AssumeRole")), "Effect", "Allow",
		"Principal", x.object(at, "Service", x.list(at, x.text(at, service))))))
}

var functionProperties = []string{"FunctionName", "CodeUri", "InlineCode", "Handler", "Runtime", "Role", "Policies", "MemorySize", "Timeout", "Environment",
	"Events", "Layers", "Tags", "Description", "DeadLetterQueue", "ReservedConcurrentExecutions", "AutoPublishAlias", "PermissionsBoundary", "Architectures",
	"EphemeralStorage", "EventInvokeConfig", "Tracing", "PackageType", "VpcConfig", "KmsKeyArn", "LoggingConfig", "FunctionUrlConfig"}

func (x *expansion) function(k, r *Node) {
	p := x.properties("Function", r, functionProperties)
	out := x.object(k, "Code", x.code(k, p))
	copied(p, out, "FunctionName", "Handler", "Runtime", "MemorySize", "Timeout", "Environment", "Layers", "Description",
		"ReservedConcurrentExecutions", "Architectures", "EphemeralStorage", "PackageType", "VpcConfig", "KmsKeyArn", "LoggingConfig")
	if t := p.Get("Tracing"); t != nil {
		out.set(x.text(t, "TracingConfig"), x.object(t, "Mode", t))
	}
	if d := p.Get("DeadLetterQueue"); d != nil {
		out.set(x.text(d, "DeadLetterConfig"), x.object(d, "TargetArn", d.Get("TargetArn")))
	}
	out.set(x.text(k, "Tags"), x.tags(k, p, "lambda:createdBy"))
	if role := p.Get("Role"); role != nil {
		out.set(x.text(role, "Role"), role)
	} else {
		managed := []string{"service-role/AWSLambdaBasicExecutionRole"}
		if x.hasEvent(p, "SQS") {
			managed = append(managed, "service-role/AWSLambdaSQSQueueExecutionRole")
		}
		out.set(x.text(k, "Role"), x.role(r, k, p, "lambda.amazonaws.com", "lambda:createdBy", managed...))
	}
	target := x.alias(k, r, p)
	if c := p.Get("EventInvokeConfig"); c != nil {
		config := x.object(c, "FunctionName", x.ref(c, k.Text), "Qualifier", "$LATEST")
		copied(c, config, "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "DestinationConfig")
		x.add(r, x.text(c, k.Text+"EventInvokeConfig"), "AWS::Lambda::EventInvokeConfig", config)
	}
	x.functionURL(k, r, p, target)
	x.become(r, "AWS::Lambda::Function", out)
	x.events(k, r, p, "lambda", target)
}

// functionURL makes the URL of a function, or of its alias, and lets everybody call
// one without authorization.
func (x *expansion) functionURL(k, r, p, target *Node) {
	c := p.Get("FunctionUrlConfig")
	if c == nil {
		return
	}
	if p.Get("AutoPublishAlias") == nil {
		target = x.ref(c, k.Text)
	}
	made := x.object(c, "TargetFunctionArn", target)
	copied(c, made, "AuthType", "Cors", "InvokeMode")
	x.add(r, x.text(c, k.Text+"Url"), "AWS::Lambda::Url", made)
	if auth := c.Get("AuthType"); auth != nil && auth.Text == "NONE" {
		x.add(r, x.text(c, k.Text+"UrlPublicPermissions"), "AWS::Lambda::Permission", x.object(c, "Action", "lambda:InvokeFunctionUrl",
			"FunctionName", target, "Principal", "*", "FunctionUrlAuthType", "NONE"))
	}
}

// code is the Code property: inline, or an object in S3.
func (x *expansion) code(k, p *Node) *Node {
	uri := p.Get("CodeUri")
	switch {
	case p.Get("InlineCode") != nil:
		return x.object(k, "ZipFile", p.Get("InlineCode"))
	case uri == nil:
		x.t.fail(k, "Transform %s failed with: Resource with id [%s] is invalid. Missing required property 'CodeUri'.", serverless, k.Text)
	case uri.Kind == Map && uri.Get("Bucket") != nil:
		return x.object(uri, "S3Bucket", uri.Get("Bucket"), "S3Key", uri.Get("Key"), "S3ObjectVersion", uri.Get("Version"))
	default:
		if bucket, key, ok := x.located(uri); ok {
			return x.object(uri, "S3Bucket", bucket, "S3Key", key)
		}
		x.t.fail(uri, "Transform %s failed with: Resource with id [%s] is invalid. 'CodeUri' is not a valid S3 Uri of the form 's3://bucket/key' with optional versionId query parameter.", serverless, k.Text)
	}
	return x.object(k)
}

// located is the bucket and key that a URI names; of a local file, where those
// are taken, its path is the key.
func (x *expansion) located(uri *Node) (bucket, key string, ok bool) {
	if bucket, key, ok = s3URL(uri.Text); !ok && x.local {
		return "local", uri.Text, true
	}
	return bucket, key, ok
}

func s3URL(url string) (bucket, key string, ok bool) {
	rest, ok := strings.CutPrefix(url, "s3://")
	if !ok {
		return "", "", false
	}
	bucket, key, ok = strings.Cut(rest, "/")
	return bucket, key, ok && key != ""
}

// alias adds the version and alias of AutoPublishAlias; it gives what events
// invoke.
func (x *expansion) alias(k, r, p *Node) *Node {
	name := p.Get("AutoPublishAlias")
	if name == nil {
		return x.attr(k, k.Text, "Arn")
	}
	if name.Kind != String {
		x.t.fail(name, "not implemented: AutoPublishAlias with a function")
		return x.attr(k, k.Text, "Arn")
	}
	code, err := json.Marshal(x.code(k, p).Value())
	if err != nil {
		x.t.fail(name, "cannot name the version: %v", err)
	}
	sum := sha256.Sum256(code)
	version := x.text(name, k.Text+"Version"+hex.EncodeToString(sum[:])[:10])
	x.add(r, version, "AWS::Lambda::Version", x.object(name, "FunctionName", x.ref(name, k.Text)), "DeletionPolicy", "Retain")
	alias := x.text(name, k.Text+"Alias"+name.Text)
	x.add(r, alias, "AWS::Lambda::Alias", x.object(name, "Name", name, "FunctionName", x.ref(name, k.Text),
		"FunctionVersion", x.attr(name, version.Text, "Version")))
	return x.ref(name, alias.Text)
}

func (x *expansion) layer(r *Node) {
	p := x.properties("LayerVersion", r, []string{"LayerName", "Description", "ContentUri", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo", "RetentionPolicy"})
	out := x.object(r, "Content", x.code(r, x.object(r, "CodeUri", p.Get("ContentUri"))))
	copied(p, out, "LayerName", "Description", "CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo")
	x.become(r, "AWS::Lambda::LayerVersion", out)
	r.set(x.text(r, "DeletionPolicy"), x.text(r, "Retain"))
}

var stateMachineProperties = []string{"Name", "Definition", "DefinitionUri", "DefinitionSubstitutions", "Role", "Policies", "Type", "Logging", "Tracing",
	"Tags", "Events", "PermissionsBoundary", "RolePath"}

func (x *expansion) stateMachine(k, r *Node) {
	p := x.properties("StateMachine", r, stateMachineProperties)
	out := x.object(k, "StateMachineName", p.Get("Name"), "StateMachineType", p.Get("Type"), "LoggingConfiguration", p.Get("Logging"),
		"TracingConfiguration", p.Get("Tracing"), "DefinitionSubstitutions", p.Get("DefinitionSubstitutions"))
	uri := p.Get("DefinitionUri")
	switch {
	case p.Get("Definition") != nil:
		out.set(x.text(k, "Definition"), p.Get("Definition"))
	case uri != nil && uri.Kind == Map:
		out.set(x.text(k, "DefinitionS3Location"), uri)
	case uri != nil:
		bucket, key, ok := x.located(uri)
		if !ok {
			x.t.fail(uri, "Transform %s failed with: Resource with id [%s] is invalid. 'DefinitionUri' is not a valid S3 Uri of the form 's3://bucket/key' with optional versionId query parameter.", serverless, k.Text)
		}
		out.set(x.text(k, "DefinitionS3Location"), x.object(uri, "Bucket", bucket, "Key", key))
	default:
		x.t.fail(k, "Transform %s failed with: Resource with id [%s] is invalid. Either 'Definition' or 'DefinitionUri' property must be specified.", serverless, k.Text)
	}
	if role := p.Get("Role"); role != nil {
		out.set(x.text(role, "RoleArn"), role)
	} else {
		out.set(x.text(k, "RoleArn"), x.role(r, k, p, "states.amazonaws.com", "stateMachine:createdBy"))
	}
	out.set(x.text(k, "Tags"), x.tags(k, p, "stateMachine:createdBy"))
	x.become(r, "AWS::StepFunctions::StateMachine", out)
	x.events(k, r, p, "states", x.ref(k, k.Text))
}
