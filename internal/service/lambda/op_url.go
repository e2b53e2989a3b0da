package lambda

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/store"
)

// functionURL is the URL of a function or alias. Its host name follows from ID.
type functionURL struct {
	scope
	Name, Qualifier string
	ID              string
	AuthType        string
	Cors            *api.Cors `json:",omitempty"`
	Created         time.Time
	Modified        time.Time
}

// Auth types of function URLs.
const (
	authNone = "NONE"
	authIAM  = "AWS_IAM"
)

func (u *functionURL) ref() ref      { return ref{u.scope, u.Name, u.Qualifier} }
func (u *functionURL) key() []string { return u.scope.key(u.Name, qualifierKey(u.Qualifier)) }

// address is where the URL is reached on this machine: names below localhost are the
// machine itself.
func (s *Service) address(u *functionURL) string {
	endpoint, err := url.Parse(s.EndpointURL())
	if err != nil {
		endpoint = &url.URL{Scheme: "http"}
	}
	host := fmt.Sprintf("%s.%s.%s.localhost", u.ID, urlLabel, u.Region)
	if port := endpoint.Port(); port != "" {
		host += ":" + port
	}
	return endpoint.Scheme + "://" + host + "/"
}

// stampURL is a time as the operations here show it.
func stampURL(t time.Time) *string { return new(t.UTC().Format("2006-01-02T15:04:05.000000Z")) }

func (s *Service) shown(u *functionURL) *api.GetFunctionUrlConfigOutput {
	return &api.GetFunctionUrlConfigOutput{FunctionUrl: new(s.address(u)), FunctionArn: new(u.ref().arn()), AuthType: &u.AuthType, Cors: u.Cors,
		InvokeMode: new("BUFFERED"), CreationTime: stampURL(u.Created), LastModifiedTime: stampURL(u.Modified)}
}

// checkURL refuses what cannot be had, and drops a Cors without members.
func checkURL(mode *string, cors *api.Cors) (*api.Cors, error) {
	if m := value(mode); m != "" && m != "BUFFERED" {
		return nil, notImplemented("function URLs with the invoke mode %s", m)
	}
	if cors == nil || cors.AllowCredentials == nil && cors.MaxAge == nil &&
		len(cors.AllowHeaders)+len(cors.AllowMethods)+len(cors.AllowOrigins)+len(cors.ExposeHeaders) == 0 {
		return nil, nil
	}
	return cors, nil
}

func (s *Service) createFunctionURLConfig(ctx context.Context, r *api.CreateFunctionUrlConfigInput) (*api.CreateFunctionUrlConfigOutput, error) {
	to, err := refer(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	cors, err := checkURL(r.InvokeMode, r.Cors)
	if err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	u := functionURL{scope: to.scope, Name: to.Name, Qualifier: to.Qualifier, ID: s.IDs.Hex(16), AuthType: *r.AuthType, Cors: cors, Created: now, Modified: now}
	if err := s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, to, nil); err != nil {
			return err
		}
		if _, there, err := urls.Get(tx, u.key()...); err != nil || there {
			if err == nil {
				err = user(api.ResourceConflictException("Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig exists for this Lambda function", to.arn()))
			}
			return err
		}
		if err := urlsByID.Put(tx, u.key(), u.ID); err != nil {
			return err
		}
		return urls.Put(tx, u, u.key()...)
	}); err != nil {
		return nil, err
	}
	c := s.shown(&u)
	return &api.CreateFunctionUrlConfigOutput{FunctionUrl: c.FunctionUrl, FunctionArn: c.FunctionArn, AuthType: c.AuthType, Cors: c.Cors,
		CreationTime: c.CreationTime, InvokeMode: c.InvokeMode}, nil
}

// findURL reads the URL of what to names.
func findURL(tx *store.Tx, to ref) (functionURL, error) {
	if _, err := find(tx, to, nil); err != nil {
		return functionURL{}, err
	}
	u, there, err := urls.Get(tx, to.key(to.Name, qualifierKey(to.Qualifier))...)
	if err == nil && !there {
		err = layerNotFound()
	}
	return u, err
}

