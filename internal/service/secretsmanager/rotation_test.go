package secretsmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi/lambda"
	api "stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/internal/work"
)

// rotator is a rotation function as AWS's templates are: it looks at the
// version before it acts.
type rotator struct {
	b     *bus.Bus
	steps []string
	fail  map[string]int // by step: how often it fails still
}

func (r *rotator) invoke(ctx context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
	var event struct{ Step, SecretId, ClientRequestToken string }
	if err := json.Unmarshal(in.Payload, &event); err != nil {
		return nil, err
	}
	r.steps = append(r.steps, event.Step)
	if r.fail[event.Step] > 0 {
		r.fail[event.Step]--
		return &lambda.InvokeOutput{FunctionError: new("Unhandled"), Payload: []byte(`{"errorMessage":"no"}`)}, nil
	}
	id, token := &event.SecretId, &event.ClientRequestToken
	secret, err := bus.Invoke[api.DescribeSecretOutput](ctx, r.b, "secretsmanager", "DescribeSecret", &api.DescribeSecretInput{SecretId: id})
	if err != nil {
		return nil, err
	}
	labels := strings.Join(secret.VersionIdsToStages[*token], ",")
	switch event.Step {
	case "createSecret":
		_, err = bus.Invoke[api.GetSecretValueOutput](ctx, r.b, "secretsmanager", "GetSecretValue", &api.GetSecretValueInput{SecretId: id, VersionId: token, VersionStage: new(pending)})
		if err == nil {
			return &lambda.InvokeOutput{}, nil // made by an earlier attempt
		}
		if labels != pending || !strings.HasPrefix(err.Error(), "ResourceNotFoundException") {
			return nil, fmt.Errorf("%s: %w", labels, err)
		}
		_, err = r.b.Invoke(ctx, "secretsmanager", "PutSecretValue", &api.PutSecretValueInput{SecretId: id, ClientRequestToken: token, SecretString: new("new"), VersionStages: []string{pending}})
	case "finishSecret":
		var was *string
		for version, stages := range secret.VersionIdsToStages {
			if strings.Contains(strings.Join(stages, ","), current) {
				was = &version
			}
		}
		_, err = r.b.Invoke(ctx, "secretsmanager", "UpdateSecretVersionStage", &api.UpdateSecretVersionStageInput{SecretId: id, VersionStage: new(current), MoveToVersionId: token, RemoveFromVersionId: was})
	}
	return &lambda.InvokeOutput{}, err
}

