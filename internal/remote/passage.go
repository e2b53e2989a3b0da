package remote

import (
	"context"
	"io"
	"maps"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"stepwell/internal/sqlerr"
)

// Passage is a connection that a client of this server speaks through, message
// by message as it is.
type Passage struct {
	conn *pgconn.HijackedConn
	twin *pgconn.PgConn // knows how to cancel what conn runs
}

// Pass connects for a client that sent the startup parameters. What they say of
// user, database and cluster has led to the login and is not sent again.
func Pass(ctx context.Context, l Login, parameters map[string]string) (*Passage, error) {
	sent := maps.Clone(parameters)
	for _, name := range []string{"user", "database", "cluster"} {
		delete(sent, name)
	}
	if options, ok := sent["options"]; ok {
		delete(sent, "options")
		if options = withoutCluster(options); options != "" {
			sent["options"] = options
		}
	}
	conn, err := dial(ctx, l, sent)
	if err != nil {
		return nil, err
	}
	lost := func(err error) error {
		closeNow(conn)
		return sqlerr.New(connectionFailure, "the connection to %s was lost: %v", l.Place(), err)
	}
	if err := conn.SyncConn(ctx); err != nil {
		return nil, lost(err)
	}
	raw, err := conn.Hijack()
	if err != nil {
		return nil, lost(err)
	}
	twin, err := pgconn.Construct(new(*raw))
	if err != nil {
		raw.Conn.Close()
		return nil, lost(err)
	}
	return &Passage{conn: raw, twin: twin}, nil
}

// withoutCluster removes the option cluster, which is ours, from the startup
// parameter of command line options.
func withoutCluster(options string) string {
	var kept []string
	words := strings.Fields(options)
	for i := 0; i < len(words); i++ {
		word := words[i]
		if word == "-c" && i+1 < len(words) {
			i++
			word += " " + words[i]
		}
		setting := strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(word, "--"), "-c"))
		if !strings.HasPrefix(setting, "cluster=") {
			kept = append(kept, word)
		}
	}
	return strings.Join(kept, " ")
}

// Parameters are what the server has reported about the session.
func (p *Passage) Parameters() map[string]string { return p.conn.ParameterStatuses }

// Key is what the client needs to cancel a statement.
func (p *Passage) Key() (pid uint32, secret []byte) { return p.conn.PID, p.conn.SecretKey }

// Cancel asks the server to end the statement that runs.
func (p *Passage) Cancel(ctx context.Context) error { return p.twin.CancelRequest(ctx) }

// Serve copies both ways until one side closes, and closes both.
func (p *Passage) Serve(client io.ReadWriteCloser) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		io.Copy(p.conn.Conn, client) // an error ends the connection, as an end does
		p.conn.Conn.Close()
	}()
	io.Copy(client, p.conn.Conn)
	client.Close()
	p.conn.Conn.Close()
	<-done
}
