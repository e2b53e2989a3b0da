// Package project runs a pipeline folder: it reads stepwell.yaml, deploys what
// it declares, starts its executions, watches them and checks what must hold
// afterwards.
//
// It talks to a server as any client does, through a bus.Invoker for the AWS
// operations and an SQL connection for the warehouse, so that a pipeline can be
// run against a server in this process or another. Package cli imports it.
package project
