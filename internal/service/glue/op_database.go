package glue

import (
	"cmp"
	"context"
	"slices"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) createDatabase(ctx context.Context, r *glue.CreateDatabaseInput) (*glue.CreateDatabaseOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	d := databaseOf(at, r.DatabaseInput)
	d.CreateTime = s.now()
	return &glue.CreateDatabaseOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, there, err := databases.Get(tx, at.key(*d.Name)...); err != nil || there {
			return cmp.Or[error](err, databaseExists())
		}
		if err := putTags(tx, bus.From(ctx), bus.From(ctx).ARN("glue", "database/"+*d.Name), r.Tags); err != nil {
			return err
		}
		if err := databases.Put(tx, d, at.key(*d.Name)...); err != nil {
			return err
		}
		return s.databaseChanged(tx, at, "CreateDatabase", *d.Name)
	})
}

// databaseOf makes the record out of its input.
func databaseOf(at scope, i *glue.DatabaseInput) glue.Database {
	return glue.Database{
		Name: new(fold(*i.Name)), Description: i.Description, LocationUri: i.LocationUri, Parameters: i.Parameters,
		CreateTableDefaultPermissions: i.CreateTableDefaultPermissions, TargetDatabase: i.TargetDatabase,
		FederatedDatabase: i.FederatedDatabase, CatalogId: new(at.account),
	}
}

func (s *Service) getDatabase(ctx context.Context, r *glue.GetDatabaseInput) (*glue.GetDatabaseOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	out := &glue.GetDatabaseOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		d, err := database(tx, at, *r.Name)
		out.Database = &d
		return err
	})
}

// database returns a database, or the error that there is none.
func database(tx *store.Tx, at scope, name string) (glue.Database, error) {
	d, there, err := databases.Get(tx, at.key(fold(name))...)
	if err == nil && !there {
		err = databaseNotFound(name)
	}
	return d, err
}

func (s *Service) getDatabases(ctx context.Context, r *glue.GetDatabasesInput) (*glue.GetDatabasesOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	out := &glue.GetDatabasesOutput{DatabaseList: []glue.Database{}}
	if text(r.ResourceShareType) == glue.ResourceShareTypeForeign {
		return out, nil // databases of other accounts are not shared here
	}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		list, next, err := page(tx, databases, r.NextToken, r.MaxResults, 100, at.key()...)
		for _, d := range list {
			if len(r.AttributesToGet) > 0 {
				target := d.TargetDatabase
				d = glue.Database{Name: d.Name, CatalogId: d.CatalogId}
				if slices.Contains(r.AttributesToGet, glue.DatabaseAttributesTargetDatabase) {
					d.TargetDatabase = target
				}
			}
			out.DatabaseList = append(out.DatabaseList, d)
		}
		out.NextToken = next
		return err
	})
}

func (s *Service) updateDatabase(ctx context.Context, r *glue.UpdateDatabaseInput) (*glue.UpdateDatabaseOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	d := databaseOf(at, r.DatabaseInput)
	return &glue.UpdateDatabaseOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		old, err := database(tx, at, *r.Name)
		if err != nil {
			return err
		}
		if *d.Name != *old.Name {
			return glue.InvalidInputException("Database name cannot be changed.")
		}
		d.CreateTime = old.CreateTime
		return databases.Put(tx, d, at.key(*d.Name)...)
	})
}

// deleteDatabase removes the tables and their partitions as well, as AWS does
// after a while.
func (s *Service) deleteDatabase(ctx context.Context, r *glue.DeleteDatabaseInput) (*glue.DeleteDatabaseOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	return &glue.DeleteDatabaseOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		d, err := database(tx, at, *r.Name)
		if err != nil {
			return err
		}
		key := at.key(*d.Name)
		if _, err := tags.Delete(tx, bus.From(ctx).ARN("glue", "database/"+*d.Name)); err != nil {
			return err
		}
		if _, err := databases.Delete(tx, key...); err != nil {
			return err
		}
		if err := partitions.DeleteAll(tx, key...); err != nil {
			return err
		}
		if err := versions.DeleteAll(tx, key...); err != nil {
			return err
		}
		if err := tables.DeleteAll(tx, key...); err != nil {
			return err
		}
		return s.databaseChanged(tx, at, "DeleteDatabase", *d.Name)
	})
}
