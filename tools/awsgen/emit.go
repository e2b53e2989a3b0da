package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// shapesFile emits the Go structs and the enum constants.
func (g *generator) shapesFile() (string, error) {
	var b strings.Builder
	for _, s := range g.shapes[1:] {
		if s.goName == "" {
			continue
		}
		g.structType(&b, s)
	}
	for _, s := range g.shapes[1:] {
		if len(s.api.Enum) > 0 {
			g.enumConstants(&b, s)
		}
	}
	body := b.String()
	var imports string
	if strings.Contains(body, "io.ReadCloser") {
		imports += "\"io\"\n"
	}
	if strings.Contains(body, "time.Time") {
		imports += "\"time\"\n"
	}
	if imports != "" {
		imports = "import (\n" + imports + ")\n\n"
	}
	doc := fmt.Sprintf("// Package %s holds the shapes of %s (%s): Go structs, errors and the\n// model that the protocol codecs read. It has no logic.\npackage %s\n\n",
		g.svc.Package, g.model.Metadata.ServiceFullName, g.model.Metadata.APIVersion, g.svc.Package)
	return doc + imports + body, nil
}

func (g *generator) structType(b *strings.Builder, s *goShape) {
	fmt.Fprintf(b, "type %s struct {\n", s.goName)
	for _, m := range s.api.Members {
		tag := "`json:\",omitzero\"`"
		t := g.fieldType(m)
		if t == "io.ReadCloser" || g.model.Shapes[m.Shape].EventStream {
			tag = "`json:\"-\"`"
		}
		note := ""
		if slices.Contains(s.api.Required, m.Name) {
			note = " // required"
		}
		fmt.Fprintf(b, "\t%s %s %s%s\n", exported(m.Name), t, tag, note)
	}
	b.WriteString("}\n\n")
}

func (g *generator) enumConstants(b *strings.Builder, s *goShape) {
	fmt.Fprintf(b, "// Values of %s.\nconst (\n", s.name)
	for _, v := range s.api.Enum {
		name := exported(s.name) + identifier(v)
		for g.names[name] != "" {
			name += "_"
		}
		g.names[name] = "enum " + s.name
		fmt.Fprintf(b, "\t%s = %q\n", name, v)
	}
	b.WriteString(")\n\n")
}

// errorsFile emits one constructor for each modelled error.
func (g *generator) errorsFile() (string, error) {
	var b strings.Builder
	list := g.errorShapes()
	fmt.Fprintf(&b, "package %s\n\n", g.svc.Package)
	if len(list) > 0 {
		b.WriteString("import \"stepwell/internal/awserr\"\n\n")
	}
	for _, name := range list {
		s := g.model.Shapes[name]
		code, status := errorCode(name, s)
		fn := exported(name)
		if err := g.take(fn, "error "+name); err != nil {
			return "", err
		}
		doc := fmt.Sprintf("// %s is the error %s (HTTP %d).", fn, code, status)
		var extra []string
		for _, m := range s.Members {
			if !strings.EqualFold(m.Name, "message") {
				extra = append(extra, m.Name)
			}
		}
		if len(extra) > 0 {
			doc += " Fields: " + strings.Join(extra, ", ") + "."
		}
		fmt.Fprintf(&b, "%s\nfunc %s(format string, args ...any) *awserr.Error {\n\treturn awserr.New(%d, %q, format, args...)\n}\n\n", doc, fn, status, code)
	}
	return b.String(), nil
}

// errorShapes lists the exceptions of the model that no other name hides.
func (g *generator) errorShapes() []string {
	var list []string
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(g.model.Shapes)) {
		s := g.model.Shapes[name]
		if !s.Exception && s.Error == nil {
			continue
		}
		if fn := exported(name); !seen[fn] {
			seen[fn] = true
			list = append(list, name)
		}
	}
	return list
}

func errorCode(name string, s *apiShape) (code string, status int) {
	code, status = name, 400
	if s.Fault {
		status = 500
	}
	if s.Error != nil {
		if s.Error.Code != "" {
			code = s.Error.Code
		}
		if s.Error.HTTPStatusCode != 0 {
			status = s.Error.HTTPStatusCode
		}
	}
	return code, status
}

var validationForms = map[string]string{"coral": "Coral", "missing-parameter": "MissingParameter", "no-value": "NoValue", "none": "Unvalidated"}

