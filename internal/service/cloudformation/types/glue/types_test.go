package gluetype

import (
	"testing"

	"stepwell/internal/service/glue"
	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{Service: "glue", Types: Types(), Build: func(_ *testing.T, p opscript.Parts) {
		p.Bus.Register(glue.New(glue.Deps{Store: p.Store, Clock: p.Clock, Bus: p.Bus, IDs: p.IDs, Work: p.Work, Log: p.Log,
			Seal: opscript.Seal, Unseal: opscript.Unseal}).Table())
	}}.Run(t)
}
