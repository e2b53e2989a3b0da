package glue

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"stepwell/internal/awsapi/glue"
	"stepwell/internal/store"
)

// searchTables searches names, descriptions, columns and parameters. Text in
// quotation marks is matched as a whole, other text as a part, in any case
// (Glue API reference, SearchTables).
func (s *Service) searchTables(ctx context.Context, r *glue.SearchTablesInput) (*glue.SearchTablesOutput, error) {
	at, err := in(ctx, r.CatalogId)
	if err != nil {
		return nil, err
	}
	for _, f := range r.Filters {
		if field := fold(text(f.Key)); field == "updatetime" || field == "lastaccesstime" || field == "createtime" {
			if _, err := time.Parse(time.RFC3339, text(f.Value)); err != nil {
				return nil, glue.InvalidInputException("Invalid time filter value: %s", text(f.Value))
			}
		}
	}
	out := &glue.SearchTablesOutput{}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tables.List(tx, at.key()...)
		if err != nil {
			return err
		}
		for i := len(r.SortCriteria) - 1; i >= 0; i-- {
			sortTables(all, r.SortCriteria[i])
		}
		keep := func(t glue.Table) bool {
			return hasText(t, text(r.SearchText)) &&
				!slices.ContainsFunc(r.Filters, func(f glue.PropertyPredicate) bool { return !passes(t, f) })
		}
		out.TableList, out.NextToken, err = filterPage(all, keep, r.NextToken, r.MaxResults, 100)
		return err
	})
}

func sortTables(list []glue.Table, c glue.SortCriterion) {
	slices.SortStableFunc(list, func(a, b glue.Table) int {
		order := cmp.Compare(property(a, text(c.FieldName)), property(b, text(c.FieldName)))
		if text(c.Sort) == glue.SortDesc {
			return -order
		}
		return order
	})
}

// property returns a table's property as text; times sort as text.
func property(t glue.Table, name string) string {
	when := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.UTC().Format(time.RFC3339Nano)
	}
	switch fold(name) {
	case "name":
		return text(t.Name)
	case "databasename", "database":
		return text(t.DatabaseName)
	case "description":
		return text(t.Description)
	case "owner":
		return text(t.Owner)
	case "tabletype":
		return text(t.TableType)
	case "createtime":
		return when(t.CreateTime)
	case "updatetime":
		return when(t.UpdateTime)
	case "lastaccesstime":
		return when(t.LastAccessTime)
	case "location":
		if t.StorageDescriptor != nil {
			return text(t.StorageDescriptor.Location)
		}
		return ""
	default:
		return t.Parameters[name]
	}
}

func hasText(t glue.Table, search string) bool {
	if search == "" {
		return true
	}
	values := []string{text(t.Name), text(t.DatabaseName), text(t.Description), text(t.Owner)}
	for k, v := range t.Parameters {
		values = append(values, k, v)
	}
	columns := t.PartitionKeys
	if sd := t.StorageDescriptor; sd != nil {
		columns = slices.Concat(columns, sd.Columns)
	}
	for _, c := range columns {
		values = append(values, text(c.Name), text(c.Comment))
	}
	if whole, ok := strings.CutPrefix(search, `"`); ok {
		whole = strings.TrimSuffix(whole, `"`)
		return slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, whole) })
	}
	return slices.ContainsFunc(values, func(v string) bool { return strings.Contains(fold(v), fold(search)) })
}

// passes applies a filter: comparators are for times, other values are parts
// of the property.
func passes(t glue.Table, f glue.PropertyPredicate) bool {
	have, want := property(t, text(f.Key)), text(f.Value)
	switch order := cmp.Compare(have, want); text(f.Comparator) {
	case glue.ComparatorEquals:
		return order == 0
	case glue.ComparatorGreaterThan:
		return order > 0
	case glue.ComparatorLessThan:
		return order < 0
	case glue.ComparatorGreaterThanEquals:
		return order >= 0
	case glue.ComparatorLessThanEquals:
		return order <= 0
	}
	return strings.Contains(fold(have), fold(want))
}
