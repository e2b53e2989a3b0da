package states

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"stepwell/internal/asl/check"
	"stepwell/internal/asl/exec"
	"stepwell/internal/asl/syntax"
	"stepwell/internal/awsapi"
	"stepwell/internal/diag"
	"stepwell/internal/wire/sdkjson"
)

// Check says what is wrong with a definition, with places in its text: what
// ValidateStateMachineDefinition answers, with near misses, and where that
// finds no error what is allowed and hardly meant (check.Advice). What depends
// on a placeholder of a template is not judged. kind is STANDARD or EXPRESS.
func (s *Service) Check(definition, kind string) diag.List {
	text := standIns(definition)
	_, problems := s.compile(text, kind, false)
	var found diag.List
	def, _ := syntax.Parse(text)
	for _, p := range problems {
		if d := s.diagnostic(def, p); !undecided(definition, d.Span) {
			found = append(found, d)
		}
	}
	if def != nil && !slices.ContainsFunc(found, func(d diag.Diagnostic) bool { return d.Severity != diag.Warning }) {
		for _, f := range check.Advice(def) {
			if !undecided(definition, f.Span) {
				found = append(found, f.Diagnostic)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b diag.Diagnostic) int { return a.Span.Start - b.Span.Start })
	return found
}

func (s *Service) diagnostic(def *syntax.Definition, p exec.Problem) diag.Diagnostic {
	d := diag.Diagnostic{Span: p.Span, Code: p.Code, Text: p.Message, Notes: p.Notes, Suggestion: p.Suggestion}
	if p.Severity != "ERROR" {
		d.Severity = diag.Warning
	}
	if def == nil {
		return d
	}
	n := nodeAt(def.Root, p.Location)
	if d.Span == (diag.Span{}) && n != nil {
		d.Span = n.Span
	}
	if n == nil {
		return d
	}
	switch {
	case strings.HasSuffix(p.Location, "/Resource") && d.Suggestion == "":
		d.Suggestion = s.nearestResource(n.Text)
	case strings.HasSuffix(p.Location, "/Parameters"):
		s.explainParameter(def, p, n, &d)
	}
	return d
}

// nodeAt finds the value at a place as the service writes it:
// "/States/Name/Branches[0]/...". Names may hold slashes.
func nodeAt(n *syntax.Node, location string) *syntax.Node {
	if location == "" || location == "/" {
		return n
	}
	rest := strings.TrimPrefix(location, "/")
	for _, m := range n.Members {
		after, ok := strings.CutPrefix(rest, m.Name)
		if !ok {
			continue
		}
		v := m.Value
		for strings.HasPrefix(after, "[") {
			i, tail, _ := strings.Cut(after[1:], "]")
			k := 0
			for _, digit := range i {
				k = k*10 + int(digit-'0')
			}
			if k < 0 || k >= len(v.Items) {
				return nil
			}
			v, after = v.Items[k], tail
		}
		if after != "" && after[0] != '/' {
			continue
		}
		if found := nodeAt(v, after); found != nil {
			return found
		}
	}
	return nil
}

// nearestResource is the Resource that one that is not recognised has probably
// misspelt: an optimized integration, an operation of an SDK's service, or the
// service of one.
func (s *Service) nearestResource(arn string) string {
	if s.knownResource(arn) {
		return ""
	}
	prefix := "arn:aws:states:::"
	name, ok := strings.CutPrefix(arn, prefix)
	if !ok {
		i := strings.Index(arn, ":::")
		if i < 0 {
			return ""
		}
		name = arn[i+3:]
	}
	sdk, isSDK := strings.CutPrefix(name, "aws-sdk:")
	if isSDK {
		if near := s.nearestSDK(sdk); near != "" {
			return prefix + "aws-sdk:" + near
		}
		return ""
	}
	operation, pattern, _ := strings.Cut(name, ".")
	if patterns, known := optimizedResources[operation]; known {
		if near := diag.Nearest(pattern, patterns); near != "" {
			return prefix + operation + "." + near
		}
		return prefix + operation
	}
	var all []string
	for resource, patterns := range optimizedResources {
		all = append(all, resource)
		for _, p := range patterns {
			all = append(all, resource+"."+p)
		}
	}
	slices.Sort(all)
	if near := diag.Nearest(name, all); near != "" {
		return prefix + near
	}
	return ""
}

func (s *Service) nearestSDK(resource string) string {
	service, action, _ := strings.Cut(resource, ":")
	operation, pattern, _ := strings.Cut(action, ".")
	tail := ""
	if pattern == patternToken {
		tail = "." + patternToken
	}
	name := s.sdkService(service)
	if name == "" {
		if near := diag.Nearest(service, strings.Fields(sdkServices)); near != "" {
			return near + ":" + operation + tail
		}
		return ""
	}
	sv, _ := s.Catalog.Lookup(name, "")
	var operations []string
	for i := range sv.Model.Operations {
		n := sv.Model.Operations[i].Name
		operations = append(operations, strings.ToLower(n[:1])+n[1:])
	}
	if near := diag.Nearest(operation, operations); near != "" {
		return service + ":" + near + tail
	}
	return ""
}

var fieldInText = regexp.MustCompile(`[Tt]he field ["']([^"']+)["'] is not supported`)

// explainParameter points to a parameter that an operation does not have, and
// suggests one that it has.
func (s *Service) explainParameter(def *syntax.Definition, p exec.Problem, n *syntax.Node, d *diag.Diagnostic) {
	match := fieldInText.FindStringSubmatch(p.Message)
	state := nodeAt(def.Root, strings.TrimSuffix(p.Location, "/Parameters"))
	if match == nil || state == nil || state.Get("Resource") == nil {
		return
	}
	field := match[1][strings.LastIndexByte(match[1], '.')+1:]
	for _, m := range n.Members {
		if strings.TrimSuffix(m.Name, ".$") == field {
			d.Span = m.NameSpan
		}
	}
	c, err := s.resolve(exec.ResourceOf(state.Get("Resource").Text))
	if err != nil {
		return
	}
	d.Suggestion = diag.Nearest(field, memberNames(c.service.Model, c.model))
}

// memberNames are the parameters of an operation as Task states write them.
func memberNames(m *awsapi.Model, op *awsapi.Operation) []string {
	names := map[string]bool{}
	for _, member := range m.Shape(op.Input).Members {
		names[sdkjson.Name(member.Name)] = true
	}
	return slices.Sorted(maps.Keys(names))
}
