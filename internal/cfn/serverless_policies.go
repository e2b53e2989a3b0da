package cfn

import (
	"slices"
	"strings"
)

// policyTemplate is one of SAM's policy templates ("Policy template list" of the
// SAM guide).
type policyTemplate struct {
	parameters []string
	statements []policyStatement
}

// policyStatement allows actions on resources, whose names are texts of Fn::Sub
// with the parameters as variables.
type policyStatement struct{ actions, resources []string }

// policyTemplates are the templates of the services that there are here.
func policyTemplates() map[string]policyTemplate {
	arn := func(service, resource string) string {
		return "arn:${AWS::Partition}:" + service + ":${AWS::Region}:${AWS::AccountId}:" + resource
	}
	one := func(parameter, actions string, resources ...string) policyTemplate {
		return policyTemplate{[]string{parameter}, []policyStatement{{strings.Fields(actions), resources}}}
	}
	free := func(actions string, resources ...string) policyTemplate {
		return policyTemplate{nil, []policyStatement{{strings.Fields(actions), resources}}}
	}
	bucket := []string{"arn:${AWS::Partition}:s3:::${BucketName}", "arn:${AWS::Partition}:s3:::${BucketName}/*"}
	return map[string]policyTemplate{
		"AWSSecretsManagerGetSecretValuePolicy": one("SecretArn", "secretsmanager:GetSecretValue", "${SecretArn}"),
		"AWSSecretsManagerRotationPolicy": {[]string{"FunctionName"}, []policyStatement{
			{strings.Fields("secretsmanager:DescribeSecret secretsmanager:GetSecretValue secretsmanager:PutSecretValue secretsmanager:UpdateSecretVersionStage"),
				[]string{arn("secretsmanager", "secret:*")}},
			{[]string{"secretsmanager:GetRandomPassword"}, []string{"*"}},
		}},
		"CloudFormationDescribeStacksPolicy":   free("cloudformation:DescribeStacks", arn("cloudformation", "stack/*")),
		"CloudWatchDashboardPolicy":            free("cloudwatch:GetDashboard cloudwatch:ListDashboards cloudwatch:PutDashboard cloudwatch:ListMetrics", "*"),
		"CloudWatchDescribeAlarmHistoryPolicy": free("cloudwatch:DescribeAlarmHistory", "*"),
		"CloudWatchPutMetricPolicy":            free("cloudwatch:PutMetricData", "*"),
		"EventBridgePutEventsPolicy":           one("EventBusName", "events:PutEvents", arn("events", "event-bus/${EventBusName}")),
		"FilterLogEventsPolicy":                one("LogGroupName", "logs:FilterLogEvents", arn("logs", "log-group:${LogGroupName}:log-stream:*")),
		"KMSDecryptPolicy":                     one("KeyId", "kms:Decrypt", arn("kms", "key/${KeyId}")),
		"KMSEncryptPolicy":                     one("KeyId", "kms:Encrypt", arn("kms", "key/${KeyId}")),
		"LambdaInvokePolicy":                   one("FunctionName", "lambda:InvokeFunction", arn("lambda", "function:${FunctionName}*")),
		"S3CrudPolicy": one("BucketName", "s3:GetObject s3:ListBucket s3:GetBucketLocation s3:GetObjectVersion s3:PutObject s3:PutObjectAcl "+
			"s3:GetLifecycleConfiguration s3:PutLifecycleConfiguration s3:DeleteObject", bucket...),
		"S3FullAccessPolicy": {[]string{"BucketName"}, []policyStatement{
			{strings.Fields("s3:GetObject s3:GetObjectAcl s3:GetObjectVersion s3:PutObject s3:PutObjectAcl s3:DeleteObject s3:DeleteObjectTagging " +
				"s3:DeleteObjectVersionTagging s3:GetObjectTagging s3:GetObjectVersionTagging s3:PutObjectTagging s3:PutObjectVersionTagging"), bucket[1:]},
			{strings.Fields("s3:ListBucket s3:GetBucketLocation s3:GetLifecycleConfiguration s3:PutLifecycleConfiguration"), bucket[:1]},
		}},
		"S3ReadPolicy":            one("BucketName", "s3:GetObject s3:ListBucket s3:GetBucketLocation s3:GetObjectVersion s3:GetLifecycleConfiguration", bucket...),
		"S3WritePolicy":           one("BucketName", "s3:PutObject s3:PutObjectAcl s3:PutLifecycleConfiguration", bucket...),
		"SNSCrudPolicy":           one("TopicName", "sns:ListSubscriptionsByTopic sns:CreateTopic sns:SetTopicAttributes sns:Subscribe sns:Publish", arn("sns", "${TopicName}*")),
		"SNSPublishMessagePolicy": one("TopicName", "sns:Publish", arn("sns", "${TopicName}")),
		"SQSPollerPolicy": one("QueueName", "sqs:ChangeMessageVisibility sqs:ChangeMessageVisibilityBatch sqs:DeleteMessage sqs:DeleteMessageBatch "+
			"sqs:GetQueueAttributes sqs:ReceiveMessage", arn("sqs", "${QueueName}")),
		"SQSSendMessagePolicy": one("QueueName", "sqs:SendMessage*", arn("sqs", "${QueueName}")),
		"SSMParameterReadPolicy": {[]string{"ParameterName"}, []policyStatement{
			{[]string{"ssm:DescribeParameters"}, []string{"*"}},
			{[]string{"ssm:GetParameters", "ssm:GetParameter", "ssm:GetParametersByPath"}, []string{arn("ssm", "parameter/${ParameterName}")}},
		}},
		"SSMParameterWithSlashPrefixReadPolicy": {[]string{"ParameterName"}, []policyStatement{
			{[]string{"ssm:DescribeParameters"}, []string{"*"}},
			{[]string{"ssm:GetParameters", "ssm:GetParameter", "ssm:GetParametersByPath"}, []string{arn("ssm", "parameter${ParameterName}")}},
		}},
		"StepFunctionsCallbackPolicy": one("StateMachineName", "states:SendTaskFailure states:SendTaskHeartbeat states:SendTaskSuccess",
			arn("states", "stateMachine:${StateMachineName}")),
		"VPCAccessPolicy":              free("ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ec2:DescribeNetworkInterfaces ec2:DetachNetworkInterface", "*"),
		"StepFunctionsExecutionPolicy": one("StateMachineName", "states:StartExecution", arn("states", "stateMachine:${StateMachineName}")),
	}
}

