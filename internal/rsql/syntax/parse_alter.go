package syntax

// alter parses what starts with ALTER.
func (p *parser) alter() Statement {
	start := p.start()
	t := p.ahead(1)
	switch t.text {
	case "table":
		p.at += 2
		return p.alterTable(start)
	case "view", "materialized":
		p.at++
		return p.alterView(start)
	case "schema":
		p.at += 2
		s := &AlterSchema{Name: p.ident()}
		s.RenameTo, s.OwnerTo = p.renameOrOwner()
		if s.RenameTo == nil && s.OwnerTo == nil {
			p.needWord("quota")
			s.Quota = p.quota()
		}
		s.Pos = p.since(start)
		return s
	case "procedure", "function":
		p.at++
		r := &AlterRoutine{Kind: p.next().text, Name: p.name()}
		r.Args, _ = p.signature()
		r.RenameTo, r.OwnerTo = p.renameOrOwner()
		r.Pos = p.since(start)
		return r
	case "user", "group", "role":
		p.at++
		return p.alterPrincipal(start)
	case "database":
		p.at += 2
		d := &AlterDatabase{Name: p.ident()}
		if p.isWord("integration") {
			return p.unsupportedTail(start, "ALTER DATABASE INTEGRATION")
		}
		if d.RenameTo, d.OwnerTo = p.renameOrOwner(); d.RenameTo == nil && d.OwnerTo == nil {
			d.Options = p.adminOptions(databaseOptions)
		}
		d.Pos = p.since(start)
		return d
	case "default":
		p.at++
		return p.defaultPrivileges(start)
	case "external":
		if p.isWordAt(2, "schema") || p.isWordAt(2, "table") || p.isWordAt(2, "view") {
			return p.unsupported()
		}
	case "rls", "masking":
		p.at++
		return p.policy(start, true)
	case "datashare", "identity", "system", "model", "library", "template":
		return p.unsupported()
	}
	p.at++
	p.fail()
	return nil
}

// renameOrOwner parses RENAME TO name or OWNER TO name, if either comes.
func (p *parser) renameOrOwner() (rename, owner *Ident) {
	switch {
	case p.word("rename", "to"):
		id := p.label()
		return &id, nil
	case p.word("owner", "to"):
		id := p.label()
		return nil, &id
	}
	return nil, nil
}

func (p *parser) alterView(start int) Statement {
	v := &AlterView{Materialized: p.word("materialized")}
	p.needWord("view")
	v.Name = p.name()
	if p.word("auto", "refresh") {
		v.AutoRefresh = p.yesNo()
	} else if v.RenameTo, v.OwnerTo = p.renameOrOwner(); v.RenameTo == nil && v.OwnerTo == nil {
		if p.isWord("row") || v.Materialized && p.isWord("alter") {
			return &AlterTable{Table: v.Name, Action: p.alterAction(p.start()), Pos: p.since(start)}
		}
		p.fail()
	}
	v.Pos = p.since(start)
	return v
}

func (p *parser) unsupportedTail(start int, feature string) Statement {
	p.skip()
	return &Unsupported{Feature: feature, Pos: p.since(start)}
}

func (p *parser) alterTable(start int) Statement {
	p.ifExists()
	a := &AlterTable{Table: p.name()}
	if p.isWord("masking") {
		return p.unsupportedTail(start, "MASKING FOR DATASHARES")
	}
	a.Action = p.alterAction(p.start())
	a.Pos = p.since(start)
	return a
}

