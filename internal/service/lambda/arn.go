package lambda

import (
	"context"
	"strings"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// ref names a function, and one of its versions or aliases where Qualifier is set.
type ref struct {
	scope
	Name, Qualifier string
}

// refer reads FunctionName in its forms: NAME, ACCOUNT:function:NAME or an ARN,
// each with a qualifier behind it or not, and the parameter Qualifier.
func refer(ctx context.Context, name string, qualifier *string) (ref, error) {
	c := bus.From(ctx)
	r := ref{scope: scope{c.Account, c.Region}}
	rest := name
	if a, ok := bus.ParseARN(name); ok {
		if a.Service != "lambda" || !strings.HasPrefix(a.Resource, "function:") {
			return r, invalid("Invalid ARN: %s", name)
		}
		r.scope, rest = scope{a.Account, a.Region}, strings.TrimPrefix(a.Resource, "function:")
	} else if account, tail, ok := strings.Cut(name, ":function:"); ok {
		r.Account, rest = account, tail
	} else {
		rest = strings.TrimPrefix(rest, "function:")
	}
	r.Name, r.Qualifier, _ = strings.Cut(rest, ":")
	if q := value(qualifier); q != "" {
		if r.Qualifier != "" && r.Qualifier != q {
			return r, invalid("The derived qualifier from the function name does not match the specified qualifier.")
		}
		r.Qualifier = q
	}
	return r, nil
}

// unqualified is the ARN of the function.
func (r ref) unqualified() string { return r.scope.arn("function:" + r.Name) }

// arn is the ARN as it was asked for.
func (r ref) arn() string {
	if r.Qualifier == "" {
		return r.unqualified()
	}
	return r.unqualified() + ":" + r.Qualifier
}

// find reads the version that r names; an alias is followed, by the roll of
// dice where it stands for two.
func find(tx *store.Tx, r ref, roll func() float64) (*function, error) {
	version := r.Qualifier
	if version == "" {
		version = latest
	}
	f, there, err := functions.Get(tx, r.key(r.Name, versionKey(version))...)
	if err != nil || there {
		return &f, err
	}
	a, there, err := aliases.Get(tx, r.key(r.Name, version)...)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, functionNotFound(r)
	}
	f, there, err = functions.Get(tx, r.key(r.Name, versionKey(routed(&a, roll)))...)
	if err == nil && !there {
		err = functionNotFound(r)
	}
	return &f, err
}

// routed is the version that an alias stands for this time.
func routed(a *api.AliasConfiguration, roll func() float64) string {
	if a.RoutingConfig == nil || roll == nil {
		return *a.FunctionVersion
	}
	dice := roll()
	for version, weight := range a.RoutingConfig.AdditionalVersionWeights {
		if dice < weight {
			return version
		}
		dice -= weight
	}
	return *a.FunctionVersion
}
