package server

import (
	"context"
	"errors"
	"fmt"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/lake"
)

// catalog is the Glue Data Catalog as the warehouse sees it: every call is a
// Glue operation on the bus, in the account of the warehouse's cluster.
type catalog struct{ bus bus.Invoker }

func caller(ctx context.Context, ns lake.Namespace) context.Context {
	return bus.With(ctx, bus.Caller{Account: ns.Account, Region: ns.Region, Source: "redshift"})
}

// catalogError maps Glue's exceptions to the errors of package lake.
func catalogError(err error) error {
	switch e := awserr.From(err); {
	case e == nil:
		return err
	case e.Code == "EntityNotFoundException":
		return fmt.Errorf("%w: %s", lake.ErrNotFound, e.Message)
	case e.Code == "AlreadyExistsException":
		return fmt.Errorf("%w: %s", lake.ErrExists, e.Message)
	}
	return err
}

func (c catalog) call(ctx context.Context, ns lake.Namespace, operation string, in any) error {
	_, err := c.bus.Invoke(caller(ctx, ns), "glue", operation, in)
	return catalogError(err)
}

func (c catalog) Database(ctx context.Context, ns lake.Namespace, name string) (*lake.Database, error) {
	out, err := bus.Invoke[glue.GetDatabaseOutput](caller(ctx, ns), c.bus, "glue", "GetDatabase", &glue.GetDatabaseInput{Name: &name})
	if err != nil {
		return nil, catalogError(err)
	}
	d := out.Database
	return &lake.Database{
		Name: value(d.Name), Description: value(d.Description), Location: value(d.LocationUri),
		Parameters: d.Parameters, Created: value(d.CreateTime),
	}, nil
}

func (c catalog) CreateDatabase(ctx context.Context, ns lake.Namespace, d lake.Database) error {
	return c.call(ctx, ns, "CreateDatabase", &glue.CreateDatabaseInput{DatabaseInput: &glue.DatabaseInput{
		Name: &d.Name, Description: optional(d.Description), LocationUri: optional(d.Location), Parameters: d.Parameters,
	}})
}

func (c catalog) DeleteDatabase(ctx context.Context, ns lake.Namespace, name string) error {
	return c.call(ctx, ns, "DeleteDatabase", &glue.DeleteDatabaseInput{Name: &name})
}

func (c catalog) Table(ctx context.Context, ns lake.Namespace, database, name string) (*lake.Table, error) {
	out, err := bus.Invoke[glue.GetTableOutput](caller(ctx, ns), c.bus, "glue", "GetTable",
		&glue.GetTableInput{DatabaseName: &database, Name: &name})
	if err != nil {
		return nil, catalogError(err)
	}
	t := tableFrom(out.Table)
	return &t, nil
}

func (c catalog) Tables(ctx context.Context, ns lake.Namespace, database string) (all []lake.Table, err error) {
	in := &glue.GetTablesInput{DatabaseName: &database}
	for {
		out, err := bus.Invoke[glue.GetTablesOutput](caller(ctx, ns), c.bus, "glue", "GetTables", in)
		if err != nil {
			return nil, catalogError(err)
		}
		for i := range out.TableList {
			all = append(all, tableFrom(&out.TableList[i]))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return all, nil
		}
	}
}

func (c catalog) CreateTable(ctx context.Context, ns lake.Namespace, t lake.Table) error {
	return c.call(ctx, ns, "CreateTable", &glue.CreateTableInput{DatabaseName: &t.Database, TableInput: tableInput(t)})
}

func (c catalog) UpdateTable(ctx context.Context, ns lake.Namespace, t lake.Table) error {
	return c.call(ctx, ns, "UpdateTable", &glue.UpdateTableInput{DatabaseName: &t.Database, TableInput: tableInput(t)})
}

func (c catalog) DeleteTable(ctx context.Context, ns lake.Namespace, database, name string) error {
	return c.call(ctx, ns, "DeleteTable", &glue.DeleteTableInput{DatabaseName: &database, Name: &name})
}

func (c catalog) Partitions(ctx context.Context, ns lake.Namespace, database, table string) (all []lake.Partition, err error) {
	in := &glue.GetPartitionsInput{DatabaseName: &database, TableName: &table}
	for {
		out, err := bus.Invoke[glue.GetPartitionsOutput](caller(ctx, ns), c.bus, "glue", "GetPartitions", in)
		if err != nil {
			return nil, catalogError(err)
		}
		for _, p := range out.Partitions {
			_, storage := storageFrom(p.StorageDescriptor)
			all = append(all, lake.Partition{Values: p.Values, Storage: storage, Parameters: p.Parameters, Created: value(p.CreationTime)})
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return all, nil
		}
	}
}