func (p *parser) alterAction(start int) AlterAction {
	switch {
	case p.word("add"):
		return p.alterAdd(start)
	case p.word("drop"):
		return p.alterDrop(start)
	case p.word("rename"):
		if p.word("to") {
			id := p.label()
			return &RenameTable{To: id, Pos: p.since(start)}
		}
		p.word("column")
		from := p.label()
		p.needWord("to")
		to := p.label()
		return &RenameColumn{Column: from, To: to, Pos: p.since(start)}
	case p.word("owner", "to"):
		id := p.label()
		return &OwnerTo{Owner: id, Pos: p.since(start)}
	case p.word("alter"):
		return p.alterAlter(start)
	case p.word("append", "from"):
		a := &AlterAppend{From: p.name()}
		for {
			switch {
			case p.word("ignoreextra"):
				a.IgnoreExtra = true
				continue
			case p.word("filltarget"):
				a.FillTarget = true
				continue
			}
			break
		}
		a.Pos = p.since(start)
		return a
	case p.word("row", "level", "security"):
		on := p.oneOf("on", "off")
		if on == "" {
			p.fail()
		}
		s := &AlterRowSecurity{On: on == "on"}
		if p.word("conjunction", "type") {
			if s.Conjunction = p.oneOf("and", "or"); s.Conjunction == "" {
				p.fail()
			}
		}
		s.Datashares = p.word("for", "datashares")
		s.Pos = p.since(start)
		return s
	case p.isWord("partition"), p.isWord("set"):
		return p.alterSet(start)
	}
	p.fail()
	return nil
}

func (p *parser) alterAdd(start int) AlterAction {
	if p.isWord("partition") || p.isWord("if") && p.isWordAt(3, "partition") {
		a := &AddPartitions{IfNotExists: p.ifNotExists()}
		for p.isWord("partition") {
			at := p.start()
			p.at++
			part := Partition{Spec: p.partitionSpec()}
			if p.word("location") {
				part.Location = p.str()
			}
			part.Pos = p.since(at)
			a.Partitions = append(a.Partitions, part)
			p.op(",")
		}
		a.Pos = p.since(start)
		return a
	}
	if p.isWord("constraint", "unique", "primary", "foreign", "check") {
		k := p.tableConstraint()
		return &AddConstraint{Constraint: k, Pos: p.since(start)}
	}
	p.word("column")
	a := &AddColumn{IfNotExists: p.ifNotExists()}
	a.Column = p.columnDef()
	a.Pos = p.since(start)
	return a
}

func (p *parser) alterDrop(start int) AlterAction {
	switch {
	case p.word("partition"):
		spec := p.partitionSpec()
		return &DropPartition{Spec: spec, Pos: p.since(start)}
	case p.word("constraint"):
		d := &DropConstraint{Name: p.label()}
		d.Cascade = p.cascade()
		d.Pos = p.since(start)
		return d
	}
	p.word("column")
	d := &DropColumn{Column: p.label()}
	d.Cascade = p.cascade()
	d.Pos = p.since(start)
	return d
}

func (p *parser) alterAlter(start int) AlterAction {
	if p.isWord("diststyle", "distkey", "sortkey", "compound", "interleaved", "encode") {
		a := &AlterAttrs{}
		for {
			p.alterDistKey(a)
			if !p.op(",") {
				break
			}
			p.word("alter")
		}
		a.Pos = p.since(start)
		return a
	}
	p.word("column")
	col := p.label()
	if p.word("type") {
		t := p.typeName()
		return &AlterColumnType{Column: col, Type: t, Pos: p.since(start)}
	}
	p.needWord("encode")
	e := &AlterColumnEncode{Columns: []Ident{col}, Encodings: []string{p.label().Name}}
	for p.op(",") {
		p.needWord("alter")
		p.word("column")
		e.Columns = append(e.Columns, p.label())
		p.needWord("encode")
		e.Encodings = append(e.Encodings, p.label().Name)
	}
	e.Pos = p.since(start)
	return e
}

// alterDistKey parses one attribute; ALTER DISTKEY takes its column without
// parentheses, and DISTSTYLE KEY is followed by DISTKEY column.
func (p *parser) alterDistKey(a *AlterAttrs) {
	if p.isWord("diststyle") && p.isWordAt(1, "key") {
		p.at += 2
		a.Attrs.DistStyle = "key"
	}
	if p.isWord("distkey") && p.ahead(1).text != "(" {
		p.at++
		id := p.label()
		a.Attrs.DistKey = &id
		return
	}
	p.tableAttrs(&a.Attrs)
}

