package syntax

// Copy is COPY table [(columns)] FROM source with its options in the order
// written. Option names are canonical ("FORMAT" with value "PARQUET" for both
// FORMAT AS PARQUET and PARQUET; "IAM_ROLE"; "DELIMITER"; "IGNOREHEADER"; ...).
type Copy struct {
	Pos
	Table   Name
	Columns []Ident
	From    string
	Options []Option
}

// CopyJob is COPY JOB LIST, and SHOW, DROP, RUN and ALTER name [AUTO ON | OFF].
// COPY ... JOB CREATE is a Copy with the option JOB.
type CopyJob struct {
	Pos
	Action string // lower case
	Name   Ident
	Auto   string // ON, OFF or empty
}

// Unload is UNLOAD ('query') TO 'prefix' with its options. Query is the parsed
// query; its spans are relative to Source, the query's own text.
type Unload struct {
	Pos
	Source   string
	SourceAt Pos
	Query    *Query
	To       string
	Options  []Option
}

// Find returns the last option of that name.
func Find(options []Option, name string) (Option, bool) {
	for i := len(options) - 1; i >= 0; i-- {
		if options[i].Name == name {
			return options[i], true
		}
	}
	return Option{}, false
}

func (*Copy) statement()    {}
func (*CopyJob) statement() {}
func (*Unload) statement()  {}
