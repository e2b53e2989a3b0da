package warehouse

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"stepwell/internal/duck"
	"stepwell/internal/rsql/types"
)

// schemaSet is what a database's metadata says at one moment. It is read whole
// and never changed, so that name lookups cost no query.
type schemaSet struct {
	version   int64
	schemas   map[string]*schema
	relations map[[2]string]*relation // schema, name
	acl       map[aclKey][]aclEntry
	policies  *policySet
}

type schema struct {
	oid    int64
	name   string
	owner  string
	source *externalSource // nil for a local schema
}

// externalSource is where an external schema's tables come from.
type externalSource struct {
	Kind     string `json:"kind"` // data catalog
	Database string `json:"database"`
	Region   string `json:"region,omitempty"`
	Role     string `json:"iamRole,omitempty"`
}

type relation struct {
	oid                 int64
	schema, name, owner string
	kind                string // r, v, l, m
	distStyle           string
	sortStyle           string
	definition          string
	columns             []column
}

type column struct {
	name     string
	typ      types.Type
	notNull  bool
	dflt     string // the DEFAULT's Redshift text
	identity string // "", "seed,step" or "default:seed,step"
	encoding string
	distKey  bool
	sortKey  int
}

// readSchemas reads the metadata as the connection's transaction sees it.
func readSchemas(ctx context.Context, conn *duck.Conn, database string, version int64) (*schemaSet, error) {
	set := &schemaSet{version: version, schemas: map[string]*schema{}, relations: map[[2]string]*relation{}}
	from := duck.Ident(database) + "." + metaSchema + "."
	err := eachRow(ctx, conn, func(c *duck.Chunk, i int) error {
		s := &schema{oid: c.Column(0).Int(i), name: text(c, 1, i), owner: text(c, 2, i)}
		if source := text(c, 3, i); source != "" {
			s.source = &externalSource{}
			if err := json.Unmarshal([]byte(source), s.source); err != nil {
				return fmt.Errorf("cannot read external schema %q: %w", s.name, err)
			}
		}
		set.schemas[s.name] = s
		return nil
	}, "SELECT oid, name, owner, source FROM "+from+"schemas")
	if err != nil {
		return nil, err
	}
	byOID := map[int64]*relation{}
	err = eachRow(ctx, conn, func(c *duck.Chunk, i int) error {
		r := &relation{
			oid: c.Column(0).Int(i), schema: text(c, 1, i), name: text(c, 2, i), kind: text(c, 3, i), owner: text(c, 4, i),
			distStyle: text(c, 5, i), sortStyle: text(c, 6, i), definition: text(c, 7, i),
		}
		byOID[r.oid] = r
		set.relations[[2]string{r.schema, r.name}] = r
		return nil
	}, "SELECT oid, schema, name, kind, owner, diststyle, sortstyle, definition FROM "+from+"relations")
	if err != nil {
		return nil, err
	}
	err = eachRow(ctx, conn, func(c *duck.Chunk, i int) error {
		r := byOID[c.Column(0).Int(i)]
		if r == nil {
			return nil
		}
		t, err := parseType(text(c, 2, i))
		if err != nil {
			return err
		}
		t.Insensitive = text(c, 9, i) == insensitive
		r.columns = append(r.columns, column{
			name: text(c, 1, i), typ: t, notNull: c.Column(3).Bool(i), dflt: text(c, 4, i), identity: text(c, 5, i),
			encoding: text(c, 6, i), distKey: c.Column(7).Bool(i), sortKey: int(c.Column(8).Int(i)),
		})
		return nil
	}, "SELECT oid, name, type, not_null, default_text, identity, encoding, distkey, sortkey, collated FROM "+from+"columns ORDER BY oid, num")
	if err != nil {
		return nil, err
	}
	if set.acl, err = readACL(ctx, conn, database); err != nil {
		return nil, err
	}
	set.policies, err = readPolicies(ctx, conn, database)
	return set, err
}

// text is a Varchar value, "" for NULL.
func text(c *duck.Chunk, col, row int) string {
	v := c.Column(col)
	if v.Null(row) {
		return ""
	}
	return v.Text(row)
}

// parseType reads a type as Type.String prints it.
func parseType(text string) (types.Type, error) {
	if strings.ContainsRune(text, '<') {
		return types.Parse("", nil, text)
	}
	name, rest, found := strings.Cut(text, "(")
	var args []string
	if found {
		inner, tail, _ := strings.Cut(rest, ")")
		name += tail
		args = strings.Split(inner, ",")
	}
	return types.Parse(strings.TrimSpace(name), args, "")
}

// schemasFor gives the metadata the session's transaction sees: its own reading
// when it changed any, else the one shared by all sessions.
func (db *database) schemasFor(ctx context.Context, s *Session) (*schemaSet, error) {
	if s.ownSchemas && db == s.db {
		if s.schemas == nil {
			set, err := readSchemas(ctx, s.conn, db.name, -1)
			if err != nil {
				return nil, err
			}
			s.schemas = set
		}
		return s.schemas, nil
	}
	version := db.version.Load()
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.cached != nil && db.cached.version == version {
		return db.cached, nil
	}
	conn, err := db.cluster.engine.Connect()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	set, err := readSchemas(ctx, conn, db.name, version)
	if err != nil {
		return nil, err
	}
	db.cached = set
	return set, nil
}
