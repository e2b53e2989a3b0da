package pgwire

import (
	"github.com/jackc/pgx/v5/pgproto3"
	"stepwell/internal/rsql/types"
	"stepwell/internal/sqlerr"
	"stepwell/internal/warehouse"
)

// prepared is a statement of the extended protocol.
type prepared struct {
	*warehouse.Prepared
}

// portal is a bound statement with its result formats.
type portal struct {
	*warehouse.Portal
	formats []int16
}

func (c *connection) parse(m *pgproto3.Parse) error {
	c.server.log.Debug("parse", "pid", c.session.PID(), "sql", m.Query)
	if m.Name != "" && c.statements[m.Name] != nil {
		return sqlerr.New("42P05", "prepared statement \"%s\" already exists", m.Name)
	}
	declared := make([]types.Type, len(m.ParameterOIDs))
	for i, oid := range m.ParameterOIDs {
		declared[i] = typeOf(oid)
	}
	p, err := c.session.Prepare(c.ctx, m.Query, declared)
	if err != nil {
		return err
	}
	c.statements[m.Name] = &prepared{p}
	c.send(&pgproto3.ParseComplete{})
	return nil
}

func (c *connection) bind(m *pgproto3.Bind) error {
	st := c.statements[m.PreparedStatement]
	if st == nil {
		return sqlerr.New(sqlerr.UndefinedPrepared, "prepared statement \"%s\" does not exist", m.PreparedStatement)
	}
	if len(m.Parameters) != len(st.Params) {
		return sqlerr.New(sqlerr.ProtocolViolation, "bind message supplies %d parameters, but prepared statement \"%s\" requires %d", len(m.Parameters), m.PreparedStatement, len(st.Params))
	}
	args := make([]any, len(m.Parameters))
	for i, raw := range m.Parameters {
		if raw == nil {
			continue
		}
		var err error
		if args[i], err = decode(raw, st.Params[i], formatAt(m.ParameterFormatCodes, i)); err != nil {
			return err
		}
	}
	if old := c.portals[m.DestinationPortal]; old != nil {
		c.session.ClosePortal(old.Portal)
	}
	c.portals[m.DestinationPortal] = &portal{c.session.Bind(st.Prepared, args), append([]int16(nil), m.ResultFormatCodes...)}
	c.send(&pgproto3.BindComplete{})
	return nil
}

// formatAt is the format of item i: one code stands for all, none for text.
func formatAt(codes []int16, i int) int16 {
	switch {
	case len(codes) == 1:
		return codes[0]
	case i < len(codes):
		return codes[i]
	}
	return 0
}

func (c *connection) describe(m *pgproto3.Describe) error {
	if m.ObjectType == 'P' {
		p := c.portals[m.Name]
		if columns, ok := c.session.CursorColumns(m.Name); ok && p == nil {
			c.describeColumns(columns, nil)
			return nil
		}
		if p == nil {
			return sqlerr.New(sqlerr.UndefinedCursor, "portal \"%s\" does not exist", m.Name)
		}
		c.describeColumns(p.Prepared.Columns, p.formats)
		return nil
	}
	st := c.statements[m.Name]
	if st == nil {
		return sqlerr.New(sqlerr.UndefinedPrepared, "prepared statement \"%s\" does not exist", m.Name)
	}
	oids := make([]uint32, len(st.Params))
	for i, t := range st.Params {
		oids[i] = t.OID()
	}
	c.send(&pgproto3.ParameterDescription{ParameterOIDs: oids})
	c.describeColumns(st.Columns, nil)
	return nil
}

func (c *connection) describeColumns(columns []warehouse.Column, formats []int16) {
	if columns == nil {
		c.send(&pgproto3.NoData{})
		return
	}
	c.send(rowDescription(columns, formats))
}

func (c *connection) execute(m *pgproto3.Execute) error {
	p := c.portals[m.Portal]
	if p == nil {
		return sqlerr.New(sqlerr.UndefinedCursor, "portal \"%s\" does not exist", m.Portal)
	}
	if p.Empty() {
		c.send(&pgproto3.EmptyQueryResponse{})
		return nil
	}
	limit := int(m.MaxRows)
	p.Alone = c.session.Status() == 'I' && c.syncFollows()
	sink := &rowSink{c: c, formats: p.formats, columns: p.Prepared.Columns}
	more, err := p.Run(c.ctx, limit, sink)
	if more {
		c.send(&pgproto3.PortalSuspended{})
	}
	return err
}

func (c *connection) close(m *pgproto3.Close) {
	switch m.ObjectType {
	case 'S':
		delete(c.statements, m.Name)
	case 'P':
		if p := c.portals[m.Name]; p != nil {
			c.session.ClosePortal(p.Portal)
			delete(c.portals, m.Name)
		}
	}
	c.send(&pgproto3.CloseComplete{})
}
