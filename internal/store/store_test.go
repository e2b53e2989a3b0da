package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

type thing struct{ Name string }

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRecordsAndJournalSurviveReopen(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	things := NewTable[thing]("things")
	committed := false
	err := s.Update(ctx, func(tx *Tx) error {
		tx.AfterCommit(func() { committed = true })
		for _, n := range []string{"b", "a", "c\tx"} {
			if err := things.Put(tx, thing{n}, "1", "eu", n); err != nil {
				return err
			}
		}
		if err := things.Put(tx, thing{"other"}, "1", "eu2", "a"); err != nil {
			return err
		}
		_, err := tx.Append("x/1", []byte("one"), []byte("two"))
		return err
	})
	if err != nil || !committed {
		t.Fatalf("update: %v, after commit ran: %v", err, committed)
	}
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(path + suffix); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode of %s: %v, %v", path+suffix, info, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close()
	err = s.View(ctx, func(tx *Tx) error {
		list, err := things.List(tx, "1", "eu")
		if err != nil {
			return err
		}
		if want := []thing{{"a"}, {"b"}, {"c\tx"}}; !slices.Equal(list, want) {
			t.Errorf("list = %v, want %v", list, want)
		}
		var paged []thing
		for after, first := "", true; first || after != ""; first = false {
			page, next, err := things.Page(tx, after, 2)
			if err != nil {
				return err
			}
			paged, after = append(paged, page...), next
		}
		if len(paged) != 4 {
			t.Errorf("pages hold %v", paged)
		}
		entries, err := tx.Read("x/1", 2, -1)
		if err != nil || len(entries) != 1 || string(entries[0]) != "two" {
			t.Errorf("journal from 2 = %q, %v", entries, err)
		}
		streams, err := tx.Streams("x/")
		if err != nil || !slices.Equal(streams, []string{"x/1"}) {
			t.Errorf("streams = %v, %v", streams, err)
		}
		return things.Put(tx, thing{"no"}, "k")
	})
	if err == nil {
		t.Error("a View could write")
	}
}

func TestFailedUpdateLeavesNothingAndOthersStand(t *testing.T) {
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	things := NewTable[thing]("things")
	boom := errors.New("boom")
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			err := s.Update(ctx, func(tx *Tx) error {
				if err := things.Put(tx, thing{}, fmt.Sprintf("%03d", i)); err != nil {
					return err
				}
				switch i % 3 {
				case 1:
					return boom
				case 2:
					panic("bang")
				}
				return nil
			})
			if (err == nil) != (i%3 == 0) {
				t.Errorf("update %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if err := s.View(ctx, func(tx *Tx) error {
		list, err := things.List(tx)
		if len(list) != 67 {
			t.Errorf("%d records, want 67", len(list))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkUpdate(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "s.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	things := NewTable[thing]("things")
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if err := s.Update(context.Background(), func(tx *Tx) error {
				return things.Put(tx, thing{"x"}, fmt.Sprint(i))
			}); err != nil {
				b.Error(err)
			}
		}
	})
}
