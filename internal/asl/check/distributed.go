package check

import (
	"slices"
	"strings"

	"stepwell/internal/asl/syntax"
)

// maxLabel is the longest Label, in characters.
const maxLabel = 40

// distributed checks what only a Distributed Map has, and refuses what the
// engine does not run.
func (c *checker) distributed(s *syntax.State, b *syntax.Map, at string) {
	if !c.MapRuns {
		c.refuse(at, s.Node, "Distributed Map (ProcessorConfig with Mode DISTRIBUTED)")
	}
	if c.Express {
		c.schema(at, s.Node, "Express state machine does not support Distributed Map state")
	}
	if n := s.Node.Get("Label"); n != nil && (len([]rune(b.Label)) > maxLabel || b.Label == "") {
		c.schema(at+"/Label", n, "Label must be between 1 and %d characters", maxLabel)
	}
	if n := s.Node.Get("ToleratedFailureCount"); !c.Accepted && b.ToleratedCount != nil && *b.ToleratedCount < 0 {
		c.schema(at+"/ToleratedFailureCount", n, "Minimum value is 0")
	}
	if n := s.Node.Get("ToleratedFailurePercentage"); !c.Accepted && b.ToleratedShare != nil && (*b.ToleratedShare < 0 || *b.ToleratedShare > 100) {
		c.schema(at+"/ToleratedFailurePercentage", n, "Value must be between 0 and 100")
	}
	query := c.query(s)
	c.reader(b.ItemReader, at+"/ItemReader", query)
	c.batcher(b.ItemBatcher, at+"/ItemBatcher", query)
	if n := b.ResultWriter; n != nil {
		c.fields(n, at+"/ResultWriter", []string{"Resource", "Parameters", "Arguments", "WriterConfig"})
		if r := n.Get("Resource"); r != nil && !strings.HasSuffix(r.Text, ":s3:putObject") {
			c.schema(at+"/ResultWriter/Resource", r, "The resource provided %s is not recognized.", r.Text)
		}
		c.ends(n, at+"/ResultWriter", query)
		c.writerConfig(n, at+"/ResultWriter")
	}
}

// writerConfig checks how results are written.
func (c *checker) writerConfig(n *syntax.Node, at string) {
	config := n.Get("WriterConfig")
	if config == nil {
		c.required(at, n, "Resource")
		return
	}
	at += "/WriterConfig"
	c.fields(config, at, []string{"OutputType", "Transformation"})
	c.among(config, at, "Transformation", "NONE", "COMPACT", "FLATTEN")
	c.among(config, at, "OutputType", "JSON", "JSONL")
	if m := config.Get("OutputType"); m != nil && m.Text == "JSONL" && n.Get("Resource") == nil {
		c.refuse(at+"/OutputType", m, "WriterConfig with OutputType JSONL without a Resource")
	}
}

// among checks that a member, where it is there, is one of some values.
func (c *checker) among(n *syntax.Node, at, name string, known ...string) {
	if m := n.Get(name); m != nil && (m.Kind != syntax.String || !slices.Contains(known, m.Text)) {
		c.schema(at+"/"+name, m, "Value is not valid. Expected one of [%s]", strings.Join(known, ", "))
	}
}

// query reports whether JSONata is the state's language.
func (c *checker) query(s *syntax.State) bool { return c.whole || s.QueryLanguage == "JSONata" }

// ends checks the arguments of a reader or writer.
func (c *checker) ends(n *syntax.Node, at string, query bool) {
	if query {
		c.otherLanguage(n, at, "JSONata", "JSONPath", []string{"Parameters"})
		c.expressions(n.Get("Arguments"), at+"/Arguments")
		return
	}
	c.otherLanguage(n, at, "JSONPath", "JSONata", []string{"Arguments"})
	c.template(n.Get("Parameters"), at+"/Parameters")
}

