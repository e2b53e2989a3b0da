// Package states is AWS Step Functions: state machines, their executions,
// activities and task tokens over the engine in asl/exec, and the integrations
// through which Task states reach other services.
//
// # Durability
//
// An execution is a record and a journal. StartExecution answers once the
// record is on disk; the engine commits the journal before any effect leaves
// (a task starts, a worker gets an activity task, a client reads the history,
// SendTaskSuccess is answered). Start resumes every running execution: waits
// and retry backoffs with their due times, task tokens and activity tasks with
// their tokens, .sync jobs by the job run or execution they started.
//
// A call of another service that had begun when the server died and whose
// result is not recorded may or may not have happened. It is made again where
// that is harmless:
//
//   - reads, and writes that only set a state (Put, Delete, Update, Tag, Stop, ...);
//   - operations with an idempotency token: the token is derived from the
//     execution, the task and its attempt, so the second call is the first one;
//   - states:startExecution: a missing Name is derived in the same way;
//   - messages (sns:publish and the like): the receiving service itself
//     promises delivery at least once, not exactly once;
//   - glue:startJobRun: the caller's RequestID is derived in the same way, and
//     Glue answers a StartJobRun that repeats the RequestID of an earlier run
//     with that run.
//
// Any other call fails with States.TaskFailed and a cause that says so; the
// state's Retry decides. Nothing is ever repeated once its result is recorded.
//
// While the store cannot be written (store.Fault), changes are refused, and tasks
// whose calls are refused for that reason wait and call again.
//
// # Express
//
// Express executions live in memory, as AWS runs them at least once without a
// history: they cannot be listed, described or stopped, and end with the server.
//
// # Time
//
// Waits, retries, timeouts and the looks at .sync jobs are on the clock. The
// clock is held busy while a call is made and while a worker has an activity
// task; not while a task token is out, of whose holder nothing is known: a
// clock that skips waits lets such a task time out at once. GetActivityTask's
// long poll and StartSyncExecution mostly wait, so whoever serves them should not
// hold the clock busy meanwhile.
//
// # Distributed Map
//
// A Map run is a record beside its execution; Standard children are executions
// of MACHINE/LABEL with histories of their own, Express children live in memory
// and begin again with the next server. S3 is read and written over the bus.
// When an execution is redriven, so are its Map runs that did not succeed: Standard
// children that did not succeed are redriven, Express ones begin anew, those that
// never began begin; the others are kept.
//
// # Logs
//
// Events go to CloudWatch Logs beside the execution, after they are durable.
// What a dying server has not delivered is not logged.
//
// # TestState
//
// It runs a state without a record. A Task state without a mock makes its call,
// unless it waits for a job or a token. Mocked results are checked against the
// shapes of the services on the bus and of dynamodb, events, kms, lambda and sqs.
//
// # HTTP tasks
//
// http:invoke reads the EventBridge connection and its secret over the bus, for each
// call anew, and asks for an OAuth token each time. Redirects are not followed. An
// endpoint is HTTPS, or on this machine. A call that had begun when the server died is
// made again unless its method is POST or PATCH.
//
// # Mocks
//
// An execution of STATE-MACHINE-ARN#TEST-CASE answers tasks from a mock file (see Mocks).
// Invocations are numbered as tasks are scheduled; after a restart they are counted
// in the history, those of Map runs' children begin at 0 again.
//
// # Not here
//
// Encryption with customer keys and tracing are accepted and described, not acted
// on. Optimized integrations other than events, glue, http, sns, sqs and states are recognised
// at creation, those of EMR with their parameters, and fail when they are reached.
//
// The composition root imports this package; it imports no other service.
package states
