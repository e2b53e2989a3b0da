package events

import (
	"context"
	"strings"

	api "stepwell/internal/awsapi/events"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// checkConnection refuses the ARN of a connection that is not there.
func checkConnection(tx *store.Tx, arn string) error {
	a, name, ok := nameIn(arn)
	if !ok {
		return validation("The connection ARN %s is not valid.", arn)
	}
	c, ok, err := connections.Get(tx, a.Account, a.Region, name)
	if err == nil && (!ok || c.ARN != arn) {
		return noConnection(name)
	}
	return err
}

func (s *Service) createApiDestination(ctx context.Context, in *api.CreateApiDestinationInput) (*api.CreateApiDestinationOutput, error) {
	caller, now := bus.From(ctx), s.Clock.Now()
	d := destination{
		ARN: s.newARN(caller, "api-destination", *in.Name), Name: *in.Name, Description: in.Description, ConnectionARN: *in.ConnectionArn,
		Endpoint: *in.InvocationEndpoint, Method: *in.HttpMethod, Rate: in.InvocationRateLimitPerSecond, Created: now, Modified: now,
	}
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		_, ok, err := destinations.Get(tx, caller.Account, caller.Region, d.Name)
		if err != nil {
			return err
		}
		if ok {
			return destinationExists(d.Name)
		}
		if err := checkConnection(tx, d.ConnectionARN); err != nil {
			return err
		}
		return destinations.Put(tx, d, caller.Account, caller.Region, d.Name)
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateApiDestinationOutput{ApiDestinationArn: &d.ARN, ApiDestinationState: new("ACTIVE"), CreationTime: &d.Created, LastModifiedTime: &d.Modified}, nil
}

func (s *Service) updateApiDestination(ctx context.Context, in *api.UpdateApiDestinationInput) (*api.UpdateApiDestinationOutput, error) {
	caller := bus.From(ctx)
	var d destination
	err := s.Store.Update(ctx, func(tx *store.Tx) (err error) {
		if d, err = destinationOf(tx, caller, *in.Name); err != nil {
			return err
		}
		if in.ConnectionArn != nil {
			if err := checkConnection(tx, *in.ConnectionArn); err != nil {
				return err
			}
			d.ConnectionARN = *in.ConnectionArn
		}
		if in.Description != nil {
			d.Description = in.Description
		}
		if in.InvocationEndpoint != nil {
			d.Endpoint = *in.InvocationEndpoint
		}
		if in.HttpMethod != nil {
			d.Method = *in.HttpMethod
		}
		if in.InvocationRateLimitPerSecond != nil {
			d.Rate = in.InvocationRateLimitPerSecond
		}
		d.Modified = s.Clock.Now()
		return destinations.Put(tx, d, caller.Account, caller.Region, d.Name)
	})
	if err != nil {
		return nil, err
	}
	return &api.UpdateApiDestinationOutput{ApiDestinationArn: &d.ARN, ApiDestinationState: new("ACTIVE"), CreationTime: &d.Created, LastModifiedTime: &d.Modified}, nil
}

func destinationOf(tx *store.Tx, c bus.Caller, name string) (destination, error) {
	d, ok, err := destinations.Get(tx, c.Account, c.Region, name)
	if err == nil && !ok {
		return d, noDestination(name)
	}
	return d, err
}

func (s *Service) describeApiDestination(ctx context.Context, in *api.DescribeApiDestinationInput) (*api.DescribeApiDestinationOutput, error) {
	var out *api.DescribeApiDestinationOutput
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		d, err := destinationOf(tx, bus.From(ctx), *in.Name)
		out = &api.DescribeApiDestinationOutput{
			ApiDestinationArn: &d.ARN, Name: &d.Name, Description: d.Description, ApiDestinationState: new("ACTIVE"), ConnectionArn: &d.ConnectionARN,
			InvocationEndpoint: &d.Endpoint, HttpMethod: &d.Method, InvocationRateLimitPerSecond: d.Rate, CreationTime: &d.Created, LastModifiedTime: &d.Modified,
		}
		return err
	})
	return out, err
}

func (s *Service) deleteApiDestination(ctx context.Context, in *api.DeleteApiDestinationInput) (*api.DeleteApiDestinationOutput, error) {
	caller := bus.From(ctx)
	err := s.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := destinationOf(tx, caller, *in.Name); err != nil {
			return err
		}
		_, err := destinations.Delete(tx, caller.Account, caller.Region, *in.Name)
		return err
	})
	return &api.DeleteApiDestinationOutput{}, err
}

func (s *Service) listApiDestinations(ctx context.Context, in *api.ListApiDestinationsInput) (*api.ListApiDestinationsOutput, error) {
	out := &api.ListApiDestinationsOutput{ApiDestinations: []api.ApiDestination{}}
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		list, next, err := page(tx, destinations, in.NextToken, in.Limit, bus.From(ctx), func(d *destination) bool {
			return strings.HasPrefix(d.Name, value(in.NamePrefix)) && (in.ConnectionArn == nil || *in.ConnectionArn == d.ConnectionARN)
		})
		for i := range list {
			d := &list[i]
			out.ApiDestinations = append(out.ApiDestinations, api.ApiDestination{
				ApiDestinationArn: &d.ARN, Name: &d.Name, ApiDestinationState: new("ACTIVE"), ConnectionArn: &d.ConnectionARN,
				InvocationEndpoint: &d.Endpoint, HttpMethod: &d.Method, InvocationRateLimitPerSecond: d.Rate, CreationTime: &d.Created, LastModifiedTime: &d.Modified,
			})
		}
		out.NextToken = next
		return err
	})
	return out, err
}
