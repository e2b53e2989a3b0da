package glue

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strconv"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

func (s *Service) createTable(ctx context.Context, r *glue.CreateTableInput) (*glue.CreateTableOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err == nil {
		err = refuseTransactions(r.TransactionId, nil)
	}
	if err != nil {
		return nil, err
	}
	if r.OpenTableFormatInput != nil {
		return nil, awserr.NotImplemented("glue:CreateTable with OpenTableFormatInput")
	}
	if r.TableInput == nil {
		return nil, glue.InvalidInputException("TableInput is required.")
	}
	t, err := s.tableOf(ctx, at, *r.DatabaseName, r.TableInput)
	if err != nil {
		return nil, err
	}
	t.CreateTime, t.UpdateTime, t.VersionId = s.now(), s.now(), new("0")
	return &glue.CreateTableOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := database(tx, at, *r.DatabaseName); err != nil {
			return err
		}
		if _, there, err := tables.Get(tx, at.key(*t.DatabaseName, *t.Name)...); err != nil || there {
			return cmp.Or[error](err, tableExists())
		}
		if err := putTable(tx, at, t); err != nil {
			return err
		}
		return s.databaseChanged(tx, at, "CreateTable", *t.DatabaseName, *t.Name)
	})
}

// tableOf makes the record out of its input.
func (s *Service) tableOf(ctx context.Context, at scope, db string, i *glue.TableInput) (glue.Table, error) {
	if i.ViewDefinition != nil {
		return glue.Table{}, awserr.NotImplemented("glue: multi-dialect views (TableInput.ViewDefinition)")
	}
	t := glue.Table{
		Name: new(fold(*i.Name)), DatabaseName: new(fold(db)), Description: i.Description, Owner: i.Owner,
		LastAccessTime: i.LastAccessTime, LastAnalyzedTime: i.LastAnalyzedTime, Retention: i.Retention,
		StorageDescriptor: i.StorageDescriptor, PartitionKeys: i.PartitionKeys, ViewOriginalText: i.ViewOriginalText,
		ViewExpandedText: i.ViewExpandedText, TableType: i.TableType, Parameters: i.Parameters, TargetTable: i.TargetTable,
		CreatedBy: new(bus.From(ctx).Principal), IsRegisteredWithLakeFormation: new(false), CatalogId: new(at.account),
		IsMultiDialectView: new(false),
	}
	if t.Retention == nil {
		t.Retention = new(int64(0))
	}
	if sd := t.StorageDescriptor; sd != nil {
		d := *sd
		d.Compressed = orFalse(d.Compressed)
		d.StoredAsSubDirectories = orFalse(d.StoredAsSubDirectories)
		if d.NumberOfBuckets == nil {
			d.NumberOfBuckets = new(int64(0))
		}
		t.StorageDescriptor = &d
	}
	return t, nil
}

func orFalse(b *bool) *bool {
	if b == nil {
		return new(false)
	}
	return b
}

// putTable writes the table as its current version and into its history.
func putTable(tx *store.Tx, at scope, t glue.Table) error {
	key := at.key(*t.DatabaseName, *t.Name)
	if err := versions.Put(tx, t, append(key, versionKey(*t.VersionId))...); err != nil {
		return err
	}
	return tables.Put(tx, t, key...)
}

func (s *Service) getTable(ctx context.Context, r *glue.GetTableInput) (*glue.GetTableOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err == nil {
		err = refuseTransactions(r.TransactionId, r.QueryAsOfTime)
	}
	if err != nil {
		return nil, err
	}
	out := &glue.GetTableOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		t, err := table(tx, at, *r.DatabaseName, *r.Name, tableNotFound())
		out.Table = &t
		return err
	})
}

// table returns a table; missing is the error where its database is there and it is not.
func table(tx *store.Tx, at scope, db, name string, missing error) (glue.Table, error) {
	t, there, err := tables.Get(tx, at.key(fold(db), fold(name))...)
	if err != nil || there {
		return t, err
	}
	if _, err := database(tx, at, db); err != nil {
		return t, err
	}
	return t, missing
}

func (s *Service) getTables(ctx context.Context, r *glue.GetTablesInput) (*glue.GetTablesOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err == nil {
		err = refuseTransactions(r.TransactionId, r.QueryAsOfTime)
	}
	if err != nil {
		return nil, err
	}
	var matches *regexp.Regexp
	if e := text(r.Expression); e != "" {
		// The whole name is to match, in any case: the catalog's names are lower case.
		if matches, err = regexp.Compile("(?i)^(?:" + e + ")$"); err != nil {
			return nil, glue.InvalidInputException("Invalid expression: %s", e)
		}
	}
	out := &glue.GetTablesOutput{TableList: []glue.Table{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		if _, err := database(tx, at, *r.DatabaseName); err != nil {
			return err
		}
		if matches == nil {
			list, next, err := page(tx, tables, r.NextToken, r.MaxResults, 100, at.key(fold(*r.DatabaseName))...)
			out.TableList, out.NextToken = append(out.TableList, only(list, r.AttributesToGet)...), next
			return err
		}
		all, err := tables.List(tx, at.key(fold(*r.DatabaseName))...)
		if err != nil {
			return err
		}
		keep := func(t glue.Table) bool { return matches.MatchString(*t.Name) }
		all, out.NextToken, err = filterPage(all, keep, r.NextToken, r.MaxResults, 100)
		out.TableList = append(out.TableList, only(all, r.AttributesToGet)...)
		return err
	})
}

