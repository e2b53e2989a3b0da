package server

import "testing"

func TestRoutable(t *testing.T) {
	models := append(Models(), foreign()...)
	for name, want := range map[string]string{
		"redshift-data": "true",
		"dynamodb":      "true",
		"athena":        "false",
		"ecs":           "false",
		"redshiftdata":  `cannot route "redshiftdata": its name here is "redshift-data"`,
		"sfn":           `cannot route "sfn": its name here is "states"`,
		"stepfunctions": `cannot route "stepfunctions": its name here is "states"`,
		"secretmanager": `cannot route "secretmanager": there is no such service; did you mean "secretsmanager"?`,
	} {
		known, err := routable(models, name)
		got := map[bool]string{true: "true", false: "false"}[known]
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
