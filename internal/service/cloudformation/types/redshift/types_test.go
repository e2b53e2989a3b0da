package redshifttype

import (
	"context"
	"regexp"
	"slices"
	"testing"

	"stepwell/internal/clock"
	"stepwell/internal/service/cloudformation/resource"
	serverlesstype "stepwell/internal/service/cloudformation/types/redshiftserverless"
	secretstype "stepwell/internal/service/cloudformation/types/secretsmanager"
	"stepwell/internal/service/redshift"
	"stepwell/internal/service/redshiftserverless"
	"stepwell/internal/service/secretsmanager"
	"stepwell/internal/work"
	"stepwell/test/opscript"
)

// TestScripts runs what has an endpoint in Redshift, and the secrets attached to
// it. Passing states end by a clock that jumps to what is due.
func TestScripts(t *testing.T) {
	skip := clock.New(0)
	at := func(f func(context.Context, *resource.Request) (*resource.Made, error)) func(context.Context, *resource.Request) (*resource.Made, error) {
		return func(ctx context.Context, r *resource.Request) (*resource.Made, error) {
			r.Clock = skip
			return f(ctx, r)
		}
	}
	types := slices.Concat(Types(), serverlesstype.Types(), secretstype.Types())
	for i := range types {
		types[i].Create, types[i].Update = at(types[i].Create), at(types[i].Update)
	}
	opscript.Suite{
		Service: "redshift", Types: types,
		Hide: regexp.MustCompile(`secret:[A-Za-z0-9!-]+|(namespace|workgroup)[:/][0-9a-f-]{36}|"[0-9a-f]{8}-[0-9a-f-]{27}"|20[0-9]{2}-[0-9]{2}-[0-9T:.-]+Z`),
		Build: func(t *testing.T, p opscript.Parts) {
			sealer, err := secretsmanager.NewSealer(t.TempDir() + "/key")
			if err != nil {
				t.Fatal(err)
			}
			engine := work.New(p.Store, skip, p.Log)
			r := redshift.New(redshift.Deps{Store: p.Store, Clock: skip, Bus: p.Bus, IDs: p.IDs, Work: engine, Log: p.Log, Host: "127.0.0.1", Port: 5439})
			s := redshiftserverless.New(redshiftserverless.Deps{Store: p.Store, Clock: skip, Bus: p.Bus, IDs: p.IDs, Work: engine, Host: "127.0.0.1", Port: 5439})
			r.Register(engine)
			s.Register(engine)
			p.Bus.Register(r.Table())
			p.Bus.Register(s.Table())
			p.Bus.Register(secretsmanager.New(secretsmanager.Deps{Store: p.Store, Clock: p.Clock, IDs: p.IDs, Log: p.Log, Seal: sealer}).Table())
			ctx, cancel := context.WithCancelCause(context.Background())
			if err := engine.Start(ctx); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				cancel(work.ErrStopped)
				engine.Wait()
			})
		},
	}.Run(t)
}
