package logs

import (
	"context"
	"encoding/json"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// resourcePolicies are the resource policies, by account, region and name.
var resourcePolicies = store.NewTable[logs.ResourcePolicy]("logs_resource_policies")

// maxPolicies is how many resource policies an account may have in a region
// (CloudWatch Logs quotas).
const maxPolicies = 10

func (s *Service) putResourcePolicy(ctx context.Context, in *logs.PutResourcePolicyInput) (*logs.PutResourcePolicyOutput, error) {
	if in.PolicyName == nil || in.PolicyDocument == nil || !json.Valid([]byte(*in.PolicyDocument)) {
		return nil, logs.InvalidParameterException("Resource policy document is invalid.")
	}
	c := bus.From(ctx)
	p := logs.ResourcePolicy{PolicyName: in.PolicyName, PolicyDocument: in.PolicyDocument, LastUpdatedTime: new(s.now())}
	return &logs.PutResourcePolicyOutput{ResourcePolicy: &p}, s.store.Update(ctx, func(tx *store.Tx) error {
		all, err := resourcePolicies.List(tx, c.Account, c.Region)
		if err != nil {
			return err
		}
		if _, there, err := resourcePolicies.Get(tx, c.Account, c.Region, *in.PolicyName); err != nil || !there && len(all) >= maxPolicies {
			if err != nil {
				return err
			}
			return logs.LimitExceededException("Resource limit exceeded.")
		}
		return resourcePolicies.Put(tx, p, c.Account, c.Region, *in.PolicyName)
	})
}

func (s *Service) describeResourcePolicies(ctx context.Context, _ *logs.DescribeResourcePoliciesInput) (*logs.DescribeResourcePoliciesOutput, error) {
	c := bus.From(ctx)
	out := &logs.DescribeResourcePoliciesOutput{ResourcePolicies: []logs.ResourcePolicy{}}
	return out, s.store.View(ctx, func(tx *store.Tx) error {
		all, err := resourcePolicies.List(tx, c.Account, c.Region)
		out.ResourcePolicies = append(out.ResourcePolicies, all...)
		return err
	})
}

func (s *Service) deleteResourcePolicy(ctx context.Context, in *logs.DeleteResourcePolicyInput) (*logs.DeleteResourcePolicyOutput, error) {
	c := bus.From(ctx)
	return &logs.DeleteResourcePolicyOutput{}, s.store.Update(ctx, func(tx *store.Tx) error {
		was := false
		var err error
		if in.PolicyName != nil {
			was, err = resourcePolicies.Delete(tx, c.Account, c.Region, *in.PolicyName)
		}
		if err == nil && !was {
			err = logs.ResourceNotFoundException("Policy does not exist.")
		}
		return err
	})
}
