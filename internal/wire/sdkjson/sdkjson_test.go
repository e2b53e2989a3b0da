package sdkjson

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"stepwell/internal/awsapi"
	"stepwell/internal/awsapi/glue"
	"stepwell/internal/awsapi/redshift"
	"stepwell/internal/awsapi/redshiftdata"
	"stepwell/internal/awsapi/s3"
	"stepwell/internal/awsapi/secretsmanager"
	"stepwell/internal/awsapi/sns"
	"stepwell/internal/awsapi/states"
	"stepwell/internal/awserr"
)

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		m        *awsapi.Model
		op       string
		in, want string
	}{
		{states.Model, "StartExecution", `{"StateMachineArn":"a","Input":"{}","Name":null}`, `{"StateMachineArn":"a","Input":"{}"}`},
		{states.Model, "StartExecution", `{"StateMachineArn":"a","Input":{"x":1}}`, `error: The value for the field 'Input' must be a STRING`},
		{states.Model, "StartExecution", `{"stateMachineArn":"a"}`, `error: The field "stateMachineArn" is not supported by Step Functions`},
		{states.Model, "ListExecutions", `{"MaxResults":1.0}`, `{"MaxResults":1}`},
		{states.Model, "ListExecutions", `{"MaxResults":1.5}`, `error: The value for the field 'MaxResults' must be an INTEGER`},
		{states.Model, "ListExecutions", `{"MaxResults":"1"}`, `error: The value for the field 'MaxResults' must be an INTEGER`},
		{redshiftdata.Model, "BatchExecuteStatement", `{"Sqls":["select 1","select 2"],"Database":"dev","WithEvent":true}`, `{"Database":"dev","Sqls":["select 1","select 2"],"WithEvent":true}`},
		{redshiftdata.Model, "BatchExecuteStatement", `{"WithEvent":"false"}`, `{"WithEvent":false}`},
		{redshiftdata.Model, "BatchExecuteStatement", `{"WithEvent":"no"}`, `error: The value for the field 'WithEvent' must be a BOOLEAN`},
		{redshiftdata.Model, "BatchExecuteStatement", `{"Sqls":"select 1"}`, `error: The value for the field 'Sqls' must be an ARRAY`},
		{redshiftdata.Model, "ExecuteStatement", `{"Sql":"s","Parameters":[{"Name":"a","Value":"b"}]}`, `{"Parameters":[{"Name":"a","Value":"b"}],"Sql":"s"}`},
		{redshiftdata.Model, "ExecuteStatement", `{"Sql":"s","Parameters":[{"Nam":"a"}]}`,
			`error: The field "Nam" is not supported by Step Functions`},
		{redshift.Model, "GetClusterCredentials", `{"DbUser":"u","DbName":"d","ClusterIdentifier":"c"}`, `{"DbUser":"u","DbName":"d","ClusterIdentifier":"c"}`},
		{redshift.Model, "CreateCluster", `{"DbName":"d","ClusterIdentifier":"c","NodeType":"n","MasterUsername":"m"}`, `{"DBName":"d","ClusterIdentifier":"c","NodeType":"n","MasterUsername":"m"}`},
		{glue.Model, "GetTable", `{"DatabaseName":"d","Name":"t","QueryAsOfTime":"2025-11-21T04:00:00.5Z"}`, `{"DatabaseName":"d","Name":"t","QueryAsOfTime":"2025-11-21T04:00:00.5Z"}`},
		{glue.Model, "StartJobRun", `{"JobName":"j","Arguments":{"--a":"1"},"Timeout":5}`, `{"JobName":"j","Arguments":{"--a":"1"},"Timeout":5}`},
		{glue.Model, "StartJobRun", `{"JobName":"j","Arguments":["a"]}`, `error: The value for the field 'Arguments' must be a MAP`},
		{secretsmanager.Model, "PutSecretValue", `{"SecretId":"s","SecretBinary":"text"}`, `{"SecretId":"s","SecretBinary":"dGV4dA=="}`},
		{sns.Model, "Publish", `{"TopicArn":"t","Message":"m","MessageAttributes":{"k":{"DataType":"String","StringValue":"v"}}}`,
			`{"TopicArn":"t","Message":"m","MessageAttributes":{"k":{"DataType":"String","StringValue":"v"}}}`},
		{sns.Model, "Publish", `[1]`, `error: The value for the field '' must be a STRUCTURE`},
		{s3.Model, "GetObject", `{"Bucket":"b","Key":"k","SseCustomerKey":"x"}`, `{"Bucket":"b","Key":"k","SSECustomerKey":"x"}`},
		{s3.Model, "ListBuckets", `null`, `{}`},
	} {
		in, err := Decode(c.m, c.m.Operation(c.op), []byte(c.in))
		got := ""
		if err != nil {
			if !errors.As(err, new(Problems)) {
				t.Errorf("%s %s: not a list of problems: %v", c.op, c.in, err)
			}
			got = "error: " + err.Error()
		} else {
			b, _ := json.Marshal(in)
			got = string(b)
		}
		if got != c.want {
			t.Errorf("%s %s:\n got %s\nwant %s", c.op, c.in, got, c.want)
		}
	}
}

// TestStreamedBody is test_s3_put_object as AWS recorded it: the object is the
// JSON of the value.
func TestStreamedBody(t *testing.T) {
	for value, want := range map[string]string{`"text data"`: `"text data"`, `false`: `false`, `{"a":[1.50]}`: `{"a":[1.50]}`} {
		in, err := Decode(s3.Model, s3.Model.Operation("PutObject"), []byte(`{"Bucket":"b","Key":"k","Body":`+value+`}`))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(in.(*s3.PutObjectInput).Body)
		if string(b) != want {
			t.Errorf("%s: %s", value, b)
		}
	}
}

