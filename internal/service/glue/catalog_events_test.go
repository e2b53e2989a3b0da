package glue

import (
	"slices"
	"strings"
	"testing"

	"stepwell/internal/awsapi/glue"
)

// TestCatalogEvents: the events of changes to the Data Catalog; what is refused tells
// nothing.
func TestCatalogEvents(t *testing.T) {
	w := newWorld(t)
	db, tbl := new("Sales"), new("Orders")
	partition := func(values ...string) glue.PartitionInput { return glue.PartitionInput{Values: values} }
	for _, c := range []struct {
		operation string
		in        any
	}{
		{"CreateDatabase", &glue.CreateDatabaseInput{DatabaseInput: &glue.DatabaseInput{Name: db}}},
		{"CreateDatabase", &glue.CreateDatabaseInput{DatabaseInput: &glue.DatabaseInput{Name: db}}},
		{"CreateTable", &glue.CreateTableInput{DatabaseName: db, TableInput: &glue.TableInput{Name: tbl, PartitionKeys: []glue.Column{{Name: new("y")}, {Name: new("m")}}}}},
		{"UpdateTable", &glue.UpdateTableInput{DatabaseName: db, TableInput: &glue.TableInput{Name: tbl, PartitionKeys: []glue.Column{{Name: new("y")}, {Name: new("m")}}}}},
		{"BatchCreatePartition", &glue.BatchCreatePartitionInput{DatabaseName: db, TableName: tbl, PartitionInputList: []glue.PartitionInput{partition("2026", "01"), partition("2026"), partition("2026", "02")}}},
		{"CreatePartition", &glue.CreatePartitionInput{DatabaseName: db, TableName: tbl, PartitionInput: new(partition("2026", "03"))}},
		{"UpdatePartition", &glue.UpdatePartitionInput{DatabaseName: db, TableName: tbl, PartitionValueList: []string{"2026", "03"}, PartitionInput: new(partition("2026", "03"))}},
		{"DeletePartition", &glue.DeletePartitionInput{DatabaseName: db, TableName: tbl, PartitionValues: []string{"2026", "03"}}},
		{"BatchDeleteTable", &glue.BatchDeleteTableInput{DatabaseName: db, TablesToDelete: []string{"nothing", "orders"}}},
		{"DeleteTable", &glue.DeleteTableInput{DatabaseName: db, Name: tbl}},
		{"DeleteDatabase", &glue.DeleteDatabaseInput{Name: db}},
	} {
		_, _ = w.bus.Invoke(t.Context(), "glue", c.operation, c.in) // some are refused
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	const database, table = "Glue Data Catalog Database State Change ", "Glue Data Catalog Table State Change "
	want := []string{
		database + `{"databaseName":"sales","typeOfChange":"CreateDatabase","changedTables":[]}`,
		database + `{"databaseName":"sales","typeOfChange":"CreateTable","changedTables":["orders"]}`,
		table + `{"databaseName":"sales","changedPartitions":[],"typeOfChange":"UpdateTable","tableName":"orders"}`,
		table + `{"databaseName":"sales","changedPartitions":["[2026, 01]","[2026, 02]"],"typeOfChange":"BatchCreatePartition","tableName":"orders"}`,
		table + `{"databaseName":"sales","changedPartitions":["[2026, 03]"],"typeOfChange":"CreatePartition","tableName":"orders"}`,
		table + `{"databaseName":"sales","changedPartitions":["[2026, 03]"],"typeOfChange":"UpdatePartition","tableName":"orders"}`,
		table + `{"databaseName":"sales","changedPartitions":["[2026, 03]"],"typeOfChange":"DeletePartition","tableName":"orders"}`,
		database + `{"databaseName":"sales","typeOfChange":"BatchDeleteTable","changedTables":["orders"]}`,
		database + `{"databaseName":"sales","typeOfChange":"DeleteDatabase","changedTables":[]}`,
	}
	if !slices.Equal(w.changed, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(w.changed, "\n"), strings.Join(want, "\n"))
	}
}
