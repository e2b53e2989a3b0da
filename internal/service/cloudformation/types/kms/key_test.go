package kmstype

import (
	"testing"

	"stepwell/internal/service/kms"
	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{Service: "kms", Types: Types(), Build: func(_ *testing.T, p opscript.Parts) {
		p.Bus.Register(kms.New(kms.Deps{Store: p.Store, Clock: p.Clock, IDs: p.IDs, Seal: opscript.Seal, Unseal: opscript.Unseal}).Table())
	}}.Run(t)
}