func (s *Service) getFunctionURLConfig(ctx context.Context, r *api.GetFunctionUrlConfigInput) (*api.GetFunctionUrlConfigOutput, error) {
	to, err := refer(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	var u functionURL
	if err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		u, err = findURL(tx, to)
		return err
	}); err != nil {
		return nil, err
	}
	return s.shown(&u), nil
}

func (s *Service) updateFunctionURLConfig(ctx context.Context, r *api.UpdateFunctionUrlConfigInput) (*api.UpdateFunctionUrlConfigOutput, error) {
	to, err := refer(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	cors, err := checkURL(r.InvokeMode, r.Cors)
	if err != nil {
		return nil, err
	}
	var u functionURL
	if err := s.Store.Update(ctx, func(tx *store.Tx) error {
		if u, err = findURL(tx, to); err != nil {
			return err
		}
		if r.AuthType != nil {
			u.AuthType = *r.AuthType
		}
		if r.Cors != nil {
			u.Cors = cors
		}
		u.Modified = s.Clock.Now()
		return urls.Put(tx, u, u.key()...)
	}); err != nil {
		return nil, err
	}
	return (*api.UpdateFunctionUrlConfigOutput)(s.shown(&u)), nil
}

func (s *Service) deleteFunctionURLConfig(ctx context.Context, r *api.DeleteFunctionUrlConfigInput) (*api.DeleteFunctionUrlConfigOutput, error) {
	to, err := refer(ctx, *r.FunctionName, r.Qualifier)
	if err != nil {
		return nil, err
	}
	return &api.DeleteFunctionUrlConfigOutput{}, s.Store.Update(ctx, func(tx *store.Tx) error {
		u, err := findURL(tx, to)
		if err != nil {
			return err
		}
		return forgetURL(tx, u.key())
	})
}

// forgetURL removes the URL with a key, where there is one.
func forgetURL(tx *store.Tx, key []string) error {
	u, there, err := urls.Get(tx, key...)
	if err != nil || !there {
		return err
	}
	if _, err := urlsByID.Delete(tx, u.ID); err != nil {
		return err
	}
	_, err = urls.Delete(tx, key...)
	return err
}

// forgetURLs removes the URLs of a function.
func forgetURLs(tx *store.Tx, of ref) error {
	list, err := urls.List(tx, of.key(of.Name)...)
	if err != nil {
		return err
	}
	for _, u := range list {
		if err := forgetURL(tx, u.key()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) listFunctionURLConfigs(ctx context.Context, r *api.ListFunctionUrlConfigsInput) (*api.ListFunctionUrlConfigsOutput, error) {
	to, err := s.known(ctx, *r.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	out := &api.ListFunctionUrlConfigsOutput{FunctionUrlConfigs: []api.FunctionUrlConfig{}}
	return out, s.Store.View(ctx, func(tx *store.Tx) error {
		list, next, err := page(tx, urls, r.Marker, r.MaxItems, 50, to.key(to.Name)...)
		for i := range list {
			c := s.shown(&list[i])
			out.FunctionUrlConfigs = append(out.FunctionUrlConfigs, api.FunctionUrlConfig{FunctionUrl: c.FunctionUrl, FunctionArn: c.FunctionArn, AuthType: c.AuthType,
				Cors: c.Cors, CreationTime: c.CreationTime, LastModifiedTime: c.LastModifiedTime, InvokeMode: c.InvokeMode})
		}
		out.NextMarker = next
		return err
	})
}

// urlLabel is the second label of function URLs' host names.
const urlLabel = "lambda-url"

// urlID is the id in a host name, ID.lambda-url.REGION.DOMAIN with a port or not.
func urlID(host string) (id string, ok bool) {
	labels := strings.SplitN(strings.ToLower(host), ".", 4)
	if len(labels) < 4 || labels[1] != urlLabel || labels[0] == "" {
		return "", false
	}
	return labels[0], true
}
