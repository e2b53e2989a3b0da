package redshiftdata

import (
	api "stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/bus"
)

// Table returns the service's operations.
func (s *Service) Table() *bus.Service {
	return &bus.Service{
		Name:  "redshift-data",
		Model: api.Model,
		Operations: []bus.Operation{
			bus.Op("BatchExecuteStatement", s.BatchExecuteStatement),
			bus.Op("CancelStatement", s.CancelStatement),
			bus.Op("DescribeStatement", s.DescribeStatement),
			bus.Op("DescribeTable", s.DescribeTable),
			bus.Op("ExecuteStatement", s.ExecuteStatement),
			bus.Op("GetStatementResult", s.GetStatementResult),
			bus.Op("GetStatementResultV2", s.GetStatementResultV2),
			bus.Op("ListDatabases", s.ListDatabases),
			bus.Op("ListSchemas", s.ListSchemas),
			bus.Op("ListStatements", s.ListStatements),
			bus.Op("ListTables", s.ListTables),
		},
	}
}