// How many partitions one BatchCreatePartition and one BatchDeletePartition may
// have (API reference).
const (
	createBatch = 100
	deleteBatch = 25
)

func (c catalog) CreatePartitions(ctx context.Context, ns lake.Namespace, database, table string, list []lake.Partition) error {
	for len(list) > 0 {
		n := min(len(list), createBatch)
		in := &glue.BatchCreatePartitionInput{DatabaseName: &database, TableName: &table}
		for _, p := range list[:n] {
			in.PartitionInputList = append(in.PartitionInputList, glue.PartitionInput{
				Values: p.Values, StorageDescriptor: storageDescriptor(nil, p.Storage), Parameters: p.Parameters,
			})
		}
		out, err := bus.Invoke[glue.BatchCreatePartitionOutput](caller(ctx, ns), c.bus, "glue", "BatchCreatePartition", in)
		if err != nil {
			return catalogError(err)
		}
		if err := partitionErrors(out.Errors); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

func (c catalog) DeletePartitions(ctx context.Context, ns lake.Namespace, database, table string, values [][]string) error {
	for len(values) > 0 {
		n := min(len(values), deleteBatch)
		in := &glue.BatchDeletePartitionInput{DatabaseName: &database, TableName: &table}
		for _, v := range values[:n] {
			in.PartitionsToDelete = append(in.PartitionsToDelete, glue.PartitionValueList{Values: v})
		}
		out, err := bus.Invoke[glue.BatchDeletePartitionOutput](caller(ctx, ns), c.bus, "glue", "BatchDeletePartition", in)
		if err != nil {
			return catalogError(err)
		}
		if err := partitionErrors(out.Errors); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

func partitionErrors(list []glue.PartitionError) error {
	var all []error
	for _, e := range list {
		if e.ErrorDetail != nil {
			all = append(all, catalogError(awserr.New(400, value(e.ErrorDetail.ErrorCode), "%s", value(e.ErrorDetail.ErrorMessage))))
		}
	}
	return errors.Join(all...)
}

func tableFrom(t *glue.Table) lake.Table {
	columns, storage := storageFrom(t.StorageDescriptor)
	return lake.Table{
		Database: value(t.DatabaseName), Name: value(t.Name), Description: value(t.Description), Owner: value(t.Owner),
		Type: value(t.TableType), Columns: columns, PartitionKeys: columnsFrom(t.PartitionKeys), Storage: storage,
		Parameters: t.Parameters, Created: value(t.CreateTime), Updated: value(t.UpdateTime),
	}
}

func tableInput(t lake.Table) *glue.TableInput {
	return &glue.TableInput{
		Name: &t.Name, Description: optional(t.Description), Owner: optional(t.Owner), TableType: optional(t.Type),
		StorageDescriptor: storageDescriptor(t.Columns, t.Storage), PartitionKeys: columnsTo(t.PartitionKeys), Parameters: t.Parameters,
	}
}

func storageFrom(d *glue.StorageDescriptor) ([]lake.Column, lake.Storage) {
	if d == nil {
		return nil, lake.Storage{}
	}
	s := lake.Storage{
		Location: value(d.Location), InputFormat: value(d.InputFormat), OutputFormat: value(d.OutputFormat), Compressed: value(d.Compressed),
	}
	if d.SerdeInfo != nil {
		s.SerDe, s.SerDeParams = value(d.SerdeInfo.SerializationLibrary), d.SerdeInfo.Parameters
	}
	return columnsFrom(d.Columns), s
}

func storageDescriptor(columns []lake.Column, s lake.Storage) *glue.StorageDescriptor {
	d := &glue.StorageDescriptor{
		Columns: columnsTo(columns), Location: optional(s.Location),
		InputFormat: optional(s.InputFormat), OutputFormat: optional(s.OutputFormat), Compressed: &s.Compressed,
	}
	if s.SerDe != "" {
		d.SerdeInfo = &glue.SerDeInfo{SerializationLibrary: &s.SerDe, Parameters: s.SerDeParams}
	}
	return d
}

func columnsFrom(list []glue.Column) []lake.Column {
	columns := make([]lake.Column, len(list))
	for i, c := range list {
		columns[i] = lake.Column{Name: value(c.Name), Type: value(c.Type), Comment: value(c.Comment)}
	}
	return columns
}

func columnsTo(list []lake.Column) []glue.Column {
	columns := make([]glue.Column, len(list))
	for i, c := range list {
		columns[i] = glue.Column{Name: &c.Name, Type: optional(c.Type), Comment: optional(c.Comment)}
	}
	return columns
}

// value is what p points to, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// optional is a pointer to s, or nil where s is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
