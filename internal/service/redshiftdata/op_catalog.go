package redshiftdata

import (
	"cmp"
	"context"

	api "stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/awserr"
	"stepwell/internal/paging"
	"stepwell/internal/sqlerr"
)

// paged cuts the page that next asks for out of all; standard entries where the
// request does not say.
func paged[T any](all []T, next *string, size *int64, standard int) (shown []T, token *string, err error) {
	shown, token, err = paging.CutAt(all, next, paging.Size(size, standard))
	if err != nil {
		return nil, nil, badToken()
	}
	return shown, token, nil
}

func badToken() *awserr.Error { return api.ValidationException("Invalid NextToken.") }

// with runs f in a session of its own. The request waits for it.
func (s *Service) with(ctx context.Context, a access, connected *string, f func(Session) error) error {
	if has(connected) {
		a.Database = connected
	}
	t, err := s.resolve(ctx, a)
	if err != nil {
		return err
	}
	defer s.Clock.Busy()()
	conn, err := s.Warehouse.Connect(ctx, t)
	if err != nil {
		return asConnection(ctx, err)
	}
	defer conn.Close()
	return asConnection(ctx, f(conn))
}

// asConnection words an error of the SQL server for the operations that wait.
func asConnection(ctx context.Context, err error) error {
	if err == nil || awserr.From(err) != nil {
		return err
	}
	if e := sqlerr.From(err); e.Code != sqlerr.InternalError {
		if e.Severity == "FATAL" {
			return api.DatabaseConnectionException("%s", sqlText(ctx, err))
		}
		return api.ValidationException("%s", sqlText(ctx, err))
	}
	return err
}

// ListDatabases lists the databases of the cluster.
func (s *Service) ListDatabases(ctx context.Context, in *api.ListDatabasesInput) (*api.ListDatabasesOutput, error) {
	out := &api.ListDatabasesOutput{}
	a := access{in.ClusterIdentifier, in.WorkgroupName, in.Database, in.DbUser, in.SecretArn}
	return out, s.with(ctx, a, nil, func(conn Session) error {
		all, err := conn.Databases(ctx)
		if err != nil {
			return err
		}
		out.Databases, out.NextToken, err = paged(all, in.NextToken, in.MaxResults, maxTokenPage)
		return err
	})
}

// ListSchemas lists the schemas of a database.
func (s *Service) ListSchemas(ctx context.Context, in *api.ListSchemasInput) (*api.ListSchemasOutput, error) {
	out := &api.ListSchemasOutput{}
	a := access{in.ClusterIdentifier, in.WorkgroupName, in.Database, in.DbUser, in.SecretArn}
	return out, s.with(ctx, a, in.ConnectedDatabase, func(conn Session) error {
		all, err := conn.Schemas(ctx, *in.Database, text(in.SchemaPattern))
		if err != nil {
			return err
		}
		out.Schemas, out.NextToken, err = paged(all, in.NextToken, in.MaxResults, maxTokenPage)
		return err
	})
}

// ListTables lists the relations of a database.
func (s *Service) ListTables(ctx context.Context, in *api.ListTablesInput) (*api.ListTablesOutput, error) {
	out := &api.ListTablesOutput{Tables: []api.TableMember{}}
	a := access{in.ClusterIdentifier, in.WorkgroupName, in.Database, in.DbUser, in.SecretArn}
	return out, s.with(ctx, a, in.ConnectedDatabase, func(conn Session) error {
		all, err := conn.Tables(ctx, *in.Database, text(in.SchemaPattern), text(in.TablePattern))
		if err != nil {
			return err
		}
		shown, next, err := paged(all, in.NextToken, in.MaxResults, maxTokenPage)
		for _, t := range shown {
			out.Tables = append(out.Tables, api.TableMember{Name: new(t.Name), Schema: new(t.Schema), Type: new(t.Type)})
		}
		out.NextToken = next
		return err
	})
}

// DescribeTable describes the columns of a table. A table that does not exist
// has none, as on AWS.
func (s *Service) DescribeTable(ctx context.Context, in *api.DescribeTableInput) (*api.DescribeTableOutput, error) {
	out := &api.DescribeTableOutput{ColumnList: []api.ColumnMetadata{}, TableName: in.Table}
	a := access{in.ClusterIdentifier, in.WorkgroupName, in.Database, in.DbUser, in.SecretArn}
	return out, s.with(ctx, a, in.ConnectedDatabase, func(conn Session) error {
		all, err := conn.Columns(ctx, *in.Database, text(in.Schema), text(in.Table))
		if err != nil {
			return err
		}
		shown, next, err := paged(all, in.NextToken, in.MaxResults, maxTokenPage)
		for _, c := range shown {
			m := metadata(c)
			m.Length = new(int64(cmp.Or(c.Precision, 0)))
			out.ColumnList = append(out.ColumnList, m)
		}
		out.NextToken = next
		return err
	})
}
