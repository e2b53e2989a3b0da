// Package cloudformation is AWS CloudFormation: stacks, change sets, events,
// exports, nested stacks, custom resources and wait conditions, after the API
// reference and the user guide.
//
// A template is read by package cfn; what its resources are is said by the
// resource.Types that the service is built from (package types below). An
// operation on a stack is a task of kind "cloudformation.stack": each step of a
// resource is recorded before it begins and when it has ended, so that after a
// kill the operation goes on with the resources that were under way (Create with
// the same Token and Again). Resources that do not depend on each other are
// made at the same time; one that fails ends the operation, and the stack is
// rolled back as its OnFailure says.
//
// Custom resources and wait handles answer by a PUT to a URL below
// CallbackPath, which ServeHTTP takes.
//
// Requests from outside that begin an operation wait up to two seconds for its
// end before they are answered: the waiters of the AWS CLI look again only after
// half a minute.
//
// Change sets tell of the stack itself, not of the stacks nested in it. Refused
// by name: change sets of type IMPORT, stack sets, the registry, drift detection,
// resource scans, rollback triggers, hooks, macros. The transforms are
// AWS::Serverless, AWS::LanguageExtensions and AWS::Include.
//
// Only the composition root imports this package; others reach it over the bus.
package cloudformation
