// Package forward sends what is asked of a service to AWS, or to any server that
// speaks as AWS does: a service that a [Route] names is answered there, not here.
//
// Calls of the bus (Task states, job runs, neighbours) are encoded by the
// service's model, signed and tried again as AWS's SDKs do (standard mode: three
// attempts on throttling, 5xx and broken connections). Requests of clients pass
// on as they are, with a signature of the route's credentials in place of
// theirs; trying again is the client's. What the other side answers, errors too,
// comes back as it is.
//
// Credentials come from a profile of the shared configuration files, as the "AWS
// SDKs and Tools Reference Guide" has them: static keys, the environment,
// role_arn with source_profile or credential_source=Environment,
// credential_process. IAM Identity Center (SSO), web identities, MFA and the
// metadata services of EC2 and ECS are refused by name. Clients of this server
// act with these credentials: whoever reaches it has their rights.
//
// It knows no service but for how S3 and STS are addressed. Only the composition
// root imports it.
package forward
