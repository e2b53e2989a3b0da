package warehouse

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"stepwell/internal/lake"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
)

func (r *running) catalogService() (lake.Catalog, error) {
	c := r.session.cluster.w.options.Catalog
	if c == nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "external schemas need a Data Catalog, and none is configured")
	}
	return c, nil
}

func (r *running) createExternalSchema(t *syntax.CreateExternalSchema) (Done, error) {
	done := Done{Tag: "CREATE SCHEMA", Command: "CREATE EXTERNAL SCHEMA", Rows: -1}
	if t.Source != "data catalog" {
		return done, sqlerr.NotImplemented("CREATE EXTERNAL SCHEMA FROM " + strings.ToUpper(t.Source))
	}
	svc, err := r.catalogService()
	if err != nil {
		return done, err
	}
	proceed, err := r.beforeSchema(t.Name.Name, t.IfNotExists)
	if err != nil || !proceed {
		return done, err
	}
	source := externalSource{Kind: t.Source, Database: strings.ToLower(t.Database), Region: t.Region, Role: t.IAMRole}
	ns := r.session.cluster.namespace(&source)
	if t.CreateDatabase {
		err := svc.CreateDatabase(r.ctx, ns, lake.Database{Name: source.Database, Created: r.session.cluster.w.clock.Now()})
		if err != nil && !errors.Is(err, lake.ErrExists) {
			return done, catalogError(err)
		}
		if err == nil {
			r.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: "00000", Message: fmt.Sprintf("External database \"%s\" created", source.Database)})
		}
	}
	text, err := json.Marshal(source)
	if err != nil {
		return done, err
	}
	return done, r.recordSchema(t.Name.Name, r.session.user(), string(text))
}

// externalSchema finds the external schema a table's name stands in.
func (r *running) externalSchema(name syntax.Name) (*schema, string, error) {
	p := parts(name)
	if len(p) < 2 {
		return nil, "", sqlerr.New(sqlerr.InvalidTableDefinition, "External tables must be created in an external schema.")
	}
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return nil, "", err
	}
	sch := set.schemas[p[len(p)-2]]
	if sch == nil {
		return nil, "", sqlerr.New(sqlerr.UndefinedSchema, "schema \"%s\" does not exist", p[len(p)-2])
	}
	if sch.source == nil {
		return nil, "", sqlerr.New(sqlerr.InvalidTableDefinition, "schema \"%s\" is not an external schema", sch.name)
	}
	return sch, p[len(p)-1], nil
}

func (r *running) createExternalTable(t *syntax.CreateExternalTable) (Done, error) {
	done := Done{Tag: "CREATE EXTERNAL TABLE", Rows: -1}
	if r.session.state == block {
		return done, sqlerr.New(sqlerr.ActiveTransaction, "CREATE EXTERNAL TABLE cannot run inside a transaction block")
	}
	svc, err := r.catalogService()
	if err != nil {
		return done, err
	}
	sch, name, err := r.externalSchema(t.Name)
	if err != nil {
		return done, err
	}
	if t.As != nil {
		return r.createExternalAs(svc, sch, name, t)
	}
	table, err := describeExternal(t)
	if err != nil {
		return done, err
	}
	table.Database, table.Name, table.Owner = sch.source.Database, name, r.session.user()
	table.Created = r.session.cluster.w.clock.Now()
	table.Updated = table.Created
	err = svc.CreateTable(r.ctx, r.session.cluster.namespace(sch.source), *table)
	if errors.Is(err, lake.ErrExists) {
		if t.IfNotExists {
			return done, nil
		}
		return done, sqlerr.New(sqlerr.DuplicateTable, "AlreadyExistsException: Table already exists.")
	}
	if err != nil {
		return done, catalogError(err)
	}
	return done, nil
}

// describeExternal is the catalog's entry for CREATE EXTERNAL TABLE.
func describeExternal(t *syntax.CreateExternalTable) (*lake.Table, error) {
	storage, err := lake.StoredAs(t.StoredAs)
	if err != nil {
		return nil, sqlerr.New(sqlerr.FeatureNotSupported, "file format %s is not supported", t.StoredAs)
	}
	if t.InputFormat != "" {
		storage = lake.Storage{InputFormat: t.InputFormat, OutputFormat: t.OutputFormat}
	}
	if t.SerDe != "" {
		storage.SerDe = t.SerDe
	}
	storage.Location = t.Location
	storage.SerDeParams = map[string]string{"serialization.format": "1"}
	for _, p := range t.SerDeProperties {
		storage.SerDeParams[p.Key] = p.Value
	}
	if d := t.Delimited; d != nil {
		for key, value := range map[string]*string{
			"field.delim": d.Fields, "line.delim": d.Lines, "escape.delim": d.Escaped, "colelction.delim": d.Collections,
			"mapkey.delim": d.MapKeys, "serialization.null.format": d.Null,
		} {
			if value != nil {
				storage.SerDeParams[key] = *value
			}
		}
		if d.Fields != nil {
			storage.SerDeParams["serialization.format"] = *d.Fields
		}
	}
	out := &lake.Table{Type: "EXTERNAL_TABLE", Storage: storage, Parameters: map[string]string{"EXTERNAL": "TRUE"}}
	for _, p := range t.Properties {
		out.Parameters[p.Key] = p.Value
	}
	if out.Columns, err = externalColumns(t.Columns); err != nil {
		return nil, err
	}
	out.PartitionKeys, err = externalColumns(t.PartitionBy)
	return out, err
}