// only leaves of tables what is asked for; everything where nothing is named.
func only(list []glue.Table, attributes []string) []glue.Table {
	if len(attributes) == 0 {
		return list
	}
	kept := make([]glue.Table, len(list))
	for i, t := range list {
		kept[i].Name, kept[i].DatabaseName = t.Name, t.DatabaseName
		if slices.Contains(attributes, glue.TableAttributesTableType) {
			kept[i].TableType = t.TableType
		}
	}
	return kept
}

// filterPage pages through the elements of a list that are kept.
func filterPage[T any](all []T, keep func(T) bool, token *string, limit *int64, most int) ([]T, *string, error) {
	kept := slices.DeleteFunc(all, func(x T) bool { return !keep(x) })
	shown, next, err := paging.CutAt(kept, token, pageSize(limit, most))
	if err != nil {
		return nil, nil, badToken()
	}
	return shown, next, nil
}

func (s *Service) updateTable(ctx context.Context, r *glue.UpdateTableInput) (*glue.UpdateTableOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err == nil {
		err = refuseTransactions(r.TransactionId, nil)
	}
	if err != nil {
		return nil, err
	}
	if r.UpdateOpenTableFormatInput != nil {
		return nil, awserr.NotImplemented("glue:UpdateTable with UpdateOpenTableFormatInput")
	}
	if r.TableInput == nil {
		return nil, glue.InvalidInputException("TableInput is required.")
	}
	t, err := s.tableOf(ctx, at, *r.DatabaseName, r.TableInput)
	if err != nil {
		return nil, err
	}
	return &glue.UpdateTableOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		old, err := table(tx, at, *r.DatabaseName, *t.Name, namedTableNotFound(*t.Name))
		if err != nil {
			return err
		}
		if r.VersionId != nil && *r.VersionId != *old.VersionId {
			return glue.ConcurrentModificationException("Update table failed due to concurrent modifications.")
		}
		n, err := strconv.Atoi(*old.VersionId)
		if err != nil {
			return err
		}
		t.CreateTime, t.CreatedBy, t.UpdateTime, t.VersionId = old.CreateTime, old.CreatedBy, s.now(), new(strconv.Itoa(n+1))
		if r.SkipArchive != nil && *r.SkipArchive {
			if _, err := versions.Delete(tx, at.key(*t.DatabaseName, *t.Name, versionKey(*old.VersionId))...); err != nil {
				return err
			}
		}
		if err := putTable(tx, at, t); err != nil {
			return err
		}
		return s.tableChanged(tx, at, "UpdateTable", &t)
	})
}

func (s *Service) deleteTable(ctx context.Context, r *glue.DeleteTableInput) (*glue.DeleteTableOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err == nil {
		err = refuseTransactions(r.TransactionId, nil)
	}
	if err != nil {
		return nil, err
	}
	return &glue.DeleteTableOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if err := removeTable(tx, at, *r.DatabaseName, *r.Name); err != nil {
			return err
		}
		return s.databaseChanged(tx, at, "DeleteTable", *r.DatabaseName, *r.Name)
	})
}

// removeTable deletes a table with its history and partitions.
func removeTable(tx *store.Tx, at scope, db, name string) error {
	t, err := table(tx, at, db, name, namedTableNotFound(name))
	if err != nil {
		return err
	}
	key := at.key(*t.DatabaseName, *t.Name)
	if err := versions.DeleteAll(tx, key...); err != nil {
		return err
	}
	if err := partitions.DeleteAll(tx, key...); err != nil {
		return err
	}
	_, err = tables.Delete(tx, key...)
	return err
}

func (s *Service) batchDeleteTable(ctx context.Context, r *glue.BatchDeleteTableInput) (*glue.BatchDeleteTableOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err == nil {
		err = refuseTransactions(r.TransactionId, nil)
	}
	if err != nil {
		return nil, err
	}
	out := &glue.BatchDeleteTableOutput{}
	return out, s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := database(tx, at, *r.DatabaseName); err != nil {
			return err
		}
		var gone []string
		for _, name := range r.TablesToDelete {
			err := removeTable(tx, at, *r.DatabaseName, name)
			if d, ok := detail(err); ok {
				out.Errors = append(out.Errors, glue.TableError{TableName: new(name), ErrorDetail: d})
			} else if err != nil {
				return err
			} else {
				gone = append(gone, name)
			}
		}
		if gone == nil {
			return nil
		}
		return s.databaseChanged(tx, at, "BatchDeleteTable", *r.DatabaseName, gone...)
	})
}
