package pgwire

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// cancelWait is how long a cancel request may take to reach another server.
const cancelWait = 10 * time.Second

// passThrough lets the client speak to another server. It is let in as that
// server has let us in: with its parameters, and its key to cancel statements.
func (c *connection) passThrough() {
	pid, secret := c.passage.Key()
	key := cancelKey(pid, secret)
	c.server.mu.Lock()
	c.server.passages[key] = c.passage
	c.server.mu.Unlock()
	defer func() {
		c.server.mu.Lock()
		delete(c.server.passages, key)
		c.server.mu.Unlock()
	}()
	c.send(&pgproto3.AuthenticationOk{})
	parameters := c.passage.Parameters()
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		c.send(&pgproto3.ParameterStatus{Name: name, Value: parameters[name]})
	}
	c.send(&pgproto3.BackendKeyData{ProcessID: pid, SecretKey: secret})
	c.send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if c.flush() != nil {
		c.kill() // Serve then closes the other side, too
	}
	c.passage.Serve(c.conn)
}

func cancelKey(pid uint32, secret []byte) string { return fmt.Sprintf("%d %x", pid, secret) }

// cancel ends the statement of the session that a cancel request names.
func (s *Server) cancel(m *pgproto3.CancelRequest) {
	s.mu.Lock()
	passage := s.passages[cancelKey(m.ProcessID, m.SecretKey)]
	s.mu.Unlock()
	if passage == nil {
		s.options.Warehouse.CancelBackend(int32(m.ProcessID), secretOf(m.SecretKey))
		return
	}
	ctx, stop := context.WithTimeout(context.Background(), cancelWait)
	defer stop()
	if err := passage.Cancel(ctx); err != nil {
		s.log.Info("cannot pass a cancel request on", "pid", m.ProcessID, "error", err)
	}
}

// withCluster are startup parameters with the option cluster, which "options"
// may hold (-c cluster=NAME), among them.
func withCluster(parameters map[string]string) map[string]string {
	_, after, found := strings.Cut(parameters["options"], "cluster=")
	if !found || parameters["cluster"] != "" {
		return parameters
	}
	out := maps.Clone(parameters)
	out["cluster"], _, _ = strings.Cut(after, " ")
	return out
}
