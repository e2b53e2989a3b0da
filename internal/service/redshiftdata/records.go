package redshiftdata

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	api "stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// The service's records, all keyed by account and region first.
var (
	statements = store.NewTable[statement]("redshiftdata_statements") // id
	active     = store.NewTable[string]("redshiftdata_active")        // id of a statement that has not ended
	tokens     = store.NewTable[token]("redshiftdata_tokens")         // ClientToken
)

// statement is a call of ExecuteStatement or BatchExecuteStatement.
type statement struct {
	ID         string
	Target     Target
	SecretArn  string             `json:",omitempty"`
	Name       string             `json:",omitempty"`
	Principal  string             `json:",omitempty"`
	Batch      bool               `json:",omitempty"`
	Parts      []part             // one for each SQL statement
	Parameters []api.SqlParameter `json:",omitempty"`
	Format     string             // JSON or CSV
	WithEvent  bool               `json:",omitempty"`
	SessionID  string             `json:",omitempty"`
	KeepAlive  time.Duration      `json:",omitempty"`

	Status    string
	Error     string `json:",omitempty"`
	CreatedAt time.Time
	UpdatedAt time.Time
	PID       int64 `json:",omitempty"`

	// Prepared is set before the commit: if the commit took place, the parts
	// are what happened. Wrote says that there was something to commit.
	Prepared bool   `json:",omitempty"`
	Wrote    bool   `json:",omitempty"`
	Mark     string `json:",omitempty"` // of the transaction, where it is not the statement's id
}

// part is one SQL statement of a call.
type part struct {
	SQL       string
	Status    string
	Error     string    `json:",omitempty"`
	UpdatedAt time.Time `json:",omitzero"`
	Duration  time.Duration
	QueryID   int64
	HasResult bool
	Rows      int64
	Size      int64                `json:",omitempty"` // bytes of the result
	Columns   []api.ColumnMetadata `json:",omitempty"`
}

// token remembers what a ClientToken was used for.
type token struct {
	Token, ID string
	At        time.Time
}

func ended(status string) bool {
	switch status {
	case api.StatusStringFinished, api.StatusStringFailed, api.StatusStringAborted:
		return true
	}
	return false
}

func (st *statement) expired(now time.Time) bool {
	return ended(st.Status) && now.Sub(st.CreatedAt) > retention
}

// total sums a figure over the parts.
func (st *statement) total(of func(*part) int64) (sum int64) {
	for i := range st.Parts {
		sum += of(&st.Parts[i])
	}
	return sum
}

// put writes the record and keeps the list of active statements.
func (st *statement) put(tx *store.Tx) error {
	t := st.Target
	if ended(st.Status) {
		if _, err := active.Delete(tx, t.Account, t.Region, st.ID); err != nil {
			return err
		}
	} else if err := active.Put(tx, st.Status, t.Account, t.Region, st.ID); err != nil {
		return err
	}
	return statements.Put(tx, *st, t.Account, t.Region, st.ID)
}

// sweep removes what is past its retention, at most once a minute for an
// account and region.
func (s *Service) sweep(tx *store.Tx, c bus.Caller, now time.Time) error {
	place := c.Account + c.Region
	s.mu.Lock()
	due := now.Sub(s.swept[place]) > time.Minute
	if due {
		s.swept[place] = now
	}
	s.mu.Unlock()
	if !due {
		return nil
	}
	used, err := tokens.List(tx, c.Account, c.Region)
	if err != nil {
		return err
	}
	for _, t := range used {
		if now.Sub(t.At) <= tokenLife {
			continue
		}
		if _, err := tokens.Delete(tx, c.Account, c.Region, t.Token); err != nil {
			return err
		}
	}
	all, err := statements.List(tx, c.Account, c.Region)
	if err != nil {
		return err
	}
	for _, st := range all {
		if !st.expired(now) {
			continue
		}
		if _, err := statements.Delete(tx, c.Account, c.Region, st.ID); err != nil {
			return err
		}
		tx.AfterCommit(func() {
			for i := range st.Parts {
				os.Remove(s.resultPath(&st, i)) // a file left behind is only space
			}
		})
	}
	return nil
}

func (s *Service) resultPath(st *statement, i int) string {
	name := st.ID
	if st.Batch {
		name = partID(st.ID, i)
	}
	return filepath.Join(s.Dir, st.Target.Account, st.Target.Region, strings.ReplaceAll(name, ":", "_")+".jsonl")
}
