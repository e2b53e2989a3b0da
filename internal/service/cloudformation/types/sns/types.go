// Package snstype holds the resource types AWS::SNS::*.
//
// Only package types imports it.
package snstype

import (
	"context"
	"encoding/json"
	"fmt"

	"stepwell/internal/awsapi/sns"
	"stepwell/internal/bus"
	"stepwell/internal/service/cloudformation/resource"
)

// Types are the resource types of SNS.
func Types() []resource.Type {
	return []resource.Type{topic(), subscription(), topicPolicy(), inlinePolicy()}
}

// gone is the code of SNS's error for what is not there.
const gone = "NotFound"

// invoke calls an operation of SNS.
func invoke[Out any](ctx context.Context, r *resource.Request, operation string, in any) (*Out, error) {
	return bus.Invoke[Out](ctx, r.Bus, "sns", operation, in)
}

// do calls an operation of SNS whose answer says nothing.
func do(ctx context.Context, r *resource.Request, operation string, in any) error {
	_, err := r.Bus.Invoke(ctx, "sns", operation, in)
	return err
}

// attributes are properties as SNS has them: texts, objects as JSON. Those that
// the template does not give have the value of usual, where it has one.
func attributes(properties, usual map[string]any) (map[string]string, error) {
	all := map[string]any{}
	for name, x := range usual {
		all[name] = x
	}
	for name, x := range properties {
		if x != nil {
			all[name] = x
		}
	}
	in := struct{ Attributes map[string]string }{}
	if err := resource.Decode(map[string]any{"Attributes": all}, &in, nil); err != nil {
		return nil, err
	}
	return in.Attributes, nil
}

// setPolicy sets the access policy of a topic.
func setPolicy(ctx context.Context, r *resource.Request, topic string, document any) error {
	in := &sns.SetTopicAttributesInput{TopicArn: &topic, AttributeName: new("Policy")}
	if err := resource.Decode(map[string]any{"AttributeValue": document}, in, nil); err != nil {
		return err
	}
	return do(ctx, r, "SetTopicAttributes", in)
}

// resetPolicy gives a topic the policy that it was created with, which leaves
// everything to its owner.
func resetPolicy(ctx context.Context, r *resource.Request, topic string) error {
	a, ok := bus.ParseARN(topic)
	if !ok {
		return nil
	}
	document, err := json.Marshal(map[string]any{"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": []any{map[string]any{
		"Sid": "__default_statement_ID", "Effect": "Allow", "Principal": map[string]any{"AWS": "*"},
		"Action": []string{"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
			"SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish"},
		"Resource": topic, "Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceOwner": a.Account}},
	}}})
	if err != nil {
		return fmt.Errorf("cannot write the default policy: %w", err)
	}
	return resource.Unless(setPolicy(ctx, r, topic, string(document)), gone)
}
