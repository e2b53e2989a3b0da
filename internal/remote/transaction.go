package remote

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"stepwell/internal/sqlerr"
)

// Unresolvable is the name of a transaction whose end the server cannot tell.
const Unresolvable = "unresolvable"

// dialect is how a kind of server is asked about transactions.
type dialect struct {
	name     string
	redshift bool
	id       string // query for the id of the transaction; no row or NULL: it has none
	status   string // query for what became of the transaction $1; no row or NULL: not known any more
}

// Redshift tells a session's transaction in SVV_TRANSACTIONS, which shows users
// their own, and the end of one in SYS_TRANSACTION_HISTORY, which only
// superusers see. PostgreSQL has functions for both; a transaction that has
// written nothing has no id there.
var (
	redshift = dialect{
		name: "redshift", redshift: true,
		id:     "select max(xid) from svv_transactions where pid = pg_backend_pid()",
		status: "select status from sys_transaction_history where transaction_id = $1",
	}
	postgres = dialect{
		name:   "postgres",
		id:     "select pg_catalog.txid_current_if_assigned()",
		status: "select pg_catalog.txid_status($1)",
	}
)

// dialect finds out what the server is. Its query for transactions is tried
// here: inside a transaction a failing one would end it.
func (s *Session) dialect(ctx context.Context) (dialect, error) {
	d := postgres
	if s.conn.ParameterStatus("padb_version") != "" || strings.HasPrefix(s.conn.ParameterStatus("server_version"), "8.0.2") {
		d = redshift
	}
	_, err := s.one(ctx, d.id)
	if err != nil {
		var refusal *pgconn.PgError
		if !errors.As(err, &refusal) {
			return d, refused(s.login, err)
		}
		d.id, d.status = "", ""
	}
	return d, nil
}

// one returns the single value of a query as text; "" for NULL and for no row.
func (s *Session) one(ctx context.Context, sql string, args ...string) (string, error) {
	list, err := s.list(ctx, sql, args...)
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0][0], nil
}

// list returns the rows of a query as text, NULL as "". Errors are the
// library's.
func (s *Session) list(ctx context.Context, sql string, args ...string) ([][]string, error) {
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(a)
	}
	r := s.conn.ExecParams(ctx, sql, values, nil, nil, nil).Read()
	list := make([][]string, len(r.Rows))
	for i, row := range r.Rows {
		for _, v := range row {
			list[i] = append(list[i], string(v))
		}
	}
	return list, r.Err
}

// Guarded reports whether a statement may run in a transaction of ours, so that
// its end can be asked for: it means the same there as on its own. Of others,
// VACUUM and CREATE DATABASE say, not all are allowed in one, and procedures may
// commit.
func Guarded(sql string) bool {
	w := firstWords(sql)
	switch w[0] {
	case "select", "with", "insert", "update", "delete", "merge", "copy":
		return true
	case "create":
		i := slices.Index(w[:], "table")
		return i > 0 && !slices.Contains(w[:i], "external")
	}
	return false
}

// Commits reports whether a statement may end a transaction it stands in.
func Commits(sql string) bool {
	switch firstWords(sql)[0] {
	case "commit", "end", "rollback", "abort", "prepare", "execute", "call", "do", "truncate":
		return true
	}
	return false
}

var alone = regexp.MustCompile(`(?i)(inside|within|in) (a|an|the same) (explicit )?transaction`)

// Alone reports whether an error says that the statement must not stand in a
// transaction block: INSERT into an external table looks like any other, and
// writes to Iceberg tables allow no other query beside them.
func Alone(err error) bool {
	var e *sqlerr.Error
	return errors.As(err, &e) && (e.Code == sqlerr.ActiveTransaction || alone.MatchString(e.Message))
}

// Begin begins a transaction.
func (s *Session) Begin(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err
	}
	if _, err := s.conn.Exec(ctx, "BEGIN").ReadAll(); err != nil {
		return s.broken(err)
	}
	return nil
}

// broken words an error of a statement that changes nothing by itself.
func (s *Session) broken(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return answer(pg)
	}
	return &sqlerr.Error{Severity: "FATAL", Code: connectionFailure, Message: "the connection to " + s.login.Place() + " was lost: " + err.Error()}
}

// Transaction names the transaction under way for Decided: "" where it has
// written nothing, Unresolvable where the server cannot tell its end.
func (s *Session) Transaction(ctx context.Context) (string, error) {
	if s.asks.id == "" {
		return Unresolvable, nil
	}
	id, err := s.one(ctx, s.asks.id)
	switch {
	case err != nil:
		return "", s.broken(err)
	case id != "":
		return s.asks.name + " " + s.login.Place() + " " + id, nil
	case s.asks.redshift:
		return Unresolvable, nil // every transaction has an id there
	}
	return "", nil
}

// Commit ends the transaction. An error of code OutcomeUnknown means that the
// connection was lost: Decided may know. Any other means that it was rolled back.
func (s *Session) Commit(ctx context.Context) error {
	if err := s.open(ctx); err != nil {
		return err // COMMIT was not sent
	}
	results, err := s.conn.Exec(ctx, "COMMIT").ReadAll()
	var pg *pgconn.PgError
	switch {
	case err == nil && len(results) == 1 && results[0].CommandTag.String() == "COMMIT":
		return nil
	case err == nil: // PostgreSQL answers ROLLBACK for a failed transaction
		return sqlerr.New(sqlerr.InFailedTransaction, "the transaction was rolled back by the server")
	case errors.As(err, &pg) && pg.Severity == "ERROR":
		return answer(pg)
	}
	return s.unknown(err)
}

// Rollback ends the transaction; an error leaves the session of no use.
func (s *Session) Rollback(ctx context.Context) error {
	_, err := s.conn.Exec(ctx, "ROLLBACK").ReadAll()
	return err
}

// Decided reports whether the transaction that Transaction named was committed.
// A *sqlerr.Error of code OutcomeUnknown means that it will never be known; any
// other error, that it is not known yet.
func Decided(ctx context.Context, l Login, transaction string) (bool, error) {
	never := func(why string) (bool, error) {
		return false, &sqlerr.Error{Severity: "FATAL", Code: OutcomeUnknown,
			Message: "the connection was lost while the statement ran: it is not known whether it took effect", Detail: why}
	}
	var kind, place, id string
	if _, err := fmt.Sscan(transaction, &kind, &place, &id); err != nil {
		return never("The server cannot tell the end of a transaction.")
	}
	if place != l.Place() {
		return never("It ran at " + place + "; the cluster is now at " + l.Place() + ".")
	}
	l.As = "" // the user of the secret sees most
	s, err := Connect(ctx, l, nil)
	if err != nil {
		return false, err
	}
	defer s.Close()
	if s.asks.name != kind || s.asks.status == "" {
		return never("The server cannot tell the end of a transaction.")
	}
	status, err := s.one(ctx, s.asks.status, id)
	if err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Severity == "ERROR" {
			return never(pg.Message)
		}
		return false, s.broken(err)
	}
	switch strings.TrimSpace(status) {
	case "committed":
		return true, nil
	case "aborted", "rolledback":
		return false, nil
	case "in progress":
		return false, fmt.Errorf("cannot tell yet: transaction %s is still in progress", id)
	}
	return never("The server does not know transaction " + id + " (any more).")
}
