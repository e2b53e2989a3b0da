package cloudformation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"stepwell/internal/awsapi/lambda"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/service/cloudformation/resource"
	"stepwell/internal/store"
)

// customTimeout is how long a custom resource may take where it has no
// ServiceTimeout.
const customTimeout = time.Hour

func (s *Service) createCustom(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	return s.ask(ctx, r, "Create")
}

func (s *Service) updateCustom(ctx context.Context, r *resource.Request) (*resource.Made, error) {
	if r.Changed("ServiceToken") {
		return nil, errors.New("Modifying service token is not allowed.")
	}
	return s.ask(ctx, r, "Update")
}

func (s *Service) deleteCustom(ctx context.Context, r *resource.Request) error {
	_, err := s.ask(ctx, r, "Delete")
	return err
}

// answer is a "Custom resource response object".
type answer struct {
	Status, Reason, PhysicalResourceID, RequestID string
	NoEcho                                        any
	Data                                          properties
}

// ask sends a request to the provider of a custom resource and waits for its
// answer.
func (s *Service) ask(ctx context.Context, r *resource.Request, kind string) (*resource.Made, error) {
	a := askedBy(ctx)
	op := a.run.stack.Operation.ID
	if a.run.stack.Status == "UPDATE_ROLLBACK_IN_PROGRESS" {
		op += "/back"
	}
	id := callbackID("custom", a.run.stack.ID, op, r.LogicalID, kind, r.ID, r.Token)
	c, err := s.callback(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if c.Answer == nil && (!c.Sent || c.Endpoint != s.Endpoint) {
		if err := s.send(ctx, r, a, kind, &c); err != nil {
			return nil, err
		}
	}
	var got answer
	late, err := s.await(ctx, a, s.Clock, id, timeout(r), func() (bool, error) {
		var there bool
		err := s.Store.View(ctx, func(tx *store.Tx) error {
			now, ok, err := callbacks.Get(tx, id)
			if err != nil || !ok || now.Answer == nil {
				return err
			}
			there = true
			if len(now.Answer) > maxAnswer {
				got = answer{Status: "FAILED", Reason: "Response object is too long."}
				return nil
			}
			if decodeJSON(now.Answer, &got) != nil {
				got = answer{Status: "FAILED", Reason: "Invalid response object"}
			}
			return nil
		})
		return there, err
	})
	made := &resource.Made{ID: r.ID, Attributes: got.Data}
	if made.ID == "" {
		made.ID = generated(r)
	}
	switch {
	case err != nil:
		return made, err
	case late:
		return made, fmt.Errorf("CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [%s]. If you are using the Python cfn-response module, you may need to update your Lambda function code so that CloudFormation can attach the updated version.", id)
	}
	if got.PhysicalResourceID != "" {
		made.ID = got.PhysicalResourceID
	}
	switch {
	case got.Status == "FAILED":
		if kind == "Update" {
			made = &resource.Made{ID: r.ID, Attributes: r.Attributes}
		}
		return made, fmt.Errorf("Received response status [FAILED] from custom resource. Message returned: %s (RequestId: %s)", got.Reason, id)
	case got.Status != "SUCCESS":
		return made, fmt.Errorf("Invalid response status: %s (RequestId: %s)", got.Status, id)
	case got.PhysicalResourceID == "" && kind == "Create":
		return made, fmt.Errorf("Invalid PhysicalResourceId: the response of the custom resource has none (RequestId: %s)", id)
	}
	return made, nil
}

// timeout is ServiceTimeout, in seconds.
func timeout(r *resource.Request) time.Duration {
	if n, err := strconv.Atoi(r.Text("ServiceTimeout")); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	return customTimeout
}

// send hands the request to the provider, a function or a topic.
func (s *Service) send(ctx context.Context, r *resource.Request, a *asked, kind string, c *callback) error {
	to := r.Text("ServiceToken")
	request := map[string]any{
		"RequestType": kind, "ServiceToken": to, "ResponseURL": s.callbackURL(c), "StackId": r.StackID, "RequestId": c.RequestID,
		"LogicalResourceId": r.LogicalID, "ResourceType": a.record.Type, "ResourceProperties": texts(r.Properties),
	}
	if r.ID != "" {
		request["PhysicalResourceId"] = r.ID
	}
	if kind == "Update" {
		request["OldResourceProperties"] = texts(r.Old)
	}
	b, err := json.Marshal(request)
	if err != nil {
		return err
	}
	switch {
	case strings.HasPrefix(to, "arn:") && strings.Contains(to, ":lambda:"):
		_, err = s.Bus.Invoke(ctx, "lambda", "Invoke", &lambda.InvokeInput{FunctionName: &to, InvocationType: new("Event"), Payload: b})
	case strings.HasPrefix(to, "arn:") && strings.Contains(to, ":sns:"):
		_, err = s.Bus.Invoke(ctx, "sns", "Publish", &sns.PublishInput{TopicArn: &to, Message: new(string(b)), Subject: new("AWS CloudFormation custom resource request")})
	default:
		return fmt.Errorf("Invalid service token: %s", to)
	}
	if err != nil {
		return err
	}
	c.Sent, c.Endpoint = true, s.Endpoint
	return s.Store.Update(ctx, func(tx *store.Tx) error {
		now, ok, err := callbacks.Get(tx, c.RequestID)
		if err != nil || !ok {
			return err
		}
		now.Sent, now.Endpoint = true, s.Endpoint
		return callbacks.Put(tx, now, c.RequestID)
	})
}

// texts are properties with numbers and booleans as texts, as custom resources
// get them.
func texts(x any) any {
	switch x := x.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, v := range x {
			out[k] = texts(v)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, v := range x {
			out[i] = texts(v)
		}
		return out
	}
	if text, ok := resource.Text(x); ok {
		return text
	}
	return x
}
