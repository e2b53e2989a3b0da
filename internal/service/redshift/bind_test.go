package redshift

import (
	"fmt"
	"strings"
	"testing"
)

func TestBoundClusters(t *testing.T) {
	dir := t.TempDir()
	s := newServer(t, dir)
	arn := "arn:aws:redshift:us-east-1:123456789012:cluster:"
	if err := s.Bind(s.ctx, "prod", "example.com:5440,secret=prod,dbname=sales,user=etl"); err != nil {
		t.Fatal(err)
	}
	s = newServer(t, dir) // a binding outlives the server
	grant := func(l Login) string {
		g, err := s.ClusterFor(s.ctx, l)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s %s %s %v [%s]", g.Cluster, g.Database, g.User, g.Master, g.Binding)
	}
	const standard = "; stepwell available dev awsuser 127.0.0.1:5439"
	const text = "host=example.com port=5440 dbname=sales user=etl secret=prod"
	for _, c := range []struct{ op, in, got, want string }{
		{"", "", s.clusters(t), "prod available sales etl 127.0.0.1:5439" + standard},
		{"", "", grant(Login{Database: "sales"}), "prod sales awsuser false [" + text + "]"},
		{"", "", grant(Login{Database: "sales", User: "etl"}), "prod sales etl true [" + text + "]"},
		{"", "", grant(Login{Database: "other", User: "bi", Cluster: "prod"}), "prod other bi false [" + text + "]"},
		{"", "", grant(Login{Database: "dev"}), "stepwell dev awsuser true []"},
		{"CreateTags", `{"ResourceName":"` + arn + `prod","Tags":[{"Key":"stepwell:redshift","Value":"example.com"}]}`, "",
			"InvalidTagFault: stepwell:redshift: cannot bind a cluster without secret=NAME: its user and password are kept there"},
		{"CreateCluster", `{"ClusterIdentifier":"bad","NodeType":"ra3.large","MasterUsername":"admin","MasterUserPassword":"Secret123","Tags":[{"Key":"stepwell:redshift","Value":"port=x"}]}`, "",
			`InvalidTagFault: stepwell:redshift: cannot bind a cluster to port "x"`},
		{"CreateTags", `{"ResourceName":"` + arn + `stepwell","Tags":[{"Key":"stepwell:redshift","Value":"secret=s"}]}`, "", "{}"},
		{"DeleteTags", `{"ResourceName":"` + arn + `prod","TagKeys":["stepwell:redshift"]}`, "", "{}"},
	} {
		if c.op != "" {
			c.got = s.run(t, c.op, c.in)
		}
		if c.got != c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.op, c.in, c.got, c.want)
		}
	}
	if got := grant(Login{}); got != "stepwell dev awsuser true [secret=s]" {
		t.Errorf("the default cluster, bound: %s", got)
	}
	if got := s.clusters(t); !strings.HasPrefix(got, "prod available dev awsuser") {
		t.Errorf("unbound: %s", got)
	}
	if err := s.Bind(s.ctx, "No Name", "secret=s"); err == nil {
		t.Error("a name that is none was bound")
	}
}
