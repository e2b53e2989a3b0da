package rsql

import (
	"strings"

	"stepwell/internal/rsql/syntax"
)

// stage says how a statement runs, as far as its kind alone tells.
func stage(s syntax.Statement) Kind {
	switch s := s.(type) {
	case *syntax.Query:
		if Into(s) != nil {
			return Write
		}
		return Rows
	case *syntax.Insert, *syntax.Update, *syntax.Delete, *syntax.Merge:
		return Write
	case *syntax.CreateTable:
		if s.As != nil {
			return Write
		}
		return Define
	case *syntax.CreateView, *syntax.CreateSchema, *syntax.AlterTable, *syntax.Truncate:
		return Define
	case *syntax.Drop:
		if s.Kind == "table" || s.Kind == "view" || s.Kind == "materialized view" {
			return Define
		}
	}
	return Utility
}

// Into is the INTO clause of a query, nil where it has none: in a set operation
// that of its first part.
func Into(q *syntax.Query) *syntax.Into {
	body := q.Body
	for {
		switch b := body.(type) {
		case *syntax.Select:
			return b.Into
		case *syntax.SetOp:
			body = b.Left
		default:
			return nil
		}
	}
}

// isTableAs says whether a statement makes a table from a query.
func isTableAs(s syntax.Statement) bool {
	switch s := s.(type) {
	case *syntax.CreateTable:
		return s.As != nil
	case *syntax.Query:
		return Into(s) != nil
	}
	return false
}

// into turns SELECT INTO into the CREATE TABLE AS it stands for.
func into(s syntax.Statement) syntax.Statement {
	q, ok := s.(*syntax.Query)
	if !ok {
		return s
	}
	if i := Into(q); i != nil {
		return &syntax.CreateTable{Pos: q.Pos, Temp: i.Temp, Name: i.Name, As: q}
	}
	return s
}

// tag is the command tag of a statement, without counts.
func tag(s syntax.Statement) string {
	switch s := s.(type) {
	case *syntax.Query, *syntax.Insert, *syntax.Update, *syntax.Delete, *syntax.Merge:
		return dmlTag(s)
	case *syntax.CreateTable:
		if s.As != nil {
			return "SELECT"
		}
		return "CREATE TABLE"
	case *syntax.CreateView:
		if s.Materialized {
			return "CREATE MATERIALIZED VIEW"
		}
		return "CREATE VIEW"
	case *syntax.CreateSchema, *syntax.CreateExternalSchema:
		return "CREATE SCHEMA"
	case *syntax.CreateExternalTable:
		return "CREATE EXTERNAL TABLE"
	case *syntax.AlterTable:
		return "ALTER TABLE"
	case *syntax.Drop:
		return "DROP " + strings.ToUpper(s.Kind)
	case *syntax.Truncate:
		return "TRUNCATE TABLE"
	case *syntax.Copy:
		return "COPY"
	case *syntax.CopyJob:
		return "COPY JOB"
	case *syntax.Unload:
		return "UNLOAD"
	case *syntax.Begin:
		if s.Start {
			return "START TRANSACTION"
		}
		return "BEGIN"
	case *syntax.Commit:
		return "COMMIT"
	case *syntax.Rollback:
		return "ROLLBACK"
	case *syntax.RefreshView:
		return "REFRESH MATERIALIZED VIEW"
	case *syntax.Grant:
		if s.Revoke {
			return "REVOKE"
		}
		return "GRANT"
	case *syntax.CreatePrincipal:
		return "CREATE " + strings.ToUpper(s.Kind)
	case *syntax.AlterPrincipal:
		return "ALTER " + strings.ToUpper(s.Kind)
	case *syntax.CreateRoutine:
		return "CREATE " + strings.ToUpper(s.Kind)
	}
	return utilityTag(s)
}

func dmlTag(s syntax.Statement) string {
	switch s.(type) {
	case *syntax.Insert:
		return "INSERT"
	case *syntax.Update:
		return "UPDATE"
	case *syntax.Delete:
		return "DELETE"
	case *syntax.Merge:
		return "MERGE"
	}
	return "SELECT"
}

func policyTag(s syntax.Statement) string {
	verb, masking := "", false
	switch s := s.(type) {
	case *syntax.Policy:
		verb, masking = "CREATE", s.Masking
		if s.Alter {
			verb = "ALTER"
		}
	case *syntax.AttachPolicy:
		verb, masking = "ATTACH", s.Masking
		if s.Detach {
			verb = "DETACH"
		}
	}
	if masking {
		return verb + " MASKING POLICY"
	}
	return verb + " RLS POLICY"
}

func utilityTag(s syntax.Statement) string {
	switch s.(type) {
	case *syntax.Set:
		return "SET"
	case *syntax.Reset:
		return "RESET"
	case *syntax.Show:
		return "SHOW"
	case *syntax.Analyze:
		return "ANALYZE"
	case *syntax.Vacuum:
		return "VACUUM"
	case *syntax.Lock:
		return "LOCK TABLE"
	case *syntax.Explain:
		return "EXPLAIN"
	case *syntax.Declare:
		return "DECLARE CURSOR"
	case *syntax.Fetch:
		return "FETCH"
	case *syntax.CloseCursor:
		return "CLOSE CURSOR"
	case *syntax.Prepare:
		return "PREPARE"
	case *syntax.Execute:
		return "EXECUTE"
	case *syntax.Deallocate:
		return "DEALLOCATE"
	case *syntax.CallStatement:
		return "CALL"
	case *syntax.Comment:
		return "COMMENT"
	case *syntax.Policy, *syntax.AttachPolicy:
		return policyTag(s)
	case *syntax.CreateDatabase:
		return "CREATE DATABASE"
	}
	return ""
}
