package warehouse

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"stepwell/internal/rsql/emit"
)

// historyTables are the system tables over the history, the open sessions and
// the locks.
var historyTables = map[string]liveTable{
	"stl_query":                 {cols("userid i, query b, label t, xid b, pid i, database t, querytxt t, starttime d, endtime d, aborted i, insert_pristine i, concurrency_scaling_status i"), stlQueryRows},
	"stl_querytext":             {cols("userid i, xid b, pid i, query b, sequence i, text t"), queryTextRows},
	"svl_statementtext":         {cols("userid i, xid b, pid i, label t, starttime d, endtime d, sequence i, type t, text t"), statementTextRows("")},
	"stl_ddltext":               {cols("userid i, xid b, pid i, label t, starttime d, endtime d, sequence i, text t"), statementTextRows("DDL")},
	"stl_utilitytext":           {cols("userid i, xid b, pid i, label t, starttime d, endtime d, sequence i, text t"), statementTextRows("UTILITY")},
	"svl_qlog":                  {cols("userid i, query b, xid b, pid i, starttime d, endtime d, elapsed b, aborted i, label t, substring t, source_query b"), qlogRows},
	"stl_error":                 {cols("userid i, process t, recordtime d, pid i, errcode i, file t, linenum i, context t, error t"), errorRows},
	"sys_query_history":         {cols("user_id i, query_id b, query_label t, transaction_id b, session_id i, database_name t, query_type t, status t, result_cache_hit f, start_time d, end_time d, elapsed_time b, queue_time b, execution_time b, error_message t, returned_rows b, returned_bytes b, query_text t, compute_type t"), sysQueryRows},
	"sys_query_text":            {cols("user_id i, query_id b, transaction_id b, session_id i, start_time d, sequence i, text t"), sysTextRows},
	"sys_query_detail":          {cols("user_id i, query_id b, child_query_sequence i, stream_id i, segment_id i, step_id i, step_name t, table_name t, start_time d, end_time d, duration b, output_rows b, status t"), sysDetailRows},
	"stv_sessions":              {cols("starttime d, process i, user_name t, db_name t, timeout_sec i"), sessionRows},
	"stl_sessions":              {cols("userid i, starttime d, endtime d, process i, user_name t, db_name t, timeout_sec i, timed_out i"), endedSessionRows},
	"sys_session_history":       {cols("user_id i, session_id i, database_name t, status t, session_timeout i, start_time d, end_time d"), sessionHistoryRows},
	"stl_connection_log":        {cols("event t, recordtime d, pid i, dbname t, username t, remotehost t, remoteport t, duration b"), connectionRows},
	"sys_connection_log":        {cols("event t, record_time d, session_id i, database_name t, user_name t, remote_host t, remote_port t, duration b"), connectionRows},
	"stv_recents":               {cols("userid i, status t, starttime d, duration i, user_name t, db_name t, query t, pid i"), recentRows},
	"stv_inflight":              {cols("userid i, slice i, query b, label t, xid b, pid i, starttime d, text t, suspended i, insert_pristine i, concurrency_scaling_status i"), inflightRows},
	"stv_locks":                 {cols("table_id b, last_commit d, last_update d, lock_owner b, lock_owner_pid i, lock_status t"), lockRows},
	"svv_transactions":          {cols("txn_owner t, txn_db t, xid b, pid i, txn_start d, lock_mode t, lockable_object_type t, relation b, granted f"), transactionRows},
	"pg_locks":                  {cols("locktype t, database o, relation o, pid i, mode t, granted f"), pgLockRows},
	"pg_stat_activity":          {cols("datid o, datname t, procpid i, pid i, usesysid i, usename t, current_query t, query t, query_start d, state t"), activityRows},
	"svl_stored_proc_messages":  {cols("userid i, session_userid i, pid i, xid b, query b, recordtime d, loglevel i, loglevel_text t, message t, linenum i, querytxt t, label t, aborted i, message_xid b"), callMessageRows},
	"svl_stored_proc_call":      {cols("userid i, session_userid i, query b, label t, xid b, pid i, database t, querytxt t, starttime d, endtime d, aborted i, from_sp_call b"), procedureCallRows},
	"svl_s3query_summary":       {cols("userid i, query b, starttime d, elapsed b, aborted i, external_table_name t, files i, total_partitions i, qualified_partitions i, s3_scanned_bytes b"), s3Rows},
	"sys_external_query_detail": {cols("user_id i, query_id b, transaction_id b, session_id i, start_time d, end_time d, duration b, source_type t, table_name t, total_partitions b, qualified_partitions b, scanned_files b, scanned_bytes b"), externalDetailRows},
}

