// Package ssm is AWS Systems Manager Parameter Store: parameters with versions,
// labels, history, hierarchies, filters and tags, after the Systems Manager API
// reference.
//
// The values of SecureStrings are sealed at rest; the KMS key that a KeyId names
// must be there, be enabled and stay so for a value to be shown, but is not what
// it is sealed with. Parameter policies (expiration and notifications), public
// parameters (/aws/service/...), references to secrets (/aws/reference/...), the
// data type aws:ec2:image, and all of Systems Manager but Parameter Store are
// refused by name.
//
// Only the composition root imports this package; others reach it over the bus.
package ssm
