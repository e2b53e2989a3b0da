package ssmtype

import (
	"testing"

	"stepwell/internal/service/ssm"
	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{Service: "ssm", Types: Types(), Build: func(_ *testing.T, p opscript.Parts) {
		p.Bus.Register(ssm.New(ssm.Deps{Store: p.Store, Clock: p.Clock, Bus: p.Bus, Seal: opscript.Seal, Unseal: opscript.Unseal}).Table())
	}}.Run(t)
}
