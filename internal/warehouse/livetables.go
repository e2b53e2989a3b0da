package warehouse

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"stepwell/internal/lake"
	"stepwell/internal/rsql/emit"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/types"
)

// liveTable is a system table whose rows Go code knows: the cluster's users,
// its history, the Data Catalog.
type liveTable struct {
	columns []resolve.Column
	rows    func(ctx context.Context, s *Session) ([][]emit.Expr, error)
}

// cols reads "name type, name type" into columns; the types are i (integer), b
// (bigint), s (smallint), t (text), f (boolean), d (timestamp).
func cols(spec string) []resolve.Column {
	kinds := map[string]types.Type{
		"i": {Kind: types.Integer}, "b": {Kind: types.Bigint}, "s": {Kind: types.Smallint}, "t": varchar(4000), "f": {Kind: types.Boolean}, "d": {Kind: types.Timestamp}, "o": {Kind: types.OID}, "n": {Kind: types.Name},
	}
	var out []resolve.Column
	for _, part := range strings.Split(spec, ",") {
		name, kind, _ := strings.Cut(strings.TrimSpace(part), " ")
		out = append(out, resolve.Column{Name: name, Type: kinds[kind]})
	}
	return out
}

// liveTables are the system tables kept in Go, by name.
var liveTables = map[string]liveTable{
	"pg_settings": {cols("name t, setting t, category t, short_desc t"), settingRows},

	"stl_load_errors":       {cols("userid i, slice i, tbl b, starttime d, session i, query b, filename t, line_number b, colname t, type t, col_length t, position i, raw_line t, raw_field_value t, err_code i, err_reason t, is_partial i, start_offset b"), loadErrorRows},
	"sys_load_error_detail": {cols("user_id i, query_id b, transaction_id b, session_id i, database_name t, table_id b, start_time d, file_name t, line_number b, column_name t, column_type t, column_length t, position i, error_code i, error_message t"), loadDetailRows},
	"stl_load_commits":      {cols("userid i, query b, slice i, name t, filename t, curtime d, lines_scanned b, errors b, status i, file_format t, is_partial i, start_offset b"), loadCommitRows},
	"sys_load_history":      {cols("user_id i, query_id b, transaction_id b, session_id i, database_name t, status t, table_name t, start_time d, end_time d, duration b, data_source t, file_format t, loaded_rows b, loaded_bytes b, source_file_count i, source_file_bytes b, file_count_scanned i, file_bytes_scanned b, error_count b, copy_job_id b"), loadHistoryRows},
	"sys_load_detail":       {cols("user_id i, query_id b, file_name t, bytes_scanned b, lines_scanned b, splits_scanned i, record_time d, start_offset b"), loadFileRows},
	"sys_copy_job":          {cols("job_id b, job_name t, job_owner t, is_auto i, data_source t, destination_table t, copy_query t"), copyJobRows},
	"stl_unload_log":        {cols("userid i, query b, slice i, pid i, path t, start_time d, end_time d, line_count b, transfer_size b, file_format t"), unloadLogRows},
	"sys_unload_history":    {cols("user_id i, query_id b, transaction_id b, session_id i, database_name t, status t, start_time d, end_time d, duration b, file_format t, compression_type t, unloaded_location t, unloaded_rows b, unloaded_files_count b, unloaded_files_size b, error_message t"), unloadHistoryRows},
	"sys_unload_detail":     {cols("user_id i, query_id b, file_name t, unloaded_rows b, file_size b, file_format t, start_time d, end_time d"), unloadFileRows},

	"svv_external_schemas":    {cols("esoid b, eskind i, schemaname t, esowner i, databasename t, esoptions t"), externalSchemaRows},
	"pg_external_schema":      {cols("esoid o, eskind i, esdbname t, esoptions t"), catalogSchemaRows},
	"svv_external_databases":  {cols("eskind i, databasename t, location t, parameters t"), externalDatabaseRows},
	"svv_external_tables":     {cols("redshift_database_name t, schemaname t, tablename t, tabletype t, location t, input_format t, output_format t, serialization_lib t, serde_parameters t, compressed i, parameters t"), externalTableRows},
	"svv_external_columns":    {cols("redshift_database_name t, schemaname t, tablename t, columnname t, external_type t, columnnum i, part_key i, is_nullable t"), externalColumnRows},
	"svv_external_partitions": {cols("schemaname t, tablename t, values t, location t, input_format t, output_format t, serialization_lib t, serde_parameters t, compressed i, parameters t"), externalPartitionRows},
}

// findLive finds a system table kept in Go.
func findLive(name string) (liveTable, bool) {
	if t, ok := liveTables[name]; ok {
		return t, true
	}
	t, ok := historyTables[name]
	return t, ok
}

func flagCell(on bool) emit.Expr {
	if on {
		return &emit.Word{Text: "TRUE"}
	}
	return &emit.Word{Text: "FALSE"}
}

func settingRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, name := range parameterNames() {
		v, _ := s.settings.get(name)
		rows = append(rows, []emit.Expr{str(name), str(v), str(""), str("")})
	}
	return rows, nil
}

func loadErrorRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.cluster.log.errors() {
		rows = append(rows, []emit.Expr{num(100), num(0), num(e.Table), timestamp(e.At), num(int64(e.Session)), num(e.Query), str(e.Filename), num(e.Line), str(e.Column), str(e.Type), str(e.Length), num(e.Position), str(e.RawLine), str(e.RawField), num(int64(e.Code)), str(e.Reason), num(0), num(0)})
	}
	return rows, nil
}

func loadDetailRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.cluster.log.errors() {
		rows = append(rows, []emit.Expr{num(100), num(e.Query), num(e.Query), num(int64(e.Session)), str(s.identity.Database), num(e.Table), timestamp(e.At), str(e.Filename), num(e.Line), str(e.Column), str(e.Type), str(e.Length), num(e.Position), num(int64(e.Code)), str(e.Reason)})
	}
	return rows, nil
}

// external calls f for every external schema of the session's database.
func (s *Session) external(ctx context.Context, f func(sch *schema) error) error {
	set, err := s.db.schemasFor(ctx, s)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(set.schemas)) {
		if sch := set.schemas[name]; sch.source != nil {
			if err := f(sch); err != nil {
				return err
			}
		}
	}
	return nil
}

// externalTables calls f for every external table.
func (s *Session) externalTables(ctx context.Context, f func(sch *schema, t *lake.Table) error) error {
	return s.external(ctx, func(sch *schema) error {
		list, err := s.cluster.externalTables(ctx, sch)
		if err != nil {
			return err
		}
		for i := range list {
			if err := f(sch, &list[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func externalSchemaRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	err = s.external(ctx, func(sch *schema) error {
		options := fmt.Sprintf(`{"IAM_ROLE":%q}`, sch.source.Role)
		rows = append(rows, []emit.Expr{num(sch.oid), num(1), str(sch.name), num(100), str(sch.source.Database), str(options)})
		return nil
	})
	return rows, err
}

// catalogSchemaRows are the rows of pg_external_schema, without what
// svv_external_schemas adds to them.
func catalogSchemaRows(ctx context.Context, s *Session) ([][]emit.Expr, error) {
	rows, err := externalSchemaRows(ctx, s)
	for i, r := range rows {
		rows[i] = []emit.Expr{r[0], r[1], r[4], r[5]}
	}
	return rows, err
}

func externalDatabaseRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	err = s.external(ctx, func(sch *schema) error {
		rows = append(rows, []emit.Expr{num(1), str(sch.source.Database), null(), null()})
		return nil
	})
	return rows, err
}

func jsonCell(v map[string]string) emit.Expr {
	text, err := json.Marshal(v)
	if err != nil {
		return null()
	}
	return str(string(text))
}

func externalTableRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	err = s.externalTables(ctx, func(sch *schema, t *lake.Table) error {
		rows = append(rows, []emit.Expr{str(s.identity.Database), str(sch.name), str(t.Name), str("TABLE"), str(t.Storage.Location), str(t.Storage.InputFormat), str(t.Storage.OutputFormat), str(t.Storage.SerDe), jsonCell(t.Storage.SerDeParams), num(0), jsonCell(t.Parameters)})
		return nil
	})
	return rows, err
}

func externalColumnRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	err = s.externalTables(ctx, func(sch *schema, t *lake.Table) error {
		n := 0
		for k, list := range [][]lake.Column{t.Columns, t.PartitionKeys} {
			for i, c := range list {
				n++
				rows = append(rows, []emit.Expr{str(s.identity.Database), str(sch.name), str(t.Name), str(c.Name), str(c.Type), num(int64(n)), num(int64(k * (i + 1))), str("")})
			}
		}
		return nil
	})
	return rows, err
}

func externalPartitionRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	err = s.externalTables(ctx, func(sch *schema, t *lake.Table) error {
		if len(t.PartitionKeys) == 0 {
			return nil
		}
		list, err := s.cluster.w.options.Catalog.Partitions(ctx, s.cluster.namespace(sch.source), t.Database, t.Name)
		if err != nil {
			return err
		}
		for _, p := range list {
			values, err := json.Marshal(p.Values)
			if err != nil {
				return err
			}
			rows = append(rows, []emit.Expr{str(sch.name), str(t.Name), str(string(values)), str(p.Storage.Location), str(p.Storage.InputFormat), str(p.Storage.OutputFormat), str(p.Storage.SerDe), jsonCell(p.Storage.SerDeParams), num(0), jsonCell(p.Parameters)})
		}
		return nil
	})
	return rows, err
}
