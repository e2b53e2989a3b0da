// The app that test_cdk.py deploys, changes and destroys: a bucket, a Lambda
// function from an asset, a Glue job, a rule and a state machine.
import * as path from "node:path";
import { App, CfnOutput, Duration, RemovalPolicy, Stack, StackProps } from "aws-cdk-lib";
import * as events from "aws-cdk-lib/aws-events";
import * as targets from "aws-cdk-lib/aws-events-targets";
import * as glue from "aws-cdk-lib/aws-glue";
import * as iam from "aws-cdk-lib/aws-iam";
import * as lambda from "aws-cdk-lib/aws-lambda";
import * as s3 from "aws-cdk-lib/aws-s3";
import * as deployment from "aws-cdk-lib/aws-s3-deployment";
import * as assets from "aws-cdk-lib/aws-s3-assets";
import * as sfn from "aws-cdk-lib/aws-stepfunctions";
import * as tasks from "aws-cdk-lib/aws-stepfunctions-tasks";
import { Construct } from "constructs";

class Greetings extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    const greeting: string = this.node.tryGetContext("greeting") ?? "hello";

    const bucket = new s3.Bucket(this, "Results", {
      versioned: true,
      removalPolicy: RemovalPolicy.DESTROY,
      autoDeleteObjects: this.node.tryGetContext("autoDelete") === "true",
    });

    const greeter = new lambda.Function(this, "Greeter", {
      runtime: lambda.Runtime.PYTHON_3_12,
      handler: "index.handler",
      code: lambda.Code.fromAsset(path.join(__dirname, "handler")),
      environment: { GREETING: greeting, BUCKET: bucket.bucketName },
      timeout: Duration.seconds(20),
    });
    bucket.grantReadWrite(greeter);

    if (this.node.tryGetContext("files") === "true") { // by a function that runs the AWS CLI of its layer
      new deployment.BucketDeployment(this, "Files", {
        destinationBucket: bucket,
        destinationKeyPrefix: "files",
        sources: [deployment.Source.data("config/settings.json", JSON.stringify({ greeting })), deployment.Source.data("note.txt", greeting)],
        prune: true,
      });
    }

    const script = new assets.Asset(this, "Script", { path: path.join(__dirname, "job.py") });
    const role = new iam.Role(this, "JobRole", { assumedBy: new iam.ServicePrincipal("glue.amazonaws.com") });
    script.grantRead(role);
    bucket.grantReadWrite(role);
    const job = new glue.CfnJob(this, "Job", {
      role: role.roleArn,
      command: { name: "pythonshell", pythonVersion: "3.9", scriptLocation: script.s3ObjectUrl },
      defaultArguments: { "--bucket": bucket.bucketName, "--greeting": greeting },
      maxCapacity: 0.0625,
    });

    const greet = new tasks.LambdaInvoke(this, "Greet", { lambdaFunction: greeter, outputPath: "$.Payload" });
    const run = new tasks.GlueStartJobRun(this, "Write", {
      glueJobName: job.ref,
      integrationPattern: sfn.IntegrationPattern.RUN_JOB,
      resultPath: sfn.JsonPath.DISCARD,
    });
    const machine = new sfn.StateMachine(this, "Machine", {
      definitionBody: sfn.DefinitionBody.fromChainable(run.next(greet)),
      timeout: Duration.minutes(5),
    });

    new events.Rule(this, "Asked", {
      eventPattern: { source: ["greetings"], detailType: ["asked"] },
      targets: [new targets.SfnStateMachine(machine, { input: events.RuleTargetInput.fromEventPath("$.detail") })],
    });

    new CfnOutput(this, "BucketName", { value: bucket.bucketName });
    new CfnOutput(this, "FunctionName", { value: greeter.functionName });
    new CfnOutput(this, "MachineArn", { value: machine.stateMachineArn });
  }
}

const app = new App();
new Greetings(app, "Greetings", { env: { account: "123456789012", region: "us-east-1" } });
