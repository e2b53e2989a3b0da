package project

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"stepwell/internal/diag"
	"stepwell/internal/remote"
)

// child returns the value under a mapping's key or at a sequence's index.
func child(n *yaml.Node, path ...any) *yaml.Node {
	for _, p := range path {
		switch p := p.(type) {
		case int:
			n = n.Content[p]
		case string:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == p {
					n = n.Content[i+1]
					break
				}
			}
		}
	}
	return n
}

// check finds what is well formed and yet cannot run: references to names that
// are not declared, and expectations without a kind or with two.
func (d *decoder) check(f *File, root *yaml.Node) {
	var machines, topics []string
	for _, m := range f.StateMachines {
		machines = append(machines, m.Name)
	}
	for _, t := range f.Topics {
		topics = append(topics, t.Name)
	}
	d.unique(root, "buckets", len(f.Buckets), func(i int) string { return f.Buckets[i].Name })
	d.unique(root, "secrets", len(f.Secrets), func(i int) string { return f.Secrets[i].Name })
	d.unique(root, "topics", len(f.Topics), func(i int) string { return f.Topics[i].Name })
	d.unique(root, "jobs", len(f.Jobs), func(i int) string { return f.Jobs[i].Name })
	d.unique(root, "state-machines", len(f.StateMachines), func(i int) string { return f.StateMachines[i].Name })

	for name, c := range f.Clusters {
		if _, err := remote.Parse(c.Redshift.binding(nil, "").String()); err != nil {
			d.fail(child(root, "clusters", name), "binding", "%v", err)
		}
	}
	buckets := map[string]bool{}
	for _, b := range f.Buckets {
		buckets[b.Name] = true
	}
	for i, j := range f.Jobs {
		at := child(root, "jobs", i, "script")
		rest, ok := strings.CutPrefix(j.Script, "s3://")
		bucket, key, _ := strings.Cut(rest, "/")
		switch {
		case !ok || key == "":
			d.fail(at, "location", "script must be s3://bucket/key")
		case !buckets[bucket]:
			d.fail(at, "reference", "no bucket %q is declared", bucket).Suggestion = diag.Nearest(bucket, slices.Collect(maps.Keys(buckets)))
		}
	}
	for _, b := range f.Buckets {
		if b.ofStack() && f.Template == nil {
			d.fail(child(root, "buckets"), "reference", "%s: there is no template whose output it could be", b.Name)
		}
	}
	open := f.Template != nil // the stack may have more, which its deployment tells
	d.checkRun(root, f.Start, f.Expect, machines, topics, open)
	for name, v := range f.Variants {
		at := child(root, "variants", name)
		if v.Template == nil && (v.Buckets != nil || v.Databases != nil) {
			d.fail(at, "reference", "a variant has buckets and databases with a template only")
		}
		d.checkRun(at, v.Start, v.Expect, machines, topics, open || v.Template != nil)
	}
}

func (d *decoder) checkRun(at *yaml.Node, starts []Start, expect []Expectation, machines, topics []string, open bool) {
	for i, s := range starts {
		if !open && !slices.Contains(machines, s.StateMachine) {
			d.fail(child(at, "start", i, "state-machine"), "reference", "no state machine %q is declared",
				s.StateMachine).Suggestion = diag.Nearest(s.StateMachine, machines)
		}
	}
	for i, e := range expect {
		n := child(at, "expect", i)
		if e.kinds() != 1 {
			d.fail(n, "expectation", "an expectation has one of execution, sql, object and notification; this one has %d", e.kinds())
		}
		if e.SQL != "" && e.Rows == nil {
			d.fail(n, "expectation", "sql expects rows")
		}
		if t := e.Notification; t != nil && !open && !slices.Contains(topics, t.Topic) {
			d.fail(child(n, "notification", "topic"), "reference", "no topic %q is declared",
				t.Topic).Suggestion = diag.Nearest(t.Topic, topics)
		}
	}
}

func (e Expectation) kinds() int {
	n := 0
	for _, given := range []bool{e.Execution != "", e.SQL != "", e.Object != "", e.Notification != nil} {
		if given {
			n++
		}
	}
	return n
}

func (d *decoder) unique(root *yaml.Node, list string, count int, name func(int) string) {
	seen := map[string]bool{}
	for i := range count {
		if seen[name(i)] {
			d.fail(child(root, list, i, "name"), "twice", "%s has two entries named %q", list, name(i))
		}
		seen[name(i)] = true
	}
}
