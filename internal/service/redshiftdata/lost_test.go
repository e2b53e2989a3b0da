package redshiftdata

import (
	"testing"
	"time"

	api "stepwell/internal/awsapi/redshiftdata"
)

// A connection that is lost during the commit: the end is asked for until
// somebody knows, and never guessed.
func TestLostCommits(t *testing.T) {
	for _, c := range []struct {
		sql    string
		cancel bool
		want   string
	}{
		{"lose committed", false, "FINISHED rows=0 result=false"},
		{"lose aborted", false, "FAILED rows=-1 result=false error=" + textLost},
		{"lose never", false, "FAILED rows=-1 result=false error=FATAL: who knows"},
		{"lose silent", true, "FAILED rows=-1 result=false error=FATAL: " + textUnknown + "\n  Detail: nobody answers"},
	} {
		w := newFake()
		s := newServer(t, t.TempDir(), w)
		id := submit(t, s, c.sql)
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			s.clock.Advance(time.Minute) // to the next time it is asked for
			d := must[api.DescribeStatementOutput](t, s, "DescribeStatement", &api.DescribeStatementInput{Id: &id})
			if ended(*d.Status) {
				break
			}
			w.mu.Lock()
			asked := w.asked
			w.mu.Unlock()
			if asked > 2 && c.cancel {
				call[api.CancelStatementOutput](t, s, "CancelStatement", &api.CancelStatementInput{Id: &id})
			}
		}
		if got := brief(wait(t, s, id)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.sql, got, c.want)
		}
		if n := w.count(c.sql); n != 1 {
			t.Errorf("%s ran %d times", c.sql, n)
		}
	}
}