func externalColumns(list []syntax.ExternalColumn) ([]lake.Column, error) {
	var out []lake.Column
	for _, c := range list {
		typ, err := types.Parse(c.Type.Name, c.Type.Args, c.Type.Nested)
		if err != nil {
			return nil, err
		}
		if typ.Kind == types.Super {
			return nil, sqlerr.New(sqlerr.FeatureNotSupported, "Unsupported type super in external table column %s.", c.Name.Name)
		}
		out = append(out, lake.Column{Name: strings.ToLower(c.Name.Name), Type: lake.HiveType(typ)})
	}
	return out, nil
}

// alterExternal executes ALTER TABLE on an external table.
func (r *running) alterExternal(t *syntax.AlterTable) (Done, error) {
	done := Done{Tag: "ALTER TABLE", Rows: -1}
	svc, err := r.catalogService()
	if err != nil {
		return done, err
	}
	found, err := r.catalog.Relation(parts(t.Table))
	if err != nil {
		return done, err
	}
	if found == nil {
		return done, sqlerr.New(sqlerr.UndefinedTable, "relation \"%s\" does not exist", t.Table.Last().Name)
	}
	h, ok := found.Handle.(*externalHandle)
	if !ok || found.Kind != resolve.External || h.table == nil {
		// What the compiler leaves to us of a local table changes metadata only.
		return done, r.recordAlter(t)
	}
	if r.session.state == block {
		return done, sqlerr.New(sqlerr.ActiveTransaction, "ALTER EXTERNAL TABLE cannot run inside a transaction block")
	}
	switch a := t.Action.(type) {
	case *syntax.AddPartitions:
		return done, r.addPartitions(svc, h, a)
	case *syntax.DropPartition:
		return done, r.dropPartition(svc, h, a)
	case *syntax.SetLocation:
		if len(a.Partition) > 0 {
			return done, r.relocatePartition(svc, h, a)
		}
	}
	table := *h.table
	if err := alterDescription(&table, t.Action); err != nil {
		return done, err
	}
	table.Updated = r.session.cluster.w.clock.Now()
	return done, svc.UpdateTable(r.ctx, h.ns, table)
}

// alterDescription changes the catalog's entry of an external table.
func alterDescription(table *lake.Table, action syntax.AlterAction) error {
	switch a := action.(type) {
	case *syntax.SetLocation:
		table.Storage.Location = a.Location
	case *syntax.SetFileFormat:
		storage, err := lake.StoredAs(a.Format)
		if err != nil {
			return sqlerr.New(sqlerr.FeatureNotSupported, "file format %s is not supported", a.Format)
		}
		storage.Location, storage.SerDeParams = table.Storage.Location, table.Storage.SerDeParams
		table.Storage = storage
	case *syntax.SetTableProperties:
		merged := map[string]string{}
		for k, v := range table.Parameters {
			merged[k] = v
		}
		for _, p := range a.Properties {
			merged[p.Key] = p.Value
		}
		table.Parameters = merged
	case *syntax.AddColumn:
		added, err := externalColumns([]syntax.ExternalColumn{{Name: a.Column.Name, Type: a.Column.Type}})
		if err != nil {
			return err
		}
		table.Columns = append(append([]lake.Column(nil), table.Columns...), added...)
	default:
		return sqlerr.NotImplemented("this ALTER TABLE of an external table")
	}
	return nil
}

func (r *running) dropPartition(svc lake.Catalog, h *externalHandle, a *syntax.DropPartition) error {
	values, err := partitionValues(h.table, a.Spec)
	if err != nil {
		return err
	}
	err = svc.DeletePartitions(r.ctx, h.ns, h.table.Database, h.table.Name, [][]string{values})
	if isNotFound(err) {
		return sqlerr.New(sqlerr.UndefinedObject, "partition does not exist")
	}
	return err
}

func (r *running) addPartitions(svc lake.Catalog, h *externalHandle, a *syntax.AddPartitions) error {
	for _, p := range a.Partitions {
		values, err := partitionValues(h.table, p.Spec)
		if err != nil {
			return err
		}
		storage := h.table.Storage
		storage.Location = p.Location
		err = svc.CreatePartitions(r.ctx, h.ns, h.table.Database, h.table.Name, []lake.Partition{{
			Values: values, Storage: storage, Created: r.session.cluster.w.clock.Now(),
		}})
		if errors.Is(err, lake.ErrExists) {
			if a.IfNotExists {
				continue
			}
			return sqlerr.New(sqlerr.DuplicateObject, "AlreadyExistsException: Partition already exists.")
		}
		if err != nil {
			return catalogError(err)
		}
	}
	return nil
}

