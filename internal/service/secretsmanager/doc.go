// Package secretsmanager is AWS Secrets Manager: secrets with versions and
// staging labels, recovery windows, resource policies (kept, not enforced),
// tags and random passwords, after the Secrets Manager API reference.
//
// Values are sealed at rest with AES-256-GCM under a key in a file of its own
// (see [NewSealer]); everything else of a secret is readable in the store. A
// KmsKeyId is kept and shown; the key it names is not used.
//
// A secret whose recovery window has passed is gone for every reader at that
// moment; its record is removed when its name is next written.
//
// Rotation invokes the secret's Lambda function for the four steps, at once and by
// the rules, in tasks of kind "secretsmanager.rotation" that outlive a restart. A
// step that fails is tried again five times; then the next rotation begins anew.
//
// Refused by name: replication to other regions, managed external secrets.
//
// Only the composition root imports this package; others reach it over the bus.
package secretsmanager
