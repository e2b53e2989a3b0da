// Package redshift is the management side of Amazon Redshift: provisioned
// clusters, their credentials, parameter groups, subnet groups and tags, after
// the Redshift API reference. What a cluster answers to SQL is the warehouse's.
//
// Every account and region has a cluster from the start: stepwell, with database
// dev and master user awsuser. Clusters that are created, modified, paused,
// resumed, rebooted or deleted pass through AWS's states; each takes a second of
// the clock (a task of kind "redshift.transition", resumed after a restart). A
// paused cluster refuses connections. Sizes and node types are kept and shown and
// have no effect: all clusters run in this process.
//
// # Which cluster a wire connection reaches
//
// All clusters share one port. [Service.Authenticate] finds the cluster:
//
//  1. The startup option cluster (options=-c cluster=NAME, or
//     ACCOUNT/REGION/NAME) names it, if given. NAME may be a workgroup.
//  2. Otherwise the one whose temporary credentials, or master user and
//     password, were given.
//  3. Otherwise the only one with a database of that name. The default cluster
//     of the home account and region has precedence.
//  4. Otherwise that default cluster.
//
// The password must be a master password or temporary credentials, except on a
// loopback connection to the default cluster: that accepts any. [Service.ClusterFor]
// applies them for callers that do not know the password: temporary credentials
// by their user name, the newest first, and the only cluster with the database
// whose master user is asking.
//
// Namespaces of Redshift Serverless ([Deps].Namespaces) take part as clusters do.
//
// # Clusters that are elsewhere
//
// The tag stepwell:redshift binds a cluster to another server (package remote has
// the words of its value): SQL for the cluster goes there as it is written. All
// else stays as it is: the endpoint shown is this server's, where temporary
// credentials of the cluster are good and connections are passed through.
//
// Refused by name: snapshots (a final one too), data shares, endpoints, HSM,
// scheduled actions, usage limits, partners, integrations, reserved nodes. Redshift Serverless is another service.
//
// Only the composition root imports this package; others reach it over the bus.
package redshift