func TestRotation(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	sealer, err := NewSealer(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := clock.NewManual(start)
	b, log := bus.New(), slog.New(slog.DiscardHandler)
	engine := work.New(st, at, log)
	s := New(Deps{Store: st, Clock: at, IDs: bus.RandomIDs{}, Log: log, Seal: sealer, Bus: b, Work: engine})
	s.Register(engine)
	b.Register(s.Table())
	r := &rotator{b: b, fail: map[string]int{}}
	b.Register(&bus.Service{Name: "lambda", Operations: []bus.Operation{bus.Op("Invoke", r.invoke),
		bus.Op("GetFunctionConfiguration", func(_ context.Context, in *lambda.GetFunctionConfigurationInput) (*lambda.GetFunctionConfigurationOutput, error) {
			if *in.FunctionName != "f" {
				return nil, lambda.ResourceNotFoundException("Function not found: %s", *in.FunctionName)
			}
			return &lambda.GetFunctionConfigurationOutput{}, nil
		})}})
	// The engine is not started: tasks are run here, in their turn.
	ctx, tasks := t.Context(), store.NewTable[work.Task]("work_tasks")
	run := func() {
		t.Helper()
		for {
			var due []work.Task
			err := st.Update(ctx, func(tx *store.Tx) error {
				all, err := tasks.List(tx)
				for _, task := range all {
					if !task.RunAt.After(at.Now()) {
						due = append(due, task)
						if _, err := tasks.Delete(tx, task.Kind, task.ID); err != nil {
							return err
						}
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(due) == 0 {
				return
			}
			for i := range due {
				if err := s.rotate(bus.With(ctx, due[i].Caller), &due[i]); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if _, err := b.Invoke(ctx, "secretsmanager", "CreateSecret", &api.CreateSecretInput{Name: new("s"), SecretString: new("old")}); err != nil {
		t.Fatal(err)
	}
	rotate := func(in api.RotateSecretInput) string {
		in.SecretId = new("s")
		if _, err := b.Invoke(ctx, "secretsmanager", "RotateSecret", &in); err != nil {
			return err.Error()
		}
		return ""
	}
	days := &api.RotationRulesType{AutomaticallyAfterDays: new(int64(30))}
	for _, c := range []struct {
		in   api.RotateSecretInput
		want string
	}{
		{api.RotateSecretInput{}, "InvalidRequestException: No Lambda rotation function ARN is associated with this secret."},
		{api.RotateSecretInput{RotationLambdaARN: new("none")}, "AccessDeniedException: Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com."},
		{api.RotateSecretInput{RotationRules: &api.RotationRulesType{ScheduleExpression: new("rate(1 hour)")}}, "InvalidParameterException: The ScheduleExpression value is invalid."},
		{api.RotateSecretInput{RotationRules: &api.RotationRulesType{ScheduleExpression: new("rate(4 hours)"), AutomaticallyAfterDays: new(int64(3))}}, "InvalidParameterException: You can't specify both AutomaticallyAfterDays and ScheduleExpression."},
		{api.RotateSecretInput{RotationLambdaARN: new("f"), RotationRules: days}, ""},
	} {
		if got := rotate(c.in); got != c.want {
			t.Errorf("%+v: %s", c.in, got)
		}
	}
	// state is the current value, the steps since the last call, and the dates as days.
	state := func() string {
		v, err := bus.Invoke[api.GetSecretValueOutput](ctx, b, "secretsmanager", "GetSecretValue", &api.GetSecretValueInput{SecretId: new("s")})
		if err != nil {
			t.Fatal(err)
		}
		d, err := bus.Invoke[api.DescribeSecretOutput](ctx, b, "secretsmanager", "DescribeSecret", &api.DescribeSecretInput{SecretId: new("s")})
		if err != nil {
			t.Fatal(err)
		}
		dates := ""
		for _, at := range []*time.Time{d.LastRotatedDate, d.NextRotationDate} {
			if at != nil {
				dates += fmt.Sprintf(" %.2f", at.Sub(start).Hours()/24)
			} else {
				dates += " -"
			}
		}
		said := fmt.Sprintf("%s %v%s [%s]", *v.SecretString, *d.RotationEnabled, dates, strings.Join(r.steps, " "))
		r.steps = nil
		return said
	}
	for i, c := range []struct {
		do   func()
		want string
	}{
		{func() {}, "old true - 30.00 []"},
		{run, "new true 0.00 30.00 [createSecret setSecret testSecret finishSecret]"},
		{func() { at.Advance(29 * day); run() }, "new true 0.00 30.00 []"},
		{func() { r.fail["setSecret"] = 2; at.Advance(day); run() }, "new true 0.00 60.00 [createSecret setSecret]"},
		{func() { at.Advance(rotationPause); run() }, "new true 0.00 60.00 [createSecret setSecret]"},
		{func() { at.Advance(2 * rotationPause); run() }, "new true 30.00 60.00 [createSecret setSecret testSecret finishSecret]"},
		{func() { rotate(api.RotateSecretInput{RotateImmediately: new(false)}); run() }, "new true 30.00 60.00 [testSecret]"},
		{func() { r.fail["createSecret"] = 5; rotate(api.RotateSecretInput{}); at.Advance(time.Hour); run() }, "new true 30.00 60.00 [createSecret]"},
		{func() {
			for range 6 {
				at.Advance(time.Hour)
				run()
			}
		}, "new true 30.00 60.00 [createSecret createSecret createSecret createSecret]"},
		{func() {
			rotate(api.RotateSecretInput{RotationRules: &api.RotationRulesType{ScheduleExpression: new("rate(4 hours)")}})
			run()
		},
			"new true 30.29 30.46 [createSecret setSecret testSecret finishSecret]"},
		{func() { at.Advance(4 * time.Hour); run() }, "new true 30.46 30.63 [createSecret setSecret testSecret finishSecret]"},
		{func() {
			if _, err := b.Invoke(ctx, "secretsmanager", "CancelRotateSecret", &api.CancelRotateSecretInput{SecretId: new("s")}); err != nil {
				t.Error(err)
			}
			at.Advance(90 * day)
			run()
		}, "new false 30.46 - []"},
	} {
		c.do()
		if got := state(); got != c.want {
			t.Errorf("%d: got  %s\nwant %s", i, got, c.want)
		}
	}
}
