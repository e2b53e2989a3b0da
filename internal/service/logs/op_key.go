package logs

import (
	"context"

	"stepwell/internal/awsapi/logs"
	"stepwell/internal/awserr"
)

func (s *Service) associateKmsKey(ctx context.Context, in *logs.AssociateKmsKeyInput) (*logs.AssociateKmsKeyOutput, error) {
	return &logs.AssociateKmsKeyOutput{}, s.setKey(ctx, in.LogGroupName, in.ResourceIdentifier, in.KmsKeyId)
}

func (s *Service) disassociateKmsKey(ctx context.Context, in *logs.DisassociateKmsKeyInput) (*logs.DisassociateKmsKeyOutput, error) {
	return &logs.DisassociateKmsKeyOutput{}, s.setKey(ctx, in.LogGroupName, in.ResourceIdentifier, nil)
}

func (s *Service) setKey(ctx context.Context, name, resource, id *string) error {
	switch {
	case resource != nil:
		return awserr.NotImplemented("logs keys of query results (resourceIdentifier)")
	case name == nil:
		return logs.InvalidParameterException("You must specify either the resourceIdentifier or the logGroupName.")
	}
	return s.changeGroup(ctx, *name, func(g *group) error {
		g.KMSKey = id
		return nil
	})
}
