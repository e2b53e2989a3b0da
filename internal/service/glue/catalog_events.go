package glue

import (
	"strings"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// databaseChange is the detail of EventBridge's "Glue Data Catalog Database State
// Change": of databases, and of the tables that they have.
type databaseChange struct {
	DatabaseName  string   `json:"databaseName"`
	TypeOfChange  string   `json:"typeOfChange"`
	ChangedTables []string `json:"changedTables"`
}

// databaseChanged tells that an operation has changed a database, or made or deleted
// tables in it.
func (s *Service) databaseChanged(tx *store.Tx, at scope, operation, db string, tables ...string) error {
	db = fold(db)
	c := bus.Caller{Account: at.account, Region: at.region}
	e := databaseChange{DatabaseName: db, TypeOfChange: operation, ChangedTables: []string{}}
	var resources []string
	for _, t := range tables {
		e.ChangedTables = append(e.ChangedTables, fold(t))
		resources = append(resources, c.ARN("glue", "table/"+db+"/"+fold(t)))
	}
	if resources == nil {
		resources = []string{c.ARN("glue", "database/"+db)}
	}
	return s.Events(tx, at.account, at.region, "Glue Data Catalog Database State Change", resources, e)
}

// tableChange is the detail of EventBridge's "Glue Data Catalog Table State Change".
type tableChange struct {
	DatabaseName      string   `json:"databaseName"`
	ChangedPartitions []string `json:"changedPartitions"` // "[2026, 02]"
	TypeOfChange      string   `json:"typeOfChange"`
	TableName         string   `json:"tableName"`
}

// tableChanged tells that an operation has changed a table or partitions of it, which
// it names by their values.
func (s *Service) tableChanged(tx *store.Tx, at scope, operation string, t *glue.Table, values ...[]string) error {
	e := tableChange{DatabaseName: *t.DatabaseName, TableName: *t.Name, TypeOfChange: operation, ChangedPartitions: []string{}}
	for _, v := range values {
		e.ChangedPartitions = append(e.ChangedPartitions, "["+strings.Join(v, ", ")+"]")
	}
	c := bus.Caller{Account: at.account, Region: at.region}
	return s.Events(tx, at.account, at.region, "Glue Data Catalog Table State Change", []string{c.ARN("glue", "table/"+*t.DatabaseName+"/"+*t.Name)}, e)
}
