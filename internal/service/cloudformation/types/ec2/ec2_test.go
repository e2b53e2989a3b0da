package ec2type

import (
	"testing"

	"stepwell/internal/service/ec2"
	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{Service: "ec2", Types: Types(), Build: func(_ *testing.T, p opscript.Parts) {
		p.Bus.Register(ec2.New(ec2.Deps{Store: p.Store, Clock: p.Clock, IDs: p.IDs}).Table())
	}}.Run(t)
}
