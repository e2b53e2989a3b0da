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
// (bigint), t (text), f (boolean), d (timestamp).
func cols(spec string) []resolve.Column {
	kinds := map[string]types.Type{
		"i": {Kind: types.Integer}, "b": {Kind: types.Bigint}, "t": varchar(4000), "f": {Kind: types.Boolean}, "d": {Kind: types.Timestamp}, "o": {Kind: types.OID},
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
	"pg_database":      {cols("oid o, datname t, datdba i, encoding i, datistemplate f, datallowconn f, datlastsysoid o, datcollate t, datctype t, datacl t, datconfig t"), databaseRows},
	"pg_user":          {cols("usename t, usesysid i, usecreatedb f, usesuper f, usecatupd f, passwd t, valuntil t, useconfig t"), userRows},
	"pg_user_info":     {cols("usename t, usesysid i, usecreatedb f, usesuper f, usecatupd f, passwd t, valuntil t, useconfig t"), userRows},
	"svl_user_info":    {cols("usename t, usesysid i, usecreatedb f, usesuper f, usecatupd f, passwd t, valuntil t, useconfig t"), userRows},
	"pg_roles":         {cols("oid o, rolname t, rolsuper f, rolinherit f, rolcreaterole f, rolcreatedb f, rolcanlogin f, rolconnlimit i, rolvaliduntil t, rolreplication f, rolbypassrls f"), roleRows},
	"pg_group":         {cols("groname t, grosysid i, grolist t"), groupRows},
	"svv_roles":        {cols("role_id i, role_name t, role_owner t, external_id t"), svvRoleRows},
	"pg_settings":      {cols("name t, setting t, category t, short_desc t"), settingRows},
	"stv_sessions":     {cols("starttime d, process i, user_name t, db_name t, timeout_sec i"), sessionRows},
	"stv_recents":      {cols("userid i, status t, starttime d, duration i, user_name t, db_name t, query t, pid i"), recentRows},
	"pg_stat_activity": {cols("datid o, datname t, procpid i, usesysid i, usename t, current_query t, query_start d"), activityRows},

	"stl_query":             {cols("userid i, query b, label t, xid b, pid i, database t, querytxt t, starttime d, endtime d, aborted i, insert_pristine i, concurrency_scaling_status i"), stlQueryRows},
	"svl_qlog":              {cols("userid i, query b, xid b, pid i, starttime d, endtime d, elapsed b, aborted i, label t, substring t, source_query b"), qlogRows},
	"sys_query_history":     {cols("user_id i, query_id b, query_label t, transaction_id b, session_id i, database_name t, query_type t, status t, result_cache_hit f, start_time d, end_time d, elapsed_time b, queue_time b, execution_time b, error_message t, returned_rows b, query_text t"), sysQueryRows},
	"svl_stored_proc_call":  {cols("userid i, session_userid i, query b, label t, xid b, pid i, database t, querytxt t, starttime d, endtime d, aborted i, from_sp_call b"), procedureCallRows},
	"stl_load_errors":       {cols("userid i, slice i, tbl b, starttime d, session i, query b, filename t, line_number b, colname t, type t, col_length t, position i, raw_line t, raw_field_value t, err_code i, err_reason t, is_partial i, start_offset b"), loadErrorRows},
	"sys_load_error_detail": {cols("user_id i, query_id b, transaction_id b, session_id i, database_name t, table_id b, start_time d, file_name t, line_number b, column_name t, column_type t, column_length t, position i, error_code i, error_message t"), loadDetailRows},
	"svl_s3query_summary":   {cols("userid i, query b, starttime d, elapsed b, aborted i, external_table_name t, files i, total_partitions i, qualified_partitions i, s3_scanned_bytes b"), s3Rows},

	"svv_external_schemas":    {cols("esoid b, eskind i, schemaname t, esowner i, databasename t, esoptions t"), externalSchemaRows},
	"svv_external_databases":  {cols("eskind i, databasename t, location t, parameters t"), externalDatabaseRows},
	"svv_external_tables":     {cols("redshift_database_name t, schemaname t, tablename t, tabletype t, location t, input_format t, output_format t, serialization_lib t, serde_parameters t, compressed i, parameters t"), externalTableRows},
	"svv_external_columns":    {cols("redshift_database_name t, schemaname t, tablename t, columnname t, external_type t, columnnum i, part_key i, is_nullable t"), externalColumnRows},
	"svv_external_partitions": {cols("schemaname t, tablename t, values t, location t, input_format t, output_format t, serialization_lib t, serde_parameters t, compressed i, parameters t"), externalPartitionRows},
}

func flagCell(on bool) emit.Expr {
	if on {
		return &emit.Word{Text: "TRUE"}
	}
	return &emit.Word{Text: "FALSE"}
}

func (c *cluster) snapshot() clusterRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	return clusterRecord{
		Databases: maps.Clone(c.record.Databases), Users: maps.Clone(c.record.Users),
		Groups: maps.Clone(c.record.Groups), Roles: maps.Clone(c.record.Roles),
	}
}

func databaseRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	rec := s.cluster.snapshot()
	for _, name := range slices.Sorted(maps.Keys(rec.Databases)) {
		owner := rec.Users[rec.Databases[name].Owner].ID
		rows = append(rows, []emit.Expr{num(rec.Databases[name].ID), str(name), num(owner), num(6), flagCell(false), flagCell(true), num(0), str("C"), str("C"), null(), null()})
	}
	return rows, nil
}

func userRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	rec := s.cluster.snapshot()
	for _, name := range slices.Sorted(maps.Keys(rec.Users)) {
		u := rec.Users[name]
		rows = append(rows, []emit.Expr{str(name), num(u.ID), flagCell(u.CreateDB), flagCell(u.Superuser), flagCell(false), str("********"), null(), null()})
	}
	return rows, nil
}

func roleRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	rec := s.cluster.snapshot()
	for _, name := range slices.Sorted(maps.Keys(rec.Users)) {
		u := rec.Users[name]
		rows = append(rows, []emit.Expr{num(u.ID), str(name), flagCell(u.Superuser), flagCell(true), flagCell(u.Superuser), flagCell(u.CreateDB), flagCell(true), num(-1), null(), flagCell(false), flagCell(false)})
	}
	return rows, nil
}

func groupRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	rec := s.cluster.snapshot()
	for _, name := range slices.Sorted(maps.Keys(rec.Groups)) {
		var ids []string
		for _, m := range rec.Groups[name].Members {
			ids = append(ids, fmt.Sprint(rec.Users[m].ID))
		}
		rows = append(rows, []emit.Expr{str(name), num(rec.Groups[name].ID), str("{" + strings.Join(ids, ",") + "}")})
	}
	return rows, nil
}

func svvRoleRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	rec := s.cluster.snapshot()
	for _, name := range slices.Sorted(maps.Keys(rec.Roles)) {
		rows = append(rows, []emit.Expr{num(rec.Roles[name].ID), str(name), str(DefaultUser), null()})
	}
	return rows, nil
}

func settingRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, name := range parameterNames() {
		v, _ := s.settings.get(name)
		rows = append(rows, []emit.Expr{str(name), str(v), str(""), str("")})
	}
	return rows, nil
}

func (c *cluster) openSessions() []*Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := slices.Collect(maps.Values(c.sessions))
	slices.SortFunc(list, func(a, b *Session) int { return int(a.pid - b.pid) })
	return list
}

func (s *Session) running() string {
	s.cancelMu.Lock()
	defer s.cancelMu.Unlock()
	return s.current
}

func sessionRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, o := range s.cluster.openSessions() {
		rows = append(rows, []emit.Expr{timestamp(o.started), num(int64(o.pid)), str(o.identity.User), str(o.identity.Database), num(0)})
	}
	return rows, nil
}

func activityRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	rec := s.cluster.snapshot()
	for _, o := range s.cluster.openSessions() {
		rows = append(rows, []emit.Expr{num(rec.Databases[o.identity.Database].ID), str(o.identity.Database), num(int64(o.pid)), num(rec.Users[o.identity.User].ID), str(o.identity.User), str(o.running()), timestamp(o.started)})
	}
	return rows, nil
}

func recentRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.cluster.log.queries() {
		rows = append(rows, []emit.Expr{num(100), str("Done"), timestamp(e.start), num(e.end.Sub(e.start).Microseconds()), str(e.user), str(e.database), str(e.text), num(int64(e.session))})
	}
	for _, o := range s.cluster.openSessions() {
		if text := o.running(); text != "" {
			rows = append(rows, []emit.Expr{num(100), str("Running"), timestamp(o.started), num(0), str(o.identity.User), str(o.identity.Database), str(text), num(int64(o.pid))})
		}
	}
	return rows, nil
}

func (e historyEntry) aborted() emit.Expr {
	if e.failure != nil {
		return num(1)
	}
	return num(0)
}

func stlQueryRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.cluster.log.queries() {
		rows = append(rows, []emit.Expr{num(100), num(e.id), str("default"), num(e.id), num(int64(e.session)), str(e.database), str(e.text), timestamp(e.start), timestamp(e.end), e.aborted(), num(0), num(0)})
	}
	return rows, nil
}

func qlogRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.cluster.log.queries() {
		head := e.text
		if len(head) > 60 {
			head = head[:60]
		}
		rows = append(rows, []emit.Expr{num(100), num(e.id), num(e.id), num(int64(e.session)), timestamp(e.start), timestamp(e.end), num(e.end.Sub(e.start).Microseconds()), e.aborted(), str("default"), str(strings.ToValidUTF8(head, "")), null()})
	}
	return rows, nil
}

func sysQueryRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.cluster.log.queries() {
		status, message := "success", emit.Expr(str(""))
		if e.failure != nil {
			status, message = "failed", str(e.failure.Message)
		}
		took := num(e.end.Sub(e.start).Microseconds())
		rows = append(rows, []emit.Expr{num(100), num(e.id), str("default"), num(e.id), num(int64(e.session)), str(e.database), str(e.command), str(status), flagCell(false), timestamp(e.start), timestamp(e.end), took, num(0), took, message, num(max(e.rows, 0)), str(e.text)})
	}
	return rows, nil
}

func loadErrorRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.cluster.log.errors() {
		rows = append(rows, []emit.Expr{num(100), num(0), num(e.table), timestamp(e.at), num(int64(e.session)), num(e.query), str(e.filename), num(e.line), str(e.column), str(e.typ), str(e.length), num(e.position), str(e.rawLine), str(e.rawField), num(int64(e.code)), str(e.reason), num(0), num(0)})
	}
	return rows, nil
}

func loadDetailRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.cluster.log.errors() {
		rows = append(rows, []emit.Expr{num(100), num(e.query), num(e.query), num(int64(e.session)), str(s.identity.Database), num(e.table), timestamp(e.at), str(e.filename), num(e.line), str(e.column), str(e.typ), str(e.length), num(e.position), num(int64(e.code)), str(e.reason)})
	}
	return rows, nil
}

func s3Rows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.cluster.log.queries() {
		for _, sc := range e.scans {
			rows = append(rows, []emit.Expr{num(100), num(e.id), timestamp(e.start), num(e.end.Sub(e.start).Microseconds()), e.aborted(), str("S3 Scan " + sc.table), num(int64(sc.files)), num(int64(sc.total)), num(int64(sc.partitions)), num(sc.bytes)})
		}
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
