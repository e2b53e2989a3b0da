package warehouse

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"stepwell/internal/duck"
)

// principalsLock is held to its end by a transaction that changes users, groups
// or roles: there is one at a time, as CREATE USER locks pg_shadow in PostgreSQL.
const principalsLock = "principals"

// ownPrincipals are the users, groups and roles as a transaction sees them that
// has changed them.
type ownPrincipals struct {
	was, is *clusterRecord
	renames []rename
}

// rename is a new name of a user, group or role. The metadata of the other
// databases of the cluster follows it when it is committed.
type rename struct {
	Kind string `json:"kind"`
	From string `json:"from"`
	To   string `json:"to"`
}

// pendingChange is what a transaction about to commit does to users, groups,
// roles and the owners of databases; nil stands for one that is dropped. It is
// in cluster.json before the commit, and counts if the database has the mark.
type pendingChange struct {
	Mark     string                  `json:"mark"`
	Database string                  `json:"database"`
	Users    map[string]*userRecord  `json:"users,omitempty"`
	Groups   map[string]*groupRecord `json:"groups,omitempty"`
	Roles    map[string]*groupRecord `json:"roles,omitempty"`
	Owners   map[string]string       `json:"owners,omitempty"`
	Renames  []rename                `json:"renames,omitempty"`
}

// record is the cluster's record as the session's transaction sees it. It must
// not be changed.
func (s *Session) record() *clusterRecord {
	if s.own != nil {
		return s.own.is
	}
	return s.cluster.current()
}

// changePrincipals edits users, groups and roles in the session's transaction.
// Nobody else sees them before it commits.
func (r *running) changePrincipals(edit func(r *clusterRecord) error, renames ...rename) error {
	s, c := r.session, r.session.cluster
	if err := c.locks.acquire(r.ctx, s, principalsLock); err != nil {
		return err
	}
	own := s.own
	if own == nil {
		was := c.current()
		own = &ownPrincipals{was: was, is: was}
	}
	next, err := own.is.clone()
	if err != nil {
		return err
	}
	next.NextID = c.reserveID()
	if err := edit(&next); err != nil {
		return err
	}
	s.wrote = true
	s.own = &ownPrincipals{was: own.was, is: &next, renames: append(slices.Clip(own.renames), renames...)}
	return s.conn.Script(r.ctx, ownScript(&next))
}

// pending is what has to be kept of the transaction's changes.
func (o *ownPrincipals) pending() *pendingChange {
	p := &pendingChange{
		Mark: rand.Text(), Renames: o.renames, Owners: map[string]string{},
		Users: changed(o.was.Users, o.is.Users), Groups: changed(o.was.Groups, o.is.Groups), Roles: changed(o.was.Roles, o.is.Roles),
	}
	for name, db := range o.is.Databases {
		if was, ok := o.was.Databases[name]; ok && was.Owner != db.Owner {
			p.Owners[name] = db.Owner
		}
	}
	return p
}

func changed[T any](was, is map[string]T) map[string]*T {
	out := map[string]*T{}
	for name, after := range is {
		if before, ok := was[name]; !ok || !reflect.DeepEqual(before, after) {
			out[name] = &after
		}
	}
	for name := range was {
		if _, ok := is[name]; !ok {
			out[name] = nil
		}
	}
	return out
}

// apply makes a change part of the record.
func (p *pendingChange) apply(r *clusterRecord) {
	replace(r.Users, p.Users)
	replace(r.Groups, p.Groups)
	replace(r.Roles, p.Roles)
	for name, owner := range p.Owners {
		if db, ok := r.Databases[name]; ok {
			db.Owner = owner
			r.Databases[name] = db
		}
	}
	r.Renames = append(r.Renames, p.Renames...)
	r.Pending = nil
}

func replace[T any](list map[string]T, with map[string]*T) {
	for name, after := range with {
		if after == nil {
			delete(list, name)
		} else {
			list[name] = *after
		}
	}
}

