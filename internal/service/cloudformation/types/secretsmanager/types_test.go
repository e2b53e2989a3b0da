package secretsmanagertype

import (
	"regexp"
	"testing"

	"stepwell/internal/service/secretsmanager"
	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{
		Service: "secretsmanager", Types: Types(),
		Hide: regexp.MustCompile(`-[A-Za-z0-9]{6}\b["\\ }{]|\\"password\\":\\"[a-z]{20}\\"|"VersionId":"[^"]*"`),
		Build: func(t *testing.T, p opscript.Parts) {
			sealer, err := secretsmanager.NewSealer(t.TempDir() + "/key")
			if err != nil {
				t.Fatal(err)
			}
			p.Bus.Register(secretsmanager.New(secretsmanager.Deps{Store: p.Store, Clock: p.Clock, IDs: p.IDs, Log: p.Log, Seal: sealer}).Table())
		},
	}.Run(t)
}
