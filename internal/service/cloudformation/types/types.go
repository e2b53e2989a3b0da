// Package types lists the resource types that CloudFormation knows here, by
// the packages below it: one for each service.
package types

import (
	"stepwell/internal/service/cloudformation/resource"
	cloudwatchtype "stepwell/internal/service/cloudformation/types/cloudwatch"
	ec2type "stepwell/internal/service/cloudformation/types/ec2"
	ecrtype "stepwell/internal/service/cloudformation/types/ecr"
	eventstype "stepwell/internal/service/cloudformation/types/events"
	gluetype "stepwell/internal/service/cloudformation/types/glue"
	iamtype "stepwell/internal/service/cloudformation/types/iam"
	kmstype "stepwell/internal/service/cloudformation/types/kms"
	lambdatype "stepwell/internal/service/cloudformation/types/lambda"
	logstype "stepwell/internal/service/cloudformation/types/logs"
	redshifttype "stepwell/internal/service/cloudformation/types/redshift"
	redshiftserverlesstype "stepwell/internal/service/cloudformation/types/redshiftserverless"
	s3type "stepwell/internal/service/cloudformation/types/s3"
	schedulertype "stepwell/internal/service/cloudformation/types/scheduler"
	secretsmanagertype "stepwell/internal/service/cloudformation/types/secretsmanager"
	snstype "stepwell/internal/service/cloudformation/types/sns"
	sqstype "stepwell/internal/service/cloudformation/types/sqs"
	ssmtype "stepwell/internal/service/cloudformation/types/ssm"
	statestype "stepwell/internal/service/cloudformation/types/states"
)

// All are the resource types; the order means nothing.
func All() []resource.Type {
	var all []resource.Type
	all = append(all, gluetype.Types()...)
	all = append(all, redshifttype.Types()...)
	all = append(all, redshiftserverlesstype.Types()...)
	all = append(all, secretsmanagertype.Types()...)
	all = append(all, ecrtype.Types()...)
	all = append(all, kmstype.Types()...)
	all = append(all, ssmtype.Types()...)
	all = append(all, eventstype.Types()...)
	all = append(all, iamtype.Types()...)
	all = append(all, lambdatype.Types()...)
	all = append(all, logstype.Types()...)
	all = append(all, s3type.Types()...)
	all = append(all, schedulertype.Types()...)
	all = append(all, snstype.Types()...)
	all = append(all, sqstype.Types()...)
	all = append(all, statestype.Types()...)
	all = append(all, ec2type.Types()...)
	all = append(all, cloudwatchtype.Types()...)
	return all
}
