package warehouse

import (
	"context"
	"sync"

	"stepwell/internal/sqlerr"
)

// locks are the write locks of a cluster's tables, held to the end of the
// transaction as Redshift does ("Managing concurrent write operations").
// DuckDB alone would fail the second writer of a row instead of letting it wait.
type locks struct {
	mu      sync.Mutex
	owner   map[string]*Session
	held    map[*Session][]string
	waiting map[*Session]string
	changed chan struct{} // closed and replaced whenever a lock is released
}

func newLocks() *locks {
	return &locks{
		owner: map[string]*Session{}, held: map[*Session][]string{}, waiting: map[*Session]string{},
		changed: make(chan struct{}),
	}
}

// acquire waits until the session holds the lock on the table.
func (l *locks) acquire(ctx context.Context, s *Session, table string) error {
	for {
		l.mu.Lock()
		owner := l.owner[table]
		if owner == nil || owner == s {
			if owner == nil {
				l.owner[table] = s
				l.held[s] = append(l.held[s], table)
			}
			l.mu.Unlock()
			return nil
		}
		if l.deadlock(s, owner) {
			l.mu.Unlock()
			return sqlerr.New("40P01", "deadlock detected")
		}
		l.waiting[s] = table
		changed := l.changed
		l.mu.Unlock()
		var err error
		select {
		case <-changed:
		case <-ctx.Done():
			err = sqlerr.New(sqlerr.QueryCanceled, "Query (%d) cancelled on user's request", s.lastQuery)
		}
		l.mu.Lock()
		delete(l.waiting, s)
		l.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// deadlock says whether owner waits, through others, for s.
func (l *locks) deadlock(s, owner *Session) bool {
	for range len(l.waiting) + 1 {
		if owner == s {
			return true
		}
		table, ok := l.waiting[owner]
		if !ok {
			return false
		}
		if owner = l.owner[table]; owner == nil {
			return false
		}
	}
	return false
}

func (l *locks) release(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held[s]) == 0 {
		return
	}
	for _, table := range l.held[s] {
		delete(l.owner, table)
	}
	delete(l.held, s)
	close(l.changed)
	l.changed = make(chan struct{})
}
