package glue

import (
	"cmp"
	"context"
	"hash/fnv"
	"slices"
	"strings"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

func (s *Service) createPartition(ctx context.Context, r *glue.CreatePartitionInput) (*glue.CreatePartitionOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	return &glue.CreatePartitionOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		t, err := table(tx, at, *r.DatabaseName, *r.TableName, namedTableNotFound(*r.TableName))
		if err != nil {
			return err
		}
		if err := s.addPartition(tx, at, t, *r.PartitionInput); err != nil {
			return err
		}
		return s.tableChanged(tx, at, "CreatePartition", &t, r.PartitionInput.Values)
	})
}

// addPartition adds a partition that is not there yet.
func (s *Service) addPartition(tx *store.Tx, at scope, t glue.Table, i glue.PartitionInput) error {
	p, err := s.partitionOf(at, t, i)
	if err != nil {
		return err
	}
	key := partitionKey(at, t, p.Values)
	if _, there, err := partitions.Get(tx, key...); err != nil || there {
		return cmp.Or[error](err, partitionExists())
	}
	return putPartition(tx, p, key)
}

func partitionKey(at scope, t glue.Table, values []string) []string {
	return append(at.key(*t.DatabaseName, *t.Name), values...)
}

// partitionOf makes the record out of its input.
func (s *Service) partitionOf(at scope, t glue.Table, i glue.PartitionInput) (glue.Partition, error) {
	if len(i.Values) != len(t.PartitionKeys) || len(i.Values) == 0 {
		return glue.Partition{}, partitionValues()
	}
	return glue.Partition{
		Values: i.Values, DatabaseName: t.DatabaseName, TableName: t.Name, CreationTime: s.now(),
		LastAccessTime: i.LastAccessTime, LastAnalyzedTime: i.LastAnalyzedTime, StorageDescriptor: i.StorageDescriptor,
		Parameters: i.Parameters, CatalogId: new(at.account),
	}, nil
}

func (s *Service) getPartition(ctx context.Context, r *glue.GetPartitionInput) (*glue.GetPartitionOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	out := &glue.GetPartitionOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		t, err := table(tx, at, *r.DatabaseName, *r.TableName, tableNotFound())
		if err != nil {
			return err
		}
		p, err := partition(tx, at, t, r.PartitionValues)
		out.Partition = &p
		return err
	})
}

// partition returns a partition, or the error that there is none.
func partition(tx *store.Tx, at scope, t glue.Table, values []string) (glue.Partition, error) {
	if len(values) != len(t.PartitionKeys) {
		return glue.Partition{}, partitionValues()
	}
	p, there, err := getPartition(tx, partitionKey(at, t, values))
	if err == nil && !there {
		err = partitionNotFound()
	}
	return p, err
}

// partitionPage is the most partitions GetPartitions returns at once.
const partitionPage = 1000

func (s *Service) getPartitions(ctx context.Context, r *glue.GetPartitionsInput) (*glue.GetPartitionsOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err == nil {
		err = refuseTransactions(r.TransactionId, r.QueryAsOfTime)
	}
	if err != nil {
		return nil, err
	}
	from, err := after(r.NextToken)
	if err != nil {
		return nil, err
	}
	out := &glue.GetPartitionsOutput{Partitions: []glue.Partition{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		t, err := table(tx, at, *r.DatabaseName, *r.TableName, tableNotFound())
		if err != nil {
			return err
		}
		keep, err := partitionFilter(r, t)
		if err != nil {
			return err
		}
		return collectPartitions(tx, at, t, from, keep, r, out)
	})
}

// partitionFilter is the expression and the segment of a request.
func partitionFilter(r *glue.GetPartitionsInput, t glue.Table) (func(values []string) bool, error) {
	matches := func([]string) truth { return isTrue }
	if e := strings.TrimSpace(text(r.Expression)); e != "" {
		var err error
		if matches, err = parseExpression(e, t.PartitionKeys); err != nil {
			return nil, err
		}
	}
	return func(values []string) bool {
		return inSegment(values, r.Segment) && matches(values) == isTrue
	}, nil
}

