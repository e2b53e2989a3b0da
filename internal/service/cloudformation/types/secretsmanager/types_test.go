package secretsmanagertype

import (
	"context"
	"regexp"
	"testing"

	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/bus"
	"stepwell/internal/service/secretsmanager"
	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{
		Service: "secretsmanager", Types: Types(),
		Hide: regexp.MustCompile(`-[A-Za-z0-9]{6}\b["\\ }{]|\\"password\\":\\"[a-z]{20}\\"|"VersionId":"[^"]*"|"VersionIdsToStages":\{[^}]*\}`),
		Build: func(t *testing.T, p opscript.Parts) {
			sealer, err := secretsmanager.NewSealer(t.TempDir() + "/key")
			if err != nil {
				t.Fatal(err)
			}
			s := secretsmanager.New(secretsmanager.Deps{Store: p.Store, Clock: p.Clock, IDs: p.IDs, Log: p.Log, Seal: sealer, Bus: p.Bus, Work: p.Work})
			s.Register(p.Work)
			p.Bus.Register(s.Table())
			p.Bus.Register(&bus.Service{Name: "lambda", Operations: []bus.Operation{
				bus.Op("GetFunctionConfiguration", func(context.Context, *lambda.GetFunctionConfigurationInput) (*lambda.GetFunctionConfigurationOutput, error) {
					return &lambda.GetFunctionConfigurationOutput{}, nil
				})}})
		},
	}.Run(t)
}