// preparePrincipals keeps the transaction's changes of users, groups and roles
// where they are found after a crash, and puts the mark into the transaction
// that says whether they count.
func (s *Session) preparePrincipals(ctx context.Context) error {
	if s.own == nil {
		return nil
	}
	p := s.own.pending()
	p.Database = s.db.name
	if _, err := s.conn.Exec(ctx, "INSERT INTO "+duck.Ident(s.db.name)+"."+metaSchema+".principal_changes VALUES ($1)", p.Mark); err != nil {
		return err
	}
	c := s.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record.Pending = p
	err := c.save()
	if err != nil {
		c.record.Pending = nil
	}
	return err
}

// settlePrincipals makes the committed changes those of all sessions.
func (s *Session) settlePrincipals(ctx context.Context) {
	if s.own == nil {
		return
	}
	if err := s.cluster.settle(ctx); err != nil {
		s.cluster.w.log.Error("cannot save a committed change of users; it is done again when the cluster opens", "error", err)
	}
	s.forgetPrincipals(ctx)
}

// forgetPrincipals ends the session's own view.
func (s *Session) forgetPrincipals(ctx context.Context) {
	if s.own == nil {
		return
	}
	s.own = nil
	var script strings.Builder
	for _, t := range principalTables {
		script.WriteString("RESET VARIABLE " + t.variable() + ";\n")
	}
	if err := s.conn.Script(ctx, script.String()); err != nil {
		s.cluster.w.log.Error("cannot reset a session's view of users", "error", err)
	}
}

// settle applies the pending change, whose transaction has committed. What
// cannot be saved counts in memory, and is still pending in the file.
func (c *cluster) settle(ctx context.Context) error {
	err := func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.record.Pending == nil {
			return nil
		}
		next, err := c.record.clone()
		if err != nil {
			return err
		}
		next.Pending.apply(&next)
		c.record = next
		if err := c.save(); err != nil {
			return err
		}
		return c.publish(ctx)
	}()
	if err != nil {
		return err
	}
	return c.followRenames(ctx)
}

// followRenames carries new names into the metadata of the databases. That of
// the database in which a name was changed has it already.
func (c *cluster) followRenames(ctx context.Context) error {
	renamed := c.current().Renames
	if len(renamed) == 0 {
		return nil
	}
	conn, err := c.engine.Connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, name := range c.databaseNames() {
		db, err := c.database(ctx, name)
		if err != nil {
			return err
		}
		script := []string{"BEGIN"}
		for _, n := range renamed {
			script = append(script, renames(n, duck.Ident(db.name)+"."+metaSchema)...)
		}
		if err := conn.Script(ctx, strings.Join(append(script, "COMMIT"), ";\n")); err != nil {
			_, _ = conn.Exec(ctx, "ROLLBACK")
			return fmt.Errorf("cannot follow a new name in database %q: %w", name, err)
		}
		db.version.Add(1)
	}
	return c.change(func(r *clusterRecord) error {
		r.Renames = r.Renames[len(renamed):]
		return nil
	})
}

// recoverPrincipals finds out, when the cluster opens, whether the transaction
// of a pending change has committed.
func (c *cluster) recoverPrincipals(ctx context.Context) error {
	p := c.record.Pending
	if p == nil {
		return c.followRenames(ctx)
	}
	db, err := c.database(ctx, p.Database)
	if err != nil {
		return fmt.Errorf("cannot look for a change of users: %w", err)
	}
	conn, err := c.engine.Connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	n, err := queryInt(ctx, conn, "SELECT count(*) FROM "+duck.Ident(db.name)+"."+metaSchema+".principal_changes WHERE mark = $1", p.Mark)
	if err != nil {
		return fmt.Errorf("cannot look for a change of users: %w", err)
	}
	if n > 0 {
		return c.settle(ctx)
	}
	return c.change(func(r *clusterRecord) error {
		r.Pending = nil
		return nil
	})
}

// ownScript shows a transaction's own record to the views of the catalog.
func ownScript(r *clusterRecord) string {
	var script strings.Builder
	rows := r.rows()
	for _, t := range principalTables {
		fmt.Fprintf(&script, "SET VARIABLE %s = [%s]::STRUCT(%s)[];\n", t.variable(), strings.Join(rows[t.name], ", "), t.columns)
	}
	return script.String()
}

func (r *clusterRecord) databaseNames() []string { return slices.Sorted(maps.Keys(r.Databases)) }
