package states

import (
	"fmt"
	"slices"
	"strings"

	"stepwell/internal/asl/exec"
	"stepwell/internal/asl/syntax"
	"stepwell/internal/diag"
)

// parameterNames are the parameters of an integration whose operation is not on
// the bus: the required ones and the others.
type parameterNames struct{ required, others []string }

// namedParameters are integrations whose parameters are checked by name when a
// state machine is created (developer guide, "Integrating services"). Those of
// Amazon EMR are refused when they are reached.
var namedParameters = map[string]parameterNames{
	"http:invoke": {[]string{"ApiEndpoint", "Method"}, []string{"Authentication", "Headers", "InvocationConfig", "QueryParameters", "RequestBody", "Transform"}},

	"elasticmapreduce:addStep":    {[]string{"ClusterId", "Step"}, []string{"ExecutionRoleArn"}},
	"elasticmapreduce:cancelStep": {[]string{"ClusterId", "StepId"}, nil},
	"elasticmapreduce:createCluster": {[]string{"Instances", "Name"}, []string{"AdditionalInfo", "AmiVersion", "Applications", "AutoScalingRole",
		"AutoTerminationPolicy", "BootstrapActions", "Configurations", "CustomAmiId", "EbsRootVolumeIops", "EbsRootVolumeSize", "EbsRootVolumeThroughput",
		"JobFlowRole", "KerberosAttributes", "LogEncryptionKmsKeyId", "LogUri", "ManagedScalingPolicy", "NewSupportedProducts", "OSReleaseLabel",
		"PlacementGroupConfigs", "ReleaseLabel", "RepoUpgradeOnBoot", "ScaleDownBehavior", "SecurityConfiguration", "ServiceRole", "StepConcurrencyLevel",
		"Steps", "SupportedProducts", "Tags", "VisibleToAllUsers"}},
	"elasticmapreduce:modifyInstanceFleetByName":       {[]string{"ClusterId", "InstanceFleet", "InstanceFleetName"}, nil},
	"elasticmapreduce:modifyInstanceGroupByName":       {[]string{"ClusterId", "InstanceGroup", "InstanceGroupName"}, nil},
	"elasticmapreduce:setClusterTerminationProtection": {[]string{"ClusterId", "TerminationProtected"}, nil},
	"elasticmapreduce:terminateCluster":                {[]string{"ClusterId"}, nil},

	"emr-serverless:cancelJobRun": {[]string{"ApplicationId", "JobRunId"}, nil},
	"emr-serverless:createApplication": {[]string{"ReleaseLabel", "Type"}, []string{"Architecture", "AutoStartConfiguration", "AutoStopConfiguration",
		"ClientToken", "ImageConfiguration", "InitialCapacity", "InteractiveConfiguration", "MaximumCapacity", "MonitoringConfiguration", "Name",
		"NetworkConfiguration", "RuntimeConfiguration", "Tags", "WorkerTypeSpecifications"}},
	"emr-serverless:deleteApplication": {[]string{"ApplicationId"}, nil},
	"emr-serverless:startApplication":  {[]string{"ApplicationId"}, nil},
	"emr-serverless:startJobRun": {[]string{"ApplicationId", "ExecutionRoleArn"}, []string{"ClientToken", "ConfigurationOverrides", "ExecutionTimeoutMinutes",
		"JobDriver", "Mode", "Name", "RetryPolicy", "Tags"}},
	"emr-serverless:stopApplication": {[]string{"ApplicationId"}, nil},
}

// checkNames reports the parameters of a template that an integration does not
// have, and those that it needs and does not get; known is false where its
// parameters are checked by other means. resource is what follows "arn:aws:states:::".
func checkNames(resource string, n *syntax.Node, at string) (problems []exec.Problem, known bool) {
	operation, _, _ := strings.Cut(resource, ".")
	names, known := namedParameters[operation]
	if !known {
		return nil, false
	}
	add := func(span diag.Span, suggestion, text string) {
		problems = append(problems, exec.Problem{Severity: "ERROR", Code: syntax.SchemaFailed, Message: text, Location: at, Span: span, Suggestion: suggestion})
	}
	all := slices.Concat(names.required, names.others)
	have := map[string]bool{}
	for _, m := range n.Members {
		name := strings.TrimSuffix(m.Name, ".$")
		have[name] = true
		if !slices.Contains(all, name) {
			add(m.NameSpan, diag.Nearest(name, all), fmt.Sprintf(`The field "%s" is not supported by Step Functions`, name))
		}
	}
	for _, name := range names.required {
		if !have[name] && n.Kind == syntax.Object {
			add(n.Span, "", fmt.Sprintf(`The field "%s" is required but was missing`, name))
		}
	}
	return problems, true
}
