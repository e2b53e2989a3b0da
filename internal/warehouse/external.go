package warehouse

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"stepwell/internal/lake"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/sqlerr"
)

func isEOF(err error) bool      { return errors.Is(err, io.EOF) }
func isNotFound(err error) bool { return errors.Is(err, lake.ErrNotFound) }

func (c *cluster) namespace(source *externalSource) lake.Namespace {
	ns := lake.Namespace{Account: c.key.account, Region: c.key.region}
	if source.Region != "" {
		ns.Region = source.Region
	}
	return ns
}

// catalogError words a fault of the Data Catalog as Redshift does.
func catalogError(err error) error {
	if errors.Is(err, lake.ErrNotFound) {
		return sqlerr.New(sqlerr.InternalError, "EntityNotFoundException: Entity Not Found")
	}
	var e *sqlerr.Error
	if errors.As(err, &e) {
		return err
	}
	return sqlerr.New(sqlerr.InternalError, "%s", err.Error())
}

// slices lists the partitions the filter keeps, with their files, and how many
// partitions there are.
func (c *catalog) slices(scan *resolve.Scan, h *externalHandle) ([]lake.Slice, int, error) {
	w := c.session.cluster.w
	if w.options.Objects == nil {
		return nil, 0, sqlerr.New(sqlerr.FeatureNotSupported, "external tables need an object store, and none is configured")
	}
	if len(h.table.PartitionKeys) == 0 {
		files, err := lake.Files(c.ctx, w.options.Objects, h.table.Storage.Location)
		if err != nil {
			return nil, 0, objectError(err)
		}
		return []lake.Slice{{Files: files}}, 1, nil
	}
	partitions, err := w.options.Catalog.Partitions(c.ctx, h.ns, h.table.Database, h.table.Name)
	if err != nil {
		return nil, 0, catalogError(err)
	}
	var out []lake.Slice
	for _, p := range partitions {
		values := map[string]string{}
		for i, key := range h.table.PartitionKeys {
			values[strings.ToLower(key.Name)] = p.Values[i]
		}
		if !scan.Filter.Keep(values) {
			continue
		}
		files, err := lake.Files(c.ctx, w.options.Objects, p.Storage.Location)
		if err != nil {
			return nil, 0, objectError(err)
		}
		out = append(out, lake.Slice{Values: p.Values, Files: files})
	}
	return out, len(partitions), nil
}

// objectError words a fault of the object store as Redshift words S3's.
func objectError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return sqlerr.New(sqlerr.InternalError, "S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket")
	}
	var e *sqlerr.Error
	if errors.As(err, &e) {
		return err
	}
	return sqlerr.New(sqlerr.InternalError, "%s", err.Error())
}

// externalTables lists the tables of an external schema for system views.
func (c *cluster) externalTables(ctx context.Context, sch *schema) ([]lake.Table, error) {
	if c.w.options.Catalog == nil {
		return nil, nil
	}
	list, err := c.w.options.Catalog.Tables(ctx, c.namespace(sch.source), sch.source.Database)
	if isNotFound(err) {
		return nil, nil
	}
	return list, err
}
