package glue

import (
	"context"
	"slices"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/store"
)

func (s *Service) getTableVersion(ctx context.Context, r *glue.GetTableVersionInput) (*glue.GetTableVersionOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	out := &glue.GetTableVersionOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		t, err := table(tx, at, *r.DatabaseName, *r.TableName, tableNotFound())
		if err == nil && r.VersionId != nil && *r.VersionId != *t.VersionId {
			var there bool
			t, there, err = versions.Get(tx, at.key(*t.DatabaseName, *t.Name, versionKey(*r.VersionId))...)
			if err == nil && !there {
				err = versionNotFound()
			}
		}
		out.TableVersion = &glue.TableVersion{Table: &t, VersionId: t.VersionId}
		return err
	})
}

// getTableVersions lists the versions, the latest first.
func (s *Service) getTableVersions(ctx context.Context, r *glue.GetTableVersionsInput) (*glue.GetTableVersionsOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	out := &glue.GetTableVersionsOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		t, err := table(tx, at, *r.DatabaseName, *r.TableName, tableNotFound())
		if err != nil {
			return err
		}
		all, err := versions.List(tx, at.key(*t.DatabaseName, *t.Name)...)
		if err != nil {
			return err
		}
		slices.Reverse(all)
		list, next, err := filterPage(all, func(glue.Table) bool { return true }, r.NextToken, r.MaxResults, 100)
		for _, v := range list {
			out.TableVersions = append(out.TableVersions, glue.TableVersion{Table: &v, VersionId: v.VersionId})
		}
		out.NextToken = next
		return err
	})
}

func (s *Service) deleteTableVersion(ctx context.Context, r *glue.DeleteTableVersionInput) (*glue.DeleteTableVersionOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	return &glue.DeleteTableVersionOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		return removeVersion(tx, at, *r.DatabaseName, *r.TableName, *r.VersionId)
	})
}

func removeVersion(tx *store.Tx, at scope, db, name, version string) error {
	t, err := table(tx, at, db, name, tableNotFound())
	if err != nil {
		return err
	}
	if version == *t.VersionId {
		return glue.InvalidInputException("Cannot delete the current version of a table.")
	}
	there, err := versions.Delete(tx, at.key(*t.DatabaseName, *t.Name, versionKey(version))...)
	if err == nil && !there {
		err = versionNotFound()
	}
	return err
}

func (s *Service) batchDeleteTableVersion(ctx context.Context, r *glue.BatchDeleteTableVersionInput) (*glue.BatchDeleteTableVersionOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	out := &glue.BatchDeleteTableVersionOutput{}
	return out, s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := table(tx, at, *r.DatabaseName, *r.TableName, tableNotFound()); err != nil {
			return err
		}
		for _, v := range r.VersionIds {
			err := removeVersion(tx, at, *r.DatabaseName, *r.TableName, v)
			if d, ok := detail(err); ok {
				out.Errors = append(out.Errors, glue.TableVersionError{TableName: r.TableName, VersionId: new(v), ErrorDetail: d})
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}
