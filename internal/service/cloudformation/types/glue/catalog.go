// Package gluetype holds the resource types of AWS Glue: databases, tables,
// partitions, connections and jobs. What the service has not (crawlers,
// triggers, workflows, classifiers, security configurations, ...) is not there.
//
// Package types lists them; nothing else imports it.
package gluetype

import (
	"context"
	"maps"
	"strings"

	api "stepwell/internal/awsapi/glue"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types.
func Types() []resource.Type {
	return []resource.Type{database(), table(), partition(), connection(), job()}
}

const service = "glue"

// part is a property that is an object; it may be absent.
func part(properties map[string]any, name string) map[string]any {
	m, _ := properties[name].(map[string]any)
	return m
}

// named is the request's properties with a name in the member input, and the name.
// One that is absent is made of stack and logical id, in lower case as the
// catalog keeps it where lower is set.
func named(r *resource.Request, input string, limit int, lower bool) (properties map[string]any, name string) {
	properties = maps.Clone(r.Properties)
	inner := maps.Clone(part(properties, input))
	if inner == nil {
		return properties, "" // decoding or validation tells what it wants
	}
	name, _ = resource.Text(inner["Name"])
	if name == "" {
		name = r.Name("", limit)
	}
	if lower {
		name = strings.ToLower(name)
	}
	inner["Name"] = name
	properties[input] = inner
	return properties, name
}

// rename sets the name in the member input, a map that named has made.
func rename(properties map[string]any, input, name string) {
	if m := part(properties, input); m != nil {
		m["Name"] = name
	}
}

// renamed says that the name in the member input differs from what it was.
func renamed(r *resource.Request, input string) bool {
	is, was := part(r.Properties, input)["Name"], part(r.Old, input)["Name"]
	return is != nil && !resource.Equal(is, was)
}

// create calls an operation; what an earlier attempt made is ours.
func create(ctx context.Context, r *resource.Request, operation string, in any, name string) (*resource.Made, error) {
	_, err := r.Bus.Invoke(ctx, service, operation, in)
	if err != nil && !(r.Again && resource.Is(err, "AlreadyExistsException")) {
		return nil, err
	}
	return &resource.Made{ID: name}, nil
}

func remove(ctx context.Context, r *resource.Request, operation string, in any) error {
	_, err := r.Bus.Invoke(ctx, service, operation, in)
	return resource.Unless(err, "EntityNotFoundException")
}

// catalog is the CatalogId property.
func catalog(r *resource.Request) *string {
	if id := r.Text("CatalogId"); id != "" {
		return &id
	}
	return nil
}

func database() resource.Type {
	input := func(r *resource.Request) (map[string]any, string) {
		properties, name := named(r, "DatabaseInput", 255, true)
		if given := r.Text("DatabaseName"); given != "" && part(r.Properties, "DatabaseInput")["Name"] == nil {
			name = strings.ToLower(given)
			rename(properties, "DatabaseInput", name)
		}
		return properties, name
	}
	return resource.Type{
		Name:        "AWS::Glue::Database",
		Required:    []string{"CatalogId", "DatabaseInput"},
		Optional:    []string{"DatabaseName"},
		Replacement: []string{"CatalogId", "DatabaseName"},
		Replaces:    func(r *resource.Request) bool { return renamed(r, "DatabaseInput") },
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &api.CreateDatabaseInput{}
			properties, name := input(r)
			if err := resource.Decode(properties, in, databaseNames); err != nil {
				return nil, err
			}
			return create(ctx, r, "CreateDatabase", in, name)
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &api.UpdateDatabaseInput{Name: &r.ID}
			properties, _ := input(r)
			rename(properties, "DatabaseInput", r.ID)
			if err := resource.Decode(properties, in, databaseNames); err != nil {
				return nil, err
			}
			_, err := r.Bus.Invoke(ctx, service, "UpdateDatabase", in)
			return &resource.Made{ID: r.ID}, err
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return remove(ctx, r, "DeleteDatabase", &api.DeleteDatabaseInput{CatalogId: catalog(r), Name: &r.ID})
		},
	}
}

