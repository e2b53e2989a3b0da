package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Tx is a transaction: writable inside Update, a snapshot inside View. It is
// not to be used after the function it was given to has returned.
type Tx struct {
	q interface {
		Exec(query string, args ...any) (sql.Result, error)
		Query(query string, args ...any) (*sql.Rows, error)
	}
	update *update // nil in a View
}

// AfterCommit calls f once the transaction is durable, before Update returns.
// f must not wait.
func (tx *Tx) AfterCommit(f func()) {
	tx.update.after = append(tx.update.after, f)
}

// change notes that the transaction changes a table.
func (tx *Tx) change(table string) {
	if tx.update != nil && !slices.Contains(tx.update.tables, table) {
		tx.update.tables = append(tx.update.tables, table)
	}
}

// separator stands between the parts of a key: below every printable character,
// so that the keys under a prefix are one range.
const separator = "\t"

var escape = strings.NewReplacer("\\", "\\\\", "\t", "\\t")

// Key joins the parts of a key, e.g. account, region, name.
func Key(parts ...string) string {
	for _, p := range parts {
		if strings.ContainsAny(p, "\\\t") {
			escaped := make([]string, len(parts))
			for i, p := range parts {
				escaped[i] = escape.Replace(p)
			}
			return strings.Join(escaped, separator)
		}
	}
	return strings.Join(parts, separator)
}

// span returns the range of keys under a prefix; no prefix means all.
func span(prefix []string) (from, to string) {
	if len(prefix) == 0 {
		return "", "\U0010ffff"
	}
	key := Key(prefix...)
	return key + separator, key + "\n"
}

// Table is a set of records of one type, kept as JSON, each under a key.
type Table[T any] struct{ name string }

// NewTable names a table. It exists once something is put into it.
func NewTable[T any](name string) Table[T] { return Table[T]{name} }

// Get returns the record with the key; ok is false where there is none.
func (t Table[T]) Get(tx *Tx, key ...string) (value T, ok bool, err error) {
	rows, err := tx.q.Query("SELECT value FROM records WHERE tbl = ? AND key = ?", t.name, Key(key...))
	if err != nil {
		return value, false, t.fail("read", err)
	}
	defer rows.Close()
	if !rows.Next() {
		return value, false, rows.Err()
	}
	value, err = t.scan(rows)
	return value, err == nil, err
}

// Version counts the transactions that have changed the table. Whoever keeps
// records in memory asks for it before reading them; they are out of date once
// it is another one. An Update has counted when it returns.
func (t Table[T]) Version(s *Store) int64 { return s.version(t.name).Load() }

// Put writes the record with the key, new or replaced.
func (t Table[T]) Put(tx *Tx, value T, key ...string) error {
	tx.change(t.name)
	data, err := json.Marshal(value)
	if err != nil {
		return t.fail("encode", err)
	}
	_, err = tx.q.Exec("INSERT INTO records (tbl, key, value) VALUES (?, ?, ?) "+
		"ON CONFLICT (tbl, key) DO UPDATE SET value = excluded.value", t.name, Key(key...), string(data))
	if err != nil {
		return t.fail("write", err)
	}
	return nil
}

// Delete removes the record with the key and reports whether it was there.
func (t Table[T]) Delete(tx *Tx, key ...string) (bool, error) {
	tx.change(t.name)
	r, err := tx.q.Exec("DELETE FROM records WHERE tbl = ? AND key = ?", t.name, Key(key...))
	if err != nil {
		return false, t.fail("delete", err)
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// DeleteAll removes the records whose keys begin with the prefix's parts.
func (t Table[T]) DeleteAll(tx *Tx, prefix ...string) error {
	tx.change(t.name)
	from, to := span(prefix)
	if _, err := tx.q.Exec("DELETE FROM records WHERE tbl = ? AND key >= ? AND key < ?", t.name, from, to); err != nil {
		return t.fail("delete", err)
	}
	return nil
}

// List returns the records whose keys begin with the prefix's parts, in the order of the keys.
func (t Table[T]) List(tx *Tx, prefix ...string) ([]T, error) {
	all, _, err := t.Page(tx, "", -1, prefix...)
	return all, err
}

// Page returns up to limit records (all where negative) under the prefix whose
// keys come after the key `after`, and the last one's key, to go on from; that
// is "" where nothing follows.
func (t Table[T]) Page(tx *Tx, after string, limit int, prefix ...string) (page []T, next string, err error) {
	from, to := span(prefix)
	if after >= from {
		from = after + "\x00"
	}
	ask := limit
	if limit >= 0 {
		ask++
	}
	rows, err := tx.q.Query("SELECT value, key FROM records WHERE tbl = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?",
		t.name, from, to, ask)
	if err != nil {
		return nil, "", t.fail("read", err)
	}
	defer rows.Close()
	last := ""
	for rows.Next() {
		if limit >= 0 && len(page) == limit {
			return page, last, nil
		}
		v, err := t.scan(rows, &last)
		if err != nil {
			return nil, "", err
		}
		page = append(page, v)
	}
	return page, "", rows.Err()
}

func (t Table[T]) scan(rows *sql.Rows, more ...any) (value T, err error) {
	var data []byte
	if err := rows.Scan(append([]any{&data}, more...)...); err != nil {
		return value, t.fail("read", err)
	}
	if err := json.Unmarshal(data, &value); err != nil {
		return value, t.fail("decode", err)
	}
	return value, nil
}

func (t Table[T]) fail(what string, err error) error {
	return fmt.Errorf("cannot %s record of %s: %w", what, t.name, err)
}
