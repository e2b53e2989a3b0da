// Package asl is the root of the Amazon States Language engine. The engine
// parses, checks and interprets state machine definitions and knows no AWS
// service; it can be used alone as a library.
//
//	asl/value      JSON values: ordered objects, numbers as written
//	asl/syntax     definition text -> typed tree with spans
//	asl/check      what is wrong with a tree, in AWS's words
//	asl/jsonpath   JSONPath and reference paths as AWS evaluates them
//	asl/jsonata    JSONata as AWS embeds it
//	asl/intrinsic  the States.* functions
//	asl/exec       the interpreter: a resumable state machine, a runner, timelines
//
// A program creates an exec.Machine from a definition with exec.Compile, gives
// an exec.Runner a Host that keeps journals and runs tasks, and starts
// executions with Runner.Start. What the language means is written down in the
// States Language specification (https://states-language.net) and in the Step
// Functions developer guide; recorded answers of the service decide where both
// are silent.
//
// Both query languages are interpreted. A Distributed Map needs a Host that is
// an exec.MapHost too; without one its definitions are refused.
package asl
