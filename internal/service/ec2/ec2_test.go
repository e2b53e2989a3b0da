package ec2

import (
	"testing"

	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{Service: "ec2", Build: func(_ *testing.T, p opscript.Parts) {
		p.Bus.Register(New(Deps{Store: p.Store, Clock: p.Clock, IDs: p.IDs}).Table())
	}}.Run(t)
}