func (r *running) relocatePartition(svc lake.Catalog, h *externalHandle, a *syntax.SetLocation) error {
	values, err := partitionValues(h.table, a.Partition)
	if err != nil {
		return err
	}
	t := h.table
	if err := svc.DeletePartitions(r.ctx, h.ns, t.Database, t.Name, [][]string{values}); err != nil {
		return catalogError(err)
	}
	storage := t.Storage
	storage.Location = a.Location
	return svc.CreatePartitions(r.ctx, h.ns, t.Database, t.Name, []lake.Partition{{Values: values, Storage: storage, Created: r.session.cluster.w.clock.Now()}})
}

// partitionValues orders a partition specification as the table's keys are.
func partitionValues(t *lake.Table, spec []syntax.PartitionValue) ([]string, error) {
	if len(spec) != len(t.PartitionKeys) {
		return nil, sqlerr.New(sqlerr.InvalidTableDefinition, "partition specification must name all partition columns of table \"%s\"", t.Name)
	}
	values := make([]string, len(t.PartitionKeys))
	for i, key := range t.PartitionKeys {
		found := false
		for _, v := range spec {
			if strings.EqualFold(v.Column.Name, key.Name) {
				values[i], found = v.Value, true
			}
		}
		if !found {
			return nil, sqlerr.New(sqlerr.UndefinedColumn, "partition column \"%s\" is missing", key.Name)
		}
	}
	return values, nil
}

// dropUtility executes the DROP statements the compiler leaves to us.
func (r *running) dropUtility(t *syntax.Drop) (Done, error) {
	done := Done{Tag: "DROP " + strings.ToUpper(t.Kind), Rows: -1}
	switch t.Kind {
	case "user", "group", "role":
		return done, r.dropPrincipal(t)
	case rlsPolicy, maskingPolicy:
		return done, r.dropPolicies(t)
	case "procedure":
		return done, r.dropProcedures(t)
	case "function":
		return done, r.dropFunctions(t)
	case "schema":
		return done, r.dropSchemas(t)
	case "table":
		return done, r.dropTables(t)
	case "view", "materialized view":
		if err := r.beforeDrop(t); err != nil {
			return done, err
		}
		return done, r.recordDrop(t)
	}
	return done, sqlerr.NotImplemented(done.Tag)
}

func (r *running) dropTables(t *syntax.Drop) error {
	for _, name := range t.Names {
		found, err := r.catalog.Relation(parts(name))
		if err != nil {
			return err
		}
		if found == nil {
			if t.IfExists {
				r.sink.Notice(&sqlerr.Error{Severity: "INFO", Code: "00000", Message: fmt.Sprintf("Table \"%s\" does not exist and will be skipped", name.Last().Name)})
				continue
			}
			return sqlerr.New(sqlerr.UndefinedTable, "Table \"%s\" does not exist", name.Last().Name)
		}
		h, ok := found.Handle.(*externalHandle)
		if !ok {
			if err := r.dropLocal(found, t); err != nil {
				return err
			}
			continue
		}
		if h.table == nil {
			return sqlerr.New(sqlerr.InsufficientPrivilege, "permission denied: \"%s\" is a system catalog", found.Name)
		}
		svc, err := r.catalogService()
		if err != nil {
			return err
		}
		if err := svc.DeleteTable(r.ctx, h.ns, h.table.Database, h.table.Name); err != nil {
			return catalogError(err)
		}
	}
	return nil
}

func (r *running) dropLocal(found *resolve.Relation, t *syntax.Drop) error {
	one := *t
	one.Names = []syntax.Name{{}}
	for _, p := range []string{found.Schema, found.Name} {
		one.Names[0].Parts = append(one.Names[0].Parts, syntax.Ident{Name: p})
	}
	if err := r.beforeDrop(&one); err != nil {
		return err
	}
	if _, err := r.session.conn.Exec(r.ctx, "DROP TABLE "+quoted(found.Duck)); err != nil {
		return err
	}
	return r.recordDrop(&one)
}

func (r *running) dropSchemas(t *syntax.Drop) error {
	set, err := r.session.db.schemasFor(r.ctx, r.session)
	if err != nil {
		return err
	}
	for _, n := range t.Names {
		name := n.Last().Name
		sch := set.schemas[name]
		if sch == nil {
			if t.IfExists {
				continue
			}
			return sqlerr.New(sqlerr.UndefinedSchema, "Schema \"%s\" does not exist", name)
		}
		if sch.source == nil {
			if err := r.beforeDropSchema(name, t.Cascade); err != nil {
				return err
			}
			sql := "DROP SCHEMA IF EXISTS " + quoted([]string{r.session.db.name, name}) + " CASCADE"
			if _, err := r.session.conn.Exec(r.ctx, sql); err != nil {
				return err
			}
		} else if t.ExternalDatabase {
			svc, err := r.catalogService()
			if err != nil {
				return err
			}
			if err := svc.DeleteDatabase(r.ctx, r.session.cluster.namespace(sch.source), sch.source.Database); err != nil && !isNotFound(err) {
				return catalogError(err)
			}
		}
		if err := r.forgetSchema(name); err != nil {
			return err
		}
	}
	return nil
}
