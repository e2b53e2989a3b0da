package events

import (
	"context"
	"errors"
	"strings"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

func (s *Service) createConnection(ctx context.Context, in *api.CreateConnectionInput) (*api.CreateConnectionOutput, error) {
	cr := &credentials{}
	cr.take(asUpdate(in.AuthParameters))
	if fault := cr.check(*in.AuthorizationType); fault != nil {
		return nil, fault
	}
	if _, err := s.connection(ctx, *in.Name); err == nil {
		return nil, connectionExists(*in.Name)
	}
	caller, now := bus.From(ctx), s.Clock.Now()
	c := connection{
		ARN: s.newARN(caller, "connection", *in.Name), Name: *in.Name, Description: in.Description, State: authorized,
		Type: *in.AuthorizationType, Shown: cr.shown(*in.AuthorizationType), Created: now, Modified: now, Authorized: now,
	}
	if err := s.keep(ctx, &c, cr); err != nil {
		return nil, err
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, ok, err := connections.Get(tx, caller.Account, caller.Region, c.Name); err != nil || ok {
			return errors.Join(err, connectionExists(c.Name))
		}
		return connections.Put(tx, c, caller.Account, caller.Region, c.Name)
	})
	if err != nil {
		return nil, errors.Join(err, s.drop(ctx, &c))
	}
	return &api.CreateConnectionOutput{ConnectionArn: &c.ARN, ConnectionState: &c.State, CreationTime: &c.Created, LastModifiedTime: &c.Modified}, nil
}

// asUpdate gives the parameters of a creation the type of those of an update.
func asUpdate(p *api.CreateConnectionAuthRequestParameters) *api.UpdateConnectionAuthRequestParameters {
	u := &api.UpdateConnectionAuthRequestParameters{InvocationHttpParameters: p.InvocationHttpParameters}
	if k := p.ApiKeyAuthParameters; k != nil {
		u.ApiKeyAuthParameters = (*api.UpdateConnectionApiKeyAuthRequestParameters)(k)
	}
	if b := p.BasicAuthParameters; b != nil {
		u.BasicAuthParameters = (*api.UpdateConnectionBasicAuthRequestParameters)(b)
	}
	if o := p.OAuthParameters; o != nil {
		u.OAuthParameters = &api.UpdateConnectionOAuthRequestParameters{
			ClientParameters:      (*api.UpdateConnectionOAuthClientRequestParameters)(o.ClientParameters),
			AuthorizationEndpoint: o.AuthorizationEndpoint, HttpMethod: o.HttpMethod, OAuthHttpParameters: o.OAuthHttpParameters,
		}
	}
	return u
}

// connection reads the caller's connection of that name.
func (s *Service) connection(ctx context.Context, name string) (c connection, err error) {
	caller := bus.From(ctx)
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		found, ok, err := connections.Get(tx, caller.Account, caller.Region, name)
		if err == nil && !ok {
			return noConnection(name)
		}
		c = found
		return err
	})
	return c, err
}

// put keeps a connection that still is there.
func (s *Service) put(ctx context.Context, c *connection) error {
	caller := bus.From(ctx)
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		old, ok, err := connections.Get(tx, caller.Account, caller.Region, c.Name)
		if err != nil {
			return err
		}
		if !ok || old.ARN != c.ARN {
			return noConnection(c.Name)
		}
		return connections.Put(tx, *c, caller.Account, caller.Region, c.Name)
	})
}

