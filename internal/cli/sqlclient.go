package cli

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"

	"stepwell/internal/project"
	"stepwell/internal/sqlerr"
)

// sqlClient holds one connection to each database it was asked about.
type sqlClient struct {
	address string // host:port
	cluster string // "" is the one with the database
	onNote  func(*pgconn.Notice)

	mu    sync.Mutex
	conns map[string]*pgconn.PgConn
}

func (c *sqlClient) conn(ctx context.Context, database string) (*pgconn.PgConn, error) {
	if database == "" {
		database = "dev"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if pg := c.conns[database]; pg != nil && !pg.IsClosed() {
		return pg, nil
	}
	host, port := hostPort(c.address)
	cfg, err := pgconn.ParseConfig(fmt.Sprintf("host=%s port=%d user=awsuser sslmode=disable", host, port))
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the warehouse: %w", err)
	}
	cfg.Database = database
	if cfg.Password == "" { // no PGPASSWORD: any will do where none is checked
		cfg.Password = "stepwell"
	}
	if c.cluster != "" {
		cfg.RuntimeParams["cluster"] = c.cluster
	}
	if c.onNote != nil {
		cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { c.onNote(n) }
	}
	pg, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot connect to database %s: %w", database, sqlError(err))
	}
	if c.conns == nil {
		c.conns = map[string]*pgconn.PgConn{}
	}
	c.conns[database] = pg
	return pg, nil
}

// Query runs one statement and returns its rows as text.
func (c *sqlClient) Query(ctx context.Context, database, sql string) (*project.Table, error) {
	answers, err := c.script(ctx, database, sql)
	if err != nil {
		return nil, err
	}
	if len(answers) == 0 {
		return &project.Table{}, nil
	}
	return answers[len(answers)-1].table, nil
}

// answer is what one statement of a script gave.
type answer struct {
	table *project.Table // no columns where the statement returns no rows
	nulls map[[2]int]bool
	tag   string
}

func (c *sqlClient) script(ctx context.Context, database, sql string) ([]answer, error) {
	pg, err := c.conn(ctx, database)
	if err != nil {
		return nil, err
	}
	var answers []answer
	results := pg.Exec(ctx, sql)
	for results.NextResult() {
		answers = append(answers, readAnswer(results.ResultReader()))
	}
	return answers, sqlError(results.Close())
}

func readAnswer(r *pgconn.ResultReader) answer {
	a := answer{table: &project.Table{}, nulls: map[[2]int]bool{}}
	for _, f := range r.FieldDescriptions() {
		a.table.Columns = append(a.table.Columns, f.Name)
	}
	for r.NextRow() {
		values := r.Values()
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = string(v)
			if v == nil {
				a.nulls[[2]int{len(a.table.Rows), i}] = true
			}
		}
		a.table.Rows = append(a.table.Rows, row)
	}
	tag, err := r.Close()
	if err == nil {
		a.tag = tag.String()
	}
	return a
}

// sqlError turns the driver's error into our own, which knows the position.
func sqlError(err error) error {
	pg, ok := err.(*pgconn.PgError)
	if !ok {
		return err
	}
	return &sqlerr.Error{
		Severity: pg.Severity, Code: pg.Code, Message: pg.Message, Detail: pg.Detail,
		Hint: pg.Hint, Context: pg.Where, Position: int(pg.Position),
	}
}

func (c *sqlClient) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, pg := range c.conns {
		pg.Close(context.Background())
	}
}