var databaseNames = map[string]string{"DatabaseName": ""}

func table() resource.Type {
	return resource.Type{
		Name:        "AWS::Glue::Table",
		Required:    []string{"CatalogId", "DatabaseName", "TableInput"},
		Refused:     []string{"OpenTableFormatInput"},
		Replacement: []string{"CatalogId", "DatabaseName"},
		Replaces:    func(r *resource.Request) bool { return renamed(r, "TableInput") },
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &api.CreateTableInput{}
			properties, name := named(r, "TableInput", 255, true)
			if err := resource.Decode(properties, in, nil); err != nil {
				return nil, err
			}
			return create(ctx, r, "CreateTable", in, name)
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &api.UpdateTableInput{}
			properties, _ := named(r, "TableInput", 255, true)
			if err := resource.Decode(properties, in, nil); err != nil {
				return nil, err
			}
			_, err := r.Bus.Invoke(ctx, service, "UpdateTable", in)
			return &resource.Made{ID: r.ID}, err
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return remove(ctx, r, "DeleteTable", &api.DeleteTableInput{CatalogId: catalog(r), DatabaseName: new(r.Text("DatabaseName")), Name: &r.ID})
		},
	}
}

func partition() resource.Type {
	values := func(properties map[string]any) []string {
		return resource.Texts(part(properties, "PartitionInput")["Values"])
	}
	return resource.Type{
		Name:        "AWS::Glue::Partition",
		Required:    []string{"CatalogId", "DatabaseName", "PartitionInput", "TableName"},
		Replacement: []string{"CatalogId", "DatabaseName", "TableName"},
		Replaces: func(r *resource.Request) bool {
			return !resource.Equal(part(r.Properties, "PartitionInput")["Values"], part(r.Old, "PartitionInput")["Values"])
		},
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &api.CreatePartitionInput{}
			if err := resource.Decode(r.Properties, in, nil); err != nil {
				return nil, err
			}
			id := strings.Join(append([]string{r.Text("DatabaseName"), r.Text("TableName")}, values(r.Properties)...), "|")
			return create(ctx, r, "CreatePartition", in, id)
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &api.UpdatePartitionInput{PartitionValueList: values(r.Old)}
			if err := resource.Decode(r.Properties, in, nil); err != nil {
				return nil, err
			}
			_, err := r.Bus.Invoke(ctx, service, "UpdatePartition", in)
			return &resource.Made{ID: r.ID}, err
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return remove(ctx, r, "DeletePartition", &api.DeletePartitionInput{CatalogId: catalog(r), DatabaseName: new(r.Text("DatabaseName")),
				TableName: new(r.Text("TableName")), PartitionValues: values(r.Properties)})
		},
	}
}

func connection() resource.Type {
	return resource.Type{
		Name:        "AWS::Glue::Connection",
		Required:    []string{"CatalogId", "ConnectionInput"},
		Replacement: []string{"CatalogId"},
		Replaces:    func(r *resource.Request) bool { return renamed(r, "ConnectionInput") },
		Create: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &api.CreateConnectionInput{}
			properties, name := named(r, "ConnectionInput", 255, false)
			if err := resource.Decode(properties, in, nil); err != nil {
				return nil, err
			}
			return create(ctx, r, "CreateConnection", in, name)
		},
		Update: func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			in := &api.UpdateConnectionInput{Name: &r.ID}
			properties, _ := named(r, "ConnectionInput", 255, false)
			if err := resource.Decode(properties, in, nil); err != nil {
				return nil, err
			}
			_, err := r.Bus.Invoke(ctx, service, "UpdateConnection", in)
			return &resource.Made{ID: r.ID}, err
		},
		Delete: func(ctx context.Context, r *resource.Request) error {
			return remove(ctx, r, "DeleteConnection", &api.DeleteConnectionInput{CatalogId: catalog(r), ConnectionName: &r.ID})
		},
	}
}