func TestEncode(t *testing.T) {
	for _, c := range []struct {
		m    *awsapi.Model
		op   string
		out  any
		want string
	}{
		{states.Model, "StartExecution", &states.StartExecutionOutput{ExecutionArn: new("a"), StartDate: new(time.Unix(1763697600, 123e6))},
			`{"ExecutionArn":"a","StartDate":"2025-11-21T04:00:00.123Z"}`},
		{s3.Model, "GetObject", &s3.GetObjectOutput{ETag: new(`"e"`), ContentLength: new(int64(3)), Metadata: map[string]string{}, Body: io.NopCloser(strings.NewReader("a<b"))},
			`{"Body":"a<b","ContentLength":3,"ETag":"\"e\"","Metadata":{}}`},
		{redshiftdata.Model, "GetStatementResult", &redshiftdata.GetStatementResultOutput{Records: [][]redshiftdata.Field{{{LongValue: new(int64(1))}, {IsNull: new(true)}}}, TotalNumRows: new(int64(1))},
			`{"Records":[[{"LongValue":1},{"IsNull":true}]],"TotalNumRows":1}`},
		{secretsmanager.Model, "GetSecretValue", &secretsmanager.GetSecretValueOutput{SecretBinary: []byte("x"), ARN: new("arn"), CreatedDate: new(time.Unix(0, 0))},
			`{"Arn":"arn","CreatedDate":"1970-01-01T00:00:00Z","SecretBinary":"x"}`},
		{states.Model, "DeleteActivity", &states.DeleteActivityOutput{}, `{}`},
	} {
		got, err := Encode(c.m, c.m.Operation(c.op), c.out)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v; want %s", c.op, got, err, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct{ op, template, want string }{
		{"StartExecution", `{"StateMachineArn.$":"$.a","Input.$":"$"}`, ""},
		{"StartExecution", `{"StateMachineArn":"a","static.$":"$.x"}`, `The field "static" is not supported by Step Functions`},
		{"StartExecution", `{"Input":"x"}`, `The field "StateMachineArn" is required but was missing`},
		{"CreateStateMachine", `{"Name":"n","Definition":"d","RoleArn":"r","Tags":[{"Key":"k","Val.$":"$.v"}]}`, `The field "Val" is not supported by Step Functions`},
	} {
		var tree any
		if err := json.Unmarshal([]byte(c.template), &tree); err != nil {
			t.Fatal(err)
		}
		if got := Check(states.Model, states.Model.Operation(c.op), tree, true).Error(); got != c.want {
			t.Errorf("%s: got %s, want %s", c.template, got, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	for member, want := range map[string]string{"stateMachineArn": "StateMachineArn", "DBName": "DbName", "DBInstanceIdentifier": "DbInstanceIdentifier",
		"SSEKMSKeyId": "SsekmsKeyId", "ETag": "ETag", "ChecksumCRC32": "ChecksumCRC32", "ARN": "Arn", "KMSMasterKeyID": "KmsMasterKeyID", "S3Key": "S3Key", "URL": "Url", "Id": "Id"} {
		if got := Name(member); got != want {
			t.Errorf("Name(%s) = %s, want %s", member, got, want)
		}
	}
	for id, want := range map[string]string{"SFN": "Sfn", "Secrets Manager": "SecretsManager", "S3": "S3", "DynamoDB": "DynamoDb", "Redshift Data": "RedshiftData", "SNS": "Sns", "CloudWatch Logs": "CloudWatchLogs", "EMR Serverless": "EmrServerless"} {
		if got := Service(&awsapi.Model{ServiceID: id}); got != want {
			t.Errorf("Service(%s) = %s, want %s", id, got, want)
		}
	}
	for _, c := range []struct {
		m           *awsapi.Model
		code        string
		name, cause string
	}{
		{s3.Model, "NoSuchKey", "S3.NoSuchKeyException", "text (Service: S3, Status Code: 404, Request ID: r, Extended Request ID: r) (SDK Attempt Count: 1)"},
		{states.Model, "InvalidToken", "Sfn.InvalidTokenException", "text (Service: Sfn, Status Code: 404, Request ID: r) (SDK Attempt Count: 1)"},
		{secretsmanager.Model, "ValidationException", "SecretsManager.SecretsManagerException", "text (Service: SecretsManager, Status Code: 404, Request ID: r) (SDK Attempt Count: 1)"},
		{redshift.Model, "ClusterNotFound", "Redshift.ClusterNotFoundException", "text (Service: Redshift, Status Code: 404, Request ID: r) (SDK Attempt Count: 1)"},
		{sns.Model, "NotFound", "Sns.NotFoundException", "text (Service: Sns, Status Code: 404, Request ID: r) (SDK Attempt Count: 1)"},
	} {
		e := awserr.New(404, c.code, "text")
		if got := ErrorName(c.m, e); got != c.name {
			t.Errorf("ErrorName(%s) = %s, want %s", c.code, got, c.name)
		}
		if got := Cause(c.m, e, "r"); got != c.cause {
			t.Errorf("Cause(%s) = %s, want %s", c.code, got, c.cause)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"Name":"j","Command":{"Name":"x"},"DefaultArguments":{"a":"b"},"MaxCapacity":0.0625,"Tags":{"a":null}}`))
	op := glue.Model.Operation("CreateJob")
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := Decode(glue.Model, op, data)
		if err == nil && in == nil {
			t.Fatal("neither input nor error")
		}
	})
}
