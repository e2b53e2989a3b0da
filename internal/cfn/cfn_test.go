package cfn

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stepwell/internal/diag"
)

var rewrite = flag.Bool("rewrite", false, "write what the templates answer into testdata")

// The files hold cases of the form
//
//	== name [parameter=value ...]
//	template
//	----
//	the diagnostics, or what conditions, resources and outputs come to
func TestTemplates(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, c := range strings.Split("\n"+string(b), "\n== ")[1:] {
			head, rest, _ := strings.Cut(c, "\n")
			template, want, _ := strings.Cut(rest, "\n----\n")
			got := answer(template+"\n", strings.Fields(head)[1:])
			if strings.TrimSpace(got) != strings.TrimSpace(want) && !*rewrite {
				t.Errorf("%s: %s\ngot\n%s\nwant\n%s", file, head, got, want)
			}
			fmt.Fprintf(&out, "== %s\n%s\n----\n%s\n", head, template, got)
		}
		if *rewrite {
			if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func answer(text string, given []string) string {
	var out strings.Builder
	values := map[string]string{}
	for _, g := range given {
		if name, value, ok := strings.Cut(g, "="); ok {
			values[name] = value
		}
	}
	t, found := Parse(text, Surroundings{Values: values})
	diag.Render(&out, "template", text, found)
	if found.HasErrors() {
		return out.String()
	}
	if err := evaluateAll(&out, t, values); err != nil {
		fmt.Fprintf(&out, "error: %v\n", err)
	}
	return out.String()
}

func evaluateAll(out *strings.Builder, t *Template, given map[string]string) error {
	values, err := t.Values(given, func(name string) (string, error) { return "value of " + name, nil })
	if err != nil {
		return err
	}
	v := t.Evaluator(&Env{
		Account: "123456789012", Region: "eu-west-1", Partition: "aws", URLSuffix: "amazonaws.com", StackName: "trial",
		StackID: "arn:aws:cloudformation:eu-west-1:123456789012:stack/trial/1", Zones: []string{"eu-west-1a", "eu-west-1b"}, Parameters: values,
		Ref:    func(r string) (any, error) { return "ref-of-" + r, nil },
		GetAtt: func(r, a string) (any, error) { return r + "/" + a, nil },
		Import: func(name string) (string, error) {
			if name == "missing" {
				return "", fmt.Errorf("No export named %s found.", name)
			}
			return "imported " + name, nil
		},
	})
	if err := v.Assert(); err != nil {
		return err
	}
	for _, r := range t.Order() {
		is, err := v.Holds(r.Condition)
		if err != nil {
			return err
		}
		if !is {
			fmt.Fprintf(out, "%s is left out\n", r.Name)
			continue
		}
		p, err := v.Properties(r)
		if err != nil {
			return err
		}
		b, err := json.Marshal(p)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s %s %s", r.Name, r.Type, b)
		if needs := t.Needs(r); len(needs) > 0 {
			fmt.Fprintf(out, " after %s", strings.Join(needs, " "))
		}
		out.WriteString("\n")
	}
	for _, o := range t.Outputs {
		if is, err := v.Holds(o.Condition); err != nil || !is {
			continue
		}
		s, err := v.Text(o.Value)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "output %s = %s\n", o.Name, s)
	}
	return nil
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"functions.txt", "faults.txt"} {
		b, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range strings.Split("\n"+string(b), "\n== ")[1:] {
			_, rest, _ := strings.Cut(c, "\n")
			template, _, _ := strings.Cut(rest, "\n----\n")
			f.Add(template)
		}
	}
	f.Fuzz(func(t *testing.T, text string) { answer(text, nil) })
}
