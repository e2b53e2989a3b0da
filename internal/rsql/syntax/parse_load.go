package syntax

import (
	"strings"

	"stepwell/internal/sqlerr"
)

func (p *parser) copy() Statement {
	start := p.start()
	p.needWord("copy")
	if p.isWord("job") && (p.isWordAt(1, "list") || p.isWordAt(1, "show") || p.isWordAt(1, "drop") || p.isWordAt(1, "run") || p.isWordAt(1, "alter")) {
		return p.copyJob(start)
	}
	if p.isOp("(") {
		p.refuse(p.start(), sqlerr.FeatureNotSupported, unloadDestination)
	}
	c := &Copy{Table: p.name()}
	if p.isOp("(") {
		c.Columns = p.idents()
	}
	if p.isWord("to") {
		p.refuse(p.start(), sqlerr.FeatureNotSupported, unloadDestination)
	}
	p.needWord("from")
	if p.isWord("stdin") { // psql's \copy, psycopg2's copy_from
		p.refuse(p.start(), sqlerr.FeatureNotSupported, LoadSource)
	}
	c.From = p.str()
	c.Options = p.loadOptions(copyOptions)
	c.Pos = p.since(start)
	return c
}

// LoadSource and unloadDestination are what Redshift says of PostgreSQL's COPY from
// and to files and the client.
const (
	LoadSource        = "LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)"
	unloadDestination = "UNLOAD destination is not supported. (Hint: only S3 based unload is allowed)"
)

func (p *parser) copyJob(start int) Statement {
	p.needWord("job")
	j := &CopyJob{Action: p.next().text}
	if j.Action != "list" {
		j.Name = p.label()
	}
	if j.Action == "alter" && p.word("auto") {
		j.Auto = upper(p.label().Name)
	}
	j.Pos = p.since(start)
	return j
}

// loadOptions parses the options of COPY and UNLOAD until the statement ends.
func (p *parser) loadOptions(specs map[string]optionSpec) []Option {
	var opts []Option
	for {
		p.op(",")
		start := p.start()
		t := p.peek()
		if t.kind != tWord {
			return opts
		}
		var o Option
		switch {
		case p.isWord("with") && p.isWordAt(1, "credentials"):
			p.at++
			continue
		case p.isWord("credentials") && p.isWordAt(1, "iam_role"):
			p.at++
			continue
		case p.word("format"):
			p.word("as")
			o = p.formatOption(specs)
		case p.word("partition", "by"):
			o = Option{Name: "PARTITION BY"}
			for _, id := range p.idents() {
				o.List = append(o.List, id.Name)
			}
			if p.word("include") {
				o.Value = "INCLUDE"
			}
		case p.word("using", "template"):
			o = Option{Name: "USING TEMPLATE", Value: p.name().Last().Name}
		case p.word("job", "create"), p.word("job"):
			o = Option{Name: "JOB", Value: p.label().Name}
			if p.word("auto") {
				o.Second = upper(p.label().Name)
			}
		default:
			spec, ok := specs[t.text]
			if !ok {
				p.fail()
			}
			p.at++
			o = p.option(spec)
		}
		o.Pos = p.since(start)
		opts = append(opts, o)
	}
}

func (p *parser) formatOption(specs map[string]optionSpec) Option {
	t := p.peek()
	spec, ok := specs[t.text]
	if t.kind == tString {
		spec, ok = specs[strings.ToLower(t.text)]
	}
	if !ok || !spec.format {
		p.fail()
	}
	p.at++
	return p.option(spec)
}

// option parses what follows the name of an option.
func (p *parser) option(spec optionSpec) Option {
	o := Option{Name: spec.name}
	if spec.format {
		o = Option{Name: "FORMAT", Value: spec.name}
	}
	switch spec.shape {
	case value, size:
		p.word("as")
		p.optionValue(&o)
		if spec.shape == size {
			if u := p.oneOf("mb", "gb", "kb"); u != "" {
				o.Second = upper(u)
			}
		}
	case optional:
		as := p.word("as")
		k := p.peek().kind
		if k == tString || k == tNumber || as {
			arg := Option{}
			p.optionValue(&arg)
			if spec.format {
				o.Second, o.Quoted = arg.Value, arg.Quoted
			} else {
				o.Value, o.Quoted = arg.Value, arg.Quoted
			}
		} else if spec.name == "JSON" && p.isWord("auto", "noshred", "ignorecase") {
			o.Second = p.next().text
		} else if spec.name == "SIMPLIFY" && p.word("auto") {
			o.Value = "AUTO"
			if p.peek().kind == tNumber {
				o.Second = p.number()
			}
		}
	case toggle:
		if w := p.oneOf(append([]string{"on", "off", "true", "false"}, spec.words...)...); w != "" {
			o.Value = upper(w)
		}
	}
	return o
}

// optionValue reads a string, a number or a word.
func (p *parser) optionValue(o *Option) {
	switch t := p.peek(); t.kind {
	case tString:
		o.Value, o.Quoted = t.text, true
	case tNumber:
		o.Value = t.text
	case tWord:
		o.Value = upper(t.text)
	case tQuoted:
		o.Value = t.text
	default:
		if t.text == "-" && p.ahead(1).kind == tNumber {
			p.at++
			o.Value = "-" + p.peek().text
			break
		}
		p.fail()
	}
	p.at++
}

// unload parses UNLOAD. The query is a string; its text is parsed apart, and
// a fault in it is reported at the string's place.
func (p *parser) unload() Statement {
	start := p.start()
	p.needWord("unload")
	p.needOp("(")
	t := p.peek()
	u := &Unload{Source: p.str(), SourceAt: span(t.body, t.end)}
	p.needOp(")")
	list, err := Parse(u.Source)
	if err != nil {
		fault := err.(*sqlerr.Error)
		panic(fault.At(charPosition(p.src, t.start)))
	}
	if len(list) == 1 {
		u.Query, _ = list[0].Statement.(*Query)
	}
	if u.Query == nil {
		p.refuse(t.start, sqlerr.SyntaxError, "UNLOAD takes a single SELECT statement")
	}
	p.needWord("to")
	u.To = p.str()
	u.Options = p.loadOptions(unloadOptions)
	u.Pos = p.since(start)
	return u
}
