package exec

import "strings"

// ResourceOf splits a Task's Resource as the events of a history do:
//
//	arn:aws:states:::glue:startJobRun.sync                  -> glue, startJobRun.sync
//	arn:aws:states:::aws-sdk:redshiftdata:executeStatement  -> aws-sdk:redshiftdata, executeStatement
//	arn:aws:lambda:REGION:ACCOUNT:function:NAME             -> lambda, the ARN
//	arn:aws:states:REGION:ACCOUNT:activity:NAME             -> activity, the ARN
func ResourceOf(arn string) (resourceType, action string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return "", arn
	}
	switch {
	case parts[2] == "states" && strings.HasPrefix(parts[5], "activity:"):
		return "activity", arn
	case parts[2] == "lambda":
		return "lambda", arn
	}
	if i := strings.LastIndexByte(parts[5], ':'); i >= 0 {
		if parts[5][i:] == ":2" { // startExecution.sync:2
			if j := strings.LastIndexByte(parts[5][:i], ':'); j >= 0 {
				i = j
			}
		}
		return parts[5][:i], parts[5][i+1:]
	}
	return "", parts[5]
}
