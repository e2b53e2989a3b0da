// Package scheduler is Amazon EventBridge Scheduler: schedules and schedule groups,
// after the EventBridge Scheduler API reference and user guide.
//
// A schedule's next time is a task of kind "scheduler.tick", and every invocation of
// a target one of kind "scheduler.invocation" that is durable before the next time is
// planned: it is made at least once, also after the server died. Times that came while
// no server ran are made up for once. Failed invocations are repeated with growing
// pauses as the target's retry policy says (185 times within 24 hours where it says
// nothing); then, or where the target refused, they go to its dead-letter queue with
// the attributes that the user guide lists.
//
// Targets: the templated ones of Lambda, Step Functions, SQS, SNS and EventBridge, and
// the universal target, arn:aws:scheduler:::aws-sdk:service:operation, for every
// operation on the bus that changes something, with the names of the AWS SDK for Java.
// A flexible time window delays an invocation by a part of the window that is drawn
// from the schedule and the time.
//
// Refused by name: the other templated targets (ECS, Kinesis, Firehose, SageMaker,
// CodeBuild, CodePipeline, Inspector). Keys and execution roles are kept and shown; no
// role is assumed.
//
// Only the composition root imports this package; others reach it over the bus.
package scheduler