func (p *parser) alterSet(start int) AlterAction {
	var spec []PartitionValue
	if p.word("partition") {
		spec = p.partitionSpec()
	}
	p.needWord("set")
	switch {
	case p.word("location"):
		loc := p.str()
		return &SetLocation{Partition: spec, Location: loc, Pos: p.since(start)}
	case p.word("file", "format"):
		f := p.label()
		return &SetFileFormat{Format: f.Name, Pos: p.since(start)}
	}
	p.needWord("table", "properties")
	props := p.properties()
	return &SetTableProperties{Properties: props, Pos: p.since(start)}
}

func (p *parser) partitionSpec() []PartitionValue {
	p.needOp("(")
	spec := list(p, func() PartitionValue {
		start := p.start()
		v := PartitionValue{Column: p.label()}
		p.needOp("=")
		switch {
		case p.word("null"):
			v.Null = true
		case p.peek().kind == tString:
			v.Value = p.str()
		case p.op("-"):
			v.Value = "-" + p.number()
		case p.isWord("date", "timestamp"):
			p.at++
			v.Value = p.str()
		case p.isWord("true", "false"):
			v.Value = p.next().text
		default:
			v.Value = p.number()
		}
		v.Pos = p.since(start)
		return v
	})
	p.needOp(")")
	return spec
}

// properties parses ('k'='v', ...).
func (p *parser) properties() []Property {
	p.needOp("(")
	props := list(p, func() Property {
		start := p.start()
		k := p.str()
		p.needOp("=")
		v := p.str()
		return Property{Key: k, Value: v, Pos: p.since(start)}
	})
	p.needOp(")")
	return props
}

// signature parses (types) of a routine; the names and modes are passed.
func (p *parser) signature() ([]TypeName, bool) {
	if !p.isOp("(") {
		return nil, false
	}
	args := p.routineArgs()
	types := []TypeName{}
	for _, a := range args {
		types = append(types, a.Type)
	}
	return types, true
}

// dropKinds are the objects DROP takes, with their words.
var dropKinds = [][]string{
	{"external", "table"}, {"external", "view"}, {"materialized", "view"}, {"table"}, {"view"}, {"schema"}, {"database"}, {"user"}, {"group"}, {"role"},
	{"procedure"}, {"function"}, {"rls", "policy"}, {"masking", "policy"},
}

func (p *parser) drop() Statement {
	start := p.start()
	for _, kind := range dropKinds {
		match := true
		for i, w := range kind {
			match = match && p.isWordAt(1+i, w)
		}
		if match {
			p.at += 1 + len(kind)
			return p.dropKind(kind, start)
		}
	}
	switch p.ahead(1).text {
	case "model", "datashare", "library", "identity", "namespace", "template":
		return p.unsupported()
	}
	p.at++
	p.fail()
	return nil
}

func (p *parser) dropKind(kind []string, start int) Statement {
	d := &Drop{Kind: kind[0]}
	if len(kind) > 1 {
		d.Kind += " " + kind[1]
	}
	d.IfExists = p.ifExists()
	if d.Kind == "procedure" || d.Kind == "function" {
		d.Names = []Name{p.name()}
		d.Args, d.HasArgs = p.signature()
	} else {
		d.Names = p.names()
	}
	for {
		switch {
		case p.word("drop", "external", "database"):
			d.ExternalDatabase = true
		case p.isWord("cascade", "restrict"):
			d.Cascade = p.cascade()
		case p.isWord("force"):
			p.at++
			d.Force = true
		default:
			d.Pos = p.since(start)
			return d
		}
	}
}

func (p *parser) comment() Statement {
	start := p.start()
	p.needWord("comment")
	p.needWord("on")
	c := &Comment{Kind: p.label().Name}
	if c.Kind == "materialized" || c.Kind == "external" {
		c.Kind += " " + p.label().Name
	}
	c.Name = p.name()
	if p.isOp("(") {
		p.signature()
	}
	if c.Kind == "constraint" && p.word("on") {
		p.name()
	}
	p.needWord("is")
	if !p.word("null") {
		c.Text = new(p.str())
	}
	c.Pos = p.since(start)
	return c
}
