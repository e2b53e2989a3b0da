package lint

import (
	"strconv"
	"strings"
	"testing"
)

// edges says, for each package or family of packages (a name with a trailing
// slash stands for all below it), which packages of this module it may import.
// ARCHITECTURE.md draws the same house.
var edges = []struct {
	from string
	to   []string
}{
	// words
	{"internal/awserr", nil},
	{"internal/sqlerr", nil},
	{"internal/diag", nil},
	{"internal/clock", nil},
	{"internal/paging", nil},
	{"internal/awsapi", nil},
	{"internal/awsapi/", []string{"internal/awsapi", "internal/awserr"}},
	{"internal/bus", []string{"internal/awsapi", "internal/awserr"}},
	// parts
	{"internal/rsql", []string{"internal/rsql/", "internal/diag", "internal/sqlerr"}},
	{"internal/rsql/", []string{"internal/rsql/", "internal/diag", "internal/sqlerr"}},
	{"internal/plpgsql", []string{"internal/rsql", "internal/rsql/", "internal/diag", "internal/sqlerr"}},
	{"internal/duck", []string{"internal/sqlerr"}},
	{"internal/wire", []string{"internal/awsapi", "internal/awserr", "internal/wire/"}},
	{"internal/wire/", []string{"internal/awsapi", "internal/awserr", "internal/wire", "internal/wire/"}},
	{"internal/store", nil},
	{"internal/cfn", []string{"internal/diag"}},
	{"internal/records", nil},
	{"internal/schedule", nil},
	{"internal/dbauth", []string{"internal/bus", "internal/store"}},
	{"internal/forward", []string{"internal/awsapi", "internal/awsapi/", "internal/awserr", "internal/bus", "internal/wire", "internal/wire/"}},
	// engines
	{"internal/asl", []string{"internal/asl/", "internal/diag", "internal/awserr", "internal/clock"}},
	{"internal/asl/", []string{"internal/asl/", "internal/diag", "internal/awserr", "internal/clock"}},
	{"internal/lake", []string{"internal/records", "internal/sqlerr", "internal/rsql/", "internal/duck"}},
	{"internal/warehouse", []string{"internal/records", "internal/lake", "internal/plpgsql", "internal/rsql", "internal/rsql/", "internal/duck", "internal/sqlerr", "internal/diag", "internal/clock", "internal/store", "internal/work"}},
	{"internal/remote", []string{"internal/sqlerr"}},
	{"internal/work", []string{"internal/store", "internal/clock", "internal/bus"}},
	{"internal/notify", []string{"internal/awsapi/", "internal/awserr", "internal/bus"}},
	{"internal/logstream", []string{"internal/awsapi/", "internal/awserr", "internal/bus", "internal/clock"}},
	{"internal/process", []string{"internal/clock"}},
	// services: shapes, parts and engines, never each other
	{"internal/service/", []string{
		"internal/awsapi", "internal/awsapi/", "internal/awserr", "internal/sqlerr", "internal/diag", "internal/clock", "internal/paging", "internal/bus",
		"internal/store", "internal/work", "internal/cfn", "internal/wire", "internal/wire/", "internal/asl", "internal/asl/", "internal/logstream", "internal/notify", "internal/process", "internal/schedule", "internal/dbauth", "internal/warehouse", "internal/lake", "internal/remote",
	}},
	// doors
	{"internal/gateway", []string{"internal/awsapi", "internal/awserr", "internal/bus", "internal/clock", "internal/wire", "internal/wire/"}},
	{"internal/pgwire", []string{"internal/warehouse", "internal/remote", "internal/duck", "internal/rsql/", "internal/sqlerr", "internal/clock"}},
	{"internal/project", []string{"internal/remote", "internal/forward", "internal/awsapi/", "internal/awserr", "internal/bus", "internal/diag"}},
	{"internal/server", []string{
		"internal/diag", "internal/awsapi", "internal/awsapi/", "internal/awserr", "internal/bus", "internal/clock", "internal/store", "internal/work", "internal/process", "internal/forward", "internal/wire",
		"internal/warehouse", "internal/lake", "internal/remote", "internal/duck", "internal/rsql/types", "internal/gateway", "internal/pgwire", "internal/service/", "internal/sqlerr",
	}},
	{"internal/cli", []string{
		"internal/server", "internal/project", "internal/asl/syntax", "internal/asl/graph", "internal/awsapi/", "internal/awserr", "internal/bus", "internal/wire/", "internal/cfn", "internal/rsql", "internal/rsql/", "internal/sqlerr", "internal/diag", "internal/process",
	}},
	{"cmd/stepwell", []string{"internal/cli"}},
}

func matches(pattern, pkg string) bool {
	if family, ok := strings.CutSuffix(pattern, "/"); ok {
		return strings.HasPrefix(pkg, family+"/")
	}
	return pattern == pkg
}

func allowed(from, to string) bool {
	for _, e := range edges {
		if !matches(e.from, from) {
			continue
		}
		for _, p := range e.to {
			if matches(p, to) {
				return true
			}
		}
	}
	return false
}

func known(pkg string) bool {
	for _, e := range edges {
		if matches(e.from, pkg) {
			return true
		}
	}
	return false
}

// service returns the service a package belongs to, "" for others.
func service(pkg string) string {
	rest, ok := strings.CutPrefix(pkg, "internal/service/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func TestImportsFollowTheHouse(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || strings.HasPrefix(s.pkg, "test/") || strings.HasPrefix(s.pkg, "examples/") {
			continue // tests may reach for the neighbours they test with
		}
		if !known(s.pkg) {
			t.Errorf("%s: package %s is not in the list of edges", s.path, s.pkg)
			continue
		}
		for _, imp := range s.file.Imports {
			path, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			to, ours := strings.CutPrefix(path, module)
			switch {
			case strings.HasPrefix(path, "github.com/duckdb/") && s.pkg != "internal/duck":
				t.Errorf("%s: only internal/duck imports the DuckDB driver", s.path)
			case !ours:
			case service(s.pkg) != "" && service(to) != "" && service(s.pkg) != service(to):
				t.Errorf("%s: services never import each other (%s); call through the bus", s.path, to)
			case service(s.pkg) != "" && service(s.pkg) == service(to):
			case !allowed(s.pkg, to):
				t.Errorf("%s: %s may not import %s: it stands above or beside it in ARCHITECTURE.md", s.path, s.pkg, to)
			}
		}
	}
}