// schemaFile emits the model literal.
func (g *generator) schemaFile() (string, error) {
	var b strings.Builder
	md := g.model.Metadata
	fmt.Fprintf(&b, "package %s\n\nimport \"stepwell/internal/awsapi\"\n\n", g.svc.Package)
	fmt.Fprintf(&b, "// Model describes %s to the protocol codecs.\nvar Model = &awsapi.Model{\n", md.ServiceFullName)
	signing := md.SigningName
	if signing == "" {
		signing = md.EndpointPrefix
	}
	for _, f := range [][2]string{{"Service", g.svc.Service}, {"ServiceID", md.ServiceID}, {"FullName", md.ServiceFullName},
		{"Abbreviation", md.ServiceAbbreviation}, {"EndpointPrefix", md.EndpointPrefix}, {"SigningName", signing},
		{"APIVersion", md.APIVersion}, {"Protocol", md.Protocol}, {"JSONVersion", md.JSONVersion}, {"TargetPrefix", md.TargetPrefix},
		{"XMLNamespace", md.XMLNamespace}, {"GlobalEndpoint", md.GlobalEndpoint}, {"ValidationCode", g.svc.Validation.Code}} {
		if f[1] != "" {
			fmt.Fprintf(&b, "%s: %q,\n", f[0], f[1])
		}
	}
	form := validationForms[g.svc.Validation.Form]
	if form == "" {
		return "", fmt.Errorf("services.json: unknown validation form %q", g.svc.Validation.Form)
	}
	fmt.Fprintf(&b, "Validation: awsapi.%s,\n", form)
	if len(g.svc.Protocols) > 0 {
		fmt.Fprintf(&b, "Protocols: []awsapi.Protocol{%s},\n", quoted(g.svc.Protocols))
	}
	if md.AWSQueryCompatible != nil {
		b.WriteString("QueryCompatible: true,\n")
	}
	b.WriteString("Operations: operations,\nShapes: shapes,\nErrors: errors,\n}\n\n")
	g.operationTable(&b)
	b.WriteString("var shapes = []awsapi.Shape{\n{},\n")
	for _, s := range g.shapes[1:] {
		if err := g.shapeLiteral(&b, s); err != nil {
			return "", err
		}
	}
	b.WriteString("}\n\n")
	g.errorTable(&b)
	return b.String(), nil
}

func quoted(list []string) string {
	q := make([]string, len(list))
	for i, s := range list {
		q[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(q, ", ")
}

func (g *generator) operationTable(b *strings.Builder) {
	b.WriteString("var operations = []awsapi.Operation{\n")
	for _, name := range slices.Sorted(maps.Keys(g.model.Operations)) {
		op := g.model.Operations[name]
		fmt.Fprintf(b, "{Name: %q, Method: %q, URI: %q", name, op.HTTP.Method, op.HTTP.RequestURI)
		if op.HTTP.ResponseCode != 0 && op.HTTP.ResponseCode != 200 {
			fmt.Fprintf(b, ", Status: %d", op.HTTP.ResponseCode)
		}
		if op.AuthType == "none" {
			b.WriteString(", NoAuth: true")
		}
		if op.UnsignedPayload || op.AuthType == "v4-unsigned-body" {
			b.WriteString(", UnsignedPayload: true")
		}
		if op.HTTPChecksum != nil && op.HTTPChecksum.Required {
			b.WriteString(", ChecksumRequired: true")
		}
		if g.modelled[name] {
			g.operationShapes(b, name, op)
		}
		b.WriteString("},\n")
	}
	b.WriteString("}\n\n")
}

func (g *generator) operationShapes(b *strings.Builder, name string, op *apiOperation) {
	in, out := g.inputs[name], g.outputs[name]
	fmt.Fprintf(b, ",\nModelled: true, Input: %d, Output: %d,\nNewInput: func() any { return new(%s) }, NewOutput: func() any { return new(%s) }",
		in.id, out.id, in.goName, out.goName)
	if op.Input != nil && op.Input.LocationName != "" {
		fmt.Fprintf(b, ",\nInputName: %q", op.Input.LocationName)
		if op.Input.XMLNamespace != nil {
			fmt.Fprintf(b, ", InputNamespace: %q", op.Input.XMLNamespace.URI)
		}
	}
	if op.Output != nil && op.Output.ResultWrapper != "" {
		fmt.Fprintf(b, ",\nResultWrapper: %q", op.Output.ResultWrapper)
	}
	if len(op.Errors) > 0 {
		var names []string
		for _, e := range op.Errors {
			names = append(names, e.Shape)
		}
		fmt.Fprintf(b, ",\nErrors: []string{%s}", quoted(names))
	}
	b.WriteString(",\n")
}

func (g *generator) errorTable(b *strings.Builder) {
	b.WriteString("var errors = []awsapi.Error{\n")
	for _, name := range g.errorShapes() {
		s := g.model.Shapes[name]
		code, status := errorCode(name, s)
		fmt.Fprintf(b, "{Name: %q, Code: %q, Status: %d", name, code, status)
		if g.model.Metadata.AWSQueryCompatible != nil {
			fmt.Fprintf(b, ", QueryCode: %q", code)
		}
		if s.Fault {
			b.WriteString(", Fault: true")
		}
		for _, m := range s.Members {
			if strings.EqualFold(m.Name, "message") {
				fmt.Fprintf(b, ", Message: %q", m.Name)
			}
		}
		b.WriteString("},\n")
	}
	b.WriteString("}\n")
}
