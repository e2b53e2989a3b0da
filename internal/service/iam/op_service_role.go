package iam

import (
	"context"
	"encoding/json"
	"strings"

	"stepwell/internal/awsapi/iam"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// linked are the service-linked roles whose names are known, by service: the
// end of the name and the policy that AWS attaches.
var linked = map[string]struct{ name, policy string }{
	"autoscaling.amazonaws.com":          {"AutoScaling", "AutoScalingServiceRolePolicy"},
	"batch.amazonaws.com":                {"Batch", "BatchServiceRolePolicy"},
	"ecs.amazonaws.com":                  {"ECS", "AmazonECSServiceRolePolicy"},
	"eks.amazonaws.com":                  {"AmazonEKS", "AmazonEKSServiceRolePolicy"},
	"elasticache.amazonaws.com":          {"ElastiCache", "ElastiCacheServiceRolePolicy"},
	"elasticloadbalancing.amazonaws.com": {"ElasticLoadBalancing", "AWSElasticLoadBalancingServiceRolePolicy"},
	"elasticmapreduce.amazonaws.com":     {"EMRCleanup", "AmazonEMRCleanupPolicy"},
	"events.amazonaws.com":               {"CloudWatchEvents", "CloudWatchEventsServiceRolePolicy"},
	"kafka.amazonaws.com":                {"Kafka", "KafkaServiceRolePolicy"},
	"lakeformation.amazonaws.com":        {"LakeFormationDataAccess", "LakeFormationDataAccessServiceRolePolicy"},
	"opensearchservice.amazonaws.com":    {"AmazonOpenSearchService", "AmazonOpenSearchServiceRolePolicy"},
	"rds.amazonaws.com":                  {"RDS", "AmazonRDSServiceRolePolicy"},
	"redshift.amazonaws.com":             {"Redshift", "AmazonRedshiftServiceLinkedRolePolicy"},
	"spot.amazonaws.com":                 {"EC2Spot", "AWSEC2SpotServiceRolePolicy"},
}

func (s *Service) createServiceLinkedRole(ctx context.Context, in *iam.CreateServiceLinkedRoleInput) (*iam.CreateServiceLinkedRoleOutput, error) {
	service := strings.ToLower(*in.AWSServiceName)
	known, ok := linked[service]
	if !ok {
		return nil, awserr.NotImplemented("iam:CreateServiceLinkedRole for " + service)
	}
	name := "AWSServiceRoleFor" + known.name
	if in.CustomSuffix != nil && *in.CustomSuffix != "" {
		if service != "autoscaling.amazonaws.com" {
			return nil, iam.InvalidInputException("Custom suffix is not allowed for %s", service)
		}
		name += "_" + *in.CustomSuffix
	}
	trust, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{"Effect": "Allow", "Principal": map[string]string{"Service": service}, "Action": "sts:AssumeRole"}}})
	if err != nil {
		return nil, err
	}
	id, err := s.newIdentity(ctx, "role", "AROA", name, new("/aws-service-role/"+service+"/"), nil)
	if err != nil {
		return nil, err
	}
	id.Attached = []attached{{known.policy, awsManaged + "aws-service-role/" + known.policy}}
	r := role{identity: id, Trust: string(trust), Description: in.Description, MaxSession: 3600, Service: service}
	err = s.keepNewRole(ctx, &r, nil)
	if e := awserr.From(err); e != nil && e.Code == "EntityAlreadyExists" {
		return nil, iam.InvalidInputException("Service role name %s has been taken in this account, please try a different suffix.", name)
	}
	if err != nil {
		return nil, err
	}
	return &iam.CreateServiceLinkedRoleOutput{Role: r.shape()}, nil
}

func (s *Service) deleteServiceLinkedRole(ctx context.Context, in *iam.DeleteServiceLinkedRoleInput) (*iam.DeleteServiceLinkedRoleOutput, error) {
	account := bus.From(ctx).Account
	var task string
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		r, err := findRole(tx, account, *in.RoleName)
		if err != nil {
			return err
		}
		if r.Service == "" {
			return errNo("role", *in.RoleName)
		}
		task = "task" + r.Path + r.Name + "/" + s.ids.UUID()
		return dropRole(tx, account, r)
	})
	if err != nil {
		return nil, err
	}
	return &iam.DeleteServiceLinkedRoleOutput{DeletionTaskId: &task}, nil
}

// getServiceLinkedRoleDeletionStatus knows one end of a deletion: it was done
// when the task's id was given out.
func (s *Service) getServiceLinkedRoleDeletionStatus(_ context.Context, in *iam.GetServiceLinkedRoleDeletionStatusInput) (*iam.GetServiceLinkedRoleDeletionStatusOutput, error) {
	if parts := strings.Split(*in.DeletionTaskId, "/"); len(parts) != 5 || parts[0] != "task" || parts[1] != "aws-service-role" {
		return nil, iam.NoSuchEntityException("The deletion task with id %s cannot be found.", *in.DeletionTaskId)
	}
	return &iam.GetServiceLinkedRoleDeletionStatusOutput{Status: new(iam.DeletionTaskStatusTypeSucceeded)}, nil
}
