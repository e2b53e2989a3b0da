package warehouse

import (
	"context"
	"errors"
	"sync"
	"time"

	"stepwell/internal/sqlerr"
)

// ending is why a cluster is being closed.
type ending struct {
	lost *sqlerr.Error // DuckDB has given its instance up; nil: in order
}

// reopenTime is how long a new session waits for a lost cluster to be closed.
const reopenTime = 30 * time.Second

// lose ends a cluster whose instance DuckDB has given up: after a checkpoint that
// met a full disk, say, it refuses everything. What is committed stands in the
// files, so that the cluster goes on as after a kill: its sessions end, and the
// next one opens the files anew. lose is called amid a statement.
func (c *cluster) lose(why *sqlerr.Error) {
	if !c.end.CompareAndSwap(nil, &ending{why}) {
		return
	}
	c.w.log.Error("DuckDB gave up; the sessions of the cluster end, and the next one opens it anew", "cluster", c.key.cluster, "error", why.Detail)
	c.finish()
	go func() {
		defer close(c.gone)
		c.closeSessions()
		c.log.close()
		if err := c.engine.Abandon(context.Background()); err != nil {
			c.w.log.Error("cannot close a cluster", "cluster", c.key.cluster, "error", err)
		}
		c.w.forget(c)
	}()
}

// lost is the error of every statement of a cluster that DuckDB has given up, nil
// for others.
func (c *cluster) lost() *sqlerr.Error {
	if end := c.end.Load(); end != nil {
		return end.lost
	}
	return nil
}

// Lost reports whether an error is that of a session whose cluster DuckDB has
// given up. Only a transaction that was about to commit may be committed then.
func Lost(err error) bool {
	var e *sqlerr.Error
	return errors.As(err, &e) && e.Severity == "FATAL" && (e.Code == sqlerr.CrashShutdown || e.Code == sqlerr.DiskFull)
}

// Over ends when the session's cluster is closed, or given up by DuckDB: who passes
// rows on has to come to an end then, even if nobody takes them.
func (s *Session) Over() context.Context { return s.cluster.over }

// closeSessions closes all sessions, side by side: one may wait for another.
func (c *cluster) closeSessions() {
	c.mu.Lock()
	var all sync.WaitGroup
	for _, s := range c.sessions {
		all.Go(s.Close)
	}
	c.mu.Unlock()
	all.Wait()
}

// awaitEnd waits until nothing of a cluster is open that another closes.
func (c *cluster) awaitEnd(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reopenTime)
	defer cancel()
	select {
	case <-c.gone:
		return nil
	case <-ctx.Done():
		return sqlerr.New(sqlerr.CannotConnectNow, "the database system is in recovery mode")
	}
}

// forget makes room for a cluster opened anew.
func (w *Warehouse) forget(c *cluster) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.clusters[c.key] == c {
		delete(w.clusters, c.key)
	}
}
