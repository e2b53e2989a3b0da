package cloudwatchtype

import (
	"testing"

	"stepwell/internal/service/cloudwatch"
	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{Service: "monitoring", Types: Types(), Build: func(_ *testing.T, p opscript.Parts) {
		s := cloudwatch.New(cloudwatch.Deps{Store: p.Store, Clock: p.Clock, Bus: p.Bus, Work: p.Work, Log: p.Log})
		s.Register(p.Work)
		p.Bus.Register(s.Table())
	}}.Run(t)
}
