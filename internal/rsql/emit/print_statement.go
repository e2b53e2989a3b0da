package emit

import "strconv"

func (p *printer) statement(s Statement) {
	switch s := s.(type) {
	case *Query:
		p.query(s)
	case *Insert:
		p.insert(s)
	case *Update:
		p.update(s)
	case *Delete:
		p.delete(s)
	case *Merge:
		p.merge(s)
	case *CreateTable:
		p.createTable(s)
	case *CreateView:
		p.s("CREATE ", when(s.OrReplace, "OR REPLACE "), when(s.Temp, "TEMP "), "VIEW ")
		p.path(s.Name)
		if len(s.Columns) > 0 {
			p.idents(s.Columns)
		}
		p.s(" AS ")
		p.query(s.Query)
	case *CreateSchema:
		p.s("CREATE SCHEMA ", when(s.IfNotExists, "IF NOT EXISTS "))
		p.path(s.Name)
	case *CreateSequence:
		p.s("CREATE OR REPLACE ", when(s.Temp, "TEMP "), "SEQUENCE ")
		p.path(s.Name)
		p.s(" INCREMENT BY ", strconv.FormatInt(s.Step, 10))
		if s.Start < 1 || s.Step < 0 { // DuckDB counts from 1 up unless told
			p.s(" MINVALUE -9223372036854775808 MAXVALUE 9223372036854775807")
		}
		p.s(" START WITH ", strconv.FormatInt(s.Start, 10))
	case *Drop:
		p.s("DROP ", s.Kind, " ", when(s.IfExists, "IF EXISTS "))
		p.path(s.Name)
		p.s(when(s.Cascade, " CASCADE"))
	case *AlterTable:
		if s.View {
			p.s("ALTER VIEW ")
		} else {
			p.s("ALTER TABLE ")
		}
		p.path(s.Table)
		p.change(s.Change)
	}
}

func when(cond bool, text string) string {
	if cond {
		return text
	}
	return ""
}

func (p *printer) insert(s *Insert) {
	p.with(s.With, false)
	p.s("INSERT INTO ")
	p.path(s.Table)
	p.s(" ")
	if len(s.Columns) > 0 {
		p.idents(s.Columns)
		p.s(" ")
	}
	if s.Query == nil {
		p.s("DEFAULT VALUES")
		return
	}
	p.query(s.Query)
}

func (p *printer) sets(list []Set) {
	p.s(" SET ")
	for i, a := range list {
		if i > 0 {
			p.s(", ")
		}
		p.ident(a.Column)
		p.s(" = ")
		p.expr(a.Value)
	}
}

func (p *printer) target(name []string, alias string) {
	p.path(name)
	if alias != "" {
		p.s(" AS ")
		p.ident(alias)
	}
}

func (p *printer) update(s *Update) {
	p.with(s.With, false)
	p.s("UPDATE ")
	p.target(s.Table, s.Alias)
	p.sets(s.Set)
	if len(s.From) > 0 {
		p.s(" FROM ")
		p.tables(s.From)
	}
	if s.Where != nil {
		p.s(" WHERE ")
		p.expr(s.Where)
	}
}

func (p *printer) delete(s *Delete) {
	p.with(s.With, false)
	p.s("DELETE FROM ")
	p.target(s.Table, s.Alias)
	if len(s.Using) > 0 {
		p.s(" USING ")
		p.tables(s.Using)
	}
	if s.Where != nil {
		p.s(" WHERE ")
		p.expr(s.Where)
	}
}

func (p *printer) merge(s *Merge) {
	p.s("MERGE INTO ")
	p.target(s.Table, s.Alias)
	p.s(" USING ")
	p.table(s.Source)
	p.s(" ON ")
	p.operand(s.On)
	for _, w := range s.Whens {
		p.s(" WHEN ", when(!w.Matched, "NOT "), "MATCHED")
		if w.And != nil {
			p.s(" AND ")
			p.operand(w.And)
		}
		p.s(" THEN ", w.Action)
		switch w.Action {
		case "UPDATE":
			p.sets(w.Set)
		case "INSERT":
			if len(w.Columns) > 0 {
				p.s(" ")
				p.idents(w.Columns)
			}
			p.s(" VALUES (")
			p.exprs(w.Values)
			p.s(")")
		}
	}
}

func (p *printer) createTable(s *CreateTable) {
	p.s("CREATE ", when(s.Temp, "TEMP "), "TABLE ", when(s.IfNotExists, "IF NOT EXISTS "))
	p.path(s.Name)
	if s.As != nil {
		p.s(" AS ")
		p.query(s.As)
		return
	}
	p.s(" (")
	for i, c := range s.Columns {
		if i > 0 {
			p.s(", ")
		}
		p.column(c)
	}
	p.s(")")
}

func (p *printer) column(c Column) {
	p.ident(c.Name)
	p.s(" ", c.Type)
	if c.Default != nil {
		p.s(" DEFAULT ")
		p.operand(c.Default)
	}
	p.s(when(c.NotNull, " NOT NULL"))
}

func (p *printer) change(c Change) {
	switch c := c.(type) {
	case *AddColumn:
		p.s(" ADD COLUMN ", when(c.IfNotExists, "IF NOT EXISTS "))
		p.column(c.Column)
	case *DropColumn:
		p.s(" DROP COLUMN ")
		p.ident(c.Name)
	case *RenameColumn:
		p.s(" RENAME COLUMN ")
		p.ident(c.From)
		p.s(" TO ")
		p.ident(c.To)
	case *RenameTable:
		p.s(" RENAME TO ")
		p.ident(c.To)
	case *SetNotNull:
		p.s(" ALTER COLUMN ")
		p.ident(c.Column)
		p.s(" SET NOT NULL")
	case *SetDefault:
		p.s(" ALTER COLUMN ")
		p.ident(c.Column)
		p.s(" SET DEFAULT ")
		p.operand(c.Default)
	case *AlterType:
		p.s(" ALTER COLUMN ")
		p.ident(c.Column)
		p.s(" TYPE ", c.Type)
		if c.Using != nil {
			p.s(" USING ")
			p.operand(c.Using)
		}
	}
}
