package syntax

import "strings"

func (p *parser) createExternalSchema(start int) Statement {
	s := &CreateExternalSchema{IfNotExists: p.ifNotExists(), Name: p.ident()}
	p.needWord("from")
	switch {
	case p.word("data", "catalog"):
		s.Source = "data catalog"
	case p.word("hive", "metastore"):
		s.Source = "hive metastore"
	default:
		if s.Source = p.oneOf("postgres", "mysql", "kinesis", "redshift", "msk", "kafka"); s.Source == "" {
			p.fail()
		}
	}
	for p.externalSchemaClause(s) {
	}
	s.Pos = p.since(start)
	return s
}

func (p *parser) externalSchemaClause(s *CreateExternalSchema) bool {
	switch {
	case p.word("database"):
		s.Database = p.textOrName()
	case p.word("schema"):
		s.Schema = p.textOrName()
	case p.word("region"):
		s.Region = p.str()
	case p.word("uri"):
		s.URI = p.str()
	case p.word("port"):
		s.Port = p.number()
	case p.word("iam_role"):
		s.IAMRole = p.role()
	case p.word("catalog_role"):
		s.CatalogRole = p.role()
	case p.word("secret_arn"):
		s.SecretARN = p.str()
	case p.word("authentication_arn"), p.word("cluster_arn"):
		p.str()
	case p.word("authentication"):
		p.textOrName()
	case p.word("create", "external", "database"):
		p.ifNotExists()
		s.CreateDatabase = true
	default:
		return false
	}
	return true
}

// role reads 'arn', DEFAULT or SESSION.
func (p *parser) role() string {
	if w := p.oneOf("default", "session"); w != "" {
		return w
	}
	return p.str()
}

func (p *parser) textOrName() string {
	if p.peek().kind == tString {
		return p.str()
	}
	return p.label().Name
}

func (p *parser) createExternalTable(start int) Statement {
	t := &CreateExternalTable{IfNotExists: p.ifNotExists(), Name: p.name()}
	if p.isOp("(") {
		t.Columns = p.externalColumns()
	}
	for p.externalTableClause(t) {
	}
	if p.word("as") {
		t.As = p.query()
	}
	t.Pos = p.since(start)
	return t
}

func (p *parser) externalTableClause(t *CreateExternalTable) bool {
	switch {
	case p.word("partitioned", "by"):
		t.PartitionBy = p.externalColumns()
	case p.word("row", "format", "delimited"):
		t.Delimited = p.rowDelimited()
	case p.word("row", "format", "serde"):
		t.SerDe = p.str()
	case p.word("with", "serdeproperties"):
		t.SerDeProperties = append(t.SerDeProperties, p.properties()...)
	case p.word("stored", "as"):
		if p.word("inputformat") {
			t.InputFormat = p.str()
			p.needWord("outputformat")
			t.OutputFormat = p.str()
		} else {
			t.StoredAs = p.label().Name
		}
	case p.word("location"):
		t.Location = p.str()
	case p.word("table", "properties"), p.word("tblproperties"):
		t.Properties = append(t.Properties, p.properties()...)
	default:
		return false
	}
	return true
}

func (p *parser) externalColumns() []ExternalColumn {
	p.needOp("(")
	cols := list(p, func() ExternalColumn {
		start := p.start()
		c := ExternalColumn{Name: p.label()}
		if !p.isOp(",") && !p.isOp(")") {
			c.Type = p.externalType()
		}
		for p.word("not", "null") || p.word("null") {
		}
		c.Pos = p.since(start)
		return c
	})
	p.needOp(")")
	return cols
}

// externalType parses a type that may be struct<>, array<> or map<>.
func (p *parser) externalType() TypeName {
	start := p.start()
	if p.isWord("struct", "array", "map") && strings.HasPrefix(p.ahead(1).text, "<") {
		name := p.next().text
		nested := p.nested(start)
		return TypeName{Name: name, Nested: nested, Pos: p.since(start)}
	}
	return p.typeName()
}

func (p *parser) rowDelimited() *RowDelimited {
	d := &RowDelimited{}
	for {
		switch {
		case p.word("fields", "terminated", "by"):
			d.Fields = new(p.str())
		case p.word("lines", "terminated", "by"):
			d.Lines = new(p.str())
		case p.word("escaped", "by"):
			d.Escaped = new(p.str())
		case p.word("collection", "items", "terminated", "by"):
			d.Collections = new(p.str())
		case p.word("map", "keys", "terminated", "by"):
			d.MapKeys = new(p.str())
		case p.word("null", "defined", "as"):
			d.Null = new(p.str())
		default:
			return d
		}
		p.op(",")
	}
}
