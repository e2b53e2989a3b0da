package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// pages sets how many pages the file may have: SQLite's own full disk.
func pages(t *testing.T, s *Store, n int) {
	t.Helper()
	if _, err := s.conn.ExecContext(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", n)); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, s *Store, things Table[thing]) (all []string) {
	t.Helper()
	if err := s.View(context.Background(), func(tx *Tx) error {
		list, err := things.List(tx)
		for _, v := range list {
			all = append(all, v.Name[:min(len(v.Name), 10)])
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestFullDisk: what does not fit is refused with a Fault, what was acknowledged
// stays, and the file is written again when there is room.
func TestFullDisk(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	things := NewTable[thing]("things")
	put := func(key, name string) error {
		return s.Update(ctx, func(tx *Tx) error { return things.Put(tx, thing{name}, key) })
	}
	if err := put("1", "first"); err != nil {
		t.Fatal(err)
	}
	pages(t, s, 1)
	big := strings.Repeat("x", 100000)
	err := put("2", big)
	if !IsFault(err) || !strings.Contains(err.Error(), "full") || s.Err() == nil {
		t.Errorf("a write to a full disk: %v, and then %v", err, s.Err())
	}
	// SQLite has rolled back the whole transaction. Whatever an update makes of
	// the error, it and those beside it are answered with the Fault.
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			err := s.Update(ctx, func(tx *Tx) error {
				if i%2 == 0 {
					_ = things.Put(tx, thing{big}, fmt.Sprint("even ", i)) // the test's point: the error is not passed on
					return nil
				}
				return things.Put(tx, thing{"small"}, fmt.Sprint("odd ", i))
			})
			if i%2 == 0 && !IsFault(err) {
				t.Errorf("an update that keeps quiet about a fault: %v", err)
			}
			if i%2 == 1 && err != nil && !IsFault(err) {
				t.Errorf("an update beside others: %v", err)
			}
			if _, ok := find(t, s, things, fmt.Sprint("odd ", i)); i%2 == 1 && ok != (err == nil) {
				t.Errorf("update %d answers %v, and is there: %v", i, err, ok)
			}
		})
	}
	wg.Wait()
	pages(t, s, 1<<30)
	if err := put("3", big); err != nil || s.Err() != nil {
		t.Errorf("a write when there is room again: %v, %v", err, s.Err())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close()
	got := names(t, s, things)
	if len(got) < 2 || got[0] != "first" || got[1] != "xxxxxxxxxx" {
		t.Errorf("the file holds %v", got)
	}
}

func find(t *testing.T, s *Store, things Table[thing], key string) (v thing, ok bool) {
	t.Helper()
	if err := s.View(context.Background(), func(tx *Tx) (err error) {
		v, ok, err = things.Get(tx, key)
		return err
	}); err != nil {
		t.Error(err)
	}
	return v, ok
}

// TestKeepWaits: Keep goes on until the file can be written, its context ends,
// or the store closes; other errors end it.
func TestKeepWaits(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	things := NewTable[thing]("things")
	put := func(tx *Tx) error { return things.Put(tx, thing{"kept"}, "1") }
	full := errors.New("the disk is full")
	s.Break(full)
	ended, end := context.WithCancel(context.Background())
	end()
	if err := s.Keep(ended, put); !IsFault(err) || !errors.Is(err, full) {
		t.Errorf("Keep for nobody: %v", err)
	}
	done := make(chan error)
	go func() { done <- s.Keep(context.Background(), put) }()
	s.Break(nil)
	if err := <-done; err != nil {
		t.Errorf("Keep when the disk has room again: %v", err)
	}
	if err := s.Keep(ended, put); err != nil {
		t.Errorf("Keep tries once: %v", err)
	}
	other := errors.New("other")
	if err := s.Keep(context.Background(), func(*Tx) error { return other }); !errors.Is(err, other) {
		t.Errorf("Keep of what fails by itself: %v", err)
	}
	s.Break(full)
	go func() { done <- s.Keep(context.Background(), put) }()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !IsFault(err) && !errors.Is(err, ErrClosed) {
		t.Errorf("Keep on a closed store: %v", err)
	}
}
