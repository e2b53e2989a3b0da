// Package process runs child processes: their lines go to sinks without loss,
// their whole tree dies with them and with the server, and their environment is
// what the caller names and nothing else. It also finds Python and Node.js and builds
// the environments that runs share (Environments).
//
// It knows nothing of jobs or functions: what is run, and for how long, is the
// caller's. Services that run user code import it.
package process
