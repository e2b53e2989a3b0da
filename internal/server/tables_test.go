package server

import (
	"bytes"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"stepwell/internal/bus"
)

// TestTablesCoverTheModels: every operation of a service's model has one row,
// rows are sorted, and what is there takes the input of its operation.
func TestTablesCoverTheModels(t *testing.T) {
	for _, s := range Tables() {
		rows := map[string]*bus.Operation{}
		var names []string
		for i := range s.Operations {
			o := &s.Operations[i]
			if rows[o.Name] != nil {
				t.Errorf("%s.%s has two rows", s.Name, o.Name)
			}
			rows[o.Name] = o
			if o.Handle != nil { // the missing ones follow in a list of their own
				names = append(names, o.Name)
			}
			if s.Model.Operation(o.Name) == nil {
				t.Errorf("%s.%s is not an operation of the service", s.Name, o.Name)
			}
			if (o.Status == bus.Partial) != (o.Note != "" && o.Status != bus.NotImplemented) {
				t.Errorf("%s.%s is %s with the note %q", s.Name, o.Name, o.Status, o.Note)
			}
		}
		if !slices.IsSorted(names) {
			t.Errorf("the table of %s is not sorted", s.Name)
		}
		for i := range s.Model.Operations {
			op := &s.Model.Operations[i]
			row := rows[op.Name]
			switch {
			case row == nil:
				t.Errorf("%s.%s has no row", s.Name, op.Name)
			case row.Handle == nil:
			case !op.Modelled:
				t.Errorf("%s.%s is implemented and has no generated shapes", s.Name, op.Name)
			case reflect.TypeOf(row.NewInput()) != reflect.TypeOf(op.NewInput()):
				t.Errorf("%s.%s takes %T, its model says %T", s.Name, op.Name, row.NewInput(), op.NewInput())
			}
		}
	}
}

// TestCoveragePage: docs/coverage.md is what the tables say now.
func TestCoveragePage(t *testing.T) {
	var want bytes.Buffer
	if err := WriteCoverage(&want, Tables()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/coverage.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want.String() {
		t.Error("docs/coverage.md is out of date: stepwell services --markdown > docs/coverage.md")
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		options Options
		auth    bool
		fault   string
	}{
		{options: Options{Listen: "127.0.0.1:1", Redshift: "[::1]:2"}},
		{options: Options{Listen: "localhost:1", Redshift: "127.0.0.1:2", Auth: true}, auth: true},
		{options: Options{Listen: "0.0.0.0:1", Redshift: "127.0.0.1:2"}, auth: true, fault: "without TLS"},
		{options: Options{Listen: "127.0.0.1:1", Redshift: ":2", Insecure: true}, auth: true},
		{options: Options{Listen: "nonsense", Redshift: "127.0.0.1:2"}, fault: "cannot listen"},
		{options: Options{Listen: "127.0.0.1:1", Redshift: "127.0.0.1:2", TLSCert: "x"}, fault: "go together"},
		{options: Options{Listen: "127.0.0.1:1", Redshift: "127.0.0.1:2", RedshiftMemory: "1.5GiB"}},
		{options: Options{Listen: "127.0.0.1:1", Redshift: "127.0.0.1:2", RedshiftMemory: "half"}, fault: "it is a size"},
	} {
		err := c.options.complete()
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%+v: %v, want %q", c.options, err, c.fault)
		}
		if err == nil && c.options.Auth != c.auth {
			t.Errorf("%+v: auth %v", c.options, c.options.Auth)
		}
	}
	for text, ok := range map[string]bool{"a:b": true, "a:b:123456789012": true, "a": false, "a:b:12": false, ":b": false} {
		if _, err := (&Options{Credentials: []string{text}}).credentials(); (err == nil) != ok {
			t.Errorf("credentials %q: %v", text, err)
		}
	}
}
