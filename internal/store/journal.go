package store

import (
	"fmt"
	"math"
)

// Append adds entries to the end of a stream and returns the sequence number
// of the first. A stream's first entry has number 1.
func (tx *Tx) Append(stream string, entries ...[]byte) (first int64, err error) {
	last, err := tx.Last(stream)
	if err != nil {
		return 0, err
	}
	for i, e := range entries {
		_, err := tx.q.Exec("INSERT INTO journal (stream, seq, entry) VALUES (?, ?, ?)", stream, last+1+int64(i), e)
		if err != nil {
			return 0, fmt.Errorf("cannot append to journal %s: %w", stream, err)
		}
	}
	return last + 1, nil
}

// Last returns the number of a stream's last entry, 0 where it has none.
func (tx *Tx) Last(stream string) (seq int64, err error) {
	rows, err := tx.q.Query("SELECT coalesce(max(seq), 0) FROM journal WHERE stream = ?", stream)
	if err != nil {
		return 0, fmt.Errorf("cannot read journal %s: %w", stream, err)
	}
	defer rows.Close()
	if rows.Next() {
		if err := rows.Scan(&seq); err != nil {
			return 0, fmt.Errorf("cannot read journal %s: %w", stream, err)
		}
	}
	return seq, rows.Err()
}

// Read returns up to limit entries (all where negative) of a stream, from number from on.
func (tx *Tx) Read(stream string, from int64, limit int) ([][]byte, error) {
	rows, err := tx.q.Query("SELECT entry FROM journal WHERE stream = ? AND seq >= ? ORDER BY seq LIMIT ?", stream, from, limit)
	if err != nil {
		return nil, fmt.Errorf("cannot read journal %s: %w", stream, err)
	}
	defer rows.Close()
	var entries [][]byte
	for rows.Next() {
		var e []byte
		if err := rows.Scan(&e); err != nil {
			return nil, fmt.Errorf("cannot read journal %s: %w", stream, err)
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// DropBefore removes a stream's entries before number seq.
func (tx *Tx) DropBefore(stream string, seq int64) error {
	if _, err := tx.q.Exec("DELETE FROM journal WHERE stream = ? AND seq < ?", stream, seq); err != nil {
		return fmt.Errorf("cannot trim journal %s: %w", stream, err)
	}
	return nil
}

// DropStream removes a stream.
func (tx *Tx) DropStream(stream string) error { return tx.DropBefore(stream, math.MaxInt64) }

// Streams returns the names of the streams that begin with prefix, sorted.
func (tx *Tx) Streams(prefix string) ([]string, error) {
	rows, err := tx.q.Query("SELECT DISTINCT stream FROM journal WHERE stream >= ? AND stream < ? ORDER BY stream", prefix, prefix+"\U0010ffff")
	if err != nil {
		return nil, fmt.Errorf("cannot list journals: %w", err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return nil, fmt.Errorf("cannot list journals: %w", err)
		}
		names = append(names, n)
	}
	return names, rows.Err()
}
