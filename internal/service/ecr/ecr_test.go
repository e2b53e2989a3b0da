package ecr

import (
	"testing"

	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{Service: "ecr", Build: func(_ *testing.T, p opscript.Parts) {
		p.Bus.Register(New(Deps{Store: p.Store, Clock: p.Clock}).Table())
	}}.Run(t)
}