// templated is the document of a policy template with its parameters; nil where
// there is no such template, or its parameters are not the ones given.
func (x *expansion) templated(policy *Node) *Node {
	if policy.Kind != Map || len(policy.Keys) != 1 {
		return nil
	}
	name, given := policy.Keys[0].Text, policy.Items[0]
	template, ok := policyTemplates()[name]
	if !ok {
		return nil
	}
	values := x.object(policy)
	for _, p := range template.parameters {
		if given.Get(p) == nil {
			x.t.fail(policy, "Must specify valid parameter values for policy template '%s'", name)
			return nil
		}
		values.set(x.text(policy, p), given.Get(p))
	}
	for _, k := range given.Keys {
		if !slices.Contains(template.parameters, k.Text) {
			x.t.fail(k, "Must specify valid parameter values for policy template '%s'", name)
			return nil
		}
	}
	statements := x.list(policy)
	for _, st := range template.statements {
		actions, resources := x.list(policy), x.list(policy)
		for _, a := range st.actions {
			actions.Items = append(actions.Items, x.text(policy, a))
		}
		for _, r := range st.resources {
			resource := x.text(policy, r)
			if strings.Contains(r, "${") {
				resource = x.object(policy, "Fn::Sub", x.list(policy, resource, values))
			}
			resources.Items = append(resources.Items, resource)
		}
		statements.Items = append(statements.Items, x.object(policy, "Effect", "Allow", "Action", actions, "Resource", resources))
	}
	return x.object(policy, "Version", "2012-10-17", "Statement", statements)
}
