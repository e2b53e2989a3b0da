package ecrtype

import (
	"testing"

	"stepwell/internal/service/ecr"
	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{Service: "ecr", Types: Types(), Build: func(_ *testing.T, p opscript.Parts) {
		p.Bus.Register(ecr.New(ecr.Deps{Store: p.Store, Clock: p.Clock}).Table())
	}}.Run(t)
}
