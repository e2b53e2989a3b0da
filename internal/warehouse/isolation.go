package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql"
	"stepwell/internal/rsql/resolve"
	"stepwell/internal/rsql/syntax"
	"stepwell/internal/sqlerr"
)

// isolation is the ISOLATION LEVEL among a database's options, upper case;
// empty where it is not named, which means SNAPSHOT ("CREATE DATABASE").
func isolation(options []syntax.Option) string { return option(options, "ISOLATION LEVEL") }

func option(options []syntax.Option, name string) string {
	for _, o := range options {
		if o.Name == name {
			return strings.ToUpper(o.Value)
		}
	}
	return ""
}

// snapshot opens the transaction at DuckDB. In a serializable database it takes
// the snapshot at once, at an instant that lies between two commits.
func (s *Session) snapshot(ctx context.Context) error {
	if !s.cluster.serializable(s.db.name) {
		_, err := s.conn.Exec(ctx, "BEGIN TRANSACTION")
		return err
	}
	s.db.snapshots.RLock()
	defer s.db.snapshots.RUnlock()
	if _, err := s.conn.Exec(ctx, "BEGIN TRANSACTION"); err != nil {
		return err
	}
	if _, err := queryInt(ctx, s.conn, "SELECT count(*) FROM "+metaSchema+".marks WHERE false"); err != nil {
		return err
	}
	s.txn = s.db.serial.begin()
	return nil
}

// publish commits at DuckDB.
func (s *Session) publish(ctx context.Context) error {
	if s.txn == nil {
		_, err := s.conn.Exec(ctx, "COMMIT")
		return err
	}
	s.db.snapshots.Lock()
	defer s.db.snapshots.Unlock()
	if cycle := s.db.serial.commit(s.txn); cycle != nil {
		return s.violation(0, cycle)
	}
	if _, err := s.conn.Exec(ctx, "COMMIT"); err != nil {
		return err // undo takes the transaction out of the graph
	}
	s.txn = nil
	return nil
}

func (s *Session) forgetTxn() {
	if s.txn != nil {
		s.db.serial.abort(s.txn)
		s.txn = nil
	}
}

// order notes what a statement is about to read and write, and refuses it when
// no serial order of the open transactions is left.
func (r *running) order(plan *rsql.Plan) error {
	kind := appends
	switch plan.Statement.(type) {
	case *syntax.Update, *syntax.Delete, *syntax.Merge:
		kind = reads | modifies
	}
	for _, rel := range plan.Read {
		if err := r.orderRelation(rel, reads); err != nil {
			return err
		}
	}
	for _, rel := range plan.Written {
		if err := r.orderRelation(rel, kind); err != nil {
			return err
		}
	}
	return r.orderReplaced(plan.Statement)
}

// orderReplaced notes that a definition of tables changes, with all their rows.
func (r *running) orderReplaced(tree syntax.Statement) error {
	s := r.session
	if s.txn == nil {
		return nil
	}
	for _, name := range replaced(tree) {
		rel, err := r.catalog.Relation(parts(name))
		if err == nil && rel != nil && rel.Kind == resolve.Table {
			err = r.orderRelation(rel, reads|modifies)
		}
		if err != nil {
			return err
		}
	}
	drop, ok := tree.(*syntax.Drop)
	if !ok || drop.Kind != "schema" {
		return nil
	}
	set, err := s.db.schemasFor(r.ctx, s)
	if err != nil {
		return err
	}
	for at, rel := range set.relations {
		if rel.kind != "r" || !slices.ContainsFunc(drop.Names, func(n syntax.Name) bool { return parts(n)[len(n.Parts)-1] == at[0] }) {
			continue
		}
		if cycle := s.db.serial.use(s.txn, rel.oid, reads|modifies); cycle != nil {
			return s.violation(rel.oid, cycle)
		}
	}
	return nil
}

// replaced are the tables whose definition a statement changes.
func replaced(tree syntax.Statement) []syntax.Name {
	switch t := tree.(type) {
	case *syntax.Truncate:
		return []syntax.Name{t.Table}
	case *syntax.AlterTable:
		if source, ok := t.Action.(*syntax.AlterAppend); ok {
			return []syntax.Name{t.Table, source.From}
		}
		return []syntax.Name{t.Table}
	case *syntax.Drop:
		if t.Kind == "table" {
			return t.Names
		}
	}
	return nil
}

// orderRelation notes the access to a table, or to the tables under a view.
func (r *running) orderRelation(rel *resolve.Relation, a access) error {
	s := r.session
	at, ok := rel.Handle.(*relation)
	if s.txn == nil || !ok || at.schema == tempSchema || rel.Database != s.db.name {
		return nil
	}
	oids := []int64{at.oid}
	for i := 0; i < len(oids); i++ {
		if cycle := s.db.serial.use(s.txn, oids[i], a); cycle != nil {
			return s.violation(oids[i], cycle)
		}
		if at.kind == "r" {
			return nil
		}
		below, err := r.under(oids[i])
		if err != nil {
			return err
		}
		for _, oid := range below {
			if !slices.Contains(oids, oid) {
				oids = append(oids, oid)
			}
		}
	}
	return nil
}

// under are the relations that a view reads.
func (r *running) under(oid int64) ([]int64, error) {
	var oids []int64
	err := eachRow(r.ctx, r.session.conn, func(c *duck.Chunk, row int) error {
		oids = append(oids, c.Column(0).Int(row))
		return nil
	}, "SELECT DISTINCT on_oid FROM "+metaSchema+".depends WHERE oid = $1", oid)
	return oids, err
}

// violation is Redshift's error for transactions that have no serial order
// ("Troubleshooting serializable isolation errors").
func (s *Session) violation(table int64, cycle []int64) error {
	ids := make([]string, len(cycle))
	for i, id := range cycle {
		ids[i] = fmt.Sprint(id)
	}
	return sqlerr.New("XX000", sqlerr.SerializationViolation).WithDetail(
		"Serializable isolation violation on table - %d, transactions forming the cycle are: %s (pid:%d)", table, strings.Join(ids, ", "), s.pid)
}

// serializable says whether a database has ISOLATION LEVEL SERIALIZABLE.
func (c *cluster) serializable(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.record.Databases[name].Serializable
}
