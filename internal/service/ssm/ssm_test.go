package ssm

import (
	"testing"

	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{Service: "ssm", Build: func(_ *testing.T, p opscript.Parts) {
		p.Bus.Register(New(Deps{Store: p.Store, Clock: p.Clock, Bus: p.Bus, Seal: opscript.Seal, Unseal: opscript.Unseal}).Table())
	}}.Run(t)
}
