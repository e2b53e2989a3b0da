// Package lambda is AWS Lambda: functions with versions, aliases, layers,
// permissions, tags and concurrency; synchronous, event and dry-run invokes.
//
// Handlers run for real, as child processes. Each worker is one process tree
// that asks our Runtime API (runtimeapi.go) for one invocation at a time:
// Python under AWS's published client awslambdaric, with boto3, in an
// environment that is built once for all functions; Node.js under AWS's
// aws-lambda-ric, whose native HTTP client nodejs/start.mjs stands in for, with
// the packages of the AWS SDK 3 that the code names; "provided" runtimes and Go
// as the executable named bootstrap. Workers stay warm, expire when they have
// been idle for a while, and are killed with everything they started when an
// invocation takes longer than the function's timeout.
//
// What differs from AWS, on purpose: the Python is the machine's own 3.x and
// the Node.js the machine's own, whatever Runtime says; the code's folder is
// LAMBDA_TASK_ROOT, not /var/task, and TMPDIR is a folder of the worker's own.
// Workers of functions with layers have mounts of their own, where Linux permits
// them: code in /var/task, layers in /opt, Python in /var/lang; elsewhere layers
// are merged in a folder that PATH, PYTHONPATH, NODE_PATH and LD_LIBRARY_PATH
// name. A worker is killed for its memory when it has 32 MiB more than MemorySize
// resident (on Linux); an invoke of a function that is still Pending waits instead
// of failing; roles are not assumed and permissions are kept, not enforced. Where
// more workers are wanted than the machine is given, invocations wait for one.
//
// It refuses by name what it does not do: container images, the runtimes of
// Java, Ruby and .NET, response streams, provisioned concurrency, SnapStart,
// code signing, file systems and event source mappings of other sources than SQS.
//
// Function URLs are host names of this server (Site): ID.lambda-url.REGION.localhost.
//
// An event invoke is a durable task: accepted before a kill, it runs after it.
// CloudWatch is told within seconds how many invocations there were, failed and
// were throttled, and how long they took.
//
// Only the composition root imports it; other services reach it over the bus.
package lambda
