// Package redshiftserverless is Amazon Redshift Serverless: namespaces, their
// workgroups, temporary credentials and tags, after the Redshift Serverless API
// reference. What a workgroup answers to SQL is the warehouse's: a namespace is
// a cluster of it, made when the first workgroup is, and removed with the
// namespace.
//
// A workgroup passes through CREATING, MODIFYING and DELETING; each takes a
// second of the clock (a task of kind "redshift-serverless.transition", resumed
// after a restart). Its endpoint is the server's Redshift listener, which finds
// the workgroup as package redshift says (startup option cluster, credentials,
// administrator, database). Capacities, networks and configuration parameters are
// kept and shown and have no effect.
//
// Refused by name: snapshots (a final one too), recovery points, usage limits,
// scheduled actions, VPC endpoints, custom domains, resource policies.
//
// Only the composition root imports this package; others reach it over the bus.
package redshiftserverless