func (s *Service) updateConnection(ctx context.Context, in *api.UpdateConnectionInput) (*api.UpdateConnectionOutput, error) {
	c, err := s.connection(ctx, *in.Name)
	if err != nil {
		return nil, err
	}
	cr, err := s.kept(ctx, &c)
	if err != nil {
		return nil, err
	}
	if in.AuthorizationType != nil && *in.AuthorizationType != c.Type {
		cr, c.Type = &credentials{Invocation: cr.Invocation}, *in.AuthorizationType
	}
	if in.AuthParameters != nil {
		cr.take(in.AuthParameters)
	}
	if fault := cr.check(c.Type); fault != nil {
		return nil, fault
	}
	if err := s.keep(ctx, &c, cr); err != nil {
		return nil, err
	}
	c.Shown, c.Modified = cr.shown(c.Type), s.Clock.Now()
	c.State, c.Authorized, c.Deauthorized = authorized, c.Modified, false
	if in.Description != nil {
		c.Description = in.Description
	}
	if err := s.put(ctx, &c); err != nil {
		return nil, err
	}
	return &api.UpdateConnectionOutput{
		ConnectionArn: &c.ARN, ConnectionState: &c.State, CreationTime: &c.Created, LastModifiedTime: &c.Modified, LastAuthorizedTime: &c.Authorized,
	}, nil
}

func (s *Service) deauthorizeConnection(ctx context.Context, in *api.DeauthorizeConnectionInput) (*api.DeauthorizeConnectionOutput, error) {
	c, err := s.connection(ctx, *in.Name)
	if err != nil {
		return nil, err
	}
	if err := s.drop(ctx, &c); err != nil {
		return nil, err
	}
	c.SecretARN, c.State, c.Deauthorized, c.Modified = "", deauthorized, true, s.Clock.Now()
	if err := s.put(ctx, &c); err != nil {
		return nil, err
	}
	return &api.DeauthorizeConnectionOutput{
		ConnectionArn: &c.ARN, ConnectionState: &c.State, CreationTime: &c.Created, LastModifiedTime: &c.Modified, LastAuthorizedTime: &c.Authorized,
	}, nil
}

func (s *Service) deleteConnection(ctx context.Context, in *api.DeleteConnectionInput) (*api.DeleteConnectionOutput, error) {
	c, err := s.connection(ctx, *in.Name)
	if err != nil {
		return nil, err
	}
	if err := s.drop(ctx, &c); err != nil {
		return nil, err
	}
	caller := bus.From(ctx)
	if err := s.Store.Update(ctx, func(tx *store.Tx) error {
		_, err := connections.Delete(tx, caller.Account, caller.Region, c.Name)
		return err
	}); err != nil {
		return nil, err
	}
	return &api.DeleteConnectionOutput{
		ConnectionArn: &c.ARN, ConnectionState: new("DELETING"), CreationTime: &c.Created, LastModifiedTime: &c.Modified, LastAuthorizedTime: &c.Authorized,
	}, nil
}

func (s *Service) describeConnection(ctx context.Context, in *api.DescribeConnectionInput) (*api.DescribeConnectionOutput, error) {
	c, err := s.connection(ctx, *in.Name)
	if err != nil {
		return nil, err
	}
	out := &api.DescribeConnectionOutput{
		ConnectionArn: &c.ARN, Name: &c.Name, Description: c.Description, ConnectionState: &c.State, StateReason: c.Reason,
		AuthorizationType: &c.Type, AuthParameters: c.Shown, CreationTime: &c.Created, LastModifiedTime: &c.Modified, LastAuthorizedTime: &c.Authorized,
	}
	if c.SecretARN != "" {
		out.SecretArn = &c.SecretARN
	}
	return out, nil
}

func (s *Service) listConnections(ctx context.Context, in *api.ListConnectionsInput) (*api.ListConnectionsOutput, error) {
	out := &api.ListConnectionsOutput{Connections: []api.Connection{}}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		list, next, err := page(tx, connections, in.NextToken, in.Limit, bus.From(ctx), func(c *connection) bool {
			return strings.HasPrefix(c.Name, value(in.NamePrefix)) && (in.ConnectionState == nil || *in.ConnectionState == c.State)
		})
		for i := range list {
			c := &list[i]
			out.Connections = append(out.Connections, api.Connection{
				ConnectionArn: &c.ARN, Name: &c.Name, ConnectionState: &c.State, StateReason: c.Reason, AuthorizationType: &c.Type,
				CreationTime: &c.Created, LastModifiedTime: &c.Modified, LastAuthorizedTime: &c.Authorized,
			})
		}
		out.NextToken = next
		return err
	})
	return out, err
}
