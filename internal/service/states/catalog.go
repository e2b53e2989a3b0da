package states

import (
	_ "embed"
	"slices"
	"strings"
)

// sdkServices are the services of the AWS SDKs as aws-sdk resources name them,
// one a line: the modules of the AWS SDK for Java 2 (AWS Config is config, not
// configservice), and what the developer guide lists beyond ("AWS SDK service
// integrations").
//
//go:embed sdk_services.txt
var sdkServices string

// optimizedResources are the optimized integrations of AWS and the patterns
// that each allows besides request-response (developer guide, "Integrating
// services with Step Functions").
var optimizedResources = map[string][]string{
	"apigateway:invoke":                                {patternToken},
	"athena:getQueryExecution":                         {},
	"athena:getQueryResults":                           {},
	"athena:startQueryExecution":                       {patternSync},
	"athena:stopQueryExecution":                        {},
	"batch:submitJob":                                  {patternSync},
	"bedrock:createModelCustomizationJob":              {patternSync},
	"bedrock:invokeModel":                              {patternToken},
	"bedrockagentcore:invokeHarness":                   {},
	"codebuild:batchDeleteBuilds":                      {},
	"codebuild:batchGetReports":                        {},
	"codebuild:startBuild":                             {patternSync},
	"codebuild:startBuildBatch":                        {patternSync},
	"codebuild:stopBuild":                              {},
	"databrew:startJobRun":                             {patternSync},
	"dynamodb:deleteItem":                              {},
	"dynamodb:getItem":                                 {},
	"dynamodb:putItem":                                 {},
	"dynamodb:updateItem":                              {},
	"ecs:runTask":                                      {patternSync, patternToken},
	"eks:call":                                         {},
	"eks:createCluster":                                {patternSync},
	"eks:createFargateProfile":                         {patternSync},
	"eks:createNodegroup":                              {patternSync},
	"eks:deleteCluster":                                {patternSync},
	"eks:deleteFargateProfile":                         {patternSync},
	"eks:deleteNodegroup":                              {patternSync},
	"eks:runJob":                                       {patternSync},
	"elasticmapreduce:addStep":                         {patternSync},
	"elasticmapreduce:cancelStep":                      {},
	"elasticmapreduce:createCluster":                   {patternSync},
	"elasticmapreduce:modifyInstanceFleetByName":       {},
	"elasticmapreduce:modifyInstanceGroupByName":       {},
	"elasticmapreduce:setClusterTerminationProtection": {},
	"elasticmapreduce:terminateCluster":                {patternSync},
	"emr-containers:createVirtualCluster":              {},
	"emr-containers:deleteVirtualCluster":              {patternSync},
	"emr-containers:startJobRun":                       {patternSync},
	"emr-serverless:cancelJobRun":                      {patternSync},
	"emr-serverless:createApplication":                 {patternSync},
	"emr-serverless:deleteApplication":                 {patternSync},
	"emr-serverless:startApplication":                  {patternSync},
	"emr-serverless:startJobRun":                       {patternSync},
	"emr-serverless:stopApplication":                   {patternSync},
	"events:putEvents":                                 {patternToken},
	"glue:startJobRun":                                 {patternSync},
	"http:invoke":                                      {},
	"lambda:invoke":                                    {patternToken},
	"mediaconvert:createJob":                           {patternSync},
	"sagemaker:createEndpoint":                         {},
	"sagemaker:createEndpointConfig":                   {},
	"sagemaker:createHyperParameterTuningJob":          {patternSync},
	"sagemaker:createLabelingJob":                      {patternSync},
	"sagemaker:createModel":                            {},
	"sagemaker:createProcessingJob":                    {patternSync},
	"sagemaker:createTrainingJob":                      {patternSync},
	"sagemaker:createTransformJob":                     {patternSync},
	"sagemaker:updateEndpoint":                         {},
	"sns:publish":                                      {patternToken},
	"sqs:sendMessage":                                  {patternToken},
	"states:startExecution":                            {patternSync, patternSync2, patternToken},
}

// knownResource reports whether AWS recognises the Resource of a Task state.
// Whether the task can run here is a different question, see resolve.
func (s *Service) knownResource(arn string) bool {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" {
		return false
	}
	switch parts[2] {
	case "lambda":
		return strings.HasPrefix(parts[5], "function:")
	case "states":
		if kind, name, _ := strings.Cut(parts[5], ":"); kind == kindActivity {
			return name != "" && parts[3] != "" && parts[4] != ""
		}
		// Integrations have no region and no account; where a definition names one, it does not matter.
		return s.knownIntegration(parts[5])
	}
	return false
}

func (s *Service) knownIntegration(resource string) bool {
	if sdk, ok := strings.CutPrefix(resource, "aws-sdk:"); ok {
		return s.knownSDK(sdk)
	}
	service, action, _ := strings.Cut(resource, ":")
	operation, pattern, qualified := strings.Cut(action, ".")
	patterns, ok := optimizedResources[service+":"+operation]
	return ok && (!qualified || slices.Contains(patterns, pattern))
}

// knownSDK checks service:operation[.waitForTaskToken]. The operations are
// checked of services that are here.
func (s *Service) knownSDK(resource string) bool {
	service, action, _ := strings.Cut(resource, ":")
	operation, pattern, qualified := strings.Cut(action, ".")
	if operation == "" || operation[0] < 'a' || operation[0] > 'z' || qualified && pattern != patternToken {
		return false
	}
	name := s.sdkService(service)
	if name == "" {
		return service != "" && strings.Contains("\n"+sdkServices, "\n"+service+"\n")
	}
	sv, _ := s.Catalog.Lookup(name, "")
	return sv.Model.Operation(strings.ToUpper(operation[:1])+operation[1:]) != nil
}
