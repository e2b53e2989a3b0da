package glue

import (
	"context"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/store"
)

// eachPartition does something for each of n partitions of a table, which values
// names, in one transaction. A fault of one is given to report and spoils no other.
func (s *Service) eachPartition(ctx context.Context, operation string, catalog, db, name *string, n int, values func(i int) []string,
	do func(tx *store.Tx, at scope, t glue.Table, i int) error, report func(i int, d *glue.ErrorDetail)) error {
	at, err := in(ctx, catalog)
	if err != nil {
		return err
	}
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		t, err := table(tx, at, *db, *name, namedTableNotFound(*name))
		if err != nil {
			return err
		}
		var changed [][]string
		for i := range n {
			err := do(tx, at, t, i)
			if d, ok := detail(err); ok {
				report(i, d)
			} else if err != nil {
				return err
			} else {
				changed = append(changed, values(i))
			}
		}
		if changed == nil {
			return nil
		}
		return s.tableChanged(tx, at, operation, &t, changed...)
	})
}

func (s *Service) batchCreatePartition(ctx context.Context, r *glue.BatchCreatePartitionInput) (*glue.BatchCreatePartitionOutput, error) {
	out := &glue.BatchCreatePartitionOutput{}
	return out, s.eachPartition(ctx, "BatchCreatePartition", r.CatalogId, r.DatabaseName, r.TableName, len(r.PartitionInputList),
		func(i int) []string { return r.PartitionInputList[i].Values },
		func(tx *store.Tx, at scope, t glue.Table, i int) error {
			return s.addPartition(tx, at, t, r.PartitionInputList[i])
		},
		func(i int, d *glue.ErrorDetail) {
			out.Errors = append(out.Errors, glue.PartitionError{PartitionValues: r.PartitionInputList[i].Values, ErrorDetail: d})
		})
}

func (s *Service) batchUpdatePartition(ctx context.Context, r *glue.BatchUpdatePartitionInput) (*glue.BatchUpdatePartitionOutput, error) {
	out := &glue.BatchUpdatePartitionOutput{}
	return out, s.eachPartition(ctx, "BatchUpdatePartition", r.CatalogId, r.DatabaseName, r.TableName, len(r.Entries),
		func(i int) []string { return r.Entries[i].PartitionValueList },
		func(tx *store.Tx, at scope, t glue.Table, i int) error {
			return s.replacePartition(tx, at, t, r.Entries[i].PartitionValueList, *r.Entries[i].PartitionInput)
		},
		func(i int, d *glue.ErrorDetail) {
			out.Errors = append(out.Errors, glue.BatchUpdatePartitionFailureEntry{PartitionValueList: r.Entries[i].PartitionValueList, ErrorDetail: d})
		})
}

func (s *Service) batchDeletePartition(ctx context.Context, r *glue.BatchDeletePartitionInput) (*glue.BatchDeletePartitionOutput, error) {
	out := &glue.BatchDeletePartitionOutput{}
	return out, s.eachPartition(ctx, "BatchDeletePartition", r.CatalogId, r.DatabaseName, r.TableName, len(r.PartitionsToDelete),
		func(i int) []string { return r.PartitionsToDelete[i].Values },
		func(tx *store.Tx, at scope, t glue.Table, i int) error {
			return removePartition(tx, at, t, r.PartitionsToDelete[i].Values)
		},
		func(i int, d *glue.ErrorDetail) {
			out.Errors = append(out.Errors, glue.PartitionError{PartitionValues: r.PartitionsToDelete[i].Values, ErrorDetail: d})
		})
}

// batchGetPartition leaves out partitions that are not there.
func (s *Service) batchGetPartition(ctx context.Context, r *glue.BatchGetPartitionInput) (*glue.BatchGetPartitionOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchGetPartitionOutput{Partitions: []glue.Partition{}, UnprocessedKeys: []glue.PartitionValueList{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		t, err := table(tx, at, *r.DatabaseName, *r.TableName, tableNotFound())
		if err != nil {
			return err
		}
		for _, k := range r.PartitionsToGet {
			if len(k.Values) != len(t.PartitionKeys) {
				return partitionValues()
			}
			p, there, err := getPartition(tx, partitionKey(at, t, k.Values))
			if err != nil {
				return err
			}
			if there {
				out.Partitions = append(out.Partitions, p)
			}
		}
		return nil
	})
}