// inSegment divides the partitions among parallel readers.
func inSegment(values []string, s *glue.Segment) bool {
	if s == nil || *s.TotalSegments < 1 {
		return true
	}
	h := fnv.New32a()
	for _, v := range values {
		h.Write([]byte(v + "\x00"))
	}
	return int64(h.Sum32())%*s.TotalSegments == *s.SegmentNumber
}

// collectPartitions fills one page. The token is the key of its last partition.
func collectPartitions(tx *store.Tx, at scope, t glue.Table, from string, keep func(values []string) bool, r *glue.GetPartitionsInput, out *glue.GetPartitionsOutput) error {
	size := pageSize(r.MaxResults, partitionPage)
	for {
		list, next, err := partitions.Page(tx, from, partitionPage, at.key(*t.DatabaseName, *t.Name)...)
		if err != nil {
			return err
		}
		for _, record := range list {
			if !keep(record.Values) {
				continue
			}
			if len(out.Partitions) == size {
				last := out.Partitions[size-1]
				out.NextToken = paging.Token(store.Key(partitionKey(at, t, last.Values)...))
				return nil
			}
			p, err := record.read()
			if err != nil {
				return err
			}
			if r.ExcludeColumnSchema != nil && *r.ExcludeColumnSchema && p.StorageDescriptor != nil {
				p.StorageDescriptor.Columns = nil
			}
			out.Partitions = append(out.Partitions, p)
		}
		if next == "" {
			return nil
		}
		from = next
	}
}

func (s *Service) updatePartition(ctx context.Context, r *glue.UpdatePartitionInput) (*glue.UpdatePartitionOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	return &glue.UpdatePartitionOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		t, err := table(tx, at, *r.DatabaseName, *r.TableName, namedTableNotFound(*r.TableName))
		if err != nil {
			return err
		}
		if err := s.replacePartition(tx, at, t, r.PartitionValueList, *r.PartitionInput); err != nil {
			return err
		}
		return s.tableChanged(tx, at, "UpdatePartition", &t, r.PartitionValueList)
	})
}

// replacePartition changes a partition, whose values may change as well.
func (s *Service) replacePartition(tx *store.Tx, at scope, t glue.Table, values []string, i glue.PartitionInput) error {
	old, err := partition(tx, at, t, values)
	if err != nil {
		return err
	}
	if i.Values == nil {
		i.Values = values
	}
	p, err := s.partitionOf(at, t, i)
	if err != nil {
		return err
	}
	p.CreationTime = old.CreationTime
	if !slices.Equal(p.Values, values) {
		if _, there, err := partitions.Get(tx, partitionKey(at, t, p.Values)...); err != nil || there {
			return cmp.Or[error](err, partitionExists())
		}
		if _, err := partitions.Delete(tx, partitionKey(at, t, values)...); err != nil {
			return err
		}
	}
	return putPartition(tx, p, partitionKey(at, t, p.Values))
}

func (s *Service) deletePartition(ctx context.Context, r *glue.DeletePartitionInput) (*glue.DeletePartitionOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	return &glue.DeletePartitionOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		t, err := table(tx, at, *r.DatabaseName, *r.TableName, namedTableNotFound(*r.TableName))
		if err != nil {
			return err
		}
		if err := removePartition(tx, at, t, r.PartitionValues); err != nil {
			return err
		}
		return s.tableChanged(tx, at, "DeletePartition", &t, r.PartitionValues)
	})
}

func removePartition(tx *store.Tx, at scope, t glue.Table, values []string) error {
	if _, err := partition(tx, at, t, values); err != nil {
		return err
	}
	_, err := partitions.Delete(tx, partitionKey(at, t, values)...)
	return err
}
