package redshiftserverless

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"stepwell/internal/work"
	"stepwell/test/opscript"
)

// clusters tells what the service tells the warehouse.
type clusters struct{ said []string }

func (c *clusters) CreateCluster(_ context.Context, account, region, cluster, database, user string) error {
	c.said = append(c.said, strings.Join([]string{"create", account, region, cluster, database, user}, " "))
	return nil
}

func (c *clusters) DropCluster(_ context.Context, account, region, cluster string) error {
	c.said = append(c.said, strings.Join([]string{"drop", account, region, cluster}, " "))
	return nil
}

func TestScripts(t *testing.T) {
	var c clusters
	var engine *work.Engine
	opscript.Suite{
		Service: "redshift-serverless",
		Hide:    regexp.MustCompile(`"DbPassword":"[^"]*"`),
		Call:    map[string]func(string) string{"settle": func(string) string { engine.Wait(); return "" }},
		Build: func(_ *testing.T, p opscript.Parts) {
			s := New(Deps{Store: p.Store, Clock: p.Clock, Bus: p.Bus, IDs: p.IDs, Work: p.Work, Host: "127.0.0.1", Port: 5439, Warehouse: &c})
			s.Register(p.Work)
			engine = p.Work
			p.Bus.Register(s.Table())
		},
	}.Run(t)
	want := "create 123456789012 us-east-1 serverless.etl sales boss\ndrop 123456789012 us-east-1 serverless.etl"
	if got := strings.Join(c.said, "\n"); got != want {
		t.Errorf("the warehouse was told\n%s\nwant\n%s", got, want)
	}
}