func (e historyEntry) aborted() emit.Expr {
	if e.failure != nil {
		return num(1)
	}
	return num(0)
}

func (e historyEntry) took() emit.Expr { return num(e.end.Sub(e.start).Microseconds()) }

// labelled is the query group; "default" is what a session has without one.
func (e historyEntry) labelled() emit.Expr {
	if e.label == "" || e.label == "unset" {
		return str("default")
	}
	return str(e.label)
}

// kind is the statement's kind: QUERY, DDL or UTILITY, as svl_statementtext
// tells them apart.
func (e historyEntry) kind() string {
	word, _, _ := strings.Cut(e.command, " ")
	switch word {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY", "UNLOAD":
		return "QUERY"
	case "CREATE", "ALTER", "DROP", "TRUNCATE", "GRANT", "REVOKE", "COMMENT":
		if strings.HasPrefix(e.command, "CREATE TABLE AS") {
			return "QUERY"
		}
		return "DDL"
	}
	return "UTILITY"
}

// chunks cuts a text into the rows of a table of texts.
func chunks(text string, n int) (list []string) {
	for len(text) > n {
		cut := n
		for cut > 0 && text[cut]&0xC0 == 0x80 {
			cut--
		}
		list, text = append(list, text[:cut]), text[cut:]
	}
	return append(list, text)
}

func stlQueryRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.queries() {
		rows = append(rows, []emit.Expr{num(e.userID), num(e.id), e.labelled(), num(e.xid), num(int64(e.session)), str(e.database), str(e.text), timestamp(e.start), timestamp(e.end), e.aborted(), num(0), num(0)})
	}
	return rows, nil
}

func queryTextRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.queries() {
		for i, part := range chunks(e.text, 200) {
			rows = append(rows, []emit.Expr{num(e.userID), num(e.xid), num(int64(e.session)), num(e.id), num(int64(i)), str(part)})
		}
	}
	return rows, nil
}

// statementTextRows are the texts of statements of one kind, of all with "".
func statementTextRows(kind string) func(context.Context, *Session) ([][]emit.Expr, error) {
	return func(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
		for _, e := range s.queries() {
			if kind != "" && e.kind() != kind {
				continue
			}
			for i, part := range chunks(e.text, 200) {
				row := []emit.Expr{num(e.userID), num(e.xid), num(int64(e.session)), e.labelled(), timestamp(e.start), timestamp(e.end), num(int64(i))}
				if kind == "" {
					row = append(row, str(e.kind()))
				}
				rows = append(rows, append(row, str(part)))
			}
		}
		return rows, nil
	}
}

func qlogRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.queries() {
		rows = append(rows, []emit.Expr{num(e.userID), num(e.id), num(e.xid), num(int64(e.session)), timestamp(e.start), timestamp(e.end), e.took(), e.aborted(), e.labelled(), str(chunks(e.text, 60)[0]), null()})
	}
	return rows, nil
}

func errorRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.queries() {
		if e.failure != nil {
			rows = append(rows, []emit.Expr{num(e.userID), str("padbmaster"), timestamp(e.end), num(int64(e.session)), num(8001), str(""), num(0), str(e.failure.Code), str(e.failure.Message)})
		}
	}
	return rows, nil
}

func sysQueryRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.queries() {
		status, message := "success", emit.Expr(str(""))
		if e.failure != nil {
			status, message = "failed", str(e.failure.Message)
			if e.failure.Code == "57014" {
				status = "canceled"
			}
		}
		kind, _, _ := strings.Cut(e.command, " ")
		if e.kind() != "QUERY" {
			kind = e.kind()
		}
		rows = append(rows, []emit.Expr{num(e.userID), num(e.id), e.labelled(), num(e.xid), num(int64(e.session)), str(e.database), str(kind), str(status), flagCell(false), timestamp(e.start), timestamp(e.end), e.took(), num(0), e.took(), message, num(max(e.rows, 0)), null(), str(e.text), str("primary")})
	}
	return rows, nil
}

func sysTextRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.queries() {
		rows = append(rows, []emit.Expr{num(e.userID), num(e.id), num(e.xid), num(int64(e.session)), timestamp(e.start), num(0), str(e.text)})
	}
	return rows, nil
}

// sysDetailRows has the steps that are known: the reads of external tables and
// the return of the result.
func sysDetailRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.queries() {
		step := func(name, table string, out emit.Expr) {
			rows = append(rows, []emit.Expr{num(e.userID), num(e.id), num(1), num(0), num(0), num(int64(len(rows))), str(name), str(table), timestamp(e.start), timestamp(e.end), e.took(), out, str(map[bool]string{true: "success", false: "failed"}[e.failure == nil])})
		}
		for _, sc := range e.scans {
			step("spectrumscan", sc.Table, null())
		}
		if e.kind() == "QUERY" {
			step("return", "", num(max(e.rows, 0)))
		}
	}
	return rows, nil
}

func s3Rows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.queries() {
		for _, sc := range e.scans {
			rows = append(rows, []emit.Expr{num(e.userID), num(e.id), timestamp(e.start), e.took(), e.aborted(), str("S3 Scan " + sc.Table), num(int64(sc.Files)), num(int64(sc.Total)), num(int64(sc.Partitions)), num(sc.Bytes)})
		}
	}
	return rows, nil
}

func externalDetailRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.queries() {
		for _, sc := range e.scans {
			rows = append(rows, []emit.Expr{num(e.userID), num(e.id), num(e.xid), num(int64(e.session)), timestamp(e.start), timestamp(e.end), e.took(), str("S3"), str(sc.Table), num(int64(sc.Total)), num(int64(sc.Partitions)), num(int64(sc.Files)), num(sc.Bytes)})
		}
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

func endedSessionRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.cluster.log.endedSessions() {
		rows = append(rows, []emit.Expr{num(e.UserID), timestamp(e.Start), timestamp(e.End), num(int64(e.PID)), str(e.User), str(e.Database), num(0), num(0)})
	}
	return rows, nil
}

func sessionHistoryRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.cluster.log.endedSessions() {
		rows = append(rows, []emit.Expr{num(e.UserID), num(int64(e.PID)), str(e.Database), str("closed"), num(0), timestamp(e.Start), timestamp(e.End)})
	}
	for _, o := range s.cluster.openSessions() {
		rows = append(rows, []emit.Expr{num(o.userID()), num(int64(o.pid)), str(o.identity.Database), str("active"), num(0), timestamp(o.started), null()})
	}
	return rows, nil
}

func connectionRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	row := func(event string, at, began time.Time, pid int64, database, user string) { // where sessions come from is not kept: the host is blank
		rows = append(rows, []emit.Expr{str(event), timestamp(at), num(pid), str(database), str(user), str(""), str(""), num(at.Sub(began).Microseconds())})
	}
	for _, e := range s.cluster.log.endedSessions() {
		row("initiating session", e.Start, e.Start, int64(e.PID), e.Database, e.User)
		row("disconnecting session", e.End, e.Start, int64(e.PID), e.Database, e.User)
	}
	for _, o := range s.cluster.openSessions() {
		row("initiating session", o.started, o.started, int64(o.pid), o.identity.Database, o.identity.User)
	}
	return rows, nil
}

func activityRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	rec := s.record()
	for _, o := range s.cluster.openSessions() {
		text := o.running()
		state := map[bool]string{true: "idle", false: "active"}[text == ""]
		rows = append(rows, []emit.Expr{num(rec.Databases[o.identity.Database].ID), str(o.identity.Database), num(int64(o.pid)), num(int64(o.pid)), num(rec.Users[o.identity.User].ID), str(o.identity.User), str(text), str(text), timestamp(o.started), str(state)})
	}
	return rows, nil
}

func recentRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, e := range s.queries() {
		rows = append(rows, []emit.Expr{num(e.userID), str("Done"), timestamp(e.start), e.took(), str(e.user), str(e.database), str(e.text), num(-1)})
	}
	for _, o := range s.cluster.openSessions() {
		if text := o.running(); text != "" {
			rows = append(rows, []emit.Expr{num(o.userID()), str("Running"), timestamp(o.started), num(0), str(o.identity.User), str(o.identity.Database), str(text), num(int64(o.pid))})
		}
	}
	return rows, nil
}

func inflightRows(_ context.Context, s *Session) (rows [][]emit.Expr, err error) {
	for _, o := range s.cluster.openSessions() {
		if text := o.running(); text != "" {
			rows = append(rows, []emit.Expr{num(o.userID()), num(0), null(), str("default"), null(), num(int64(o.pid)), timestamp(o.started), str(chunks(text, 100)[0]), num(0), num(0), num(0)})
		}
	}
	return rows, nil
}

// heldLock is a table's write lock and who has it or waits for it.
type heldLock struct {
	table   string // database.schema.name
	session *Session
	granted bool
}

func (l *locks) all() (list []heldLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for table, s := range l.owner {
		list = append(list, heldLock{table, s, true})
	}
	for s, table := range l.waiting {
		list = append(list, heldLock{table, s, false})
	}
	slices.SortFunc(list, func(a, b heldLock) int { return int(a.session.pid - b.session.pid) })
	return list
}

// eachLock calls f for the locks on tables of the session's database.
func (s *Session) eachLock(ctx context.Context, f func(h heldLock, oid int64)) error {
	set, err := s.db.schemasFor(ctx, s)
	if err != nil {
		return err
	}
	for _, h := range s.cluster.locks.all() {
		path := strings.SplitN(h.table, ".", 3)
		if len(path) != 3 || path[0] != s.db.name {
			continue
		}
		if rel := set.relations[[2]string{path[1], path[2]}]; rel != nil {
			f(h, rel.oid)
		}
	}
	return nil
}

func lockRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	err = s.eachLock(ctx, func(h heldLock, oid int64) {
		status := map[bool]string{true: "Holding write lock", false: "Waiting for write lock"}[h.granted]
		rows = append(rows, []emit.Expr{num(oid), null(), null(), num(int64(h.session.pid)), num(int64(h.session.pid)), str(status)})
	})
	return rows, err
}

func transactionRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	err = s.eachLock(ctx, func(h heldLock, oid int64) {
		rows = append(rows, []emit.Expr{str(h.session.identity.User), str(h.session.identity.Database), num(int64(h.session.pid)), num(int64(h.session.pid)), timestamp(h.session.started), str("AccessExclusiveLock"), str("relation"), num(oid), flagCell(h.granted)})
	})
	return rows, err
}

func pgLockRows(ctx context.Context, s *Session) (rows [][]emit.Expr, err error) {
	rec := s.record()
	err = s.eachLock(ctx, func(h heldLock, oid int64) {
		rows = append(rows, []emit.Expr{str("relation"), num(rec.Databases[s.db.name].ID), num(oid), num(int64(h.session.pid)), str("AccessExclusiveLock"), flagCell(h.granted)})
	})
	return rows, err
}