// numbers checks members that are a number of least or more, an expression, or stand as ...Path.
func (c *checker) numbers(n *syntax.Node, at string, query bool, names ...string) {
	for _, name := range names {
		m := n.Get(name)
		if n.Get(name+"Path") != nil {
			if query {
				c.otherLanguage(n, at, "JSONata", "JSONPath", []string{name + "Path"})
			} else if m != nil {
				c.schema(at, n, "There should only be one of the following fields: [%s, %sPath]", name, name)
			}
		}
		switch {
		case m == nil:
		case query && isQuery(m):
			c.expressions(m, at+"/"+name)
		case m.Kind != syntax.Number:
			c.schema(at+"/"+name, m, "Expected value of type Integer")
		case strings.HasPrefix(m.Text, "-"):
			c.schema(at+"/"+name, m, "Minimum value is 0")
		}
	}
}

var readerFields = []string{"InputType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter", "MaxItems", "MaxItemsPath", "ItemsPointer",
	"ManifestType", "Transformation"}

func (c *checker) reader(n *syntax.Node, at string, query bool) {
	if n == nil {
		return
	}
	c.fields(n, at, []string{"Resource", "Parameters", "Arguments", "ReaderConfig"})
	if !c.required(at, n, "Resource") {
		return
	}
	c.ends(n, at, query)
	resource := n.Get("Resource")
	list := strings.HasSuffix(resource.Text, ":s3:listObjectsV2")
	if !list && !strings.HasSuffix(resource.Text, ":s3:getObject") {
		c.schema(at+"/Resource", resource, "The resource provided %s is not recognized.", resource.Text)
	}
	config := n.Get("ReaderConfig")
	if config == nil {
		return
	}
	at += "/ReaderConfig"
	c.fields(config, at, readerFields)
	c.numbers(config, at, query, "MaxItems")
	c.among(config, at, "Transformation", "NONE", "LOAD_AND_FLATTEN")
	c.among(config, at, "ManifestType", "S3_INVENTORY", "ATHENA_DATA")
	if load := textOf(config.Get("Transformation")) == "LOAD_AND_FLATTEN"; list && load || !list {
		c.inputType(config, at, list)
	}
	if m := config.Get("Transformation"); !list && m != nil && m.Text != "NONE" {
		c.refuse(at+"/Transformation", m, "ItemReader with Transformation "+m.Text+" of s3:getObject")
	}
}

func textOf(n *syntax.Node) string {
	if n == nil {
		return ""
	}
	return n.Text
}

// inputType checks the format of the objects; list: of those that are listed.
func (c *checker) inputType(config *syntax.Node, at string, list bool) {
	kind, manifest := config.Get("InputType"), textOf(config.Get("ManifestType"))
	if manifest == "S3_INVENTORY" {
		if kind != nil && kind.Text != "MANIFEST" {
			c.schema(at+"/InputType", kind, "InputType cannot be specified when ManifestType is S3_INVENTORY")
		}
		return
	}
	if kind == nil {
		c.required(at, config, "InputType")
		return
	}
	known := []string{"CSV", "JSON", "JSONL", "PARQUET", "MANIFEST"}
	if list || manifest != "" {
		known = known[:4]
	}
	if !slices.Contains(known, kind.Text) {
		c.schema(at+"/InputType", kind, "Value is not valid. Expected one of [%s]", strings.Join(known, ", "))
	}
	if kind.Text != "CSV" {
		return
	}
	c.among(config, at, "CSVDelimiter", "COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB")
	if c.required(at, config, "CSVHeaderLocation") {
		c.among(config, at, "CSVHeaderLocation", "FIRST_ROW", "GIVEN")
		if config.Get("CSVHeaderLocation").Text == "GIVEN" {
			c.required(at, config, "CSVHeaders")
		}
	}
}

func (c *checker) batcher(n *syntax.Node, at string, query bool) {
	if n == nil {
		return
	}
	c.fields(n, at, []string{"MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch", "MaxInputBytesPerBatchPath", "BatchInput"})
	c.numbers(n, at, query, "MaxItemsPerBatch", "MaxInputBytesPerBatch")
	if query {
		c.expressions(n.Get("BatchInput"), at+"/BatchInput")
	} else {
		c.template(n.Get("BatchInput"), at+"/BatchInput")
	}
}
